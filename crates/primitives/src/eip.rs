use crate::{BlobSchedule, Opcode, Parameter, PrecompileId};

/// What an EIP changes of the facts. What it changes of behaviour is in the engines, which ask [`Rules::has`](crate::Rules::has).
#[derive(Clone, Copy, Debug)]
pub struct Changes {
    /// EIPs without which it means nothing.
    pub needs: &'static [Eip],
    /// Opcodes that it brings, at the static gas of their rows.
    pub opcodes: &'static [Opcode],
    /// New static gas of opcodes, where these are defined.
    pub gas: &'static [(Opcode, u16)],
    /// New prices and limits.
    pub parameters: &'static [(Parameter, u64)],
    /// Precompiled contracts that it brings.
    pub precompiles: &'static [PrecompileId],
    /// Blob parameters that it sets.
    pub blobs: Option<BlobSchedule>,
}

const NONE: Changes =
    Changes { needs: &[], opcodes: &[], gas: &[], parameters: &[], precompiles: &[], blobs: None };

macro_rules! eips {
    ($($(#[$doc:meta])* $eip:ident $number:literal $title:literal { $($field:ident: $value:expr),* $(,)? })*) => {
        /// An EIP that changes the execution of a transaction, in the order in which they were activated on mainnet.
        ///
        /// A fork is a list of them ([`Fork::eips`](crate::Fork::eips)); engines ask for them, never for a fork.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Eip { $($(#[$doc])* $eip,)* }

        impl Eip {
            /// All of them, oldest first.
            pub const ALL: &'static [Eip] = &[$(Eip::$eip,)*];

            /// Its number.
            pub const fn number(self) -> u32 {
                match self { $(Eip::$eip => $number,)* }
            }

            /// What it is about, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Eip::$eip => $title,)* }
            }

            /// What it changes of the facts.
            #[allow(clippy::needless_update, reason = "an EIP may change everything")]
            pub const fn changes(self) -> &'static Changes {
                match self { $(Eip::$eip => const { &Changes { $($field: $value,)* ..NONE } },)* }
            }
        }
    };
}

use Parameter as P;

