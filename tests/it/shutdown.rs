//! A stop does not wait for a dead destination, nor for a client that is half-way through.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    time::Duration,
};

use crate::harness::{Daemon, Home, SOON, free_port, minio, rule, rules, until};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:dead";
/// Far below the grace of the settings, far above what a stop costs.
const QUICKLY: Duration = Duration::from_secs(5);

fn home_sending_to(port: u16, grace: &str) -> Home {
    let home = Home::without_aws()
        .set("aws", "endpoint_url", format!("http://127.0.0.1:{port}"))
        .set("aws", "attempt_timeout", "1m")
        .set_top("shutdown_grace", grace);
    home.document("photos", &rules(&[rule("all", QUEUE, &["s3:ObjectCreated:*"])]));
    home
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("it is bound").port()
}

/// Posts one event and waits until the daemon has connected to the listener to send it.
fn put_one_on_the_wire(daemon: &Daemon<'_>, hung: &TcpListener) {
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    hung.set_nonblocking(true).expect("a socket can be non-blocking");
    let connection = until("an attempt", SOON, || hung.accept().ok());
    // Kept open and never answered, for as long as the tests run.
    std::mem::forget(connection);
}

#[test]
fn a_stop_with_a_destination_that_refuses_is_quick() {
    let home = home_sending_to(free_port(), "1m");
    let daemon = home.start();
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    until("a failed attempt", SOON, || {
        (daemon.metric("fanfare_attempts_failed_total", &[QUEUE]) > 0.5).then_some(())
    });

    daemon.signal("TERM");
    let (status, took) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(took < QUICKLY, "it took {took:?}");
}

#[test]
fn a_second_signal_does_not_wait_for_the_attempt_on_the_wire() {
    let hung = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
    let home = home_sending_to(port_of(&hung), "1m");
    let mut daemon = home.start();
    put_one_on_the_wire(&daemon, &hung);

    daemon.signal("TERM");
    until("the daemon takes nothing new", SOON, || {
        daemon.try_post(b"{}", &[]).is_err().then_some(())
    });
    assert!(daemon.is_running(), "it lets the attempt finish");
    daemon.signal("TERM");

    let (status, took) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(took < QUICKLY, "it took {took:?}");
}

#[test]
fn the_end_of_the_grace_lets_go_of_the_attempt_on_the_wire() {
    let hung = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
    let home = home_sending_to(port_of(&hung), "500ms");
    let daemon = home.start();
    put_one_on_the_wire(&daemon, &hung);

    daemon.signal("TERM");

    let (status, took) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(took < QUICKLY, "it took {took:?}");
}

#[test]
fn the_end_of_the_grace_lets_go_of_half_sent_requests() {
    let home = home_sending_to(free_port(), "500ms");
    let daemon = home.start();
    let half_sent = |listener, request: &str| {
        let mut client = TcpStream::connect(home.address(listener)).expect("it listens");
        client.write_all(request.as_bytes()).expect("the connection takes bytes");
        client
    };
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    let clients = [
        half_sent("events", "POST / HT"),
        half_sent("events", post),
        half_sent("s3", "PUT /bucket?notif"),
        half_sent("admin", "GET /metr"),
    ];
    // Connections are accepted in order, so with this answer the others are being served.
    daemon.accepts(&minio("ObjectCreated:Put", "photos", "a"));
    assert_eq!(daemon.readyz().status, 200);

    daemon.signal("TERM");

    let (status, took) = daemon.ended(SOON);
    assert_eq!(status.code(), Some(0));
    assert!(took < QUICKLY, "it took {took:?}");
    drop(clients);
}
