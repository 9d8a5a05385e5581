//! Monad's rules as ours against `monad-revm`, step by step, on both engines: a program for each rule, which shows what the rule
//! changes, and the official tests.
#![allow(clippy::unwrap_used, reason = "a test: its helpers may panic as it may")]
#![allow(clippy::needless_pass_by_value, reason = "rows of a table read better without borrows")]

mod cases;
#[path = "../examples/monad/main.rs"]
mod monad;

use std::collections::BTreeMap;

use monad::{
    rules::{monad_eight, monad_nine},
    types::Monad,
};
use monad_revm::MonadHardfork;
use parallax_assembly::assemble;
use parallax_engine_interface::{Engine, Job};
use parallax_engine_revm::Revm;
use parallax_hooks::NoHooks;
use parallax_host_interface::{
    CustomTransactions, HostError, MessageEnd, Settlement, TransactionContext, TransactionRules,
};
use parallax_local_engine::LocalEngine;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_mini_interpreter::Mini;
use parallax_mini_machine::MiniEngine;
use parallax_primary_interpreter::Primary;
use parallax_primitives::{
    Address, Authorization, B256, BlockEnv, Bytecode, Bytes, Eip, FrameStatus, Halt, Parameter as P, Rules,
    RulesBuilder, Switch, Transaction, TransactionType, TxOutcome, U256, address, hex,
};
use parallax_shadow_diff::{Compared, ShadowConfig, ShadowMode, Verdict, compare_engines};
use parallax_state_tests::Case;

const SENDER: Address = Address::repeat_byte(0x11);
const TO: Address = Address::repeat_byte(0x22);
const DELEGATE: Address = Address::repeat_byte(0x33);
const STAKING: Address = address!("0000000000000000000000000000000000001000");
const RESERVE: Address = address!("0000000000000000000000000000000000001001");

/// One of ours beside `monad-revm`, which is watched: it does the same then as when nobody looks.
fn compare(hardfork: MonadHardfork, job: &Job<'_>, ours: &dyn Engine) -> Compared {
    let monad = Revm::new(Monad { hardfork, rules: job.rules });
    let config = ShadowConfig::between(&monad, ours, ShadowMode::PerStep);
    let compared = compare_engines(&monad, ours, job, &config);
    if compared.verdict == Verdict::Agree {
        let alone = monad.execute(job, &mut NoHooks);
        assert_eq!(alone.as_ref().ok(), compared.results[0].as_ref().ok());
    }
    compared
}

/// Both of ours, one after the other.
fn compare_both(hardfork: MonadHardfork, job: &Job<'_>) -> [Compared; 2] {
    let primary = LocalEngine::new("primary", Primary::default(), &parallax_precompiles::Contracts);
    let mini = MiniEngine::new("mini", Mini, &parallax_mini_precompiles::Contracts);
    [compare(hardfork, job, &primary), compare(hardfork, job, &mini)]
}

/// A transaction and the world around it.
struct Program {
    world: MemoryDatabase,
    transaction: Transaction,
}

impl Program {
    /// A call of code, by a sender who has enough, at 7 wei a gas of which 5 are burned.
    fn new(code: &str) -> Self {
        let mut world = MemoryDatabase::with_code(TO, assemble(code).unwrap());
        let sender = Account { balance: U256::from(10_u64.pow(18)), ..Account::default() };
        world.accounts.insert(SENDER, sender);
        let transaction = Transaction {
            sender: SENDER,
            to: Some(TO),
            gas_limit: 10_000_000,
            max_fee_per_gas: U256::from(7),
            max_priority_fee_per_gas: U256::from(7),
            ..Transaction::default()
        };
        Self { world, transaction }
    }

    /// A call of an address with input.
    fn call(to: Address, input: &[u8]) -> Self {
        Self::new("STOP").with(|transaction| {
            transaction.to = Some(to);
            transaction.input = Bytes::copy_from_slice(input);
        })
    }

