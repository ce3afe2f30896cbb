//! The form of the X-Ray header, which goes on to the queues.

/// The longest header that AWS takes, in bytes.
const BYTES_MAX: usize = 500;

/// Whether this is an X-Ray trace header: `Root=1-<8 hex>-<24 hex>`, perhaps with `Parent=<16
/// hex>`, `Sampled=0`, `1` or `?`, and fields of others. SQS refuses a message with any other, and
/// the event would be sent again for ever.
///
/// Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>
pub(super) fn is_well_formed(header: &str) -> bool {
    let fields = || header.split(';').map(|field| field.split_once('=').unwrap_or_default());
    let times = |wanted| fields().filter(|(name, _)| *name == wanted).count();
    header.len() <= BYTES_MAX
        && fields().all(|(name, value)| is_field(name, value))
        && times("Root") == 1
        && times("Parent") <= 1
        && times("Sampled") <= 1
}

fn is_field(name: &str, value: &str) -> bool {
    match name {
        "Root" => is_root(value),
        "Parent" => is_hex(value, 16),
        "Sampled" => matches!(value, "0" | "1" | "?"),
        _ => is_word(name) && is_word(value),
    }
}

fn is_root(value: &str) -> bool {
    let digits = value.strip_prefix("1-").and_then(|digits| digits.split_once('-'));
    digits.is_some_and(|(time, id)| is_hex(time, 8) && is_hex(id, 24))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn what_aws_writes_is_well_formed() {
        for fields in [
            "",
            ";Sampled=1",
            ";Parent=53995c3f42cd8ad8;Sampled=0",
            ";Parent=53995c3f42cd8ad8;Sampled=?;Lineage=1:a87bd80c:1|68fd508a:5",
            ";Self=1-67891234-12456789abcdef012345678",
        ] {
            assert!(is_well_formed(&format!("{ROOT}{fields}")), "{fields}");
        }
        assert!(is_well_formed(&format!("Self=1-67891234-1245;{ROOT}")), "in any order");
    }

    #[test]
    fn anything_else_is_not() {
        for header in [
            "",
            "Root=1",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-5759e98g-bd862e3fe1be46a994272793",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "root=1-5759e988-bd862e3fe1be46a994272793",
            "Sampled=1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(!is_well_formed(header), "{header}");
        }
        for fields in [";Sampled=2", ";Parent=1", ";", ";word", ";a=", ";a=b c", ";a=\u{fc}"] {
            assert!(!is_well_formed(&format!("{ROOT}{fields}")), "{fields}");
        }
        assert!(!is_well_formed(&format!("{ROOT};{ROOT}")), "one root");
        assert!(!is_well_formed(&format!("{ROOT};a={}", "x".repeat(500))), "too long");
    }
}
