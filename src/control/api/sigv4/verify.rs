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
    /// Who signed this request, or why S3 would not say. `body` is all of it.
    pub fn verify(
        &self,
        head: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Principal, AuthError> {
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
        claim.payload.refuse_other(body)?;
        Ok(Principal::new(key))
    }
}

impl Payload<'_> {
    /// Refuses a body that is not the one that was signed.
    fn refuse_other(&self, body: &[u8]) -> Result<(), AuthError> {
        let signed = match self {
            Self::Unsigned => return Ok(()),
            Self::Streaming(_) => return Err(AuthError::Streaming),
            Self::Digest(digest) => digest,
        };
        let computed = sha256(body);
        if signed.eq_ignore_ascii_case(&computed) {
            return Ok(());
        }
        Err(AuthError::OtherBody { signed: signed.as_ref().into(), computed: computed.into() })
    }
}
