//! Reads trace files of any client, one line at a time, however hostile: a line has a longest length, JSON a deepest
//! nesting, and every error names its line.

use std::{borrow::Cow, collections::VecDeque, io::BufRead};

use parallax_primitives::{Class, Opcode};

use crate::{
    Client, Field, Fields, FrameExits, HaltKind, OwnRefund, ReadError, Record, SecondLine, Step, TraceEnd,
    coverage::OtherKeys,
    facts::{Facts, GasUsedKind, Key, PassKind, Presence, RefundKind},
    line::{Kind, Line, malformed},
    lines::Lines,
    opcode_names,
};

/// What a whole trace is known to have, of what is written on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What any of its steps has.
    pub on_steps: Fields,
}

/// The records of a trace file, in order.
pub struct TraceReader<R> {
    lines: Lines<R>,
    client: Client,
    profile: Profile,
    /// Read ahead, to join the two lines that geth and Nimbus write for an opcode that fails inside.
    next: Option<Raw>,
    /// The last end of a frame, which is the transaction's own if no step follows.
    exit: Option<TraceEnd>,
    /// A transaction has begun.
    is_open: bool,
    /// What its closing lines have said; `None` before the first.
    end: Option<TraceEnd>,
    /// What is given next.
    due: VecDeque<Record>,
    refunds: Refunds,
    other_keys: OtherKeys,
    /// Nothing has been read yet.
    is_empty: bool,
}

/// What a line says, nothing joined yet.
enum Raw {
    Step(Step),
    Exit(TraceEnd),
    Closing(TraceEnd),
}

impl<R: BufRead> TraceReader<R> {
    /// Reads `input` as a trace of `client`; [`crate::recognise`] finds out which.
    pub fn new(input: R, client: Client) -> Self {
        Self {
            lines: Lines::new(input),
            client,
            profile: Profile::default(),
            next: None,
            exit: None,
            is_open: false,
            end: None,
            due: VecDeque::new(),
            refunds: Refunds::new(client),
            other_keys: OtherKeys::default(),
            is_empty: true,
        }
    }

    /// The same, of a trace that has been looked through before: what is written on demand is then missed where it is not there. Of
    /// others it is what has been seen so far.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// Whose trace it is.
    pub fn client(&self) -> Client {
        self.client
    }

    pub(crate) fn profile(&self) -> Profile {
        self.profile
    }

    /// What it has said so far under keys that nobody is known to write.
    pub(crate) fn other_keys(&self) -> &OtherKeys {
        &self.other_keys
    }

    pub(crate) fn into_lines(self) -> Lines<R> {
        self.lines
    }

    fn read(&mut self) -> Result<Option<Raw>, ReadError> {
        while let Some((number, line)) = self.lines.next_object()? {
            let line = Line::parse(number, line)?;
            let kind = line.kind()?;
            if kind != Kind::Talk {
                line.other_names().for_each(|name| self.other_keys.note(name));
            }
            return Ok(Some(match kind {
                Kind::Step => {
                    self.profile.on_steps = self.profile.on_steps.or(line.said);
                    Raw::Step(step(&line, self.client, self.profile)?)
                }
                Kind::End if is_exit(&line, self.client) => {
                    let mut exit = end(&line, self.client)?;
                    let keys = self.client.facts().closing.first().into_iter().copied().flatten();
                    exit.missing = lacking(keys, exit.said);
                    Raw::Exit(exit)
                }
                Kind::End => Raw::Closing(end(&line, self.client)?),
                Kind::Talk => continue,
            }));
        }
        Ok(None)
    }

    fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            if let Some(record) = self.due.pop_front() {
                return Ok(Some(record));
            }
            let raw = match self.next.take() {
                Some(raw) => Some(raw),
                None => self.read()?,
            };
            match raw {
                Some(Raw::Step(step)) => self.step(step)?,
                Some(Raw::Exit(exit)) => {
                    if self.end.is_some() {
                        self.end_transaction();
                    }
                    self.is_open = true;
                    self.due.extend(self.exit.replace(exit).map(Record::FrameExit));
                }
                Some(Raw::Closing(closing)) => {
                    // What says a thing again is of another transaction.
                    if self.end.as_ref().is_some_and(|end| !end.said.and(closing.said).is_empty()) {
                        self.end_transaction();
                    }
                    self.is_open = true;
                    self.end.get_or_insert_default().add(closing);
                }
                None if self.is_open => self.end_transaction(),
                None => return Ok(None),
            }
        }
    }

    /// What was said behind the transaction at hand.
    fn end_transaction(&mut self) {
        let mut whole = self.exit.take().unwrap_or_default();
        whole.add(self.end.take().unwrap_or_default());
        let facts = self.client.facts();
        if !whole.said.is_empty() || !facts.may_lack_closing {
            whole.missing = lacking(facts.closing.iter().copied().flatten(), whole.said);
        }
        self.is_open = false;
        self.due.push_back(Record::End(whole));
    }

    /// A step, joined with the line behind it where both are of one opcode.
    fn step(&mut self, mut step: Step) -> Result<(), ReadError> {
        let begins = step.pc == 0 && step.depth == 1;
        if self.end.is_some() && !begins {
            return Err(malformed(step.line, BEHIND_THE_END.to_owned()));
        }
        // Behind the end of a frame the outer one goes on, and that is never at its beginning.
        if begins && (self.end.is_some() || self.exit.is_some()) {
            self.end_transaction();
            self.refunds = Refunds::new(self.client);
        }
        self.is_open = true;
        self.due.extend(self.exit.take().map(Record::FrameExit));
        self.next = self.read()?;
        if self.client.facts().second_lines
            && let Some(Raw::Step(again)) = &self.next
            && let Some(second) = second_line(&step, again)
        {
            step.halt = again.halt;
            step.gas_cost = None;
            step.second_line = Some(second);
            self.next = None;
        }
        if let (Client::Revm, Some(Raw::Step(next))) = (self.client, &self.next) {
            take_out_moved(&mut step, next);
        }
        // It may have failed without a word.
        let goes_on = matches!(&self.next, Some(Raw::Step(next)) if next.depth >= step.depth);
        let may_have_failed = step.halt.is_none() && !goes_on && !ends_well(step.opcode);
        self.refunds.convert(&mut step);
        if may_have_failed {
            (step.gas_cost, step.own_refund) = (None, None);
        }
        self.due.push_back(Record::Step(step));
        Ok(())
    }
}

/// Whether a line is the second one of an opcode that failed inside. No other line of the same frame has the gas of the one before it.
fn second_line(first: &Step, again: &Step) -> Option<SecondLine> {
    let odd = [
        (Field::Pc, first.pc == again.pc),
        (Field::Op, first.opcode == again.opcode),
        (Field::Gas, first.gas == again.gas),
        (Field::Depth, first.depth == again.depth),
    ];
    let mut odd = odd.into_iter().filter(|(_, is_same)| !is_same).map(|(field, _)| field);
    let (first_odd, more) = (odd.next(), odd.next());
    let has_error = |step: &Step| step.said.has(Field::Error);
    let is_second = match (first_odd, more) {
        (None, _) => !has_error(first) || !has_error(again),
        (Some(_), None) => has_error(again) && !has_error(first),
        _ => false,
    };
    let lacks_error = !has_error(again);
    is_second.then_some(SecondLine { line: again.line, odd: first_odd, lacks_error })
}

/// What is wrong with a step that does not begin a transaction, behind the end of one.
pub(crate) const BEHIND_THE_END: &str =
    "a step behind the closing line of its transaction, expected that line last";

/// Whether an opcode ends its frame without having failed.
fn ends_well(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::STOP | Opcode::RETURN | Opcode::REVERT | Opcode::SELFDESTRUCT)
}

