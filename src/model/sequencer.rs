//! The value that orders the events of one object.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many hex digits Amazon sends today.
const DIGITS: usize = 18;

/// A record's `sequencer`: 18 upper-case hex digits; larger is later, for the same bucket and key.
///
/// Amazon's guide pads shorter values with zeros, in some editions on the left, in others on the
/// right. A fixed width makes both rules agree.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sequencer(Box<str>);

impl Sequencer {
    /// Reads up to 18 hex digits and pads them on the left. MinIO and RustFS send 16: the
    /// modification time in nanoseconds.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && digits.len() <= DIGITS)
            .then(|| Self(format!("{:0>DIGITS$}", digits.to_ascii_uppercase()).into()))
    }

    /// Reads Ceph's 16 digits: seconds and nanoseconds, each as four bytes in the order of a
    /// little-endian machine, so that only the swapped value grows with time.
    pub fn from_swapped_hex(digits: &str) -> Option<Self> {
        if digits.len() != 16 {
            return None;
        }
        let word = |part: Option<&str>| u32::from_str_radix(part?, 16).ok().map(u32::swap_bytes);
        let (seconds, nanos) = (word(digits.get(..8))?, word(digits.get(8..))?);
        Some(Self(format!("00{seconds:08X}{nanos:08X}").into()))
    }

    /// Makes one from the time of the event, in the form of MinIO and RustFS, for a store that
    /// sent none.
    pub fn from_time(time: Timestamp) -> Self {
        Self(format!("{:0DIGITS$X}", time.as_nanosecond().max(0)).into())
    }

    /// The 18 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_store_s_value_gets_18_digits() {
        assert_eq!(Sequencer::from_hex("18EA4EE745C3D270").unwrap().as_str(), "0018EA4EE745C3D270");
        assert_eq!(Sequencer::from_hex("617f08299329d189").unwrap().as_str(), "00617F08299329D189");
        assert_eq!(
            Sequencer::from_hex("0055AED6DCD90281E5").unwrap().as_str(),
            "0055AED6DCD90281E5"
        );
        for digits in ["", "xyz", "0055AED6DCD90281E5FF"] {
            assert_eq!(Sequencer::from_hex(digits), None, "{digits}");
        }
    }

    /// The captured values of two events, the second half a second later.
    #[test]
    fn ceph_s_bytes_are_swapped_into_the_order_of_time() {
        let put = Sequencer::from_swapped_hex("CF97026B51CD3B39").unwrap();
        let delete = Sequencer::from_swapped_hex("D097026BB19FD519").unwrap();
        assert_eq!(put.as_str(), "006B0297CF393BCD51");
        assert!(put < delete);
    }

    #[test]
    fn time_makes_a_value_that_grows() {
        let early = Sequencer::from_time("2026-11-22T07:20:47.1Z".parse().unwrap());
        let late = Sequencer::from_time("2026-11-22T07:20:47.2Z".parse().unwrap());
        assert!(early < late);
        assert_eq!(early.as_str().len(), 18);
    }
}
