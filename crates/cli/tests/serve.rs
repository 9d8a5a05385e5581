//! `parallax serve` as users meet it: what it prints, what it answers, and how it ends.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.arg("serve").args(arguments).stdin(Stdio::null()).env("RUST_BACKTRACE", "0");
    command
}

/// A server, once it says where it is.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut server =
        serve(arguments).args(["--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let line = BufReader::new(server.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let address = line.strip_prefix("http://").and_then(|line| line.strip_suffix('/')).unwrap();
    (server, address.to_owned())
}

fn ask(address: &str, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_where_it_is_and_answers() {
    let folder = std::env::temp_dir().join(format!("parallax-cli-{}-serve", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.json"), "{}").unwrap();
    let (mut server, address) = start(&[folder.to_str().unwrap()]);
    let (page, tests) = (ask(&address, "GET /", ""), ask(&address, "GET /api/v1/tests", ""));
    server.kill().unwrap();
    server.wait().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<html"), "{page}");
    assert!(tests.contains(r#""path":"a.json""#), "{tests}");
}

/// Each once, whoever names one that is there already.
#[test]
fn engines_are_added_to_the_choice() {
    let added = ["--engine", "mini", "--engine", "primary-always", "--engine", "primary-always"];
    let (mut server, address) = start(&added);
    let info = ask(&address, "GET /api/v1/info", "");
    let body =
        "{\"source\":{\"kind\":\"code\",\"code\":\"0x6001\"},\"engines\":[\"primary-always\",\"mini\"]}";
    let answer = ask(&address, "POST /api/v1/sessions", body);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(info.contains(r#""engines":["primary","mini","revm","primary-always"]"#), "{info}");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    check_wrong(&["--engine", "evmone"], &["unknown engine \"evmone\""]);
}

#[track_caller]
fn check_wrong(arguments: &[&str], parts: &[&str]) {
    let ran = serve(arguments).output().unwrap();
    let error = String::from_utf8(ran.stderr).unwrap();
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0), "{error}");
    assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} in {error:?}");
}

#[test]
fn one_line_says_why_it_cannot_begin() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, parts) in [
        (["--port", &port].as_slice(), [port.as_str(), "in use"]),
        (&["/nowhere/at/all", "--port", "0"], ["/nowhere/at/all", "port 0"]),
        (&[env!("CARGO_BIN_EXE_parallax"), "--port", "0"], ["port 0", "expected a folder"]),
    ] {
        check_wrong(arguments, &parts);
        let ran = serve(arguments).output().unwrap();
        assert_eq!(ran.stderr.iter().filter(|byte| **byte == b'\n').count(), 1, "{arguments:?}");
    }
    check_wrong(&["--port", "65536"], &["--port", "65536"]);
    check_wrong(&["--port", "x"], &["--port"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_at_once() {
    let (mut server, address) = start(&[]);
    // With engines at work that would be for minutes.
    let body = "{\"source\":{\"kind\":\"code\",\"code\":\"0x5b5f56\",\"gas\":1000000000000,\"fork\":\"Prague\"},\
                \"limits\":{\"steps\":20000000,\"seconds\":600}}";
    let answer = ask(&address, "POST /api/v1/sessions", body);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let sent = Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(server.wait().unwrap().code(), Some(130));
}
