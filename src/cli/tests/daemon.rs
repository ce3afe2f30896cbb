//! A daemon that answers from a script, and what the commands print that ask it.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use clap::Parser;
use serde_json::Value;
use tokio::{net::TcpListener, runtime};

use crate::cli::{
    Cli, Command, Ended, Looks, dead_letters, quarantine, replay, send, status, tail,
};

/// Answers a request line, such as `GET /x?y=z`, and a body.
type Script = dyn FnMut(&str, Value) -> (u16, Value) + Send;

/// Runs a command against a daemon that answers so; says what it printed, how it ended, and what
/// the daemon was asked.
pub(super) fn printed(
    arguments: &[&str],
    script: impl FnMut(&str, Value) -> (u16, Value) + Send + 'static,
) -> (anyhow::Result<Ended>, String, Vec<(String, Value)>) {
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let url = serve(Box::new(script), Arc::clone(&asked));
    let fixed = [&["fanfare"], arguments, &["--admin", &url]].concat();
    let mut out = Vec::new();
    let ended = match Cli::try_parse_from(fixed).unwrap().command {
        Command::DeadLetters(command) => dead_letters(&command, &mut out),
        Command::Quarantine(command) => quarantine(&command, &mut out),
        Command::Replay(command) => replay(&command, &mut out),
        Command::Status(command) => status(&command, &Looks::plain(), &mut out),
        Command::Tail(command) => tail(&command, &mut out),
        other => panic!("{other:?}"),
    };
    let asked = asked.lock().unwrap().clone();
    (ended, String::from_utf8(out).unwrap(), asked)
}

/// What a port was sent: the type of each body, and the body.
type Sent = Vec<(String, Vec<u8>)>;

/// Runs `fanfare send` against a port that answers bodies so; says what it printed, how it ended,
/// and what the port was sent.
pub(in crate::cli) fn sent(
    arguments: &[&str],
    script: impl FnMut(&[u8]) -> (u16, Value) + Send + 'static,
) -> (anyhow::Result<Ended>, String, Sent) {
    let (sent, script) = (Arc::<Mutex<Sent>>::default(), Arc::new(Mutex::new(script)));
    let kept = Arc::clone(&sent);
    let url = listen(Router::new().fallback(async move |request: Request| {
        if request.method() == Method::HEAD {
            return StatusCode::OK.into_response();
        }
        let kind = request.headers()["content-type"].to_str().unwrap().to_owned();
        let body = to_bytes(request.into_body(), 1 << 24).await.unwrap().to_vec();
        let (status, answer) = (script.lock().unwrap())(&body);
        kept.lock().unwrap().push((kind, body));
        let wait = [("retry-after", "1")];
        (StatusCode::from_u16(status).unwrap(), wait, answer.to_string()).into_response()
    }));
    let fixed = [&["fanfare"], arguments, &["--to", &url]].concat();
    let mut out = Vec::new();
    let Command::Send(command) = Cli::try_parse_from(fixed).unwrap().command else {
        panic!("{arguments:?} sends nothing");
    };
    let ended = send(&command, &mut out);
    let sent = sent.lock().unwrap().clone();
    (ended, String::from_utf8(out).unwrap(), sent)
}

fn serve(script: Box<Script>, asked: Arc<Mutex<Vec<(String, Value)>>>) -> String {
    let state = (Arc::new(Mutex::new(script)), asked);
    listen(Router::new().fallback(answer).with_state(state))
}

/// Serves on a port of its own, whose URL it says.
fn listen(router: Router) -> String {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It ends with the tests.
    thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
    url
}

type Shared = (Arc<Mutex<Box<Script>>>, Arc<Mutex<Vec<(String, Value)>>>);

async fn answer(State((script, asked)): State<Shared>, request: Request) -> Response {
    let line = format!("{} {}", request.method(), request.uri());
    assert!(!request.headers().contains_key("origin"), "it is no web page");
    let json = request.headers().get("content-type").is_some_and(|kind| kind == "application/json");
    let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
    assert_eq!(json, !body.is_empty(), "a body is JSON, and says so");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    asked.lock().unwrap().push((line.clone(), body.clone()));
    let (status, answer) = (script.lock().unwrap())(&line, body);
    (StatusCode::from_u16(status).unwrap(), answer.to_string()).into_response()
}