    /// The account that is called delegates.
    fn delegating(mut self, to: Address) -> Self {
        let code = Bytecode::delegating_to(to);
        let before = self.world.accounts.insert(TO, Account { code, ..Account::default() });
        self.world.accounts.insert(DELEGATE, before.unwrap());
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Transaction)) -> Self {
        change(&mut self.transaction);
        self
    }

    fn balance(mut self, wei: u64) -> Self {
        self.world.accounts.get_mut(&SENDER).unwrap().balance = U256::from(wei);
        self
    }

    fn run(&self, hardfork: MonadHardfork, rules: Rules) -> [Compared; 2] {
        let block = BlockEnv { base_fee: 5, gas_limit: 100_000_000, ..BlockEnv::default() };
        let (transaction, database) = (&self.transaction, &self.world);
        let job =
            Job { rules, chain_id: rules.chain_id(), block: &block, subject: transaction.into(), database };
        compare_both(hardfork, &job)
    }

    /// Under the rules both of ours do what `monad-revm` does; what that is.
    #[track_caller]
    fn agrees(&self, rules: RulesBuilder) -> Option<TxOutcome> {
        let mut outcome = None;
        for compared in self.run(hardfork(&rules), rules.build().unwrap()) {
            assert!(
                matches!(compared.verdict, Verdict::Agree | Verdict::Rejected(_)),
                "{:?}",
                compared.verdict
            );
            outcome = compared.results[0].as_ref().ok().and_then(|execution| execution.outcome.clone());
        }
        outcome
    }

    /// Without one of the rules both of ours part from it.
    #[track_caller]
    fn shows(&self, rules: fn() -> RulesBuilder, without: impl Fn(RulesBuilder) -> RulesBuilder) {
        self.agrees(rules());
        for compared in self.run(hardfork(&rules()), without(rules()).build().unwrap()) {
            assert!(matches!(compared.verdict, Verdict::Diverge(_)), "{:?}", compared.verdict);
        }
    }
}

fn hardfork(rules: &RulesBuilder) -> MonadHardfork {
    match rules.clone().build().unwrap().has(Eip::CountZeros7939) {
        false => MonadHardfork::MonadEight,
        true => MonadHardfork::MonadNine,
    }
}

/// Ethereum's terms on both machines.
static ETHEREUM: CustomTransactions = CustomTransactions::new("ETHEREUM", &[], &Terms::<0>, &Terms::<1>);

struct Terms<const SIDE: usize>;

impl<const SIDE: usize> TransactionRules for Terms<SIDE> {
    fn settle(
        &self,
        _: &TransactionContext<'_>,
        _: &MessageEnd<'_>,
        ethereum: Settlement,
    ) -> Result<Settlement, HostError> {
        Ok(ethereum)
    }
}

#[test]
fn the_example_runs() {
    monad::main().unwrap();
}

