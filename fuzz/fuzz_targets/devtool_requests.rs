//! Bodies of `POST /sessions`: refused, or a session that comes to its end and answers what is asked of it.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use parallax_devtool::{Bounds, Config, Session, SessionLimits};
use serde_json::Value;

/// Most gas of a session: one opcode may take as much time as its gas pays for.
const GAS: u64 = 1_000_000;

fuzz_target!(|text: &[u8]| {
    let Ok(request) = serde_json::from_slice::<Value>(text) else { return };
    if request["source"]["gas"].as_u64().is_some_and(|gas| gas > GAS) {
        return;
    }
    let most = SessionLimits { steps: 2000, bytes: 4 << 20, time: Duration::from_millis(200) };
    let config = Config { bounds: Bounds { most, default: most, ..Bounds::default() }, ..Config::default() };
    // At a breakpoint it would wait for somebody.
    let may_pause = request["breakpoints"].as_array().is_some_and(|points| !points.is_empty());
    let Ok(session) = Session::start(config, request) else { return };
    if may_pause {
        session.cancel();
    }
    session.wait();
    let _ = (session.status(), session.steps(0, 100), session.divergence(), session.timeline(10));
    let _ = (session.state(0, true), session.state(7, false), session.export(), session.export_html());
});
