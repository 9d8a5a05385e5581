//! `parallax t8n-server`: the transition tool over HTTP, for a framework that starts it once and posts one request after the other.
//!
//! One thread listens; each block is made on a thread of its own, as many at a time as there are cores. Connections, the bytes of a request
//! and the time that it takes to come have limits.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener as StdListener},
    path::PathBuf,
    pin::pin,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Error, Result};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use parallax_campaign::engines::EngineName;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::{Semaphore, watch},
    time::timeout,
};

use crate::{
    libraries::{load, needs_steps},
    report::{Status, one_line},
    t8n::{ENGINE, FILE, JSON, Stop, Watched, named, read, rules},
    t8n_arguments::{T8nServerArguments, T8nTraceArguments, integer},
};

/// Most connections at a time; one more waits.
const CONNECTIONS: u32 = 16;
/// Most bytes of a request's body.
const MAX_BODY: usize = 256 << 20;
/// Most bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What makes the blocks.
struct Tool {
    engine: EngineName,
    trace: T8nTraceArguments,
    basedir: PathBuf,
    port: u16,
    /// Blocks at a time.
    lanes: Semaphore,
}

pub(crate) fn run(arguments: &T8nServerArguments) -> Result<Status> {
    let T8nServerArguments { port, basedir, trace, engine } = arguments;
    load(*engine)?;
    let tracer = named(trace).map_err(Error::msg)?;
    if trace.trace.is_some() || tracer.is_some() {
        needs_steps("--trace", *engine)?;
        fs::create_dir_all(basedir).with_context(|| basedir.display().to_string())?;
    }
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, *port))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .with_context(|| format!("cannot listen on port {port}"))?;
    let port = listener.local_addr().context("cannot tell the port")?.port();
    let (stop, stopped) = watch::channel(false);
    ctrlc::set_handler(move || {
        if stop.send_replace(true) {
            std::process::exit(130);
        }
    })
    .context("cannot watch for interrupts")?;
    // Traces of two blocks would have the same names.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let lanes = Semaphore::new(if trace.trace.is_some() || tracer.is_some() { 1 } else { cores });
    let tool =
        Arc::new(Tool { engine: *engine, trace: trace.clone(), basedir: basedir.clone(), port, lanes });
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start to listen")?;
    let mut out = io::stdout().lock();
    writeln!(out, "Transition server listening on {port}")?;
    out.flush()?;
    drop(out);
    runtime.block_on(listen(listener, tool, stopped)).context("cannot listen")?;
    Ok(Status::Interrupted)
}

/// Takes connections until it is stopped, and then waits for those that it has.
async fn listen(
    listener: StdListener,
    tool: Arc<Tool>,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let router = Router::new().fallback(answer).with_state(tool);
    loop {
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = is_stopped(&mut stopped) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, stopped) = (router.clone(), stopped.clone());
                tokio::spawn(async move {
                    converse(stream, router, stopped).await;
                    drop(permit);
                });
            }
            // No more files may be open, or the client is gone already.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    let _ = connections.acquire_many(CONNECTIONS).await;
    Ok(())
}

/// Waits for an interrupt.
async fn is_stopped(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}

async fn converse(stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // How a connection ends is its client's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = is_stopped(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(State(tool): State<Arc<Tool>>, request: Request) -> Response {
    if !is_local(request.headers(), tool.port) {
        return refused(StatusCode::FORBIDDEN, &Stop::new(JSON, &"expected a request for this machine"));
    }
    if request.method() != Method::POST {
        return refused(StatusCode::METHOD_NOT_ALLOWED, &Stop::new(JSON, &"expected a POST"));
    }
    let too_large = || {
        let stop = Stop::new(JSON, &format!("expected a body of at most {MAX_BODY} bytes"));
        refused(StatusCode::PAYLOAD_TOO_LARGE, &stop)
    };
    let said =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if said.is_some_and(|length: usize| length > MAX_BODY) {
        return too_large();
    }
    let body = match timeout(PATIENCE, to_bytes(request.into_body(), MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return too_large(),
        Err(_) => {
            let stop = Stop::new(JSON, &format!("the body did not come within {} s", PATIENCE.as_secs()));
            return refused(StatusCode::REQUEST_TIMEOUT, &stop);
        }
    };
    let _lane = tool.lanes.acquire().await;
    let made = {
        let tool = Arc::clone(&tool);
        tokio::task::spawn_blocking(move || tool.make(&body)).await
    };
    match made {
        Ok(Ok(output)) => json_of(StatusCode::OK, &output),
        Ok(Err(stop)) => match stop.status {
            ENGINE | FILE => refused(StatusCode::INTERNAL_SERVER_ERROR, &stop),
            _ => refused(StatusCode::BAD_REQUEST, &stop),
        },
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &Stop::new(ENGINE, &error)),
    }
}

/// Whether the request names this machine: a page of another site that a browser shows cannot.
fn is_local(headers: &HeaderMap, port: u16) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return true };
    let local = ["127.0.0.1", "localhost", "[::1]"];
    local
        .iter()
        .any(|name| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == format!(":{port}")))
        && headers.get(header::ORIGIN).is_none()
}

fn refused(status: StatusCode, stop: &Stop) -> Response {
    json_of(status, &json!({ "error": one_line(&stop.text), "exitCode": stop.status }))
}

fn json_of(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

impl Tool {
    /// Makes the block that a request asks for.
    fn make(&self, body: &[u8]) -> Result<Value, Stop> {
        let wrong = |error: &dyn std::fmt::Display| Stop::new(JSON, error);
        let request: Value =
            serde_json::from_slice(body).map_err(|error| wrong(&format!("the request: {error}")))?;
        let (state, input) = (&request["state"], &request["input"]);
        let fork = state["fork"].as_str().ok_or_else(|| wrong(&"state.fork: expected the name of a fork"))?;
        let number = |name: &str, default| match &state[name] {
            Value::Null => Ok(default),
            value => number_of(value).ok_or_else(|| wrong(&format!("state.{name}: expected an integer"))),
        };
        let chain_id = u64::try_from(number("chainid", 1)?)
            .map_err(|_| wrong(&"state.chainid: expected an integer below 2^64"))?;
        let reward = number("reward", 0)?;
        let blobs = Some(&input["blobParams"]).filter(|blobs| !blobs.is_null());
        let rules = rules(fork, blobs)?;
        let txs = if input["txs"].is_null() { &input["txsRlp"] } else { &input["txs"] };
        let request = read(rules, chain_id, reward, [&input["alloc"], &input["env"], txs])?;
        let output = Watched::new(&self.trace, &self.basedir, false)?.run(&request, self.engine)?;
        Ok(json!({ "result": output.result, "alloc": output.alloc, "body": output.body.to_string() }))
    }
}

/// A number, or its digits as text.
fn number_of(value: &Value) -> Option<i128> {
    let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    number.or_else(|| integer(value.as_str()?).ok())
}