#[test]
fn each_number_shows() {
    // 12 rounds; a proof that holds.
    let blake = [&[0, 0, 0, 12][..], &[0; 209]].concat();
    let known = include_str!("../../precompiles/tests/known_answers.txt").lines();
    let proof = known.filter_map(|line| line.strip_prefix("kzg 0x000a ")).next().unwrap();
    let proof = hex::decode(proof.split(' ').next().unwrap()).unwrap();
    let contract =
        |number: u16, input: &[u8]| Program::call(Address::left_padding_from(&number.to_be_bytes()), input);
    let creating = |initcode: Vec<u8>| {
        Program::new("STOP").with(|transaction| {
            transaction.to = None;
            transaction.input = initcode.into();
        })
    };
    let large = assemble("PUSH 25000 PUSH 0 RETURN").unwrap();
    for (parameter, ethereum, program) in [
        (P::cold_account, 2500, Program::new("PUSH 0x1234 BALANCE")),
        (P::cold_slot_load, 2000, Program::new("PUSH 0 SLOAD")),
        (P::cold_slot_store, 2100, Program::new("PUSH 1 PUSH 0 SSTORE")),
        (P::max_code_size, 24_576, creating(large.to_vec())),
        (P::max_initcode_size, 49_152, creating(vec![0; 50_000])),
        (P::tx_gas_cap, u64::MAX, Program::new("STOP").with(|tx| tx.gas_limit = 30_000_001)),
        (P::precompile_ecrecover, 3000, contract(1, &[])),
        (P::precompile_bn254_add, 150, contract(6, &[])),
        (P::precompile_bn254_mul, 6000, contract(7, &[])),
        (P::precompile_bn254_pairing, 45_000, contract(8, &[])),
        (P::precompile_bn254_pairing_pair, 34_000, contract(8, &[0; 192])),
        (P::precompile_blake2f_round, 1, contract(9, &blake)),
        (P::precompile_point_evaluation, 50_000, contract(10, &proof)),
    ] {
        for rules in [monad_eight, monad_nine] {
            program.shows(rules, |rules| rules.parameter(parameter, ethereum));
        }
    }
    contract(0x100, &[]).shows(monad_eight, |rules| rules.without(Eip::P256Verify7951));

    let memory = Program::new("PUSH 1 PUSH 0x20000 MSTORE PUSH 1 PUSH 0x40000 MSTORE");
    memory.shows(monad_nine, |rules| rules.parameter(P::memory_word, 3));
    memory.shows(monad_nine, |rules| rules.parameter(P::memory_word_divisor, 1));
    memory.shows(monad_nine, |rules| rules.parameter(P::memory_quadratic_divisor, 512));
    memory.agrees(monad_eight());
    // A word that costs nothing is a word more, of whichever region it is.
    Program::new("PUSH 1 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0x44 GAS CALL MSIZE").agrees(monad_nine());
    Program::new("PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 0 PUSH 0x44 GAS CALL MSIZE").agrees(monad_nine());
}

#[test]
fn no_creation_on_an_account_that_delegates() {
    let create = "PUSH 0 PUSH 0 PUSH 0 CREATE";
    let create2 = "PUSH 0 PUSH 0 PUSH 0 PUSH 0 CREATE2";
    for (code, rules) in [(create, monad_eight as fn() -> RulesBuilder), (create2, monad_nine)] {
        let program = Program::new(code).delegating(DELEGATE);
        let outcome = program.agrees(rules()).unwrap();
        assert_eq!(outcome.status, FrameStatus::Halt(Halt::UndefinedOpcode));
        program.shows(rules, |rules| rules.switch(Switch::NoCreationOnDelegating, false));
        // On its own account the code may.
        let outcome = Program::new(code).agrees(rules()).unwrap();
        assert_eq!(outcome.status, FrameStatus::Success);
    }
    // Code that is called by DELEGATECALL runs on the account of who calls.
    let far = format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0x{} GAS DELEGATECALL STOP", hex::encode([0x44; 20]));
    let mut program = Program::new(&far).delegating(DELEGATE);
    let code = Bytecode::new(assemble(create).unwrap());
    program.world.accounts.insert(Address::repeat_byte(0x44), Account { code, ..Account::default() });
    program.shows(monad_eight, |rules| rules.switch(Switch::NoCreationOnDelegating, false));
}

#[test]
fn a_delegate_that_is_a_contract_runs() {
    let identity = Address::with_last_byte(4);
    let program = Program::call(TO, b"abc").delegating(identity);
    assert_eq!(program.agrees(monad_eight()).unwrap().output[..], b"abc"[..]);
    program.shows(monad_eight, |rules| rules.switch(Switch::DelegatedContracts, false));
    for kind in ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"] {
        let value = if matches!(kind, "CALL" | "CALLCODE") { "PUSH 0" } else { "" };
        let code = format!(
            "PUSH 3 PUSH 0 MSTORE8 PUSH 1 PUSH 1 PUSH 1 PUSH 0 {value} PUSH 0x{} GAS {kind} PUSH 0 MLOAD",
            hex::encode([0x44; 20])
        );
        let mut program = Program::new(&code);
        let code = Bytecode::delegating_to(identity);
        program.world.accounts.insert(Address::repeat_byte(0x44), Account { code, ..Account::default() });
        program.shows(monad_eight, |rules| rules.switch(Switch::DelegatedContracts, false));
        let code = Bytecode::delegating_to(STAKING);
        program.world.accounts.insert(Address::repeat_byte(0x44), Account { code, ..Account::default() });
        program.agrees(monad_eight());
    }
}

