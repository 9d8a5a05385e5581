//! The machine over real journals and interpreters. Every case of [`world::World::run`] runs on both engines, at once and
//! stepped, and all four must agree.

#![allow(clippy::unwrap_used, reason = "tests")]

mod calls;
mod creations;
mod fees;
mod set_code;
mod stepping;
mod validation;
mod world;
