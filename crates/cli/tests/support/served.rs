//! A command that shows a session in the devtool, and what its page is told.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// A command that serves, until it is dropped.
pub(crate) struct Served {
    child: Child,
    address: String,
    /// The session that the address names.
    session: String,
}

impl Served {
    /// Starts it, and reads the one line that it prints.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command.args(arguments).args(["--serve", "--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = line.trim_end().strip_prefix("http://").and_then(|url| url.split_once("/#session="));
        let (address, session) = told.unwrap_or_else(|| panic!("{line:?} is no address of a session"));
        Self { child, address: address.to_owned(), session: session.to_owned() }
    }

    /// What the page is told of the session, once its engines have come to an end.
    pub(crate) fn ended(&self) -> Value {
        loop {
            let session = self.ask("");
            if !["running", "paused"].contains(&session["status"].as_str().unwrap()) {
                return session;
            }
        }
    }

    /// What the page is told of something of the session.
    pub(crate) fn ask(&self, what: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let Self { address, session, .. } = self;
        write!(
            stream,
            "GET /api/v1/sessions/{session}{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
