//! What a refusal means for a message, and verdicts put back into the order of their messages.

use crate::publish::{Cause, Class, Fault, Unfit, Verdict, verdict::by_id};

fn cause(code: &str) -> Cause {
    Cause::from_code(code, Some(400), "")
}

/// What a request of so many messages is told, which is the same for each of them.
#[track_caller]
fn told_of(messages: usize, code: &str) -> Verdict {
    let verdicts = Verdict::of_request(messages, None, cause(code));
    assert_eq!(verdicts.len(), messages);
    assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]));
    verdicts[0].clone()
}

fn class(verdict: &Verdict) -> Class {
    verdict.cause().unwrap().class
}

#[test]
fn only_a_message_that_is_itself_refused_is_rejected() {
    for code in ["InvalidMessageContents", "MalformedDetail", "InvalidParameterValue"] {
        assert!(matches!(told_of(1, code), Verdict::Reject(_)), "{code}");
    }
    for code in ["NeverHeardOf", "AccessDenied", "Throttling", "InternalError"] {
        assert!(matches!(told_of(1, code), Verdict::Retry { .. }), "{code} is tried again");
    }
}

#[test]
fn a_refusal_of_many_does_not_say_which_and_rejects_none() {
    for code in ["InvalidParameterValue", "BatchRequestTooLong", "NeverHeardOf", "NotFound"] {
        assert!(matches!(told_of(10, code), Verdict::Retry { .. }), "{code}");
    }
    assert_eq!(class(&told_of(10, "InvalidParameterValue")), Class::Unknown);
    assert_eq!(class(&told_of(10, "BatchRequestTooLong")), Class::BatchShape);
}

#[test]
fn a_message_that_is_too_large_alone_is_rejected_and_a_malformed_batch_is_not() {
    for code in ["BatchRequestTooLong", "RequestTooLargeException", "RequestEntityTooLarge"] {
        let verdict = told_of(1, code);
        assert!(matches!(verdict, Verdict::Reject(_)), "{code}");
        assert_eq!(class(&verdict), Class::Poison, "{code}");
        assert_eq!(Verdict::refused(Fault::Service, cause(code)), verdict);
    }
    let too_large = Cause::from_code("Http413", Some(413), "");
    assert!(matches!(&*Verdict::of_request(1, None, too_large), [Verdict::Reject(_)]));
    for code in ["BatchEntryIdsNotDistinct", "InvalidBatchEntryId", "EmptyBatchRequest"] {
        assert_eq!(class(&told_of(1, code)), Class::Unknown, "{code}");
        assert!(matches!(told_of(1, code), Verdict::Retry { .. }), "{code}");
    }
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

#[test]
fn what_a_service_says_is_kept_short() {
    let long = "ü".repeat(1 << 20);
    let Cause { code, message, .. } = Cause::from_code(&long, Some(400), &long);
    assert!(code.len() <= 300 && message.len() <= 300, "{} {}", code.len(), message.len());
}
