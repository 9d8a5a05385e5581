//! The parts of a test that all its cases share: its block, its chain, its accounts.

use std::collections::BTreeMap;

use parallax_memory_database::{Account, BlockHashes, MemoryDatabase};
use parallax_primitives::{
    Address, B256, BlobSchedule, BlockEnv, Bytecode, Eip, GasSchedule, Rules, U256, keccak256,
};

use serde_json::{Value, json};

use crate::{FixtureError, Problem, node::Node};

/// What a block without `currentBaseFee` has from London on: the fillers' own default.
const DEFAULT_BASE_FEE: u64 = 10;

/// Whether what a test need not say under its own rules may be missing, and is zero then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrZero {
    Yes,
    No,
}

/// The block of a test under `rules`; `test` is the test's root.
pub(crate) fn block(test: &Node<'_>, rules: Rules, or_zero: OrZero) -> Result<BlockEnv, FixtureError> {
    let may_lack = or_zero == OrZero::Yes;
    let env = test.get("env");
    env.object()?;
    let blobs = blob_schedule(test, rules)?;
    let or_zero = |key| if env.get(key).is_null() { Ok(0) } else { env.get(key).u64() };
    let word = |key| if may_lack && env.get(key).is_null() { Ok(U256::ZERO) } else { env.get(key).u256() };
    let paris = rules.has(Eip::PrevRandao4399);
    let base_fee = env.get("currentBaseFee");
    Ok(BlockEnv {
        number: env.get("currentNumber").u64()?,
        timestamp: env.get("currentTimestamp").u64()?,
        gas_limit: env.get("currentGasLimit").u64()?,
        coinbase: env.get("currentCoinbase").address()?,
        difficulty: if paris { U256::ZERO } else { word("currentDifficulty")? },
        prevrandao: if paris { B256::from(word("currentRandom")?) } else { B256::ZERO },
        base_fee: match (rules.has(Eip::DynamicFee1559), base_fee.is_null()) {
            (false, _) => 0,
            (true, true) => DEFAULT_BASE_FEE,
            (true, false) => base_fee.u64()?,
        },
        excess_blob_gas: match (rules.has(Eip::Blobs4844), env.get("currentExcessBlobGas").is_null()) {
            (false, _) => 0,
            (true, false) => env.get("currentExcessBlobGas").u64()?,
            // Older tests leave it to be worked out (EIP-4844).
            (true, true) => {
                let (excess, used) = (or_zero("parentExcessBlobGas")?, or_zero("parentBlobGasUsed")?);
                let target = blobs.target.saturating_mul(GasSchedule::GAS_PER_BLOB);
                excess.saturating_add(used).saturating_sub(target)
            }
        },
        blobs,
        slot_number: or_zero("slotNumber")?,
    })
}

/// What a test says of its block, with what `rules` look at and it does not say as in `block`.
pub(crate) fn completed(env: Option<&Value>, rules: Rules, block: &BlockEnv) -> Value {
    let mut env = env.cloned().unwrap_or_default();
    let paris = rules.has(Eip::PrevRandao4399);
    let fields = [
        (!paris, "currentDifficulty", json!(format!("{:#x}", block.difficulty))),
        (paris, "currentRandom", json!(block.prevrandao.to_string())),
        (rules.has(Eip::DynamicFee1559), "currentBaseFee", json!(format!("{:#x}", block.base_fee))),
        (rules.has(Eip::Blobs4844), "currentExcessBlobGas", json!(format!("{:#x}", block.excess_blob_gas))),
    ];
    if let Some(env) = env.as_object_mut() {
        for (_, key, value) in fields.into_iter().filter(|(is_there, ..)| *is_there) {
            env.entry(key).or_insert(value);
        }
    }
    env
}

fn blob_schedule(test: &Node<'_>, rules: Rules) -> Result<BlobSchedule, FixtureError> {
    let config = test.get("config");
    let schedules = config.get("blobSchedule");
    if schedules.is_null() {
        return Ok(rules.blobs());
    }
    for name in schedules.object()?.keys() {
        if name.parse() == Ok(rules) {
            let schedule = schedules.get(name);
            return Ok(BlobSchedule {
                target: schedule.get("target").u64()?,
                max: schedule.get("max").u64()?,
                update_fraction: schedule.get("baseFeeUpdateFraction").u64()?,
            });
        }
    }
    Ok(rules.blobs())
}