eips! {
    /// No creation where there is storage, whatever else there is: for all blocks from the first on, until Amsterdam gave it up.
    CreateCollision7610 7610 "no creation where there is storage" {}
    /// A transaction that creates pays for it; a creation that cannot pay for its code fails.
    Creation2 2 "creating transactions pay; a creation without gas for its code fails" {
        parameters: &[(P::tx_create, 32_000)],
    }
    /// DELEGATECALL.
    DelegateCall7 7 "DELEGATECALL" {
        opcodes: &[Opcode::DELEGATECALL],
    }
    /// Prices of what touches the state; a caller keeps a 64th of its gas.
    StatePrices150 150 "prices of access to the state; a caller keeps a 64th of its gas" {
        gas: &[
            (Opcode::EXTCODESIZE, 700),
            (Opcode::EXTCODECOPY, 700),
            (Opcode::BALANCE, 400),
            (Opcode::SLOAD, 200),
            (Opcode::CALL, 700),
            (Opcode::CALLCODE, 700),
            (Opcode::DELEGATECALL, 700),
            (Opcode::SELFDESTRUCT, 5000),
        ],
        parameters: &[(P::selfdestruct_new_account, 25_000)],
    }
    /// The price of EXP.
    Exp160 160 "price of EXP" {
        parameters: &[(P::exp_byte, 50)],
    }
    /// Empty accounts that are touched are deleted; a contract's nonce begins at 1.
    StateClearing161 161 "empty accounts are deleted where they are touched; the nonce of a contract begins at 1" {}
    /// A limit of created code.
    CodeSize170 170 "limit of created code" {
        parameters: &[(P::max_code_size, 24_576)],
    }
    /// REVERT.
    Revert140 140 "REVERT" {
        opcodes: &[Opcode::REVERT],
    }
    /// Addition and multiplication on BN254.
    Bn254Curve196 196 "addition and multiplication on BN254" {
        precompiles: &[PrecompileId::Bn254Add, PrecompileId::Bn254Mul],
    }
    /// The pairing check of BN254.
    Bn254Pairing197 197 "pairing check of BN254" {
        precompiles: &[PrecompileId::Bn254Pairing],
    }
    /// MODEXP.
    Modexp198 198 "MODEXP" {
        precompiles: &[PrecompileId::Modexp],
    }
    /// RETURNDATASIZE and RETURNDATACOPY.
    ReturnData211 211 "RETURNDATASIZE, RETURNDATACOPY" {
        opcodes: &[Opcode::RETURNDATASIZE, Opcode::RETURNDATACOPY],
    }
    /// STATICCALL.
    StaticCall214 214 "STATICCALL" {
        opcodes: &[Opcode::STATICCALL],
    }
    /// SHL, SHR and SAR.
    Shifts145 145 "SHL, SHR, SAR" {
        opcodes: &[Opcode::SHL, Opcode::SHR, Opcode::SAR],
    }
    /// CREATE2.
    Create2By1014 1014 "CREATE2" {
        opcodes: &[Opcode::CREATE2],
    }
    /// EXTCODEHASH.
    ExtCodeHash1052 1052 "EXTCODEHASH" {
        opcodes: &[Opcode::EXTCODEHASH],
    }
    /// SSTORE pays for the difference that it makes; Petersburg took it back.
    NetMetering1283 1283 "SSTORE pays for the difference that it makes" {
        parameters: &[(P::sstore_dirty, 200)],
    }
    /// The compression function of BLAKE2b.
    Blake2By152 152 "compression function of BLAKE2b" {
        precompiles: &[PrecompileId::Blake2F],
    }
    /// Prices of BN254.
    Bn254Prices1108 1108 "prices of BN254" {
        needs: &[Eip::Bn254Curve196, Eip::Bn254Pairing197],
        parameters: &[
            (P::precompile_bn254_add, 150),
            (P::precompile_bn254_mul, 6000),
            (P::precompile_bn254_pairing, 45_000),
            (P::precompile_bn254_pairing_pair, 34_000),
        ],
    }
    /// CHAINID.
    ChainId1344 1344 "CHAINID" {
        opcodes: &[Opcode::CHAINID],
    }
    /// SELFBALANCE; prices of what looks up the trie.
    TriePrices1884 1884 "SELFBALANCE; prices of what looks up the trie" {
        opcodes: &[Opcode::SELFBALANCE],
        gas: &[(Opcode::SLOAD, 800), (Opcode::BALANCE, 700), (Opcode::EXTCODEHASH, 700)],
    }
    /// The price of calldata.
    Calldata2028 2028 "price of calldata" {
        parameters: &[(P::tx_data_nonzero, 16)],
    }
    /// SSTORE pays for the difference that it makes, and needs more than a stipend.
    NetMetering2200 2200 "SSTORE pays for the difference that it makes, and needs more than a stipend" {
        parameters: &[(P::sstore_dirty, 800)],
    }
    /// The price of MODEXP.
    ModexpPrice2565 2565 "price of MODEXP" {
        needs: &[Eip::Modexp198],
    }
    /// What a transaction has accessed is warm: the static gas is that of a warm access, the parameters what a cold one adds.
    WarmAccess2929 2929 "what a transaction has accessed is warm" {
        gas: &[
            (Opcode::SLOAD, 100),
            (Opcode::BALANCE, 100),
            (Opcode::EXTCODESIZE, 100),
            (Opcode::EXTCODECOPY, 100),
            (Opcode::EXTCODEHASH, 100),
            (Opcode::CALL, 100),
            (Opcode::CALLCODE, 100),
            (Opcode::DELEGATECALL, 100),
            (Opcode::STATICCALL, 100),
        ],
        parameters: &[
            (P::cold_account, 2600 - 100),
            (P::cold_slot_load, 2100 - 100),
            (P::cold_slot_store, 2100),
            (P::sstore_dirty, 100),
            (P::sstore_reset, 5000 - 2100),
        ],
    }
    /// Transactions with an access list.
    AccessLists2930 2930 "transactions with an access list" {
        needs: &[Eip::WarmAccess2929],
    }
    /// Transactions with a dynamic fee; the base fee is burned.
    DynamicFee1559 1559 "transactions with a dynamic fee; the base fee is burned" {
        needs: &[Eip::AccessLists2930],
    }
    /// BASEFEE.
    BaseFee3198 3198 "BASEFEE" {
        opcodes: &[Opcode::BASEFEE],
        needs: &[Eip::DynamicFee1559],
    }
    /// Smaller refunds.
    Refunds3529 3529 "smaller refunds" {
        parameters: &[(P::sstore_clear_refund, 4800), (P::selfdestruct_refund, 0), (P::refund_quotient, 5)],
    }
    /// No code that begins with 0xef is created.
    RejectEf3541 3541 "no created code begins with 0xef" {}
    /// PREVRANDAO in place of DIFFICULTY.
    PrevRandao4399 4399 "PREVRANDAO in place of DIFFICULTY" {}
    /// The coinbase is warm from the start.
    WarmCoinbase3651 3651 "the coinbase is warm from the start" {
        needs: &[Eip::WarmAccess2929],
    }
    /// PUSH0.
    PushZero3855 3855 "PUSH0" {
        opcodes: &[Opcode::PUSH0],
    }
    /// A limit and a price of init code.
    InitCode3860 3860 "limit and price of init code" {
        needs: &[Eip::CodeSize170],
        parameters: &[(P::initcode_word, 2), (P::max_initcode_size, 2 * 24_576)],
    }
    /// TLOAD and TSTORE.
    TransientStorage1153 1153 "TLOAD, TSTORE" {
        opcodes: &[Opcode::TLOAD, Opcode::TSTORE],
    }
    /// Transactions with blobs, BLOBHASH, the point evaluation.
    Blobs4844 4844 "transactions with blobs, BLOBHASH, the point evaluation" {
        opcodes: &[Opcode::BLOBHASH],
        needs: &[Eip::DynamicFee1559],
        precompiles: &[PrecompileId::KzgPointEvaluation],
        blobs: Some(BlobSchedule { target: 3, max: 6, update_fraction: 3_338_477 }),
    }
    /// MCOPY.
    MemoryCopy5656 5656 "MCOPY" {
        opcodes: &[Opcode::MCOPY],
    }
    /// SELFDESTRUCT deletes only what the transaction has created.
    SelfDestruct6780 6780 "SELFDESTRUCT deletes only what the transaction has created" {}
    /// BLOBBASEFEE.
    BlobBaseFee7516 7516 "BLOBBASEFEE" {
        opcodes: &[Opcode::BLOBBASEFEE],
        needs: &[Eip::Blobs4844],
    }
    /// BLS12-381.
    Bls12By2537 2537 "BLS12-381" {
        precompiles: &[
            PrecompileId::Bls12G1Add,
            PrecompileId::Bls12G1Msm,
            PrecompileId::Bls12G2Add,
            PrecompileId::Bls12G2Msm,
            PrecompileId::Bls12Pairing,
            PrecompileId::Bls12MapFpToG1,
            PrecompileId::Bls12MapFp2ToG2,
        ],
    }
    /// Calldata has a price that every transaction pays at least.
    CalldataFloor7623 7623 "least price of calldata" {
        parameters: &[(P::tx_floor_token, 10)],
    }
    /// More blobs.
    MoreBlobs7691 7691 "more blobs" {
        needs: &[Eip::Blobs4844],
        blobs: Some(BlobSchedule { target: 6, max: 9, update_fraction: 5_007_716 }),
    }
    /// Transactions that set the code of accounts.
    SetCode7702 7702 "transactions that set the code of accounts" {
        needs: &[Eip::DynamicFee1559],
    }
    /// A limit of blobs for a transaction. (Cells and columns are no part of an execution.)
    BlobLimit7594 7594 "limit of blobs for a transaction" {
        needs: &[Eip::Blobs4844],
        parameters: &[(P::tx_max_blobs, 6)],
    }
    /// A limit for the numbers of MODEXP.
    ModexpLimit7823 7823 "limit for the numbers of MODEXP" {
        needs: &[Eip::Modexp198],
    }
    /// A limit of gas for a transaction.
    GasCap7825 7825 "limit of gas for a transaction" {
        parameters: &[(P::tx_gas_cap, 1 << 24)],
    }
    /// The price of MODEXP, once more.
    ModexpPrice7883 7883 "price of MODEXP" {
        needs: &[Eip::Modexp198],
    }
    /// CLZ.
    CountZeros7939 7939 "CLZ" {
        opcodes: &[Opcode::CLZ],
    }
    /// Verification of signatures on secp256r1.
    P256Verify7951 7951 "verification of signatures on secp256r1" {
        precompiles: &[PrecompileId::P256Verify],
    }
    /// SLOTNUM.
    SlotNumber7843 7843 "SLOTNUM" {
        opcodes: &[Opcode::SLOTNUM],
    }
    /// Larger code and init code.
    LargerCode7954 7954 "larger code and init code" {
        needs: &[Eip::InitCode3860],
        parameters: &[(P::max_code_size, 65_536), (P::max_initcode_size, 2 * 65_536)],
    }
    /// The least price of calldata, once more: 64 gas a byte, whatever it is.
    CalldataFloor7976 7976 "higher least price of calldata" {
        needs: &[Eip::CalldataFloor7623],
        parameters: &[(P::tx_tokens_zero, 4), (P::tx_floor_token, 16)],
    }
    /// The bytes of access lists are paid for as calldata at its least price: 20 of an address, 32 of a slot.
    AccessListBytes7981 7981 "price of the bytes of access lists" {
        needs: &[Eip::AccessLists2930, Eip::CalldataFloor7976],
        parameters: &[
            (P::tx_access_list_address, 2400 + 20 * 64),
            (P::tx_access_list_key, 1900 + 32 * 64),
            (P::tx_floor_access_list_address, 20 * 64),
            (P::tx_floor_access_list_key, 32 * 64),
        ],
    }
    /// DUPN, SWAPN, EXCHANGE.
    DeepStack8024 8024 "DUPN, SWAPN, EXCHANGE" {
        opcodes: &[Opcode::DUPN, Opcode::SWAPN, Opcode::EXCHANGE],
    }
    /// A log for every transfer of value.
    TransferLogs7708 7708 "a log for every transfer of value" {}
    /// SELFDESTRUCT burns nothing.
    KeptBalance8246 8246 "SELFDESTRUCT burns nothing" {
        needs: &[Eip::StateClearing161, Eip::SelfDestruct6780],
    }
    /// Prices of access to accounts and slots: the second read of EXTCODESIZE and EXTCODECOPY, and writes, apart.
    AccessPrices8038 8038 "prices of access to accounts and slots" {
        needs: &[Eip::AccessLists2930, Eip::Refunds3529, Eip::AccessListBytes7981],
        gas: &[
            (Opcode::EXTCODESIZE, 2 * 100),
            (Opcode::EXTCODECOPY, 2 * 100),
            (Opcode::CREATE, 12_000),
            (Opcode::CREATE2, 12_000),
        ],
        parameters: &[
            (P::cold_account, 3000 - 100),
            (P::cold_slot_store, 2100 - 100),
            (P::sstore_set, 100 + 10_000),
            (P::sstore_reset, 100 + 10_000),
            (P::sstore_clear_refund, (10_000 + 2100) * 4800 / 5000),
            (P::call_value, 9000 + 2300),
            (P::new_account, 0),
            (P::selfdestruct_new_account, 9000),
            (P::tx_access_list_address, 2900 + 20 * 64),
            (P::tx_access_list_key, 2000 + 32 * 64),
        ],
    }
    /// What a transaction costs before its first opcode, by what it does. What depends on the state is charged behind its intrinsic gas.
    IntrinsicParts2780 2780 "intrinsic gas by what a transaction does" {
        needs: &[Eip::SetCode7702, Eip::AccessPrices8038],
        parameters: &[
            (P::tx_base, 12_000),
            (P::tx_recipient, 3000),
            (P::tx_value, 6000),
            (P::tx_create, 12_000),
            (P::tx_authorization, 101 * 16 + 3000 + 3000 + 2 * 100),
            (P::tx_authorization_existing, 101 * 16 + 3000 + 3000 + 2 * 100),
            (P::tx_authority_write, 9000),
        ],
    }
    /// A second gas for what makes the state grow, at 1,530 a byte.
    StateGas8037 8037 "a second gas for what makes the state grow" {
        needs: &[Eip::GasCap7825, Eip::IntrinsicParts2780],
        parameters: &[
            (P::code_deposit_byte, 0),
            (P::code_deposit_word, 6),
            (P::state_code_byte, 1530),
            (P::state_new_account, 120 * 1530),
            (P::state_new_slot, 64 * 1530),
            (P::state_delegation, 23 * 1530),
        ],
    }
    /// A block says what it accesses. What an opcode cannot pay for it does not look at.
    BlockAccessLists7928 7928 "a list of what a block accesses" {
        needs: &[Eip::SetCode7702],
    }
}

