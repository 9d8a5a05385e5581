//! A plain client: HTTP and WebSockets over a socket, so that tests may also send what no library would.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use parallax_campaign::engines;
use parallax_devtool::{Config, Engines, Server};
use parallax_mini_interpreter::{FaultPlan, FaultyMini};
use serde_json::{Value, json};

/// How long a session may take, on a machine that does other things as well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// A server of one test's own.
pub(crate) struct Running {
    pub(crate) server: Server,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or("none").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

impl Running {
    pub(crate) fn new(config: Config) -> Self {
        Self { server: Server::start(config).unwrap() }
    }

    /// With one engine more, `faulty`, that makes this mistake.
    pub(crate) fn faulty(plan: FaultPlan) -> Self {
        let faulty = Box::leak(Box::new(engines::local("faulty", FaultyMini::new(plan))));
        Self::new(Config { engines: Engines::default().with(faulty), ..Config::default() })
    }

    pub(crate) fn with_folder(folder: impl Into<PathBuf>) -> Self {
        Self::new(Config { folder: Some(folder.into()), ..Config::default() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends these bytes and reads to the end.
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that refuses may close before it has read all.
        let _ = stream.write_all(request);
        answer(&mut stream)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let host = if headers.to_ascii_lowercase().starts_with("host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address())
        };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        self.raw(format!("{head}{body}").as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, "Content-Type: application/json\r\n", &body.to_string())
    }

    /// An answer that is no error.
    #[track_caller]
    pub(crate) fn ask(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.json());
        answer.json()
    }

    /// Begins a session and waits until its engines are at rest; its path.
    #[track_caller]
    pub(crate) fn session(&self, body: &Value) -> String {
        let answer = self.post("/api/v1/sessions", body);
        assert_eq!(answer.status, 201, "{}", answer.json());
        let path = answer.header("location").unwrap().to_owned();
        self.wait(&path, |session| !["running", "paused"].contains(&session["status"].as_str().unwrap()));
        path
    }

    #[track_caller]
    pub(crate) fn wait(&self, path: &str, until: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let session = self.ask(path);
            if until(&session) {
                return session;
            }
            assert!(begun.elapsed() < PATIENCE, "{session}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A command to a session's cursor.
    #[track_caller]
    pub(crate) fn command(&self, session: &str, command: &str, body: &Value) -> Value {
        let answer = self.post(&format!("{session}/{command}"), body);
        assert_eq!(answer.status, 200, "{command} {body}: {}", answer.json());
        answer.json()
    }

    pub(crate) fn listen(&self, session: &str) -> Socket {
        let (head, stream) = self.knock(session);
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Socket(stream)
    }

    /// The head of the answer to a WebSocket's handshake.
    pub(crate) fn knock(&self, session: &str) -> (String, TcpStream) {
        let mut stream = self.connect();
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        write!(
            stream,
            "GET {session}/events HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n",
            self.address()
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        (String::from_utf8_lossy(&head).into_owned(), stream)
    }
}

fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // What came before a reset counts.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head, body: bytes[end..].to_vec() }
}

/// A WebSocket.
pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) fn send(&mut self, text: &str) {
        self.frame(0x81, text.as_bytes());
    }

    /// A frame with this first byte, masked with zeros.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match u8::try_from(payload.len()) {
            Ok(length) if length < 126 => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 127);
                frame.extend(u64::try_from(payload.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        let _ = self.0.write_all(&frame);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// The next message; `None` once the server has closed.
    pub(crate) fn receive(&mut self) -> Option<Value> {
        loop {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).ok()?;
            let length = match head[1] {
                126 => {
                    let mut length = [0; 2];
                    self.0.read_exact(&mut length).ok()?;
                    usize::from(u16::from_be_bytes(length))
                }
                127 => {
                    let mut length = [0; 8];
                    self.0.read_exact(&mut length).ok()?;
                    usize::try_from(u64::from_be_bytes(length)).unwrap()
                }
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).ok()?;
            match head[0] & 0xf {
                1 => return Some(serde_json::from_slice(&payload).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }

    /// All that comes until the server ends the connection.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes);
        bytes
    }

    /// The next message of a kind.
    pub(crate) fn receive_kind(&mut self, kind: &str) -> Value {
        loop {
            let message = self.receive().unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }
}

/// A program in hex, on these engines.
pub(crate) fn program(code: &str, engines: &[&str]) -> Value {
    json!({ "source": { "kind": "code", "code": code }, "engines": engines })
}

/// A program in assembly, on these engines.
pub(crate) fn assembly(code: &str, engines: &[&str]) -> Value {
    json!({ "source": { "kind": "code", "format": "assembly", "code": code }, "engines": engines })
}
