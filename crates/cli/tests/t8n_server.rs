//! `parallax t8n-server`: requests, errors, and how it ends.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"))
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line
            .trim()
            .strip_prefix("Transition server listening on ")
            .expect("the words that are waited for");
        let port = port.parse().unwrap();
        Self { child, port }
    }

    /// Status and body of what a request is answered with.
    fn ask(&self, head: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/json"), "{head}");
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    fn post(&self, body: &str) -> (u16, Value) {
        let head =
            format!("POST / HTTP/1.1\r\nHost: localhost:{}\r\nContent-Length: {}\r\n", self.port, body.len());
        self.ask(&head, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request() -> Value {
    json!({
        "state": { "fork": "Shanghai", "chainid": 1, "reward": 0 },
        "input": {
            "alloc": { "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf": { "balance": "1000000000000000000" } },
            "env": {
                "currentCoinbase": "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba", "currentGasLimit": "0x989680",
                "currentNumber": "0x1", "currentTimestamp": "0x3e8", "currentRandom": "0x0", "currentBaseFee": "0x7",
                "withdrawals": [],
            },
            "txs": [{
                "nonce": "0x0", "gasPrice": "0x64", "gas": "0x186a0", "value": "0x5", "input": "0x",
                "to": "0x00000000000000000000000000000000000000c0", "v": "0x0", "r": "0x0", "s": "0x0",
                "secretKey": format!("0x{:064x}", 1),
            }],
        },
    })
}

#[test]
fn a_block_is_made_for_every_request() {
    for words in [&["t8n-server", "--port=0"][..], &["evm", "t8n-server", "--port", "0", "--engine", "mini"]]
    {
        let server = Server::start(words);
        let (status, answer) = server.post(&request().to_string());
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["result"]["gasUsed"], "0x5208");
        assert_eq!(answer["alloc"]["0x00000000000000000000000000000000000000c0"]["balance"], "0x5");
        assert!(answer["body"].as_str().unwrap().starts_with("0xf8"), "{answer}");
        // What frameworks send as text.
        let mut text = request();
        text["state"] = json!({ "fork": "Shanghai", "chainid": "0x1", "reward": "-1" });
        assert_eq!(server.post(&text.to_string()), (200, answer));
    }
}

#[test]
fn what_cannot_be_done_is_told_in_json() {
    let server = Server::start(&["t8n-server", "--port=0"]);
    let check = |(status, answer): (u16, Value), expected: u16, code: u8, said: &str| {
        assert_eq!((status, &answer["exitCode"]), (expected, &json!(code)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(said), "{answer}");
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut request = request();
        change(&mut request);
        server.post(&request.to_string())
    };
    check(server.post("{"), 400, 10, "the request: EOF");
    check(server.post("[]"), 400, 10, "state.fork");
    check(
        changed(&|request| request["state"]["fork"] = json!("Nowhere")),
        400,
        3,
        "unknown fork \"Nowhere\"",
    );
    check(changed(&|request| request["state"]["chainid"] = json!([])), 400, 10, "state.chainid");
    check(changed(&|request| request["input"]["env"] = json!({})), 400, 10, "env.currentNumber");
    check(
        changed(&|request| drop(request["input"]["env"].as_object_mut().unwrap().remove("withdrawals"))),
        400,
        3,
        "withdrawals",
    );
    check(server.ask("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", ""), 405, 10, "expected a POST");
    let foreign = "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n";
    check(server.ask(foreign, ""), 403, 10, "this machine");
    let large = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n";
    check(server.ask(large, ""), 413, 10, "at most 268435456 bytes");
    assert_eq!(server.post(&request().to_string()).0, 200, "it goes on");
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_it() {
    for signal in ["-INT", "-TERM"] {
        let mut server = Server::start(&["t8n-server", "--port=0"]);
        // A connection that nothing comes from keeps it from nothing.
        let idle = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        assert_eq!(server.post(&request().to_string()).0, 200);
        assert!(
            Command::new("kill").args([signal, &server.child.id().to_string()]).status().unwrap().success()
        );
        assert_eq!(server.child.wait().unwrap().code(), Some(130));
        drop(idle);
    }
}
