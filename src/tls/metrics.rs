//! What is counted of TLS.

use ::metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

const EXPIRY: &str = "fanfare_certificate_expiry_timestamp_seconds";
const FAILED: &str = "fanfare_tls_handshakes_failed_total";

/// Says what the metrics mean.
pub fn describe() {
    describe_gauge!(
        EXPIRY,
        Unit::Seconds,
        "When the certificate of a listener expires, in seconds since 1970."
    );
    describe_counter!(FAILED, "Connections to a listener with TLS that never got as far as HTTP.");
}

pub(super) fn expiry(listener: &'static str) -> Gauge {
    gauge!(EXPIRY, "listener" => listener)
}

pub(super) fn handshakes_failed(listener: &'static str) -> Counter {
    counter!(FAILED, "listener" => listener)
}
