//! `GET /explain?bucket=…&event=…&key=…`: what is asked there, and what is wrong with it.

use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::model::decode_form;

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

/// Why there is no answer, as JSON for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum NoAnswer {
    /// The question is none.
    BadParameter {
        /// Its name.
        parameter: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nobody knows at the moment.
    Unavailable {
        /// Why.
        problem: String,
    },
}

/// The answer, as JSON, once it is known.
pub type Answer = BoxFuture<'static, Result<String, NoAnswer>>;

impl Asked {
    /// Reads the query of the URL: each parameter once, and no other.
    pub(super) fn read(query: &str) -> Result<Self, NoAnswer> {
        let (mut bucket, mut event, mut key) = (None, None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let slot = match name {
                "bucket" => &mut bucket,
                "event" => &mut event,
                "key" => &mut key,
                _ => return Err(NoAnswer::bad(name, "is unknown; ask by bucket, event, key")),
            };
            let value = decode_form(value)
                .ok_or_else(|| NoAnswer::bad(name, "does not decode to UTF-8"))?;
            if slot.replace(value).is_some() {
                return Err(NoAnswer::bad(name, "is given twice"));
            }
        }
        let given = |name, value: Option<_>| {
            value.ok_or_else(|| NoAnswer::bad(name, "is missing; ask by bucket, event, key"))
        };
        Ok(Self {
            bucket: given("bucket", bucket)?,
            event: given("event", event)?,
            key: given("key", key)?,
        })
    }
}

impl NoAnswer {
    fn bad(parameter: &str, problem: &str) -> Self {
        Self::BadParameter { parameter: parameter.into(), problem: problem.into() }
    }

    /// The status of the answer that says so.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::BadParameter { .. } => StatusCode::BAD_REQUEST,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
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
            ("bucket=b&event=e&key=k&keys=k", "keys", "is unknown"),
            ("bucket=b&event=e&key=k&key=k", "key", "is given twice"),
            ("bucket=b&event=e&key=%FF", "key", "does not decode"),
        ] {
            let said = serde_json::to_value(Asked::read(query).unwrap_err()).unwrap();
            assert_eq!(said["parameter"], parameter);
            assert!(said["problem"].as_str().unwrap().starts_with(problem), "{said}");
        }
    }
}
