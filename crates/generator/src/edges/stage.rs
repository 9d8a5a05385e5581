//! What an edge case is made on: its accounts come to be as something names them.

use std::collections::BTreeMap;

use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Eip, Fork, Opcode, PrecompileId, Rules, Transaction, U256,
};

use super::{contracts, words::far};
use crate::{
    random::Random,
    transactions::addresses::{CONTRACTS, FRESH, NOBODY, SENDER, SIGNERS},
    writer::Writer,
};

/// The contract that runs the opcode.
pub(super) const SUBJECT: Address = CONTRACTS[0];
/// The contract that calls it.
pub(super) const OUTER: Address = CONTRACTS[1];
/// A contract that others call.
const ANSWERING: Address = CONTRACTS[2];
/// Has code that begins with 0xef.
const STRANGE: Address = CONTRACTS[3];
/// Has storage and nothing else.
const STORAGE_ALONE: Address = CONTRACTS[4];
/// Has a nonce and nothing else.
const NONCE_ALONE: Address = CONTRACTS[5];
/// Delegates to something.
const DELEGATING: Address = SIGNERS[0];
/// Delegates as well.
const DELEGATING_TOO: Address = SIGNERS[1];
/// Is there, with nothing at all, where the rules have such accounts; else it is absent.
const EMPTY: Address = FRESH[0];
/// Has a balance and nothing else.
const BALANCE_ALONE: Address = FRESH[1];
/// Gas that is enough to create the longest code.
pub(super) const RICH: u64 = 7_000_000;
/// Stores to the slots that a key is drawn from.
pub(super) const KEYS: u64 = 4;

/// A block, a transaction and the state before it.
pub(crate) struct Edge {
    pub(crate) block: BlockEnv,
    pub(crate) transaction: Transaction,
    pub(crate) database: MemoryDatabase,
}

pub(super) struct Stage {
    pub(super) random: Random,
    pub(super) rules: Rules,
    pub(super) database: MemoryDatabase,
    /// Who gets the fees.
    pub(super) coinbase: Address,
    /// Accounts that were named so far: what is looked at behind the opcode.
    pub(super) named: Vec<Address>,
    /// Slots that were named so far.
    pub(super) keys: Vec<U256>,
    /// Whether there is to be gas for the longest code that may be created.
    pub(super) is_rich: bool,
}

pub(super) fn is_defined(rules: Rules, opcode: Opcode) -> bool {
    rules.opcodes()[usize::from(opcode.0)].is_defined()
}

impl Stage {
    pub(super) fn new(mut random: Random, rules: Rules) -> Self {
        let mut named = Vec::with_capacity(4);
        let coinbase = if random.once_in(3) {
            random.pick(&[SENDER, SUBJECT, BALANCE_ALONE, Address::ZERO, NONCE_ALONE])
        } else {
            Address::repeat_byte(0xcb)
        };
        named.push(coinbase);
        Self {
            random,
            rules,
            database: MemoryDatabase::default(),
            coinbase,
            named,
            keys: Vec::new(),
            is_rich: false,
        }
    }

    /// Code under the rules.
    pub(super) fn writer(&mut self) -> Writer {
        Writer::new(Random::new(self.random.bits()), self.rules)
    }

    /// A contract with this code, a balance, and slots that are not zero. Its nonce is the last one now and then (EIP-2681).
    pub(super) fn contract(&mut self, address: Address, code: Vec<u8>) {
        let random = &mut self.random;
        let storage: BTreeMap<_, _> = (0..KEYS).map(|key| (U256::from(key), U256::from(key % 3))).collect();
        let account = Account {
            nonce: if random.once_in(16) { u64::MAX - random.pick(&[0, 0, 1]) } else { 1 },
            balance: U256::from(random.pick(&[0, 1, 1000])),
            code: Bytecode::new(code.into()),
            storage: storage.into_iter().filter(|(_, value)| !value.is_zero()).collect(),
        };
        self.add(address, account);
    }

    pub(super) fn add(&mut self, address: Address, account: Account) {
        self.database.accounts.insert(address, account);
    }

