//! The names that official tests give to what is wrong with a block, and which rule each stands for.
//!
//! Names of what is wrong with a transaction are those of state tests. Where several rules share a name, or several names a rule, either
//! is right: a test names the rule that it breaks, and a block may break more than one.

use std::borrow::Cow;

use parallax_block_data::{BlockError, OmmerError, RootName, TransactionError};
use parallax_primitives::Rejection;
use parallax_state_tests::{ExpectedException, Raised};

use crate::{ExpectedRefusal, Refusal};

/// Whether a refusal is the one that a test expects.
pub(crate) fn matches(expected: &ExpectedRefusal, refusal: &Refusal) -> bool {
    let is_named = expected.names.is_empty() || expected.names.iter().any(|name| stands_for(name, refusal));
    let code = match refusal {
        Refusal::Call { code, .. } => Some(*code),
        _ => None,
    };
    is_named && (expected.code.is_none() || expected.code == code)
}

/// Whether one of the names is of what is wrong with a transaction.
pub(crate) fn is_of_transaction(expected: &ExpectedRefusal) -> bool {
    expected.names.iter().any(|name| {
        name.starts_with("TransactionException.")
            || name.starts_with("TR_")
            || ExpectedException::parse(name).is_ok()
    })
}

/// What the specification's tests call a refusal.
pub(crate) fn official(refusal: &Refusal) -> Cow<'static, str> {
    if let Some(raised) = raised(refusal) {
        return raised.official_name().into();
    }
    if let Refusal::Block(BlockError::Ommer(_, OmmerError::Header(error))) = refusal {
        return official(&Refusal::Block((**error).clone()));
    }
    let class = CLASSES.iter().find(|class| (class.stands_for)(refusal));
    class.map_or("BlockException".into(), |class| format!("BlockException.{}", class.names[0]).into())
}

/// What is wrong with a transaction, in the words of state tests.
fn raised(refusal: &Refusal) -> Option<Raised> {
    let Refusal::Block(BlockError::Transaction { reason, .. }) = refusal else { return None };
    match reason {
        TransactionError::Rejected(rejection) => Some(Raised::Rejected(*rejection)),
        reason @ (TransactionError::Malformed(_) | TransactionError::Signature(_)) => {
            Some(Raised::Malformed(reason.to_string()))
        }
        TransactionError::BlobsAboveBlock { .. } => None,
    }
}

fn stands_for(name: &str, refusal: &Refusal) -> bool {
    let of_transaction = raised(refusal)
        .is_some_and(|raised| ExpectedException::parse(name).is_ok_and(|expected| expected.matches(&raised)));
    // What is wrong with the header of an ommer has the name that it has of any header.
    if let Refusal::Block(BlockError::Ommer(_, OmmerError::Header(error))) = refusal {
        return stands_for(name, &Refusal::Block((**error).clone()));
    }
    let plain = name.strip_prefix("BlockException.").unwrap_or(name);
    let plain = plain.strip_prefix("TransactionException.").unwrap_or(plain);
    of_transaction || CLASSES.iter().any(|class| class.names.contains(&plain) && (class.stands_for)(refusal))
}

/// Names that stand for the same rules; the first is the one of today.
struct Class {
    names: &'static [&'static str],
    stands_for: fn(&Refusal) -> bool,
}

macro_rules! class {
    ($($name:literal),+ => $pattern:pat $(if $guard:expr)?) => {
        Class {
            names: &[$($name),+],
            stands_for: |refusal| match refusal {
                Refusal::Block(error) => matches!(error, $pattern $(if $guard)?),
                _ => false,
            },
        }
    };
    (call $($name:literal),+ => $pattern:pat) => {
        Class { names: &[$($name),+], stands_for: |refusal| matches!(refusal, $pattern) }
    };
}

use BlockError as E;

