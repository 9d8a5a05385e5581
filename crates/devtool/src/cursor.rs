//! A cursor in the records of a session: where the user stands, and what stops there.

use std::collections::BTreeSet;

use parallax_primitives::{Address, Halt, Opcode, U256};

use crate::{
    error::ApiError,
    model::{Breakpoint, ContinueUntil, RunCommand, StepCommand, StepKind, Stop, Until},
    records::Records,
    side::{Found, Side},
};

/// Most breakpoints of a session.
const MAX_BREAKPOINTS: usize = 256;
/// Steps that are looked at in the first go backwards; every further one takes in twice as many, since each begins by building a
/// whole state.
const CHUNK: u64 = 4096;
/// Steps of one command.
pub(crate) const MAX_STEPS: u64 = 1_000_000;

/// Where the cursor stands.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) index: u64,
    pub(crate) stop: Stop,
    pub(crate) breakpoint: Option<usize>,
    /// Divergences that the user has gone on past.
    passed: BTreeSet<u64>,
}

impl Default for Position {
    fn default() -> Self {
        Self { index: 0, stop: Stop::Start, breakpoint: None, passed: BTreeSet::new() }
    }
}

impl Position {
    /// Whether the user has gone on past the divergence here.
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.passed.contains(&self.index)
    }

    /// Goes by steps. What is passed over is run: breakpoints there stop it.
    pub(crate) fn step(&mut self, records: &Records, command: StepCommand, breakpoints: &Conditions) {
        let count = command.count.unwrap_or(1);
        if command.kind == StepKind::Back {
            self.index = self.index.saturating_sub(count);
            return self.arrive(if self.index == 0 { Stop::Start } else { Stop::Moved }, None);
        }
        if self.is_blocked(records) {
            return self.arrive(Stop::Blocked, None);
        }
        let mut target = self.index;
        if command.kind == StepKind::Into {
            target = target.saturating_add(count);
        } else {
            for _ in 0..count {
                let next = match command.kind {
                    StepKind::Over => not_deeper(records, target, 0),
                    _ => not_deeper(records, target, 1),
                };
                if next == target {
                    break;
                }
                target = next;
            }
        }
        match breakpoints.first(records, self.index.saturating_add(1), target) {
            Some((step, number)) => self.go_to(records, step, Some(number)),
            None => self.go_to(records, target, None),
        }
    }

    pub(crate) fn run(&mut self, records: &Records, command: RunCommand, breakpoints: &Conditions) {
        if command.backwards || command.until == Until::Start {
            return self.run_back(records, command.until, breakpoints);
        }
        if self.is_blocked(records) {
            return self.arrive(Stop::Blocked, None);
        }
        match command.until {
            Until::Breakpoint => {
                let limit = self.next_divergence(records).unwrap_or(records.total());
                match breakpoints.first(records, self.index.saturating_add(1), limit) {
                    Some((step, number)) => self.go_to(records, step, Some(number)),
                    None => self.go_to(records, limit, None),
                }
            }
            Until::Divergence => {
                let next = records.divergence_after(self.index).unwrap_or(records.total());
                self.index = next;
                let stop = if records.is_divergence(next) { Stop::Divergence } else { Stop::End };
                self.arrive(stop, None);
            }
            Until::End | Until::Start => self.go_to(records, records.total(), None),
        }
    }

    fn run_back(&mut self, records: &Records, until: Until, breakpoints: &Conditions) {
        let found = match until {
            Until::Breakpoint => breakpoints.last(records, self.index),
            Until::Divergence => records.divergence_before(self.index).map(|step| (step, usize::MAX)),
            Until::End | Until::Start => None,
        };
        match found {
            Some((step, number)) => {
                self.index = step;
                let is_breakpoint = until == Until::Breakpoint;
                let stop = if is_breakpoint { Stop::Breakpoint } else { Stop::Divergence };
                self.arrive(stop, is_breakpoint.then_some(number));
            }
            None => {
                self.index = 0;
                self.arrive(Stop::Start, None);
            }
        }
    }

    /// Goes on past the divergence here, if there is one.
    pub(crate) fn go_on(&mut self, records: &Records, until: ContinueUntil, breakpoints: &Conditions) {
        if records.is_divergence(self.index) {
            self.passed.insert(self.index);
        }
        match until {
            ContinueUntil::Step => self.go_to(records, self.index.saturating_add(1), None),
            ContinueUntil::Stop => {
                self.run(records, RunCommand { until: Until::Breakpoint, backwards: false }, breakpoints);
            }
        }
    }

    /// Stands on a step, whatever is between.
    pub(crate) fn jump(&mut self, records: &Records, step: u64) {
        self.index = step.min(records.total());
        let stop = if self.is_blocked(records) {
            Stop::Divergence
        } else if self.index == records.total() {
            Stop::End
        } else {
            Stop::Moved
        };
        self.arrive(stop, None);
    }

    fn is_blocked(&self, records: &Records) -> bool {
        records.is_divergence(self.index) && !self.is_acknowledged()
    }

    /// The next divergence that the user has not gone on past.
    fn next_divergence(&self, records: &Records) -> Option<u64> {
        let mut next = records.divergence_after(self.index);
        while let Some(step) = next.filter(|step| self.passed.contains(step)) {
            next = records.divergence_after(step);
        }
        next
    }

    /// Goes forwards, as far as the next divergence.
    fn go_to(&mut self, records: &Records, target: u64, breakpoint: Option<usize>) {
        let target = target.min(records.total());
        let (index, stop, breakpoint) = match self.next_divergence(records) {
            Some(divergence) if divergence <= target => {
                (divergence, Stop::Divergence, breakpoint.filter(|_| divergence == target))
            }
            _ if breakpoint.is_some() => (target, Stop::Breakpoint, breakpoint),
            _ if target == records.total() => (target, Stop::End, None),
            _ => (target, Stop::Moved, None),
        };
        self.index = index;
        self.arrive(stop, breakpoint);
    }

    fn arrive(&mut self, stop: Stop, breakpoint: Option<usize>) {
        (self.stop, self.breakpoint) = (stop, breakpoint);
    }
}

