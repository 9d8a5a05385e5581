//! A rollup in one file, as the OP stack was with Ecotone: transactions of a type of its own that come from L1 (deposits, 0x7e), a
//! system transaction at the beginning of a block, and a fee for L1 that follows from a contract's slots, in both machines.
//!
//! Rules: the specification of the OP stack, "Deposits", "L1 attributes deposited transaction", "Ecotone L1 cost function". What is
//! left out: the formula before Ecotone, the one from Fjord on, and the operator's fee.

use parallax::{
    assembly::assemble,
    engine::{Execution, Job},
    host::{
        AccountChange, CustomTransactions, Database, HostError, MessageEnd, Settlement, Terms, TermsError,
        TransactionContext, TransactionRules, Waived,
    },
    local_engine::LocalEngine,
    memory_database::{Account, MemoryDatabase},
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    mini_precompiles, precompiles,
    primary_interpreter::Primary,
    primitives::*,
    shadow_diff::{ShadowConfig, ShadowMode, Verdict, compare_engines},
};

const DEPOSIT: u8 = 0x7e;
/// Who sends the system transaction.
const DEPOSITOR: Address = address!("deaddeaddeaddeaddeaddeaddeaddeaddead0001");
/// Knows the prices of L1: slot 1 its base fee, 7 its blob base fee, 3 the scalars.
const L1_BLOCK: Address = address!("4200000000000000000000000000000000000015");
const BASE_FEE_VAULT: Address = address!("4200000000000000000000000000000000000019");
const L1_FEE_VAULT: Address = address!("420000000000000000000000000000000000001a");
/// The coinbase of every block.
const SEQUENCER_VAULT: Address = address!("4200000000000000000000000000000000000011");

/// What the first machine asks.
struct Fast;

impl TransactionRules for Fast {
    fn decode(&self, envelope: &Bytes) -> Result<Transaction, String> {
        Ok(Deposit::read(envelope)?.transaction(envelope))
    }

    fn terms(&self, around: &TransactionContext<'_>) -> Result<Terms, TermsError> {
        if around.transaction.kind == TransactionType::Custom(DEPOSIT) {
            let deposit = Deposit::read(&around.transaction.envelope).map_err(HostError::new)?;
            return match deposit.is_system {
                true => Err(Rejection::OfChain("a deposit says that it is a system transaction").into()),
                false => Ok(Terms {
                    waived: Waived { nonce: true, sender_code: true, fees: true, gas_limits: true },
                    gas_price: Some(U256::ZERO),
                    mint: deposit.mint,
                    // L1 has it already: it cannot be left out.
                    fails_as: Some(Halt::InsufficientBalance),
                    ..Terms::ETHEREUM
                }),
            };
        }
        let slot = |key: u64| around.database.storage(L1_BLOCK, U256::from(key));
        let (l1_base_fee, scalars, blob_base_fee) = (slot(1)?, slot(3)?.to_be_bytes::<32>(), slot(7)?);
        let scalar = |at: usize| U256::from_be_slice(&scalars[at..at + 4]);
        let calldata_gas: u64 =
            around.transaction.envelope.iter().map(|&byte| if byte == 0 { 4 } else { 16 }).sum();
        let price = l1_base_fee * U256::from(16) * scalar(16) + blob_base_fee * scalar(20);
        let extra_fee = U256::from(calldata_gas) * price / U256::from(16_000_000);
        Ok(Terms { extra_fee, ..Terms::ETHEREUM })
    }

    fn settle(
        &self,
        around: &TransactionContext<'_>,
        end: &MessageEnd<'_>,
        mut ethereum: Settlement,
    ) -> Result<Settlement, HostError> {
        if around.transaction.kind == TransactionType::Custom(DEPOSIT) {
            ethereum.paid.clear();
            return Ok(ethereum);
        }
        let base_fee = U256::from(around.block.base_fee) * U256::from(ethereum.gas_used);
        ethereum.paid.push((BASE_FEE_VAULT, base_fee));
        ethereum.paid.push((L1_FEE_VAULT, end.terms.extra_fee));
        Ok(ethereum)
    }
}

/// What the plain machine asks. `ZERO_BYTE` is what a zero byte of an envelope costs: 4, if it is done right.
struct Plain<const ZERO_BYTE: u64>;

