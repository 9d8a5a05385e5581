//! A session as one file.

use std::time::Duration;

use parallax_campaign::{DiffSetup, PageLimits, html_of_run};
use parallax_primitives::{Fork, Opcode, Rules, StateGas};
use parallax_shadow_diff::{Field, Mismatch, SideBySideRun, SideBySideStep, StepSide, Value as Found};
use serde_json::Value;

use crate::{
    error::ApiError,
    model::{self, SideName, When},
    records::Records,
    report::Report,
    session::Session,
    side::Side,
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

pub(crate) fn export(session: &Session, records: &Records) -> model::Export {
    let total = records.total();
    let shown = records.index.news.first().map_or(total.saturating_sub(1), |news| news.0);
    let from = shown.saturating_sub(AROUND);
    let count = usize::try_from(2 * AROUND + 1).unwrap_or(PAGE);
    let window = Window { offset: 0, length: MEMORY };
    let states =
        [When::Before, When::After].map(|when| state(records, shown, when, window, session.engines()));
    model::Export {
        format: "parallax-devtool-1",
        session: session.shown(),
        divergences: records.divergences(0, PAGE),
        steps: model::Steps { from, total, steps: records.rows(from, count) },
        states: states.into(),
        timeline: records.timeline(0, total, BUCKETS, PAGE),
        calls: SideName::BOTH.map(|side| records.calls(side, 0, PAGE)).into(),
        gas: records.gas(),
    }
}

/// A session as a page that opens without a server: that of `parallax diff --report html`, where two engines were compared.
/// All of the run's text is data in it.
pub(crate) fn html(session: &Session, records: &Records) -> Result<String, ApiError> {
    let Some(report) = &records.report else {
        let data = serde_json::to_value(export(session, records));
        return Ok(page(&data.map_err(|error| ApiError::internal(error.to_string()))?));
    };
    let setup = DiffSetup::new(report.engines[0], report.engines[1], &report.config);
    let again = report.again.as_ref().map(|again| format!("{} {again}", setup.command)).unwrap_or_default();
    let title = session.shown().source.title;
    Ok(html_of_run(setup, &title, &again, &side_by_side(report, records), PageLimits::default()))
}

fn side_by_side(report: &Report, records: &Records) -> SideBySideRun {
    let first = records.index.news.first().map(|news| news.0);
    let total = records.total();
    let from = first.unwrap_or(0).saturating_sub(AROUND * 4);
    let rows = records.rows(from, usize::try_from(AROUND * 8).unwrap_or(PAGE));
    // A trace does not say its rules: opcodes have the names of the newest.
    let of = |side: Option<&Side>| side.and_then(Side::recording).map(|recording| recording.rules);
    let rules = records.sides().map(|side| of(side).unwrap_or(Fork::LATEST.into()));
    let next = rows.iter().skip(1).map(Some).chain([None]);
    let is_new = |step| records.index.news_from(step).first().is_some_and(|news| news.0 == step);
    let steps: Vec<_> = rows
        .iter()
        .zip(next)
        .map(|(row, next)| side_by_side_step(row, next, is_new(row.step_index), rules))
        .collect();
    let gas_used = [0, 1].map(|side: usize| report.outcomes[side].as_ref().map(|outcome| outcome.gas_used));
    SideBySideRun {
        mode: report.config.mode,
        engines: report.engines.map(str::to_owned),
        steps_dropped: total - steps.len() as u64,
        steps,
        total_steps: records.sides().map(|side| side.map_or(0, Side::len)),
        outcomes: report.outcomes.clone(),
        gas_used,
        gas_delta: gas_used[0].zip(gas_used[1]).map(|(left, right)| i128::from(right) - i128::from(left)),
        times: [Duration::ZERO; 2],
        diverged_at: first,
        verdict: report.verdict.clone(),
    }
}

fn side_by_side_step(
    row: &model::StepRow,
    next: Option<&model::StepRow>,
    is_new: bool,
    rules: [Rules; 2],
) -> SideBySideStep {
    let side = |side: &Option<model::StepSide>, rules| {
        let side = side.as_ref()?;
        let has_failed = side.halt.is_some();
        Some(StepSide {
            depth: u16::try_from(side.depth).ok()?,
            pc: usize::try_from(side.pc).ok()?,
            opcode: Opcode(side.opcode),
            rules,
            address: side.address.as_ref()?.parse().ok()?,
            gas_before: side.gas_before,
            gas_after: side.gas_after.unwrap_or(side.gas_before),
            // What a failing opcode would have cost it did not take.
            gas_cost: side.gas_cost.filter(|_| !has_failed).unwrap_or(0),
            state_gas: StateGas {
                reservoir: side.state_gas.reservoir.unwrap_or(0),
                spilled: side.state_gas.spilled_state_gas.unwrap_or(0),
                baseline: 0,
            },
            state_gas_cost: side.state_gas.state_gas_cost.filter(|_| !has_failed).unwrap_or(0),
            stack_size: side.stack_size.unwrap_or(0),
        })
    };
    let (left, right) = (side(&row.left, rules[0]), side(&row.right, rules[1]));
    let mismatch = row.mismatch.as_ref().map(|mismatch| {
        let at = if mismatch.when == When::After { next } else { Some(row) };
        let field = field(mismatch, at.and_then(|row| row.left.as_ref()?.stack_size).unwrap_or(0));
        let [left, right] = [&mismatch.lhs, &mismatch.rhs].map(|text| Found::Text(text.clone()));
        Box::new(Mismatch { field, left, right })
    });
    let is_carried = mismatch.is_some() && !is_new;
    SideBySideStep { index: row.step_index, left, right, mismatch, is_carried }
}

/// The field of a mismatch that a record shows; the stack is as long where it shows.
fn field(mismatch: &model::Mismatch, stack_size: usize) -> Field {
    let item = usize::try_from(mismatch.item.unwrap_or(0)).unwrap_or(0);
    match mismatch.field.as_str() {
        "depth" => Field::Depth,
        "pc" => Field::Pc,
        "opcode" => Field::Opcode,
        "gas" => Field::Gas,
        "gasCost" => Field::GasCost,
        "stateGasCost" => Field::StateGasCost,
        "reservoir" => Field::Reservoir,
        "spilledStateGas" => Field::SpilledStateGas,
        "reservoirBaseline" => Field::ReservoirBaseline,
        "refund" => Field::Refund,
        "stackSize" => Field::StackSize,
        // Reports count from the top.
        "stack" => Field::Stack(stack_size.saturating_sub(item + 1)),
        "memorySize" => Field::MemorySize,
        "memory" => Field::Memory(item),
        "returnData" => Field::ReturnData,
        "halt" => Field::Halt,
        "log" => Field::Log(item),
        _ => Field::Step,
    }
}

fn page(data: &Value) -> String {
    // In JSON these stand in strings alone, where an escape means the same.
    let data = data.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    include_str!("export.html").replace("{{data}}", &data)
}