#[test]
fn a_transaction_is_paid_for_by_its_limit() {
    let ethereum = |rules: RulesBuilder| rules.transactions(&ETHEREUM);
    // A slot is cleared: nothing is refunded.
    let mut clears = Program::new("PUSH 0 PUSH 0 SSTORE");
    clears.world.accounts.get_mut(&TO).unwrap().storage.insert(U256::ZERO, U256::ONE);
    let outcome = clears.agrees(monad_eight()).unwrap();
    assert_eq!((outcome.gas_used, outcome.gas_refunded), (21_000 + 4 + 8100 + 2900, 0));
    clears.shows(monad_eight, ethereum);
    // The floor of calldata is above what is used.
    let floor = Program::call(TO, &[1; 1000]);
    assert_eq!(floor.agrees(monad_eight()).unwrap().gas_used, 21_000 + 40_000);
    // The fee is there, the value is not: that is no rejection.
    let poor = Program::new("STOP").with(|tx| tx.value = U256::from(1000)).balance(70_000_999);
    let outcome = poor.agrees(monad_eight()).unwrap();
    assert_eq!(outcome.status, FrameStatus::Halt(Halt::InsufficientBalance));
    poor.shows(monad_eight, ethereum);
    assert_eq!(Program::new("STOP").balance(69_999_999).agrees(monad_eight()), None);

    let blobs = Program::new("STOP").with(|tx| {
        tx.kind = TransactionType::Blob;
        tx.max_fee_per_blob_gas = U256::ONE;
        tx.blob_hashes = vec![B256::with_last_byte(1) | B256::left_padding_from(&[1; 32]); 1];
    });
    assert_eq!(blobs.agrees(monad_eight()), None);
    blobs.shows(monad_eight, ethereum);

    let system = address!("6f49a8F621353f12378d0046E7d7e4b9B249DC9e");
    let authorizes = |authority| {
        Program::new("STOP").with(|tx| {
            tx.kind = TransactionType::SetCode;
            tx.authorizations = vec![Authorization {
                chain_id: U256::ZERO,
                address: DELEGATE,
                nonce: 0,
                authority: Some(authority),
            }];
        })
    };
    assert_eq!(authorizes(system).agrees(monad_eight()), None);
    authorizes(system).shows(monad_eight, ethereum);
    assert!(authorizes(DELEGATE).agrees(monad_eight()).is_some());
}

/// `monad-revm` bumps the nonce of a creating transaction's sender where the created account is made, and not where that cannot be paid
/// for (handler.rs, `if tx.kind().is_call()`): the one difference that is not ours to have. The nonce stays, and the transaction could be
/// sent again.
#[test]
fn a_creation_without_its_value_keeps_its_nonce_there() {
    let program = Program::new("STOP").with(|tx| (tx.to, tx.value) = (None, U256::from(2)));
    let program = program.balance(70_000_001);
    for compared in program.run(MonadHardfork::MonadEight, monad_eight().build().unwrap()) {
        let Verdict::Diverge(divergence) = compared.verdict else { panic!("{:?}", compared.verdict) };
        assert!(divergence.one_line(400).contains("nonce"), "{divergence}");
    }
}

