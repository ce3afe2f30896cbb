//! What a request says about its own signature, before any of it is believed.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, header::AUTHORIZATION, request::Parts};
use jiff::{SignedDuration, Timestamp};

use super::{error::AuthError, scope::Scope, time::parse_instant};
use crate::control::api::query::Query;

/// The only algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far the clocks of a client and of this machine may be apart.
pub(super) const SKEW_MAX: SignedDuration = SignedDuration::from_mins(15);
/// A week: the longest that a presigned request is good for.
const EXPIRES_SECONDS_MAX: i64 = 604_800;
/// The digest of the body, or what is there instead of one.
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const DATE: &str = "x-amz-date";

/// Where a request has its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In `Authorization`.
    Header,
    /// In the query: presigned.
    Query,
}

/// A signature with all that it claims to cover.
#[derive(Debug)]
pub(super) struct Claim<'r> {
    pub(super) form: Form,
    pub(super) credential: Cow<'r, str>,
    /// As sent, and as signed.
    pub(super) date: Cow<'r, str>,
    pub(super) instant: Timestamp,
    /// Names joined with `;`, as sent.
    pub(super) signed_headers: Cow<'r, str>,
    pub(super) signature: Cow<'r, str>,
    pub(super) payload: Payload<'r>,
}

/// What is signed of the body.
#[derive(Debug)]
pub(super) enum Payload<'r> {
    Unsigned,
    /// 64 hexadecimal digits, of either case.
    Digest(Cow<'r, str>),
    /// The body would come in chunks, each with a signature or a trailer of its own.
    Streaming(Cow<'r, str>),
}

impl<'r> Claim<'r> {
    /// Reads the claim, and refuses one that is not of this time.
    pub(super) fn read(head: &'r Parts, now: Timestamp) -> Result<Self, AuthError> {
        let query = Query::parse(head.uri.query());
        let (v4, v2) = (query.contains("X-Amz-Algorithm"), query.contains("Signature"));
        match (head.headers.get(AUTHORIZATION), v4, v2) {
            (Some(_), true, _) | (Some(_), _, true) | (None, true, true) => {
                Err(AuthError::SeveralMechanisms)
            }
            (Some(value), false, false) => {
                let value = value.to_str().ok().ok_or(AuthError::UnknownMechanism)?;
                Self::in_header(value, &head.headers, now)
            }
            (None, true, false) => Self::in_query(&query, &head.headers, now),
            (None, false, true) => Err(AuthError::OldMechanism),
            (None, false, false) => Err(AuthError::AccessDenied),
        }
    }

    fn in_header(
        value: &'r str,
        headers: &'r HeaderMap,
        now: Timestamp,
    ) -> Result<Self, AuthError> {
        let (mechanism, rest) = value.split_once(' ').ok_or(AuthError::NoSpace)?;
        match mechanism {
            ALGORITHM => {}
            "AWS" | "AWS4-ECDSA-P256-SHA256" => return Err(AuthError::OldMechanism),
            _ => return Err(AuthError::UnknownMechanism),
        }
        let payload = Payload::parse(text(headers, CONTENT_SHA256).ok_or(AuthError::NoDigest)?)?;
        let date = text(headers, DATE).ok_or(AuthError::NoDate)?;
        let instant = parse_instant(&date).ok_or(AuthError::NoDate)?;
        if now.duration_since(instant).abs() > SKEW_MAX {
            return Err(AuthError::Skewed { request_time: date.into(), server_time: now });
        }
        let [credential, signed_headers, signature] = components(rest)?.map(Cow::from);
        let form = Form::Header;
        Ok(Self { form, credential, date, instant, signed_headers, signature, payload })
    }

    fn in_query(
        query: &Query<'r>,
        headers: &'r HeaderMap,
        now: Timestamp,
    ) -> Result<Self, AuthError> {
        if query.value("X-Amz-Algorithm").as_deref() != Some(ALGORITHM) {
            return Err(AuthError::QueryAlgorithm);
        }
        let value = |name| query.value(name).ok_or(AuthError::QueryIncomplete);
        let (credential, signature) = (value("X-Amz-Credential")?, value("X-Amz-Signature")?);
        let (date, signed_headers) = (value("X-Amz-Date")?, value("X-Amz-SignedHeaders")?);
        let expires = value("X-Amz-Expires")?;
        let instant = parse_instant(&date).ok_or(AuthError::QueryDate)?;
        refuse_outside(instant, &expires, now)?;
        // Some SDKs move every `x-amz-` header into the query.
        let digest = query.value("X-Amz-Content-Sha256").or_else(|| text(headers, CONTENT_SHA256));
        let payload = digest.map_or(Ok(Payload::Unsigned), Payload::parse)?;
        let form = Form::Query;
        Ok(Self { form, credential, date, instant, signed_headers, signature, payload })
    }

    /// The credential scope, which must be for this region and for the day of the request.
    pub(super) fn scope(&self, region: &str) -> Result<Scope<'_>, AuthError> {
        let form = self.form;
        let scope = Scope::parse(&self.credential, region)
            .map_err(|problem| AuthError::Scope { form, problem })?;
        if !self.date.starts_with(scope.day) {
            let (day, date) = (scope.day.into(), self.date.chars().take(8).collect());
            return Err(AuthError::OtherDay { form, day, date });
        }
        Ok(scope)
    }

    /// Refuses a header that changes what the request means and that is not covered. The host always
    /// is: it may name the bucket.
    pub(super) fn refuse_unsigned(&self, headers: &HeaderMap) -> Result<(), AuthError> {
        let matters = |name: &str| {
            matches!(name, "host" | "content-md5")
                // The digest is signed as the last line of the canonical request.
                || (name.starts_with("x-amz-") && name != CONTENT_SHA256)
        };
        let signed = |name: &str| self.signed_headers.split(';').any(|each| each == name);
        let names = headers.keys().map(HeaderName::as_str);
        let names = names.filter(|name| *name != "host").chain(["host"]);
        let mut names: Vec<_> = names.filter(|name| matters(name) && !signed(name)).collect();
        names.sort_unstable();
        if names.is_empty() { Ok(()) } else { Err(AuthError::Unsigned { names: names.join(", ") }) }
    }
}

