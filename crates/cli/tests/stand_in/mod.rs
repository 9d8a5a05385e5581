//! A node that stands in for one: JSON-RPC over HTTP on a free port of this machine.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

/// How a question is answered.
#[derive(Clone)]
pub(crate) enum Reply {
    /// With this.
    Result(Value),
    /// With an error of JSON-RPC.
    Error(String),
    /// With these bytes, behind which the connection is closed.
    Raw(String),
    /// Not at all, until whoever asked has gone.
    Silence,
}

/// A node, until it is dropped.
pub(crate) struct StandIn {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// One that answers each question, one after the other, by `answer`.
    pub(crate) fn new(mut answer: impl FnMut(&str, &Value) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (noted, over) = (asked.clone(), is_over.clone());
        let thread = thread::spawn(move || {
            for connection in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // Who has gone meanwhile needs no answer.
                let _ = connection.and_then(|connection| serve(&connection, &noted, &mut answer));
            }
        });
        Self { port, asked, is_over, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    connection: &TcpStream,
    noted: &Mutex<Vec<String>>,
    answer: &mut impl FnMut(&str, &Value) -> Reply,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let question: Value = serde_json::from_slice(&body).unwrap();
    let method = question["method"].as_str().unwrap();
    noted.lock().unwrap().push(format!("{method} {}", question["params"]));
    let body = match answer(method, &question["params"]) {
        Reply::Result(result) => json!({"jsonrpc": "2.0", "id": 1, "result": result}),
        Reply::Error(message) => {
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": message}})
        }
        Reply::Raw(text) => return (&*connection).write_all(text.as_bytes()),
        Reply::Silence => return reader.read_to_end(&mut Vec::new()).map(|_| ()),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (&*connection).write_all((head + &body).as_bytes())
}
