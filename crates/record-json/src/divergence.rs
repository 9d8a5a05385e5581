//! The first place where two runs part.

use std::borrow::Cow;

use parallax_shadow_diff::{Place, Value};
use serde::{Deserialize, Serialize};

use crate::number::{self, from_one};

/// The first place where two runs part. What each part means, `parallax_shadow_diff::Divergence` says; values are text for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Divergence {
    /// The number of the opcode, from 1; at a block entry, of the suspect there.
    pub step: Option<u64>,
    /// The number of the message, in the mode per-call, as `frames` tells it: the transaction's own is 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<u64>,
    /// Depth of the frame; 1 is the transaction's own.
    pub depth: Option<u64>,
    /// Offset in the code.
    pub pc: Option<u64>,
    /// The opcode's byte.
    pub opcode: Option<u8>,
    /// Its mnemonic, if it has one.
    pub op_name: Option<Cow<'static, str>>,
    /// What differs.
    pub field: String,
    /// What the left side has there.
    pub left: String,
    /// What the right side has there.
    pub right: String,
    /// The messages around it, from the transaction's own down.
    pub frames: Vec<String>,
    /// What both sides did alike before it, oldest first.
    pub recent: Vec<String>,
    /// What kind of fault it looks like.
    pub cause: Cow<'static, str>,
    /// The EIPs that touch the rule that may be wrong.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub eips: Vec<u16>,
    /// `step`, `block`, `message`, `transaction` or `post-state`.
    pub place: Cow<'static, str>,
    /// At a step or a message: whether what it found differs (`before`) or what it left (`after`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<Cow<'static, str>>,
    /// Its number, of a block entry, from 1: `step` is that of the suspect there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entry: Option<u64>,
    /// What wrote the value that differs at a block entry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suspect: Option<Suspect>,
    /// What the opcode took from the stack, by name.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub inputs: Vec<Input>,
    /// The state of both sides, cut to what is kept of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<Detail>,
}

/// What wrote the value that differs at a block entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspect {
    /// Its number in the transaction, from 1.
    pub step: u64,
    /// Its offset in the code.
    pub pc: u64,
    /// The opcode's byte.
    pub opcode: u8,
    /// Its mnemonic, if it has one.
    pub op_name: Option<Cow<'static, str>>,
}

/// One thing that an opcode took from the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What the Yellow Paper or the EIP calls it.
    pub name: Cow<'static, str>,
    /// What it was.
    pub value: String,
}

/// The state of both sides, cut to what is kept of it. Pairs are left and right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// What the opcode's cost is made of, where both sides know it.
    pub gas: Option<[GasSplit; 2]>,
    /// Items on the whole stack.
    pub stack_size: [u64; 2],
    /// The topmost items.
    pub stack: Vec<Row>,
    /// Bytes of the whole memory.
    pub memory_size: [u64; 2],
    /// Words of the memory round the first difference.
    pub memory: Vec<Row>,
    /// The slots that were touched last.
    pub slots: Vec<Row>,
}

/// A cost by its causes, in gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GasSplit {
    /// The opcode's static gas.
    #[serde(rename = "static", with = "number")]
    pub static_gas: u64,
    /// Memory expansion.
    #[serde(with = "number")]
    pub memory: u64,
    /// All else.
    #[serde(with = "number")]
    pub access: u64,
    /// Handed on to the callee.
    #[serde(with = "number")]
    pub forwarded: u64,
    /// The sum.
    #[serde(with = "number")]
    pub total: u64,
    /// State gas, which is in no other part, where the rules have any (EIP-8037).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<i64>,
}

/// One place on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Which place.
    pub at: String,
    /// What the left side has there; `None` where it has no such place.
    pub left: Option<String>,
    /// What the right side has there.
    pub right: Option<String>,
    /// Whether the two differ.
    pub differs: bool,
}

