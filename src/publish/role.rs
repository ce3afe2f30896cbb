//! The role in whose name a destination is sent to.

use serde::{Deserialize, Serialize};

use crate::model::Arn;

/// The ARN of an IAM role.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RoleArn(String);

/// A text that is no such ARN.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no role; write its ARN, such as \"arn:aws:iam::123456789012:role/sender\"")]
pub struct RoleArnError {
    text: String,
}

impl RoleArn {
    /// The ARN as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RoleArn {
    type Error = RoleArnError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_account = |account: &str| {
            account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit())
        };
        let is_role = text.parse::<Arn>().is_ok_and(|arn| {
            arn.service() == "iam"
                && is_account(arn.account())
                && arn.resource().strip_prefix("role/").is_some_and(|name| !name.is_empty())
        });
        if is_role && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self(text));
        }
        Err(RoleArnError { text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_by_its_arn() {
        for role in
            ["arn:aws:iam::123456789012:role/sender", "arn:aws-cn:iam::123456789012:role/a/b"]
        {
            assert_eq!(RoleArn::try_from(role.to_owned()).unwrap().as_str(), role);
        }
        for other in [
            "sender",
            "arn:aws:iam::123456789012:user/sender",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::12:role/sender",
            "arn:aws:sts::123456789012:assumed-role/sender/x",
            "arn:aws:iam::123456789012:role/a b",
        ] {
            let told = RoleArn::try_from(other.to_owned()).unwrap_err().to_string();
            assert!(told.starts_with(&format!("`{other}` is no role; write its ARN")), "{told}");
        }
    }
}
