#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod api;
mod app;
mod assets;
mod compare;
mod config;
mod control;
mod error;
mod events;
mod export;
mod file_trace;
mod folder;
mod guard;
mod index;
mod look;
mod means;
mod model;
mod navigate;
mod pair;
mod patient;
mod query;
mod run;
mod search;
mod server;
mod session;
mod side;
mod source;
mod state;

use std::any::Any;

pub use config::{Bounds, Config, Engines, SessionLimits};
pub use server::Server;

/// Path below `/api/v1` and method of every route, in the words of `openapi.json`.
pub fn route_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    api::routes().into_iter().map(|(path, method, _)| (path, method))
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "without a word",
    }
}
