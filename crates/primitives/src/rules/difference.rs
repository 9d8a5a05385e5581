//! What two sets of rules have otherwise, and which EIP is the reason.

use std::{collections::BTreeSet, fmt};

use super::set::Rules;
use crate::{Address, ContractDefinition, Eip, Opcode, Parameter, PrecompileId, Switch};

/// One thing that two sets of rules have otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesDifference {
    /// What differs.
    pub subject: Subject,
    /// How it is under the rules on the left; `None` where they do not have it.
    pub left: Option<u64>,
    /// How it is under the rules on the right.
    pub right: Option<u64>,
    /// EIPs that only one of the two has and that change it. None where an author changed it.
    pub eips: Vec<Eip>,
}

/// What rules have a say in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// An EIP, 1 where it is on: it changes behaviour, not only numbers.
    Eip(Eip),
    /// An opcode's static gas.
    Opcode(Opcode),
    /// A price or a limit.
    Parameter(Parameter),
    /// A behaviour that no EIP has, 1 where it is on.
    Switch(Switch),
    /// A precompiled contract, 1 where it is there.
    Precompile(PrecompileId),
    /// A precompiled contract of an author's own, 1 where it is there.
    CustomContract(Address),
    /// Rules for transactions of an author's own, 1 where they are there.
    CustomTransactions,
    /// Blobs that a block aims at.
    BlobTarget,
    /// Blobs that a block may carry.
    BlobMax,
    /// `BLOB_BASE_FEE_UPDATE_FRACTION`.
    BlobUpdateFraction,
    /// The chain's id.
    ChainId,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Eip(eip) => write!(f, "{eip}"),
            Subject::Opcode(opcode) => write!(f, "{opcode}"),
            Subject::Parameter(parameter) => f.write_str(parameter.name()),
            Subject::Switch(switch) => f.write_str(switch.name()),
            Subject::Precompile(id) => f.write_str(id.name()),
            Subject::CustomContract(address) => write!(f, "contract {address}"),
            Subject::CustomTransactions => f.write_str("transactions"),
            Subject::BlobTarget => f.write_str("blob target"),
            Subject::BlobMax => f.write_str("blob max"),
            Subject::BlobUpdateFraction => f.write_str("blob update fraction"),
            Subject::ChainId => f.write_str("chain id"),
        }
    }
}

impl Subject {
    /// Whether `eip` changes it.
    pub fn is_changed_by(self, eip: Eip) -> bool {
        let changes = eip.changes();
        match self {
            Subject::Eip(own) => own == eip,
            Subject::Opcode(opcode) => {
                changes.opcodes.contains(&opcode) || changes.gas.iter().any(|(changed, _)| *changed == opcode)
            }
            Subject::Parameter(parameter) => {
                changes.parameters.iter().any(|(changed, _)| *changed == parameter)
            }
            Subject::Precompile(id) => changes.precompiles.contains(&id),
            Subject::BlobTarget | Subject::BlobMax | Subject::BlobUpdateFraction => changes.blobs.is_some(),
            Subject::Switch(_)
            | Subject::CustomContract(_)
            | Subject::CustomTransactions
            | Subject::ChainId => false,
        }
    }
}

impl Rules {
    /// What `other` has otherwise: these rules are the left ones.
    pub fn differences(self, other: Rules) -> Vec<RulesDifference> {
        all(self, other)
    }
}

fn all(left: Rules, right: Rules) -> Vec<RulesDifference> {
    let sides = [left, right];
    let bytes = 0..=u8::MAX;
    let own = sides.iter().flat_map(|rules| rules.custom_contracts()).map(ContractDefinition::address);
    let own: BTreeSet<Address> = own.collect();
    let subjects = Eip::ALL
        .iter()
        .map(|eip| Subject::Eip(*eip))
        .chain(bytes.map(|byte| Subject::Opcode(Opcode(byte))))
        .chain(Parameter::ALL.iter().map(|parameter| Subject::Parameter(*parameter)))
        .chain(Switch::ALL.iter().map(|switch| Subject::Switch(*switch)))
        .chain(PrecompileId::ALL.iter().map(|id| Subject::Precompile(*id)))
        .chain(own.into_iter().map(Subject::CustomContract))
        .chain([Subject::CustomTransactions])
        .chain([Subject::BlobTarget, Subject::BlobMax, Subject::BlobUpdateFraction, Subject::ChainId]);
    subjects
        .filter_map(|subject| {
            let [before, after] = sides.map(|rules| value(rules, subject));
            let is_cause = |eip: &Eip| left.has(*eip) != right.has(*eip) && subject.is_changed_by(*eip);
            let eips = Eip::ALL.iter().copied().filter(is_cause).collect();
            (before != after).then_some(RulesDifference { subject, left: before, right: after, eips })
        })
        .collect()
}

fn value(rules: Rules, subject: Subject) -> Option<u64> {
    match subject {
        Subject::Eip(eip) => rules.has(eip).then_some(1),
        Subject::Opcode(opcode) => {
            let row = rules.opcodes()[usize::from(opcode.0)];
            row.is_defined().then_some(row.gas.into())
        }
        Subject::Parameter(parameter) => Some(rules.gas().get(parameter)),
        Subject::Switch(switch) => rules.is_on(switch).then_some(1),
        Subject::Precompile(id) => rules.has_precompile(id).then_some(1),
        Subject::CustomContract(address) => rules.custom_contract(&address).map(|_| 1),
        Subject::CustomTransactions => rules.custom_transactions().map(|_| 1),
        Subject::BlobTarget => Some(rules.blobs().target),
        Subject::BlobMax => Some(rules.blobs().max),
        Subject::BlobUpdateFraction => Some(rules.blobs().update_fraction),
        Subject::ChainId => Some(rules.chain_id()),
    }
}