impl Eip {
    /// The EIP of a number, if it is one that changes execution.
    pub fn of_number(number: u32) -> Option<Eip> {
        Eip::ALL.iter().copied().find(|eip| eip.number() == number)
    }

    /// The EIP that brought an opcode; `None` of one that was always there, or that nothing brought.
    pub fn of_opcode(opcode: Opcode) -> Option<Eip> {
        Eip::ALL.iter().copied().find(|eip| eip.changes().opcodes.contains(&opcode))
    }
}

impl std::fmt::Display for Eip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EIP-{}", self.number())
    }
}

/// A set of EIPs: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EipSet(u64);

const _: () = assert!(Eip::ALL.len() <= 64, "a set of EIPs is 64 bits");

impl EipSet {
    /// No EIP.
    pub const EMPTY: EipSet = EipSet(0);

    /// Whether `eip` is in it.
    pub const fn has(self, eip: Eip) -> bool {
        self.0 & (1 << eip as u8) != 0
    }

    /// The set with `eip`.
    pub const fn with(self, eip: Eip) -> Self {
        Self(self.0 | 1 << eip as u8)
    }

    /// The set without `eip`.
    pub const fn without(self, eip: Eip) -> Self {
        Self(self.0 & !(1 << eip as u8))
    }

    /// The set without what lacks something that it is built on.
    pub fn consistent(self) -> Self {
        // An EIP is built on older ones alone.
        Eip::ALL.iter().fold(self, |eips, eip| {
            if eip.changes().needs.iter().all(|needed| eips.has(*needed)) { eips } else { eips.without(*eip) }
        })
    }

    /// Its EIPs, oldest first.
    pub fn iter(self) -> impl Iterator<Item = Eip> {
        Eip::ALL.iter().copied().filter(move |eip| self.has(*eip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eip_is_built_on_older_ones() {
        for eip in Eip::ALL {
            assert!(eip.changes().needs.iter().all(|needed| needed < eip), "{eip}");
        }
    }

    #[test]
    fn what_lacks_something_goes_and_what_is_built_on_that() {
        let osaka = crate::Fork::Osaka.eips();
        assert_eq!(osaka.consistent(), osaka);
        let gone: Vec<u32> = osaka
            .iter()
            .filter(|eip| !osaka.without(Eip::WarmAccess2929).consistent().has(*eip))
            .map(Eip::number)
            .collect();
        assert_eq!(gone, [2929, 2930, 1559, 3198, 3651, 4844, 7516, 7691, 7702, 7594]);
    }
}
