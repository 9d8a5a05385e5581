//! Opcodes that compute: operands from the edges of every width, results by the executable specification.

use parallax_primitives::{Fork, Opcode, U256};

use crate::frame::Program;

#[track_caller]
fn check((opcode, operands, result): &Vector) {
    let mut code = Vec::new();
    for operand in operands.iter().rev() {
        code.push(Opcode::PUSH32.0);
        code.extend(operand.to_be_bytes::<32>());
    }
    // Below the result stands another item, which must stay; it goes to memory too.
    code.splice(0..0, [Opcode::PUSH1.0, 0x5a]);
    code.push(opcode.0);
    code.extend([0x60, 0, 0x52, 0x60, 32, 0x52, 0x60, 64, 0x60, 0, 0xf3]);
    let (run, _) = Program::of_bytes(Fork::Osaka, &code).succeed();
    let found = U256::from_be_slice(&run.outcome.output[..32]);
    assert_eq!(found, *result, "{opcode} {operands:x?}, found {found:x}");
    assert_eq!(U256::from_be_slice(&run.outcome.output[32..]), U256::from(0x5a), "{opcode} {operands:x?}");
}

#[test]
fn results_are_the_specification_s() {
    let vectors = vectors();
    assert!(vectors.len() > 3000);
    vectors.iter().for_each(check);
}

/// The exponent is paid by the byte: 10 each, from Spurious Dragon on 50 (EIP-160).
#[test]
fn exponents_are_paid_by_the_byte() {
    for (exponent, bytes) in
        [("0", 0), ("1", 1), ("255", 1), ("256", 2), ("0xffff", 2), ("0x010000", 3), ("-1", 32)]
    {
        for (fork, byte_gas) in [
            (Fork::Frontier, 10),
            (Fork::TangerineWhistle, 10),
            (Fork::SpuriousDragon, 50),
            (Fork::Osaka, 50),
        ] {
            let (_, steps) = Program::new(fork, &format!("PUSH {exponent} PUSH1 3 EXP")).succeed();
            assert_eq!(steps[2].gas_cost, 10 + bytes * byte_gas, "{exponent} in {fork}");
        }
    }
}

/// One row: opcode, operands (the topmost first), result.
type Vector = (Opcode, Vec<U256>, U256);

fn vectors() -> Vec<Vector> {
    let number = |word| U256::from_str_radix(word, 16).expect("numbers are hexadecimal");
    let rows = include_str!("values.txt").lines().map(|row| {
        let (call, result) = row.split_once(" = ").expect("a row has a result");
        let mut words = call.split(' ');
        let opcode = words.next().and_then(Opcode::from_name).expect("a row begins with an opcode");
        (opcode, words.map(number).collect(), number(result))
    });
    rows.collect()
}

/// Code that stores what `compute` leaves for each row, one word each, and the calldata that it reads. Bit `i` of
/// `constants` says that operand `i` is pushed; the others are loaded.
fn store_each(rows: &[&Vector], constants: usize, compute: impl Fn(&mut Vec<u8>, Opcode)) -> Program {
    let (mut code, mut input) = (Vec::new(), Vec::new());
    let push = |code: &mut Vec<u8>, value: usize| {
        code.push(Opcode::PUSH3.0);
        code.extend(&u32::try_from(value).expect("short").to_be_bytes()[1..]);
    };
    for (row, (opcode, operands, _)) in rows.iter().enumerate() {
        for (index, operand) in operands.iter().enumerate().rev() {
            if constants >> index & 1 == 1 {
                code.push(Opcode::PUSH32.0);
                code.extend(operand.to_be_bytes::<32>());
            } else {
                push(&mut code, input.len());
                code.push(Opcode::CALLDATALOAD.0);
                input.extend(operand.to_be_bytes::<32>());
            }
        }
        compute(&mut code, *opcode);
        push(&mut code, 32 * row);
        code.push(Opcode::MSTORE.0);
    }
    push(&mut code, 32 * rows.len());
    code.extend([Opcode::PUSH0.0, Opcode::RETURN.0]);
    Program::of_bytes(Fork::Osaka, &code).with(|program| program.message.input = input.into())
}

#[track_caller]
fn check_each(rows: &[&Vector], program: &Program, expected: impl Fn(U256) -> U256, context: &str) {
    for (name, outcome) in program.outcomes() {
        assert_eq!(outcome.output.len(), 32 * rows.len(), "{context}, {name}: {:?}", outcome.status);
        for (word, (opcode, operands, result)) in outcome.output.chunks(32).zip(rows) {
            let found = U256::from_be_slice(word);
            assert_eq!(found, expected(*result), "{opcode} {operands:x?}, {context}, {name}");
        }
    }
}

/// The fast form has instructions of its own for constant operands, whichever they are.
#[test]
fn results_do_not_depend_on_what_is_constant() {
    let vectors = vectors();
    for opcode in (0..=0x1e).map(Opcode) {
        let rows: Vec<&Vector> = vectors.iter().filter(|(of, ..)| *of == opcode).collect();
        let Some((_, operands, _)) = rows.first() else { continue };
        for constants in 0..1 << operands.len() {
            let program = store_each(&rows, constants, |code, opcode| code.push(opcode.0));
            check_each(&rows, &program, |result| result, &format!("constants {constants:b}"));
        }
    }
}

/// A comparison and the jump behind it are one instruction of the fast form; so are ISZEROs between them.
#[test]
fn comparisons_decide_jumps() {
    let vectors = vectors();
    for opcode in (Opcode::LT.0..=Opcode::ISZERO.0).map(Opcode) {
        let rows: Vec<&Vector> = vectors.iter().filter(|(of, ..)| *of == opcode).collect();
        for (constants, negations) in (0..4).flat_map(|constants| (0..3).map(move |n| (constants, n))) {
            let program = store_each(&rows, constants, |code, opcode| {
                code.push(opcode.0);
                code.extend(std::iter::repeat_n(Opcode::ISZERO.0, negations));
                // 7 if it jumps, 5 if not: JUMPI over PUSH1 5, JUMP over PUSH1 7.
                let taken = u16::try_from(code.len() + 10).expect("short").to_be_bytes();
                let join = u16::try_from(code.len() + 13).expect("short").to_be_bytes();
                code.extend([0x61, taken[0], taken[1], 0x57]);
                code.extend([0x60, 5, 0x61, join[0], join[1], 0x56]);
                code.extend([0x5b, 0x60, 7, 0x5b]);
            });
            let expected =
                |result: U256| U256::from(if result.is_zero() == (negations % 2 == 1) { 7 } else { 5 });
            check_each(&rows, &program, expected, &format!("constants {constants:b}, negated {negations}"));
        }
    }
}
