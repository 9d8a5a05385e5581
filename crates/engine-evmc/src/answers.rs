//! What a library asks of the world, answered by a host of ours.

use std::collections::BTreeSet;

use parallax_evmc_abi::{CallKind, Flags, StorageStatus};
use parallax_host_interface::{Host, HostError, Slot};
use parallax_primitives::{Address, B256, Eip, Log, Message, MessageKind, Rules, U256};

use crate::protocol::{Heard, Said, Saying, answer, order};

/// Topics that an opcode can give a log.
const MOST_TOPICS: i64 = 4;
/// Slots that a frame may read without warming them.
const MOST_COLD_READS: usize = 1 << 20;

/// What a frame asked for.
pub(crate) enum Asked {
    /// It was answered.
    Answered,
    /// A message.
    Message(Message),
    /// Something that makes no sense.
    Nonsense(&'static str),
}

/// Slots that were read and not warmed: EVMC has two functions for what is one of our hosts'.
#[derive(Debug, Default)]
pub(crate) struct ColdReads(BTreeSet<(Address, U256)>);

/// Answers what stands behind `what`; the frame that asks runs `by` under `rules`.
pub(crate) fn answered(
    what: u8,
    heard: &mut Heard<'_>,
    host: &mut dyn Host,
    (by, rules): (&Message, Rules),
    cold_reads: &mut ColdReads,
    said: &mut Said,
) -> Result<Asked, HostError> {
    let nonsense = || Ok(Asked::Nonsense("a request is cut off"));
    if what == answer::CALL {
        let nonsense = Asked::Nonsense("a message is cut off, or has impossible numbers");
        let mut asked = sent(heard, by).unwrap_or(nonsense);
        if let Asked::Message(message) = &mut asked
            && !message.kind.is_create()
            && rules.has(Eip::SetCode7702)
        {
            // EVMC does not say whether an account that delegates to itself does, as it makes no difference.
            let code_address = message.code_address;
            message.is_delegated |= host.delegate(code_address)? == Some(code_address);
        }
        return Ok(asked);
    }
    if what == answer::GET_BLOCK_HASH {
        let Some(number) = heard.int() else { return nonsense() };
        let hash = u64::try_from(number).map_or(Ok(B256::ZERO), |number| host.block_hash(number))?;
        said.begin(order::ANSWER).word(hash.0);
        return Ok(Asked::Answered);
    }
    let Some(address) = heard.address() else { return nonsense() };
    match what {
        answer::ACCOUNT_EXISTS => {
            let is_dead = host.is_dead(address)?;
            reply(said).byte((!is_dead).into());
        }
        answer::GET_BALANCE => {
            let balance = host.balance(address)?;
            reply(said).word(balance.to_be_bytes());
        }
        answer::GET_CODE_SIZE => {
            let size = host.code(address)?.bytes().len();
            reply(said).int(i64::try_from(size).unwrap_or(i64::MAX));
        }
        answer::GET_CODE_HASH => {
            let hash = host.code_hash(address)?.unwrap_or_default();
            reply(said).word(hash.0);
        }
        answer::COPY_CODE => {
            let Some((offset, size)) = heard.int().zip(heard.int()) else { return nonsense() };
            let code = host.code(address)?;
            // A negative number is one beyond any code.
            let [offset, size] = [offset, size].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
            let rest = code.bytes().get(offset..).unwrap_or_default();
            reply(said).bytes(&rest[..rest.len().min(size)]);
        }
        answer::SELFDESTRUCT => {
            let Some(beneficiary) = heard.address() else { return nonsense() };
            let was_marked = host.self_destruct(address, beneficiary)?.was_marked;
            reply(said).byte((!was_marked).into());
        }
        answer::EMIT_LOG => {
            let Some((data, count)) = heard.bytes().zip(heard.int()) else { return nonsense() };
            if !(0..=MOST_TOPICS).contains(&count) {
                return Ok(Asked::Nonsense("a log has more than 4 topics"));
            }
            let topics: Option<Vec<_>> = (0..count).map(|_| heard.hash()).collect();
            let Some(topics) = topics else { return nonsense() };
            // Nobody waits.
            host.log(Log { address, topics, data });
        }
        answer::ACCESS_ACCOUNT => {
            let was_cold = host.warm_account(address);
            reply(said).byte((!was_cold).into());
        }
        _ => {
            let Some(key) = heard.number() else { return nonsense() };
            return slot(what, (address, key), heard, host, cold_reads, said);
        }
    }
    Ok(Asked::Answered)
}

/// What is about one slot.
fn slot(
    what: u8,
    (address, key): (Address, U256),
    heard: &mut Heard<'_>,
    host: &mut dyn Host,
    cold_reads: &mut ColdReads,
    said: &mut Said,
) -> Result<Asked, HostError> {
    match what {
        answer::GET_STORAGE => {
            let slot = cold_reads.load(address, key, host)?;
            reply(said).word(slot.current.to_be_bytes());
        }
        answer::SET_STORAGE => {
            let Some(value) = heard.number() else { return Ok(Asked::Nonsense("a write has no value")) };
            let slot = cold_reads.load(address, key, host)?;
            host.store_slot(address, key, value)?;
            reply(said).int(storage_status(slot, value).0.into());
        }
        answer::ACCESS_STORAGE => {
            let was_cold = host.load_slot(address, key)?.was_cold;
            let was_cold = cold_reads.0.remove(&(address, key)) || was_cold;
            reply(said).byte((!was_cold).into());
        }
        answer::GET_TRANSIENT => {
            let value = host.load_transient(address, key);
            reply(said).word(value.to_be_bytes());
        }
        answer::SET_TRANSIENT => {
            let Some(value) = heard.number() else { return Ok(Asked::Nonsense("a write has no value")) };
            // Nobody waits.
            host.store_transient(address, key, value);
        }
        _ => return Ok(Asked::Nonsense("nobody can ask that")),
    }
    if cold_reads.0.len() > MOST_COLD_READS {
        return Ok(Asked::Nonsense("it reads more slots than any gas pays for"));
    }
    Ok(Asked::Answered)
}

fn reply(said: &mut Said) -> Saying<'_> {
    said.begin(order::ANSWER)
}

