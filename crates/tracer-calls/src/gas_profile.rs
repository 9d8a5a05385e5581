use std::{collections::HashMap, fmt::Write as _};

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Address, FrameOutcome, FrameStatus, Message, MessageKind, Opcode, Rules};
use parallax_tracer_core::{Tracer, Wants};
use serde::Serialize;

use crate::{
    TracerError,
    called::{called, sends_to},
    error::LIMIT,
    json,
    opcode_counts::name,
};

/// What is kept of a frame or of one of its opcodes, roughly.
const NODE_BYTES: usize = 96;

/// Execution gas by frame and opcode, for tools that draw flame graphs. Frames that were called from the same frames are one.
///
/// A call has what it takes itself; what it forwards is in its frame. What a halt burns, and what a creation pays for its code, have places
/// of their own. The transaction itself has the rest: intrinsic gas, and, where the rules have two gases, state gas.
#[derive(Debug)]
pub struct GasProfile {
    format: ProfileFormat,
    rules: Option<Rules>,
    nodes: Vec<Node>,
    children: HashMap<(usize, Place), usize>,
    open: Vec<Open>,
    target: Address,
    /// Gas of the transaction before its refund, or of the message.
    total: Option<u64>,
}

/// How a profile is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileFormat {
    /// A line for each place: what is above it, outermost first, with `;` between, a space, and its gas.
    Folded,
    /// A file of speedscope, by its schema: <https://www.speedscope.app/file-format-schema.json>.
    Speedscope,
}

/// A place that gas is spent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Transaction,
    Frame(MessageKind, Address),
    Opcode(Opcode),
    /// What a halt took.
    Burnt,
    /// What a creation paid for its code.
    Deposit,
}

#[derive(Debug)]
struct Node {
    place: Place,
    parent: usize,
    gas: u64,
}

/// A frame that goes on.
#[derive(Debug)]
struct Open {
    node: usize,
    /// What is left behind its last opcode, or was there before the first.
    gas: u64,
    /// The call that is about to be sent: its node and what it forwards.
    sends: Option<(usize, u64)>,
}

impl GasProfile {
    /// One that has seen nothing.
    pub fn new(format: ProfileFormat) -> Self {
        Self {
            format,
            rules: None,
            nodes: vec![Node { place: Place::Transaction, parent: 0, gas: 0 }],
            children: HashMap::new(),
            open: Vec::new(),
            target: Address::ZERO,
            total: None,
        }
    }

    /// How it is written.
    pub fn format(&self) -> ProfileFormat {
        self.format
    }

    /// The profile: lines, or JSON on one line. The sum of all is the gas of the transaction before its refund.
    ///
    /// # Errors
    ///
    /// No run was traced to its end, or it was too large.
    pub fn result(&self) -> Result<String, TracerError> {
        if self.nodes.len() > LIMIT / NODE_BYTES {
            return Err(TracerError::TooLarge);
        }
        let total = self.total.ok_or(TracerError::NotTraced)?;
        let seen: u64 = self.nodes.iter().map(|node| node.gas).sum();
        let rest = Node { place: Place::Transaction, parent: 0, gas: total.saturating_sub(seen) };
        let samples = self.nodes.iter().enumerate().skip(1);
        let samples = std::iter::once((0, rest.gas)).chain(samples.map(|(index, node)| (index, node.gas)));
        let samples: Vec<_> = samples.filter(|(_, gas)| *gas != 0).collect();
        Ok(match self.format {
            ProfileFormat::Folded => self.folded(&samples),
            ProfileFormat::Speedscope => self.speedscope(&samples),
        })
    }

    fn folded(&self, samples: &[(usize, u64)]) -> String {
        let mut out = String::new();
        for (node, gas) in samples {
            let names: Vec<_> = self.stack(*node).into_iter().map(|node| self.name(node)).collect();
            // A string takes what it is given.
            let _ = writeln!(out, "{} {gas}", names.join(";"));
        }
        // The line has its end from whoever writes it.
        out.pop();
        out
    }

    fn speedscope(&self, samples: &[(usize, u64)]) -> String {
        // Frames of the file are names: one for all places that have it.
        let mut numbers = HashMap::new();
        let mut frames = Vec::new();
        let mut number = |name: String| {
            *numbers.entry(name.clone()).or_insert_with(|| {
                frames.push(NamedFrame { name });
                frames.len() - 1
            })
        };
        let stacks: Vec<Vec<usize>> = samples
            .iter()
            .map(|(node, _)| self.stack(*node).into_iter().map(|node| number(self.name(node))).collect())
            .collect();
        let weights: Vec<u64> = samples.iter().map(|(_, gas)| *gas).collect();
        let profile = Profile {
            kind: "sampled",
            name: "gas",
            unit: "none",
            start_value: 0,
            end_value: weights.iter().sum(),
            samples: stacks,
            weights,
        };
        let file = File {
            schema: "https://www.speedscope.app/file-format-schema.json",
            shared: Shared { frames },
            profiles: [profile],
            exporter: "parallax",
        };
        let mut out = String::new();
        json::push(&mut out, &file);
        out
    }

