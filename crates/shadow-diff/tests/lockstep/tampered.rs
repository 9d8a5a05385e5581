//! Engines that show something else than they do: every field is compared.

use parallax_campaign::engines;
use parallax_engine_interface::{Engine, EngineError, Execution, Job, Stepper};
use parallax_hooks::{Hooks, Interest, MessagePhase, StepControl, StepEnd, StepView};
use parallax_primitives::{
    Address, Effect, Halt, JournalView, Log, Mark, Message, Opcode, StorageChange, U256,
};
use parallax_shadow_diff::{Field, Place, ShadowMode, compare_engines};

use crate::world::{CONTRACT, TELLING, World, config, divergence, primary, step_of};

/// An engine that shows something else than it does: each field of a view alone.
pub(crate) struct Tampered {
    pub(crate) inner: &'static dyn Engine,
    /// Steps, or block entries, from here on.
    pub(crate) from: u64,
    pub(crate) view: fn(&mut StepView<'_>),
    pub(crate) end: fn(&mut StepEnd<'_>),
}

impl Tampered {
    pub(crate) fn new(from: u64) -> Self {
        Self { inner: primary(), from, view: |_| (), end: |_| () }
    }
}

impl Engine for Tampered {
    fn name(&self) -> &'static str {
        "tampered"
    }
    fn start<'a>(&'a self, _: &Job<'a>) -> Result<Option<Box<dyn Stepper + 'a>>, EngineError> {
        Ok(None)
    }
    fn execute(&self, job: &Job<'_>, hooks: &mut dyn Hooks) -> Result<Execution, EngineError> {
        self.inner.execute(job, &mut Tampering { tampered: self, hooks })
    }
}

struct Tampering<'t> {
    tampered: &'t Tampered,
    hooks: &'t mut dyn Hooks,
}

impl Tampering<'_> {
    fn view<'v>(&self, view: &StepView<'v>) -> StepView<'v> {
        let mut view = *view;
        if view.index >= self.tampered.from {
            (self.tampered.view)(&mut view);
        }
        view
    }
}

impl Hooks for Tampering<'_> {
    fn interest(&self) -> Interest {
        self.hooks.interest()
    }
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        let step = self.view(step);
        self.hooks.on_step(&step)
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let (step, mut end) = (self.view(step), *end);
        if step.index >= self.tampered.from {
            (self.tampered.end)(&mut end);
        }
        self.hooks.on_step_end(&step, &end);
    }
    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        let entry = self.view(entry);
        self.hooks.on_block(&entry)
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.hooks.on_message(message, phase)
    }
}

pub(crate) static OTHER: [U256; 1] = [U256::MAX];

fn tampered_field(tampered: &Tampered, mode: ShadowMode) -> (Place, Field) {
    let world = World::new(TELLING);
    let found = divergence(compare_engines(engines::mini(), tampered, &world.job(), &config(mode)));
    (found.place, found.field)
}

