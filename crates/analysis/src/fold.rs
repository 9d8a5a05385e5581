//! Which instructions an opcode becomes, and what it is of constants.

use parallax_primitives::{Opcode, U256};

use crate::form::Op;

/// The instructions of a binary opcode.
pub(crate) struct Forms {
    pub(crate) ss: Op,
    pub(crate) sc: Option<Op>,
    pub(crate) cs: Option<Op>,
    pub(crate) commutes: bool,
}

/// The instructions of `opcode`, if it has any of two operands. GT and SGT are the reader's to turn round.
pub(crate) fn forms(opcode: Opcode) -> Option<Forms> {
    let commuting = |ss, sc| Forms { ss, sc: Some(sc), cs: None, commutes: true };
    let all = |ss, sc, cs| Forms { ss, sc: Some(sc), cs: Some(cs), commutes: false };
    let plain = |ss| Forms { ss, sc: None, cs: None, commutes: false };
    Some(match opcode {
        Opcode::ADD => commuting(Op::AddSS, Op::AddSC),
        Opcode::MUL => commuting(Op::MulSS, Op::MulSC),
        Opcode::EQ => commuting(Op::EqSS, Op::EqSC),
        Opcode::AND => commuting(Op::AndSS, Op::AndSC),
        Opcode::OR => commuting(Op::OrSS, Op::OrSC),
        Opcode::XOR => commuting(Op::XorSS, Op::XorSC),
        Opcode::SUB => all(Op::SubSS, Op::SubSC, Op::SubCS),
        Opcode::DIV => all(Op::DivSS, Op::DivSC, Op::DivCS),
        Opcode::MOD => all(Op::ModSS, Op::ModSC, Op::ModCS),
        Opcode::LT => all(Op::LtSS, Op::LtSC, Op::LtCS),
        Opcode::SLT => all(Op::SltSS, Op::SltSC, Op::SltCS),
        Opcode::SDIV => Forms { ss: Op::SdivSS, sc: Some(Op::SdivSC), cs: None, commutes: false },
        Opcode::SMOD => Forms { ss: Op::SmodSS, sc: Some(Op::SmodSC), cs: None, commutes: false },
        Opcode::BYTE => plain(Op::Byte),
        Opcode::SIGNEXTEND => plain(Op::SignExtend),
        Opcode::SHL => Forms { ss: Op::Shl, sc: Some(Op::ShlCS), cs: None, commutes: false },
        Opcode::SHR => plain(Op::Shr),
        Opcode::SAR => plain(Op::Sar),
        _ => return None,
    })
}

/// The jump that a comparison becomes part of.
pub(crate) fn fused(op: Op) -> Option<Op> {
    Some(match op {
        Op::LtSS => Op::JumpIfLtSS,
        Op::LtSC => Op::JumpIfLtSC,
        Op::LtCS => Op::JumpIfLtCS,
        Op::SltSS => Op::JumpIfSltSS,
        Op::SltSC => Op::JumpIfSltSC,
        Op::SltCS => Op::JumpIfSltCS,
        Op::EqSS => Op::JumpIfEqSS,
        Op::EqSC => Op::JumpIfEqSC,
        _ => return None,
    })
}

/// Whether a conditional jump reads slot `a`.
pub(crate) fn reads_a(op: Op) -> bool {
    !matches!(op, Op::JumpIfLtCS | Op::JumpIfSltCS)
}

/// Whether a conditional jump reads slot `b`.
pub(crate) fn reads_b(op: Op) -> bool {
    matches!(op, Op::JumpIfLtSS | Op::JumpIfSltSS | Op::JumpIfEqSS | Op::JumpIfLtCS | Op::JumpIfSltCS)
}

/// An instruction of one operand on a constant, where it is worth knowing.
pub(crate) fn unary(op: Op, value: U256) -> Option<U256> {
    Some(match op {
        Op::IsZero => U256::from(u64::from(value.is_zero())),
        Op::Not => !value,
        Op::Clz => U256::from(value.leading_zeros()),
        _ => return None,
    })
}

/// A binary opcode of two constants, where it is worth knowing.
pub(crate) fn binary(opcode: Opcode, a: U256, b: U256) -> Option<U256> {
    let flag = |value: bool| U256::from(u64::from(value));
    Some(match opcode {
        Opcode::ADD => a.wrapping_add(b),
        Opcode::MUL => a.wrapping_mul(b),
        Opcode::SUB => a.wrapping_sub(b),
        Opcode::DIV => a.checked_div(b).unwrap_or_default(),
        Opcode::MOD => a.checked_rem(b).unwrap_or_default(),
        Opcode::EXP => a.wrapping_pow(b),
        Opcode::LT => flag(a < b),
        Opcode::GT => flag(a > b),
        Opcode::EQ => flag(a == b),
        Opcode::AND => a & b,
        Opcode::OR => a | b,
        Opcode::XOR => a ^ b,
        Opcode::SHL if a < U256::from(256) => b << a.saturating_to::<usize>(),
        Opcode::SHR if a < U256::from(256) => b >> a.saturating_to::<usize>(),
        Opcode::SHL | Opcode::SHR => U256::ZERO,
        _ => return None,
    })
}
