//! Each reason to refuse a request, in the words of S3.

use jiff::ToSpan as _;

use super::request::{Wire, noon, signed, verify};

/// The whole of what the error document says.
#[track_caller]
fn refused(wire: &Wire) -> (u16, &'static str, String, Vec<(&'static str, String)>) {
    let error = verify(wire, noon()).unwrap_err();
    (error.status().as_u16(), error.code(), error.to_string(), error.details())
}

#[track_caller]
fn is(wire: &Wire, status: u16, code: &str, message: &str) {
    let told = refused(wire);
    assert_eq!((told.0, told.1, told.2.as_str()), (status, code, message));
}

fn get() -> Wire {
    signed("boto3-get")
}

fn presigned() -> Wire {
    signed("boto3-get-presigned")
}

#[test]
fn an_anonymous_request_is_denied() {
    is(&get().without("authorization"), 403, "AccessDenied", "Access Denied");
}

#[test]
fn two_signatures_are_one_too_many() {
    let mut both = presigned();
    both.headers.push(("Authorization".to_owned(), get().header("authorization").clone()));
    let old_and_new = presigned().replacing("?", "?Signature=x&");
    for wire in [both, old_and_new] {
        let (status, code, message, details) = refused(&wire);
        assert_eq!((status, code), (400, "InvalidArgument"));
        assert!(message.starts_with("Only one auth mechanism allowed; "), "{message}");
        assert_eq!(details, [("ArgumentName", "Authorization".to_owned())]);
    }
}

#[test]
fn an_old_signature_is_told_which_one_to_use() {
    let mut old_query = presigned();
    old_query.target = "/photos?notification&AWSAccessKeyId=AK&Signature=x&Expires=1".to_owned();
    let old = get().with("authorization", "AWS AKIAIOSFODNN7EXAMPLE:hcD7uUF0Dr9LJXhWTPxSzqWEecY=");
    let asymmetric = get().replacing("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256");
    let told = "The authorization mechanism you have provided is not supported. Please use \
                AWS4-HMAC-SHA256.";
    for wire in [old, old_query, asymmetric] {
        is(&wire, 400, "InvalidRequest", told);
    }
}

#[test]
fn another_mechanism_is_not_repeated() {
    let (status, code, message, details) = refused(&get().with("authorization", "Bearer s3cr3t"));
    assert_eq!((status, code), (400, "InvalidArgument"));
    assert_eq!(message, "Unsupported Authorization Type");
    assert_eq!(details, [("ArgumentName", "Authorization".to_owned())]);
    let one_word = get().with("authorization", "s3cr3t");
    let told = "Authorization header is invalid -- one and only one ' ' (space) required";
    is(&one_word, 400, "InvalidArgument", told);
}

#[test]
fn a_request_without_its_digest_is_refused() {
    let told = "Missing required header for this request: x-amz-content-sha256";
    is(&get().without("x-amz-content-sha256"), 400, "InvalidRequest", told);
    let wire = get().with("x-amz-content-sha256", "abc");
    let (status, code, message, details) = refused(&wire);
    assert_eq!((status, code), (400, "InvalidArgument"));
    assert!(message.starts_with("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "), "{message}");
    assert_eq!(details[0], ("ArgumentName", "x-amz-content-sha256".to_owned()));
    assert_eq!(details[1], ("ArgumentValue", "abc".to_owned()));
}

#[test]
fn a_request_without_a_time_is_denied() {
    let told = "AWS authentication requires a valid Date or x-amz-date header";
    for wire in [get().without("x-amz-date"), get().with("x-amz-date", "now")] {
        is(&wire, 403, "AccessDenied", told);
    }
}

#[test]
fn a_clock_more_than_a_quarter_of_an_hour_off_is_told_both_times() {
    let told = "The difference between the request time and the current time is too large.";
    for (now, here) in [
        (noon() + 901.seconds(), "2026-09-30T12:15:01Z"),
        (noon() - 901.seconds(), "2026-09-30T11:44:59Z"),
    ] {
        let error = verify(&get(), now).unwrap_err();
        assert_eq!((error.status().as_u16(), error.code()), (403, "RequestTimeTooSkewed"));
        assert_eq!(error.to_string(), told);
        let details = [
            ("RequestTime", "20260930T120000Z".to_owned()),
            ("ServerTime", here.to_owned()),
            ("MaxAllowedSkewMilliseconds", "900000".to_owned()),
        ];
        assert_eq!(error.details(), details);
    }
}

