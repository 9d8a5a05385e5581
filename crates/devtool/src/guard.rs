//! What every request goes through: who may ask, how large and how slow, and what every answer says to browsers.
//!
//! A page of another origin can make a browser send requests here, even under a name of its own that it points at this
//! machine. So the Host must be this server's, an Origin, if there is one, as well, and a body must say that it is JSON,
//! which a foreign page cannot send without being asked for leave first; leave is given to nobody.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use tracing::Instrument;

use crate::{app::App, error::ApiError, query::decode};

/// What the page may load: its own script and style, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let span = tracing::error_span!("request", method = %request.method(), path = request.uri().path());
    async move {
        let start = Instant::now();
        let response = answered(&app, request, next).await;
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        tracing::debug!(status = response.status().as_u16(), milliseconds, "answered");
        response
    }
    .instrument(span)
    .await
}

async fn answered(app: &App, request: Request, next: Next) -> Response {
    let mut response = match admit(app, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => {
            // The rest of the body is not read: the connection cannot go on.
            let mut response = error.into_response();
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The request with its whole body, if it may be answered.
async fn admit(app: &App, request: Request) -> Result<Request, ApiError> {
    let (parts, body) = request.into_parts();
    check_host(&parts.headers, &parts.uri, app.port)?;
    check_origin(&parts.headers, app.port)?;
    if decode(parts.uri.path()).is_none() {
        return Err(ApiError::not_found("page"));
    }
    let has_body = !matches!(parts.method, Method::GET | Method::HEAD | Method::DELETE);
    if !has_body {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    let bytes = read(body, &parts.headers, app.config.bounds.body_bytes, app.config.bounds.patience).await?;
    let is_json =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json")
        });
    if !is_json && !bytes.is_empty() {
        let message = "expected a body of application/json";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn read(
    body: Body,
    headers: &HeaderMap,
    limit: usize,
    patience: Duration,
) -> Result<axum::body::Bytes, ApiError> {
    let too_large = || {
        let message = format!("the body is larger than the limit of {limit} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if told.and_then(|told| told.parse::<u64>().ok()).is_some_and(|told| told > limit as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(patience, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => {
            let message = "the body did not come in time";
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", message))
        }
    }
}

fn is_own(authority: &str, port: u16) -> bool {
    let (host, given) = match authority.rsplit_once(':') {
        // A number may have a sign, a port may not.
        Some((host, given)) => (host, given.parse::<u16>().ok().filter(|_| !given.starts_with('+'))),
        None => (authority, Some(80)),
    };
    given == Some(port) && (host == "127.0.0.1" || host.eq_ignore_ascii_case("localhost"))
}

fn check_host(headers: &HeaderMap, uri: &Uri, port: u16) -> Result<(), ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let is_named = host.is_some_and(|host| is_own(host, port)) && hosts.next().is_none();
    let is_asked = uri.authority().is_none_or(|authority| is_own(authority.as_str(), port));
    if is_named && is_asked {
        return Ok(());
    }
    let message = format!("expected the Host 127.0.0.1:{port} or localhost:{port}");
    Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden_host", message))
}

fn check_origin(headers: &HeaderMap, port: u16) -> Result<(), ApiError> {
    let forbidden = || {
        let message = "this server answers to its own page, and to programs that are no page";
        Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden_origin", message))
    };
    for origin in headers.get_all(header::ORIGIN) {
        let own = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        if !own.is_some_and(|authority| is_own(authority, port)) {
            return forbidden();
        }
    }
    // Browsers tell of requests that have no Origin, too: those for pictures and scripts. A link to the page is welcome.
    let told = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_foreign = told("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    if is_foreign && told("sec-fetch-mode") != Some("navigate") {
        return forbidden();
    }
    Ok(())
}