#[test]
fn every_field_of_a_view_is_compared() {
    let rows: [(fn(&mut StepView<'_>), Field); 9] = [
        (|step| step.pc += 1, Field::Pc),
        (|step| step.opcode = Opcode::INVALID, Field::Opcode),
        (|step| step.depth += 1, Field::Depth),
        (|step| step.gas += 1, Field::Gas),
        (|step| step.refund -= 1, Field::Refund),
        (|step| step.stack = &[], Field::StackSize),
        (|step| step.stack = &OTHER, Field::Stack(0)),
        (|step| step.memory = &[], Field::MemorySize),
        (|step| step.return_data = &[], Field::ReturnData),
    ];
    for (view, field) in rows {
        // Before step 11, the opcode behind the call: all of the state is compared where a frame goes on.
        let (place, found) = tampered_field(&Tampered { view, ..Tampered::new(11) }, ShadowMode::PerStep);
        assert_eq!(found, field);
        assert!(matches!(place, Place::Step { index: 11, is_over: false, .. }), "{field}: {place:?}");
    }
}

/// A journal that says of its marks what it was told to.
struct Told(Vec<Mark>, u64);

impl JournalView for Told {
    fn refund(&self) -> i64 {
        0
    }
    fn storage(&self, _: Address, _: U256) -> Option<U256> {
        Some(U256::from(9))
    }
    fn original_storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }
    // As on the other side: a mark is compared by itself.
    fn transient_storage(&self, _: Address, _: U256) -> U256 {
        U256::ZERO
    }
    fn logs(&self) -> &[Log] {
        &[]
    }
    fn marks_digest(&self) -> Option<u64> {
        Some(self.1)
    }
    fn marks(&self) -> Vec<Mark> {
        self.0.clone()
    }
}

/// A journal that has logged what it was told to. Its marks are not compared.
struct Logged(Vec<Log>);

impl JournalView for Logged {
    fn refund(&self) -> i64 {
        0
    }
    fn storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }
    fn original_storage(&self, _: Address, _: U256) -> Option<U256> {
        None
    }
    fn transient_storage(&self, _: Address, _: U256) -> U256 {
        U256::ZERO
    }
    fn logs(&self) -> &[Log] {
        &self.0
    }
}

fn logged(step: &mut StepView<'_>, change: impl FnOnce(&mut Vec<Log>)) {
    let mut logs = step.journal.logs().to_vec();
    change(&mut logs);
    step.journal = Box::leak(Box::new(Logged(logs)));
}

