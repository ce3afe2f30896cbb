//! A query as it was on the wire.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The parameters in their encoded form, in the order sent.
#[derive(Clone, Debug)]
pub(super) struct Query<'r>(Vec<(&'r str, &'r str)>);

impl<'r> Query<'r> {
    pub(super) fn parse(query: Option<&'r str>) -> Self {
        let parameters = query.filter(|query| !query.is_empty()).into_iter();
        let parameters = parameters.flat_map(|query| query.split('&'));
        Self(parameters.map(|each| each.split_once('=').unwrap_or((each, ""))).collect())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(each, _)| *each == name)
    }

    /// The decoded value, unless the parameter is absent or not UTF-8.
    pub(super) fn value(&self, name: &str) -> Option<Cow<'r, str>> {
        let (_, value) = self.0.iter().find(|(each, _)| *each == name)?;
        percent_decode_str(value).decode_utf8().ok()
    }

    /// The same, for a parameter that stands for a header.
    pub(super) fn value_of_any_case(&self, name: &str) -> Option<Cow<'r, str>> {
        let mut parameters = self.0.iter();
        let (_, value) = parameters.find(|(each, _)| each.eq_ignore_ascii_case(name))?;
        Some(percent_decode_str(value).decode_utf8_lossy())
    }

    /// Sorted, and each name with its `=`; the parameter named `except` is left out.
    pub(super) fn canonical(&self, except: Option<&str>) -> String {
        let kept = self.0.iter().filter(|(name, _)| Some(*name) != except);
        let mut parameters: Vec<_> = kept.collect();
        // By name and then by value: as one text, `a-b=` would sort before `a=`.
        parameters.sort_unstable();
        let parameters = parameters.into_iter().map(|(name, value)| format!("{name}={value}"));
        parameters.collect::<Vec<_>>().join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_sorted_by_name_and_then_by_value() {
        let query = Query::parse(Some("b&a-b=1&a=2&a=1&notification&sig=x"));
        assert_eq!(query.canonical(Some("sig")), "a=1&a=2&a-b=1&b=&notification=");
        assert_eq!(Query::parse(Some("")).canonical(None), "");
        assert_eq!(Query::parse(None).canonical(None), "");
    }

    #[test]
    fn encoding_is_signed_as_it_was_sent() {
        let query = Query::parse(Some("k=a%2Fb&l=a/b"));
        assert_eq!(query.canonical(None), "k=a%2Fb&l=a/b");
        assert_eq!(query.value("k"), query.value("l"));
    }
}
