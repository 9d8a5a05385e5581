//! What a chain has otherwise around a transaction's message, on both machines: they agree step by step, and what comes of it is as
//! the terms say.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_assembly::assemble;
use parallax_campaign::{DiffSetup, engines::EngineName};
use parallax_engine_interface::{EngineError, Execution, Job};
use parallax_host_interface::{
    AccountChange, CustomTransactions, Funds, HostError, MessageEnd, Settlement, Terms, TermsError,
    TransactionContext, TransactionRules, Waived,
};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{
    Address, Authorization, BlockEnv, Bytecode, Bytes, Eip, Fork, FrameStatus, Halt, Rejection, Rules,
    Transaction, TransactionType, U256,
};
use parallax_shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines};

const SENDER: Address = Address::repeat_byte(0x11);
const TO: Address = Address::repeat_byte(0x22);
const COINBASE: Address = Address::repeat_byte(0x33);
const VAULT: Address = Address::repeat_byte(0x44);
const TYPE: TransactionType = TransactionType::Custom(0x7e);

type TermsOf = fn(&TransactionContext<'_>) -> Result<Terms, TermsError>;
type SettleOf = fn(&TransactionContext<'_>, &MessageEnd<'_>, Settlement) -> Settlement;
type DecodeOf = fn(&Bytes) -> Result<Transaction, String>;

/// One machine's: a type for each side.
struct Side<const SIDE: usize> {
    terms: TermsOf,
    settle: SettleOf,
    decode: DecodeOf,
}

impl<const SIDE: usize> TransactionRules for Side<SIDE> {
    fn decode(&self, envelope: &Bytes) -> Result<Transaction, String> {
        (self.decode)(envelope)
    }

    fn terms(&self, around: &TransactionContext<'_>) -> Result<Terms, TermsError> {
        (self.terms)(around)
    }

    fn settle(
        &self,
        around: &TransactionContext<'_>,
        end: &MessageEnd<'_>,
        ethereum: Settlement,
    ) -> Result<Settlement, HostError> {
        Ok((self.settle)(around, end, ethereum))
    }
}

/// What is run, and under what.
struct World {
    terms: [TermsOf; 2],
    settle: [SettleOf; 2],
    decode: [DecodeOf; 2],
    fork: Fork,
    block: BlockEnv,
    database: MemoryDatabase,
    transaction: Transaction,
}

impl World {
    /// A call of code that answers GASPRICE, at 10 wei a gas, 7 of them the base fee, on these terms.
    fn new(terms: TermsOf) -> Self {
        let mut database =
            MemoryDatabase::with_code(TO, assemble("GASPRICE PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN").unwrap());
        let sender = Account { nonce: 5, balance: U256::from(10_000_000), ..Account::default() };
        database.accounts.insert(SENDER, sender);
        Self {
            terms: [terms; 2],
            settle: [|_, _, ethereum| ethereum; 2],
            decode: [|_| Ok(custom()); 2],
            fork: Fork::Osaka,
            block: BlockEnv { coinbase: COINBASE, base_fee: 7, gas_limit: 1_000_000, ..BlockEnv::default() },
            database,
            transaction: Transaction {
                sender: SENDER,
                to: Some(TO),
                nonce: 5,
                gas_limit: 100_000,
                max_fee_per_gas: U256::from(10),
                max_priority_fee_per_gas: U256::from(10),
                ..Transaction::default()
            },
        }
    }

    fn transaction(mut self, change: impl FnOnce(&mut Transaction)) -> Self {
        change(&mut self.transaction);
        self
    }

    fn sender(mut self, change: impl FnOnce(&mut Account)) -> Self {
        change(self.database.accounts.get_mut(&SENDER).unwrap());
        self
    }

    fn settle(mut self, settle: SettleOf) -> Self {
        self.settle = [settle; 2];
        self
    }

    fn rules(&self) -> Rules {
        let fast = Side::<0> { terms: self.terms[0], settle: self.settle[0], decode: self.decode[0] };
        let plain = Side::<1> { terms: self.terms[1], settle: self.settle[1], decode: self.decode[1] };
        let (fast, plain) = (Box::leak(Box::new(fast)), Box::leak(Box::new(plain)));
        let own = CustomTransactions::new("OWN", &[0x7e], fast, plain);
        Rules::builder(self.fork).transactions(Box::leak(Box::new(own))).build().unwrap()
    }

    /// Both machines, step by step.
    fn compare(&self) -> (Verdict, Result<Execution, EngineError>) {
        let [left, right] = [EngineName::Primary, EngineName::Mini].map(EngineName::engine);
        let Self { block, database, transaction, .. } = self;
        let job = Job { rules: self.rules(), chain_id: 1, block, subject: transaction.into(), database };
        let mut compared = compare_engines(
            &*left,
            &*right,
            &job,
            &ShadowConfig::between(&*left, &*right, ShadowMode::PerStep),
        );
        let [result, _] = std::array::from_fn(|i| std::mem::replace(&mut compared.results[i], taken()));
        (compared.verdict, result)
    }

    #[track_caller]
    fn runs(&self) -> Execution {
        let (verdict, result) = self.compare();
        assert!(matches!(verdict, Verdict::Agree), "{verdict:?}");
        result.unwrap()
    }

    #[track_caller]
    fn is_rejected(&self, expected: Rejection) {
        let (verdict, result) = self.compare();
        assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
        assert!(matches!(result, Err(EngineError::Rejected(reason)) if reason == expected), "{result:?}");
    }

    #[track_caller]
    fn is_poisoned(&self, expected: [&str; 2]) {
        let (verdict, _) = self.compare();
        let Verdict::Poisoned(reason) = &verdict else { panic!("{verdict:?}") };
        assert!(expected.iter().any(|expected| reason.contains(expected)), "{reason}");
    }
}

fn taken() -> Result<Execution, EngineError> {
    Err(HostError::new("taken").into())
}

const fn ethereum(_: &TransactionContext<'_>) -> Result<Terms, TermsError> {
    Ok(Terms::ETHEREUM)
}

/// A transaction of a type of the chain's own: what every envelope here says.
fn custom() -> Transaction {
    Transaction {
        kind: TYPE,
        sender: SENDER,
        to: Some(TO),
        gas_limit: 100_000,
        envelope: [0x7e, 0xc0].into(),
        ..Transaction::default()
    }
}

fn balance(execution: &Execution, address: Address) -> Option<u64> {
    match execution.changes.accounts.get(&address)? {
        AccountChange::Changed { balance, .. } => Some(balance.saturating_to()),
        AccountChange::Deleted => None,
    }
}

fn nonce(execution: &Execution, address: Address) -> Option<u64> {
    match execution.changes.accounts.get(&address)? {
        AccountChange::Changed { nonce, .. } => Some(*nonce),
        AccountChange::Deleted => None,
    }
}

/// Gas of the call: 21,000, and six cheap opcodes with a word of memory.
const GAS: u64 = 21_000 + 2 + 2 + 6 + 3 + 2;

#[test]
fn terms_of_ethereum_change_nothing() {
    let execution = World::new(ethereum).runs();
    let outcome = execution.outcome.as_ref().unwrap();
    assert_eq!((outcome.status, outcome.gas_used, outcome.output[31]), (FrameStatus::Success, GAS, 10));
    assert_eq!(balance(&execution, SENDER), Some(10_000_000 - 10 * GAS));
    assert_eq!(balance(&execution, COINBASE), Some(3 * GAS));
}

#[test]
fn what_is_waived_is_not_checked_and_all_else_is() {
    fn waived(waived: Waived) -> Result<Terms, TermsError> {
        Ok(Terms { waived, ..Terms::ETHEREUM })
    }
    /// What breaks a rule, the terms that waive it, and the rule.
    type Case = (fn(World) -> World, TermsOf, Rejection);
    let cases: [Case; 7] = [
        (
            |world| world.transaction(|it| it.nonce = 9),
            |_| waived(Waived { nonce: true, ..Waived::default() }),
            Rejection::NonceTooHigh { transaction: 9, sender: 5 },
        ),
        (
            |world| world.transaction(|it| it.nonce = 1),
            |_| waived(Waived { nonce: true, ..Waived::default() }),
            Rejection::NonceTooLow { transaction: 1, sender: 5 },
        ),
        (
            |world| world.transaction(|it| it.nonce = u64::MAX),
            |_| waived(Waived { nonce: true, ..Waived::default() }),
            Rejection::NonceIsMax,
        ),
        (
            |world| world.sender(|it| it.code = Bytecode::new([0].into())),
            |_| waived(Waived { sender_code: true, ..Waived::default() }),
            Rejection::SenderHasCode,
        ),
        (
            |world| world.transaction(|it| it.max_fee_per_gas = U256::from(6)),
            |_| waived(Waived { fees: true, ..Waived::default() }),
            Rejection::FeeBelowBaseFee { max_fee: U256::from(6), base_fee: 7 },
        ),
        (
            |mut world| {
                world.block.gas_limit = 99_999;
                world
            },
            |_| waived(Waived { gas_limits: true, ..Waived::default() }),
            Rejection::GasAboveBlock { transaction: 100_000, block: 99_999 },
        ),
        (
            |mut world| {
                world.block.gas_limit = u64::MAX;
                world = world.sender(|it| it.balance = U256::from(1_000_000_000));
                world.transaction(|it| it.gas_limit = (1 << 24) + 1)
            },
            |_| waived(Waived { gas_limits: true, ..Waived::default() }),
            Rejection::GasAboveCap { limit: (1 << 24) + 1, cap: 1 << 24 },
        ),
    ];
    for (change, terms, rejection) in cases {
        change(World::new(ethereum)).is_rejected(rejection);
        let execution = change(World::new(terms)).runs();
        assert_eq!(execution.outcome.unwrap().gas_used, GAS, "{rejection}");
        // Everything else is checked.
        change(World::new(terms))
            .transaction(|it| it.chain_id = Some(2))
            .is_rejected(Rejection::WrongChainId { transaction: 2, chain: 1 });
    }
}

#[test]
fn a_creation_of_any_nonce_goes_where_its_sender_stands() {
    let terms: TermsOf =
        |_| Ok(Terms { waived: Waived { nonce: true, ..Waived::default() }, ..Terms::ETHEREUM });
    let create = |it: &mut Transaction| (it.to, it.nonce) = (None, 77);
    let execution = World::new(terms).transaction(create).runs();
    assert_eq!(execution.outcome.as_ref().unwrap().created, Some(SENDER.create(5)));
    assert_eq!(nonce(&execution, SENDER), Some(6));
    World::new(terms).sender(|it| it.nonce = u64::MAX).is_rejected(Rejection::NonceIsMax);
}

#[test]
fn funds_are_looked_at_as_the_terms_say() {
    // The sender has what the gas costs, and not the value.
    let poor = |terms| {
        World::new(terms).sender(|it| it.balance = U256::from(1_000_010)).transaction(|it| {
            it.value = U256::from(11);
        })
    };
    let (balance_is, needed) = (U256::from(1_000_010), U256::from(1_000_011));
    poor(ethereum).is_rejected(Rejection::InsufficientFunds { balance: balance_is, needed });
    let taken: TermsOf = |_| Ok(Terms { funds: Funds::Taken, ..Terms::ETHEREUM });
    let execution = poor(taken).runs();
    let outcome = execution.outcome.as_ref().unwrap();
    assert_eq!(outcome.status, FrameStatus::Halt(Halt::InsufficientBalance));
    assert_eq!((outcome.gas_used, nonce(&execution, SENDER)), (21_000, Some(6)));
    // What is taken has to be there to the last wei, the fee besides included.
    let with_fee: TermsOf =
        |_| Ok(Terms { funds: Funds::Taken, extra_fee: U256::from(11), ..Terms::ETHEREUM });
    poor(with_fee).is_rejected(Rejection::InsufficientFunds { balance: balance_is, needed });
    // A mint is the sender's.
    let minted: TermsOf = |_| Ok(Terms { mint: U256::from(1), ..Terms::ETHEREUM });
    let execution = poor(minted).runs();
    assert_eq!(balance(&execution, SENDER), Some(1_000_010 + 1 - 11 - 10 * GAS));
    // A price that was not checked for, and is not there.
    let dear: TermsOf = |_| Ok(Terms { gas_price: Some(U256::from(11)), ..Terms::ETHEREUM });
    poor(dear).sender(|it| it.balance = U256::from(1_000_012)).is_poisoned(["sender has less", "is to pay"]);
}

#[test]
fn prices_and_fees_are_the_chains() {
    let terms: TermsOf = |_| {
        Ok(Terms {
            gas_price: Some(U256::from(4)),
            intrinsic_gas: Some(1000),
            floor_gas: Some(1500),
            extra_fee: U256::from(777),
            ..Terms::ETHEREUM
        })
    };
    let world = World::new(terms).settle(|_, end, mut settled| {
        assert_eq!((end.status, end.gas_spent, end.refund), (FrameStatus::Success, GAS - 20_000, 0));
        assert_eq!((end.gas_price, settled.gas_used), (U256::from(4), 1500));
        assert_eq!((settled.returned, settled.gas_refunded), (U256::from(4 * 98_500), 0));
        // Less than the base fee is no tip.
        assert_eq!(settled.paid, [(COINBASE, U256::ZERO)]);
        settled.returned += U256::from(77);
        settled.paid.push((VAULT, U256::from(700)));
        settled.gas_used = 1501;
        settled.gas_refunded = 3;
        settled
    });
    let execution = world.runs();
    let outcome = execution.outcome.as_ref().unwrap();
    assert_eq!((outcome.gas_used, outcome.gas_refunded, outcome.output[31]), (1501, 3, 4));
    assert_eq!(balance(&execution, SENDER), Some(10_000_000 - 4 * 1500 - 700));
    assert_eq!(balance(&execution, VAULT), Some(700));
    assert_eq!(execution.changes.accounts.len(), 2, "nobody else has got anything");
    let below = World::new(|_| Ok(Terms { intrinsic_gas: Some(100_001), ..Terms::ETHEREUM }));
    below.is_rejected(Rejection::IntrinsicGas { limit: 100_000, intrinsic: 100_001 });
    let below = World::new(|_| Ok(Terms { floor_gas: Some(100_001), ..Terms::ETHEREUM }));
    below.is_rejected(Rejection::CalldataFloor { limit: 100_000, floor: 100_001 });
}

#[test]
fn the_whole_limit_can_be_what_is_paid_for() {
    // As Monad has it: gas is paid for as it was bought, and none is refunded.
    let world = World::new(ethereum).settle(|around, end, mut settled| {
        let limit = around.transaction.gas_limit;
        let base_fee = U256::from(around.block.base_fee);
        (settled.gas_used, settled.gas_refunded, settled.returned) = (limit, 0, U256::ZERO);
        settled.paid = vec![(around.block.coinbase, (end.gas_price - base_fee) * U256::from(limit))];
        settled
    });
    let execution = world.runs();
    assert_eq!(execution.outcome.as_ref().unwrap().gas_used, 100_000);
    assert_eq!(balance(&execution, SENDER), Some(9_000_000));
    assert_eq!(balance(&execution, COINBASE), Some(300_000));
}

#[test]
fn a_transaction_that_would_be_rejected_can_fail_instead() {
    let fails: TermsOf =
        |_| Ok(Terms { fails_as: Some(Halt::InsufficientBalance), mint: U256::from(50), ..Terms::ETHEREUM });
    for create in [false, true] {
        let authorization =
            Authorization { chain_id: U256::ZERO, address: TO, nonce: 0, authority: Some(VAULT) };
        let world = World::new(fails).transaction(|it| {
            it.value = U256::from(10_000_000);
            it.authorizations = vec![authorization];
            if create {
                it.to = None;
            }
        });
        let execution = world.runs();
        let outcome = execution.outcome.as_ref().unwrap();
        assert_eq!(outcome.status, FrameStatus::Halt(Halt::InsufficientBalance));
        assert_eq!((outcome.gas_used, outcome.created), (100_000, None));
        // The mint stays, the nonce went up, no fee was taken, and nothing was delegated.
        assert_eq!((balance(&execution, SENDER), nonce(&execution, SENDER)), (Some(10_000_050), Some(6)));
        assert_eq!(nonce(&execution, VAULT), None);
    }
    // One that breaks no rule runs.
    assert_eq!(World::new(fails).runs().outcome.unwrap().gas_used, GAS);
    World::new(fails).transaction(|it| it.nonce = u64::MAX).is_rejected(Rejection::NonceIsMax);
    // The chain's own refusal is a refusal.
    let refuses: TermsOf = |around| match around.transaction.value.is_zero() {
        true => Ok(Terms { fails_as: Some(Halt::OutOfGas), ..Terms::ETHEREUM }),
        false => Err(Rejection::OfChain("no value here").into()),
    };
    World::new(refuses)
        .transaction(|it| it.value = U256::ONE)
        .is_rejected(Rejection::OfChain("no value here"));
}

#[test]
fn a_type_of_its_own_is_what_its_envelope_says() {
    let terms: TermsOf = |around| {
        assert_eq!((around.transaction.kind, around.chain_id), (TYPE, 1));
        let waived = Waived { nonce: true, fees: true, ..Waived::default() };
        Ok(Terms { waived, gas_price: Some(U256::ZERO), ..Terms::ETHEREUM })
    };
    let mut world = World::new(terms);
    world.transaction = custom();
    let execution = world.runs();
    assert_eq!(execution.outcome.as_ref().unwrap().output[31], 0);
    assert_eq!(balance(&execution, SENDER), Some(10_000_000));
    assert_eq!(nonce(&execution, SENDER), Some(6));

    // An access list and delegations are as those of a set-code transaction; it has no blobs.
    let authorization = Authorization { chain_id: U256::ZERO, address: TO, nonce: 0, authority: Some(VAULT) };
    world.transaction.authorizations = vec![authorization];
    world.transaction.blob_hashes = vec![U256::ONE.into()];
    world.decode = [|_| {
        let authorization =
            Authorization { chain_id: U256::ZERO, address: TO, nonce: 0, authority: Some(VAULT) };
        Ok(Transaction {
            authorizations: vec![authorization],
            blob_hashes: vec![U256::ONE.into()],
            ..custom()
        })
    }; 2];
    let execution = world.runs();
    assert_eq!(nonce(&execution, VAULT), Some(1));
    assert_eq!(execution.outcome.as_ref().unwrap().gas_used, GAS + 25_000);
    world.fork = Fork::Cancun;
    assert_eq!(nonce(&world.runs(), VAULT), None);
    world.fork = Fork::Osaka;
    world.transaction.to = None;
    world.decode = [|_| {
        let authorization =
            Authorization { chain_id: U256::ZERO, address: TO, nonce: 0, authority: Some(VAULT) };
        let blob_hashes = vec![U256::ONE.into()];
        Ok(Transaction { to: None, authorizations: vec![authorization], blob_hashes, ..custom() })
    }; 2];
    assert_eq!(nonce(&world.runs(), VAULT), None);

    let mut other = World::new(terms).transaction(|it| *it = Transaction { value: U256::ONE, ..custom() });
    other.is_poisoned(["is not what its envelope says", "the envelope of another one"]);
    other.decode = [|_| Err("cut off".to_owned()); 2];
    other.is_poisoned(["cut off", "cut off"]);
    let unknown = |kind| World::new(ethereum).transaction(|it| it.kind = TransactionType::Custom(kind));
    unknown(0x7d).is_rejected(Rejection::TypeNotSupported(0x7d));
}

#[test]
fn a_type_that_no_rules_know_is_rejected() {
    let world = World::new(ethereum).transaction(|it| *it = custom());
    let [left, right] = [EngineName::Primary, EngineName::Mini].map(EngineName::engine);
    let World { block, database, transaction, .. } = &world;
    let job = Job { rules: Fork::Osaka.into(), chain_id: 1, block, subject: transaction.into(), database };
    let compared =
        compare_engines(&*left, &*right, &job, &ShadowConfig::between(&*left, &*right, ShadowMode::PerStep));
    for result in compared.results {
        let expected = Rejection::TypeNotSupported(0x7e);
        assert!(matches!(result, Err(EngineError::Rejected(reason)) if reason == expected));
    }
}

#[test]
fn what_only_one_side_does_is_found() {
    let mut world = World::new(ethereum);
    world.settle[1] = |_, _, mut settled| {
        settled.paid.push((VAULT, U256::from(5)));
        settled
    };
    let (verdict, _) = world.compare();
    let Verdict::Diverge(divergence) = verdict else { panic!("{verdict:?}") };
    assert!(divergence.to_string().contains(&VAULT.to_string()), "{divergence}");
    let mut world = World::new(ethereum);
    world.terms[0] = |_| Err(Rejection::OfChain("closed").into());
    let (verdict, _) = world.compare();
    let Verdict::Diverge(divergence) = verdict else { panic!("{verdict:?}") };
    assert!(divergence.to_string().contains("closed"), "{divergence}");
}

#[test]
fn rules_of_one_hand_are_said_in_every_report() {
    static ONE: Side<0> =
        Side { terms: ethereum, settle: |_, _, ethereum| ethereum, decode: |_| Ok(custom()) };
    static OWN: CustomTransactions = CustomTransactions::new("OWN", &[0x7e], &ONE, &ONE).shared();
    let rules = Rules::builder(Fork::Osaka).transactions(&OWN).build().unwrap();
    let [left, right] = [EngineName::Primary, EngineName::Mini].map(EngineName::engine);
    let setup =
        DiffSetup::new("primary", "mini", &ShadowConfig::between(&*left, &*right, ShadowMode::PerStep))
            .on(rules);
    let expected = "OWN: both sides run one function, so it is not cross-checked";
    assert!(setup.tolerances.iter().any(|told| told == expected), "{:?}", setup.tolerances);
    // They stay when an EIP is switched.
    let without = rules.with_eips(rules.eips().without(Eip::CountZeros7939)).unwrap();
    assert!(without.custom_transactions().is_some());
    let revm = EngineName::Revm.engine();
    assert!(revm.unsupported(rules, &BlockEnv::default()).is_some());
}
