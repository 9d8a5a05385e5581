//! `cargo xtask test --miri` and `--asan`: the unsafe code of `primary-interpreter`, watched while it runs. Both need a nightly
//! toolchain; they take the one that is there.

use anyhow::{Result, ensure};

use super::{add_components, nightly_cargo};

/// Tests as `cargo` takes them, and which of them are left out, each with its reason.
type Tests = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// The tests that Miri runs. What it leaves out has no unsafe code that the rest does not reach.
const MIRI: [Tests; 2] = [
    (
        &["--package", "parallax-primary-interpreter", "--lib", "--test", "instructions"],
        &[
            ("hashes::", "a thousand hashes, and no unsafe code"),
            ("memory::tests::buffers", "megabytes of memory, byte by byte"),
            ("memory::tests::what_is_kept", "the same"),
            ("program::tests::", "a cache filled, and no unsafe code"),
            ("tests::the_fast_loop_ends", "thousands of opcodes, of instructions that others run"),
            ("words::tests::arithmetic", "thousands of values, and no unsafe code"),
        ],
    ),
    (
        &["--package", "parallax-analysis", "--lib"],
        &[("translation_is_linear", "long code, to look at sizes")],
    ),
];

/// The aliasing models, and what chooses each.
const MODELS: [(&str, &str); 2] = [("Stacked Borrows", ""), ("Tree Borrows", " -Zmiri-tree-borrows")];

/// Runs the tests that take every instruction of the fast form, and the unit tests, under Miri in both models.
pub(crate) fn miri() -> Result<()> {
    add_components("nightly", &["miri", "rust-src"])?;
    for (model, choice) in MODELS {
        for (tests, skipped) in MIRI {
            let flags = format!("-Zmiri-strict-provenance{choice}");
            println!("\n== {model}: MIRIFLAGS={flags:?} cargo miri test {}", tests.join(" "));
            let mut command = nightly_cargo(["miri", "test", "--target-dir", "target/miri"]);
            command.args(tests).arg("--").env("MIRIFLAGS", flags);
            for (name, reason) in skipped {
                println!("   left out: {name} ({reason})");
                command.args(["--skip", name]);
            }
            ensure!(command.status()?.success(), "a fault under {model}, or no test could be run");
        }
    }
    Ok(())
}

/// Runs the fast engine's tests and the official cases in each of its tierings with every access to memory checked. C code
/// of the precompiled contracts' libraries is not instrumented, nor is the standard library.
pub(crate) fn asan() -> Result<()> {
    add_components("nightly", &["rust-std"])?;
    // With a target named, build scripts and macros are not instrumented.
    let target = "x86_64-unknown-linux-gnu";
    let mut command = nightly_cargo(["test", "--profile", "checked", "--no-fail-fast", "--target", target]);
    command.args(["--target-dir", "target/asan", "--lib"]);
    command.args(["--package", "parallax-primary-interpreter", "--package", "parallax-campaign"]);
    for test in ["instructions", "forms", "opcodes", "beside_mini"] {
        command.args(["--test", test]);
    }
    command.env("RUSTFLAGS", "-Zsanitizer=address");
    // A test asks for more than there is, and must be told so.
    command.env("ASAN_OPTIONS", "allocator_may_return_null=1");
    println!(
        "== RUSTFLAGS=-Zsanitizer=address, the fast engine's tests and the official cases in all tierings"
    );
    ensure!(command.status()?.success(), "tests failed with the address sanitizer");
    Ok(())
}
