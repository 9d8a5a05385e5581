//! Code that does to the world what a state transition can get wrong.
//!
//! Calldata begins with a word that says how deep messages may still nest; what a contract sends has one less. At some depth a
//! contract ends otherwise than it does elsewhere, so that frames fail at each depth, with what they did before.

use parallax_primitives::{Address, Fork, Opcode, Rules, U256};

use super::addresses;
use crate::{random::Random, writer::Writer};

/// Slots that contracts store to.
pub(super) const SLOTS: usize = 4;
/// Where init code is put together in memory, behind what is sent to the messages.
const INIT_CODE_AT: usize = 128;
/// Init code within init code goes no deeper.
const NESTED: usize = 2;

/// What a contract sends messages to.
#[derive(Clone, Copy)]
enum Sends {
    /// To any account, and to what it creates with init code that nests so deep.
    Anywhere(usize),
    /// One, to itself, with all its gas.
    ToItself,
}

/// The code of a contract.
pub(super) fn contract(random: &mut Random, fork: Fork) -> Vec<u8> {
    write(random, fork, Sends::Anywhere(NESTED))
}

/// The code of a contract that goes down as deep as it is told to.
pub(super) fn deep(random: &mut Random, fork: Fork) -> Vec<u8> {
    write(random, fork, Sends::ToItself)
}

/// Init code: of a transaction, or of CREATE and CREATE2.
pub(super) fn init(random: &mut Random, fork: Fork, nested: usize) -> Vec<u8> {
    let mut w = Writer::new(Random::new(random.bits()), fork.into());
    if nested > 0 && w.random.once_in(3) {
        for _ in 0..w.random.between(1, 3) {
            action(&mut w, fork, nested - 1);
        }
    }
    w.level(0);
    match w.random.below(12) {
        0..=3 => deploy(&mut w, fork, nested),
        4 => {
            // Round the limit, and what nobody can pay for.
            let limit = largest(fork).0;
            let length = w.random.pick(&[limit - 1, limit, limit + 1, 1 << 30]);
            answer(&mut w, Opcode::RETURN, 0, length);
        }
        5 => {
            // What EIP-3541 refuses, a designator among it.
            let bytes = w.random.pick(&[1, 2, 23]);
            w.push_wide(3, U256::from(0x00ef_0100));
            w.push(232);
            shift_left(&mut w);
            w.push(0);
            w.op(Opcode::MSTORE);
            answer(&mut w, Opcode::RETURN, 0, bytes);
        }
        6 => answer(&mut w, Opcode::REVERT, 0, 40),
        7 => self_destruct(&mut w),
        8 => fail(&mut w),
        9 => answer(&mut w, Opcode::RETURN, 0, 0),
        10 => answer(&mut w, Opcode::RETURN, 0, 1),
        _ => {}
    }
    w.code
}

/// The longest code and the longest init code (EIP-170, EIP-3860, EIP-7954); before there is a limit, what it then is.
pub(super) fn largest(fork: Fork) -> (usize, usize) {
    let gas = Rules::of(fork).gas();
    let or_first = |limit, first| if limit == usize::MAX { first } else { limit };
    (or_first(gas.max_code_size, 24_576), or_first(gas.max_initcode_size, 49_152))
}

/// Init code that returns so many zeros.
pub(super) fn returning(fork: Fork, length: usize) -> Vec<u8> {
    let mut w = Writer::new(Random::new(0), fork.into());
    answer(&mut w, Opcode::RETURN, 0, length);
    w.code
}

/// A contract that creates by `length` bytes of init code, which begin with `init`.
pub(super) fn creating(fork: Fork, init: &[u8], length: usize, by_salt: bool) -> Vec<u8> {
    let mut w = Writer::new(Random::new(0), fork.into());
    let mut word = [0; 32];
    word[..init.len()].copy_from_slice(init);
    w.push(U256::from_be_bytes(word));
    w.push(0);
    w.op(Opcode::MSTORE);
    let create = if by_salt && w.is_defined(Opcode::CREATE2) { Opcode::CREATE2 } else { Opcode::CREATE };
    if create == Opcode::CREATE2 {
        w.push(0);
    }
    w.push(length);
    w.push(0);
    w.push(0);
    w.op(create);
    w.push(1);
    w.op(Opcode::SSTORE);
    w.code
}