/// Whether it is the line of a frame, not of the transaction.
pub(crate) fn is_exit(line: &Line<'_>, client: Client) -> bool {
    client.facts().exits == FrameExits::Every
        && !line.said.has(Field::StateRoot)
        && !line.said.has(Field::Pass)
}

pub(crate) fn step(line: &Line<'_>, client: Client, profile: Profile) -> Result<Step, ReadError> {
    let pc = line.need(Field::Pc)?;
    let opcode = opcode(line)?;
    let error = line.string(Field::Error)?.filter(|text| !text.is_empty());
    let halt = client.halt(opcode, error.as_deref());
    let failed = error.is_some() && halt != Some(HaltKind::None);
    // One word, two meanings: the specification has the reservoir under it, revm what the frame has spent.
    let state_gas = line.number(Field::StateGas)?;
    let (reservoir, spent) = match client {
        Client::Eels => (state_gas, None),
        Client::Revm => (line.number(Field::Reservoir)?, state_gas),
        _ => (None, None),
    };
    // What costs nothing has no field there, and neither has what gives back.
    let is_of_two = client == Client::Eels && reservoir.is_some();
    let cost = line.signed(Field::StateGasCost)?.unwrap_or(0);
    let state_gas_cost = (is_of_two && !failed).then_some(cost);
    // Of two gases the specification's cost of a CALL lacks what is forwarded.
    let knows_gas_cost = client.knows_gas_cost(opcode, failed) && !(is_of_two && opcode == Opcode::CALL);
    let facts = client.facts();
    let empty = |field| is_empty_if_absent(facts, field, profile) && !line.said.has(field);
    let bytes = |field, is_known: bool| match is_known {
        false => Ok(None),
        true if empty(field) => Ok(Some(Default::default())),
        true => line.bytes(field),
    };
    let storage = match client {
        Client::Eip3155 if profile.on_steps.has(Field::Storage) => {
            Some(line.slots(Field::Storage)?.unwrap_or_default())
        }
        _ => None,
    };
    let op_name = line.string(Field::OpName)?;
    let odd_name = op_name.filter(|name| !opcode_names::fits(name, opcode, failed)).map(Cow::into_owned);
    let refund = line.signed(Field::Refund)?;
    Ok(Step {
        line: line.number,
        pc,
        opcode,
        depth: line.need(Field::Depth)?,
        gas: line.need(Field::Gas)?,
        gas_cost: line.cost(Field::GasCost)?.filter(|_| knows_gas_cost),
        reservoir,
        state_gas_spent: spent,
        state_gas_cost,
        memory_size: line.number(Field::MemSize)?,
        memory: bytes(Field::Memory, client.knows_memory())?,
        stack: line.words(Field::Stack)?,
        return_data: bytes(Field::ReturnData, client.knows_return_data())?,
        refund: if empty(Field::Refund) { Some(0) } else { refund },
        refund_after: None,
        halt,
        storage,
        odd_name,
        is_implied: None,
        own_refund: None,
        second_line: None,
        said: line.said,
        missing: missing(facts, line.said, opcode, failed, profile),
    })
}

/// The opcode; struct logs have its name.
pub(crate) fn opcode(line: &Line<'_>) -> Result<Opcode, ReadError> {
    if let Some(Ok(Some(name))) =
        line.raw(Field::Op).filter(|raw| raw.starts_with('"')).map(|_| line.string(Field::Op))
        && !name.starts_with("0x")
    {
        return opcode_names::opcode(&name)
            .ok_or_else(|| line.malformed(format!("op is {name:?}, expected the name of an opcode")));
    }
    let op = line.need(Field::Op)?;
    Ok(Opcode(u8::try_from(op).map_err(|_| line.malformed(format!("op is {op}, expected a byte")))?))
}

