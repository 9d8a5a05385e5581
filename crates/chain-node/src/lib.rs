#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod client;
mod overlay;
mod replay;
mod world;

pub use client::{ClientOptions, NodeClient, NodeError};
pub use overlay::Overlay;
pub use replay::{Preceded, ReplayError, preceded};
pub use world::ChainWorld;