impl<const ZERO_BYTE: u64> TransactionRules for Plain<ZERO_BYTE> {
    fn decode(&self, envelope: &Bytes) -> Result<Transaction, String> {
        let [_, from, to, mint, value, gas, _, data] = fields(envelope)?;
        number(&mint)?;
        Ok(Transaction {
            kind: TransactionType::Custom(DEPOSIT),
            sender: address_of(&from)?,
            to: if to.is_empty() { None } else { Some(address_of(&to)?) },
            gas_limit: number(&gas)?.try_into().map_err(|_| "more gas than there is")?,
            value: number(&value)?,
            input: data.into(),
            envelope: envelope.clone(),
            ..Transaction::default()
        })
    }

    fn terms(&self, around: &TransactionContext<'_>) -> Result<Terms, TermsError> {
        let mut terms = Terms::default();
        let envelope = &around.transaction.envelope;
        if envelope.first() == Some(&DEPOSIT) {
            let [_, _, _, mint, _, _, is_system, _] = fields(envelope).map_err(HostError::new)?;
            if !is_system.is_empty() {
                return Err(Rejection::OfChain("a deposit says that it is a system transaction").into());
            }
            terms.waived = Waived { nonce: true, sender_code: true, fees: true, gas_limits: true };
            terms.fails_as = Some(Halt::InsufficientBalance);
            terms.gas_price = Some(U256::ZERO);
            terms.mint = number(&mint).map_err(HostError::new)?;
            return Ok(terms);
        }
        let read = |slot| around.database.storage(L1_BLOCK, U256::from(slot));
        let packed = read(3)?;
        let low_32_bits = |word: U256| word & U256::from(u32::MAX);
        let of_base_fee = low_32_bits(packed >> 96) * read(1)? * U256::from(16);
        let of_blob_base_fee = low_32_bits(packed >> 64) * read(7)?;
        let zeros = envelope.iter().filter(|byte| **byte == 0).count() as u64;
        let others = envelope.len() as u64 - zeros;
        terms.extra_fee = (of_base_fee + of_blob_base_fee) * U256::from(zeros * ZERO_BYTE + others * 16)
            / U256::from(16_000_000);
        Ok(terms)
    }

    fn settle(
        &self,
        around: &TransactionContext<'_>,
        end: &MessageEnd<'_>,
        ethereum: Settlement,
    ) -> Result<Settlement, HostError> {
        let mut paid = Vec::new();
        if around.transaction.envelope.first() != Some(&DEPOSIT) {
            let gas_used = U256::from(ethereum.gas_used);
            let base_fee = gas_used * U256::from(around.block.base_fee);
            paid.push((L1_FEE_VAULT, end.terms.extra_fee));
            paid.push((BASE_FEE_VAULT, base_fee));
            paid.push((around.block.coinbase, gas_used * end.gas_price - base_fee));
        }
        Ok(Settlement { paid, ..ethereum })
    }
}

/// A transaction that L1 has sent: `0x7e` and the RLP of these fields, in this order.
#[derive(Clone, Debug, Default)]
struct Deposit {
    source: B256,
    from: Address,
    to: Option<Address>,
    mint: U256,
    value: U256,
    gas: u64,
    is_system: bool,
    data: Bytes,
}

impl Deposit {
    fn write(&self) -> Transaction {
        use alloy_rlp::Encodable;

        let number = |value: U256| value.to_be_bytes_trimmed_vec();
        let to = self.to.map_or_else(Vec::new, |to| to.to_vec());
        let fields: [&[u8]; 8] = [
            self.source.as_slice(),
            self.from.as_slice(),
            &to,
            &number(self.mint),
            &number(self.value),
            &number(U256::from(self.gas)),
            if self.is_system { &[1] } else { &[] },
            &self.data,
        ];
        let mut list = Vec::new();
        fields.iter().for_each(|field| field.encode(&mut list));
        let mut envelope = vec![DEPOSIT];
        alloy_rlp::Header { list: true, payload_length: list.len() }.encode(&mut envelope);
        envelope.extend(list);
        self.transaction(&envelope.into())
    }

