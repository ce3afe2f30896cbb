//! What a `*` means in the settings.

/// Whether the text fits the pattern, in which a `*` stands for any run of characters, none
/// included, and everything else for itself.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return *pattern == *text };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut inner) = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail)) else {
        return false;
    };
    // The leftmost place of each part leaves the most room for those after it.
    middle.split('*').all(|part| {
        let found = inner.split_once(part);
        inner = found.map_or(inner, |(_, after)| after);
        found.is_some()
    })
}
