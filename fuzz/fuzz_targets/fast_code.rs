//! The fast form: every translation is proved equal to its code, and the verifier lets no shape pass that it must refuse, whatever was
//! changed in it. Two bytes say the rules and how many changes there are, the changes come first, the code behind them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallax_analysis::{Op, PaddedCode, translate, validate, verify_tampered};
use parallax_primitives::{Fork, Rules};

/// Bytes of a change.
const CHANGE: usize = 12;

fuzz_target!(|bytes: &[u8]| {
    let [fork, count, rest @ ..] = bytes else { return };
    let rules = Rules::of(Fork::ALL[usize::from(*fork) % Fork::ALL.len()]);
    let (changes, code) = rest.split_at((usize::from(*count % 8) * CHANGE).min(rest.len()));
    let code = PaddedCode::new(code);
    let fast = translate(&code, rules).expect("a code of this length has a fast form");
    if let Err(invalid) = validate(&code, rules, &fast) {
        panic!("{invalid:?}");
    }
    let Ok(fast) = verify_tampered(&code, rules, changes) else { return };
    let ops: Vec<Op> = fast.instrs().iter().map(|instr| instr.op).collect();
    assert!(ops.first() == Some(&Op::Enter) && ops.last().is_some_and(|op| op.leaves()));
    let is_entry = |at: u32| matches!(ops[at as usize], Op::Enter | Op::Rejoin);
    for pc in 0..=code.len() {
        assert_eq!(fast.jump(pc as u64).is_some(), code.is_jumpdest(pc));
        assert!(fast.entry(pc).into_iter().chain(fast.jump(pc as u64)).all(is_entry));
    }
    for at in 0..ops.len() {
        assert!(fast.pc(u32::try_from(at).unwrap_or(0)) < code.bytes().len());
    }
});