#[test]
fn a_header_without_its_three_parts_is_malformed() {
    let told = "The authorization header is malformed; the authorization header requires three \
                components: Credential, SignedHeaders, and Signature.";
    for part in ["Credential=", "SignedHeaders=", "Signature="] {
        is(&get().replacing(part, "Other="), 400, "AuthorizationHeaderMalformed", told);
    }
}

#[test]
fn what_is_wrong_with_a_scope_is_told_in_both_forms() {
    for (from, to, told) in [
        (
            "/aws4_request",
            "",
            "the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        (
            "AKIAIOSFODNN7EXAMPLE/",
            "/",
            "a non-empty Access Key (AKID) must be provided in the credential.",
        ),
        (
            "/20260930/",
            "/20261330/",
            "incorrect date format \"20261330\". This date in the credential must be in the format \
             \"yyyyMMdd\".",
        ),
        ("/us-east-1/", "//", "a non-empty region must be provided in the credential."),
        ("/us-east-1/", "/eu-west-1/", "the region 'eu-west-1' is wrong; expecting 'us-east-1'"),
        ("/s3/", "/sns/", "incorrect service \"sns\". This endpoint belongs to \"s3\"."),
        (
            "/aws4_request",
            "/aws5_request",
            "incorrect terminal \"aws5_request\". This endpoint uses \"aws4_request\".",
        ),
    ] {
        let header = format!("The authorization header is malformed; {told}");
        is(&get().replacing(from, to), 400, "AuthorizationHeaderMalformed", &header);
        let query = presigned().replacing(&from.replace('/', "%2F"), &to.replace('/', "%2F"));
        let told = format!("Error parsing the X-Amz-Credential parameter; {told}");
        is(&query, 400, "AuthorizationQueryParametersError", &told);
    }
}

#[test]
fn a_wrong_region_names_the_right_one() {
    let (.., details) = refused(&get().replacing("/us-east-1/", "/eu-west-1/"));
    assert_eq!(details, [("Region", "us-east-1".to_owned())]);
}

#[test]
fn a_scope_of_another_day_is_malformed() {
    let told = "The authorization header is malformed; Invalid credential date. Date is not the \
                same as X-Amz-Date.";
    let wire = get().replacing("/20260930/", "/20260929/");
    is(&wire, 400, "AuthorizationHeaderMalformed", told);
    let told = "Invalid credential date \"20260929\". This date is not the same as X-Amz-Date: \
                \"20260930\".";
    let wire = presigned().replacing("%2F20260930%2F", "%2F20260929%2F");
    is(&wire, 400, "AuthorizationQueryParametersError", told);
}

#[test]
fn a_presigned_request_needs_all_six_parameters() {
    let told = "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                X-Amz-Expires parameters.";
    for name in ["Credential", "Signature", "Date", "SignedHeaders", "Expires"] {
        let wire = presigned().replacing(&format!("X-Amz-{name}="), "Other=");
        is(&wire, 400, "AuthorizationQueryParametersError", told);
    }
}