/// Logs without an opcode (EIP-7708) are compared where a frame goes on.
#[test]
fn logs_are_compared_where_a_frame_goes_on() {
    let rows: [(fn(&mut StepView<'_>), Field); 3] = [
        (|step| logged(step, |logs| logs.extend(logs.last().cloned())), Field::Log(2)),
        (|step| logged(step, |logs| logs.truncate(1)), Field::Log(1)),
        (|step| logged(step, |logs| logs[1].topics.clear()), Field::LogTopics(1)),
    ];
    for (view, field) in rows {
        let world = World::new(
            "PUSH 0 PUSH 0 LOG0 PUSH 7 PUSH 0 PUSH 0 LOG1
            PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0x99 GAS CALL POP STOP",
        );
        let tampered = Tampered { view, ..Tampered::new(15) };
        let compared =
            compare_engines(engines::mini(), &tampered, &world.job(), &config(ShadowMode::PerStep));
        let found = divergence(compared);
        assert_eq!((step_of(&found), found.field), ((15, Opcode::POP, false), field));
    }
}

/// Changes the marks of a view, and keeps the digest with them.
fn told(step: &mut StepView<'_>, change: impl FnOnce(&mut Vec<Mark>)) {
    let mut marks = step.journal.marks();
    assert_eq!(step.journal.marks_digest(), Some(digest(&marks)));
    change(&mut marks);
    let digest = digest(&marks);
    step.journal = Box::leak(Box::new(Told(marks, digest)));
}

fn digest(marks: &[Mark]) -> u64 {
    marks.iter().fold(0, |sum, mark| sum.wrapping_add(mark.digest()))
}

/// Warmth, transient values, creation and destruction are compared where a frame goes on, at the entries of blocks, and behind
/// an opcode that may change them.
#[test]
fn every_mark_is_compared() {
    const KEY: U256 = U256::MAX;
    let rows: [(fn(&mut StepView<'_>), Field); 8] = [
        (
            |step| told(step, |marks| marks.push(Mark::Storage(CONTRACT, KEY, U256::from(9)))),
            Field::Storage(CONTRACT, KEY),
        ),
        (
            |step| told(step, |marks| marks.retain(|mark| *mark != Mark::WarmAccount(CONTRACT))),
            Field::WarmAccount(CONTRACT),
        ),
        (|step| told(step, |marks| marks.push(Mark::WarmAccount(CONTRACT))), Field::Marks),
        (
            |step| told(step, |marks| marks.push(Mark::WarmSlot(CONTRACT, KEY))),
            Field::WarmSlot(CONTRACT, KEY),
        ),
        (|step| told(step, |marks| marks.push(Mark::Created(CONTRACT))), Field::CreatedHere(CONTRACT)),
        (|step| told(step, |marks| marks.push(Mark::Destroyed(CONTRACT))), Field::Destroyed(CONTRACT)),
        (
            |step| told(step, |marks| marks.push(Mark::TransientStorage(CONTRACT, KEY, U256::from(9)))),
            Field::TransientStorage(CONTRACT, KEY),
        ),
        (|step| step.journal = Box::leak(Box::new(Told(step.journal.marks(), 7))), Field::Marks),
    ];
    for (view, field) in rows {
        let (place, found) = tampered_field(&Tampered { view, ..Tampered::new(11) }, ShadowMode::PerStep);
        assert_eq!(found, field);
        assert!(matches!(place, Place::Step { index: 11, is_over: false, .. }), "{field}: {place:?}");
        // The SLOAD that follows.
        let (place, found) = tampered_field(&Tampered { view, ..Tampered::new(12) }, ShadowMode::PerStep);
        assert_eq!(found, field);
        assert!(matches!(place, Place::Step { index: 12, is_over: true, .. }), "{field}: {place:?}");
        let world = World::new(TELLING);
        let tampered = Tampered { view, ..Tampered::new(0) };
        let config = config(ShadowMode::PerBlock);
        let found = divergence(compare_engines(engines::mini(), &tampered, &world.job(), &config));
        assert_eq!(found.field, field);
        if let Field::WarmSlot(..) = field {
            assert!(found.to_string().contains(" state rules (EIP-2929, EIP-2930)"), "{found}");
        }
    }
}

/// A callee that answers nothing leaves the room for its output alone.
#[test]
fn the_room_of_an_empty_output_is_compared() {
    static OTHER: [u8; 32] = [1; 32];
    let tampered = Tampered { view: |step| step.memory = &OTHER, ..Tampered::new(11) };
    let calls = [
        "PUSH 32 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0x99 GAS CALL",
        "PUSH 32 PUSH 0 PUSH 0 PUSH 0 PUSH 0x99 GAS JUMPDEST STATICCALL",
    ];
    for call in calls {
        let world = World::new(&format!("PUSH 0xff PUSH 0 MSTORE {call} POP STOP"));
        let found = divergence(compare_engines(
            engines::mini(),
            &tampered,
            &world.job(),
            &config(ShadowMode::PerStep),
        ));
        assert_eq!(found.field, Field::Memory(0), "{call}");
        assert_eq!(step_of(&found), (11, Opcode::POP, false), "{call}");
    }
}

#[test]
fn every_field_of_an_end_is_compared() {
    fn change() -> StorageChange {
        let [previous, new, original] = [U256::ZERO; 3];
        StorageChange { address: CONTRACT, key: U256::ZERO, previous, new, original }
    }
    let rows: [(fn(&mut StepEnd<'_>), Field); 5] = [
        (|end| end.gas_cost += 1, Field::GasCost),
        (|end| end.gas_left += 1, Field::Gas),
        (|end| end.halt = Some(Halt::OutOfGas), Field::Halt),
        (|end| end.effect = Effect::Storage(change()), Field::Storage(CONTRACT, U256::ZERO)),
        (|end| end.effect = Effect::Transient(change()), Field::TransientStorage(CONTRACT, U256::ZERO)),
    ];
    for (end, field) in rows {
        let (place, found) = tampered_field(&Tampered { end, ..Tampered::new(5) }, ShadowMode::PerStep);
        assert_eq!(found, field);
        assert!(matches!(place, Place::Step { index: 5, is_over: true, .. }), "{field}: {place:?}");
    }
}
