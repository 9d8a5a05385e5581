//! revm's reasons to refuse a transaction as Parallax's, with the data that revm leaves out.

use parallax_engine_interface::{EngineError, Job};
use parallax_host_interface::HostError;
use parallax_primitives::{GasSchedule, Rejection, Transaction, TransactionType, U256};
use revm::context_interface::result::InvalidTransaction;

/// revm's reason to refuse a transaction in Parallax's words, with the data that revm leaves out. One that mainnet does not have is an
/// error of the world.
pub fn rejection(reason: &InvalidTransaction, job: &Job<'_>, tx: &Transaction) -> EngineError {
    match *reason {
        InvalidTransaction::Eip2930NotSupported => Rejection::TypeNotSupported(1),
        InvalidTransaction::Eip1559NotSupported => Rejection::TypeNotSupported(2),
        InvalidTransaction::Eip4844NotSupported => Rejection::TypeNotSupported(3),
        InvalidTransaction::Eip7702NotSupported => Rejection::TypeNotSupported(4),
        InvalidTransaction::InvalidChainId => {
            Rejection::WrongChainId { transaction: tx.chain_id.unwrap_or(job.chain_id), chain: job.chain_id }
        }
        InvalidTransaction::NonceOverflowInTransaction => Rejection::NonceIsMax,
        InvalidTransaction::NonceTooLow { tx, state } => {
            Rejection::NonceTooLow { transaction: tx, sender: state }
        }
        InvalidTransaction::NonceTooHigh { tx, state } => {
            Rejection::NonceTooHigh { transaction: tx, sender: state }
        }
        InvalidTransaction::RejectCallerWithCode => Rejection::SenderHasCode,
        InvalidTransaction::LackOfFundForMaxFee { ref balance, .. } => {
            // revm's own sum may have been made of saturated fees.
            Rejection::InsufficientFunds { balance: **balance, needed: most_spent(tx) }
        }
        InvalidTransaction::OverflowPaymentInTransaction => return overflow(job, tx),
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            Rejection::IntrinsicGas { limit: gas_limit, intrinsic: initial_gas }
        }
        // One name for two rules: what cannot be paid within the cap is more than the cap, not than the limit (EIP-8037).
        InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } if gas_limit < tx.gas_limit => {
            Rejection::IntrinsicGasAboveCap { needed: gas_floor, cap: gas_limit }
        }
        InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            Rejection::CalldataFloor { limit: gas_limit, floor: gas_floor }
        }
        InvalidTransaction::CallerGasLimitMoreThanBlock => {
            Rejection::GasAboveBlock { transaction: tx.gas_limit, block: job.block.gas_limit }
        }
        InvalidTransaction::TxGasLimitGreaterThanCap { gas_limit, cap } => {
            Rejection::GasAboveCap { limit: gas_limit, cap }
        }
        InvalidTransaction::GasPriceLessThanBasefee => {
            Rejection::FeeBelowBaseFee { max_fee: tx.max_fee_per_gas, base_fee: job.block.base_fee }
        }
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => {
            Rejection::PriorityAboveFee { priority: tx.max_priority_fee_per_gas, max_fee: tx.max_fee_per_gas }
        }
        InvalidTransaction::CreateInitCodeSizeLimit => {
            Rejection::InitcodeTooLarge { size: tx.input.len(), limit: job.rules.gas().max_initcode_size }
        }
        InvalidTransaction::EmptyBlobs => Rejection::NoBlobs,
        InvalidTransaction::BlobCreateTransaction => Rejection::BlobCreate,
        InvalidTransaction::TooManyBlobs { have, .. } => {
            let of_block = usize::try_from(job.block.blobs.max).unwrap_or(usize::MAX);
            let limit = if have > of_block { of_block } else { job.rules.gas().tx_max_blobs };
            Rejection::TooManyBlobs { count: have, limit }
        }
        InvalidTransaction::BlobVersionNotSupported => Rejection::BlobVersion(
            tx.blob_hashes.iter().position(|hash| hash[0] != BLOB_VERSION).unwrap_or_default(),
        ),
        InvalidTransaction::BlobGasPriceGreaterThanMax { block_blob_gas_price, .. } => {
            Rejection::BlobFeeBelowBaseFee {
                max_fee: tx.max_fee_per_blob_gas,
                base_fee: U256::from(block_blob_gas_price),
            }
        }
        InvalidTransaction::EmptyAuthorizationList => Rejection::NoAuthorizations,
        ref other => {
            return HostError::new(format!("revm rejects for a reason mainnet does not have: {other}"))
                .into();
        }
    }
    .into()
}

/// `VERSIONED_HASH_VERSION_KZG` (EIP-4844).
const BLOB_VERSION: u8 = 1;

/// revm multiplies gas and price in 128 bits; whether the sender could pay was not looked at.
fn overflow(job: &Job<'_>, tx: &Transaction) -> EngineError {
    let needed = most_spent(tx);
    let balance = match job.database.account(tx.sender) {
        Ok(account) => account.map_or(U256::ZERO, |account| account.balance),
        Err(error) => return error.into(),
    };
    if balance < needed {
        return Rejection::InsufficientFunds { balance, needed }.into();
    }
    HostError::new("revm counts fees in 128 bits; this transaction's need more, and its sender can pay them")
        .into()
}

/// The most the transaction may cost in wei: gas, value and blobs; saturated.
fn most_spent(tx: &Transaction) -> U256 {
    let mut needed = U256::from(tx.gas_limit).saturating_mul(tx.max_fee_per_gas).saturating_add(tx.value);
    if tx.kind == TransactionType::Blob {
        let blob_gas = U256::from(tx.blob_hashes.len()) * U256::from(GasSchedule::GAS_PER_BLOB);
        needed = needed.saturating_add(blob_gas.saturating_mul(tx.max_fee_per_blob_gas));
    }
    needed
}
