//! The world around a program, out of options: who sends what runs it, in which block and on which chain.

use std::{collections::BTreeSet, fmt::Write as _};

use anyhow::Result;
use clap::Args;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{
    Address, B256, BlockEnv, Bytecode, Bytes, Rules, Transaction, TransactionType, TxEnv, U256, address, hex,
};

use crate::{
    number::{number, wei},
    prestate::PrestateArguments,
};

/// The account that has the code, or that calls for its creation.
const CONTRACT: Address = address!("000000000000000000000000000000000000c0de");
/// The account that sends the message or the transaction.
const CALLER: Address = address!("000000000000000000000000000000000000ca11");

/// Who, where and when.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "World")]
pub(crate) struct WorldArguments {
    /// The account that sends it [default: 0x..ca11]
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    pub(crate) sender: Option<Address>,
    /// The account that has the code; where none is given, its own runs [default: 0x..c0de]
    #[arg(long, visible_alias = "to", value_name = "ADDRESS", value_parser = account)]
    pub(crate) receiver: Option<Address>,
    /// Gas price, in wei. Of a transaction it is paid: the sender has as much
    #[arg(long, value_name = "WEI", value_parser = wei)]
    price: Option<U256>,
    /// CHAINID [default: that of the rules]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    chain_id: Option<u64>,
    /// NUMBER of the block [default: 1]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    number: Option<u64>,
    /// TIMESTAMP of the block, in seconds [default: 1]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    timestamp: Option<u64>,
    /// COINBASE of the block
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    coinbase: Option<Address>,
    /// BASEFEE of the block, in wei [default: 0]
    #[arg(long, value_name = "WEI", value_parser = number::<u64>)]
    base_fee: Option<u64>,
    /// DIFFICULTY of the block, before Paris
    #[arg(long, value_name = "N", value_parser = number::<U256>)]
    difficulty: Option<U256>,
    /// PREVRANDAO of the block, from Paris on
    #[arg(long, value_name = "HASH", value_parser = word)]
    prevrandao: Option<B256>,
    /// GASLIMIT of the block [default: more than any gas]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    block_gas_limit: Option<u64>,
    /// Excess blob gas of the block, of which BLOBBASEFEE is made [default: 0]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    excess_blob_gas: Option<u64>,
    /// SLOTNUM of the block
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    slot_number: Option<u64>,
    /// BLOBHASH of the next index, of a bare message. May be repeated
    #[arg(long, value_name = "HASH", value_parser = word)]
    pub(crate) blob_hash: Vec<B256>,
    #[command(flatten)]
    pub(crate) prestate: PrestateArguments,
}

/// What a program runs in.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) chain_id: u64,
    pub(crate) block: BlockEnv,
    pub(crate) environment: TxEnv,
    pub(crate) sender: Address,
    pub(crate) receiver: Address,
    /// Accounts that the pre-state has.
    pub(crate) given: BTreeSet<Address>,
    pub(crate) database: MemoryDatabase,
}

impl WorldArguments {
    /// The world that they describe, by these rules, in which there is room for so much gas.
    pub(crate) fn world(&self, rules: Rules, gas: u64) -> Result<World> {
        let database = self.prestate.read(None)?.unwrap_or_default().into_state();
        let sender = self.sender.unwrap_or(CALLER);
        let chain_id = self.chain_id.unwrap_or_else(|| rules.chain_id());
        let base_fee = self.base_fee.unwrap_or(0);
        // A price that no block takes is none.
        let gas_price = self.price.unwrap_or(U256::from(base_fee));
        let environment = TxEnv { origin: sender, gas_price, blob_hashes: self.blob_hash.clone(), chain_id };
        // For no more than that, unless more is asked for: EVMC cannot say what is above 2^63.
        let room = gas.max(i64::MAX.unsigned_abs());
        let block = BlockEnv {
            number: self.number.unwrap_or(1),
            timestamp: self.timestamp.unwrap_or(1),
            gas_limit: self.block_gas_limit.unwrap_or(room),
            coinbase: self.coinbase.unwrap_or_default(),
            difficulty: self.difficulty.unwrap_or_default(),
            prevrandao: self.prevrandao.unwrap_or_default(),
            base_fee,
            excess_blob_gas: self.excess_blob_gas.unwrap_or(0),
            blobs: rules.blobs(),
            slot_number: self.slot_number.unwrap_or(0),
        };
        let receiver = self.receiver.unwrap_or(CONTRACT);
        let given = database.accounts.keys().copied().collect();
        Ok(World { rules, chain_id, block, environment, sender, receiver, given, database })
    }