/// The top by so many bits to the left, in forks without SHL too.
fn shift_left(w: &mut Writer) {
    w.push(2);
    w.ops(&[Opcode::EXP, Opcode::MUL]);
}

/// Returns code that is in the init code, at its end.
fn deploy(w: &mut Writer, fork: Fork, nested: usize) {
    let deployed = write(&mut w.random, fork, Sends::Anywhere(nested.saturating_sub(1)));
    w.push_wide(2, U256::from(deployed.len()));
    let from = w.push_forward();
    w.push(0);
    w.op(Opcode::CODECOPY);
    w.push_wide(2, U256::from(deployed.len()));
    w.push(0);
    w.op(Opcode::RETURN);
    let end = w.code.len();
    w.set(&from, end);
    w.code.extend(deployed);
}

fn write(random: &mut Random, fork: Fork, sends: Sends) -> Vec<u8> {
    let mut w = Writer::new(Random::new(random.bits()), fork.into());
    // How deep messages may still go: the frame stands alone if it is zero.
    w.push(0);
    w.op(Opcode::CALLDATALOAD);
    w.push(u64::MAX);
    w.op(Opcode::AND);
    if w.random.once_in(2) {
        w.op(Opcode::DUP1);
        let deepest = if let Sends::ToItself = sends { 1030 } else { 5 };
        let depth = w.random.between(0, deepest);
        w.push(depth);
        w.op(Opcode::EQ);
        w.op(Opcode::ISZERO);
        let over = w.push_forward();
        w.op(Opcode::JUMPI);
        if w.random.once_in(2) {
            local(&mut w);
            w.level(1);
        }
        end(&mut w);
        w.level(1);
        w.land(&over);
    }
    w.ops(&[Opcode::DUP1, Opcode::ISZERO]);
    let leaf = w.push_forward();
    w.op(Opcode::JUMPI);
    // One less, for the messages below.
    w.push(1);
    w.ops(&[Opcode::SWAP1, Opcode::SUB]);
    w.push(0);
    w.op(Opcode::MSTORE);
    match sends {
        Sends::Anywhere(nested) => {
            for _ in 0..w.random.between(1, 5) {
                action(&mut w, fork, nested);
                w.level(0);
            }
        }
        Sends::ToItself => {
            local(&mut w);
            let call = call_opcode(&mut w);
            for part in [32, 32, 32, 0] {
                w.push(part);
            }
            if matches!(call, Opcode::CALL | Opcode::CALLCODE) {
                w.push(0);
            }
            w.ops(&[Opcode::ADDRESS, Opcode::GAS, call]);
            store(&mut w);
        }
    }
    end(&mut w);
    w.level(1);
    w.land(&leaf);
    for _ in 0..w.random.between(1, 3) {
        local(&mut w);
    }
    end(&mut w);
    w.code
}

/// Something that the world sees, with what came of it kept.
fn action(w: &mut Writer, fork: Fork, nested: usize) {
    match w.random.below(8) {
        0..=3 => call(w),
        4 if nested > 0 => create(w, fork, nested),
        _ => local(w),
    }
}

