#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod allowance;
mod api;
mod app;
mod assets;
mod compare;
mod config;
mod control;
mod cursor;
mod error;
mod events;
mod export;
mod file_trace;
mod folder;
mod guard;
mod headless;
mod index;
mod model;
mod pair;
mod query;
mod records;
mod report;
mod run;
mod search;
mod server;
mod session;
mod side;
mod source;
mod state;
mod timed_stream;

pub use config::{Bounds, Config, Engines, SessionLimits};
pub use headless::{Session, SessionError};
pub use server::Server;
pub use source::TransactionSource;

/// Path below `/api/v1` and method of every route, in the words of `openapi.json`.
pub fn route_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    api::routes().into_iter().map(|(path, method, _)| (path, method))
}
