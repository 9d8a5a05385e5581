//! Numbered cases: number N of seed S is the same transaction into the same world everywhere, whoever makes it and when.

use parallax_engine_interface::Job;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, BlockEnv, Bytecode, Eip, Fork, Opcode, Rules, Transaction, U256};

use crate::{
    Kind, Program, Rest, Scenario, World,
    edges::{Edge, SUBJECTS, edge},
    random::Random,
    transactions::CHAIN_ID,
    writer::Writer,
};

/// Who calls a program that is to run in a static frame.
const STATIC_CALLER: Address = Address::repeat_byte(0x33);
/// The cap on a transaction's gas (EIP-7825).
const CAP: u64 = 1 << 24;
/// The gas of a program that may have as much as there is.
const AMPLE: u64 = 1 << 40;

/// What a case is called that is a transaction into a world of contracts.
pub const SCENARIO: &str = "scenario";
/// What a case is called that is a block: up to eight transactions over one state, system calls, rewards and withdrawals.
pub const BLOCK: &str = "block";
/// What a case is called that is one opcode on a constructed state.
pub const EDGES: &str = "edges";
/// Kinds whose programs are long, or hold a stack of hundreds of items.
const LONG: [&str; 7] = ["deep", "heights", "opcodes", "runs", "recovery", "temporaries", "large"];
/// How much less often what is long is drawn than it is where all kinds count alike.
const TIMES: usize = 8;
/// Most gas of a program, but of one in [`TIMES`]: some hundred opcodes.
const SHORT: u64 = 4000;

/// What cases are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// One of these rules, each as often as it is there; the newest fork if there are none.
    pub rules: &'a [Rules],
    /// One of these kinds ([`Kind::name`], [`EDGES`], [`SCENARIO`] or [`BLOCK`]). If there are none, a third of the cases are edges, a
    /// third are scenarios, one in eight of those a block, the others programs of all kinds, the long ones less often: most are over
    /// within some hundred opcodes.
    pub kinds: &'a [&'static str],
}

/// What a number stands for, before it is made.
enum Drawn {
    Edge,
    Scenario { is_mostly_short: bool },
    Block,
    Program { kind: &'static Kind, max_gas: u64 },
}

impl Draw<'_> {
    /// The rules of the cases: those that are drawn from, by their place.
    fn rules(&self, place: usize) -> Rules {
        self.rules.get(place).copied().unwrap_or(Rules::of(Fork::LATEST))
    }

    /// Where case `number` of `seed` begins, and the rules that are drawn for it.
    pub(crate) fn begin(&self, seed: u64, number: u64) -> (Random, Rules) {
        // Mixed twice: cases of neighbouring seeds have nothing in common.
        let mixed = Random::new(seed).bits();
        let mut random = Random::new(Random::new(mixed ^ number).bits());
        let rules = self.rules(random.below(self.rules.len().max(1)));
        (random, rules)
    }

    /// What case `number` of `seed` is, and what it is made from. Of edges the number itself says the subject and the rules: so whoever
    /// wants to see a subject knows which numbers to run.
    fn drawn(&self, seed: u64, number: u64) -> (Drawn, Rules, Random) {
        let (mut random, drawn_rules) = self.begin(seed, number);
        let of_number = self.rules(place(number / SUBJECTS, self.rules.len().max(1)));
        if !self.kinds.is_empty() {
            let name = random.pick(self.kinds);
            let kind = Kind::named(name).filter(|kind| kind.fits(drawn_rules));
            return match kind {
                Some(kind) => (Drawn::Program { kind, max_gas: u64::MAX }, drawn_rules, random),
                None if name == EDGES => (Drawn::Edge, of_number, random),
                None if name == BLOCK => (Drawn::Block, drawn_rules, random),
                None => (Drawn::Scenario { is_mostly_short: false }, drawn_rules, random),
            };
        }
        let is_long = random.once_in(TIMES);
        match random.below(3) {
            0 => return (Drawn::Edge, of_number, random),
            1 if random.once_in(8) => return (Drawn::Block, drawn_rules, random),
            1 => return (Drawn::Scenario { is_mostly_short: true }, drawn_rules, random),
            _ => {}
        }
        let kind = std::iter::repeat_with(|| Kind::drawn(random.below(1 << 30)))
            .find(|kind| kind.fits(drawn_rules) && (is_long || !LONG.contains(&kind.name)));
        // There are kinds that are short and need no EIP.
        let kind = kind.unwrap_or(&crate::KINDS[0]);
        let max_gas = if is_long { u64::MAX } else { SHORT };
        (Drawn::Program { kind, max_gas }, drawn_rules, random)
    }

    /// The number of a case of `seed` that is of [`EDGES`], under these rules and about this opcode, or, for `None`, about the transaction.
    /// Each `round` has another one. `None` if the rules or the kind are not drawn; or by chance, hardly ever.
    pub fn number_of(&self, seed: u64, rules: Rules, opcode: Option<Opcode>, round: u64) -> Option<u64> {
        const TRIES: u64 = 32;
        let rule = self.rules.iter().position(|of| *of == rules)? as u64;
        let subject = opcode.map_or(SUBJECTS - 1, |opcode| opcode.0.into());
        let number = |turn: u64| {
            turn.checked_mul(self.rules.len() as u64)?
                .checked_add(rule)?
                .checked_mul(SUBJECTS)?
                .checked_add(subject)
        };
        let mut numbers = (0..TRIES).map_while(|more| number(round.checked_mul(TRIES)?.checked_add(more)?));
        numbers.find(|number| matches!(self.drawn(seed, *number).0, Drawn::Edge))
    }
}