/// Without a message.
fn local(w: &mut Writer) {
    match w.random.below(12) {
        0..=2 => {
            let value = w.random.pick(&[0, 0, 1, 2]);
            w.push(value);
            store(w);
        }
        3 => {
            slot(w);
            w.op(Opcode::SLOAD);
            store(w);
        }
        4 if w.is_defined(Opcode::TSTORE) => {
            let value = w.random.below(3);
            w.push(value);
            slot(w);
            w.op(Opcode::TSTORE);
        }
        5 if w.is_defined(Opcode::TLOAD) => {
            slot(w);
            w.op(Opcode::TLOAD);
            store(w);
        }
        6 => {
            let log = w.random.pick(&[Opcode::LOG0, Opcode::LOG1, Opcode::LOG2, Opcode::LOG3, Opcode::LOG4]);
            for _ in 0..log.0 - Opcode::LOG0.0 {
                w.value();
            }
            let bytes = w.random.below(70);
            w.push(bytes);
            w.push(0);
            w.op(log);
        }
        7 if w.random.once_in(4) => self_destruct(w),
        8 => {
            let read = w.random.pick(&[
                Opcode::ORIGIN,
                Opcode::CALLER,
                Opcode::CALLVALUE,
                Opcode::GASPRICE,
                Opcode::COINBASE,
                Opcode::GAS,
                Opcode::BASEFEE,
                Opcode::BLOBBASEFEE,
                Opcode::PREVRANDAO,
                Opcode::CODESIZE,
                Opcode::CHAINID,
                Opcode::SELFBALANCE,
            ]);
            w.op(if w.is_defined(read) { read } else { Opcode::CALLER });
            store(w);
        }
        9 if w.is_defined(Opcode::BLOBHASH) => {
            let index = w.random.below(3);
            w.push(index);
            w.op(Opcode::BLOBHASH);
            store(w);
        }
        10 => {
            // 32 bytes of another account's code.
            w.push(32);
            w.push(0);
            w.push(64);
            address(w);
            w.op(Opcode::EXTCODECOPY);
            w.push(64);
            w.op(Opcode::MLOAD);
            store(w);
        }
        _ => {
            let read = w.random.pick(&[Opcode::BALANCE, Opcode::EXTCODESIZE, Opcode::EXTCODEHASH]);
            address(w);
            w.op(if w.is_defined(read) { read } else { Opcode::BALANCE });
            store(w);
        }
    }
}

fn slot(w: &mut Writer) {
    let slot = w.random.below(SLOTS);
    w.push(slot);
}

/// Keeps the top: in a slot, or in a log's topic where the slots are few.
fn store(w: &mut Writer) {
    if w.random.once_in(4) {
        w.push(0);
        w.push(0);
        w.op(Opcode::LOG1);
    } else {
        slot(w);
        w.op(Opcode::SSTORE);
    }
}

fn address(w: &mut Writer) {
    if w.random.once_in(8) {
        w.op(Opcode::ADDRESS);
    } else {
        let address = addresses::any(&mut w.random);
        push_address(w, address);
    }
}

fn push_address(w: &mut Writer, address: Address) {
    let word = U256::from_be_slice(address.as_slice());
    // What is above an address's bytes means nothing.
    if w.random.once_in(32) {
        w.push(word | U256::from(1) << 200);
    } else {
        w.push(word);
    }
}

fn call_opcode(w: &mut Writer) -> Opcode {
    let calls = [Opcode::CALL, Opcode::CALL, Opcode::CALLCODE, Opcode::DELEGATECALL, Opcode::STATICCALL];
    let call = w.random.pick(&calls);
    if w.is_defined(call) { call } else { Opcode::CALL }
}

/// A message to an account.
fn call(w: &mut Writer) {
    let call = call_opcode(w);
    let bytes = w.random.pick(&[0, 32, 32, 70]);
    w.push(bytes);
    let at = w.random.pick(&[32, 64, 96]);
    w.push(at);
    let bytes = w.random.pick(&[0, 32, 32, 32, 33, 128]);
    w.push(bytes);
    w.push(0);
    if matches!(call, Opcode::CALL | Opcode::CALLCODE) {
        value(w);
    }
    address(w);
    match w.random.below(6) {
        0..=2 => w.op(Opcode::GAS),
        3 => {
            let gas = w.random.pick(&[0, 1, 699, 2300, 2301, 9000, 25_000]);
            w.push(gas);
        }
        4 => {
            let gas = w.random.between(0, 100_000);
            w.push(gas);
        }
        _ => w.constant(),
    }
    w.op(call);
    store(w);
    match w.random.below(6) {
        0 if w.is_defined(Opcode::RETURNDATASIZE) => {
            w.op(Opcode::RETURNDATASIZE);
            store(w);
        }
        1 if w.is_defined(Opcode::RETURNDATACOPY) => {
            // Now and then more than there is: then the frame fails.
            let bytes = w.random.pick(&[0, 0, 1, 32]);
            w.push(bytes);
            w.push(0);
            w.push(64);
            w.op(Opcode::RETURNDATACOPY);
        }
        2 => {
            w.push(64);
            w.op(Opcode::MLOAD);
            store(w);
        }
        _ => {}
    }
}