const CLASSES: &[Class] = &[
    class!("RLP_STRUCTURES_ENCODING", "RLP_INVALID_FIELD_OVERFLOW_64", "INPUT_UNMARSHAL_ERROR",
        "INPUT_UNMARSHAL_SIZE_ERROR", "RLP_ExpectedAsList", "RLP_INPUT_MALFORMED" => E::Rlp(_)),
    class!("RLP_BLOCK_LIMIT_EXCEEDED" => E::SizeAboveLimit { .. }),
    class!("UNKNOWN_PARENT", "UNKNOWN_PARENT_ZERO", "UnknownParent", "UnknownParent2" => E::UnknownParent(_)),
    class!("INVALID_BLOCK_NUMBER", "InvalidNumber" => E::Number { .. }),
    class!("INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT", "InvalidTimestampOlderParent", "InvalidTimestamp"
        => E::Timestamp { .. }),
    class!("EXTRA_DATA_TOO_BIG", "ExtraDataTooBig" => E::ExtraData(_)),
    class!("EXTRA_DATA_INVALID_DAO", "ExtraDataIncorrectDAO" => E::DaoExtraData),
    class!("INVALID_GAS_USED_ABOVE_LIMIT", "GAS_USED_OVERFLOW", "TooMuchGasUsed" => E::GasUsedAboveLimit { .. }),
    class!("INVALID_GASLIMIT", "InvalidGasLimit2" => E::GasLimit { .. }),
    // One that is below its gas used, too: that is seen first.
    class!("INVALID_GAS_USED_ABOVE_LIMIT", "INVALID_GASLIMIT", "InvalidGasLimit2" => E::GasUsedAboveLimit { .. }),
    // A block of London's form before London, whose limit is twice the parent's.
    class!("INCORRECT_BLOCK_FORMAT", "INVALID_GASLIMIT" => E::Field { name: "baseFeePerGas", is_there: true }),
    class!("GASLIMIT_TOO_BIG", "InvalidGasLimit" => E::GasLimitTooBig(_) | E::GasLimit { .. }),
    class!("INVALID_BASEFEE_PER_GAS", "1559BlockImportImpossible_BaseFeeWrong" => E::BaseFee { .. }),
    class!("INVALID_DIFFICULTY", "InvalidDifficulty", "3675PoSBlockRejected", "IMPORT_IMPOSSIBLE_PARIS_WRONG_POS" => E::Difficulty { .. }),
    class!("IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS", "PostParisDifficultyIsNot0", "3675PoWBlockRejected",
        "3675PreParis1559BlockRejected", "IMPORT_IMPOSSIBLE_PARIS_WRONG_POW" => E::DifficultyNotZero(_)),
    class!("IMPORT_IMPOSSIBLE_NONCE_OVER_PARIS" => E::NonceNotZero),
    class!("IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", "PostParisUncleHashIsNotEmpty", "3675PreParis1559BlockRejected" => E::OmmersAfterParis),
    class!("INCORRECT_BLOCK_FORMAT", "RLP_ExpectedAsList", "ShanghaiBlockImportImpossible", "IMPORT_IMPOSSIBLE_SHANGHAI",
        "ParisBlockImportImpossible", "IMPORT_IMPOSSIBLE_PARIS_OVER_SHANGHAI", "LegacyBlockImportImpossible",
        "LegacyBlockImportImpossible2", "IMPORT_IMPOSSIBLE_LEGACY", "IMPORT_IMPOSSIBLE_LEGACY_WRONG_PARENT",
        "IMPORT_IMPOSSIBLE_LONDON_WRONG_PARENT" => E::Field { .. } | E::Rlp(_)),
    class!("INCORRECT_EXCESS_BLOB_GAS" => E::ExcessBlobGas { .. }),
    class!("BLOB_GAS_USED_ABOVE_LIMIT" => E::BlobGasAboveLimit { .. }),
    class!("TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED", "TR_BLOBLIST_OVERSIZE" => E::Transaction {
        reason: TransactionError::BlobsAboveBlock { .. }, ..
    } | E::BlobGasAboveLimit { .. }),
    class!("GAS_ALLOWANCE_EXCEEDED", "BlockGasLimitReached" => E::Transaction {
        reason: TransactionError::Rejected(Rejection::GasAboveBlock { .. }), ..
    }),
    class!("INSUFFICIENT_MAX_FEE_PER_GAS", "TR_FeeCapLessThanBlocksORNoFunds" => E::Transaction {
        reason: TransactionError::Rejected(Rejection::IntrinsicGas { .. }), ..
    }),
    // From Paris on there is one that is right.
    class!("INVALID_UNCLES_HASH", "InvalidUnclesHash", "IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS",
        "PostParisUncleHashIsNotEmpty", "3675PreParis1559BlockRejected" => E::OmmersHash { .. }),
    class!("TOO_MANY_UNCLES", "TooManyUncles" => E::TooManyOmmers(_)),
    class!("UNCLE_IN_CHAIN", "UNCLE_IS_BROTHER", "UncleIsBrother" => E::Ommer(_, OmmerError::Known)),
    class!("UNCLE_IS_ANCESTOR", "UncleIsAncestor", "UNCLE_IN_CHAIN", "UncleInChain"
        => E::Ommer(_, OmmerError::IsAncestor | OmmerError::Known)),
    class!("UNCLE_IS_BROTHER", "UncleIsBrother", "UNCLE_PARENT_INCORRECT", "UncleParentIsNotAncestor"
        => E::Ommer(_, OmmerError::IsBrother)),
    class!("UNCLE_PARENT_INCORRECT", "UNCLE_UNKNOWN_PARENT", "UncleParentIsNotAncestor", "InvalidUncleParentHash",
        "UncleTooOld" => E::Ommer(_, OmmerError::UnknownParent)),
    class!("SYSTEM_CONTRACT_EMPTY" => E::SystemContractEmpty(_)),
    class!("SYSTEM_CONTRACT_CALL_FAILED" => E::SystemCallFailed { .. }),
    class!("INVALID_DEPOSIT_EVENT_LAYOUT" => E::DepositLayout),
    class!("INVALID_GAS_USED", "InvalidGasUsed" => E::GasUsed { .. }),
    class!("INCORRECT_BLOB_GAS_USED" => E::BlobGasUsed { .. }),
    class!("INVALID_LOG_BLOOM", "InvalidLogBloom" => E::LogsBloom),
    class!("INVALID_TRANSACTIONS_ROOT", "InvalidTransactionsRoot" => E::Root { name: RootName::Transactions, .. }),
    class!("INVALID_STATE_ROOT", "InvalidStateRoot" => E::Root { name: RootName::State, .. }),
    class!("INVALID_STATE_ROOT", "InvalidReceiptsStateRoot" => E::Root { name: RootName::State, .. }),
    class!("INVALID_RECEIPTS_ROOT", "InvalidReceiptsStateRoot" => E::Root { name: RootName::Receipts, .. }),
    class!("INVALID_WITHDRAWALS_ROOT", "InvalidWithdrawals" => E::Root { name: RootName::Withdrawals, .. }),
    class!("INVALID_BLOCK_ACCESS_LIST", "INVALID_BAL_HASH"
        => E::AccessList(_) | E::AccessListForm(_) | E::Root { name: RootName::AccessList, .. }),
    class!("BLOCK_ACCESS_LIST_GAS_LIMIT_EXCEEDED" => E::AccessListTooLarge { .. }),
    class!("INVALID_REQUESTS" => E::Root { name: RootName::Requests, .. }),
    class!(call "INVALID_REQUESTS" => Refusal::Call { .. }),
    class!(call "INVALID_BLOCK_HASH" => Refusal::Hash { .. }),
    class!(call "INVALID_VERSIONED_HASHES" => Refusal::VersionedHashes),
];