/// What a number is below `limit`.
fn place(number: u64, limit: usize) -> usize {
    usize::try_from(number % limit as u64).unwrap_or(0)
}

/// One transaction and all that it depends on: one opcode on a constructed state, a [`Scenario`], or a [`Program`] with a transaction
/// around it; or a block of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// [`Kind::name`] of a program, [`EDGES`], [`SCENARIO`] or [`BLOCK`].
    pub kind: &'static str,
    /// The rules.
    pub rules: Rules,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The block around it.
    pub block: BlockEnv,
    /// The transaction.
    pub transaction: Transaction,
    /// The state before it.
    pub database: MemoryDatabase,
    /// Of a block: what comes behind its first transaction, and beside it.
    pub rest: Option<Rest>,
}

/// The rules of cases where nobody says which: every fork whose rules differ in more than blobs, the newer ones more than once, and
/// Amsterdam most of all. One of them is drawn for each case.
pub fn default_rules() -> Vec<Rules> {
    let times = |fork: Fork| match fork {
        Fork::Amsterdam => 16,
        Fork::Osaka => 6,
        Fork::Prague | Fork::Cancun => 3,
        Fork::Bpo1 | Fork::Bpo2 | Fork::Bpo3 | Fork::Bpo4 | Fork::Bpo5 => 0,
        _ => 1,
    };
    Fork::ALL.into_iter().flat_map(|fork| std::iter::repeat_n(Rules::of(fork), times(fork))).collect()
}

impl Case {
    /// Case `number` of `seed`.
    pub fn new(seed: u64, number: u64, draw: Draw<'_>) -> Self {
        let (drawn, rules, mut random) = draw.drawn(seed, number);
        match drawn {
            Drawn::Edge => {
                let subject = u8::try_from(number % SUBJECTS).ok().map(Opcode);
                Self::of_edge(edge(random, rules, subject), rules)
            }
            Drawn::Scenario { is_mostly_short: false } => {
                Self::of_scenario(Scenario::of(random.bits(), rules.base()), rules)
            }
            Drawn::Scenario { .. } => {
                Self::of_scenario(Scenario::mostly_short(random.bits(), rules.base(), TIMES), rules)
            }
            Drawn::Block => {
                let (scenario, rest) = Scenario::of_block(random.bits(), rules.base(), TIMES);
                Self { kind: BLOCK, rest: Some(rest), ..Self::of_scenario(scenario, rules) }
            }
            Drawn::Program { kind, max_gas } => {
                Self::of_program(&Program::under(kind, random.bits(), rules, max_gas))
            }
        }
    }

    fn of_edge(edge: Edge, rules: Rules) -> Self {
        let Edge { block, transaction, database } = edge;
        Self { kind: EDGES, rules, chain_id: CHAIN_ID, block, transaction, database, rest: None }
    }

    fn of_scenario(scenario: Scenario, rules: Rules) -> Self {
        let Scenario { block, transaction, database, .. } = scenario;
        Self { kind: SCENARIO, rules, chain_id: CHAIN_ID, block, transaction, database, rest: None }
    }

    /// What engines take; of a block, its first transaction.
    pub fn job(&self) -> Job<'_> {
        let Self { rules, chain_id, block, transaction, database, .. } = self;
        Job { rules: *rules, chain_id: *chain_id, block, subject: transaction.into(), database }
    }

    /// A transaction whose own frame is the program's; or, where that is to be a static one, of a contract that calls it so.
    pub(crate) fn of_program(program: &Program) -> Self {
        let Program { kind, rules, gas, is_static, ref input, .. } = *program;
        let block = World::block(rules.base());
        // What calldata costs at most (68 a byte before EIP-2028, 40 with EIP-7623, 64 with EIP-7976) comes on top.
        let gas_limit = gas.min(AMPLE) + 21_000 + 68 * input.len() as u64;
        let mut transaction = Transaction {
            sender: World::SENDER,
            to: Some(World::TARGET),
            gas_limit: if rules.has(Eip::GasCap7825) { gas_limit.min(CAP) } else { gas_limit },
            max_fee_per_gas: U256::from(3),
            max_priority_fee_per_gas: U256::from(3),
            input: input.clone().into(),
            ..Transaction::default()
        };
        let mut database = World::new(program).database;
        let calls = rules.opcodes()[usize::from(Opcode::STATICCALL.0)].is_defined();
        if is_static && calls {
            let code = Bytecode::new(static_caller(rules).into());
            database.accounts.insert(STATIC_CALLER, Account { nonce: 1, code, ..Account::default() });
            transaction.to = Some(STATIC_CALLER);
        }
        Self { kind, rules, chain_id: CHAIN_ID, block, transaction, database, rest: None }
    }
}

/// Code that hands its calldata and its gas to the program in a static call.
fn static_caller(rules: Rules) -> Vec<u8> {
    let mut w = Writer::new(Random::new(0), rules);
    w.op(Opcode::CALLDATASIZE);
    w.push(0);
    w.push(0);
    w.op(Opcode::CALLDATACOPY);
    w.push(0);
    w.push(0);
    w.op(Opcode::CALLDATASIZE);
    w.push(0);
    w.push(U256::from_be_slice(World::TARGET.as_slice()));
    w.ops(&[Opcode::GAS, Opcode::STATICCALL, Opcode::STOP]);
    w.code
}