    fn read(envelope: &[u8]) -> Result<Self, String> {
        let (&DEPOSIT, mut body) = envelope.split_first().ok_or("no bytes")? else {
            return Err("no deposit".into());
        };
        let text = |error: alloy_rlp::Error| error.to_string();
        let mut list = alloy_rlp::Header::decode_bytes(&mut body, true).map_err(text)?;
        let mut next = || alloy_rlp::Header::decode_bytes(&mut list, false).map_err(text);
        let number = |bytes: &[u8]| match bytes {
            [0, ..] => Err("a number begins with zero".to_owned()),
            bytes => U256::try_from_be_slice(bytes).ok_or_else(|| "a number of more than 256 bits".into()),
        };
        let address = |bytes: &[u8]| Address::try_from(bytes).map_err(|_| "no address".to_owned());
        let deposit = Self {
            source: B256::try_from(next()?).map_err(|_| "a source of other than 32 bytes")?,
            from: address(next()?)?,
            to: Some(next()?).filter(|to| !to.is_empty()).map(address).transpose()?,
            mint: number(next()?)?,
            value: number(next()?)?,
            gas: number(next()?)?.try_into().map_err(|_| "more gas than there is")?,
            is_system: match next()? {
                [] => false,
                [1] => true,
                _ => return Err("neither true nor false".into()),
            },
            data: Bytes::copy_from_slice(next()?),
        };
        if list.is_empty() && body.is_empty() { Ok(deposit) } else { Err("bytes behind the end".into()) }
    }

    fn transaction(&self, envelope: &Bytes) -> Transaction {
        Transaction {
            kind: TransactionType::Custom(DEPOSIT),
            sender: self.from,
            to: self.to,
            gas_limit: self.gas,
            value: self.value,
            input: self.data.clone(),
            envelope: envelope.clone(),
            ..Transaction::default()
        }
    }
}

/// The fields of a deposit, by hand.
fn fields(envelope: &[u8]) -> Result<[Vec<u8>; 8], String> {
    let (0xc0.., list, []) = item(envelope.strip_prefix(&[DEPOSIT]).ok_or("no deposit")?)? else {
        return Err("not one list".into());
    };
    let (mut rest, mut read) = (list, Vec::new());
    while !rest.is_empty() {
        let (first, field, behind) = item(rest)?;
        if first >= 0xc0 {
            return Err("a list in the list".into());
        }
        read.push(field.to_vec());
        rest = behind;
    }
    let fields: [Vec<u8>; 8] = read.try_into().map_err(|_| "other than eight fields")?;
    match (fields[0].len(), fields[6].as_slice()) {
        (32, [] | [1]) => Ok(fields),
        _ => Err("a source or a flag that is none".into()),
    }
}

/// The first item of some RLP: its first byte, what it holds, and what is behind it.
fn item(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), String> {
    let &first = bytes.first().ok_or("no item")?;
    let base = if first < 0xc0 { 0x80 } else { 0xc0 };
    let (start, length) = match first.wrapping_sub(base) {
        _ if first < 0x80 => (0, 1),
        short @ 0..=55 => (1, usize::from(short)),
        long => {
            let start = 1 + usize::from(long - 55);
            let length = bytes.get(1..start).filter(|length| length[0] != 0).ok_or("no length")?;
            let length =
                length.iter().try_fold(0usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)));
            (start, length.filter(|length| *length > 55).ok_or("a length that is none")?)
        }
    };
    let end = start.checked_add(length).filter(|end| *end <= bytes.len()).ok_or("cut off")?;
    if first == 0x81 && bytes[1] < 0x80 {
        return Err("a byte that is its own item".into());
    }
    Ok((first, &bytes[start..end], &bytes[end..]))
}

fn number(bytes: &[u8]) -> Result<U256, String> {
    if bytes.len() > 32 || bytes.first() == Some(&0) {
        return Err("a number that is none".into());
    }
    Ok(bytes.iter().fold(U256::ZERO, |number, byte| (number << 8) | U256::from(*byte)))
}

fn address_of(bytes: &[u8]) -> Result<Address, String> {
    if bytes.len() == 20 { Ok(Address::from_slice(bytes)) } else { Err("no address".into()) }
}

static RULES: CustomTransactions = CustomTransactions::new("ECOTONE", &[DEPOSIT], &Fast, &Plain::<4>);
/// As somebody in a hurry would have it: all bytes of an envelope cost the same.
static HURRIED: CustomTransactions = CustomTransactions::new("HURRIED", &[DEPOSIT], &Fast, &Plain::<16>);

