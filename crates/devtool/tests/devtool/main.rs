//! The server as its clients meet it, over a socket and without a browser.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

mod allowance;
mod client;
mod contract;
mod headless;
mod navigation;
mod safety;
mod scale;
mod sources;
mod traces;
