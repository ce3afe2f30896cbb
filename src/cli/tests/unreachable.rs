//! What the commands say of a port that is no daemon's.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use clap::Parser;

use crate::cli::{Cli, Command, dead_letters};

/// What is said of a port that treats each connection so.
fn told(scheme: &str, treat: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    // It ends with the tests.
    drop(thread::spawn(move || listener.incoming().flatten().for_each(treat)));
    told_of(&url)
}

fn told_of(url: &str) -> String {
    let line = ["fanfare", "dead-letters", "list", "--admin", url];
    let Command::DeadLetters(asked) = Cli::try_parse_from(line).unwrap().command else {
        panic!("that is another command")
    };
    let wrong = dead_letters(&asked, &mut Vec::new()).unwrap_err();
    format!("{wrong:#}")
}

fn read_some(mut stream: &TcpStream) {
    let mut head = [0; 1024];
    assert!(stream.read(&mut head).unwrap() > 0);
}

#[test]
fn a_port_at_which_nobody_listens_is_told_as_such() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = told_of(&format!("http://{free}"));
    assert!(told.contains(": ") && told.contains("start the daemon, or correct --admin"), "{told}");
    assert!(told.starts_with(&format!("nobody listens at http://{free}; ")), "{told}");
}

#[test]
fn a_port_that_speaks_something_else_is_told_as_such() {
    let mail = told("http", |mut stream| {
        read_some(&stream);
        stream.write_all(b"220 mail.example.com ESMTP\r\n\r\n").unwrap();
    });
    assert!(mail.contains("speaks no plain HTTP; write https:// if the daemon's"), "{mail}");
    // A TLS alert: handshake failure.
    let tls = told("http", |mut stream| {
        read_some(&stream);
        stream.write_all(&[0x15, 3, 3, 0, 2, 2, 40]).unwrap();
    });
    assert!(tls.contains("speaks no plain HTTP; write https://"), "{tls}");
    let plain = told("https", |mut stream| {
        read_some(&stream);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    assert!(plain.contains("speaks no TLS; write http:// in place of https://"), "{plain}");
}

#[test]
fn a_daemon_that_ends_before_it_answers_is_told_as_such() {
    let gone = told("http", |stream| read_some(&stream));
    assert!(gone.contains("ended before it answered; its log says why"), "{gone}");
}
