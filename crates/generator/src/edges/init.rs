//! Init code that does something, and then fails late, or does not.

use parallax_memory_database::Account;
use parallax_primitives::{Address, Bytecode, Opcode, U256};

use super::{
    contracts::{answer, effect},
    stage::Stage,
    words::far,
};
use crate::writer::Writer;

/// Gas of a call by init code.
const CALLED: u64 = 30_000;

/// Init code: effects that must not outlive a creation that fails, and an end of any kind.
pub(super) fn init(stage: &mut Stage) -> Vec<u8> {
    let mut w = stage.writer();
    for _ in 0..stage.random.below(4) {
        if stage.random.once_in(2) {
            effect(&mut w);
        } else {
            touch(stage, &mut w);
        }
    }
    let limit = limit(stage.rules.gas().max_code_size, 24_576);
    match stage.random.below(16) {
        0..=2 => {
            // What EIP-3541 refuses.
            w.push(0xef);
            w.push(0);
            w.op(Opcode::MSTORE8);
            let bytes = stage.random.pick(&[1, 1, 2, 23]);
            answer(&mut w, Opcode::RETURN, bytes);
        }
        3 | 4 => {
            stage.is_rich |= !stage.random.once_in(4);
            answer(&mut w, Opcode::RETURN, limit + stage.random.pick(&[0, 1, 1]));
        }
        // What it costs by the byte is more than there is.
        5..=7 => answer(&mut w, Opcode::RETURN, stage.random.pick(&[1000, 1800, 5000, 24_000])),
        8 | 9 => answer(&mut w, Opcode::RETURN, stage.random.pick(&[0, 1, 1, 32, 33])),
        10 => {
            w.op(Opcode::CALLER);
            w.push(0);
            w.op(Opcode::MSTORE);
            answer(&mut w, Opcode::REVERT, stage.random.pick(&[0, 1, 32, 40]));
        }
        11 => w.code.push(Opcode::INVALID.0),
        12 | 13 => {
            let to = stage.address_word();
            w.push(to);
            w.op(Opcode::SELFDESTRUCT);
        }
        14 => {
            w.push(far(&mut stage.random));
            w.push(0);
            w.op(Opcode::RETURN);
        }
        _ => {}
    }
    w.code
}

/// A limit in bytes; before there is one, what the first one was.
pub(super) fn limit(limit: usize, first: usize) -> usize {
    if limit == usize::MAX { first } else { limit }
}

/// A message to an account, or a look at it: what touches it and makes it warm.
fn touch(stage: &mut Stage, w: &mut Writer) {
    let address = stage.address_word();
    if stage.random.once_in(3) {
        w.push(address);
        w.ops(&[Opcode::BALANCE, Opcode::POP]);
        return;
    }
    for _ in 0..4 {
        w.push(0);
    }
    let value = stage.random.pick(&[0, 0, 1]);
    w.push(value);
    w.push(address);
    w.push(CALLED);
    w.ops(&[Opcode::CALL, Opcode::POP]);
}

/// An account where one is to be created: with wei alone it is created over, with anything else it is not (EIP-684, EIP-7610).
pub(super) fn in_the_way(stage: &mut Stage, at: Address) {
    let mut account = Account { balance: U256::from(stage.random.below(2)), ..Account::default() };
    match stage.random.below(5) {
        0 | 1 => account.nonce = 1,
        2 => account.storage = [(U256::from(1), U256::from(1))].into(),
        3 => account.code = Bytecode::new(vec![0].into()),
        _ => account.balance = U256::from(5),
    }
    stage.add(at, account);
    stage.named.push(at);
}
