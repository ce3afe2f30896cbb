//! boto3 over TLS: it signs other things then than over plain HTTP.

use serde_json::json;

use super::{Client, QUEUE, home};
use crate::harness::{Authority, rule, rules};

#[test]
fn boto3_puts_and_gets_over_tls() {
    let home = home().speaking_tls(&Authority::new("fanfare tests"));
    let _daemon = home.start();
    let mut client = Client::of(&home);
    let document = rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]);
    client.put_unvalidated("photos", &document).accepted();
    assert_eq!(client.get("photos"), document);
    let refused = client.put_unvalidated("photos", &json!({ "QueueConfigurations": [{}] }));
    assert_eq!(refused.code(), (400, "MalformedXML"));
}