/// The next step that is not deeper than this one less `less`; the end if there is none.
fn not_deeper(records: &Records, from: u64, less: u16) -> u64 {
    let Some(side) = records.leading(from) else { return records.total() };
    let mut walk = side.walk(from);
    let Some(depth) = walk.advance().map(|found| found.depth) else { return records.total() };
    let Some(wanted) = depth.checked_sub(less) else { return records.total() };
    let mut step = from;
    while let Some(found) = walk.advance() {
        step += 1;
        if found.depth <= wanted {
            return step;
        }
    }
    records.total()
}

/// Breakpoints, ready to be looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions(Vec<Condition>);

#[derive(Clone, Debug)]
enum Condition {
    Pc(u64, Option<Address>),
    Opcode(Opcode),
    Depth(u16),
    Address(Address),
    Storage(U256, Option<Address>),
    Halt(Option<String>),
    Gas(u64),
    Step(u64),
}

impl Conditions {
    pub(crate) fn new(breakpoints: &[Breakpoint], field: &str) -> Result<Self, ApiError> {
        if breakpoints.len() > MAX_BREAKPOINTS {
            return Err(ApiError::bad(field, format!("expected at most {MAX_BREAKPOINTS} breakpoints")));
        }
        let each = |(number, breakpoint): (usize, &Breakpoint)| {
            Ok(match breakpoint {
                Breakpoint::Pc { pc, address } => Condition::Pc(*pc, address.map(|address| address.0)),
                Breakpoint::Opcode { opcode: name } => {
                    Condition::Opcode(opcode(name, &format!("{field}[{number}].opcode"))?)
                }
                Breakpoint::Depth { depth } => Condition::Depth(*depth),
                Breakpoint::Address { address } => Condition::Address(address.0),
                Breakpoint::Storage { key, address } => {
                    Condition::Storage(key.0, address.map(|address| address.0))
                }
                Breakpoint::Halt { halt } => {
                    let known = |halt: &String| {
                        // The last two are words of traces that say no more.
                        let mut names = Halt::ALL.map(Halt::name).into_iter().chain(["Stack", "Other"]);
                        names.any(|name| halt.eq_ignore_ascii_case(name))
                    };
                    if halt.as_ref().is_some_and(|halt| !known(halt)) {
                        let message = "expected the name of a halt, such as OutOfGas";
                        return Err(ApiError::bad(&format!("{field}[{number}].halt"), message));
                    }
                    Condition::Halt(halt.clone())
                }
                Breakpoint::Gas { below } => Condition::Gas(*below),
                Breakpoint::Step { step } => Condition::Step(*step),
            })
        };
        breakpoints.iter().enumerate().map(each).collect::<Result<_, _>>().map(Self)
    }

