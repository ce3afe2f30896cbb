//! The three listeners over TLS: who gets a connection, with which certificate, and who holds up
//! nobody.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    os::unix::fs::symlink,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, Stream,
    SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
    version::{TLS12, TLS13},
};

use crate::harness::{
    Authority, Daemon, Home, Pair, SOON, Sink, check, minio, rule, rules, serve_refuses, until,
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:tls";
/// Far below the time that a handshake may take.
const QUICKLY: Duration = Duration::from_secs(5);

fn post(daemon: &Daemon<'_>, key: &str) -> Result<u16, ureq::Error> {
    let body = minio("ObjectCreated:Put", "photos", key).to_string();
    daemon.try_post(body.as_bytes(), &[]).map(|answer| answer.status)
}

/// Makes clients of `listen.events` show a certificate of this authority.
fn asking_for_certificates(home: Home, authority: &Authority) -> Home {
    let file = home.path("stores.crt");
    fs::write(&file, authority.certificate()).expect("the home is writable");
    let file = toml::Value::from(file.to_string_lossy().into_owned());
    home.set("tls", "events", toml::Table::from_iter([("client_ca_file".to_owned(), file)]))
}

/// A client that trusts the authority and offers these versions.
fn connection(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    let pem = authority.certificate().as_bytes();
    roots.add(CertificateDer::from_pem_slice(pem).expect("it is PEM")).expect("it is one");
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("the versions are supported")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "localhost".try_into().expect("it is a name");
    ClientConnection::new(Arc::new(config), name).expect("it is a configuration")
}

/// Asks for nothing, and gets it.
fn head(stream: &mut Stream<'_, ClientConnection, TcpStream>) {
    stream.write_all(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").expect("the connection is open");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer comes");
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn an_event_comes_in_over_tls_and_the_admin_port_tells_when_the_certificate_expires() {
    let (sink, authority) = (Sink::bind(0).expect("loopback has a port"), Authority::new("a"));
    let home = Home::sending_to(&sink).speaking_tls(&authority);
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    let daemon = home.start();
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    until("it arrives", SOON, || (sink.count() > 0).then_some(()));
    for listener in ["events", "s3", "admin"] {
        let expiry = daemon.metric("fanfare_certificate_expiry_timestamp_seconds", &[listener]);
        let beginning_of_2100 = 4_102_444_800.0;
        assert!((expiry - beginning_of_2100).abs() < 0.5, "{expiry}");
    }
    daemon.stop();
}

#[test]
fn both_versions_of_tls_are_spoken_and_http_1_in_them() {
    let authority = Authority::new("a");
    let home = Home::without_aws().speaking_tls(&authority);
    let _daemon = home.start();
    for (offered, version) in
        [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
    {
        let mut tls = connection(&authority, &[offered]);
        let mut tcp = TcpStream::connect(home.address("events")).expect("it listens");
        head(&mut Stream::new(&mut tls, &mut tcp));
        assert_eq!(tls.protocol_version(), Some(version));
        assert_eq!(tls.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
}

#[test]
fn a_store_without_the_right_certificate_is_refused_where_one_is_asked_for() {
    let (servers, stores) = (Authority::new("servers"), Authority::new("stores"));
    let home = Home::without_aws().speaking_tls(&servers);
    let home = asking_for_certificates(home, &stores);
    // The other listeners ask for none.
    let daemon = home.start();
    assert!(post(&daemon, "a").is_err(), "it shows none");
    until("it is logged", SOON, || {
        let log = home.log();
        (log.contains("client refused") && log.contains("no certificates")).then_some(())
    });
    let daemon = daemon.over(servers.trusted_by(Some(&servers.sign())));
    assert!(post(&daemon, "b").is_err(), "it shows one of another authority");
    let daemon = daemon.over(servers.trusted_by(Some(&stores.sign())));
    assert_eq!(post(&daemon, "c").expect("it shows the right one"), 200);
    assert!(daemon.metric("fanfare_tls_handshakes_failed_total", &["events"]) > 1.5);
}

#[test]
fn plain_http_is_told_to_write_https() {
    let home = Home::without_aws().speaking_tls(&Authority::new("a"));
    let _daemon = home.start();
    for listener in ["events", "s3", "admin"] {
        let mut client = TcpStream::connect(home.address(listener)).expect("it listens");
        let request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
        client.write_all(request).expect("it takes bytes");
        client.shutdown(Shutdown::Write).expect("it is open");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("it answers and closes");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("write https:// in place of http://"), "{answer}");
    }
    assert!(home.log().contains("it speaks plain HTTP"), "{}", home.log());
}

#[test]
fn a_client_that_stalls_in_the_handshake_delays_neither_others_nor_the_stop() {
    let home = Home::without_aws().speaking_tls(&Authority::new("a"));
    let home = home.set_top("shutdown_grace", "1m");
    let half_a_client_hello = [0x16, 3, 1, 2, 0, 1, 0];
    let daemon = home.start();
    let stalled: Vec<_> = [&[][..], &half_a_client_hello]
        .into_iter()
        .map(|sent| {
            let mut client = TcpStream::connect(home.address("events")).expect("it listens");
            client.write_all(sent).expect("it takes bytes");
            client
        })
        .collect();
    assert_eq!(post(&daemon, "a").expect("others are served"), 200);
    daemon.signal("TERM");
    let (status, took) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(took < QUICKLY, "it took {took:?}");
    drop(stalled);
}

#[test]
fn a_new_certificate_applies_to_new_connections_and_leaves_the_open_ones() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let home = Home::without_aws().speaking_tls(&old);
    let daemon = home.start();
    assert_eq!(post(&daemon, "a").expect("it trusts the old one"), 200);
    let mut open = TcpStream::connect(home.address("events")).expect("it listens");
    let mut connection = connection(&old, &[&TLS13]);
    let mut stream = Stream::new(&mut connection, &mut open);
    head(&mut stream);

    home.write_pair(&new.sign_until(2030));
    let daemon = daemon.over(new.trusted());
    until("the new certificate is in force", SOON, || post(&daemon, "b").ok());
    head(&mut stream);
    assert!(home.log().contains("expires=2030-01-01T00:00:00Z"), "{}", home.log());
    assert!(post(&daemon.over(old.trusted()), "c").is_err(), "the old one is gone");
}

/// Makes `current` mean this folder, in one step, as Kubernetes does.
fn link(home: &Home, folder: &str) {
    symlink(home.path(folder), home.path("next")).expect("the home is writable");
    fs::rename(home.path("next"), home.path("current")).expect("the home is writable");
}

#[test]
fn a_symlink_that_points_elsewhere_is_a_new_certificate() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let home = Home::without_aws().speaking_tls(&old);
    for (folder, pair) in [("v1", old.sign()), ("v2", new.sign())] {
        fs::create_dir(home.path(folder)).expect("the home is writable");
        for (file, text) in [("tls.crt", pair.certificate), ("tls.key", pair.key)] {
            fs::write(home.path(folder).join(file), text).expect("the home is writable");
        }
    }
    link(&home, "v1");
    let path = |file: &str| home.path("current").join(file).to_string_lossy().into_owned();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    let home = home.set("tls", "certificate_file", certificate).set("tls", "key_file", key);
    let daemon = home.start();
    assert_eq!(post(&daemon, "a").expect("it trusts the old one"), 200);
    link(&home, "v2");
    let daemon = daemon.over(new.trusted());
    until("the new certificate is in force", SOON, || post(&daemon, "b").ok());
}

#[test]
fn a_broken_new_certificate_leaves_the_old_one_in_force() {
    let authority = Authority::new("a");
    let home = Home::without_aws().speaking_tls(&authority);
    let daemon = home.start();
    let (right, other) = (authority.sign(), authority.sign());
    let mismatch = Pair { key: other.key, ..right };
    home.write_pair(&mismatch);
    until("it is reported", SOON, || {
        home.log().contains("new certificate not usable; the old one stays in force").then_some(())
    });
    assert!(home.log().contains("is not the key of the first certificate"), "{}", home.log());
    let daemon = daemon.over(authority.trusted());
    assert_eq!(post(&daemon, "a").expect("the old one is in force"), 200);
}

#[test]
fn a_certificate_that_has_expired_is_served_and_complained_of() {
    let authority = Authority::new("a");
    let home = Home::without_aws().speaking_tls(&authority);
    home.write_pair(&authority.sign_until(2020));
    // Nobody who checks would connect, so readiness cannot be asked for.
    let _daemon = home.start_with(&[]);
    until("it is logged", SOON, || {
        let log = home.log();
        (log.contains("the certificate has expired; replace tls.certificate_file /")
            && log.contains("expires=2020-01-01T00:00:00Z"))
        .then_some(())
    });
}

#[test]
fn a_start_between_a_new_certificate_and_its_key_waits_for_the_key() {
    let authority = Authority::new("a");
    let home = Home::without_aws().speaking_tls(&authority);
    let (certificate, key) = (home.path("tls.crt"), home.path("tls.key"));
    let new = authority.sign();
    fs::write(&certificate, &new.certificate).expect("the home is writable");
    let daemon = home.start_with(&[]);
    until("it is noticed", SOON, || home.log().contains("looking again").then_some(()));
    fs::write(&key, &new.key).expect("the home is writable");
    until("it starts", SOON, || post(&daemon, "a").ok());
}

#[test]
fn files_that_cannot_be_used_are_found_before_and_at_the_start() {
    let authority = Authority::new("a");
    let home = Home::without_aws().speaking_tls(&authority);
    assert_eq!(check(&home, &[]).0, Some(0));
    let refuse = |words: &str| {
        for (code, printed) in [check(&home, &[]), serve_refuses(&home.settings_file())] {
            assert_eq!(code, Some(78), "{printed}");
            assert!(printed.contains(words), "{printed}");
        }
    };
    fs::write(home.path("tls.key"), authority.sign().key).expect("the home is writable");
    refuse("is not the key of the first certificate in tls.certificate_file /");
    fs::remove_file(home.path("tls.key")).expect("it is there");
    refuse("cannot read tls.key_file /");
}
