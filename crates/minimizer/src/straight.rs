//! Code that comes to the opcode in a straight line: its operands as constants, or the opcodes that ran before it, without a jump.

use parallax_primitives::{Address, Opcode, U256};

use crate::{Case, Executed, Record, Search, Standing, constants, deletion, listing::push, pairs};

/// Most bytes of memory that are written for the opcode.
const MOST_MEMORY: usize = 1 << 10;
/// Most opcodes of a line: a loop of more is left as it is.
const MOST_EXECUTED: usize = 4_096;

pub(crate) fn run(search: &mut Search<'_>) {
    let Record { standing: Some(standing), executed, .. } = search.record() else { return };
    for to in entries(search.best(), &standing) {
        let lines = operands(&standing);
        let cases: Vec<_> =
            lines.iter().flat_map(|line| with_line(search.best(), &standing, to, line)).collect();
        if search.accepts_one(cases) {
            return;
        }
    }
    // It may be longer than what it came from; what is left of it need not be.
    if (2..=MOST_EXECUTED).contains(&executed.len()) && executed.iter().any(is_jump) {
        let line = unrolled(&executed);
        for to in entries(search.best(), &standing) {
            let mut cases = with_line(search.best(), &standing, to, &line);
            cases.truncate(1);
            let shorter = |search: &mut Search<'_>| {
                deletion::run(search);
                constants::run(search);
                pairs::run(search);
            };
            if cases.into_iter().any(|case| search.detour(case, shorter)) {
                return;
            }
        }
    }
}

/// The accounts that may hold the line: the one in whose name it runs, and the one that the transaction goes to.
fn entries(case: &Case, standing: &Standing) -> Vec<Address> {
    let mut entries = vec![standing.message.address];
    entries.extend(case.transaction.to.filter(|to| *to != standing.message.address));
    entries
}

/// A call of `to`, which has the line as its code: with what the frame was sent, and with nothing.
fn with_line(case: &Case, standing: &Standing, to: Address, line: &[u8]) -> Vec<Case> {
    let mut called = case.with_code(to, line.to_vec());
    called.transaction.to = Some(to);
    if !standing.message.kind.is_create() {
        called.transaction.input = standing.message.input.clone();
    }
    called.transaction.value = standing.message.value;
    let mut plain = called.clone();
    plain.transaction.input = case.transaction.input.slice(..0);
    plain.transaction.value = U256::ZERO;
    vec![plain, called]
}

/// The opcode behind its operands: as many as it takes, or all there are.
fn operands(standing: &Standing) -> Vec<Vec<u8>> {
    let memory = written(&standing.memory);
    let counts = [standing.inputs, standing.inputs + 1, 17, standing.stack.len()];
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for count in counts.into_iter().map(|count| count.min(standing.stack.len())) {
        let pushed: Vec<u8> = standing.stack[..count].iter().rev().flat_map(|word| push(*word)).collect();
        let opcode = [Some(standing.opcode.0), standing.immediate];
        let opcode: Vec<u8> = opcode.into_iter().flatten().collect();
        let line = [pushed, opcode].concat();
        for line in [line.clone(), [memory.clone(), line].concat()] {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

/// What writes a memory.
fn written(memory: &[u8]) -> Vec<u8> {
    let words = memory[..memory.len().min(MOST_MEMORY)].chunks(32).enumerate();
    let mut code = Vec::new();
    for (index, bytes) in words.filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0)) {
        let mut word = [0; 32];
        word[..bytes.len()].copy_from_slice(bytes);
        code.extend(push(U256::from_be_bytes(word)));
        code.extend(push(U256::from(32 * index)));
        code.push(Opcode::MSTORE.0);
    }
    code
}

fn is_jump(executed: &Executed) -> bool {
    matches!(executed.opcode, Opcode::JUMP | Opcode::JUMPI)
}

/// The opcodes one after the other; where one jumped, what it took is taken away.
fn unrolled(executed: &[Executed]) -> Vec<u8> {
    let mut code = Vec::new();
    for Executed { opcode, bytes, pc } in executed {
        match *opcode {
            Opcode::JUMP => code.push(Opcode::POP.0),
            Opcode::JUMPI => code.extend([Opcode::POP.0; 2]),
            Opcode::JUMPDEST => {}
            Opcode::PC => code.extend(push(U256::from(*pc))),
            _ => code.extend(bytes),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use parallax_primitives::{Message, hex};

    use super::*;

    #[test]
    fn operands_stand_before_their_opcode_and_memory_before_them() {
        let standing = Standing {
            message: Message::call(Address::ZERO, Address::ZERO),
            code_address: Address::ZERO,
            opcode: Opcode::SUB,
            immediate: None,
            inputs: 2,
            stack: [7u64, 256, 3].map(U256::from).to_vec(),
            memory: [&[0; 63][..], &[5]].concat().into(),
        };
        let memory = hex!("6005 6020 52");
        let lines = operands(&standing);
        assert_eq!(lines[0], hex!("610100 6007 03"));
        assert_eq!(lines[1], [&memory[..], &lines[0]].concat());
        assert_eq!(lines[2], hex!("6003 610100 6007 03"));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn a_loop_becomes_a_line() {
        let ran = |opcode: Opcode, bytes: &[u8], pc| Executed { opcode, bytes: bytes.to_vec().into(), pc };
        let executed = [
            ran(Opcode::JUMPDEST, &[0x5b], 0),
            ran(Opcode::PC, &[0x58], 1),
            ran(Opcode::PUSH1, &[0x60, 0], 2),
            ran(Opcode::JUMPI, &[0x57], 4),
        ];
        assert_eq!(unrolled(&executed), hex!("6001 6000 50 50"));
    }
}
