//! Programs on which faults fire: for each opcode a few transactions that run it, so that what it did reaches storage, output
//! and logs; that run it twice, in a static frame, and so that it fails.

use anyhow::{Context, Result};
use parallax_assembly::assemble_for;
use parallax_engine_interface::Job;
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{
    Address, BlockEnv, Bytecode, Class, Fork, Opcode, OpcodeInfo, Rules, Transaction, TransactionType, U256,
    address, hex,
};

const SENDER: Address = address!("00000000000000000000000000000000000f0001");
/// The account that runs a program.
pub(super) const TARGET: Address = address!("000000000000000000000000000000000000c0de");
/// An account that answers with its own address.
const CALLEE: &str = "0xcc";
/// An account that runs the body of a program that calls it statically.
const STATIC_CALLEE: &str = "0xdd";
/// Gas of a transaction with plenty of it.
const GAS: u64 = 1_000_000;

/// One transaction on one state.
pub(super) struct Program {
    pub(super) fork: Fork,
    block: BlockEnv,
    pub(super) transaction: Transaction,
    database: MemoryDatabase,
}

impl Program {
    fn new(fork: Fork, source: &str, static_callee: &str) -> Result<Self> {
        let code = |source: &str| -> Result<Bytecode> {
            let code = assemble_for(source, fork).with_context(|| format!("in {fork}: {source}"))?;
            Ok(Bytecode::new(code))
        };
        let storage = [(U256::from(1), U256::from(7)), (U256::from(2), U256::from(9))].into();
        let mut database = MemoryDatabase::default();
        let rich = Account { balance: U256::from(1u64 << 60), ..Account::default() };
        database.accounts.insert(SENDER, rich.clone());
        database.accounts.insert(TARGET, Account { nonce: 1, code: code(source)?, storage, ..rich.clone() });
        let answering = code("ADDRESS PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN")?;
        database
            .accounts
            .insert(Address::with_last_byte(0xcc), Account { code: answering, ..Account::default() });
        let callee = Account { code: code(static_callee)?, ..rich };
        database.accounts.insert(Address::with_last_byte(0xdd), callee);
        let block = BlockEnv {
            number: 300,
            timestamp: 1_700_000_000,
            gas_limit: 30_000_000,
            coinbase: Address::with_last_byte(0xbb),
            difficulty: U256::from(0x20_000),
            base_fee: if fork >= Fork::London { 7 } else { 0 },
            blobs: Rules::of(fork).blobs(),
            ..BlockEnv::default()
        };
        let transaction = Transaction {
            kind: TransactionType::Legacy,
            sender: SENDER,
            to: Some(TARGET),
            gas_limit: GAS,
            max_fee_per_gas: U256::from(10),
            max_priority_fee_per_gas: U256::from(10),
            input: vec![0xa5; 40].into(),
            ..Transaction::default()
        };
        Ok(Self { fork, block, transaction, database })
    }

    /// What an engine is given.
    pub(super) fn job(&self) -> Job<'_> {
        let Self { fork, block, transaction, database } = self;
        Job { rules: (*fork).into(), chain_id: 1, block, subject: transaction.into(), database }
    }

    /// The same with less gas.
    fn short_of(mut self, gas: u64) -> Self {
        self.transaction.gas_limit -= gas;
        self
    }
}

/// Pushes for the opcode's operands, then the opcode. `label` makes labels differ; `variant` is 0 or 1.
fn body(info: &OpcodeInfo, label: usize, variant: usize) -> String {
    let operands: Vec<String> = match info.name {
        "JUMP" => vec![format!("@to{label}")],
        "JUMPI" => vec![format!("@to{label}"), "1".to_owned()],
        _ => operands(info, variant).split_whitespace().map(str::to_owned).collect(),
    };
    let mut text = String::new();
    for operand in operands.iter().rev() {
        match operand.strip_prefix('@') {
            Some(label) => text.push_str(&format!("PUSH @{label} ")),
            None => text.push_str(&format!("PUSH {operand} ")),
        }
    }
    match info.opcode {
        Opcode::JUMP | Opcode::JUMPI => text.push_str(&format!("{} INVALID to{label}: ", info.name)),
        _ => text.push_str(&format!("{}{} ", info.name, behind(info, 0x5b))),
    }
    text
}

/// What is written behind an opcode that has bytes of its own: as push data this byte, again and again.
fn behind(info: &OpcodeInfo, byte: u8) -> String {
    match (info.class, info.opcode) {
        (Class::Deep, Opcode::EXCHANGE) => " 1 2".to_owned(),
        (Class::Deep, _) => " 17".to_owned(),
        _ if info.immediate > 0 => format!(" 0x{}", hex::encode([byte].repeat(info.immediate.into()))),
        _ => String::new(),
    }
}