    /// The first step of a range at which one holds, on either side, and which.
    fn first(&self, records: &Records, from: u64, to: u64) -> Option<(u64, usize)> {
        self.in_range(records, from, to, false)
    }

    /// The last step before this one at which one holds.
    fn last(&self, records: &Records, before: u64) -> Option<(u64, usize)> {
        let (mut end, mut chunk) = (before, CHUNK);
        while end > 0 {
            let start = end.saturating_sub(chunk);
            if let Some(found) = self.in_range(records, start, end, true) {
                return Some(found);
            }
            end = start;
            chunk = chunk.saturating_mul(2);
        }
        None
    }

    fn in_range(&self, records: &Records, from: u64, to: u64, last: bool) -> Option<(u64, usize)> {
        if self.0.is_empty() {
            return None;
        }
        let of_side = |side: &Side| {
            let mut walk = side.walk(from);
            let mut hit = None;
            for step in from..to.min(side.len()) {
                let found = walk.advance()?;
                if let Some(number) = self.0.iter().position(|condition| condition.holds(step, &found)) {
                    hit = Some((step, number));
                    if !last {
                        break;
                    }
                }
            }
            hit
        };
        let hits = records.sides().into_iter().flatten().filter_map(of_side);
        if last { hits.max_by_key(|hit| hit.0) } else { hits.min_by_key(|hit| hit.0) }
    }
}

impl Condition {
    fn holds(&self, step: u64, found: &Found<'_>) -> bool {
        match self {
            Condition::Pc(pc, address) => {
                found.pc == *pc && address.is_none_or(|address| found.code_address == Some(address))
            }
            Condition::Opcode(opcode) => found.opcode == *opcode,
            Condition::Depth(depth) => found.depth == *depth,
            Condition::Address(address) => found.address == Some(*address),
            Condition::Storage(key, address) => {
                found.opcode == Opcode::SSTORE
                    && found.stack.and_then(<[U256]>::last) == Some(key)
                    && address.is_none_or(|address| found.address == Some(address))
            }
            Condition::Halt(wanted) => found
                .halt
                .name()
                .is_some_and(|name| wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name))),
            Condition::Gas(gas) => found.gas < *gas,
            Condition::Step(wanted) => step == *wanted,
        }
    }
}

/// A mnemonic, or 0x and two digits.
pub(crate) fn opcode(text: &str, field: &str) -> Result<Opcode, ApiError> {
    let is_byte = |digits: &&str| digits.len() <= 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = text.strip_prefix("0x").filter(is_byte);
    byte.and_then(|digits| u8::from_str_radix(digits, 16).ok())
        .map(Opcode)
        .or_else(|| Opcode::from_name(&text.to_ascii_uppercase()))
        .ok_or_else(|| ApiError::bad(field, "expected a mnemonic, or 0x and two hex digits"))
}
