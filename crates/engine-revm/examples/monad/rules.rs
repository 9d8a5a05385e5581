//! Monad's rules as Parallax's: all that its first two forks have otherwise than Prague and Osaka. Each says where `monad-revm` 0.8.0 has
//! it. What is a number or a switch is a line; what is code is written twice, once for each machine. The pages of storage of its third fork
//! (MIP-8) are nothing that rules of ours can say.

use parallax_host_interface::{
    ContractCall, CustomContract, CustomTransactions, Funds, HostError, MessageEnd, Settlement, Terms,
    TermsError, TransactionContext, TransactionRules,
};
use parallax_primitives::{
    Address, Bytes, Eip, Fork, FrameOutcome, FrameStatus, Halt, MessageKind, Parameter, Rejection, Rules,
    RulesBuilder, Switch, TransactionType, U256, address, keccak256,
};

/// MonadEight, on Prague.
pub(crate) fn monad_eight() -> RulesBuilder {
    launch(Fork::Prague)
        .name("MonadEight")
        // precompiles.rs, `monad_precompiles`
        .with(Eip::P256Verify7951)
}

/// MonadNine, on Osaka: memory costs half a gas for each word (MIP-3, memory/mod.rs), and one contract more (MIP-4). The 8 MiB that all
/// memories of a transaction may have together are a feature of `monad-revm`'s, `memory_limit`, and not here.
pub(crate) fn monad_nine() -> RulesBuilder {
    launch(Fork::Osaka)
        .name("MonadNine")
        .parameter(Parameter::memory_word, 1)
        .parameter(Parameter::memory_word_divisor, 2)
        .parameter(Parameter::memory_quadratic_divisor, u64::MAX)
        .contract(&RESERVE)
}

/// What Monad began with.
fn launch(base: Fork) -> RulesBuilder {
    use Parameter as P;
    Rules::builder(base)
        .chain_id(143)
        // instructions.rs, `monad_gas_params`; 100 of each are an opcode's static gas
        .parameter(P::cold_account, 10_100 - 100)
        .parameter(P::cold_slot_load, 8100 - 100)
        .parameter(P::cold_slot_store, 8100)
        // cfg.rs
        .parameter(P::max_code_size, 128 * 1024)
        .parameter(P::max_initcode_size, 256 * 1024)
        .parameter(P::tx_gas_cap, 30_000_000)
        // precompiles.rs
        .parameter(P::precompile_ecrecover, 6000)
        .parameter(P::precompile_bn254_add, 300)
        .parameter(P::precompile_bn254_mul, 30_000)
        .parameter(P::precompile_bn254_pairing, 225_000)
        .parameter(P::precompile_bn254_pairing_pair, 170_000)
        .parameter(P::precompile_blake2f_round, 2)
        .parameter(P::precompile_point_evaluation, 200_000)
        // memory/opcodes.rs, `create`
        .switch(Switch::NoCreationOnDelegating, true)
        // memory/opcodes.rs, `load_account_delegated`, and handler.rs, `first_frame_input`: messages name the delegate
        .switch(Switch::DelegatedContracts, true)
        .contract(&STAKING)
        .transactions(&TRANSACTIONS)
}

/// The account in whose name validators act (staking/constants.rs).
const SYSTEM: Address = address!("6f49a8F621353f12378d0046E7d7e4b9B249DC9e");

/// What is otherwise around a transaction's message (handler.rs): gas is paid for by its limit, whatever is used; a sender must have the
/// fee, and its value only where that is moved; there are no blobs.
static TRANSACTIONS: CustomTransactions = CustomTransactions::new("MONAD", &[], &Fast, &Plain);

struct Fast;

impl TransactionRules for Fast {
    fn terms(&self, around: &TransactionContext<'_>) -> Result<Terms, TermsError> {
        let transaction = around.transaction;
        if transaction.kind == TransactionType::Blob {
            return Err(Rejection::TypeNotSupported(TransactionType::Blob.byte()).into());
        }
        if transaction.authorizations.iter().any(|authorization| authorization.authority == Some(SYSTEM)) {
            return Err(Rejection::OfChain("the system's account authorizes nobody").into());
        }
        Ok(Terms { funds: Funds::Taken, ..Terms::default() })
    }

