//! Requests to verify: from a file, or changed from one.

use std::fs;

use axum::http::{Request, request::Parts};
use jiff::Timestamp;
use serde_json::json;

use crate::control::{
    AuthError, Credentials, Principal,
    api::sigv4::{canonical, claim::Claim, time::parse_instant},
};

pub(super) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A request as text, so that a test can change any byte of it.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

pub(super) fn credentials() -> Credentials {
    let config = json!([{ "access_key_id": ACCESS_KEY, "secret_access_key": SECRET }]);
    Credentials::load(&serde_json::from_value(config).unwrap(), region()).unwrap()
}

pub(super) fn region() -> crate::model::Region {
    "us-east-1".to_owned().try_into().unwrap()
}

/// Every request of the directory, by name.
pub(super) fn signed_elsewhere() -> Vec<(String, Wire)> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sigv4");
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let read = |file: std::path::PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, Wire::parse(&fs::read_to_string(&file).unwrap()))
    };
    files.map(read).collect()
}

#[track_caller]
pub(super) fn signed(name: &str) -> Wire {
    let found = signed_elsewhere().into_iter().find(|(each, _)| each == name);
    found.expect("there is such a request").1
}

/// The moment at which the request of this name was signed.
pub(super) fn moment_of(name: &str) -> Timestamp {
    let text = if name.starts_with("amazon") { "20130524T000000Z" } else { "20260930T120000Z" };
    parse_instant(text).unwrap()
}

/// When the requests of boto3 were signed.
pub(super) fn noon() -> Timestamp {
    moment_of("boto3")
}

#[track_caller]
pub(super) fn verify(wire: &Wire, now: Timestamp) -> Result<Principal, AuthError> {
    let head = wire.head().expect("a request that can be sent");
    let (principal, body) = credentials().verify(&head, now)?;
    body.refuse_other(wire.body.as_bytes())?;
    Ok(principal)
}

impl Wire {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap();
        let (request, headers) = head.split_once('\n').unwrap();
        let [method, target, "HTTP/1.1"] = request.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{request}");
        };
        let headers = headers.lines().map(|line| line.split_once(": ").unwrap());
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_owned(),
        }
    }

    /// As the server sees it, if it can be sent at all.
    pub(super) fn head(&self) -> Option<Parts> {
        let request = Request::builder().method(&*self.method).uri(&*self.target);
        let request = self
            .headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name.as_str(), value.as_str()));
        request.body(()).ok().map(|request| request.into_parts().0)
    }

    pub(super) fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(each, _)| each.eq_ignore_ascii_case(name));
        &mut found.expect("there is such a header").1
    }

    /// The request with this header and no other of its name.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(each, _)| !each.eq_ignore_ascii_case(name));
        self
    }

    /// The request with one text replaced, wherever in its head it stands.
    #[track_caller]
    pub(super) fn replacing(mut self, from: &str, to: &str) -> Self {
        let before = format!("{self:?}");
        self.target = self.target.replace(from, to);
        for (_, value) in &mut self.headers {
            *value = value.replace(from, to);
        }
        assert_ne!(before, format!("{self:?}"), "there is no {from}");
        self
    }

    /// The request with the signature that belongs to it now.
    pub(super) fn signed_again(mut self) -> Self {
        let head = self.head().unwrap();
        let claim = Claim::read(&head, noon()).unwrap();
        let scope = claim.scope("us-east-1").unwrap();
        let canonical = canonical::canonical_request(&head, &claim);
        let text = canonical::string_to_sign(&claim.date, scope.signed, &canonical);
        let secret = crate::model::Secret::new(SECRET.to_owned());
        let right = canonical::signature(&secret, claim.instant, &region(), &text);
        let wrong = claim.signature.to_string();
        self = self.replacing(&wrong, &right);
        self
    }
}
