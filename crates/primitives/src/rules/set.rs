use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
};

use crate::{
    Address, BlobSchedule, ContractDefinition, Eip, EipSet, Fork, GasSchedule, Opcode, OpcodeDefinition,
    OpcodeInfo, OpcodeRow, OpcodeTable, PrecompileId, Switch, TransactionDefinition, custom::Customs,
    opcode::ROWS,
};

/// The rules of an execution: which EIPs are on, and every number that follows from them.
///
/// A handle to a set that lives as long as the program: copied and compared as a pointer. Sets that are equal are one set
/// ([`RulesBuilder::build`](crate::RulesBuilder::build)), so two handles are equal where all of their rules are, the name included;
/// what is kept for one set of rules, such as a translation, is never found under another one.
#[derive(Clone, Copy)]
pub struct Rules(pub(super) &'static RuleSet);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RuleSet {
    pub(super) name: Cow<'static, str>,
    pub(super) base: Fork,
    pub(super) chain_id: u64,
    pub(super) eips: EipSet,
    pub(super) opcodes: OpcodeTable,
    pub(super) gas: GasSchedule,
    pub(super) blobs: BlobSchedule,
    /// A bit for each [`PrecompileId`].
    pub(super) precompiles: u32,
    /// A bit for each [`Switch`].
    pub(super) switches: u8,
    pub(super) customs: Customs,
}

const _: () = assert!(PrecompileId::ALL.len() <= 32, "a set of precompiled contracts is 32 bits");

static MAINNET: [RuleSet; Fork::ALL.len()] = {
    let mut sets = [const { RuleSet::of(Fork::Frontier, Fork::Frontier.eips()) }; Fork::ALL.len()];
    let mut f = 1;
    while f < sets.len() {
        // What it replaces owns nothing.
        std::mem::forget(std::mem::replace(&mut sets[f], RuleSet::of(Fork::ALL[f], Fork::ALL[f].eips())));
        f += 1;
    }
    sets
};

/// The opcodes that no EIP brought.
const FIRST_OPCODES: OpcodeTable = {
    let mut table = [OpcodeRow::UNDEFINED; 256];
    let mut i = 0;
    while i < ROWS.len() {
        table[ROWS[i].opcode.0 as usize] = ROWS[i].row();
        i += 1;
    }
    let mut first = ROWS.len();
    let mut e = 0;
    while e < Eip::ALL.len() {
        let brought = Eip::ALL[e].changes().opcodes;
        let mut i = 0;
        while i < brought.len() {
            assert!(table[brought[i].0 as usize].is_defined(), "two EIPs bring one opcode");
            table[brought[i].0 as usize] = OpcodeRow::UNDEFINED;
            first -= 1;
            i += 1;
        }
        e += 1;
    }
    assert!(first == FIRST_COUNT, "a row of the opcode table is of no EIP, and not of Frontier");
    table
};

/// How many those are: whoever adds a row says which EIP brings it.
const FIRST_COUNT: usize = 130;

impl RuleSet {
    /// What `eips` come to, applied in the order in which they were activated, with the blob parameters of `base`.
    pub(super) const fn of(base: Fork, eips: EipSet) -> Self {
        let mut set = Self {
            name: Cow::Borrowed(base.name()),
            base,
            chain_id: 1,
            eips,
            opcodes: FIRST_OPCODES,
            gas: GasSchedule::FRONTIER,
            blobs: match Eip::Blobs4844.changes().blobs {
                Some(blobs) => blobs,
                None => panic!("EIP-4844 has blob parameters"),
            },
            precompiles: 0,
            switches: 0,
            customs: Customs::NONE,
        };
        set.add_precompiles(Fork::Frontier.changes().precompiles);
        let mut e = 0;
        while e < Eip::ALL.len() {
            if eips.has(Eip::ALL[e]) {
                set.apply(Eip::ALL[e]);
            }
            e += 1;
        }
        let mut f = 0;
        while f <= base as usize {
            if let Some(blobs) = Fork::ALL[f].changes().blobs {
                set.blobs = blobs;
            }
            f += 1;
        }
        set
    }

    const fn apply(&mut self, eip: Eip) {
        let changes = eip.changes();
        let mut i = 0;
        while i < changes.opcodes.len() {
            let row = changes.opcodes[i].info();
            self.opcodes[changes.opcodes[i].0 as usize] = match row {
                Some(info) => info.row(),
                None => panic!("an EIP brings an opcode that has no row"),
            };
            i += 1;
        }
        let mut i = 0;
        while i < changes.gas.len() {
            let (opcode, gas) = changes.gas[i];
            if self.opcodes[opcode.0 as usize].is_defined() {
                self.opcodes[opcode.0 as usize].gas = gas;
            }
            i += 1;
        }
        let mut i = 0;
        while i < changes.parameters.len() {
            let (parameter, value) = changes.parameters[i];
            self.gas.set(parameter, value);
            i += 1;
        }
        if let Some(blobs) = changes.blobs {
            self.blobs = blobs;
        }
        self.add_precompiles(changes.precompiles);
    }

