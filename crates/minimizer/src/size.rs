//! How large a case is: what a smaller one is smaller in.

use parallax_memory_database::BlockHashes;
use parallax_primitives::{B256, Opcode, U256};

use crate::{Case, listing::instructions};

/// How large a case is. What stands first counts first: a case of an older fork is smaller, then one with less code, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// The fork that the rules are built on, by its number: 0 is the oldest.
    pub fork: u8,
    /// Bytes of code of all accounts, and of init code that the transaction brings.
    pub code: usize,
    /// Accounts before the transaction.
    pub accounts: usize,
    /// Storage slots before it.
    pub slots: usize,
    /// Entries and keys of the access list, authorizations and blobs.
    pub items: usize,
    /// Bytes of calldata.
    pub calldata: usize,
    /// The transaction's type.
    pub kind: u8,
    /// How far numbers and opcodes are from the plainest: zero, one, a power of two; STOP, JUMPDEST.
    pub plainness: u64,
    /// The transaction's gas limit.
    pub gas: u64,
}

impl Case {
    /// How large it is.
    pub fn size(&self) -> Size {
        let (transaction, accounts) = (&self.transaction, &self.pre.accounts);
        let creates = transaction.to.is_none();
        let init = if creates { transaction.input.len() } else { 0 };
        let keys = transaction.access_list.iter().map(|entry| 1 + entry.storage_keys.len());
        Size {
            fork: self.rules.base() as u8,
            code: accounts.values().map(|account| account.code.bytes().len()).sum::<usize>() + init,
            accounts: accounts.len(),
            slots: accounts.values().map(|account| account.storage.len()).sum(),
            items: keys.sum::<usize>() + transaction.authorizations.len() + transaction.blob_hashes.len(),
            calldata: if creates { 0 } else { transaction.input.len() },
            kind: transaction.kind.byte(),
            plainness: plainness(self),
            gas: transaction.gas_limit,
        }
    }
}

fn plainness(case: &Case) -> u64 {
    let (transaction, block) = (&case.transaction, &case.block);
    let mut sum = 0;
    for account in case.pre.accounts.values() {
        sum += of_code(account.code.bytes()) + of_word(account.balance) + of_number(account.nonce);
        sum += account.storage.iter().map(|(key, value)| of_word(*key) + of_word(*value)).sum::<u64>();
    }
    sum += match transaction.to {
        Some(_) => transaction.input.iter().map(|byte| of_number((*byte).into())).sum(),
        None => of_code(&transaction.input),
    };
    let words = [
        transaction.value,
        transaction.max_fee_per_gas,
        transaction.max_priority_fee_per_gas,
        transaction.max_fee_per_blob_gas,
        block.difficulty,
        word(block.prevrandao),
        word(block.coinbase.into_word()),
    ];
    sum += words.into_iter().map(of_word).sum::<u64>();
    let numbers = [
        transaction.nonce,
        case.chain_id,
        block.number,
        block.timestamp,
        block.gas_limit,
        block.base_fee,
        block.excess_blob_gas,
        block.slot_number,
    ];
    sum += numbers.into_iter().map(of_number).sum::<u64>();
    let has_own_blobs = block.blobs != case.rules.blobs();
    let has_hashes = case.pre.block_hashes != BlockHashes::OfNumber;
    let has_own_rules = case.rules.mainnet().is_none();
    sum + [has_own_blobs, has_hashes, has_own_rules].into_iter().map(u64::from).sum::<u64>()
}

fn of_number(number: u64) -> u64 {
    of_word(U256::from(number))
}

/// The plainest first: 0, 1, powers of two and all bits, then by length.
pub(crate) fn of_word(word: U256) -> u64 {
    match word.bit_len() {
        0 => 0,
        1 => 1,
        _ if word.is_power_of_two() || word == U256::MAX => 2,
        length => 2 + length as u64,
    }
}

fn of_code(code: &[u8]) -> u64 {
    let each = instructions(code).map(|instruction| match instruction.opcode {
        Opcode::STOP => 0,
        Opcode::JUMPDEST => 1,
        Opcode::POP => 2,
        opcode if opcode.push_data() > 0 => 2 + of_word(instruction.value()),
        // What pushes and looks at nothing; its number is 0x5f.
        Opcode::PUSH0 => 2,
        _ => 5,
    });
    each.sum()
}

fn word(hash: B256) -> U256 {
    hash.into()
}