    /// An account of any kind. It is there from now on, if it is one that is there.
    pub(super) fn address(&mut self) -> Address {
        let address = match self.random.below(16) {
            0 => SUBJECT,
            1 => OUTER,
            2 | 3 => self.answering(),
            4 | 5 => self.delegating(),
            6 | 7 => self.empty(),
            8 => self.with(BALANCE_ALONE, Account { balance: U256::from(1), ..Account::default() }),
            9 => self.with(NONCE_ALONE, Account { nonce: 1, ..Account::default() }),
            10 => {
                let storage = [(U256::from(1), U256::from(1))].into();
                self.with(STORAGE_ALONE, Account { storage, ..Account::default() })
            }
            11 => self.strange(),
            12 => NOBODY,
            13 => self.random.pick(&[SENDER, self.coinbase]),
            14 if !self.named.is_empty() => self.random.pick(&self.named),
            _ => self.precompile().address(),
        };
        if !self.named.contains(&address) {
            self.named.push(address);
        }
        address
    }

    /// The word of an address. What is above its bytes means nothing.
    pub(super) fn address_word(&mut self) -> U256 {
        let word = U256::from_be_slice(self.address().as_slice());
        if self.random.once_in(12) { word | U256::from(1 + self.random.below(3)) << 160 } else { word }
    }

    /// A precompiled contract of any rules: 0x03 more often than others, as its touch outlives a frame (EIP-161).
    pub(super) fn precompile(&mut self) -> PrecompileId {
        if self.random.once_in(5) {
            return PrecompileId::Ripemd160;
        }
        self.random.pick(PrecompileId::ALL)
    }

    fn with(&mut self, address: Address, account: Account) -> Address {
        if !self.database.accounts.contains_key(&address) {
            self.add(address, account);
        }
        address
    }

    /// A contract that answers, or fails to.
    pub(super) fn answering(&mut self) -> Address {
        if !self.database.accounts.contains_key(&ANSWERING) {
            let code = contracts::answering(&mut self.random, self.rules);
            self.contract(ANSWERING, code);
        }
        ANSWERING
    }

    /// An account without anything, which there is before Paris alone (EIP-7523); 0x03 among them.
    fn empty(&mut self) -> Address {
        if self.rules.base() >= Fork::Paris || self.rules.has(Eip::SetCode7702) {
            return EMPTY;
        }
        let address = self.random.pick(&[EMPTY, EMPTY, PrecompileId::Ripemd160.address()]);
        self.with(address, Account::default())
    }

    /// Code that begins with 0xef, and is no delegation: as it was before EIP-3541 refused it.
    fn strange(&mut self) -> Address {
        let mut code = vec![0xef, 0x01];
        code.resize(self.random.pick(&[1, 2, 3, 22, 24]), 0);
        self.with(STRANGE, Account { nonce: 1, code: Bytecode::new(code.into()), ..Account::default() })
    }

    /// An account that delegates (EIP-7702), if the rules know that: to a contract, to one without code, to one that is empty, to a
    /// precompiled contract, to itself or to another one that does.
    pub(super) fn delegating(&mut self) -> Address {
        let (from, other) = match self.random.below(4) {
            0 => (DELEGATING_TOO, DELEGATING),
            _ => (DELEGATING, DELEGATING_TOO),
        };
        if self.database.accounts.contains_key(&from) {
            return from;
        }
        let to = match self.random.below(8) {
            0..=2 => self.answering(),
            3 => NOBODY,
            4 => self.empty(),
            5 => self.precompile().address(),
            6 => other,
            _ => self.with(BALANCE_ALONE, Account { balance: U256::from(1), ..Account::default() }),
        };
        let code = if self.rules.has(Eip::SetCode7702) { designator(to) } else { Vec::new() };
        let balance = U256::from(self.random.pick(&[0, 0, 1000]));
        self.with(from, Account { nonce: 1, balance, code: Bytecode::new(code.into()), ..Account::default() })
    }

    /// A slot: one of a few, or one whose number is cut off somewhere.
    pub(super) fn key(&mut self) -> U256 {
        let key = match self.random.below(12) {
            0 => far(&mut self.random),
            _ => U256::from(self.random.below(6)),
        };
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        key
    }
}

fn designator(to: Address) -> Vec<u8> {
    let mut code = vec![0xef, 0x01, 0x00];
    code.extend(to);
    code
}
