//! What is wrong, in the words by which tools know it: those of go-ethereum, behind which our own stand.

use parallax_block_data::{BlockError, TransactionError};
use parallax_primitives::Rejection;

/// Why a transaction is left out.
pub(crate) fn rejection(reason: &TransactionError) -> String {
    let known = match reason {
        TransactionError::Rejected(rejection) => of_rejection(rejection),
        TransactionError::BlobsAboveBlock { .. } => "would exceed maximum allowance",
        TransactionError::Malformed(_) => "could not decode transaction",
        TransactionError::Signature(_) => "invalid transaction v, r, s values",
    };
    format!("{known}: {reason}")
}

fn of_rejection(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::TypeNotSupported(_) => "transaction type not supported",
        Rejection::WrongChainId { .. } => "invalid chain id for signer",
        Rejection::NonceIsMax => "nonce has max value",
        Rejection::NonceTooLow { .. } => "nonce too low",
        Rejection::NonceTooHigh { .. } => "nonce too high",
        Rejection::SenderHasCode => "sender not an eoa",
        Rejection::InsufficientFunds { .. } => "insufficient funds for gas * price + value",
        Rejection::IntrinsicGas { .. } => "intrinsic gas too low",
        Rejection::CalldataFloor { .. } => "insufficient gas for floor data gas cost",
        Rejection::GasAboveBlock { .. } => "gas limit reached",
        Rejection::GasAboveCap { .. } | Rejection::IntrinsicGasAboveCap { .. } => {
            "transaction gas limit too high"
        }
        Rejection::FeeBelowBaseFee { .. } => "max fee per gas less than block base fee",
        Rejection::PriorityAboveFee { .. } => "max priority fee per gas higher than max fee per gas",
        Rejection::InitcodeTooLarge { .. } => "max initcode size exceeded",
        Rejection::NoBlobs => "blob transaction missing blob hashes",
        Rejection::TooManyBlobs { .. } => "blob transaction has too many blobs",
        Rejection::BlobVersion(_) => "has invalid hash version",
        Rejection::BlobCreate => "input string too short for common.Address, decoding into (types.BlobTx).To",
        Rejection::SetCodeCreate => {
            "input string too short for common.Address, decoding into (types.SetCodeTx).To"
        }
        Rejection::BlobFeeBelowBaseFee { .. } => "max fee per blob gas less than block blob gas fee",
        Rejection::NoAuthorizations => "EIP-7702 transaction with empty auth list",
        _ => "transaction rejected",
    }
}

/// Why a block is not valid.
pub(crate) fn block(error: &BlockError) -> String {
    let known = match error {
        BlockError::SystemContractEmpty(_) | BlockError::SystemCallFailed { .. } => {
            "system call failed to execute"
        }
        BlockError::DepositLayout => "failed to parse deposit logs",
        _ => return error.to_string(),
    };
    format!("{known}: {error}")
}
