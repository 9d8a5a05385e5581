//! How often every opcode ran, and what gas it took.

use parallax_primitives::{MessageKind, Opcode};

use crate::{Call, Trace, codec::Input, record::Record};

/// What one opcode came to in a whole trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpcodeCount {
    /// The opcode.
    pub opcode: Opcode,
    /// Its mnemonic; `INVALID` for a byte that the rules do not know.
    pub op_name: &'static str,
    /// How often it ran, failures included.
    pub count: u64,
    /// Gas it took itself, in gas: without what a call forwarded. So gas spent in a callee counts once, there.
    pub gas: u64,
    /// State gas it was charged, less what it was given back, in gas (EIP-8037). What failed has paid none.
    pub state_gas: i64,
}

impl Trace {
    /// The opcodes that ran, by byte.
    pub fn opcode_counts(&self) -> Vec<OpcodeCount> {
        let mut counts = [(0_u64, 0_u64, 0_i64); 256];
        let mut sent = self
            .calls
            .iter()
            .filter_map(|call| {
                Some((call.sent_by?, forwarded(call, self.rules.map_or(0, |rules| rules.gas().call_stipend))))
            })
            .peekable();
        for (number, segment) in self.segments.iter().enumerate() {
            let mut input = Input::new(&self.arena, segment.offset);
            self.take_header(&mut input);
            for step in segment.first_step..self.end_of(number) {
                let record = Record::take(&mut input, self);
                let forwarded = sent.next_if(|sent| sent.0 == step).map_or(0, |sent| sent.1);
                let (count, gas, state_gas) = &mut counts[usize::from(record.opcode.0)];
                *count += 1;
                *gas = gas.saturating_add(record.gas_cost.saturating_sub(forwarded));
                if record.halt.is_none() {
                    *state_gas = state_gas.saturating_add(record.state_gas.cost);
                }
            }
        }
        (0..=u8::MAX)
            .zip(counts)
            .filter(|(_, (count, ..))| *count != 0)
            .map(|(byte, (count, gas, state_gas))| {
                let opcode = Opcode(byte);
                OpcodeCount { opcode, op_name: self.opcode_name(opcode), count, gas, state_gas }
            })
            .collect()
    }
}

/// The part of a call's gas cost that its callee got. The stipend is given, not taken (Yellow Paper, appendix H); a
/// creation's cost is without what it forwards.
fn forwarded(call: &Call, stipend: u64) -> u64 {
    let message = &call.message;
    let has_stipend = matches!(message.kind, MessageKind::Call | MessageKind::CallCode);
    match message.kind.is_create() {
        true => 0,
        false if has_stipend && !message.value.is_zero() => message.gas.saturating_sub(stipend),
        false => message.gas,
    }
}
