macro_rules! schedule {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $frontier:expr;)*) => {
        /// Every price and limit of the protocol that is not an opcode's static gas, as one set of rules has it. In gas unless it
        /// says otherwise.
        ///
        /// What never changed is an associated constant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct GasSchedule { $($(#[$doc])* pub $name: $type,)* }

        /// A field of [`GasSchedule`], by its name: what EIPs and rules files change.
        #[allow(non_camel_case_types, reason = "they are the names of fields")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Parameter { $($(#[$doc])* $name,)* }

        impl Parameter {
            /// All of them, in the order of the fields.
            pub const ALL: &'static [Parameter] = &[$(Parameter::$name,)*];

            /// The name of the field.
            pub const fn name(self) -> &'static str {
                match self { $(Parameter::$name => stringify!($name),)* }
            }
        }

        impl GasSchedule {
            pub(crate) const FRONTIER: GasSchedule = GasSchedule { $($name: $frontier,)* };

            /// The value of a field. No price is negative; no limit is `u64::MAX`.
            #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "the fields are of several types")]
            pub const fn get(&self, parameter: Parameter) -> u64 {
                match parameter { $(Parameter::$name => self.$name as u64,)* }
            }

            #[allow(
                clippy::cast_possible_wrap,
                clippy::cast_possible_truncation,
                clippy::unnecessary_cast,
                reason = "the fields are of several types, and 64 bits wide; what is set is bounded by who sets it"
            )]
            pub(crate) const fn set(&mut self, parameter: Parameter, value: u64) {
                match parameter { $(Parameter::$name => self.$name = value as $type,)* }
            }
        }
    };
}