#[test]
fn calls_of_no_method_are_as_there() {
    let no_method = |outcome: TxOutcome| {
        assert_eq!((outcome.status, outcome.gas_used), (FrameStatus::Revert, 10_000_000));
        assert_eq!(outcome.output[..], b"method not supported"[..]);
    };
    let dipped = hex!("3a61584e");
    for input in [&b""[..], &[1, 2, 3], &[1, 2, 3, 4], &dipped] {
        no_method(Program::call(STAKING, input).agrees(monad_eight()).unwrap());
        let sends = Program::call(STAKING, input).with(|tx| tx.value = U256::ONE);
        no_method(sends.agrees(monad_nine()).unwrap());
    }
    for (input, value, expected) in [
        (&b""[..], 0, "method not supported"),
        (&dipped[..3], 1, "method not supported"),
        (&dipped, 1, "value is nonzero"),
        (&[&dipped[..], &[0]].concat(), 0, "input is invalid"),
    ] {
        let call = || Program::call(RESERVE, input).with(|tx| tx.value = U256::from(value));
        let outcome = call().agrees(monad_nine()).unwrap();
        assert_eq!(outcome.output[..], *expected.as_bytes());
        assert_eq!(call().agrees(monad_eight()).unwrap().status, FrameStatus::Success);
    }
    for (to, least) in [(STAKING, 40_000), (RESERVE, 100)] {
        for (gas, status) in [(least, FrameStatus::Revert), (least - 1, FrameStatus::Halt(Halt::OutOfGas))] {
            let outcome = Program::call(to, &[]).with(|tx| tx.gas_limit = 21_000 + gas).agrees(monad_nine());
            assert_eq!(outcome.unwrap().status, status, "{to} {gas}");
        }
        for kind in ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"] {
            let value = if matches!(kind, "CALL" | "CALLCODE") { "PUSH 0" } else { "" };
            let code = format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 {value} PUSH {to} GAS {kind} RETURNDATASIZE");
            Program::new(&code).agrees(monad_nine());
        }
        let delegated = Program::call(TO, &[]).delegating(to);
        assert_eq!(delegated.agrees(monad_nine()).unwrap().status, FrameStatus::Revert);
    }
    // What a method does is not here: nobody agrees.
    for (to, input) in [(STAKING, hex!("757991a8")), (RESERVE, dipped)] {
        for compared in Program::call(to, &input).run(MonadHardfork::MonadNine, monad_nine().build().unwrap())
        {
            assert!(matches!(compared.verdict, Verdict::Poisoned(_)), "{:?}", compared.verdict);
        }
    }
}

#[derive(Default)]
struct Count {
    /// For each fork of Monad's: cases that agree, and that are rejected, on both of ours.
    agreed: BTreeMap<&'static str, [usize; 2]>,
    others: Vec<String>,
}

/// Each official case of Prague and of Osaka under the rules that Monad built on them. What the files expect is mainnet's, so the
/// engines are compared with each other alone.
#[test]
fn official_cases_agree_step_by_step() {
    let Some(folder) = cases::official_tests() else { return };
    let forks = [
        ("Prague", MonadHardfork::MonadEight, monad_eight().build().unwrap()),
        ("Osaka", MonadHardfork::MonadNine, monad_nine().build().unwrap()),
    ];
    let check = |case: &Case, count: &mut Count| {
        let Some((_, hardfork, rules)) = forks.iter().find(|fork| fork.0 == &*case.fork_name) else { return };
        let Ok(job) = case.job() else { return };
        let verdicts =
            compare_both(*hardfork, &Job { rules: *rules, ..job }).map(|compared| compared.verdict);
        let [agreed, rejected] = count.agreed.entry(rules.name()).or_default();
        match &verdicts {
            [Verdict::Agree, Verdict::Agree] => *agreed += 1,
            [Verdict::Rejected(_), Verdict::Rejected(_)] => *rejected += 1,
            other => count.others.push(format!("{} {} {} {}: {other:?}", case.name, case.d, case.g, case.v)),
        }
    };
    let total: Count = cases::count(&folder, check, |total: &mut Count, count: Count| {
        for (name, [agreed, rejected]) in count.agreed {
            let sum = total.agreed.entry(name).or_default();
            *sum = [sum[0] + agreed, sum[1] + rejected];
        }
        total.others.extend(count.others);
    });
    eprintln!("agree and rejected: {:?}", total.agreed);
    let shown = total.others.iter().take(10).map(String::as_str).collect::<Vec<_>>();
    assert!(shown.is_empty(), "{} do not:\n{}", total.others.len(), shown.join("\n"));
    for (_, _, rules) in forks {
        assert!(total.agreed[rules.name()][0] > 4000, "{:?}", total.agreed);
    }
}