impl ColdReads {
    fn load(&mut self, address: Address, key: U256, host: &mut dyn Host) -> Result<Slot, HostError> {
        let slot = host.load_slot(address, key)?;
        if slot.was_cold {
            self.0.insert((address, key));
        }
        Ok(slot)
    }
}

/// What a write of `new` does to a slot.
fn storage_status(Slot { original, current, .. }: Slot, new: U256) -> StorageStatus {
    let (was_zero, is_zero) = (current.is_zero(), new.is_zero());
    match (original.is_zero(), original == current) {
        _ if current == new => StorageStatus::ASSIGNED,
        (true, true) => StorageStatus::ADDED,
        (false, true) if is_zero => StorageStatus::DELETED,
        (false, true) => StorageStatus::MODIFIED,
        (true, false) if is_zero => StorageStatus::ADDED_DELETED,
        (true, false) => StorageStatus::ASSIGNED,
        (false, false) if was_zero && original == new => StorageStatus::DELETED_RESTORED,
        (false, false) if was_zero => StorageStatus::DELETED_ADDED,
        (false, false) if is_zero => StorageStatus::MODIFIED_DELETED,
        (false, false) if original == new => StorageStatus::MODIFIED_RESTORED,
        (false, false) => StorageStatus::ASSIGNED,
    }
}

/// A message that the frame of `by` sends.
fn sent(heard: &mut Heard<'_>, by: &Message) -> Option<Asked> {
    let [kind, flags, depth, gas] = [heard.int()?, heard.int()?, heard.int()?, heard.int()?];
    let (address, caller) = (heard.address()?, heard.address()?);
    let (value, salt) = (heard.number()?, heard.number()?);
    let (code_address, input) = (heard.address()?, heard.bytes()?);
    let flags = Flags(u32::try_from(flags).ok()?);
    let is_static = flags.has(Flags::STATIC);
    let kind = match CallKind(i32::try_from(kind).ok()?) {
        // In a static frame both are alike: see the tolerances.
        CallKind::CALL if is_static && !by.is_static => MessageKind::StaticCall,
        CallKind::CALL => MessageKind::Call,
        CallKind::DELEGATECALL => MessageKind::DelegateCall,
        CallKind::CALLCODE => MessageKind::CallCode,
        CallKind::CREATE => MessageKind::Create,
        CallKind::CREATE2 => MessageKind::Create2,
        _ => return Some(Asked::Nonsense("a message is of a kind that is none")),
    };
    let depth = u16::try_from(depth).ok()?;
    let gas = u64::try_from(gas).ok()?;
    // What a creation does not have is whatever its sender left there.
    let (address, code_address) = match kind.is_create() {
        true => (Address::ZERO, Address::ZERO),
        false => (address, code_address),
    };
    let salt = if kind == MessageKind::Create2 { salt } else { U256::ZERO };
    let is_delegated = flags.has(Flags::DELEGATED);
    Some(Asked::Message(Message {
        kind,
        depth,
        is_static,
        gas,
        caller,
        address,
        code_address,
        is_delegated,
        value,
        input,
        state_gas: Default::default(),
        salt,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_write_is_by_its_three_values() {
        const X: u64 = 1;
        const Y: u64 = 2;
        const Z: u64 = 3;
        for (values, expected) in [
            ([0, 0, 0], StorageStatus::ASSIGNED),
            ([X, X, X], StorageStatus::ASSIGNED),
            ([X, Y, Y], StorageStatus::ASSIGNED),
            ([X, 0, 0], StorageStatus::ASSIGNED),
            ([0, Y, Z], StorageStatus::ASSIGNED),
            ([X, Y, Z], StorageStatus::ASSIGNED),
            ([0, 0, Z], StorageStatus::ADDED),
            ([X, X, 0], StorageStatus::DELETED),
            ([X, X, Z], StorageStatus::MODIFIED),
            ([X, 0, Z], StorageStatus::DELETED_ADDED),
            ([X, Y, 0], StorageStatus::MODIFIED_DELETED),
            ([X, 0, X], StorageStatus::DELETED_RESTORED),
            ([0, Y, 0], StorageStatus::ADDED_DELETED),
            ([X, Y, X], StorageStatus::MODIFIED_RESTORED),
        ] {
            let [original, current, new] = values.map(U256::from);
            let slot = Slot { original, current, was_cold: false };
            assert_eq!(storage_status(slot, new), expected, "{values:?}");
        }
    }
}