// name, type, value in Frontier. The EIPs say what they change.
schedule! {
    /// EXP, for each byte of the exponent (EIP-160).
    exp_byte: u64 = 10;
    /// Added to an opcode's static gas when it touches a cold account (EIP-2929).
    cold_account: u64 = 0;
    /// Added to SLOAD's static gas, and the whole access cost of SSTORE, on a cold slot (EIP-2929).
    cold_slot_load: u64 = 0;
    /// Added to SSTORE on a cold slot (EIP-2929).
    cold_slot_store: u64 = 0;
    /// SSTORE of a value that stays as it is or was already changed, with net metering (EIP-1283, EIP-2200, EIP-2929).
    sstore_dirty: u64 = 5000;
    /// SSTORE that changes a slot from zero.
    sstore_set: u64 = 20_000;
    /// SSTORE that changes a slot from another value, warm access included before Berlin, not after.
    sstore_reset: u64 = 5000;
    /// Refund for clearing a slot (EIP-3529).
    sstore_clear_refund: i64 = 15_000;
    /// Refund for SELFDESTRUCT (EIP-3529).
    selfdestruct_refund: i64 = 24_000;
    /// CALL and SELFDESTRUCT that bring an account to life (EIP-161 changed when).
    new_account: u64 = 25_000;
    /// SELFDESTRUCT that brings an account to life: `new_account` from EIP-150 on.
    selfdestruct_new_account: u64 = 0;
    /// Each word of init code (EIP-3860).
    initcode_word: u64 = 0;
    /// Limit of created code, in bytes (EIP-170).
    max_code_size: usize = usize::MAX;
    /// Limit of init code, in bytes (EIP-3860).
    max_initcode_size: usize = usize::MAX;
    /// Refund cap: gas used divided by this (EIP-3529).
    refund_quotient: u64 = 2;
    /// Added to the intrinsic gas of a creating transaction (EIP-2).
    tx_create: u64 = 0;
    /// Each byte of calldata that is not zero (EIP-2028).
    tx_data_nonzero: u64 = 68;
    /// Least gas for each token of calldata (EIP-7623).
    tx_floor_token: u64 = 0;
    /// Most gas a transaction may buy (EIP-7825).
    tx_gas_cap: u64 = u64::MAX;
    /// Most blobs a transaction may carry (EIP-7594).
    tx_max_blobs: usize = usize::MAX;
    /// Each word copied by the copy opcodes.
    copy_word: u64 = 3;
    /// Each word hashed by KECCAK256 and CREATE2.
    keccak_word: u64 = 6;
    /// Each topic of a log.
    log_topic: u64 = 375;
    /// Each byte of a log.
    log_byte: u64 = 8;
    /// CALL and CALLCODE with a value.
    call_value: u64 = 9000;
    /// Given to the callee of a call with a value, on top of what the caller pays.
    call_stipend: u64 = 2300;
    /// Access of a warm account that has no part in a row: a delegate (EIP-7702), and in a cold SELFDESTRUCT (EIP-2929).
    warm_access: u64 = 100;
    /// SSTORE with no more than this left is out of gas (EIP-2200).
    sstore_sentry: u64 = 2300;
    /// Each byte of created code.
    code_deposit_byte: u64 = 200;
    /// Each word of created code, for its hash (EIP-8037).
    code_deposit_word: u64 = 0;
    /// State gas of each byte of created code (EIP-8037).
    state_code_byte: u64 = 0;
    /// State gas of an account that comes to life (EIP-8037).
    state_new_account: u64 = 0;
    /// State gas of a slot that was zero before the transaction and is no more (EIP-8037).
    state_new_slot: u64 = 0;
    /// State gas of an account's first delegation (EIP-8037).
    state_delegation: u64 = 0;
    /// Every transaction.
    tx_base: u64 = 21_000;
    /// A transaction that is no creation and whose recipient is not its sender (EIP-2780).
    tx_recipient: u64 = 0;
    /// Such a transaction with a value, besides (EIP-2780).
    tx_value: u64 = 0;
    /// Each zero byte of calldata.
    tx_data_zero: u64 = 4;
    /// Tokens in a byte of calldata that is not zero (EIP-7623).
    tx_tokens_nonzero: u64 = 4;
    /// Tokens in a zero byte of calldata (EIP-7623, EIP-7976).
    tx_tokens_zero: u64 = 1;
    /// Least gas for each account of an access list (EIP-7981).
    tx_floor_access_list_address: u64 = 0;
    /// Least gas for each slot of an access list (EIP-7981).
    tx_floor_access_list_key: u64 = 0;
    /// Each account of an access list (EIP-2930).
    tx_access_list_address: u64 = 2400;
    /// Each slot of an access list (EIP-2930).
    tx_access_list_key: u64 = 1900;
    /// Each authorization (EIP-7702, `PER_EMPTY_ACCOUNT_COST`).
    tx_authorization: u64 = 25_000;
    /// What an authorization costs whose authority already exists (EIP-7702, `PER_AUTH_BASE_COST`); the rest is refunded. With EIP-2780
    /// there is no rest.
    tx_authorization_existing: u64 = 12_500;
    /// The first authorization of an account that the transaction does not write to anyway (EIP-2780).
    tx_authority_write: u64 = 0;
    /// Memory, as many words as `memory_word_divisor` says; a part of that is cut off.
    memory_word: u64 = 3;
    /// Words of memory that cost `memory_word` together.
    memory_word_divisor: u64 = 1;
    /// Memory costs its words squared over this besides, cut off.
    memory_quadratic_divisor: u64 = 512;
    /// ECREC, the recovery of a signer.
    precompile_ecrecover: u64 = 3000;
    /// SHA256, every call.
    precompile_sha256: u64 = 60;
    /// SHA256, each word.
    precompile_sha256_word: u64 = 12;
    /// RIPEMD160, every call.
    precompile_ripemd160: u64 = 600;
    /// RIPEMD160, each word.
    precompile_ripemd160_word: u64 = 120;
    /// ID, every call.
    precompile_identity: u64 = 15;
    /// ID, each word.
    precompile_identity_word: u64 = 3;
    /// `BN254_ADD` (EIP-196, EIP-1108).
    precompile_bn254_add: u64 = 500;
    /// `BN254_MUL` (EIP-196, EIP-1108).
    precompile_bn254_mul: u64 = 40_000;
    /// `BN254_PAIRING`, every call (EIP-197, EIP-1108).
    precompile_bn254_pairing: u64 = 100_000;
    /// `BN254_PAIRING`, each pair (EIP-197, EIP-1108).
    precompile_bn254_pairing_pair: u64 = 80_000;
    /// BLAKE2F, each round (EIP-152).
    precompile_blake2f_round: u64 = 1;
    /// `KZG_POINT_EVALUATION` (EIP-4844).
    precompile_point_evaluation: u64 = 50_000;
    /// `BLS12_G1ADD` (EIP-2537).
    precompile_bls12_g1_add: u64 = 375;
    /// `BLS12_G1MSM`, one product, before the discount for many (EIP-2537).
    precompile_bls12_g1_mul: u64 = 12_000;
    /// `BLS12_G2ADD` (EIP-2537).
    precompile_bls12_g2_add: u64 = 600;
    /// `BLS12_G2MSM`, one product, before the discount for many (EIP-2537).
    precompile_bls12_g2_mul: u64 = 22_500;
    /// `BLS12_PAIRING_CHECK`, every call (EIP-2537).
    precompile_bls12_pairing: u64 = 37_700;
    /// `BLS12_PAIRING_CHECK`, each pair (EIP-2537).
    precompile_bls12_pairing_pair: u64 = 32_600;
    /// `BLS12_MAP_FP_TO_G1` (EIP-2537).
    precompile_bls12_map_fp: u64 = 5500;
    /// `BLS12_MAP_FP2_TO_G2` (EIP-2537).
    precompile_bls12_map_fp2: u64 = 23_800;
    /// P256VERIFY (EIP-7951).
    precompile_p256verify: u64 = 6900;
}

impl Parameter {
    /// Whether it is a limit or a divisor: a number of bytes, blobs, gas or parts, where the others are prices and refunds.
    pub const fn is_limit(self) -> bool {
        use Parameter as P;
        matches!(
            self,
            P::max_code_size
                | P::max_initcode_size
                | P::memory_quadratic_divisor
                | P::memory_word_divisor
                | P::refund_quotient
                | P::tx_gas_cap
                | P::tx_max_blobs
        )
    }

    /// The parameter of a name.
    pub fn from_name(name: &str) -> Option<Parameter> {
        Parameter::ALL.iter().copied().find(|parameter| parameter.name() == name)
    }
}

impl GasSchedule {
    /// Blob gas of a blob (EIP-4844).
    pub const GAS_PER_BLOB: u64 = 1 << 17;
    /// Least price of a blob gas, in wei (EIP-4844).
    pub const MIN_BLOB_BASE_FEE: u64 = 1;
}