/// Whether the client leaves the field out where it is empty, and would have written it.
fn is_empty_if_absent(facts: &Facts, field: Field, profile: Profile) -> bool {
    match facts.step_key(field).map(|key| key.presence) {
        Some(Presence::NotEmpty) => true,
        Some(Presence::OnDemandNotEmpty) => profile.on_steps.has(field),
        _ => false,
    }
}

/// Those of the keys that are always written, and are not said.
fn lacking<'k>(keys: impl Iterator<Item = &'k Key>, said: Fields) -> Fields {
    let mut lacking = Fields::NONE;
    keys.filter(|key| key.presence == Presence::Always && !said.has(key.field))
        .for_each(|key| lacking.add(key.field));
    lacking
}

/// What the line lacks though its client writes it.
fn missing(facts: &Facts, said: Fields, opcode: Opcode, failed: bool, profile: Profile) -> Fields {
    let mut missing = Fields::NONE;
    if facts.names_ends && ends_well(opcode) && !said.has(Field::Error) {
        missing.add(Field::Error);
    }
    // An older version's keys, where it has any that only they have.
    let keys = |keys: &'static [Key]| said.iter().all(|field| keys.iter().any(|key| key.field == field));
    let own = if keys(facts.steps) {
        facts.steps
    } else {
        facts.others.iter().find(|other| keys(other)).unwrap_or(&facts.steps)
    };
    for key in own {
        let is_due = match key.presence {
            Presence::Always => true,
            Presence::UnlessFailing => !failed,
            Presence::OnDemand => profile.on_steps.has(key.field),
            _ => false,
        };
        if is_due && !said.has(key.field) {
            missing.add(key.field);
        }
    }
    missing
}

pub(crate) fn end(line: &Line<'_>, client: Client) -> Result<TraceEnd, ReadError> {
    let facts = client.facts();
    let error = line.string(Field::Error)?.filter(|text| !text.is_empty());
    let is_reverted = error.as_deref().is_some_and(|error| HaltKind::of(error) == HaltKind::Revert);
    // What geth shows of a frame that failed is what it would have had.
    let shows_refused = client == Client::Geth && error.is_some() && !is_reverted;
    let output = line.bytes(Field::Output)?.filter(|_| !shows_refused);
    let gas = line.number(Field::GasUsed)?;
    let [gas_used, frame_gas] = match facts.gas_used {
        GasUsedKind::Transaction => [gas, None],
        GasUsedKind::Frame => [None, gas],
        GasUsedKind::Unknown => [None, None],
    };
    let pass = line.truth(Field::Pass)?;
    let result = line.string(Field::EvmResult)?;
    let halt = match (&error, result.as_deref()) {
        (Some(error), _) => Some(HaltKind::of(error)),
        (None, Some(result)) => Some(evm_result(result)),
        // The first closing line has it, if any.
        (None, None) => (facts.closing_key(Field::Error).is_some() && line.said.has(Field::GasUsed))
            .then_some(HaltKind::None),
    };
    let success = pass.filter(|_| facts.pass == PassKind::Transaction);
    let state_root = line.hash(Field::StateRoot)?;
    let says = |says: bool| if says { line.number } else { 0 };
    let of_the_rest = line.said.without(Fields::of(&[Field::StateRoot]));
    Ok(TraceEnd {
        state_root,
        output,
        gas_used,
        frame_gas,
        halt,
        success,
        logs: [line.hash(Field::LogsRoot)?, line.hash(Field::PostLogsHash)?],
        fork: line.string(Field::Fork)?.map(Into::into),
        test: line.string(Field::Test)?.map(Into::into),
        indexes: [line.number(Field::D)?, line.number(Field::G)?, line.number(Field::V)?],
        said: line.said,
        missing: Fields::NONE,
        lines: [says(state_root.is_some()), says(!of_the_rest.is_empty())],
    })
}