impl<'r> Payload<'r> {
    fn parse(text: Cow<'r, str>) -> Result<Self, AuthError> {
        match &*text {
            "UNSIGNED-PAYLOAD" => Ok(Self::Unsigned),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
            | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
            | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => Ok(Self::Streaming(text)),
            digest if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(Self::Digest(text))
            }
            _ => Err(AuthError::Digest { value: text.into() }),
        }
    }

    pub(super) fn as_sent(&self) -> &str {
        match self {
            Self::Unsigned => "UNSIGNED-PAYLOAD",
            Self::Digest(text) | Self::Streaming(text) => text,
        }
    }
}

fn text<'r>(headers: &'r HeaderMap, name: &str) -> Option<Cow<'r, str>> {
    headers.get(name)?.to_str().ok().map(Cow::from)
}

/// `Credential`, `SignedHeaders` and `Signature`, in whatever order.
fn components(text: &str) -> Result<[&str; 3], AuthError> {
    let component = |name: &str| {
        let mut parts = text.split(',').filter_map(|part| part.trim().split_once('='));
        parts.find(|(each, _)| *each == name).map(|(_, value)| value)
    };
    match ["Credential", "SignedHeaders", "Signature"].map(component) {
        [Some(credential), Some(signed_headers), Some(signature)] => {
            Ok([credential, signed_headers, signature])
        }
        _ => Err(AuthError::Components),
    }
}

fn refuse_outside(from: Timestamp, expires: &str, now: Timestamp) -> Result<(), AuthError> {
    let seconds: i64 = expires.parse().ok().ok_or(AuthError::ExpiresNumber)?;
    if seconds < 0 {
        return Err(AuthError::ExpiresNegative);
    }
    if seconds > EXPIRES_SECONDS_MAX {
        return Err(AuthError::ExpiresTooLong);
    }
    let until = from.saturating_add(SignedDuration::from_secs(seconds));
    let until = until.unwrap_or(Timestamp::MAX);
    if from.duration_since(now) > SKEW_MAX {
        return Err(AuthError::NotYetValid { from, until, server_time: now });
    }
    if now > until {
        return Err(AuthError::Expired { expires: expires.into(), until, server_time: now });
    }
    Ok(())
}
