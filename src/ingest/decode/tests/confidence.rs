//! What a store's client sent in confidence stays in the store's body.

use std::fs;

use super::bodies::{capture, captures, received};
use crate::{
    model::{AccountId, Record, Region},
    payload::{self, Form, Renderer},
};

/// RustFS writes its client's request headers into its events, signatures included.
#[test]
fn no_authorization_reaches_a_record_or_a_message() {
    let renderer =
        Renderer::new(Region::default(), AccountId::default().into(), &payload::Config::default());
    let mut signatures = 0;
    for file in fs::read_dir(captures()).unwrap() {
        let body = capture(&file.unwrap().file_name().into_string().unwrap());
        let Some(authorization) = body.pointer("/Records/0/requestParameters/authorization") else {
            continue;
        };
        signatures += 1;
        let authorization = authorization.as_str().unwrap();
        let signature = authorization.split("Signature=").nth(1).unwrap();
        let event = received(&body.to_string()).events.remove(0).event;
        let mut texts: Vec<String> = [Form::S3Event, Form::EventBridge]
            .into_iter()
            .filter_map(|form| renderer.message(form, &event, None))
            .map(|message| format!("{message:?}"))
            .collect();
        let record = Record { event, rules: vec![None] };
        texts.push(String::from_utf8(record.encode()).unwrap());
        assert_eq!(texts.len(), 3);
        for text in texts {
            for secret in ["authorization", "AWS4-HMAC-SHA256", "Signature", signature] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
    assert_eq!(signatures, 4, "every capture of RustFS over HTTP has one");
}
