//! The host as a library sees it: each function hands its question on to the parent.
//!
//! What all of them trust: the context is the one that the library was given, so a [`Parent`] that lives; an address, a key, a value
//! and a message point to such. A library that does not keep to that takes this process with it, and nothing else.

use std::{ptr, slice};

use parallax_evmc_abi::{
    AccessStatus, EvmcAddress, EvmcBytes32, EvmcHost, EvmcHostContext, EvmcMessage, EvmcResult,
    EvmcTransactionContext, StatusCode, StorageStatus,
};
use parallax_primitives::Address;

use crate::{
    parent::{Parent, bytes},
    protocol::{Heard, Saying, answer, order},
};

/// The host's functions.
pub(crate) static HOST: EvmcHost = EvmcHost {
    account_exists,
    get_storage,
    set_storage,
    get_balance,
    get_code_size,
    get_code_hash,
    copy_code,
    selfdestruct,
    call,
    get_tx_context,
    get_block_hash,
    emit_log,
    access_account,
    access_storage,
    get_transient_storage,
    set_transient_storage,
};

type Context = *mut EvmcHostContext;

unsafe extern "C" fn account_exists(context: Context, address: *const EvmcAddress) -> bool {
    // SAFETY: as above.
    unsafe { ask(context, answer::ACCOUNT_EXISTS, address, alone, flag) }
}

unsafe extern "C" fn get_storage(
    context: Context,
    address: *const EvmcAddress,
    key: *const EvmcBytes32,
) -> EvmcBytes32 {
    // SAFETY: as above.
    unsafe { ask(context, answer::GET_STORAGE, address, |said| drop(said.word((*key).bytes)), word) }
}

unsafe extern "C" fn set_storage(
    context: Context,
    address: *const EvmcAddress,
    key: *const EvmcBytes32,
    value: *const EvmcBytes32,
) -> StorageStatus {
    let status = |heard: &mut Heard<'_>| Some(StorageStatus(i32::try_from(heard.int()?).ok()?));
    // SAFETY: as above.
    unsafe {
        let write = |said: Saying<'_>| drop(said.word((*key).bytes).word((*value).bytes));
        ask(context, answer::SET_STORAGE, address, write, status)
    }
}

unsafe extern "C" fn get_balance(context: Context, address: *const EvmcAddress) -> EvmcBytes32 {
    // SAFETY: as above.
    unsafe { ask(context, answer::GET_BALANCE, address, alone, word) }
}

unsafe extern "C" fn get_code_size(context: Context, address: *const EvmcAddress) -> usize {
    let size = |heard: &mut Heard<'_>| usize::try_from(heard.int()?).ok();
    // SAFETY: as above.
    unsafe { ask(context, answer::GET_CODE_SIZE, address, alone, size) }
}

unsafe extern "C" fn get_code_hash(context: Context, address: *const EvmcAddress) -> EvmcBytes32 {
    // SAFETY: as above.
    unsafe { ask(context, answer::GET_CODE_HASH, address, alone, word) }
}

unsafe extern "C" fn copy_code(
    context: Context,
    address: *const EvmcAddress,
    offset: usize,
    buffer: *mut u8,
    size: usize,
) -> usize {
    // What cannot be said is beyond any code.
    let [offset, wanted] = [offset, size].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let copy = |heard: &mut Heard<'_>| {
        let code = heard.slice().filter(|code| code.len() <= size)?;
        if !code.is_empty() {
            // SAFETY: by EVMC the buffer has `size` bytes, and it is not of this process' own.
            unsafe { ptr::copy_nonoverlapping(code.as_ptr(), buffer, code.len()) };
        }
        Some(code.len())
    };
    // SAFETY: as above.
    unsafe { ask(context, answer::COPY_CODE, address, |said| drop(said.int(offset).int(wanted)), copy) }
}

