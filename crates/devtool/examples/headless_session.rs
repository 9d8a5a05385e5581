//! Two engines side by side in a session without a server: where they part, the steps around it, and the run as one file.
//!
//! `headless_session [FILE]`: the page of the run is written to FILE.

use parallax_campaign::engines;
use parallax_devtool::{Config, Engines, Session};
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::Opcode;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An engine of one's own stands where this one does, which adds wrongly.
    let plan = FaultPlan::new(Fault::FlipResult(0), Opcode::ADD);
    let faulty = Box::leak(Box::new(engines::local("faulty", FaultyMini::new(plan))));
    let config = Config { engines: Engines::default().with(faulty), ..Config::default() };
    let session = Session::start(
        config,
        json!({
            "source": { "kind": "code", "format": "assembly", "code": "PUSH 1 PUSH 2 ADD PUSH 0 SSTORE" },
            "engines": ["primary", "faulty"],
        }),
    )?;
    session.wait();
    println!("{}", session.status()?["verdict"]["kind"]);
    let step = session.divergence()?["stepIndex"].as_u64().ok_or("the engines agree")?;
    for row in session.steps(step, 3)?["steps"].as_array().into_iter().flatten() {
        println!("{} {} {}", row["stepIndex"], row["primary"]["opName"], row["mismatch"]);
    }
    println!("{}", session.state(step, true)?["mini"]["stack"]);
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(file, session.export_html()?)?;
    }
    Ok(())
}