    fn settle(
        &self,
        around: &TransactionContext<'_>,
        end: &MessageEnd<'_>,
        ethereum: Settlement,
    ) -> Result<Settlement, HostError> {
        let tip = end.gas_price.saturating_sub(U256::from(around.block.base_fee));
        let reward = tip.saturating_mul(U256::from(around.transaction.gas_limit));
        Ok(Settlement {
            // What it reports, not what is paid for: no refund, and at least the floor.
            gas_used: ethereum.gas_used.max(end.gas_spent),
            gas_refunded: 0,
            returned: U256::ZERO,
            paid: vec![(around.block.coinbase, reward)],
        })
    }
}

struct Plain;

impl TransactionRules for Plain {
    fn terms(&self, around: &TransactionContext<'_>) -> Result<Terms, TermsError> {
        let mut terms = Terms { funds: Funds::Taken, ..Terms::ETHEREUM };
        terms.extra_fee = U256::ZERO;
        match around.transaction.kind {
            TransactionType::Blob => Err(TermsError::Rejected(Rejection::TypeNotSupported(3))),
            TransactionType::SetCode => {
                for authorization in &around.transaction.authorizations {
                    if authorization.authority.is_some_and(|authority| authority == SYSTEM) {
                        let reason = "the system's account authorizes nobody";
                        return Err(TermsError::Rejected(Rejection::OfChain(reason)));
                    }
                }
                Ok(terms)
            }
            _ => Ok(terms),
        }
    }

    fn settle(
        &self,
        around: &TransactionContext<'_>,
        end: &MessageEnd<'_>,
        mut settlement: Settlement,
    ) -> Result<Settlement, HostError> {
        let limit = U256::from(around.transaction.gas_limit);
        let burned = limit * U256::from(around.block.base_fee);
        settlement.returned = U256::ZERO;
        settlement.gas_refunded = 0;
        if settlement.gas_used < end.gas_spent {
            settlement.gas_used = end.gas_spent;
        }
        settlement.paid.clear();
        settlement.paid.push((around.block.coinbase, limit.saturating_mul(end.gas_price) - burned));
        Ok(settlement)
    }
}

/// The contract in which validators are staked (staking/mod.rs, `run_staking_precompile`). What it answers to calls of none of its methods
/// is here: whoever calls any address meets it. Its methods are not: a case that calls one has no answer.
static STAKING: CustomContract =
    CustomContract::new(address!("0000000000000000000000000000000000001000"), "STAKING", fast, plain);

/// Gas of a call of no method (staking/abi.rs, `FALLBACK`); all that was given is lost in any case.
const FALLBACK: u64 = 40_000;

const NO_METHOD: &str = "method not supported";

/// Its methods (staking/interface.rs).
const METHODS: [&str; 21] = [
    "getEpoch()",
    "getProposerValId()",
    "getValidator(uint64)",
    "getDelegator(uint64,address)",
    "getWithdrawalRequest(uint64,address,uint8)",
    "getConsensusValidatorSet(uint32)",
    "getSnapshotValidatorSet(uint32)",
    "getExecutionValidatorSet(uint32)",
    "getDelegations(address,uint64)",
    "getDelegators(uint64,address)",
    "addValidator(bytes,bytes,bytes)",
    "delegate(uint64)",
    "undelegate(uint64,uint256,uint8)",
    "withdraw(uint64,uint8)",
    "compound(uint64)",
    "claimRewards(uint64)",
    "changeCommission(uint64,uint256)",
    "externalReward(uint64)",
    "syscallOnEpochChange(uint64)",
    "syscallReward(address)",
    "syscallSnapshot()",
];

