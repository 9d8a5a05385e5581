//! A session as one file.

use serde_json::Value;

use crate::{
    error::ApiError,
    look::Look,
    model::{self, SideName, When},
    session::Session,
    state::{Window, state},
};

/// Steps on either side of the divergence.
const AROUND: u64 = 250;
/// Divergences, and calls of each side.
const PAGE: usize = 1000;
/// Buckets of the timeline.
const BUCKETS: u64 = 1000;
/// Bytes of memory of each state.
const MEMORY: usize = 1 << 20;

pub(crate) fn export(session: &Session, look: &Look) -> model::Export {
    let total = look.total();
    let shown = look.index.news.first().map_or(total.saturating_sub(1), |news| news.0);
    let from = shown.saturating_sub(AROUND);
    let count = usize::try_from(2 * AROUND + 1).unwrap_or(PAGE);
    let window = Window { offset: 0, length: MEMORY };
    let states = [When::Before, When::After].map(|when| state(look, shown, when, window, session.engines()));
    model::Export {
        format: "parallax-devtool-1",
        session: session.shown(),
        divergences: look.divergences(0, PAGE),
        steps: model::Steps { from, total, steps: look.rows(from, count) },
        states: states.into(),
        timeline: look.timeline(0, total, BUCKETS, PAGE),
        calls: SideName::BOTH.map(|side| look.calls(side, 0, PAGE)).into(),
        gas: look.gas(),
    }
}

/// The export as a page that opens without a server. All of the run's text is in a block of data that no browser reads as
/// markup; the page's own script puts it in place as text.
pub(crate) fn html(export: &model::Export) -> Result<String, ApiError> {
    let data = serde_json::to_value(export).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(page(&data))
}

fn page(data: &Value) -> String {
    // In JSON these stand in strings alone, where an escape means the same.
    let data = data.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    include_str!("export.html").replace("{{data}}", &data)
}