/// Wei to send: mostly what there is.
fn value(w: &mut Writer) {
    match w.random.below(8) {
        0..=3 => w.push(0),
        4 | 5 => w.push(1),
        6 => {
            let value = w.random.pick(&[1000, 1_000_001]);
            w.push(value);
        }
        _ => {
            w.op(Opcode::ADDRESS);
            w.op(Opcode::BALANCE);
        }
    }
}

/// An account by CREATE or CREATE2, and now and then a message to it.
fn create(w: &mut Writer, fork: Fork, nested: usize) {
    let init = init(&mut w.random, fork, nested - 1);
    for (index, word) in init.chunks(32).enumerate() {
        let mut bytes = [0; 32];
        bytes[..word.len()].copy_from_slice(word);
        w.push(U256::from_be_bytes(bytes));
        w.push(INIT_CODE_AT + 32 * index);
        w.op(Opcode::MSTORE);
    }
    let create2 = w.is_defined(Opcode::CREATE2) && w.random.once_in(2);
    if create2 {
        let salt = w.random.below(2);
        w.push(salt);
    }
    // Round the limit in place of its own length.
    let limit = largest(fork).1;
    let length = if w.random.once_in(16) { w.random.pick(&[0, limit, limit + 1]) } else { init.len() };
    w.push(length);
    w.push(INIT_CODE_AT);
    value(w);
    w.op(if create2 { Opcode::CREATE2 } else { Opcode::CREATE });
    if w.random.once_in(2) {
        store(w);
        return;
    }
    // A message to what was created, or to the account 0; with the depth that memory begins with.
    for _ in 0..2 {
        w.push(0);
    }
    w.push(32);
    for _ in 0..2 {
        w.push(0);
    }
    w.dup(6);
    w.op(Opcode::GAS);
    w.op(Opcode::CALL);
    w.op(Opcode::POP);
    store(w);
}

fn self_destruct(w: &mut Writer) {
    address(w);
    w.op(Opcode::SELFDESTRUCT);
}

/// How a frame ends.
fn end(w: &mut Writer) {
    match w.random.below(12) {
        0..=3 => w.op(Opcode::STOP),
        4..=6 => answer(w, Opcode::RETURN, 0, 64),
        7 | 8 => answer(w, Opcode::REVERT, 0, 64),
        9 => self_destruct(w),
        _ => fail(w),
    }
}

/// An exceptional halt.
fn fail(w: &mut Writer) {
    match w.random.below(6) {
        0 => w.code.push(0xfe),
        1 => w.code.push(0x0c),
        // Out of gas, whatever there is of it.
        2 => answer(w, Opcode::RETURN, u64::MAX, 1),
        3 => {
            w.push(0);
            w.op(Opcode::JUMP);
        }
        4 => {
            w.level(0);
            w.op(Opcode::POP);
        }
        // What a static frame refuses, and others do not: it goes on to what comes behind.
        _ => {
            w.push(1);
            slot(w);
            w.op(Opcode::SSTORE);
        }
    }
}

fn answer(w: &mut Writer, opcode: Opcode, at: u64, bytes: usize) {
    let opcode = if w.is_defined(opcode) { opcode } else { Opcode::RETURN };
    w.push(bytes);
    w.push(at);
    w.op(opcode);
}