fn fast(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let message = call.message;
    let revert = |output: &'static str| FrameOutcome {
        status: FrameStatus::Revert,
        gas_left: 0,
        output: Bytes::from_static(output.as_bytes()),
        created: None,
        state_gas: Default::default(),
    };
    // One that is delegated to runs on another account.
    if message.kind != MessageKind::Call || message.is_static || message.address != message.code_address {
        return Ok(revert(""));
    }
    let selects = |method: &&str| message.input.starts_with(&keccak256(method)[..4]);
    match METHODS.iter().find(|method| selects(method)) {
        Some(method) => Err(HostError::new(format!("{method} of the staking contract is not written here"))),
        None if message.gas < FALLBACK => Ok(FrameOutcome::halted(Halt::OutOfGas, 0)),
        None => Ok(revert(NO_METHOD)),
    }
}

fn plain(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let mut outcome = FrameOutcome {
        status: FrameStatus::Revert,
        gas_left: 0,
        output: Bytes::new(),
        created: None,
        state_gas: Default::default(),
    };
    let is_call = matches!(call.message.kind, MessageKind::Call) && !call.message.is_static;
    if !is_call || call.message.is_delegated {
        return Ok(outcome);
    }
    if let Some((selector, _)) = call.message.input.split_first_chunk::<4>() {
        for method in METHODS {
            if keccak256(method)[..4] == *selector {
                return Err(HostError::new(format!("the staking contract has no {method} here")));
            }
        }
    }
    if call.message.gas >= FALLBACK {
        outcome.output = NO_METHOD.as_bytes().to_vec().into();
    } else {
        outcome.status = FrameStatus::Halt(Halt::OutOfGas);
    }
    Ok(outcome)
}

/// The contract that says whether a transaction has dipped into a reserve (reserve_balance/mod.rs, `run_reserve_balance_precompile`): as
/// with staking, calls of none of its methods are here, and its method is not, which follows every transfer of a transaction.
static RESERVE: CustomContract = CustomContract::new(
    address!("0000000000000000000000000000000000001001"),
    "RESERVE",
    reserve_fast,
    reserve_plain,
);

/// What it costs (reserve_balance/abi.rs).
const DIPPED_GAS: u64 = 100;

const DIPPED: &str = "dippedIntoReserve()";

fn reserve_fast(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let message = call.message;
    let revert = |output: &'static str| FrameOutcome {
        status: FrameStatus::Revert,
        gas_left: 0,
        output: Bytes::from_static(output.as_bytes()),
        created: None,
        state_gas: Default::default(),
    };
    if message.kind != MessageKind::Call || message.is_static || message.address != message.code_address {
        return Ok(revert(""));
    }
    if message.gas < DIPPED_GAS {
        return Ok(FrameOutcome::halted(Halt::OutOfGas, 0));
    }
    Ok(match message.input.strip_prefix(&keccak256(DIPPED)[..4]) {
        None => revert(NO_METHOD),
        Some(_) if !message.value.is_zero() => revert("value is nonzero"),
        Some([_, ..]) => revert("input is invalid"),
        Some([]) => return Err(HostError::new("nothing here follows the reserves")),
    })
}

fn reserve_plain(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    let mut outcome = FrameOutcome {
        status: FrameStatus::Revert,
        gas_left: 0,
        output: Bytes::new(),
        created: None,
        state_gas: Default::default(),
    };
    let is_call = matches!(call.message.kind, MessageKind::Call) && !call.message.is_static;
    if !is_call || call.message.is_delegated {
        return Ok(outcome);
    }
    let input = &call.message.input;
    let reason = if call.message.gas < DIPPED_GAS {
        outcome.status = FrameStatus::Halt(Halt::OutOfGas);
        ""
    } else if input.len() < 4 || input[..4] != keccak256(DIPPED)[..4] {
        NO_METHOD
    } else if call.message.value > U256::ZERO {
        "value is nonzero"
    } else if input.len() > 4 {
        "input is invalid"
    } else {
        return Err(HostError::new("the reserves are not followed here"));
    };
    outcome.output = reason.as_bytes().to_vec().into();
    Ok(outcome)
}
