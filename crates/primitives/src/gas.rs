use crate::Fork;

/// Every cost of the protocol that is not an opcode's static gas, as one fork has it. In gas unless it says otherwise.
///
/// Built as deltas on Frontier, one block per EIP ([`GasSchedule::of`]). What never changed is an associated constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasSchedule {
    /// EXP, for each byte of the exponent (EIP-160).
    pub exp_byte: u64,
    /// Added to an opcode's static gas when it touches a cold account (EIP-2929).
    pub cold_account: u64,
    /// Added to SLOAD's static gas, and the whole access cost of SSTORE, on a cold slot (EIP-2929).
    pub cold_slot_load: u64,
    /// Added to SSTORE on a cold slot (EIP-2929).
    pub cold_slot_store: u64,
    /// SSTORE of a value that stays as it is or was already changed, with net metering (EIP-1283, EIP-2200, EIP-2929).
    pub sstore_dirty: u64,
    /// SSTORE that changes a slot from zero.
    pub sstore_set: u64,
    /// SSTORE that changes a slot from another value, warm access included before Berlin, not after.
    pub sstore_reset: u64,
    /// Refund for clearing a slot (EIP-3529).
    pub sstore_clear_refund: i64,
    /// Refund for SELFDESTRUCT (EIP-3529).
    pub selfdestruct_refund: i64,
    /// CALL and SELFDESTRUCT that bring an account to life (EIP-161 changed when).
    pub new_account: u64,
    /// SELFDESTRUCT that brings an account to life: `new_account` from EIP-150 on.
    pub selfdestruct_new_account: u64,
    /// Each word of init code (EIP-3860).
    pub initcode_word: u64,
    /// Limit of created code, in bytes (EIP-170).
    pub max_code_size: usize,
    /// Limit of init code, in bytes (EIP-3860).
    pub max_initcode_size: usize,
    /// Refund cap: gas used divided by this (EIP-3529).
    pub refund_quotient: u64,
    /// Added to the intrinsic gas of a creating transaction (EIP-2).
    pub tx_create: u64,
    /// Each byte of calldata that is not zero (EIP-2028).
    pub tx_data_nonzero: u64,
    /// Least gas for each token of calldata (EIP-7623).
    pub tx_floor_token: u64,
    /// Most gas a transaction may buy (EIP-7825).
    pub tx_gas_cap: u64,
    /// Most blobs a transaction may carry (EIP-7594).
    pub tx_max_blobs: usize,
}

impl GasSchedule {
    /// Memory, each word; the quadratic part is words squared over [`GasSchedule::MEMORY_QUADRATIC_DIVISOR`].
    pub const MEMORY_WORD: u64 = 3;
    /// See [`GasSchedule::MEMORY_WORD`].
    pub const MEMORY_QUADRATIC_DIVISOR: u64 = 512;
    /// Each word copied by the copy opcodes.
    pub const COPY_WORD: u64 = 3;
    /// Each word hashed by KECCAK256 and CREATE2.
    pub const KECCAK_WORD: u64 = 6;
    /// Each topic of a log.
    pub const LOG_TOPIC: u64 = 375;
    /// Each byte of a log.
    pub const LOG_BYTE: u64 = 8;
    /// CALL and CALLCODE with a value.
    pub const CALL_VALUE: u64 = 9000;
    /// Given to the callee of a call with a value, on top of what the caller pays.
    pub const CALL_STIPEND: u64 = 2300;
    /// SSTORE with no more than this left is out of gas (EIP-2200).
    pub const SSTORE_SENTRY: u64 = 2300;
    /// Each byte of created code.
    pub const CODE_DEPOSIT_BYTE: u64 = 200;
    /// Every transaction.
    pub const TX_BASE: u64 = 21_000;
    /// Each zero byte of calldata.
    pub const TX_DATA_ZERO: u64 = 4;
    /// Tokens in a byte of calldata that is not zero (EIP-7623).
    pub const TX_TOKENS_NONZERO: u64 = 4;
    /// Each account of an access list (EIP-2930).
    pub const TX_ACCESS_LIST_ADDRESS: u64 = 2400;
    /// Each slot of an access list (EIP-2930).
    pub const TX_ACCESS_LIST_KEY: u64 = 1900;
    /// Each authorization (EIP-7702, `PER_EMPTY_ACCOUNT_COST`).
    pub const TX_AUTHORIZATION: u64 = 25_000;
    /// What an authorization costs whose authority already exists (EIP-7702, `PER_AUTH_BASE_COST`); the rest is refunded.
    pub const TX_AUTHORIZATION_EXISTING: u64 = 12_500;
    /// Blob gas of a blob (EIP-4844).
    pub const GAS_PER_BLOB: u64 = 1 << 17;
    /// Least price of a blob gas, in wei (EIP-4844).
    pub const MIN_BLOB_BASE_FEE: u64 = 1;

