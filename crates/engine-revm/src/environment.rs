//! Block, configuration and transaction as revm takes them. No check of revm's is turned off.

use parallax_engine_interface::{EngineError, Job};
use parallax_host_interface::HostError;
use parallax_primitives::{
    BlockEnv as JobBlock, Eip, Fork, GasSchedule, Rejection, Rules, Transaction, TransactionType, U256,
};
use revm::{
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        either::Either,
        transaction::{
            AccessList, AccessListItem, Authorization, RecoveredAuthority, RecoveredAuthorization,
        },
    },
    primitives::{TxKind, hardfork::SpecId},
};

const NO_RULES_OF_OTHERS: &str = "revm knows mainnet's forks, and no rules of others";

/// revm's name for a fork. The blob-parameter-only forks are Osaka with the block's own blob parameters.
pub(crate) fn spec_id(rules: Rules) -> Result<SpecId, HostError> {
    let fork = rules.mainnet().ok_or_else(|| HostError::new(NO_RULES_OF_OTHERS))?;
    Ok(match fork {
        Fork::Frontier => SpecId::FRONTIER,
        Fork::Homestead => SpecId::HOMESTEAD,
        Fork::TangerineWhistle => SpecId::TANGERINE,
        Fork::SpuriousDragon => SpecId::SPURIOUS_DRAGON,
        Fork::Byzantium => SpecId::BYZANTIUM,
        Fork::Constantinople => {
            return Err(HostError::new(
                "revm has no Constantinople (EIP-1283): its rules go from Byzantium to Petersburg",
            ));
        }
        Fork::Petersburg => SpecId::PETERSBURG,
        Fork::Istanbul => SpecId::ISTANBUL,
        Fork::Berlin => SpecId::BERLIN,
        Fork::London => SpecId::LONDON,
        Fork::Paris => SpecId::MERGE,
        Fork::Shanghai => SpecId::SHANGHAI,
        Fork::Cancun => SpecId::CANCUN,
        Fork::Prague => SpecId::PRAGUE,
        Fork::Osaka | Fork::Bpo1 | Fork::Bpo2 | Fork::Bpo3 | Fork::Bpo4 | Fork::Bpo5 => SpecId::OSAKA,
        Fork::Amsterdam => SpecId::AMSTERDAM,
    })
}

/// Rules, chain and limits.
pub(crate) fn configuration(job: &Job<'_>, spec: SpecId) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(spec).with_chain_id(job.chain_id);
    if job.rules.has(Eip::Blobs4844) {
        let of_transaction = u64::try_from(job.rules.gas().tx_max_blobs).unwrap_or(u64::MAX);
        cfg.max_blobs_per_tx = Some(job.block.blobs.max.min(of_transaction));
        cfg.blob_base_fee_update_fraction = Some(job.block.blobs.update_fraction);
    }
    cfg
}

/// The block around the transaction.
pub(crate) fn block(job: &Job<'_>) -> BlockEnv {
    let block = job.block;
    BlockEnv {
        number: U256::from(block.number),
        beneficiary: block.coinbase,
        timestamp: U256::from(block.timestamp),
        gas_limit: block.gas_limit,
        basefee: if job.rules.has(Eip::DynamicFee1559) { block.base_fee } else { 0 },
        difficulty: block.difficulty,
        prevrandao: job.rules.has(Eip::PrevRandao4399).then_some(block.prevrandao),
        // The price is revm's own.
        blob_excess_gas_and_price: job
            .rules
            .has(Eip::Blobs4844)
            .then(|| BlobExcessGasAndPrice::new(block.excess_blob_gas, block.blobs.update_fraction)),
        slot_num: job.block.slot_number,
    }
}

/// Why revm does not know `rules`, or a number of `block` from Cancun on, if it does not: its numbers have 128 bits,
/// and where the price of a blob gas needs more, its price would be wrong, its cost of all blobs cut off.
pub(crate) fn unsupported(rules: Rules, block: &JobBlock) -> Option<String> {
    let (excess, blobs) = (block.excess_blob_gas, block.blobs);
    let Some(fork) = rules.mainnet() else { return Some(NO_RULES_OF_OTHERS.into()) };
    if fork == Fork::Constantinople {
        return Some("revm has no Constantinople before Petersburg (EIP-1283)".into());
    }
    let fits = price_fits(excess.into(), blobs.update_fraction.into(), blobs.max).is_some();
    let is_beyond = rules.has(Eip::Blobs4844) && !fits;
    is_beyond
        .then(|| "revm works out the price of a blob gas in 128 bits, and this block's takes more".into())
}

