//! The page: what `ui/dist` holds is compiled in.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use crate::error::ApiError;

const PAGE: &str = include_str!("../ui/dist/index.html");
const SCRIPT: &str = include_str!("../ui/dist/assets/index.js");
const STYLE: &str = include_str!("../ui/dist/assets/index.css");

pub(crate) fn page() -> Response {
    text("text/html; charset=utf-8", PAGE)
}

pub(crate) fn asset(name: &str) -> Response {
    match name {
        "index.js" => text("text/javascript; charset=utf-8", SCRIPT),
        "index.css" => text("text/css; charset=utf-8", STYLE),
        _ => ApiError::not_found("page").into_response(),
    }
}

fn text(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
