//! Who signs as Amazon documents it is believed.

use jiff::ToSpan as _;

use super::request::{ACCESS_KEY, Wire, moment_of, noon, signed, signed_elsewhere, verify};

#[test]
fn what_amazon_and_boto3_signed_verifies() {
    let requests = signed_elsewhere();
    assert_eq!(requests.iter().filter(|(name, _)| name.starts_with("amazon-")).count(), 5);
    assert_eq!(requests.iter().filter(|(name, _)| name.starts_with("boto3-")).count(), 10);
    for (name, wire) in requests {
        let principal = verify(&wire, moment_of(&name)).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(principal.access_key_id().as_str(), ACCESS_KEY);
    }
}

#[test]
fn a_header_is_good_for_a_quarter_of_an_hour_on_both_sides() {
    for now in [noon() - 15.minutes(), noon() + 15.minutes()] {
        verify(&signed("boto3-get"), now).unwrap();
    }
}

#[test]
fn a_presigned_request_is_good_until_it_expires() {
    for now in [noon() - 15.minutes(), noon() + 1.hour()] {
        verify(&signed("boto3-get-presigned"), now).unwrap();
    }
}

#[test]
fn a_presigned_lifetime_may_be_a_week() {
    let wire = signed("boto3-get-presigned").replacing("Expires=3600", "Expires=604800");
    verify(&wire.signed_again(), noon() + 167.hours()).unwrap();
}

#[test]
fn the_parts_of_the_header_may_stand_in_any_order_and_without_blanks() {
    let mut wire = signed("boto3-get");
    let header = wire.header("authorization");
    let (mechanism, parts) = header.split_once(' ').unwrap();
    let mut parts: Vec<_> = parts.split(", ").collect();
    parts.reverse();
    *header = format!("{mechanism} {}", parts.join(","));
    verify(&wire, noon()).unwrap();
}

#[test]
fn blanks_around_and_within_a_header_do_not_matter() {
    let mut wire = signed("amazon-put-object");
    *wire.header("date") = " Fri,   24 May\t2013 00:00:00 GMT ".to_owned();
    verify(&wire, moment_of("amazon")).unwrap();
}

#[test]
fn a_header_sent_twice_is_signed_as_one() {
    let twice = |wire: Wire| {
        let wire = wire.with("x-amz-expected-bucket-owner", "0");
        let mut wire =
            wire.replacing("SignedHeaders=", "SignedHeaders=x-amz-expected-bucket-owner;");
        wire.headers.push(("X-Amz-Expected-Bucket-Owner".to_owned(), "1".to_owned()));
        wire.signed_again()
    };
    let wire = twice(signed("boto3-get"));
    verify(&wire, noon()).unwrap();
    verify(&wire.with("x-amz-expected-bucket-owner", "0,1"), noon()).unwrap();
}

#[test]
fn a_digest_that_was_moved_into_the_query_is_signed_and_checked() {
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let to = format!("?X-Amz-Content-Sha256={digest}&notification=");
    let mut wire = signed("boto3-get-presigned").replacing("?notification=", &to).signed_again();
    verify(&wire, noon()).unwrap();
    wire.body.push('x');
    assert_eq!(verify(&wire, noon()).unwrap_err().code(), "XAmzContentSHA256Mismatch");
}
