//! One opcode on a constructed state: short cases in which everything that an opcode looks at is drawn by itself, and stands where the
//! opcode has an edge.
//!
//! What is drawn: the frame (a transaction's own, a callee's of each kind, init code, the deepest there may be), its gas (plenty, or what
//! the opcode needs and one more or less), how many items there are, the operands by what they mean, what was touched before, and what is
//! looked at behind it.

mod body;
mod contracts;
mod gas;
mod init;
mod operands;
mod precompiles;
mod probes;
mod stage;
mod transaction;
mod words;

use parallax_primitives::{Class, Eip, Opcode, Rules, U256};

use crate::{random::Random, writer::Writer};
use body::{Body, Plan};
pub(crate) use stage::Edge;
use stage::{OUTER, RICH, SUBJECT, Stage};

/// Subjects of the kind: each byte as an opcode, and the transaction itself.
pub(crate) const SUBJECTS: u64 = 257;
/// Most gas that a frame with plenty of it is given by a call.
const PLENTY: u64 = 400_000;

/// Whose frame the opcode runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// The transaction's.
    Outermost,
    /// That of a message by this opcode.
    Sent(Opcode),
    /// Init code of the transaction.
    Created,
    /// The deepest that there may be, under so many others of this call.
    Deepest(Opcode),
}

/// The case of a subject: an opcode, or, for `None`, the transaction.
pub(crate) fn edge(random: Random, rules: Rules, subject: Option<Opcode>) -> Edge {
    let mut stage = Stage::new(random, rules);
    let Some(opcode) = subject else { return transaction::of_itself(stage) };
    let frame = frame(&mut stage, opcode);
    let in_creation = matches!(frame, Frame::Created | Frame::Sent(Opcode::CREATE | Opcode::CREATE2));
    let is_deep = matches!(frame, Frame::Deepest(_));
    let is_tight = !in_creation && !is_deep && stage.random.once_in(3);
    let mut w = stage.writer();
    if let Frame::Deepest(call) = frame {
        descend(&mut w, call, rules);
    }
    let body = body::write(&mut stage, w, Plan { opcode, is_plain: is_tight || is_deep });
    let gas = is_tight.then(|| frame_gas(&mut stage.random, &body));
    match frame {
        Frame::Created => transaction::creating(stage, body.code),
        Frame::Outermost => {
            stage.contract(SUBJECT, body.code);
            transaction::calling(stage, SUBJECT, gas)
        }
        Frame::Deepest(_) => {
            stage.contract(SUBJECT, body.code);
            transaction::descending(stage)
        }
        Frame::Sent(by) => {
            let outer = outer(&mut stage, by, body.code, gas);
            stage.contract(OUTER, outer);
            transaction::calling(stage, OUTER, None)
        }
    }
}

/// Gas with which the opcode finds nothing, or as much as it needs, one more or less; or that is over somewhere before.
fn frame_gas(random: &mut Random, body: &Body) -> u64 {
    match random.below(8) {
        0 => random.below(usize::try_from(body.before + body.least).unwrap_or(0) + 3) as u64,
        1 => body.before + random.below(2) as u64,
        2..=4 => (body.before + body.least + random.below(3) as u64).saturating_sub(1),
        _ => (body.before + body.most + random.below(3) as u64).saturating_sub(1),
    }
}

fn frame(stage: &mut Stage, opcode: Opcode) -> Frame {
    let (random, rules) = (&mut stage.random, stage.rules);
    let sends = opcode.info().is_some_and(|info| info.class == Class::Message);
    // What a transaction may buy is not enough for 1,024 frames, each of which keeps a 64th (EIP-7825).
    let is_deep_enough = rules.gas().tx_gas_cap == u64::MAX;
    if is_deep_enough && random.once_in(if sends { 24 } else { 2048 }) {
        let call = random.pick(&[Opcode::CALL, Opcode::CALLCODE, Opcode::DELEGATECALL, Opcode::STATICCALL]);
        return Frame::Deepest(if stage::is_defined(rules, call) { call } else { Opcode::CALL });
    }
    match random.below(16) {
        0..=3 => Frame::Outermost,
        4 => Frame::Created,
        _ => {
            let by = random.pick(&[
                Opcode::CALL,
                Opcode::CALL,
                Opcode::CALLCODE,
                Opcode::DELEGATECALL,
                Opcode::STATICCALL,
                Opcode::STATICCALL,
                Opcode::CREATE,
                Opcode::CREATE2,
            ]);
            Frame::Sent(if stage::is_defined(rules, by) { by } else { Opcode::CALL })
        }
    }
}

/// Calls the same code again and again; where there is no deeper frame it goes on.
fn descend(w: &mut Writer, call: Opcode, rules: Rules) {
    let values = if matches!(call, Opcode::CALL | Opcode::CALLCODE) { 5 } else { 4 };
    for _ in 0..values {
        w.push(0);
    }
    // Not what is called: in a frame of DELEGATECALL and CALLCODE the address stays.
    w.push(U256::from_be_slice(SUBJECT.as_slice()));
    if rules.has(Eip::StatePrices150) {
        w.op(Opcode::GAS);
    } else {
        // A caller keeps nothing by itself.
        w.push(5000);
        w.ops(&[Opcode::GAS, Opcode::SUB]);
    }
    w.ops(&[call, Opcode::ISZERO]);
    let deepest = w.push_forward();
    w.ops(&[Opcode::JUMPI, Opcode::STOP]);
    w.land(&deepest);
}

/// A contract whose message runs the code, and that looks at what came of it.
fn outer(stage: &mut Stage, by: Opcode, code: Vec<u8>, gas: Option<u64>) -> Vec<u8> {
    let mut w = stage.writer();
    if gas.is_none() && stage.random.once_in(4) {
        probes::prepare(stage, &mut w);
    }
    if matches!(by, Opcode::CREATE | Opcode::CREATE2) {
        let length = code.len();
        let data = body::copy_from_end(&mut w, length, 0);
        if by == Opcode::CREATE2 {
            w.push(0);
        }
        let value = stage.random.pick(&[0, 0, 1]);
        w.push(length);
        w.push(0);
        w.push(value);
        w.op(by);
        probes::behind_message(stage, &mut w);
        body::append(&mut w, data, &code);
        return w.code;
    }
    stage.contract(SUBJECT, code);
    let times = if gas.is_none() && stage.random.once_in(8) { 2 } else { 1 };
    for _ in 0..times {
        let output = stage.random.pick(&[0, 0, 32, 64]);
        for part in [output, 0] {
            w.push(part);
        }
        let input = stage.random.pick(&[0, 0, 32]);
        for part in [input, 0] {
            w.push(part);
        }
        if matches!(by, Opcode::CALL | Opcode::CALLCODE) {
            // A value comes with gas of its own.
            let value = if gas.is_none() { stage.random.pick(&[0, 0, 0, 1]) } else { 0 };
            w.push(value);
        }
        w.push(U256::from_be_slice(SUBJECT.as_slice()));
        let plenty = if stage.is_rich { RICH } else { PLENTY };
        w.push(gas.unwrap_or(plenty));
        w.op(by);
        probes::behind_message(stage, &mut w);
    }
    probes::end(stage, &mut w);
    w.code
}