fn rules(own: &'static CustomTransactions) -> Result<Rules, RulesError> {
    Rules::builder(Fork::Cancun).chain_id(10).transactions(own).build()
}

/// What L1Block does with the packed calldata of its `setL1BlockValuesEcotone`.
const SET_L1_BLOCK_VALUES: &str = "CALLER PUSH 0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001 EQ @ok JUMPI
    PUSH 0 PUSH 0 REVERT
    ok: PUSH 4 CALLDATALOAD PUSH 128 SHR PUSH 3 SSTORE
        PUSH 20 CALLDATALOAD PUSH 128 SHR PUSH 0 SSTORE
        PUSH 36 CALLDATALOAD PUSH 1 SSTORE PUSH 68 CALLDATALOAD PUSH 7 SSTORE
        PUSH 100 CALLDATALOAD PUSH 2 SSTORE PUSH 132 CALLDATALOAD PUSH 4 SSTORE STOP";

/// The prices of L1 that block 118,024,092 of OP Mainnet has seen, in the calldata of its system transaction.
fn attributes() -> Deposit {
    let mut data = vec![0x44, 0x0a, 0x5e, 0x20];
    data.extend(1_368u32.to_be_bytes());
    data.extend(810_949u32.to_be_bytes());
    data.extend([0; 24]);
    data.extend(U256::from(47_036_678_951u64).to_be_bytes::<32>());
    data.extend(U256::from(57_422_457_042u64).to_be_bytes::<32>());
    data.extend([0; 64]);
    Deposit { from: DEPOSITOR, to: Some(L1_BLOCK), gas: 1_000_000, data: data.into(), ..Deposit::default() }
}

/// The second transaction of that block, and the L1 fee of its receipt, in wei.
const SIGNED: &str = "02f8b30a832253fc8402d11f39842c8a46398301388094dc6ff44d5d932cbd77b52e5612ba0529dc6226f180b844a9059cbb\
    000000000000000000000000d43e02db81f4d46cdf8521f623d21ea0ec7562a50000000000000000000000000000000000000000000000008ac7230489e8\
    0000c001a02947e24750723b48f886931562c55d9e07f856d8e06468e719755e18bbc3a570a0784da9ce59fd7754ea5be6e17a86b348e441348cd48ace59\
    d174772465eadbd1";
const L1_FEE_OF_ITS_RECEIPT: u64 = 7_306_020_222_001;

/// Its fields. The sender is one of ours: who signed it plays no part in its fee.
fn published() -> Result<Transaction, Box<dyn std::error::Error>> {
    let envelope: Bytes = hex::decode(SIGNED)?.into();
    Ok(Transaction {
        kind: TransactionType::DynamicFee,
        sender: Address::repeat_byte(0xaa),
        to: Some(address!("dc6ff44d5d932cbd77b52e5612ba0529dc6226f1")),
        nonce: 0x0022_53fc,
        chain_id: Some(10),
        gas_limit: 0x0001_3880,
        max_fee_per_gas: U256::from(0x2c8a_4639),
        max_priority_fee_per_gas: U256::from(0x02d1_1f39),
        input: Bytes::copy_from_slice(&envelope[42..110]),
        envelope,
        ..Transaction::default()
    })
}

/// Runs it on both machines, step by step.
fn compare(rules: Rules, world: &MemoryDatabase, transaction: &Transaction) -> (Verdict, Option<Execution>) {
    let block = BlockEnv { coinbase: SEQUENCER_VAULT, base_fee: 600_000_000, ..BlockEnv::default() };
    let (chain_id, subject) = (rules.chain_id(), transaction.into());
    let job = Job { rules, chain_id, block: &block, subject, database: world };
    let left = LocalEngine::new("primary", Primary::new(), &precompiles::Contracts);
    let right = MiniEngine::new("mini", Mini, &mini_precompiles::Contracts);
    let config = ShadowConfig { mode: ShadowMode::PerStep, ..ShadowConfig::default() };
    let compared = compare_engines(&left, &right, &job, &config);
    let [left, _] = compared.results;
    (compared.verdict, left.ok())
}

