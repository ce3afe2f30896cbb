//! The credential scope: whose key, for which day, region and service.

use super::time::is_day;

/// `AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request`, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'c> {
    pub(super) access_key_id: &'c str,
    pub(super) day: &'c str,
    /// All but the access key, as it is signed.
    pub(super) signed: &'c str,
}

/// What is wrong with a credential scope, in the words of S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Not five parts.
    #[error(
        "the Credential is mal-formed; expecting \
         \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
    )]
    Parts,
    /// No access key before the first slash.
    #[error("a non-empty Access Key (AKID) must be provided in the credential.")]
    NoAccessKey,
    /// The date is none.
    #[error(
        "incorrect date format \"{day}\". This date in the credential must be in the format \
         \"yyyyMMdd\"."
    )]
    Day {
        /// As sent.
        day: Box<str>,
    },
    /// No region between its slashes.
    #[error("a non-empty region must be provided in the credential.")]
    NoRegion,
    /// Signed for another region.
    #[error("the region '{region}' is wrong; expecting '{expected}'")]
    Region {
        /// As sent.
        region: Box<str>,
        /// The region of the settings.
        expected: Box<str>,
    },
    /// Signed for another service.
    #[error("incorrect service \"{service}\". This endpoint belongs to \"s3\".")]
    Service {
        /// As sent.
        service: Box<str>,
    },
    /// Not the end of a scope.
    #[error("incorrect terminal \"{terminal}\". This endpoint uses \"aws4_request\".")]
    Terminal {
        /// As sent.
        terminal: Box<str>,
    },
}

impl<'c> Scope<'c> {
    /// Checks the parts in the order in which S3 names what is wrong.
    pub(super) fn parse(credential: &'c str, expected: &str) -> Result<Self, ScopeError> {
        let (access_key_id, signed) = credential.split_once('/').ok_or(ScopeError::Parts)?;
        let parts: Vec<&str> = signed.split('/').collect();
        let &[day, region, service, terminal] = parts.as_slice() else {
            return Err(ScopeError::Parts);
        };
        if access_key_id.is_empty() {
            return Err(ScopeError::NoAccessKey);
        }
        if !is_day(day) {
            return Err(ScopeError::Day { day: day.into() });
        }
        if region.is_empty() {
            return Err(ScopeError::NoRegion);
        }
        if region != expected {
            let (region, expected) = (region.into(), expected.into());
            return Err(ScopeError::Region { region, expected });
        }
        if service != "s3" {
            return Err(ScopeError::Service { service: service.into() });
        }
        if terminal != "aws4_request" {
            return Err(ScopeError::Terminal { terminal: terminal.into() });
        }
        Ok(Self { access_key_id, day, signed })
    }
}
