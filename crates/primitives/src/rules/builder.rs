use std::{
    borrow::Cow,
    collections::HashSet,
    fmt::Write,
    sync::{LazyLock, Mutex, PoisonError},
};

use super::set::{RuleSet, Rules};
use crate::{
    BlobSchedule, ContractDefinition, Eip, EipSet, Fork, Opcode, OpcodeDefinition, Parameter, Switch,
    TransactionDefinition, UnknownFork,
    custom::{Customs, Definition, DefinitionError},
};

/// Sets that a program may make. They are never given up: a set is about 2 KiB.
const MOST_SETS: usize = 16_384;

/// The largest price, in gas. Any sum that an execution comes to stays below 2^64 with it.
const HIGHEST_PRICE: u64 = (1 << 32) - 1;

/// Bytes of a name.
const LONGEST_NAME: usize = 64;

/// Makes rules that are not a fork's. What is asked for is checked by [`build`](RulesBuilder::build).
///
/// ```
/// use parallax_primitives::{Eip, Fork, Opcode, Rules};
///
/// let rules = Rules::builder(Fork::Prague).with(Eip::CountZeros7939).static_gas(Opcode::SLOAD, 200).build()?;
/// assert_eq!(rules.name(), "Prague+7939 SLOAD=200");
/// assert_eq!(rules.opcodes()[usize::from(Opcode::CLZ.0)].gas, 5);
/// # Ok::<(), parallax_primitives::RulesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RulesBuilder {
    base: Fork,
    name: Option<String>,
    chain_id: u64,
    with: Vec<Eip>,
    without: Vec<Eip>,
    gas: Vec<(Opcode, u64)>,
    parameters: Vec<(Parameter, u64)>,
    blobs: Option<BlobSchedule>,
    switches: u8,
    customs: Customs,
}

impl Rules {
    /// A builder that begins with those of a fork.
    pub fn builder(base: Fork) -> RulesBuilder {
        RulesBuilder::new(base)
    }

    /// These rules with exactly these EIPs on. What an author has changed stays so: the chain, and each number that is not what the
    /// EIPs that were on bring.
    ///
    /// # Errors
    ///
    /// [`RulesError`], as of [`RulesBuilder::build`].
    pub fn with_eips(self, eips: EipSet) -> Result<Rules, RulesError> {
        let mut builder = Rules::builder(self.base()).chain_id(self.chain_id()).eips(eips);
        let with_customs = |eips| {
            let mut set = RuleSet::of(self.base(), eips);
            set.add_customs(&self.0.customs);
            set
        };
        let (brought, then) = (with_customs(self.eips()), with_customs(eips));
        for byte in 0..=u8::MAX {
            let at = usize::from(byte);
            let (own, brought) = (self.opcodes()[at], brought.opcodes[at]);
            if own.gas != brought.gas && then.opcodes[at].is_defined() {
                builder = builder.static_gas(Opcode(byte), own.gas.into());
            }
        }
        for parameter in Parameter::ALL {
            let own = self.gas().get(*parameter);
            if own != brought.gas.get(*parameter) {
                builder = builder.parameter(*parameter, own);
            }
        }
        if self.blobs() != brought.blobs {
            builder = builder.blobs(self.blobs());
        }
        builder.switches = self.0.switches;
        builder.customs = self.0.customs.clone();
        builder.build()
    }
}

impl RulesBuilder {
    fn new(base: Fork) -> Self {
        Self {
            base,
            name: None,
            chain_id: 1,
            with: Vec::new(),
            without: Vec::new(),
            gas: Vec::new(),
            parameters: Vec::new(),
            blobs: None,
            switches: 0,
            customs: Customs::NONE,
        }
    }

    /// Calls them `name`. Without it they are called after what they change.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Says of which chain they are.
    #[must_use]
    pub fn chain_id(mut self, chain_id: u64) -> Self {
        self.chain_id = chain_id;
        self
    }

    /// Switches an EIP on.
    #[must_use]
    pub fn with(mut self, eip: Eip) -> Self {
        self.with.push(eip);
        self
    }

    /// Switches an EIP off.
    #[must_use]
    pub fn without(mut self, eip: Eip) -> Self {
        self.without.push(eip);
        self
    }

    /// Switches on and off what it takes to have exactly these.
    #[must_use]
    pub fn eips(mut self, eips: EipSet) -> Self {
        let of_base = self.base.eips();
        self.with = eips.iter().filter(|eip| !of_base.has(*eip)).collect();
        self.without = of_base.iter().filter(|eip| !eips.has(*eip)).collect();
        self
    }

    /// Changes the static gas of an opcode.
    #[must_use]
    pub fn static_gas(mut self, opcode: Opcode, gas: u64) -> Self {
        self.gas.push((opcode, gas));
        self
    }