    /// The schedule of `fork`.
    pub const fn of(fork: Fork) -> &'static GasSchedule {
        &SCHEDULES[fork as usize]
    }

    const fn expand(fork: Fork) -> GasSchedule {
        let mut gas = FRONTIER;
        if fork.has(Fork::Homestead) {
            // EIP-2
            gas.tx_create = 32_000;
        }
        if fork.has(Fork::TangerineWhistle) {
            // EIP-150
            gas.selfdestruct_new_account = gas.new_account;
        }
        if fork.has(Fork::SpuriousDragon) {
            // EIP-160
            gas.exp_byte = 50;
            // EIP-170
            gas.max_code_size = 24_576;
        }
        if fork.has(Fork::Constantinople) && !fork.has(Fork::Petersburg) {
            // EIP-1283
            gas.sstore_dirty = 200;
        }
        if fork.has(Fork::Istanbul) {
            // EIP-2200
            gas.sstore_dirty = 800;
            // EIP-2028
            gas.tx_data_nonzero = 16;
        }
        if fork.has(Fork::Berlin) {
            // EIP-2929
            gas.cold_account = 2600 - 100;
            gas.cold_slot_load = 2100 - 100;
            gas.cold_slot_store = 2100;
            gas.sstore_dirty = 100;
            gas.sstore_reset = 5000 - 2100;
        }
        if fork.has(Fork::London) {
            // EIP-3529
            gas.sstore_clear_refund = 4800;
            gas.selfdestruct_refund = 0;
            gas.refund_quotient = 5;
        }
        if fork.has(Fork::Shanghai) {
            // EIP-3860
            gas.initcode_word = 2;
            gas.max_initcode_size = 2 * gas.max_code_size;
        }
        if fork.has(Fork::Prague) {
            // EIP-7623
            gas.tx_floor_token = 10;
        }
        if fork.has(Fork::Osaka) {
            // EIP-7825
            gas.tx_gas_cap = 1 << 24;
            // EIP-7594
            gas.tx_max_blobs = 6;
        }
        gas
    }
}

const FRONTIER: GasSchedule = GasSchedule {
    exp_byte: 10,
    cold_account: 0,
    cold_slot_load: 0,
    cold_slot_store: 0,
    sstore_dirty: 5000,
    sstore_set: 20_000,
    sstore_reset: 5000,
    sstore_clear_refund: 15_000,
    selfdestruct_refund: 24_000,
    new_account: 25_000,
    selfdestruct_new_account: 0,
    initcode_word: 0,
    max_code_size: usize::MAX,
    max_initcode_size: usize::MAX,
    refund_quotient: 2,
    tx_create: 0,
    tx_data_nonzero: 68,
    tx_floor_token: 0,
    tx_gas_cap: u64::MAX,
    tx_max_blobs: usize::MAX,
};

static SCHEDULES: [GasSchedule; Fork::ALL.len()] = {
    let mut schedules = [FRONTIER; Fork::ALL.len()];
    let mut i = 0;
    while i < schedules.len() {
        schedules[i] = GasSchedule::expand(Fork::ALL[i]);
        i += 1;
    }
    schedules
};