#[test]
fn a_presigned_parameter_that_means_nothing_is_told() {
    let week = "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                X-Amz-Expires must be less than 604800 seconds";
    let date = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"";
    for (from, to, told) in [
        ("AWS4-HMAC-SHA256", "AWS4", "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""),
        ("Date=20260930T120000Z", "Date=20260930", date),
        ("Expires=3600", "Expires=1h", "X-Amz-Expires should be a number"),
        ("Expires=3600", "Expires=-1", "X-Amz-Expires must be non-negative"),
        ("Expires=3600", "Expires=604801", week),
    ] {
        let wire = presigned().replacing(from, to);
        is(&wire, 400, "AuthorizationQueryParametersError", told);
    }
}

#[test]
fn a_presigned_request_is_denied_before_and_after_its_time() {
    let error = verify(&presigned(), noon() + 3601.seconds()).unwrap_err();
    assert_eq!((error.status().as_u16(), error.code()), (403, "AccessDenied"));
    assert_eq!(error.to_string(), "Request has expired");
    let details = [
        ("X-Amz-Expires", "3600".to_owned()),
        ("Expires", "2026-09-30T13:00:00Z".to_owned()),
        ("ServerTime", "2026-09-30T13:00:01Z".to_owned()),
    ];
    assert_eq!(error.details(), details);
    let error = verify(&presigned(), noon() - 901.seconds()).unwrap_err();
    assert_eq!((error.status().as_u16(), error.code()), (403, "AccessDenied"));
    assert_eq!(error.to_string(), "Request is not yet valid");
}

#[test]
fn a_header_that_changes_the_request_must_be_signed() {
    for wire in [get(), presigned()] {
        let wire = wire.with("x-amz-skip-destination-validation", "true").with("content-md5", "x");
        let (status, code, message, details) = refused(&wire);
        assert_eq!((status, code), (403, "AccessDenied"));
        assert_eq!(message, "There were headers present in the request which were not signed");
        let names = "content-md5, x-amz-skip-destination-validation".to_owned();
        assert_eq!(details, [("HeadersNotSigned", names)]);
    }
    let wire = get().replacing("SignedHeaders=host;", "SignedHeaders=");
    assert_eq!(refused(&wire).3, [("HeadersNotSigned", "host".to_owned())]);
    // The host may name the bucket, so leaving it out does not excuse it.
    assert_eq!(refused(&wire.without("host")).3, [("HeadersNotSigned", "host".to_owned())]);
}

#[test]
fn an_unknown_key_is_named() {
    for wire in [get(), presigned()] {
        let (status, code, message, details) =
            refused(&wire.replacing("AKIAIOSFODNN7EXAMPLE", "AKIANOBODY"));
        assert_eq!((status, code), (403, "InvalidAccessKeyId"));
        assert_eq!(message, "The AWS Access Key Id you provided does not exist in our records.");
        assert_eq!(details, [("AWSAccessKeyId", "AKIANOBODY".to_owned())]);
    }
}

#[test]
fn a_wrong_signature_shows_what_was_signed_and_never_the_right_one() {
    let mut wire = get();
    let right = wire.header("authorization").rsplit_once('=').unwrap().1.to_owned();
    let (status, code, message, details) = refused(&wire.replacing(&right, "abc"));
    assert_eq!((status, code), (403, "SignatureDoesNotMatch"));
    assert_eq!(
        message,
        "The request signature we calculated does not match the signature you provided. Check \
         your key and signing method."
    );
    let names: Vec<_> = details.iter().map(|(name, _)| *name).collect();
    let expected = [
        "AWSAccessKeyId",
        "StringToSign",
        "SignatureProvided",
        "StringToSignBytes",
        "CanonicalRequest",
        "CanonicalRequestBytes",
    ];
    assert_eq!(names, expected);
    assert!(details[1].1.starts_with("AWS4-HMAC-SHA256\n20260930T120000Z\n20260930/us-east-1/s3/"));
    assert_eq!(details[2].1, "abc");
    assert!(details[3].1.starts_with("41 57 53 34 "), "{}", details[3].1);
    assert!(details[4].1.starts_with("GET\n/photos\nnotification=\nhost:127.0.0.1"));
    assert!(details.iter().all(|(_, value)| !value.contains(&right)));
}

#[test]
fn another_body_is_told_both_digests() {
    let mut wire = get();
    wire.body = "x".to_owned();
    let (status, code, message, details) = refused(&wire);
    assert_eq!((status, code), (400, "XAmzContentSHA256Mismatch"));
    assert_eq!(
        message,
        "The provided 'x-amz-content-sha256' header does not match what was computed."
    );
    let [("ClientComputedContentSHA256", sent), ("S3ComputedContentSHA256", computed)] =
        &details[..]
    else {
        panic!("{details:?}");
    };
    assert!(sent.starts_with("e3b0c442") && computed.starts_with("2d711642"), "{details:?}");
}

#[test]
fn a_body_in_signed_chunks_is_not_implemented() {
    for form in [
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    ] {
        let (status, code, message, details) =
            refused(&get().with("x-amz-content-sha256", form).signed_again());
        assert_eq!((status, code), (501, "NotImplemented"));
        let told = "A header you provided implies functionality that is not implemented";
        assert_eq!(message, told);
        assert_eq!(details, [("Header", "x-amz-content-sha256".to_owned())]);
    }
}
