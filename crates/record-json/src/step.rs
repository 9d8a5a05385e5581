//! One step of two sides, in the words of the devtool's API.

use std::borrow::Cow;

use parallax_primitives::{Address, Eip, U256};
use parallax_shadow_diff::{Field, SideBySideStep, Value};
use serde::{Deserialize, Serialize};

use crate::{
    hex::Hex,
    number::{self, from_one},
};

/// One step of two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its number, from 1, the same on both sides.
    #[serde(with = "number")]
    pub step: u64,
    /// The left side, whatever its engine is; `None` if it is over.
    #[serde(rename = "primary")]
    pub left: Option<StepSide>,
    /// The right side; `None` if it is over.
    #[serde(rename = "mini")]
    pub right: Option<StepSide>,
    /// What differs first; `None` only where nothing does.
    pub mismatch: Option<Mismatch>,
    /// Whether all that differs here differed at the step before it.
    pub carried: bool,
}

/// One step on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepSide {
    /// Offset of the opcode in the code.
    pub pc: u64,
    /// The opcode's byte.
    pub opcode: u8,
    /// Its mnemonic; `INVALID` for a byte that no fork defines.
    pub op_name: Cow<'static, str>,
    /// Gas left before it.
    #[serde(with = "number")]
    pub gas_before: u64,
    /// Gas left after it.
    #[serde(with = "number")]
    pub gas_after: u64,
    /// Gas it took: execution gas, where there are two.
    #[serde(with = "number")]
    pub gas_cost: u64,
    /// State gas before it and what it took of it, where the rules have any (EIP-8037).
    #[serde(flatten)]
    pub state_gas: Option<StepStateGas>,
    /// Items on the stack before it.
    pub stack_size: u64,
    /// 1 is the transaction's own frame.
    pub depth: u32,
    /// The account in whose name its frame runs.
    pub address: Hex<Address>,
}

/// State gas at one step (EIP-8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepStateGas {
    /// Left in the reservoir before the opcode.
    #[serde(with = "number")]
    pub reservoir: u64,
    /// Taken from execution gas and not given back, before the opcode.
    #[serde(with = "number")]
    pub spilled_state_gas: u64,
    /// What the opcode was charged or, below zero, given back.
    pub state_gas_cost: i64,
}

/// What differs between two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mismatch {
    /// The field's name: `gasCost`, `stack`, `storage` and so on.
    pub field: String,
    /// What the left side has, whole: words, addresses and bytes behind `0x`, counts in decimal.
    pub lhs: String,
    /// What the right side has.
    pub rhs: String,
    /// Offset of the first byte of the memory that differs; number of a log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub item: Option<u64>,
    /// Number of an item of the stack, from the top, which is 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from_top: Option<u64>,
    /// The account that the field is of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<Hex<Address>>,
    /// The slot that the field is of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<Hex<U256>>,
}

impl From<&SideBySideStep> for Step {
    fn from(step: &SideBySideStep) -> Self {
        let SideBySideStep { index, left, right, mismatch, is_carried } = step;
        Self {
            step: from_one(*index),
            left: left.as_ref().map(StepSide::from),
            right: right.as_ref().map(StepSide::from),
            mismatch: mismatch.as_deref().map(Mismatch::from),
            carried: *is_carried,
        }
    }
}

impl From<&parallax_shadow_diff::StepSide> for StepSide {
    fn from(side: &parallax_shadow_diff::StepSide) -> Self {
        let parallax_shadow_diff::StepSide { depth, pc, opcode, rules, address, .. } = *side;
        let parallax_shadow_diff::StepSide { gas_before, gas_after, gas_cost, stack_size, .. } = *side;
        let parallax_shadow_diff::StepSide { state_gas, state_gas_cost, .. } = *side;
        Self {
            pc: pc as u64,
            opcode: opcode.0,
            op_name: Cow::Borrowed(rules.info(opcode).map_or("INVALID", |info| info.name)),
            gas_before,
            gas_after,
            gas_cost,
            state_gas: rules.has(Eip::StateGas8037).then_some(StepStateGas {
                reservoir: state_gas.reservoir,
                spilled_state_gas: state_gas.spilled,
                state_gas_cost,
            }),
            stack_size: stack_size as u64,
            depth: u32::from(depth) + 1,
            address: Hex(address),
        }
    }
}

impl From<&parallax_shadow_diff::Mismatch> for Mismatch {
    fn from(mismatch: &parallax_shadow_diff::Mismatch) -> Self {
        let parallax_shadow_diff::Mismatch { field, left, right } = mismatch;
        let (mut item, mut from_top, mut address, mut key) = (None, None, None, None);
        match *field {
            Field::Stack(number) => from_top = Some(number as u64),
            Field::Memory(number)
            | Field::Log(number)
            | Field::LogAddress(number)
            | Field::LogTopics(number)
            | Field::LogData(number) => item = Some(number as u64),
            Field::WarmAccount(of)
            | Field::CreatedHere(of)
            | Field::Destroyed(of)
            | Field::AccessedAccount(of)
            | Field::Account(of)
            | Field::Nonce(of)
            | Field::Balance(of)
            | Field::Code(of) => address = Some(Hex(of)),
            Field::TransientStorage(of, slot)
            | Field::WarmSlot(of, slot)
            | Field::AccessedSlot(of, slot)
            | Field::Storage(of, slot) => {
                address = Some(Hex(of));
                key = Some(Hex(slot));
            }
            _ => {}
        }
        Self { field: camel(*field), lhs: text(left), rhs: text(right), item, from_top, address, key }
    }
}

/// A value as the API has it: of a count one form is enough.
fn text(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        other => other.to_string(),
    }
}

/// A field's name as the API spells it: `gasLeft` for `gas left`.
fn camel(field: Field) -> String {
    let mut words = field.name().split([' ', '-']);
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        name += &first.to_ascii_uppercase();
        name += rest;
    }
    name
}