    /// The nodes above a node and itself, outermost first.
    fn stack(&self, node: usize) -> Vec<usize> {
        let mut stack = vec![node];
        let mut node = node;
        while node != 0 {
            node = self.nodes[node].parent;
            stack.push(node);
        }
        stack.reverse();
        stack
    }

    fn name(&self, node: usize) -> String {
        match self.nodes[node].place {
            Place::Transaction => "transaction".to_owned(),
            Place::Frame(kind, address) => format!("{} {address:#x}", kind.name()),
            Place::Opcode(opcode) => name(self.rules, opcode).into_owned(),
            Place::Burnt => "burnt by a halt".to_owned(),
            Place::Deposit => "code deposit".to_owned(),
        }
    }

    /// The node of a place below another one; the other one itself where there is no room.
    fn child(&mut self, parent: usize, place: Place) -> usize {
        if let Some(node) = self.children.get(&(parent, place)) {
            return *node;
        }
        if self.nodes.len() > LIMIT / NODE_BYTES {
            return parent;
        }
        self.nodes.push(Node { place, parent, gas: 0 });
        self.children.insert((parent, place), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn spend(&mut self, parent: usize, place: Place, gas: u64) -> usize {
        let node = self.child(parent, place);
        self.nodes[node].gas += gas;
        node
    }

    fn begin(&mut self, message: &Message) {
        let parent = self.open.last_mut().map(|open| (open.node, open.sends.take()));
        if let Some((_, Some((call, forwarded)))) = parent {
            // A stipend is spent in the frame and paid by the call (EIP-150).
            let stipend = message.gas.saturating_sub(forwarded);
            if !message.kind.is_create() {
                self.nodes[call].gas = self.nodes[call].gas.saturating_sub(stipend);
            }
        }
        let place = Place::Frame(message.kind, called(message, self.target));
        let node = self.child(parent.map_or(0, |(node, _)| node), place);
        self.open.push(Open { node, gas: message.gas, sends: None });
    }

    fn end_frame(&mut self, message: &Message, outcome: &FrameOutcome) {
        let Some(Open { node, gas, .. }) = self.open.pop() else { return };
        let left = gas.saturating_sub(outcome.gas_left);
        let used = message.gas.saturating_sub(outcome.gas_left);
        match outcome.status {
            FrameStatus::Halt(_) => drop(self.spend(node, Place::Burnt, left)),
            _ if message.kind.is_create() => drop(self.spend(node, Place::Deposit, left)),
            // Of a precompiled contract.
            _ => self.nodes[node].gas += left,
        }
        if let Some(caller) = self.open.last_mut() {
            caller.gas = caller.gas.saturating_sub(used);
        }
    }
}

impl Tracer for GasProfile {
    fn start(&mut self, start: &Start<'_>) {
        *self = Self { rules: Some(start.rules), ..Self::new(self.format) };
    }

    fn end(&mut self, end: &End<'_>) {
        if let End::Outcome(outcome) = end {
            self.total = Some(outcome.gas_used + outcome.gas_refunded);
        }
    }

    fn wants(&self) -> Wants {
        Wants::Steps
    }

    fn step(&mut self, step: &StepView<'_>) {
        if matches!(step.opcode, Opcode::CALLCODE | Opcode::DELEGATECALL) {
            self.target = sends_to(step);
        }
        if let Some(open) = self.open.last_mut() {
            open.gas = step.gas;
        }
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let Some(open) = self.open.last_mut().filter(|_| end.halt.is_none()) else { return };
        let parent = open.node;
        open.gas = end.gas_left;
        let is_call = matches!(
            step.opcode,
            Opcode::CALL | Opcode::CALLCODE | Opcode::DELEGATECALL | Opcode::STATICCALL
        );
        let forwarded = if is_call { end.forwarded } else { 0 };
        let node = self.spend(parent, Place::Opcode(step.opcode), end.gas_cost.saturating_sub(forwarded));
        if let Some(open) = self.open.last_mut() {
            open.sends = Some((node, forwarded));
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        match phase {
            MessagePhase::Before => self.begin(message),
            MessagePhase::After(outcome) => self.end_frame(message, outcome),
        }
    }
}

#[derive(Serialize)]
struct File {
    #[serde(rename = "$schema")]
    schema: &'static str,
    shared: Shared,
    profiles: [Profile; 1],
    exporter: &'static str,
}

#[derive(Serialize)]
struct Shared {
    frames: Vec<NamedFrame>,
}

#[derive(Serialize)]
struct NamedFrame {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: Vec<Vec<usize>>,
    weights: Vec<u64>,
}