/// The chain of a test: 1 where it does not say.
pub fn chain_id(test: &Node<'_>) -> Result<u64, FixtureError> {
    let config = test.get("config");
    let node = config.get("chainid");
    if node.is_null() { Ok(1) } else { node.u64() }
}

/// Whether the test was filled by testeth or retesteth, which sealed a block around the transaction with a reward of zero.
pub(crate) fn has_zero_reward(test: &Node<'_>) -> bool {
    let info = test.get("_info");
    ["filledwith", "filling-rpc-server"].iter().any(|key| !info.get(key).is_null())
}

/// The accounts in `node`: the state before a test, or what a file says of the state after it. What an account does not say is zero or
/// empty.
pub fn accounts(node: &Node<'_>) -> Result<MemoryDatabase, FixtureError> {
    let mut world = accounts_with_zeros(node)?;
    for account in world.accounts.values_mut() {
        // A slot that is zero is no slot.
        account.storage.retain(|_, value| !value.is_zero());
    }
    Ok(world)
}

/// As [`accounts`], with the slots that are said to be zero: they tell what a file knows of, and what it does not.
pub fn accounts_with_zeros(node: &Node<'_>) -> Result<MemoryDatabase, FixtureError> {
    let mut accounts = BTreeMap::new();
    for key in node.object()?.keys() {
        let account = node.get(key);
        let address: Address =
            key.parse().map_err(|_| account.unexpected("an address as the key", format!("{key:?}")))?;
        account.object()?;
        let (nonce, balance, code) = (account.get("nonce"), account.get("balance"), account.get("code"));
        let read = Account {
            nonce: if nonce.is_null() { 0 } else { nonce.u64()? },
            balance: if balance.is_null() { U256::ZERO } else { balance.u256()? },
            code: if code.is_null() { Bytecode::default() } else { Bytecode::new(code.bytes()?) },
            storage: storage(&account.get("storage"))?,
        };
        if accounts.insert(address, read).is_some() {
            return Err(account.error(Problem::Duplicate(format!("account {address}"))));
        }
    }
    Ok(MemoryDatabase { accounts: accounts.into(), ..MemoryDatabase::default() })
}

/// The slots in `node`, those that are zero as well; none if there is nothing.
pub fn storage(node: &Node<'_>) -> Result<BTreeMap<U256, U256>, FixtureError> {
    let mut storage = BTreeMap::new();
    if node.is_null() {
        return Ok(storage);
    }
    for key in node.object()?.keys() {
        let slot = node.get(key);
        let index = word(key)
            .ok_or_else(|| slot.unexpected("an integer below 2^256 as the key", format!("{key:?}")))?;
        if storage.insert(index, slot.u256()?).is_some() {
            return Err(slot.error(Problem::Duplicate(format!("slot {index:#x}"))));
        }
    }
    Ok(storage)
}

fn word(text: &str) -> Option<U256> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let plain = digits.chars().all(|c| c.is_ascii_hexdigit());
    plain.then(|| U256::from_str_radix(digits, 16).ok()).flatten()
}

/// Where BLOCKHASH answers from. State tests have no chain: their convention is the Keccak-256 of the number in decimal, but
/// for the block before `number` where the file gives `previousHash`.
pub(crate) fn block_hashes(test: &Node<'_>, number: u64) -> Result<BlockHashes, FixtureError> {
    let env = test.get("env");
    let previous = env.get("previousHash");
    if previous.is_null() {
        return Ok(BlockHashes::OfNumber);
    }
    let older = number.saturating_sub(256)..number;
    let mut hashes: BTreeMap<_, _> = older.map(|block| (block, keccak256(block.to_string()))).collect();
    if let Some(parent) = number.checked_sub(1) {
        hashes.insert(parent, previous.b256()?);
    }
    Ok(BlockHashes::Known(hashes))
}
