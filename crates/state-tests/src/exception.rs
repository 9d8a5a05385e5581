//! The names that official tests give to rejections, and which [`Rejection`] each stands for. Every name of the
//! specification tests' `TransactionException` is in the table; a name that is not is an error in the open.

use std::fmt;

use parallax_primitives::{Rejection, U256};

/// What an official test expects to be raised: one of a few alternatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedException {
    text: String,
    alternatives: Vec<&'static Class>,
    /// One of the names is not known: any rejection may be meant.
    has_unknown: bool,
}

/// Why a case's transaction was not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The engine refused it.
    Rejected(Rejection),
    /// It is no transaction: its bytes do not decode, or a field is beyond what the protocol can hold. No engine saw it.
    Malformed(String),
}

impl ExpectedException {
    /// Parses names separated by `|`; the error is the first that is not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let alternatives = text
            .split('|')
            .map(|name| {
                let name = name.trim();
                let plain = name.strip_prefix("TransactionException.").unwrap_or(name);
                let class = CLASSES.iter().find(|class| class.names.contains(&plain));
                class.ok_or_else(|| name.to_owned())
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), alternatives, has_unknown: false })
    }

    /// As [`ExpectedException::parse`], where a name that is not known stands for any rejection.
    pub(crate) fn of_any_name(text: &str) -> Self {
        let unknown = |_| Self { text: text.to_owned(), alternatives: Vec::new(), has_unknown: true };
        Self::parse(text).unwrap_or_else(unknown)
    }

    /// Whether the reason of a rejection can be checked: every name is known.
    pub fn is_known(&self) -> bool {
        !self.has_unknown
    }

    /// Whether `raised` is one of the alternatives.
    pub fn matches(&self, raised: &Raised) -> bool {
        self.has_unknown || self.alternatives.iter().any(|class| (class.matches)(raised))
    }

    /// Whether an alternative is about a transaction that no field can express.
    pub(crate) fn allows_malformed(&self) -> bool {
        self.matches(&Raised::Malformed(String::new()))
    }
}

impl fmt::Display for ExpectedException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Raised {
    /// The official name, or the names that share one cause, separated by `|`.
    pub fn official_name(&self) -> String {
        let names: Vec<_> = CLASSES
            .iter()
            .filter(|class| class.official && (class.matches)(self))
            .map(|class| format!("TransactionException.{}", class.names[0]))
            .collect();
        match (self, names.is_empty()) {
            (Raised::Malformed(_), _) => "TransactionException.RLP_INVALID_DATA".to_owned(),
            (Raised::Rejected(rejection), true) => rejection.to_string(),
            (Raised::Rejected(_), false) => names.join("|"),
        }
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raised::Rejected(rejection) => rejection.fmt(f),
            Raised::Malformed(reason) => write!(f, "malformed transaction: {reason}"),
        }
    }
}

/// Names that stand for the same rejections. The first is what reports print.
#[derive(Debug)]
struct Class {
    names: &'static [&'static str],
    /// Whether reports print it; the other classes only group what older files call by one name.
    official: bool,
    matches: fn(&Raised) -> bool,
}