unsafe extern "C" fn selfdestruct(
    context: Context,
    address: *const EvmcAddress,
    beneficiary: *const EvmcAddress,
) -> bool {
    // SAFETY: as above.
    unsafe {
        let beneficiary = Address::new((*beneficiary).bytes);
        ask(context, answer::SELFDESTRUCT, address, |said| drop(said.address(beneficiary)), flag)
    }
}

unsafe extern "C" fn get_tx_context(context: Context) -> EvmcTransactionContext {
    // SAFETY: as above.
    unsafe { parent(context) }.talk().context()
}

unsafe extern "C" fn get_block_hash(context: Context, number: i64) -> EvmcBytes32 {
    // SAFETY: as above.
    let mut talk = unsafe { parent(context) }.talk();
    talk.said.begin(answer::GET_BLOCK_HASH).int(number);
    talk.exchange();
    let heard = answered(&talk.heard).and_then(|mut heard| word(&mut heard));
    heard.unwrap_or_else(|| talk.give_up("an answer is cut off"))
}

unsafe extern "C" fn emit_log(
    context: Context,
    address: *const EvmcAddress,
    data: *const u8,
    size: usize,
    topics: *const EvmcBytes32,
    count: usize,
) {
    // SAFETY: as above; there are so many bytes and topics.
    unsafe {
        let topics = if topics.is_null() { &[] } else { slice::from_raw_parts(topics, count) };
        let log = |said: Saying<'_>| {
            let mut said = said.bytes(bytes(data, size)).int(i64::try_from(count).unwrap_or(i64::MAX));
            for topic in topics {
                said = said.word(topic.bytes);
            }
            drop(said);
        };
        tell(context, answer::EMIT_LOG, address, log);
    }
}

unsafe extern "C" fn access_account(context: Context, address: *const EvmcAddress) -> AccessStatus {
    // SAFETY: as above.
    unsafe { ask(context, answer::ACCESS_ACCOUNT, address, alone, access) }
}

unsafe extern "C" fn access_storage(
    context: Context,
    address: *const EvmcAddress,
    key: *const EvmcBytes32,
) -> AccessStatus {
    // SAFETY: as above.
    unsafe { ask(context, answer::ACCESS_STORAGE, address, |said| drop(said.word((*key).bytes)), access) }
}

unsafe extern "C" fn get_transient_storage(
    context: Context,
    address: *const EvmcAddress,
    key: *const EvmcBytes32,
) -> EvmcBytes32 {
    // SAFETY: as above.
    unsafe { ask(context, answer::GET_TRANSIENT, address, |said| drop(said.word((*key).bytes)), word) }
}

unsafe extern "C" fn set_transient_storage(
    context: Context,
    address: *const EvmcAddress,
    key: *const EvmcBytes32,
    value: *const EvmcBytes32,
) {
    // SAFETY: as above.
    unsafe {
        let write = |said: Saying<'_>| drop(said.word((*key).bytes).word((*value).bytes));
        tell(context, answer::SET_TRANSIENT, address, write);
    }
}

/// Sends a message and waits for what it comes to. Until then its code runs, on top of the frame that waits: in here.
unsafe extern "C" fn call(context: Context, message: *const EvmcMessage) -> EvmcResult {
    // SAFETY: as above; there are so many bytes of input.
    let (parent, message, input) = unsafe {
        let message = &*message;
        (parent(context), message, bytes(message.input_data, message.input_size))
    };
    parent
        .talk()
        .said
        .begin(answer::CALL)
        .int(message.kind.0.into())
        .int(message.flags.0.into())
        .int(message.depth.into())
        .int(message.gas)
        .address(Address::new(message.recipient.bytes))
        .address(Address::new(message.sender.bytes))
        .word(message.value.bytes)
        .word(message.create2_salt.bytes)
        .address(Address::new(message.code_address.bytes))
        .bytes(input);
    loop {
        let mut talk = parent.talk();
        talk.exchange();
        match talk.heard.first() {
            Some(&order::EXECUTE) => {
                drop(talk);
                parent.execute();
            }
            Some(&order::DELIVER) => {
                return delivered(&talk.heard)
                    .unwrap_or_else(|| talk.give_up("what a message came to is cut off"));
            }
            _ => talk.give_up("an order is none"),
        }
    }
}