    /// Changes a price or a limit.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter, value: u64) -> Self {
        self.parameters.push((parameter, value));
        self
    }

    /// Changes the blob parameters.
    #[must_use]
    pub fn blobs(mut self, blobs: BlobSchedule) -> Self {
        self.blobs = Some(blobs);
        self
    }

    /// Switches a behaviour that no EIP has on or off.
    #[must_use]
    pub fn switch(mut self, switch: Switch, is_on: bool) -> Self {
        self.switches = if is_on { self.switches | switch.bit() } else { self.switches & !switch.bit() };
        self
    }

    /// Adds an opcode of an author's own: one that both engines know what to do at (`CustomOpcode` of `parallax-host-interface`).
    #[must_use]
    pub fn opcode(mut self, opcode: &'static dyn OpcodeDefinition) -> Self {
        self.customs.opcodes.push(Definition(opcode));
        self
    }

    /// Adds a precompiled contract of an author's own (`CustomContract` of `parallax-host-interface`).
    #[must_use]
    pub fn contract(mut self, contract: &'static dyn ContractDefinition) -> Self {
        self.customs.contracts.push(Definition(contract));
        self
    }

    /// Says what the chain has otherwise around a transaction's own message (`CustomTransactions` of `parallax-host-interface`).
    #[must_use]
    pub fn transactions(mut self, transactions: &'static dyn TransactionDefinition) -> Self {
        self.customs.transactions = Some(Definition(transactions));
        self
    }

    /// The rules. Of sets that are equal in everything there is one.
    ///
    /// # Errors
    ///
    /// [`RulesError`] with the first thing that cannot be.
    pub fn build(&self) -> Result<Rules, RulesError> {
        let mut eips = self.base.eips();
        for eip in &self.with {
            if eips.has(*eip) {
                return Err(RulesError::AlreadyOn { eip: *eip, base: self.base });
            }
            eips = eips.with(*eip);
        }
        for eip in &self.without {
            if !eips.has(*eip) {
                return Err(RulesError::AlreadyOff { eip: *eip, base: self.base });
            }
            eips = eips.without(*eip);
        }
        for eip in eips.iter() {
            if let Some(needs) = eip.changes().needs.iter().find(|needs| !eips.has(**needs)) {
                return Err(RulesError::Needs { eip, needs: *needs });
            }
        }
        let mut set = RuleSet::of(self.base, eips);
        set.chain_id = self.chain_id;
        set.switches = self.switches;
        self.customs.check()?;
        set.add_customs(&self.customs);
        for (opcode, gas) in &self.gas {
            let row = &mut set.opcodes[usize::from(opcode.0)];
            if !row.is_defined() {
                return Err(RulesError::Undefined(*opcode));
            }
            row.gas = u16::try_from(*gas).map_err(|_| RulesError::TooMuch {
                what: opcode.to_string(),
                value: *gas,
                limit: u16::MAX.into(),
            })?;
        }
        // Every loop passes a JUMPDEST: one that costs nothing would never end.
        if set.opcodes[usize::from(Opcode::JUMPDEST.0)].gas == 0 {
            return Err(RulesError::TooLittle { what: Opcode::JUMPDEST.to_string(), value: 0 });
        }
        for (parameter, value) in &self.parameters {
            check(*parameter, *value)?;
            set.gas.set(*parameter, *value);
        }
        // A call that gives more than it takes would make gas.
        if set.gas.call_stipend > set.gas.call_value {
            let (value, limit) = (set.gas.call_stipend, set.gas.call_value);
            return Err(RulesError::TooMuch { what: Parameter::call_stipend.name().into(), value, limit });
        }
        if let Some(blobs) = self.blobs {
            if blobs.update_fraction == 0 {
                return Err(RulesError::TooLittle { what: "update_fraction".into(), value: 0 });
            }
            set.blobs = blobs;
        }
        set.name = self.checked_name(&set)?;
        intern(set)
    }

    fn checked_name(&self, set: &RuleSet) -> Result<Cow<'static, str>, RulesError> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.described(),
        };
        let is_printable = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if name.len() > LONGEST_NAME || !is_printable {
            let shown = name.chars().take(LONGEST_NAME).collect();
            return Err(RulesError::Name(shown));
        }
        // A fork's name says what the rules are.
        if let Ok(fork) = name.parse::<Fork>() {
            let mainnet = RuleSet::of(fork, fork.eips());
            if (RuleSet { name: mainnet.name.clone(), ..set.clone() }) != mainnet {
                return Err(RulesError::NameOfFork(fork));
            }
            return Ok(mainnet.name);
        }
        Ok(Cow::Owned(name))
    }

    /// The base and what is changed, in one order whatever the order in which it was asked for.
    fn described(&self) -> String {
        let mut text = self.base.name().to_owned();
        for (sign, eips) in [('+', &self.with), ('-', &self.without)] {
            let mut eips = eips.clone();
            eips.sort_unstable_by_key(|eip| eip.number());
            for eip in eips {
                let _ = write!(text, "{sign}{}", eip.number());
            }
        }
        let (mut gas, mut parameters) = (self.gas.clone(), self.parameters.clone());
        gas.sort_by_key(|(opcode, _)| *opcode);
        parameters.sort_by_key(|(parameter, _)| *parameter);
        for (opcode, gas) in gas {
            let _ = write!(text, " {opcode}={gas}");
        }
        for (parameter, value) in parameters {
            let _ = write!(text, " {}={value}", parameter.name());
        }
        if let Some(BlobSchedule { target, max, update_fraction }) = self.blobs {
            let _ = write!(text, " blobs={target}/{max}/{update_fraction}");
        }
        for switch in Switch::ALL.iter().filter(|switch| self.switches & switch.bit() != 0) {
            let _ = write!(text, " +{}", switch.name());
        }
        for own in &self.customs.opcodes {
            let _ = write!(text, " +{}", own.0.info().name);
        }
        for own in &self.customs.contracts {
            let _ = write!(text, " +{}", own.0.name());
        }
        if let Some(own) = &self.customs.transactions {
            let _ = write!(text, " +{}", own.0.name());
        }
        if self.chain_id != 1 {
            let _ = write!(text, " chain={}", self.chain_id);
        }
        // What has no name of its own and changes much is told apart by the set, not by its name.
        if text.len() > LONGEST_NAME {
            text.truncate(LONGEST_NAME - 3);
            text += "...";
        }
        text
    }
}

