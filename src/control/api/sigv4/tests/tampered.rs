//! A request that was changed on its way is refused.

use super::request::{Wire, moment_of, signed_elsewhere, verify};

/// Every text that differs from this one in one byte, in a few ways that a request may hold.
fn changed(text: &str) -> impl Iterator<Item = String> + '_ {
    text.bytes().enumerate().flat_map(move |(at, byte)| {
        // Among them the other case of a letter, and what means something in a request.
        let others = [byte ^ 1, byte ^ 0x20, b'%', b'&', b'=', b'/', b'x'].into_iter();
        // What follows a `#` is never sent.
        let visible = move |other: &u8| other.is_ascii_graphic() && !matches!(other, b'#');
        others.filter(visible).filter(move |other| *other != byte).map(move |other| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = other;
            String::from_utf8(bytes).unwrap()
        })
    })
}

fn with_one_byte_changed(wire: &Wire) -> Vec<Wire> {
    let mut all: Vec<Wire> = Vec::new();
    all.extend(changed(&wire.method).map(|method| Wire { method, ..wire.clone() }));
    all.extend(changed(&wire.target).map(|target| Wire { target, ..wire.clone() }));
    if !format!("{wire:?}").contains("UNSIGNED-PAYLOAD") && !wire.target.contains("Signature") {
        all.extend(changed(&wire.body).map(|body| Wire { body, ..wire.clone() }));
    }
    let authorization = wire.headers.iter().find(|(name, _)| name == "Authorization");
    let signed = authorization.map_or(&wire.target, |(_, value)| value);
    for (at, (name, value)) in wire.headers.iter().enumerate() {
        if signed.to_lowercase().contains(&name.to_lowercase()) {
            all.extend(changed(value).map(|value| {
                let mut wire = wire.clone();
                wire.headers[at].1 = value;
                wire
            }));
        }
    }
    all
}

#[test]
fn one_changed_byte_breaks_every_signature() {
    let mut tried = 0;
    for (name, wire) in signed_elsewhere() {
        for changed in with_one_byte_changed(&wire) {
            if changed.head().is_some() {
                tried += 1;
                assert!(verify(&changed, moment_of(&name)).is_err(), "{name}: {changed:?}");
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}
