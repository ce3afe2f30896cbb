//! The failure table, row by row, and verdicts put back into the order of their messages.

use crate::publish::{Cause, Class, Fault, Unfit, Verdict, verdict::by_id};

fn class_of(code: &str) -> Class {
    Class::of(code, Some(400))
}

#[test]
fn a_throttle_is_told_from_every_other_refusal() {
    for code in [
        "ThrottlingException",
        "TooManyRequestsException",
        "KMS.ThrottlingException",
        "KMSThrottling",
    ] {
        assert_eq!(class_of(code), Class::Throttled, "{code}");
    }
    assert_eq!(Class::of("Http429", Some(429)), Class::Throttled);
}

#[test]
fn a_missing_or_forbidden_destination_is_broken_and_its_messages_are_not() {
    for code in [
        "AccessDenied",
        "AWS.SimpleQueueService.NonExistentQueue",
        "com.amazonaws.sqs#QueueDoesNotExist",
        "NotFound",
        "ResourceNotFoundException",
        "ExpiredToken",
        "KMS.DisabledException",
        "NotAuthorizedForSourceException",
    ] {
        assert_eq!(class_of(code), Class::Broken, "{code}");
        let verdict = Verdict::failed(None, Cause::from_code(code, Some(400), ""));
        assert!(matches!(verdict, Verdict::Retry { .. }), "{code}: {verdict:?}");
    }
}

#[test]
fn only_a_message_that_is_itself_refused_is_rejected() {
    for code in ["InvalidMessageContents", "MalformedDetail", "InvalidParameterValue"] {
        let verdict = Verdict::failed(None, Cause::from_code(code, Some(400), ""));
        assert!(matches!(verdict, Verdict::Reject(_)), "{code}");
    }
    let verdict = Verdict::failed(None, Cause::from_code("NeverHeardOf", Some(400), ""));
    assert!(matches!(verdict, Verdict::Retry { .. }), "an unknown refusal is tried again");
}

#[test]
fn the_status_decides_where_the_code_says_nothing() {
    assert_eq!(Class::of("Http503", Some(503)), Class::Transient);
    assert_eq!(Class::of("Http413", Some(413)), Class::BatchShape);
    assert_eq!(Class::of("Http418", Some(418)), Class::Unknown);
}

#[test]
fn a_fault_of_the_sender_in_one_entry_is_that_entry_s_own() {
    let cause = || Cause::from_code("NeverHeardOf", None, "");
    assert!(matches!(Verdict::refused(Fault::Sender, cause()), Verdict::Reject(_)));
    assert!(matches!(Verdict::refused(Fault::Service, cause()), Verdict::Retry { .. }));
    let throttled = Cause::from_code("Throttled", None, "");
    assert!(matches!(Verdict::refused(Fault::Sender, throttled), Verdict::Retry { .. }));
}

#[test]
fn an_entry_that_the_answer_leaves_out_is_not_delivered() {
    let verdicts =
        by_id(3, [("2", Verdict::Delivered), ("0", Verdict::Delivered), ("9", Verdict::Delivered)]);
    assert_eq!(verdicts, [Verdict::Delivered, Verdict::unanswered(), Verdict::Delivered]);
}

#[test]
fn a_cause_is_one_line_whatever_the_service_says() {
    let cause = Cause::from_code("No\nSuch", Some(400), "gone\r\nready=true \u{1b}[2K\u{2028}x");
    let told = [cause.to_string(), Unfit::from(cause).to_string()];
    for told in told {
        assert!(told.ends_with(r"No\nSuch: gone\r\nready=true \u{1b}[2K\u{2028}x"), "{told}");
    }
}