fn check(parameter: Parameter, value: u64) -> Result<(), RulesError> {
    if !parameter.is_limit() && value > HIGHEST_PRICE {
        return Err(RulesError::TooMuch { what: parameter.name().into(), value, limit: HIGHEST_PRICE });
    }
    // Four billion rounds of BLAKE2F for nothing would take as long as a program that does not end.
    let is_needed = matches!(
        parameter,
        Parameter::refund_quotient
            | Parameter::memory_word_divisor
            | Parameter::memory_quadratic_divisor
            | Parameter::precompile_blake2f_round
    );
    if is_needed && value == 0 {
        return Err(RulesError::TooLittle { what: parameter.name().into(), value });
    }
    Ok(())
}

/// The one set that is equal to `set`.
fn intern(set: RuleSet) -> Result<Rules, RulesError> {
    static MADE: LazyLock<Mutex<HashSet<&'static RuleSet>>> = LazyLock::new(Mutex::default);

    let mainnet = Rules::of(set.base);
    if *mainnet.0 == set {
        return Ok(mainnet);
    }
    // Nothing panics while it is held.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(&set) {
        return Ok(Rules(known));
    }
    if made.len() == MOST_SETS {
        return Err(RulesError::TooMany);
    }
    let kept: &'static RuleSet = Box::leak(Box::new(set));
    made.insert(kept);
    Ok(Rules(kept))
}

fn numbers() -> String {
    Eip::ALL.iter().map(|eip| format!(" {}", eip.number())).collect()
}

/// Why there are no such rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The fork has it, or it was switched on before.
    #[error("{eip} is on in {base} already")]
    AlreadyOn {
        /// What was to be switched on.
        eip: Eip,
        /// Where it is on.
        base: Fork,
    },
    /// The fork does not have it, or it was switched off before.
    #[error("{eip} is not on in {base}")]
    AlreadyOff {
        /// What was to be switched off.
        eip: Eip,
        /// Where it is not on.
        base: Fork,
    },
    /// An EIP is on without one that it is built on.
    #[error("{eip} ({}) needs {needs} ({})", .eip.title(), .needs.title())]
    Needs {
        /// What is on.
        eip: Eip,
        /// What is not.
        needs: Eip,
    },
    /// A price of an opcode that no EIP of the set defines.
    #[error("{0} has no price: the rules do not define it")]
    Undefined(Opcode),
    /// A price above what an execution can add up.
    #[error("{what} = {value}: at most {limit} is possible")]
    TooMuch {
        /// The opcode or the parameter.
        what: String,
        /// What was asked for.
        value: u64,
        /// The most.
        limit: u64,
    },
    /// A divisor of zero, or a price without which a program could run for ever.
    #[error("{what} = {value}: at least 1 is possible")]
    TooLittle {
        /// The opcode or the parameter.
        what: String,
        /// What was asked for.
        value: u64,
    },
    /// Something of an author's own that there cannot be.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// No name, one of more than 64 bytes, or one with what cannot be printed; its first 64 characters.
    #[error("the name {0:?}: expected 1 to 64 printable characters of ASCII")]
    Name(String),
    /// A name that says something else.
    #[error("the name {0} is a fork's, whose rules these are not")]
    NameOfFork(Fork),
    /// A spelling that begins with no fork.
    #[error(transparent)]
    Fork(#[from] UnknownFork),
    /// A number that is of no EIP that changes an execution; its first 16 characters.
    #[error("no EIP {0:?} that changes an execution, expected one of{known}", known = numbers())]
    Eip(String),
    /// More sets than a program may make.
    #[error("more than {MOST_SETS} sets of rules in one program")]
    TooMany,
}
