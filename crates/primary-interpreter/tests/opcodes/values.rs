//! Opcodes that compute: operands from the edges of every width, results by the executable specification.

use parallax_primitives::{Fork, Opcode, U256};

use crate::frame::Program;

#[track_caller]
fn check(row: &str) {
    let (call, result) = row.split_once(" = ").expect("a row has a result");
    let mut words = call.split(' ');
    let opcode = words.next().and_then(Opcode::from_name).expect("a row begins with an opcode");
    let number = |word| U256::from_str_radix(word, 16).expect("numbers are hexadecimal");
    let operands: Vec<U256> = words.map(number).collect();

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
    assert_eq!(found, number(result), "{row}, found {found:x}");
    assert_eq!(U256::from_be_slice(&run.outcome.output[32..]), U256::from(0x5a), "{row}");
}

#[test]
fn results_are_the_specification_s() {
    let rows: Vec<&str> = include_str!("values.txt").lines().collect();
    assert!(rows.len() > 3000);
    rows.into_iter().for_each(check);
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
