//! What is refused of the settings and the files, and in which words.

use std::{error::Error, fs};

use rcgen::{CertificateParams, CertifiedKey, KeyPair, PKCS_RSA_SHA256};
use tempfile::TempDir;

use super::{Config, FilesError, trust};

/// A certificate for localhost and its key, in PEM.
fn pair() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

/// Settings of these files for all listeners.
fn settings(certificate: &str, key: &str) -> (TempDir, Config) {
    let directory = tempfile::tempdir().unwrap();
    let (certificate_file, key_file) =
        (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    fs::write(&certificate_file, certificate).unwrap();
    fs::write(&key_file, key).unwrap();
    let settings = format!("certificate_file = {certificate_file:?}\nkey_file = {key_file:?}");
    (directory, toml::from_str(&settings).unwrap())
}

#[track_caller]
fn refused(certificate: &str, key: &str) -> String {
    let (_directory, config) = settings(certificate, key);
    config.check_files().unwrap_err().to_string()
}

#[track_caller]
fn told(section: &str) -> String {
    toml::from_str::<Config>(section).unwrap_err().message().to_owned()
}

#[test]
fn half_a_pair_is_refused_with_both_names() {
    let both = "tls.certificate_file and tls.key_file belong together; set both";
    assert_eq!(told("key_file = \"k\""), both);
    let half = "certificate_file = \"c\"\nkey_file = \"k\"\n[s3]\ncertificate_file = \"c\"";
    assert!(told(half).starts_with("tls.s3.certificate_file and tls.s3.key_file belong"));
    let plain = told("[events]\nclient_ca_file = \"ca\"");
    assert!(plain.contains("tls.events.client_ca_file needs a listener that speaks TLS"));
}

#[test]
fn a_listener_has_its_own_pair_or_the_shared_one_or_none() {
    let read = |text: &str| toml::from_str::<Config>(text).unwrap();
    let own = "[s3]\ncertificate_file = \"own\"\nkey_file = \"k\"\n";
    let config = read(&format!("certificate_file = \"shared\"\nkey_file = \"k\"\n{own}"));
    let path = |files: Option<super::files::Files>| files.map(|files| files.certificate.path);
    assert_eq!(path(config.s3()), Some("own".into()));
    assert_eq!(path(config.admin()), Some("shared".into()));
    assert_eq!(path(read(own).events()), None);
}

#[test]
fn a_pair_of_each_kind_of_key_is_usable() {
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&rsa).unwrap().pem();
    for (certificate, key) in [pair(), (certificate, rsa.serialize_pem())] {
        let (_directory, config) = settings(&certificate, &key);
        assert!(config.check_files().is_ok());
    }
}

#[test]
fn files_that_cannot_be_used_are_told_apart() {
    let ((certificate, key), (_, other)) = (pair(), pair());
    let mismatch = refused(&certificate, &other);
    assert!(mismatch.starts_with("tls.key_file /") && mismatch.contains("is not the key of"));
    assert!(refused(&key, &key).contains("tls.crt holds no certificate; one begins with"));
    assert!(refused("", &key).contains("holds no certificate"));
    assert!(refused(&certificate, &certificate).contains("tls.key holds no private key"));
    let (cut_off, _) = certificate.split_at(certificate.len() / 2);
    assert!(refused(cut_off, &key).contains("tls.crt is damaged; it has to be PEM"));
    let (directory, config) = settings(&certificate, &key);
    fs::remove_file(directory.path().join("tls.key")).unwrap();
    let missing = config.check_files().unwrap_err();
    assert!(missing.to_string().starts_with("cannot read tls.key_file /"), "{missing}");
    assert!(matches!(&missing, FilesError::Read { .. }) && missing.source().is_some());
}

#[test]
fn an_authority_is_a_certificate_in_pem() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.crt");
    assert!(trust(Some(&file)).unwrap_err().to_string().starts_with("cannot read the authorities"));
    fs::write(&file, pair().1).unwrap();
    assert!(trust(Some(&file)).unwrap_err().to_string().contains("holds no certificate"));
    fs::write(&file, pair().0).unwrap();
    assert!(trust(Some(&file)).is_ok());
    assert!(trust(None).is_ok());
}