impl From<&parallax_shadow_diff::Divergence> for Divergence {
    fn from(divergence: &parallax_shadow_diff::Divergence) -> Self {
        let path = divergence.place.path();
        let (step, pc, opcode) = match &divergence.place {
            Place::Step { index, step, .. } => (Some(*index), Some(step.pc), Some((step.opcode, step.rules))),
            Place::Block { suspect: Some(suspect), .. } => {
                (Some(suspect.index), Some(suspect.pc), Some((suspect.opcode, suspect.rules)))
            }
            Place::Block { pc, .. } => (None, Some(*pc), None),
            _ => (None, None, None),
        };
        let message = match &divergence.place {
            Place::Message { index, .. } => Some(*index as u64),
            _ => None,
        };
        let op_name = opcode.and_then(|(opcode, rules)| rules.info(opcode)).map(|info| info.name);
        let (place, phase, entry, suspect) = whereabouts(&divergence.place);
        let input =
            |(name, value): (&'static str, Value)| Input { name: name.into(), value: value.to_string() };
        Self {
            step: step.map(from_one),
            message,
            depth: (!path.is_empty()).then_some(path.len() as u64),
            pc: pc.map(|pc| pc as u64),
            opcode: opcode.map(|(opcode, _)| opcode.0),
            op_name: op_name.map(Cow::Borrowed),
            field: divergence.field.to_string(),
            left: divergence.left.to_string(),
            right: divergence.right.to_string(),
            frames: path.iter().map(ToString::to_string).collect(),
            recent: divergence.recent.iter().map(ToString::to_string).collect(),
            cause: divergence.cause.name().into(),
            eips: divergence.eips.to_vec(),
            place: place.into(),
            phase: phase.map(Cow::Borrowed),
            entry,
            suspect,
            inputs: divergence.inputs().into_iter().map(input).collect(),
            detail: divergence.detail.as_deref().map(Detail::from),
        }
    }
}

/// What place it is, on which side of it, and of a block entry its number and the suspect.
fn whereabouts(place: &Place) -> (&'static str, Option<&'static str>, Option<u64>, Option<Suspect>) {
    let phase = |is_over| Some(if is_over { "after" } else { "before" });
    match place {
        Place::Step { is_over, .. } => ("step", phase(*is_over), None, None),
        Place::Message { is_over, .. } => ("message", phase(*is_over), None, None),
        Place::Block { index, suspect, .. } => {
            let suspect = suspect.map(|suspect| Suspect {
                step: from_one(suspect.index),
                pc: suspect.pc as u64,
                opcode: suspect.opcode.0,
                op_name: suspect.rules.info(suspect.opcode).map(|info| Cow::Borrowed(info.name)),
            });
            ("block", None, Some(from_one(*index)), suspect)
        }
        Place::PostState => ("post-state", None, None, None),
        Place::BlockRules => ("block-rules", None, None, None),
        _ => ("transaction", None, None, None),
    }
}

impl From<&parallax_shadow_diff::Detail> for Detail {
    fn from(detail: &parallax_shadow_diff::Detail) -> Self {
        let gas = |split: parallax_shadow_diff::GasSplit| GasSplit {
            static_gas: split.static_gas,
            memory: split.memory,
            access: split.access,
            forwarded: split.forwarded,
            total: split.total(),
            state: split.state,
        };
        let row = |row: parallax_shadow_diff::Row| {
            let differs = row.differs();
            let [left, right] = row.values.map(|value| value.map(|value| value.to_string()));
            Row { at: row.label, left, right, differs }
        };
        let rows = |rows: Vec<parallax_shadow_diff::Row>| rows.into_iter().map(row).collect();
        let [left, right] = &detail.sides;
        Self {
            gas: left.gas.zip(right.gas).map(|(left, right)| [gas(left), gas(right)]),
            stack_size: [left.stack_size, right.stack_size].map(|size| size as u64),
            stack: rows(detail.stack_rows()),
            memory_size: [left.memory_size, right.memory_size].map(|size| size as u64),
            memory: rows(detail.memory_rows()),
            slots: rows(detail.slot_rows()),
        }
    }
}
