//! `GET /explain?bucket=…&event=…&key=…`: what is asked there.

use futures_util::future::BoxFuture;

use super::{
    Refusal,
    parameters::{Parameters, ask_by},
};

const KNOWN: [&str; 3] = ["bucket", "event", "key"];

/// The parameters of the question, decoded; nothing else is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The name of a bucket.
    pub bucket: String,
    /// The name of an event.
    pub event: String,
    /// A raw key.
    pub key: String,
}

/// The answer, as JSON, once it is known.
pub type Answer = BoxFuture<'static, Result<String, Refusal>>;

impl Asked {
    /// Reads the query of the URL: each parameter once, and no other.
    pub(super) fn read(query: &str) -> Result<Self, Refusal> {
        let mut parameters = Parameters::read(query, &KNOWN)?;
        let mut given = |name| {
            let missing = || Refusal::parameter(name, format!("is missing; {}", ask_by(&KNOWN)));
            parameters.text(name).ok_or_else(missing)
        };
        Ok(Self { bucket: given("bucket")?, event: given("event")?, key: given("key")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let asked = Asked::read("key=a%3Db+%C3%BC%2B&bucket=photos&event=ObjectCreated:Put&");
        let (bucket, event, key) = ("photos".into(), "ObjectCreated:Put".into(), "a=b ü+".into());
        assert_eq!(asked, Ok(Asked { bucket, event, key }));
    }

    #[test]
    fn whichever_parameter_is_wrong_is_named() {
        for (query, parameter, problem) in [
            ("", "bucket", "is missing"),
            ("bucket=b&key=k", "event", "is missing"),
            ("bucket=b&event=e&key=k&keys=k", "keys", "is unknown; ask by bucket, event, key"),
            ("bucket=b&event=e&key=k&key=k", "key", "is given twice"),
            ("bucket=b&event=e&key=%FF", "key", "does not decode"),
        ] {
            let said = serde_json::to_value(Asked::read(query).unwrap_err()).unwrap();
            assert_eq!(said["parameter"], parameter);
            assert!(said["problem"].as_str().unwrap().starts_with(problem), "{said}");
        }
    }
}
