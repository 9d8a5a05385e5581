//! What a batch of programs reaches: every instruction of the fast form, every way in which the translator splits a block,
//! and executions that go a long way.

use std::collections::{BTreeMap, BTreeSet};

use parallax_analysis::{FastCode, Instr, Op, PaddedCode, TEMPORARIES, translate};
use parallax_generator::{KINDS, Kind, Program, Scenario, Watch, World};
use parallax_mini_interpreter::Mini;
use parallax_primitives::{Fork, FrameStatus, Opcode, Reach, Rules};

/// Every instruction, as a list that does not compile if one is missing.
macro_rules! all_instructions {
    ($($op:ident)*) => {{
        // An instruction that is not in the list is missing here.
        let _ = |op: Op| match op { $(Op::$op => (),)* };
        [$(Op::$op),*]
    }};
}

/// Programs of each kind.
const BATCH: u64 = 60;

fn batch() -> impl Iterator<Item = (&'static Kind, Program)> {
    KINDS.iter().flat_map(|kind| (0..BATCH).map(move |seed| (kind, Program::of(kind, seed))))
}

/// Why a block ends where no opcode ends one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Split {
    Opcodes,
    Above,
    Below,
    /// An item far below the entry was reached, not the height.
    Reach,
    Temporaries,
    /// At the end of the code, behind a PUSH that it cuts off.
    BehindCode,
}

/// The splits of a translation, worked out from the pcs of its headers alone.
fn splits(code: &PaddedCode, rules: Rules, fast: &FastCode) -> BTreeSet<Split> {
    let table = rules.opcodes();
    let headers: Vec<usize> = fast
        .instrs()
        .iter()
        .zip(0..)
        .filter(|(instr, _)| instr.op == Op::Enter)
        .map(|(_, index)| fast.pc(index))
        .collect();
    let mut found = BTreeSet::new();
    for (start, next) in headers.iter().zip(headers.iter().skip(1).copied().chain([usize::MAX])) {
        let (mut pc, mut height, mut low, mut opcodes) = (*start, 0i64, 0i64, 0);
        let mut last = Opcode::JUMPDEST;
        while pc < next && pc < code.len() {
            last = Opcode(code.bytes()[pc]);
            let row = table[usize::from(last.0)];
            opcodes += u32::from(last != Opcode::JUMPDEST);
            let reach = Reach::of(last, code.bytes()[pc + 1]).filter(|_| row.is_defined());
            let (inputs, adds) = match reach {
                Some(reach) => (i64::from(reach.items()), i64::from(reach.adds())),
                None => (row.inputs.into(), i64::from(row.outputs) - i64::from(row.inputs)),
            };
            low = low.min(height - inputs);
            height += adds;
            pc += 1 + last.push_data() + usize::from(reach.is_some());
            if last == Opcode::JUMP || !row.is_defined() {
                break;
            }
        }
        let ends = last == Opcode::JUMPI
            || matches!(last.0, 0x00 | 0x56 | 0xf0..)
            || !table[usize::from(last.0)].is_defined();
        if ends || (pc <= code.len() && code.is_jumpdest(pc)) || pc < next && pc < code.len() {
            continue;
        }
        let cause = match () {
            () if opcodes >= 4000 => Split::Opcodes,
            () if height >= 1000 => Split::Above,
            () if height < -1000 => Split::Below,
            () if low < -1000 => Split::Reach,
            () if pc < code.len() => Split::Temporaries,
            () => continue,
        };
        found.insert(cause);
        if pc > code.len() {
            found.insert(Split::BehindCode);
        }
    }
    found
}

/// Slots that an instruction moves, as pairs of place and source.
fn moves(instr: &Instr) -> Vec<(i16, i16)> {
    let second = i16::from_le_bytes([instr.imm.to_le_bytes()[0], instr.imm.to_le_bytes()[1]]);
    match instr.op {
        Op::Move => vec![(instr.a, instr.b)],
        Op::Move2 => vec![(instr.a, instr.b), (instr.c, second)],
        _ => Vec::new(),
    }
}

/// Whether an item steps aside to a temporary, and is moved from there to its place.
fn has_cycle(fast: &FastCode) -> bool {
    let mut aside = None;
    fast.instrs().iter().any(|instr| {
        if moves(instr).is_empty() {
            aside = None;
        }
        moves(instr).into_iter().any(|(place, source)| {
            let back = aside == Some(source);
            if TEMPORARIES.contains(&place) {
                aside = Some(place);
            }
            back
        })
    })
}

