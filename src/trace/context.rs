//! The context of a trace, and the two headers that carry it.
//!
//! Both have the same ids: X-Ray writes the 32 hexadecimal digits of a trace as `1-<8>-<24>`.
//! Sources: <https://www.w3.org/TR/trace-context/#traceparent-header> and
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>

use super::x_ray;

/// Where in which trace something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// Not zero.
    pub(super) trace: u128,
    /// The span that caused it, if its sender had one; not zero.
    pub(super) parent: Option<u64>,
    pub(super) sampled: Sampled,
}

/// Whether spans of the trace are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampled {
    Yes,
    No,
    /// Whoever comes first decides.
    Undecided,
}

/// The digits of a `traceparent` of version 0. Later versions append to it.
const TRACEPARENT_LENGTH: usize = 55;
const LOW_96_BITS: u128 = (1 << 96) - 1;

impl Context {
    /// Reads a `traceparent`.
    pub(super) fn from_w3c(header: &str) -> Option<Self> {
        let (known, rest) = header.split_at_checked(TRACEPARENT_LENGTH)?;
        let mut parts = known.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = nonzero(hex(parts.next()?, 32)?)?;
        let parent = u64::try_from(nonzero(hex(parts.next()?, 16)?)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        let is_whole =
            if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        let sampled = if flags & 1 == 1 { Sampled::Yes } else { Sampled::No };
        let context = Self { trace, parent: Some(parent), sampled };
        (version != 0xff && is_whole && parts.next().is_none()).then_some(context)
    }

    /// Reads an `X-Amzn-Trace-Id`.
    pub(super) fn from_x_ray(header: &str) -> Option<Self> {
        if !x_ray::is_well_formed(header) {
            return None;
        }
        let field = |wanted| {
            let mut fields = header.split(';').filter_map(|field| field.split_once('='));
            fields.find(|(name, _)| *name == wanted).map(|(_, value)| value)
        };
        let root = field("Root")?.strip_prefix("1-")?.replace('-', "");
        let trace = nonzero(u128::from_str_radix(&root, 16).ok()?)?;
        let parent = field("Parent").and_then(|parent| u64::from_str_radix(parent, 16).ok());
        let sampled = match field("Sampled") {
            Some("1") => Sampled::Yes,
            Some("0") => Sampled::No,
            _ => Sampled::Undecided,
        };
        Some(Self { trace, parent: parent.filter(|parent| *parent != 0), sampled })
    }

    /// Writes an `X-Amzn-Trace-Id`.
    pub(super) fn to_x_ray(self) -> String {
        let Self { trace, parent, sampled } = self;
        let root = format!("Root=1-{:08x}-{:024x}", trace >> 96, trace & LOW_96_BITS);
        let parent = parent.map(|parent| format!(";Parent={parent:016x}")).unwrap_or_default();
        let sampled = match sampled {
            Sampled::Yes => ";Sampled=1",
            Sampled::No => ";Sampled=0",
            Sampled::Undecided => "",
        };
        format!("{root}{parent}{sampled}")
    }
}

/// W3C allows lower case alone.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_number = text.len() == digits && text.bytes().all(is_hex);
    is_number.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Zero is no id in either form.
fn nonzero(id: u128) -> Option<u128> {
    (id != 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const W3C: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
    const X_RAY: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn the_two_headers_say_the_same() {
        let context = Context::from_w3c(W3C).unwrap();
        assert_eq!(context.to_x_ray(), X_RAY);
        assert_eq!(Context::from_x_ray(X_RAY), Some(context));
        let unsampled = Context::from_w3c(&W3C.replace("-01", "-00")).unwrap().to_x_ray();
        assert!(unsampled.ends_with(";Sampled=0"), "{unsampled}");
        let small = "00-00000000000000000000000000000001-0000000000000002-03";
        let small = Context::from_w3c(small).unwrap().to_x_ray();
        assert_eq!(
            small,
            "Root=1-00000000-000000000000000000000001;Parent=0000000000000002;Sampled=1"
        );
        assert!(x_ray::is_well_formed(&small));
    }

    #[test]
    fn a_root_alone_is_a_trace_without_a_parent() {
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let context = Context::from_x_ray(root).unwrap();
        assert_eq!((context.parent, context.sampled), (None, Sampled::Undecided));
        assert_eq!(context.to_x_ray(), root);
    }

    #[test]
    fn what_breaks_the_form_is_no_context() {
        for header in [
            "",
            "00",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8",
            "00-5759E988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
            "00-00000000000000000000000000000000-53995c3f42cd8ad8-01",
            "00-5759e988bd862e3fe1be46a994272793-0000000000000000-01",
            "ff-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01-x",
            "01-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01x",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad-\u{fc}1",
        ] {
            assert_eq!(Context::from_w3c(header), None, "{header}");
        }
        let later = "01-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01-x";
        assert_eq!(Context::from_w3c(later), Context::from_w3c(W3C));
        assert_eq!(Context::from_x_ray("Root=1-00000000-000000000000000000000000"), None);
    }
}