/// revm's sums for the price, then the cost of a block's blobs; `None` where one needs more than 128 bits.
fn price_fits(excess: u128, fraction: u128, max_blobs: u64) -> Option<u128> {
    let (mut sum, mut term, mut i) = (0u128, fraction, 1u128);
    while term > 0 {
        sum = sum.checked_add(term)?;
        term = term.checked_mul(excess)? / fraction.checked_mul(i)?;
        i += 1;
    }
    let blob_gas = u128::from(GasSchedule::GAS_PER_BLOB) * u128::from(max_blobs);
    sum.checked_div(fraction)?.checked_mul(blob_gas)
}

/// The transaction.
///
/// # Errors
///
/// Rejects what revm's `TxEnv` cannot say: a transaction with blobs or authorizations that has no target.
pub(crate) fn transaction(job: &Job<'_>, tx: &Transaction) -> Result<TxEnv, EngineError> {
    if tx.to.is_none() {
        match tx.kind {
            TransactionType::Blob if job.rules.has(Eip::Blobs4844) => {
                return Err(Rejection::BlobCreate.into());
            }
            TransactionType::SetCode if job.rules.has(Eip::SetCode7702) => {
                return Err(Rejection::SetCodeCreate.into());
            }
            _ => {}
        }
    }
    let has_priority_fee = tx.kind >= TransactionType::DynamicFee;
    let (gas_price, priority_fee) = fees_in_128_bits(tx);
    Ok(TxEnv {
        tx_type: tx.kind.byte(),
        caller: tx.sender,
        gas_limit: tx.gas_limit,
        gas_price,
        kind: tx.to.map_or(TxKind::Create, TxKind::Call),
        value: tx.value,
        data: tx.input.clone(),
        nonce: tx.nonce,
        // revm refuses a typed transaction that names no chain; a Parallax job may leave it out.
        chain_id: tx.chain_id.or(Some(job.chain_id)),
        access_list: access_list(tx),
        gas_priority_fee: has_priority_fee.then_some(priority_fee),
        blob_hashes: tx.blob_hashes.clone(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas.saturating_to(),
        authorization_list: authorizations(tx),
    })
}

/// Whether a fee is beyond what revm counts in: then an answer other than a rejection is not to be trusted.
pub(crate) fn fees_are_beyond_revm(tx: &Transaction) -> bool {
    [tx.max_fee_per_gas, tx.max_priority_fee_per_gas, tx.max_fee_per_blob_gas]
        .into_iter()
        .any(|fee| fee > U256::from(u128::MAX))
}

/// Fee and priority fee in 128 bits, saturated so that the order between the two stays as it is.
fn fees_in_128_bits(tx: &Transaction) -> (u128, u128) {
    let most = u128::MAX - u128::from(tx.max_priority_fee_per_gas > tx.max_fee_per_gas);
    let fee = tx.max_fee_per_gas.saturating_to::<u128>().min(most);
    (fee, tx.max_priority_fee_per_gas.saturating_to())
}

fn access_list(tx: &Transaction) -> AccessList {
    AccessList(
        tx.access_list
            .iter()
            .map(|entry| AccessListItem { address: entry.address, storage_keys: entry.storage_keys.clone() })
            .collect(),
    )
}

fn authorizations<T>(tx: &Transaction) -> Vec<Either<T, RecoveredAuthorization>> {
    tx.authorizations
        .iter()
        .map(|authorization| {
            let inner = Authorization {
                chain_id: authorization.chain_id,
                address: authorization.address,
                nonce: authorization.nonce,
            };
            let authority =
                authorization.authority.map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
            Either::Right(RecoveredAuthorization::new_unchecked(inner, authority))
        })
        .collect()
}
