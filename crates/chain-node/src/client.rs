//! Questions to a node: JSON-RPC over HTTP. Invariant: nothing here says more of the URL than its host, as keys stand in the rest of it.

use std::{fmt, thread, time::Duration};

use parallax_host_interface::HostError;
use serde_json::{Value, json};
use ureq::{
    Agent,
    http::{Uri, uri::Scheme},
};

/// How a node is asked.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// Most time that an answer may take.
    pub timeout: Duration,
    /// How often a question is asked again that was not answered.
    pub retries: u32,
    /// The pause before a question is asked again; the next one is as much longer.
    pub pause: Duration,
    /// Most bytes of an answer.
    pub max_bytes: u64,
    /// What is told where a question is asked again.
    pub told: fn(&NodeError),
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            retries: 2,
            pause: Duration::from_millis(300),
            max_bytes: 256 << 20,
            told: |_| {},
        }
    }
}

/// A node that is asked.
pub struct NodeClient {
    agent: Agent,
    uri: Uri,
    host: String,
    options: ClientOptions,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// What should be the address of a node is none.
    #[error("expected the URL of a node, as http://127.0.0.1:8545 or https://HOST/PATH")]
    Url,
    /// It was not reached, or did not answer.
    #[error("{host}: {method}: {reason}")]
    Silent {
        /// The host.
        host: String,
        /// What it was asked.
        method: &'static str,
        /// Why.
        reason: String,
    },
    /// It answered that it cannot.
    #[error("{host}: {method}: the node answers: {message}")]
    Refused {
        /// The host.
        host: String,
        /// What it was asked.
        method: &'static str,
        /// What it says.
        message: String,
    },
    /// It answered with what cannot be, or is not what it was asked.
    #[error("{host}: {method}: {reason}")]
    Wrong {
        /// The host.
        host: String,
        /// What it was asked.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<NodeError> for HostError {
    fn from(error: NodeError) -> Self {
        Self::new(error.to_string())
    }
}

impl NodeClient {
    /// A node at `url`, which is not asked yet.
    ///
    /// # Errors
    ///
    /// It is not the URL of a node.
    pub fn new(url: &str, options: ClientOptions) -> Result<Self, NodeError> {
        let uri: Uri = url.parse().map_err(|_| NodeError::Url)?;
        let is_http = uri.scheme().is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
        let host = match (uri.host(), uri.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(NodeError::Url),
        };
        if !is_http {
            return Err(NodeError::Url);
        }
        let config = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Ok(Self { agent: config.into(), uri, host, options })
    }

    /// The host, and the port if it was named.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Asks, and asks again where there was no answer.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub fn call(&self, method: &'static str, parameters: &Value) -> Result<Value, NodeError> {
        let mut again = 0;
        loop {
            match self.ask(method, parameters) {
                Err(error @ NodeError::Silent { .. }) if again < self.options.retries => {
                    (self.options.told)(&error);
                    again += 1;
                    thread::sleep(self.options.pause.saturating_mul(again));
                }
                answer => return answer,
            }
        }
    }

    /// The error that an answer cannot be.
    pub(crate) fn wrong(&self, method: &'static str, reason: impl fmt::Display) -> NodeError {
        NodeError::Wrong { host: self.host.clone(), method, reason: reason.to_string() }
    }

    fn ask(&self, method: &'static str, parameters: &Value) -> Result<Value, NodeError> {
        let silent = |reason: String| NodeError::Silent { host: self.host.clone(), method, reason };
        let question =
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters }).to_string();
        let request = self.agent.post(&self.uri).header("content-type", "application/json");
        let mut response = request.send(question).map_err(|error| silent(self.reason(&error)))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(self.options.max_bytes).read_to_vec();
        let body = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => {
                self.wrong(method, format_args!("the answer is longer than {limit} bytes"))
            }
            error => silent(self.reason(&error)),
        })?;
        let answer: Result<Value, _> = serde_json::from_slice(&body);
        // Many nodes answer with a status of their own and say in JSON why.
        let is_json = answer
            .as_ref()
            .is_ok_and(|answer| answer.get("error").is_some() || answer.get("result").is_some());
        match status.as_u16() {
            200 => {}
            429 | 500.. => return Err(silent(format!("HTTP status {status}"))),
            _ if is_json => {}
            _ => return Err(self.wrong(method, format_args!("HTTP status {status}"))),
        }
        let mut answer =
            answer.map_err(|error| self.wrong(method, format_args!("the answer is no JSON: {error}")))?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let message =
                error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
            let message = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
            return Err(NodeError::Refused { host: self.host.clone(), method, message });
        }
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(self.wrong(method, "the answer has neither a result nor an error")),
        }
    }

    /// Why there was no answer, without the URL.
    fn reason(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => {
                format!("no answer within {} seconds", self.options.timeout.as_secs_f64())
            }
            ureq::Error::HostNotFound => "no host of this name".to_owned(),
            ureq::Error::ConnectionFailed => "cannot connect".to_owned(),
            ureq::Error::Io(error) => format!("the connection failed: {}", error.kind()),
            ureq::Error::Rustls(error) => format!("no safe connection: {error}"),
            ureq::Error::Tls(what) => format!("no safe connection: {what}"),
            ureq::Error::Protocol(error) => format!("the answer is no HTTP: {error}"),
            ureq::Error::InvalidProxyUrl | ureq::Error::ConnectProxyFailed(_) => {
                "the proxy does not let through".to_owned()
            }
            _ => "no answer".to_owned(),
        }
    }
}

impl fmt::Debug for NodeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeClient").field("host", &self.host).finish_non_exhaustive()
    }
}
