//! What is tried against the server, and refused.

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use parallax_campaign::engines::mini;
use parallax_devtool::{Bounds, Config, Engines, SessionLimits};
use parallax_engine_interface::{Engine, EngineError, Job, Stepper};
use serde_json::{Value, json};

use crate::client::{PATIENCE, Running, assembly, program};

fn with(bounds: Bounds) -> Running {
    Running::new(Config { bounds, ..Config::default() })
}

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parallax-devtool-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("served/inner")).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file of state tests of the repository.
fn fixture() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/state-tests");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.sort();
    fs::read_to_string(files.into_iter().find(|path| path.is_file()).unwrap()).unwrap()
}

#[test]
fn foreign_hosts_and_origins_are_refused() {
    let server = Running::new(Config::default());
    let port = server.address().port();
    assert!(server.address().ip().is_loopback());
    let get = |headers: &str| server.send("GET", "/api/v1/info", headers, "");
    let signed = format!("127.0.0.1:+{port}");
    for host in [
        "evil.example",
        "evil.example:80",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example",
        "",
        "[::1]",
        &signed,
    ] {
        for path in ["/api/v1/info", "/", "/assets/index.js"] {
            let answer = server.send("GET", path, &format!("Host: {host}\r\n"), "");
            assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden_host"), "{host} {path}");
        }
    }
    assert_eq!(get(&format!("Host: evil.example:{port}\r\n")).code(), "forbidden_host");
    assert_eq!(get(&format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n")).status, 403);
    let absolute =
        format!("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    assert_eq!(server.raw(absolute.as_bytes()).status, 403);
    assert_eq!(server.raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").status, 403);
    assert_eq!(get(&format!("Host: localhost:{port}\r\n")).status, 200);

    for origin in
        ["http://evil.example", "null", "https://127.0.0.1:1", "http://127.0.0.1", "http://localhost:1"]
    {
        assert_eq!(get(&format!("Origin: {origin}\r\n")).code(), "forbidden_origin", "{origin}");
    }
    assert_eq!(get(&format!("Origin: https://127.0.0.1:{port}\r\n")).status, 403);
    assert_eq!(get("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n").status, 403);
    assert_eq!(get("Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n").status, 403);
    let own = get(&format!("Origin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n"));
    assert_eq!(own.status, 200);
    assert_eq!(own.header("access-control-allow-origin"), None);
    // What a browser asks before it sends JSON from a foreign page.
    let asked = server.send(
        "OPTIONS",
        "/api/v1/sessions",
        "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
        "",
    );
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (403, None));
    // What it sends without asking.
    let body = program("0x00", &["primary", "mini"]).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer = server.send("POST", "/api/v1/sessions", &format!("Content-Type: {kind}\r\n"), &body);
        assert_eq!(answer.code(), "unsupported_media_type", "{kind}");
    }
    // And a WebSocket, which no browser asks about at all.
    let path = server.session(&program("0x00", &["primary", "mini"]));
    let handshake = "Origin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(server.send("GET", &format!("{path}/events"), handshake, "").code(), "forbidden_origin");
}

#[test]
fn answers_tell_browsers_to_load_nothing_foreign() {
    let server = Running::new(Config::default());
    for path in ["/", "/assets/index.js", "/assets/index.css", "/api/v1/info", "/none"] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    let page = String::from_utf8(server.get("/").body).unwrap();
    for part in page.split("<script").skip(1) {
        assert!(part.split('>').next().unwrap().contains("src="), "a script in the page itself: {part}");
    }
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="));
}

#[test]
fn only_files_below_the_folder_are_read() {
    let folder = Folder::new("paths");
    let served = folder.0.join("served");
    fs::write(folder.0.join("secret.json"), "{\"secret\":{}}").unwrap();
    fs::write(served.join("inner/a.json"), fixture()).unwrap();
    fs::write(served.join(".hidden.json"), "{}").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../secret.json", served.join("link.json")).unwrap();
        symlink("..", served.join("up")).unwrap();
        symlink("inner/a.json", served.join("fine.json")).unwrap();
    }
    let server = Running::with_folder(&served);
    let absolute = folder.0.join("secret.json");
    let outside = [
        "../secret.json",
        "inner/../../secret.json",
        "./../secret.json",
        absolute.to_str().unwrap(),
        "/etc/passwd",
        "link.json",
        "up/secret.json",
        "../..\\secret.json",
        "inner/./a.json/../../../secret.json",
        "a\0.json",
        "",
    ];
    for path in outside {
        let body = json!({"source": {"kind": "test", "path": path}});
        let answer = server.post("/api/v1/sessions", &body);
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden_path"), "{path}");
        let body = json!({"source": {"kind": "traces", "left": {"path": path}, "right": {"path": path}}});
        assert_eq!(server.post("/api/v1/sessions", &body).status, 403, "{path}");
        let encoded: String = path.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let listed = server.get(&format!("/api/v1/tests/cases?path={encoded}"));
        assert_eq!(listed.status, 403, "{path}");
        assert!(!String::from_utf8_lossy(&listed.body).contains("secret\""), "{path}");
    }
    for path in
        ["/assets/../Cargo.toml", "/assets/%2e%2e%2fCargo.toml", "/../../etc/passwd", "/ui/dist/index.html"]
    {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let cases = |path: &str| server.get(&format!("/api/v1/tests/cases?path={path}")).status;
    assert_eq!((cases("inner/a.json"), cases("inner"), cases("none.json")), (200, 422, 404));
    #[cfg(unix)]
    {
        assert_eq!(cases("fine.json"), 200);
        // Nobody writes to this pipe: opening it would wait for ever.
        let pipe = served.join("pipe.json");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        std::os::unix::fs::symlink("/dev/zero", served.join("zero.json")).unwrap();
        assert_eq!((cases("pipe.json"), cases("zero.json")), (422, 403));
        // A name like any other.
        fs::write(served.join("in\\out.txt"), "").unwrap();
        assert_eq!(cases("in%5cout.txt"), 422);
    }
    let files = server.ask("/api/v1/tests");
    let listed: Vec<_> = files["files"].as_array().unwrap().iter().map(|file| file["path"].clone()).collect();
    #[cfg(unix)]
    assert_eq!(listed, ["in\\out.txt", "inner/a.json"]);
    #[cfg(not(unix))]
    assert_eq!(listed, ["inner/a.json"]);
    let bare = Running::new(Config::default());
    assert_eq!(bare.get("/api/v1/tests/cases?path=a.json").status, 400);
    assert_eq!(bare.ask("/api/v1/tests")["total"], 0);
}

#[test]
fn large_bodies_are_refused_before_they_are_read() {
    let server = with(Bounds { body_bytes: 10_000, ..Bounds::default() });
    let code = format!("0x{}", "00".repeat(10_000));
    let body = program(&code, &["primary", "mini"]);
    assert_eq!(server.post("/api/v1/sessions", &body).code(), "too_large");
    // Announced and never sent; and sent without being announced.
    let host = server.address();
    let head =
        format!("POST /api/v1/sessions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
    let announced = format!("{head}Content-Length: 99999999999\r\n\r\n");
    assert_eq!(server.raw(announced.as_bytes()).status, 413);
    let chunk = format!("{:x}\r\n{}\r\n", 20_000, " ".repeat(20_000));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(server.raw(chunked.as_bytes()).status, 413);
    let long = format!("GET /{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "a".repeat(200_000));
    assert!([0, 414, 431].contains(&server.raw(long.as_bytes()).status));
    assert_eq!(server.get("/api/v1/info").status, 200);
}

#[test]
fn malformed_requests_are_answered_and_harm_nothing() {
    let server = Running::new(Config::default());
    let brackets = ["[", "]"].map(|bracket| bracket.repeat(100_000)).concat();
    let deep = format!("{{\"source\":{{\"kind\":\"upload\",\"file\":{brackets}}}}}");
    let json = "Content-Type: application/json\r\n";
    for (body, code) in [
        ("{", "bad_json"),
        ("", "bad_request"),
        ("[]", "bad_request"),
        ("{\"source\":{\"kind\":\"code\"}}", "bad_request"),
        ("{\"source\":{\"kind\":\"code\",\"code\":\"00\",\"extra\":1}}", "bad_request"),
        ("{\"source\":{\"kind\":\"code\",\"code\":\"0x0\"}}", "bad_source"),
        ("{\"source\":{\"kind\":\"code\",\"code\":\"zz\"}}", "bad_source"),
        ("{\"source\":{\"kind\":\"code\",\"code\":\"00\",\"fork\":\"None\"}}", "bad_request"),
        ("{\"source\":{\"kind\":\"code\",\"code\":\"00\",\"gas\":-1}}", "bad_request"),
        ("{\"source\":{\"kind\":\"code\",\"code\":\"00\"},\"engines\":[\"none\",\"mini\"]}", "bad_request"),
        ("{\"source\":{\"kind\":\"code\",\"code\":\"00\"},\"limits\":{\"steps\":0}}", "bad_request"),
        (
            "{\"source\":{\"kind\":\"code\",\"code\":\"00\"},\"limits\":{\"steps\":99999999999}}",
            "bad_request",
        ),
        ("{\"source\":{\"kind\":\"upload\",\"file\":{\"t\":{}}}}", "bad_source"),
        (
            "{\"source\":{\"kind\":\"traces\",\"left\":{\"text\":\"\"},\"right\":{\"text\":\"\"}}}",
            "bad_source",
        ),
        (deep.as_str(), "bad_json"),
        ("\u{0}\u{1}", "bad_json"),
    ] {
        let answer = server.send("POST", "/api/v1/sessions", json, body);
        let shown = &body[..body.len().min(80)];
        assert_eq!(answer.code(), code, "{shown}: {}", answer.json());
        assert!((400..500).contains(&answer.status), "{shown}");
    }
    // Some of it could be the beginning of a request: the server waits for the rest, and not for long.
    let hasty = with(Bounds { patience: Duration::from_secs(2), ..Bounds::default() });
    for nonsense in [&b"\0\0\0\0"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", &[0xff; 5000]] {
        hasty.raw(nonsense);
    }
    wait_for_room(&hasty);
    for path in ["/api/v1/sessions/%ff", "/api/v1/sessions/%zz/steps/0", "/assets/%ff", "/%"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
    let path = server.session(&program("0x00", &["primary", "mini"]));
    let step = |body: Value| server.post(&format!("{path}/step"), &body).code();
    assert_eq!(step(json!({"kind": "into", "count": 0})), "bad_request");
    assert_eq!(step(json!({"kind": "into", "count": 1_000_001})), "bad_request");
    for wrong in [
        json!({"kind": "opcode", "opcode": "0x+1"}),
        json!({"kind": "opcode", "opcode": "0x"}),
        json!({"kind": "opcode", "opcode": "NOTHING"}),
        json!({"kind": "storage", "key": ""}),
        json!({"kind": "storage", "key": "0x"}),
        json!({"kind": "depth", "depth": 65536}),
        json!({"kind": "address", "address": "0x1"}),
        json!({"kind": "halt", "halt": "OutOfLuck"}),
        json!(null),
    ] {
        let body = json!({ "breakpoints": [wrong] }).to_string();
        let answer = server.send("PUT", &format!("{path}/breakpoints"), json, &body);
        assert_eq!(answer.code(), "bad_request", "{body}");
    }
    for tail in [
        "/steps?from=x",
        "/steps?from=%2b1",
        "/steps?limit=1001",
        "/steps?x=1",
        "/steps/x",
        "/steps/99",
        "/timeline?buckets=0",
        "/code?call=9",
        "/search?kind=value&q=zz",
        "/search",
    ] {
        let status = server.get(&format!("{path}{tail}")).status;
        assert!([400, 404].contains(&status), "{tail}: {status}");
    }
    let hasty_path = hasty.session(&program("0x00", &["primary", "mini"]));
    for frame in [
        &b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\xff\xff\xff\xff\xff\xff\xff",
        b"\x01\x05hello",
        b"\x81\x05hello",
    ] {
        let mut socket = hasty.listen(&hasty_path);
        socket.receive();
        socket.raw(frame);
        while socket.receive().is_some() {}
    }
    for text in ["nonsense", "{\"type\":\"run\"}", "[1,2"] {
        let mut socket = server.listen(&path);
        socket.receive();
        socket.send(text);
        assert_eq!(socket.receive().unwrap()["type"], "error", "{text}");
        assert_eq!(socket.receive(), None, "{text}");
    }
    let mut socket = server.listen(&path);
    socket.receive();
    socket.frame(0x81, &[b' '; 100_000]);
    assert_eq!(socket.receive(), None);
    let mut socket = server.listen(&path);
    socket.receive();
    socket.frame(0x81, b"\xff\xfe");
    while socket.receive().is_some() {}
    assert_eq!(server.get("/api/v1/info").status, 200);
}

#[test]
fn a_thousand_sessions_are_refused_clearly_and_cost_nothing() {
    let server = Running::new(Config::default());
    let body = assembly("PUSH 1", &["primary", "mini"]);
    let mut made = Vec::new();
    let mut refused = 0;
    for _ in 0..1000 {
        let answer = server.post("/api/v1/sessions", &body);
        match answer.status {
            201 => made.push(answer.json()["id"].as_str().unwrap().to_owned()),
            503 => {
                assert_eq!(answer.code(), "too_many_sessions");
                assert!(answer.header("retry-after").is_some());
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!((made.len() <= 32, made.len() + refused), (true, 1000), "{}", made.len());
    assert_eq!(server.ask("/api/v1/sessions")["sessions"].as_array().unwrap().len(), made.len());
    let path = format!("/api/v1/sessions/{}", made[0]);
    assert_eq!(server.send("DELETE", &path, "", "").status, 204);
    server.wait("/api/v1/sessions", |all| {
        all["sessions"].as_array().unwrap().iter().all(|session| session["status"] == "done")
    });
    assert_eq!(server.post("/api/v1/sessions", &body).status, 201);
}

#[test]
fn memory_that_is_set_aside_is_bounded_over_all_sessions() {
    let most = SessionLimits { bytes: 1 << 20, ..Bounds::default().most };
    let default = SessionLimits { bytes: 1 << 20, ..Bounds::default().default };
    let server = with(Bounds { total_bytes: 3 << 20, most, default, ..Bounds::default() });
    let mut body = assembly("loop: PUSH @loop JUMP", &["primary", "mini"]);
    body["source"]["fork"] = json!("Prague");
    body["source"]["gas"] = json!(1_000_000_000_u64);
    let statuses: Vec<_> = (0..6).map(|_| server.post("/api/v1/sessions", &body).status).collect();
    assert!(statuses.contains(&503), "{statuses:?}");
    assert_eq!(
        server
            .post(
                "/api/v1/sessions",
                &json!({"source": {"kind": "code", "code": ""}, "limits": {"memoryBytes": 2 << 20}})
            )
            .status,
        400
    );
}

#[test]
fn what_a_session_is_made_of_counts_as_its_memory() {
    let most = SessionLimits { bytes: 1 << 20, ..Bounds::default().most };
    let default = SessionLimits { bytes: 1 << 20, ..Bounds::default().default };
    let server = with(Bounds { total_bytes: 5 << 20, most, default, ..Bounds::default() });
    let code = format!("0x00{}", "00".repeat(800_000));
    let body = program(&code, &["primary", "mini"]);
    server.session(&body);
    // Its records are small by now; its code is not.
    server.session(&program("0x00", &["primary", "mini"]));
    let refused = server.post("/api/v1/sessions", &body);
    assert_eq!((refused.status, refused.code().as_str()), (503, "too_many_sessions"), "{}", refused.json());
}

#[test]
fn limits_end_a_run_and_say_so() {
    let server = Running::new(Config::default());
    for (limits, code, reason) in [
        (json!({"steps": 5000}), "loop: PUSH @loop JUMP", "steps"),
        (json!({"memoryBytes": 20_000}), "loop: GAS POP PUSH @loop JUMP", "memory"),
        (json!({"seconds": 1}), "loop: PUSH 0x100000 PUSH 0 KECCAK256 POP PUSH @loop JUMP", "time"),
        // What gas could pay for, the machine has not.
        (json!({}), "PUSH 0xffffffff00 MLOAD", "memory"),
        (json!({}), "PUSH 0xffffffff PUSH 0xffffffff PUSH 0xffffffff RETURN", "memory"),
    ] {
        for mode in ["off", "per_call", "per_step"] {
            let mut body = assembly(code, &["primary", "mini"]);
            body["source"]["fork"] = json!("Prague");
            body["source"]["gas"] = json!(u64::MAX);
            body["limits"] = limits.clone();
            body["mode"] = json!(mode);
            let session = server.ask(&server.session(&body));
            assert_eq!(session["status"], "done", "{code} {mode}: {session}");
            assert_eq!(session["stoppedBy"], reason, "{code} {mode}: {session}");
            let verdict = &session["verdict"]["kind"];
            assert!(mode == "off" || verdict == "poisoned", "{code} {mode}: {session}");
        }
    }
}

#[test]
fn idle_sessions_end() {
    let server = with(Bounds { idle: Duration::from_millis(1), ..Bounds::default() });
    let answer = server.post("/api/v1/sessions", &program("0x00", &["primary", "mini"]));
    let path = answer.header("location").unwrap();
    let begun = Instant::now();
    while !server.ask("/api/v1/sessions")["sessions"].as_array().unwrap().is_empty() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.get(path).status, 404);
}

#[test]
fn slow_clients_are_given_up_and_others_served() {
    let bounds = Bounds { patience: Duration::from_secs(1), connections: 20, ..Bounds::default() };
    let server = with(bounds);
    let host = server.address();
    let mut silent = server.connect();
    let mut head = server.connect();
    write!(head, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ").unwrap();
    let mut body = server.connect();
    let length = "Content-Type: application/json\r\nContent-Length: 100";
    write!(body, "POST /api/v1/sessions HTTP/1.1\r\nHost: {host}\r\n{length}\r\n\r\n{{").unwrap();
    assert_eq!(server.get("/api/v1/info").status, 200);
    for (name, stream) in [("silent", &mut silent), ("head", &mut head), ("body", &mut body)] {
        let mut rest = Vec::new();
        // The end comes, or a reset: not the test's own patience.
        let ended = stream.read_to_end(&mut rest);
        let waited_for = ended.err().map(|error| error.kind());
        assert_ne!(waited_for, Some(std::io::ErrorKind::WouldBlock), "{name}");
        if name == "body" {
            assert!(rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
        }
    }
    // More connections than there may be: those that are too many are closed, and room comes back.
    let many: Vec<_> = (0..60).map(|_| server.connect()).collect();
    wait_for_room(&server);
    drop(many);
    // One that asks for much and takes nothing has the only place there is, until it is given up.
    let server = with(Bounds { connections: 1, ..bounds });
    let mut code = String::new();
    (0..20_000).for_each(|_| code.push_str("5f50"));
    let path = server.session(&program(&code, &["primary", "mini"]));
    let mut greedy = server.connect();
    let host = server.address();
    for _ in 0..200 {
        let asked = write!(greedy, "GET {path}/steps?limit=1000 HTTP/1.1\r\nHost: {host}\r\n\r\n");
        if asked.is_err() {
            break;
        }
    }
    wait_for_room(&server);
    drop(greedy);
}

/// Asks again until there is an answer.
#[track_caller]
fn wait_for_room(server: &Running) {
    let begun = Instant::now();
    while server.get("/api/v1/info").status != 200 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_thousand_web_sockets_are_refused_and_a_close_is_answered() {
    let server = with(Bounds { connections: 8, ..Bounds::default() });
    let path = server.session(&program("0x00", &["primary", "mini"]));
    let mut open: Vec<_> = (0..8).map(|_| server.listen(&path)).collect();
    for _ in 0..1000 {
        let (head, _) = server.knock(&path);
        assert!(head.starts_with("HTTP/1.1 429"), "{head}");
    }
    assert_eq!(server.get("/api/v1/info").status, 200);
    // One that leaves politely is answered, and makes room.
    let mut leaving = open.pop().unwrap();
    leaving.receive();
    leaving.frame(0x88, &1000_u16.to_be_bytes());
    assert_eq!(leaving.rest(), [0x88, 2, 0x03, 0xe8]);
    let begun = Instant::now();
    while !server.knock(&path).0.starts_with("HTTP/1.1 101") {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Panics as soon as it is to run.
struct Panicking;

impl Engine for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        panic!("<b>not today</b>")
    }
}

#[test]
fn a_panic_in_a_session_is_that_sessions_error() {
    let engines = Engines::default().with(&Panicking);
    let server = Running::new(Config { engines, ..Config::default() });
    for (mode, engines) in [
        ("off", ["panicking"].as_slice()),
        ("per_call", &["mini", "panicking"]),
        ("per_step", &["panicking", "mini"]),
    ] {
        let mut body = program("0x00", engines);
        body["mode"] = json!(mode);
        let path = server.session(&body);
        let session = server.ask(&path);
        assert_eq!(session["status"], "failed", "{mode}");
        let error = session["error"].as_str().unwrap();
        assert!(error.contains("panicked: <b>not today</b>"), "{error}");
        assert_eq!(server.get(&format!("{path}/steps")).code(), "internal");
    }
    let path = server.session(&program("0x00", &["primary", "mini"]));
    assert_eq!(server.ask(&path)["verdict"]["kind"], "agree");
    assert_eq!(Engine::name(mini()), "mini");
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\u{2028}\"'";
    let folder = Folder::new("hostile");
    let name = "a<img src=x>.json";
    let file: Value = serde_json::from_str(&fixture()).unwrap();
    let test = file.as_object().unwrap().values().next().unwrap();
    fs::write(folder.0.join("served").join(name), json!({ hostile: test }).to_string()).unwrap();
    let server = Running::with_folder(folder.0.join("served"));
    let path = server.session(&json!({"source": {"kind": "test", "path": name}}));
    assert_eq!(server.ask(&path)["source"]["name"], hostile);
    // The report of a comparison, and the page of one engine.
    let alone = server.session(&json!({"source": {"kind": "test", "path": name}, "mode": "off"}));
    for path in [&path, &alone] {
        let page = server.get(&format!("{path}/export?format=html"));
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.header("content-disposition").unwrap().starts_with("attachment"));
        let text = String::from_utf8(page.body).unwrap();
        assert!(!text.contains("<img") && !text.contains("<script>alert"), "markup from a name: {text}");
        assert!(text.contains("onerror=alert(1)"), "{text}");
        for tag in text.split("<script").skip(1).chain(text.split("<link").skip(1)) {
            let tag = tag.split('>').next().unwrap();
            assert!(!tag.contains("src") && !tag.contains("href"), "it loads something: {tag}");
        }
    }
    let page = String::from_utf8(server.get(&format!("{alone}/export?format=html")).body).unwrap();
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let run: Value = serde_json::from_str(data).unwrap();
    assert_eq!(run["session"]["source"]["name"], hostile);
    let json = server.get(&format!("{path}/export"));
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(json.json()["session"]["source"]["name"], hostile);
}
