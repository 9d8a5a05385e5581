//! An executable without the tracing crates.

#![forbid(unsafe_code)]

use parallax_hooks::{Hooks, NoHooks};

fn main() -> anyhow::Result<()> {
    parallax_peers::off::run(|way| match way {
        "no-hooks" => Some(Box::new(NoHooks) as Box<dyn Hooks>),
        _ => None,
    })
}