fn delivered(heard: &[u8]) -> Option<EvmcResult> {
    let mut heard = Heard::new(heard);
    heard.byte()?;
    let status_code = StatusCode(i32::try_from(heard.int()?).ok()?);
    let (gas_left, gas_refund) = (heard.int()?, heard.int()?);
    let create_address = EvmcAddress { bytes: heard.address()?.into_array() };
    let output: Box<[u8]> = heard.slice()?.into();
    let (mut output_data, output_size, mut release): (_, _, Option<_>) = (ptr::null(), output.len(), None);
    if output_size > 0 {
        output_data = Box::into_raw(output).cast::<u8>().cast_const();
        release = Some(release_output as unsafe extern "C" fn(*const EvmcResult));
    }
    let padding = [0; 4];
    Some(EvmcResult {
        status_code,
        gas_left,
        gas_refund,
        output_data,
        output_size,
        release,
        create_address,
        padding,
    })
}

unsafe extern "C" fn release_output(result: *const EvmcResult) {
    // SAFETY: by EVMC it is a result that `delivered` made, with its output as it was, and is used no more.
    unsafe {
        let EvmcResult { output_data, output_size, .. } = *result;
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(output_data.cast_mut(), output_size)));
    }
}

/// Asks the parent about an account.
///
/// # Safety
///
/// As all functions of the host.
unsafe fn ask<T>(
    context: Context,
    what: u8,
    address: *const EvmcAddress,
    say: impl FnOnce(Saying<'_>),
    read: impl FnOnce(&mut Heard<'_>) -> Option<T>,
) -> T {
    // SAFETY: the caller vouches for it.
    let (parent, address) = unsafe { (parent(context), Address::new((*address).bytes)) };
    let mut talk = parent.talk();
    say(talk.said.begin(what).address(address));
    talk.exchange();
    let answer = answered(&talk.heard).and_then(|mut heard| read(&mut heard));
    answer.unwrap_or_else(|| talk.give_up("an answer is cut off"))
}

/// Tells the parent something about an account that it does not answer: it goes with the next question.
///
/// # Safety
///
/// As all functions of the host.
unsafe fn tell(context: Context, what: u8, address: *const EvmcAddress, say: impl FnOnce(Saying<'_>)) {
    // SAFETY: the caller vouches for it.
    let (parent, address) = unsafe { (parent(context), Address::new((*address).bytes)) };
    let mut talk = parent.talk();
    say(talk.said.begin(what).address(address));
    talk.send_if_large();
}

/// The parent behind a context.
///
/// # Safety
///
/// The context is what the library was given, and is used while it executes.
unsafe fn parent<'a>(context: Context) -> &'a Parent {
    // SAFETY: the caller vouches for it; the parent outlives every execution.
    unsafe { &*context.cast::<Parent>() }
}

/// What stands in an answer.
fn answered(heard: &[u8]) -> Option<Heard<'_>> {
    let mut heard = Heard::new(heard);
    (heard.byte() == Some(order::ANSWER)).then_some(heard)
}

fn word(heard: &mut Heard<'_>) -> Option<EvmcBytes32> {
    heard.word().map(|bytes| EvmcBytes32 { bytes })
}

fn access(heard: &mut Heard<'_>) -> Option<AccessStatus> {
    Some(if heard.bool()? { AccessStatus::WARM } else { AccessStatus::COLD })
}

fn flag(heard: &mut Heard<'_>) -> Option<bool> {
    heard.bool()
}

/// Nothing but the account.
fn alone(_: Saying<'_>) {}