    /// The options again, as a command has them.
    pub(crate) fn again(&self) -> String {
        let account = |account: Option<Address>| account.map(|account| format!("{account:#x}"));
        let decimal = |number: Option<u64>| number.map(|number| number.to_string());
        let word = |word: Option<B256>| word.map(|word| word.to_string());
        let amount = |amount: Option<U256>| amount.map(|amount| amount.to_string());
        let options = [
            ("sender", account(self.sender)),
            ("receiver", account(self.receiver)),
            ("price", amount(self.price)),
            ("chain-id", decimal(self.chain_id)),
            ("number", decimal(self.number)),
            ("timestamp", decimal(self.timestamp)),
            ("coinbase", account(self.coinbase)),
            ("base-fee", decimal(self.base_fee)),
            ("difficulty", amount(self.difficulty)),
            ("prevrandao", word(self.prevrandao)),
            ("block-gas-limit", decimal(self.block_gas_limit)),
            ("excess-blob-gas", decimal(self.excess_blob_gas)),
            ("slot-number", decimal(self.slot_number)),
        ];
        let mut text = String::new();
        // Writing to a string does not fail.
        for (option, value) in options {
            if let Some(value) = value {
                let _ = write!(text, " --{option} {value}");
            }
        }
        for hash in &self.blob_hash {
            let _ = write!(text, " --blob-hash {hash}");
        }
        text + &self.prestate.again()
    }
}

impl World {
    /// Puts the code in place of the receiver's, if there is any.
    pub(crate) fn place(&mut self, code: Option<Bytes>) {
        let is_there = self.database.accounts.contains_key(&self.receiver);
        if let Some(code) = code.filter(|code| is_there || !code.is_empty()) {
            self.database.accounts.entry(self.receiver).or_default().code = Bytecode::new(code);
        }
    }

    /// The sender has at least so much.
    pub(crate) fn fund(&mut self, amount: U256) {
        if !amount.is_zero() {
            let sender = self.database.accounts.entry(self.sender).or_default();
            sender.balance = sender.balance.max(amount);
        }
    }

    /// A transaction of the sender to the receiver, or a creation, that can be paid for.
    pub(crate) fn transaction(
        &mut self,
        creates: bool,
        input: Bytes,
        (gas_limit, value): (u64, U256),
    ) -> Transaction {
        let price = self.environment.gas_price;
        let cost = price.checked_mul(U256::from(gas_limit)).and_then(|cost| cost.checked_add(value));
        self.fund(cost.unwrap_or(U256::MAX));
        Transaction {
            kind: TransactionType::Legacy,
            sender: self.sender,
            to: (!creates).then_some(self.receiver),
            nonce: self.database.accounts.get(&self.sender).map_or(0, |sender| sender.nonce),
            gas_limit,
            max_fee_per_gas: price,
            max_priority_fee_per_gas: price,
            value,
            input,
            ..Transaction::default()
        }
    }
}

/// Reads an address.
fn account(text: &str) -> Result<Address, String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| Address::try_from(bytes.as_slice()).ok());
    bytes.ok_or_else(|| "expected an address: 20 bytes in hexadecimal".to_owned())
}

/// Reads a hash.
fn word(text: &str) -> Result<B256, String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| B256::try_from(bytes.as_slice()).ok());
    bytes.ok_or_else(|| "expected a hash: 32 bytes in hexadecimal".to_owned())
}