/// Operands with which the opcode does something, the topmost first.
fn operands(info: &OpcodeInfo, variant: usize) -> String {
    let value = variant;
    match info.name {
        "MLOAD" => "64".to_owned(),
        "MSTORE" => "32 0x1234".to_owned(),
        "MSTORE8" => "65 0x55".to_owned(),
        "KECCAK256" | "RETURN" | "REVERT" => "24 64".to_owned(),
        "CALLDATACOPY" | "CODECOPY" => "64 0 7".to_owned(),
        "RETURNDATACOPY" => "64 12 20".to_owned(),
        "MCOPY" => "64 24 8".to_owned(),
        "EXTCODECOPY" => format!("{CALLEE} 96 0 5"),
        "BALANCE" | "EXTCODESIZE" | "EXTCODEHASH" | "SELFDESTRUCT" => CALLEE.to_owned(),
        "SLOAD" | "TLOAD" => "1".to_owned(),
        // Clearing a slot gives a refund.
        "SSTORE" | "TSTORE" => format!("1 {}", if variant == 0 { 5 } else { 0 }),
        "BLOCKHASH" => "299".to_owned(),
        "CREATE" => format!("{value} 24 30"),
        "CREATE2" => format!("{value} 24 30 7"),
        "CALL" | "CALLCODE" => format!("0x2000 {CALLEE} {value} 24 8 64 32"),
        "DELEGATECALL" | "STATICCALL" => format!("0x2000 {CALLEE} 24 8 64 32"),
        "LOG0" | "LOG1" | "LOG2" | "LOG3" | "LOG4" => {
            let topics = ["0x71", "0x72", "0x73", "0x74"];
            format!("24 40 {}", topics[..info.inputs.len() - 2].join(" "))
        }
        _ => {
            // As many as SWAPN asks for at least.
            let inputs = if info.class == Class::Deep { 18 } else { info.inputs.len() };
            (0..inputs).map(|number| format!("{} ", 7 + 4 * number)).collect()
        }
    }
}

/// Memory with something in it, and return data where the fork has it; then a block of its own.
fn prologue(fork: Fork) -> String {
    let call = if fork >= Fork::Byzantium {
        format!("PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH {CALLEE} PUSH 0x2000 STATICCALL POP ")
    } else {
        String::new()
    };
    format!("{call}PUSH8 0x1122334455667788 PUSH 0 MSTORE @begin JUMP begin: ")
}

/// What the opcode left goes to storage; the memory is the output, in another block.
fn epilogue(info: &OpcodeInfo) -> String {
    let keep = if !info.outputs.is_empty() { "PUSH 9 SSTORE " } else { "" };
    format!("{keep}@end JUMP end: MSIZE PUSH 0 RETURN")
}

/// Programs that run an opcode of `fork`. `gas_at` answers the gas that a program's first execution of it finds.
pub(super) fn programs(
    info: &OpcodeInfo,
    fork: Fork,
    gas_at: impl Fn(&Program, Opcode) -> Option<u64>,
) -> Result<Vec<Program>> {
    let (prologue, epilogue) = (prologue(fork), epilogue(info));
    let mut all = Vec::new();
    let mut add = |source: &str, callee: &str| -> Result<()> {
        all.push(Program::new(fork, source, callee)?);
        Ok(())
    };
    for variant in [0, 1] {
        let (once, again) = (body(info, 0, variant), body(info, 1, variant));
        add(&format!("{prologue}{once}{epilogue}"), "STOP")?;
        add(&format!("{prologue}{once}{again}{epilogue}"), "STOP")?;
        add(&format!("PUSH {CALLEE} BALANCE POP {prologue}{once}{epilogue}"), "STOP")?;
        if fork >= Fork::Byzantium {
            let call = format!("PUSH 32 PUSH 0 PUSH 0 PUSH 0 PUSH {STATIC_CALLEE} PUSH 0xffff STATICCALL");
            let callee = format!(
                "{prologue}{once}{}MSIZE PUSH 0 RETURN",
                if !info.outputs.is_empty() { "POP " } else { "" }
            );
            add(&format!("{call} PUSH 9 SSTORE PUSH 32 PUSH 0 RETURN"), &callee)?;
        }
    }
    // Too few items; a full stack; into push data.
    let fewer = "PUSH 0 ".repeat(info.inputs.len().saturating_sub(1));
    let data = behind(info, 0);
    add(&format!("{fewer}{}{data} STOP", info.name), "STOP")?;
    if info.outputs.len() > info.inputs.len() {
        add(&format!("{}{}{data} STOP", "PUSH1 0 ".repeat(1024), info.name), "STOP")?;
    }
    if matches!(info.opcode, Opcode::JUMP | Opcode::JUMPI) {
        let condition = if info.opcode == Opcode::JUMPI { "PUSH1 1 " } else { "" };
        let data = if info.opcode == Opcode::JUMPI { 6 } else { 4 };
        add(&format!("{condition}PUSH1 {data} {} PUSH1 0x5b PUSH 9 PUSH 9 SSTORE", info.name), "STOP")?;
    }
    // State gas that is given back: of a slot, and of an account that the value does not come to.
    match info.opcode {
        Opcode::SSTORE => {
            add(&format!("{prologue}PUSH 5 PUSH 3 SSTORE PUSH 0 PUSH 3 SSTORE {epilogue}"), "STOP")?;
        }
        Opcode::CALL => {
            let call = "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH8 0xffffffffffffffff PUSH 0xe0a01 PUSH 9999 CALL";
            add(&format!("{prologue}{call} {epilogue}"), "STOP")?;
        }
        _ => {}
    }
    // No gas left for it.
    let plain = Program::new(fork, &format!("{prologue}{}{epilogue}", body(info, 0, 0)), "STOP")?;
    if Rules::of(fork).opcodes()[usize::from(info.opcode.0)].gas > 0
        && let Some(gas) = gas_at(&plain, info.opcode)
    {
        all.push(plain.short_of(gas));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of no fork yet as well.
    #[test]
    fn there_are_programs_of_every_opcode() {
        for info in Opcode::all() {
            let all = programs(info, Fork::LATEST, |_, _| None).unwrap();
            assert!(all.len() > 6, "{}", info.name);
        }
    }
}