/// How revm says that a transaction ended.
fn evm_result(text: &str) -> HaltKind {
    match text.split_once(':') {
        Some(("Success", _)) => HaltKind::None,
        Some(("Halt", how)) => HaltKind::of(how),
        _ if text.starts_with("Success") => HaltKind::None,
        _ => HaltKind::of(text),
    }
}

/// revm's cost is by how much less execution gas there is, so what an opcode took from it for state gas, or gave back, is in it: the
/// next step of the frame tells how much that was, unless a message came between.
fn take_out_moved(step: &mut Step, next: &Step) {
    // Of what else takes state gas, none goes on at once behind it.
    let may_take = step.opcode == Opcode::SSTORE;
    let (Some(cost), true, true) = (step.gas_cost, may_take, step.depth == next.depth) else { return };
    let gained = |of: fn(&Step) -> Option<u64>| Some(i128::from(of(next)?) - i128::from(of(step)?));
    let both = gained(|step| step.state_gas_spent).zip(gained(|step| step.reservoir));
    let Some((spent, reserved)) = both else { return };
    let moved = spent + reserved;
    // More that came back than it cost shows as nothing.
    let is_known = moved >= 0 || cost != 0;
    step.gas_cost = u64::try_from(i128::from(cost) - moved).ok().filter(|_| is_known);
}

impl<R: BufRead> Iterator for TraceReader<R> {
    type Item = Result<Record, ReadError>;

    /// A file without any record is no trace, and that is an error.
    fn next(&mut self) -> Option<Self::Item> {
        let record = self.next_record().transpose();
        if record.is_none() && self.is_empty {
            self.is_empty = false;
            return Some(Err(self.lines.not_a_trace()));
        }
        self.is_empty = false;
        record
    }
}

/// Turns every client's refund counter into the transaction's before the opcode, and after it where it is that.
struct Refunds {
    client: Client,
    /// What the last line at each depth said, outermost first.
    frames: Vec<i64>,
    last_failed: bool,
}

impl Refunds {
    fn new(client: Client) -> Self {
        Self { client, frames: Vec::new(), last_failed: false }
    }

    fn convert(&mut self, step: &mut Step) {
        let Some(said) = step.refund else { return };
        let depth = usize::try_from(step.depth).unwrap_or(usize::MAX).min(1025);
        let returned = depth < self.frames.len();
        let failed = !matches!(step.halt, None | Some(HaltKind::None | HaltKind::Revert));
        step.refund_after = (self.client.facts().refund == RefundKind::After && !failed).then_some(said);
        step.refund = match self.client.facts().refund {
            RefundKind::Before => Some(said),
            // The line before said what this opcode found, unless a frame ended in between: it may have been undone.
            RefundKind::After if returned || self.last_failed => None,
            RefundKind::After => Some(self.frames.last().copied().unwrap_or(0)),
            RefundKind::Frame => {
                let outer: i64 = self.frames.iter().take(depth.saturating_sub(1)).sum();
                Some(outer.saturating_add(said))
            }
        };
        step.own_refund = match self.client.facts().refund {
            RefundKind::After => step.refund_after.map(|_| OwnRefund::After),
            RefundKind::Before | RefundKind::Frame => step.refund.map(|_| OwnRefund::Before),
        };
        let leaves = step.opcode != Opcode::STOP
            && step.opcode.info().is_some_and(|info| matches!(info.class, Class::Message | Class::Halt));
        let unknown_call = !self.client.refund_of_calls_is_known() && leaves;
        let keep = self.frames.get(depth.saturating_sub(1)).copied();
        if unknown_call {
            (step.refund, step.own_refund) = (None, None);
        }
        self.frames.truncate(depth.saturating_sub(1));
        // A trace that begins below the top, or skips a depth, still has a place for every frame.
        self.frames.resize(depth.saturating_sub(1), 0);
        self.frames.push(if unknown_call { keep.unwrap_or(0) } else { said });
        self.last_failed = failed || step.opcode == Opcode::REVERT;
    }
}
