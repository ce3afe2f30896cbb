//! The check of a signature, from the wire to the principal.

use axum::http::request::Parts;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use super::{
    Credentials, Principal,
    canonical::{canonical_request, sha256, signature, string_to_sign},
    claim::{Claim, Payload},
    error::{AuthError, Mismatch},
};

impl Credentials {
    /// Who signed this request, and which body, or why S3 would not say. Nothing of the body is
    /// needed yet: who may not ask need not be read.
    pub(in crate::control::api) fn verify(
        &self,
        head: &Parts,
        now: Timestamp,
    ) -> Result<(Principal, SignedBody), AuthError> {
        if self.is_empty() {
            return Err(AuthError::AccessDenied);
        }
        let claim = Claim::read(head, now)?;
        let scope = claim.scope(self.region.as_str())?;
        claim.refuse_unsigned(&head.headers)?;
        let unknown = || AuthError::UnknownKey { access_key_id: scope.access_key_id.into() };
        let key = self.key(scope.access_key_id).ok_or_else(unknown)?;

        let canonical_request = canonical_request(head, &claim);
        let string_to_sign = string_to_sign(&claim.date, scope.signed, &canonical_request);
        let expected = signature(&key.secret, claim.instant, &self.region, &string_to_sign);
        let equal: bool = expected.as_bytes().ct_eq(claim.signature.as_bytes()).into();
        if !equal {
            return Err(AuthError::Mismatch(Box::new(Mismatch {
                access_key_id: scope.access_key_id.into(),
                signature_provided: claim.signature.as_ref().into(),
                string_to_sign,
                canonical_request,
            })));
        }
        let body = match claim.payload {
            Payload::Unsigned => SignedBody(None),
            Payload::Digest(digest) => SignedBody(Some(digest.into())),
            Payload::Streaming(_) => return Err(AuthError::Streaming),
        };
        Ok((Principal::new(key), body))
    }
}

/// The digest of the body that was signed, if it was.
#[derive(Debug)]
pub(in crate::control::api) struct SignedBody(Option<Box<str>>);

impl SignedBody {
    /// Refuses a body that is not the one that was signed.
    pub(in crate::control::api) fn refuse_other(self, body: &[u8]) -> Result<(), AuthError> {
        let Some(signed) = self.0 else { return Ok(()) };
        let computed: Box<str> = sha256(body).into();
        if signed.eq_ignore_ascii_case(&computed) {
            return Ok(());
        }
        Err(AuthError::OtherBody { signed, computed })
    }
}