#[test]
fn a_batch_reaches_everything_that_the_translator_does() {
    let all = all_instructions!(
        Enter Rejoin Fall Exit Jump JumpTo JumpIf JumpIfLtSS JumpIfLtSC JumpIfLtCS JumpIfSltSS JumpIfSltSC JumpIfSltCS
        JumpIfEqSS JumpIfEqSC Move Move2 Const AddSS AddSC MulSS MulSC SubSS SubSC SubCS DivSS DivSC DivCS ModSS ModSC
        ModCS SdivSS SdivSC SmodSS SmodSC AddMod AddModC MulMod MulModC LtSS LtSC LtCS SltSS SltSC SltCS EqSS EqSC AndSS
        AndSC OrSS OrSC XorSS XorSC Not IsZero Clz Byte ByteAt SignExtend SignExtendAt Shl ShlBy ShlCS Shr ShrBy Sar
        SarBy Mload MloadAt Mstore MstoreAt MstoreC MstoreAtC Mstore8 CallDataLoad Gas Heavy
    );
    let mut instructions = BTreeMap::new();
    let mut heavy = BTreeSet::new();
    let mut reached = BTreeSet::new();
    let (mut cycles, mut protected, mut most) = (0, 0, 0);
    for (_, program) in batch() {
        let code = PaddedCode::new(&program.code);
        let fast = translate(&code, program.rules).unwrap();
        for pair in fast.instrs().windows(2) {
            let [instr, next] = pair else { continue };
            *instructions.entry(format!("{:?}", instr.op)).or_insert(0u64) += 1;
            if instr.op == Op::Heavy {
                heavy.insert(instr.flag);
            }
            most = most.max(instr.a).max(instr.b);
            let copies = moves(instr).iter().any(|(place, _)| TEMPORARIES.contains(place));
            protected += u64::from(copies && format!("{:?}", next.op).starts_with("JumpIf"));
        }
        *instructions.entry("Exit".to_owned()).or_insert(0) += 1;
        reached.extend(splits(&code, program.rules, &fast));
        cycles += u64::from(has_cycle(&fast));
    }
    println!(
        "{instructions:?}\n{reached:?}, {cycles} cycles, {protected} copies before jumps, {} temporaries",
        most - TEMPORARIES.start + 1
    );
    for op in all {
        assert!(instructions.contains_key(&format!("{op:?}")), "no {op:?}");
    }
    let all_heavy: Vec<u8> = [0x0a, 0x20]
        .into_iter()
        .chain(0x30..=0x34)
        .chain([0x36, 0x37])
        .chain(0x39..=0x4a)
        .chain([0x54, 0x55, 0x59])
        .chain(0x5c..=0x5e)
        .chain(0xa0..=0xa4)
        .collect();
    let missing: Vec<u8> = all_heavy.into_iter().filter(|opcode| !heavy.contains(opcode)).collect();
    assert!(missing.is_empty(), "heavy opcodes {missing:x?}");
    use Split::{Above, BehindCode, Below, Opcodes, Reach, Temporaries};
    assert_eq!(Vec::from_iter(reached), [Opcodes, Above, Below, Reach, Temporaries, BehindCode]);
    assert!(cycles > 100 && protected > 100);
    // All but the spare ones.
    assert!(most >= TEMPORARIES.end - 17, "{most}");
}

#[test]
fn most_programs_run_a_long_way() {
    for kind in KINDS {
        let (mut entries, mut over, mut bytes) = (0, BTreeMap::new(), 0);
        for seed in 0..BATCH {
            let program = Program::of(kind, seed);
            bytes += program.code.len();
            let seen = World::new(&program).run_plain(&Mini, Watch::Watched).unwrap();
            entries += seen.entries.len();
            let end = match seen.outcome.status {
                FrameStatus::Halt(halt) => format!("{halt:?}"),
                status => format!("{status:?}"),
            };
            *over.entry(end).or_insert(0u64) += 1;
        }
        // It does not end at once.
        assert!(entries as u64 >= 4 * BATCH, "{kind:?}: {entries} block entries");
        let early = ["StackUnderflow", "InvalidJump", "UndefinedOpcode"];
        let early: u64 = early.iter().filter_map(|end| over.get(*end)).sum();
        assert!(early <= BATCH / 2, "{kind:?}: {over:?}");
        println!(
            "{:12} {:7} bytes, {:6} entries, {over:?}",
            kind.name,
            bytes as u64 / BATCH,
            entries as u64 / BATCH
        );
        assert_eq!(Kind::named(kind.name).map(|kind| kind.about), Some(kind.about));
    }
}

/// A bare message finds the same world in either machine.
#[test]
fn either_machine_runs_a_program_the_same() {
    for (kind, program) in batch() {
        let world = World::new(&program);
        let plain = world.run_plain(&Mini, Watch::Watched).unwrap();
        assert_eq!(world.run(&Mini, Watch::Watched).unwrap(), plain, "{} {}", kind.name, program.seed);
    }
}

#[test]
fn a_seed_makes_one_program() {
    let mut kinds = BTreeSet::new();
    for seed in 0..2000 {
        let program = Program::new(seed);
        assert_eq!(program, Program::of(Kind::named(program.kind).unwrap(), seed));
        assert_ne!(program.code, Program::new(seed + 1).code);
        kinds.insert(program.kind);
    }
    assert_eq!(kinds.len(), KINDS.len(), "{kinds:?}");
}

/// What can go back is given as much gas as it can use up soon.
#[test]
fn a_jump_at_the_end_can_go_back() {
    let program = Program::new(2_246_663);
    // PUSH1 2 JUMP, to the JUMPDEST of its first loop.
    let jump = [0x60, 2, 0x56];
    assert!(program.code.ends_with(&jump), "{:02x?}", program.code);
    assert!(program.gas <= 150_000, "{} gas", program.gas);
}

/// Of every type and fork, each always the same.
#[test]
fn a_seed_makes_one_transaction() {
    let (mut types, mut forks) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..2000 {
        let scenario = Scenario::new(seed);
        assert_eq!(scenario, Scenario::new(seed));
        assert_ne!(scenario.database, Scenario::new(seed + 1).database);
        types.insert(scenario.transaction.kind);
        forks.insert(scenario.fork);
    }
    assert_eq!((types.len(), forks.len()), (5, Fork::ALL.len()));
}