    /// Adds what has been checked.
    pub(super) fn add_customs(&mut self, customs: &Customs) {
        for own in &customs.opcodes {
            let info = own.0.info();
            self.opcodes[usize::from(info.opcode.0)] = info.row();
        }
        self.customs.clone_from(customs);
    }

    const fn add_precompiles(&mut self, ids: &[PrecompileId]) {
        let mut i = 0;
        while i < ids.len() {
            self.precompiles |= 1 << ids[i] as u8;
            i += 1;
        }
    }
}

impl Rules {
    /// Those of a fork of mainnet.
    pub const fn of(fork: Fork) -> Self {
        Self(&MAINNET[fork as usize])
    }

    /// What they are called: `Osaka`, `Cancun+7939-5656`, or what their author says.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// The fork that they begin with.
    pub const fn base(self) -> Fork {
        self.0.base
    }

    /// The fork of mainnet whose rules they are, nothing changed.
    pub fn mainnet(self) -> Option<Fork> {
        (self == Rules::of(self.base())).then_some(self.base())
    }

    /// The chain that they are of, where whoever runs them says nothing else; 1 is mainnet.
    pub const fn chain_id(self) -> u64 {
        self.0.chain_id
    }

    /// Whether `eip` is on.
    pub const fn has(self, eip: Eip) -> bool {
        self.0.eips.has(eip)
    }

    /// Whether `switch` is on.
    pub const fn is_on(self, switch: Switch) -> bool {
        self.0.switches & switch.bit() != 0
    }

    /// The EIPs that are on.
    pub const fn eips(self) -> EipSet {
        self.0.eips
    }

    /// What an interpreter checks before an opcode acts, by byte.
    pub const fn opcodes(self) -> &'static OpcodeTable {
        &self.0.opcodes
    }

    /// The facts of an opcode, whether it is on or not: of one that an EIP defines, or of an author's own.
    #[inline]
    pub fn info(self, opcode: Opcode) -> Option<&'static OpcodeInfo> {
        match opcode.info() {
            Some(info) => Some(info),
            None => self.custom_opcode(opcode).map(OpcodeDefinition::info),
        }
    }

    /// An opcode by the name that these rules have for it; its byte as `0x0c` if they know none.
    pub fn show(self, opcode: Opcode) -> ShownOpcode {
        ShownOpcode { opcode, name: self.info(opcode).map(|info| info.name) }
    }

    /// An opcode of an author's own.
    pub fn custom_opcode(self, opcode: Opcode) -> Option<&'static dyn OpcodeDefinition> {
        self.0.customs.opcode(opcode)
    }

    /// All opcodes of an author's own, as they were given.
    pub fn custom_opcodes(self) -> impl Iterator<Item = &'static dyn OpcodeDefinition> {
        self.0.customs.opcodes.iter().map(|definition| definition.0)
    }

    /// A precompiled contract of an author's own.
    pub fn custom_contract(self, address: &Address) -> Option<&'static dyn ContractDefinition> {
        self.0.customs.contract(address)
    }

    /// All precompiled contracts of an author's own, as they were given.
    pub fn custom_contracts(self) -> impl Iterator<Item = &'static dyn ContractDefinition> {
        self.0.customs.contracts.iter().map(|definition| definition.0)
    }

    /// What the chain has otherwise around a transaction's own message; `None` if it is as Ethereum has it.
    pub fn custom_transactions(self) -> Option<&'static dyn TransactionDefinition> {
        self.0.customs.transactions.as_ref().map(|definition| definition.0)
    }

    /// Prices and limits.
    pub const fn gas(self) -> &'static GasSchedule {
        &self.0.gas
    }

    /// Blob parameters; those of Cancun before it.
    pub const fn blobs(self) -> BlobSchedule {
        self.0.blobs
    }

    /// Whether SSTORE pays for the difference that it makes (EIP-1283, EIP-2200).
    pub const fn has_net_metering(self) -> bool {
        self.has(Eip::NetMetering1283) || self.has(Eip::NetMetering2200)
    }

    /// Whether they have a precompiled contract.
    pub const fn has_precompile(self, id: PrecompileId) -> bool {
        self.0.precompiles & (1 << id as u8) != 0
    }

    /// Their precompiled contracts, by address.
    pub fn precompiles(self) -> impl Iterator<Item = PrecompileId> {
        PrecompileId::ALL.iter().copied().filter(move |id| self.has_precompile(*id))
    }
}

/// An opcode as text: [`Rules::show`].
#[derive(Clone, Copy, Debug)]
pub struct ShownOpcode {
    opcode: Opcode,
    name: Option<&'static str>,
}

impl fmt::Display for ShownOpcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => f.pad(name),
            None => self.opcode.fmt(f),
        }
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Rules {}

/// Whether they are those of a fork, nothing changed.
impl PartialEq<Fork> for Rules {
    fn eq(&self, fork: &Fork) -> bool {
        *self == Rules::of(*fork)
    }
}

impl Hash for Rules {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

impl From<Fork> for Rules {
    fn from(fork: Fork) -> Self {
        Self::of(fork)
    }
}

/// As [`fmt::Display`] has it.
impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