/// The same, where they agree: what it changes is done.
fn run(
    rules: Rules,
    world: &mut MemoryDatabase,
    transaction: &Transaction,
) -> Result<(TxOutcome, Execution), Box<dyn std::error::Error>> {
    let (verdict, execution) = compare(rules, world, transaction);
    let execution = execution.ok_or("there is no execution")?;
    assert!(matches!(verdict, Verdict::Agree), "{verdict:?}");
    world.apply(&execution.changes);
    Ok((execution.outcome.clone().ok_or("nothing came of it")?, execution))
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ecotone = rules(&RULES)?;
    let mut world = MemoryDatabase::with_code(L1_BLOCK, assemble(SET_L1_BLOCK_VALUES)?);
    let transaction = published()?;
    let rich = U256::from(10u64.pow(18));
    let sender = Account { nonce: transaction.nonce, balance: rich, ..Account::default() };
    world.accounts.insert(transaction.sender, sender);

    // The system transaction: the first of every block, and a deposit like others.
    let (outcome, _) = run(ecotone, &mut world, &attributes().write())?;
    println!("L1 attributes: {}, {} gas", outcome.status, outcome.gas_used);
    assert_eq!(world.storage(L1_BLOCK, U256::from(7))?, U256::from(57_422_457_042u64));
    let others = Deposit { from: Address::repeat_byte(0xbb), ..attributes() };
    let (outcome, _) = run(ecotone, &mut world.clone(), &others.write())?;
    assert_eq!(outcome.status, FrameStatus::Revert);

    // A user's transaction pays for L1 by the slots that are now there, as its receipt says it did.
    let before = world.clone();
    let (outcome, _) = run(ecotone, &mut world, &transaction)?;
    let balance = |address| world.accounts.get(&address).map(|account| account.balance).unwrap_or_default();
    println!("transfer: {} gas, L1 fee {} wei", outcome.gas_used, balance(L1_FEE_VAULT));
    assert_eq!(balance(L1_FEE_VAULT), U256::from(L1_FEE_OF_ITS_RECEIPT));
    let vaults = [L1_FEE_VAULT, BASE_FEE_VAULT, SEQUENCER_VAULT];
    let paid = vaults.into_iter().map(balance).fold(U256::ZERO, |sum, paid| sum + paid);
    assert_eq!(rich - balance(transaction.sender), paid, "nothing is burned");

    // Deposits bring wei with them, pay for no gas, and keep the mint where they fail.
    let from = Address::repeat_byte(0xcc);
    let (to, mint) = (Some(Address::repeat_byte(0xdd)), U256::from(100));
    let deposit =
        |value: u64| Deposit { from, to, mint, value: U256::from(value), gas: 50_000, ..Deposit::default() };
    let (outcome, _) = run(ecotone, &mut world, &deposit(30).write())?;
    assert_eq!((outcome.status, outcome.gas_used), (FrameStatus::Success, 21_000));
    let (outcome, execution) = run(ecotone, &mut world, &deposit(171).write())?;
    println!("a deposit of more than there is: {}, {} gas", outcome.status, outcome.gas_used);
    assert_eq!(outcome.gas_used, 50_000);
    let AccountChange::Changed { nonce, balance, .. } = execution.changes.accounts[&from] else {
        return Err("the sender is gone".into());
    };
    assert_eq!((nonce, balance), (2, U256::from(170)));
    let (verdict, _) = compare(ecotone, &world, &Deposit { is_system: true, ..deposit(0) }.write());
    assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");

    // Both read the same of an envelope, whatever is done to it.
    let envelope = deposit(30).write().envelope.to_vec();
    let agree = |bytes: Vec<u8>| {
        let bytes = Bytes::from(bytes);
        assert_eq!(Fast.decode(&bytes).ok(), Plain::<4>.decode(&bytes).ok(), "{bytes}");
    };
    for at in 0..envelope.len() {
        agree(envelope[..at].to_vec());
        for byte in 0..=u8::MAX {
            let mut other = envelope.clone();
            other[at] = byte;
            agree(other);
        }
    }

    // One machine with another fee for L1 is found.
    let (verdict, _) = compare(rules(&HURRIED)?, &before, &transaction);
    let Verdict::Diverge(divergence) = verdict else { return Err("the other fee was not found".into()) };
    println!("{divergence}");
    Ok(())
}