impl PartialEq for Class {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

impl Eq for Class {}

macro_rules! class {
    ($($name:literal),+ => $pattern:pat $(if $guard:expr)?) => {
        Class {
            names: &[$($name),+],
            official: true,
            matches: |raised| match raised {
                Raised::Rejected(rejection) => matches!(rejection, $pattern $(if $guard)?),
                Raised::Malformed(_) => false,
            },
        }
    };
    (older $($name:literal),+ => $pattern:pat $(if $guard:expr)?) => {
        Class { official: false, ..class!($($name),+ => $pattern $(if $guard)?) }
    };
    (malformed $($name:literal),+) => {
        Class { names: &[$($name),+], official: true, matches: |raised| matches!(raised, Raised::Malformed(_)) }
    };
}

/// The names of execution-spec-tests, then those that ethereum/tests used before it took them over.
static CLASSES: [Class; 34] = [
    class!("TYPE_1_TX_PRE_FORK" => Rejection::TypeNotSupported(1)),
    class!("TYPE_2_TX_PRE_FORK" => Rejection::TypeNotSupported(2)),
    class!("TYPE_3_TX_PRE_FORK", "TYPE_3_TX_ZERO_BLOBS_PRE_FORK" => Rejection::TypeNotSupported(3)),
    class!("TYPE_4_TX_PRE_FORK" => Rejection::TypeNotSupported(4)),
    class!("INVALID_CHAINID" => Rejection::WrongChainId { .. }),
    class!("NONCE_IS_MAX", "NONCE_TOO_BIG", "TR_NonceHasMaxValue" => Rejection::NonceIsMax),
    class!("NONCE_MISMATCH_TOO_LOW", "TR_NonceTooLow" => Rejection::NonceTooLow { .. }),
    class!("NONCE_MISMATCH_TOO_HIGH", "TR_NonceTooHigh" => Rejection::NonceTooHigh { .. }),
    class!("SENDER_NOT_EOA", "SenderNotEOA" => Rejection::SenderHasCode),
    class!("INSUFFICIENT_ACCOUNT_FUNDS", "TR_NoFunds", "TR_NoFundsX" => Rejection::InsufficientFunds { .. }),
    class!("INTRINSIC_GAS_TOO_LOW", "TR_IntrinsicGas", "IntrinsicGas" => Rejection::IntrinsicGas { .. }),
    class!("INTRINSIC_GAS_BELOW_FLOOR_GAS_COST" => Rejection::CalldataFloor { .. }),
    class!("GAS_ALLOWANCE_EXCEEDED", "TR_GasLimitReached" => Rejection::GasAboveBlock { .. }),
    class!("GAS_LIMIT_EXCEEDS_MAXIMUM" => Rejection::GasAboveCap { .. } | Rejection::IntrinsicGasAboveCap { .. }),
    class!("INSUFFICIENT_MAX_FEE_PER_GAS", "TR_FeeCapLessThanBlocks" => Rejection::FeeBelowBaseFee { .. }),
    class!(
        "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS", "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2", "TR_TipGtFeeCap"
        => Rejection::PriorityAboveFee { .. }
    ),
    class!("INITCODE_SIZE_EXCEEDED", "TR_InitCodeLimitExceeded" => Rejection::InitcodeTooLarge { .. }),
    class!("TYPE_3_TX_ZERO_BLOBS", "TR_EMPTYBLOB" => Rejection::NoBlobs),
    class!(
        "TYPE_3_TX_BLOB_COUNT_EXCEEDED", "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED", "TR_BLOBLIST_OVERSIZE"
        => Rejection::TooManyBlobs { .. }
    ),
    class!("TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH", "TR_BLOBVERSION_INVALID" => Rejection::BlobVersion(_)),
    class!("TYPE_3_TX_CONTRACT_CREATION", "TR_BLOBCREATE" => Rejection::BlobCreate),
    class!("INSUFFICIENT_MAX_FEE_PER_BLOB_GAS" => Rejection::BlobFeeBelowBaseFee { .. }),
    class!("TYPE_4_EMPTY_AUTHORIZATION_LIST" => Rejection::NoAuthorizations),
    class!("TYPE_4_TX_CONTRACT_CREATION" => Rejection::SetCodeCreate),
    class!(older "TYPE_NOT_SUPPORTED", "TR_TypeNotSupported", "TR_TypeNotSupportedBlob" => Rejection::TypeNotSupported(_)),
    // The product is part of what the sender must have, and saturates there.
    class!(
        older "GASLIMIT_PRICE_PRODUCT_OVERFLOW"
        => Rejection::InsufficientFunds { needed, .. } if *needed == U256::MAX
    ),
    class!(
        older "TR_NoFundsOrGas"
        => Rejection::InsufficientFunds { .. } | Rejection::IntrinsicGas { .. } | Rejection::GasAboveBlock { .. }
    ),
    class!(malformed "ADDRESS_TOO_SHORT", "ADDRESS_TOO_LONG", "RLP_INVALID_TO"),
    class!(malformed "NONCE_OVERFLOW", "GASLIMIT_OVERFLOW", "VALUE_OVERFLOW", "GASPRICE_OVERFLOW", "PRIORITY_OVERFLOW"),
    class!(malformed "INVALID_SIGNATURE_VRS", "RLP_INVALID_SIGNATURE_R", "RLP_INVALID_SIGNATURE_S", "EC_RECOVERY_FAIL"),
    class!(
        malformed "RLP_LEADING_ZEROS_GASLIMIT", "RLP_LEADING_ZEROS_GASPRICE", "RLP_LEADING_ZEROS_VALUE",
        "RLP_LEADING_ZEROS_NONCE", "RLP_LEADING_ZEROS_R", "RLP_LEADING_ZEROS_S", "RLP_LEADING_ZEROS_V",
        "RLP_LEADING_ZEROS_BASEFEE", "RLP_LEADING_ZEROS_PRIORITY_FEE", "RLP_LEADING_ZEROS_DATA_SIZE",
        "RLP_LEADING_ZEROS_NONCE_SIZE"
    ),
    class!(
        malformed "RLP_INVALID_DATA", "RLP_TOO_FEW_ELEMENTS", "RLP_TOO_MANY_ELEMENTS", "RLP_ERROR_EOF", "RLP_ERROR_SIZE",
        "RLP_ERROR_SIZE_LEADING_ZEROS", "RLP_INVALID_GASLIMIT", "RLP_INVALID_NONCE", "RLP_INVALID_HEADER",
        "RLP_INVALID_VALUE", "TR_RLP_WRONGVALUE", "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG",
        "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT", "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG",
        "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT"
    ),
    class!(malformed "TYPE_3_TX_WITH_FULL_BLOBS"),
    class!(
        malformed "TYPE_4_INVALID_AUTHORIZATION_FORMAT", "TYPE_4_INVALID_AUTHORITY_SIGNATURE",
        "TYPE_4_INVALID_AUTHORITY_SIGNATURE_S_TOO_HIGH"
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str, raised: Rejection, matches: bool) {
        let expected = ExpectedException::parse(expected).unwrap();
        assert_eq!(expected.matches(&Raised::Rejected(raised)), matches);
    }

    #[test]
    fn only_the_named_rejection_matches() {
        let funds = |needed| Rejection::InsufficientFunds { balance: U256::ZERO, needed };
        let gas = Rejection::IntrinsicGas { limit: 1, intrinsic: 2 };
        check("TransactionException.NONCE_IS_MAX", Rejection::NonceIsMax, true);
        check("TransactionException.NONCE_IS_MAX", Rejection::NoBlobs, false);
        check("TransactionException.TYPE_3_TX_PRE_FORK", Rejection::TypeNotSupported(3), true);
        check("TransactionException.TYPE_3_TX_PRE_FORK", Rejection::TypeNotSupported(4), false);
        check(
            "TransactionException.INTRINSIC_GAS_TOO_LOW",
            Rejection::CalldataFloor { limit: 1, floor: 2 },
            false,
        );
        let either =
            "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS|TransactionException.INTRINSIC_GAS_TOO_LOW";
        check(either, funds(U256::ONE), true);
        check(either, gas, true);
        check(either, Rejection::SenderHasCode, false);
        check("TransactionException.GASLIMIT_PRICE_PRODUCT_OVERFLOW", funds(U256::ONE), false);
        check("TransactionException.GASLIMIT_PRICE_PRODUCT_OVERFLOW", funds(U256::MAX), true);
        check("TR_NoFunds", funds(U256::ONE), true);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let text = "TransactionException.NONCE_IS_MAX|TransactionException.NEVER_HEARD_OF";
        assert_eq!(ExpectedException::parse(text), Err("TransactionException.NEVER_HEARD_OF".to_owned()));
        assert!(ExpectedException::parse("").is_err());
    }

    #[test]
    fn no_name_stands_twice() {
        let mut names: Vec<_> = CLASSES.iter().flat_map(|class| class.names).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn names_of_rejections_are_official() {
        let raised = Raised::Rejected(Rejection::TypeNotSupported(3));
        assert_eq!(raised.official_name(), "TransactionException.TYPE_3_TX_PRE_FORK");
        assert!(ExpectedException::parse(&raised.official_name()).unwrap().matches(&raised));
    }
}
