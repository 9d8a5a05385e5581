//! Values that are not known: terms. A term is built once, so two values that were made the same way have the same number,
//! and are equal whatever the block is entered with.
//!
//! What is made another way by translation is made the same here, by the rules of [`Terms::op`] and [`Terms::condition`]. Each
//! is an equation between 256-bit numbers; `docs/validation.md` argues for every one.

use std::{collections::HashMap, fmt::Write as _};

use parallax_primitives::{Opcode, U256};

use super::arithmetic;

/// The number of a term; [`Term::NONE`] of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Term(u32);

impl Term {
    pub(super) const NONE: Term = Term(0);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// The stack item that is at this position, counted from the block's entry, when it is entered.
    Entry(i32),
    Constant(U256),
    /// What the world answered, in the block's event of this number.
    Answer(u32),
    /// An opcode on its operands, the topmost first.
    Result(Opcode, [Term; 3]),
}

/// The terms of one block.
#[derive(Debug, Default)]
pub(super) struct Terms {
    nodes: Vec<Node>,
    known: HashMap<Node, Term>,
    answers: u32,
}

impl Terms {
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.known.clear();
        self.answers = 0;
    }

    fn term(&mut self, node: Node) -> Term {
        let next = Term(u32::try_from(self.nodes.len() + 1).unwrap_or(u32::MAX));
        *self.known.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            next
        })
    }

    fn node(&self, term: Term) -> Option<&Node> {
        self.nodes.get((term.0 as usize).checked_sub(1)?)
    }

    pub(super) fn entry(&mut self, position: i32) -> Term {
        self.term(Node::Entry(position))
    }

    pub(super) fn constant(&mut self, value: U256) -> Term {
        self.term(Node::Constant(value))
    }

    /// Something new.
    pub(super) fn answer(&mut self) -> Term {
        self.answers += 1;
        self.term(Node::Answer(self.answers))
    }

    /// The value of a constant.
    pub(super) fn value(&self, term: Term) -> Option<U256> {
        match self.node(term)? {
            Node::Constant(value) => Some(*value),
            _ => None,
        }
    }

    /// What an opcode without side effects makes of up to three operands, the topmost first.
    pub(super) fn op(&mut self, opcode: Opcode, operands: &[Term]) -> Term {
        match *operands {
            [a] => {
                if let Some(value) = self.value(a).and_then(|a| arithmetic::unary(opcode, a)) {
                    return self.constant(value);
                }
            }
            [a, b] => return self.binary(opcode, a, b),
            _ => {}
        }
        let mut all = [Term::NONE; 3];
        all.iter_mut().zip(operands).for_each(|(place, term)| *place = *term);
        self.term(Node::Result(opcode, all))
    }

    fn binary(&mut self, opcode: Opcode, a: Term, b: Term) -> Term {
        let values = (self.value(a), self.value(b));
        if let (Some(x), Some(y)) = values
            && let Some(value) = arithmetic::binary(opcode, x, y)
        {
            return self.constant(value);
        }
        let power = |value: Option<U256>| value.and_then(arithmetic::exponent_of_two).map(U256::from);
        let (opcode, a, b) = match opcode {
            Opcode::GT => (Opcode::LT, b, a),
            Opcode::SGT => (Opcode::SLT, b, a),
            Opcode::MUL => match (power(values.0), power(values.1)) {
                (Some(by), _) => (Opcode::SHL, self.constant(by), b),
                (_, Some(by)) => (Opcode::SHL, self.constant(by), a),
                _ => (opcode, a.min(b), a.max(b)),
            },
            Opcode::DIV => match power(values.1) {
                Some(by) => (Opcode::SHR, self.constant(by), a),
                None => (opcode, a, b),
            },
            Opcode::ADD | Opcode::AND | Opcode::OR | Opcode::XOR | Opcode::EQ => (opcode, a.min(b), a.max(b)),
            _ => (opcode, a, b),
        };
        self.term(Node::Result(opcode, [a, b, Term::NONE]))
    }

    /// What a jump on `term` depends on: a term, and whether it jumps if that is not zero.
    pub(super) fn condition(&self, mut term: Term) -> (Term, bool) {
        let mut if_not_zero = true;
        while let Some(Node::Result(Opcode::ISZERO, [operand, ..])) = self.node(term) {
            (term, if_not_zero) = (*operand, !if_not_zero);
        }
        (term, if_not_zero)
    }

    /// The term for people; what is deep in it is left out.
    pub(super) fn text(&self, term: Term) -> String {
        let mut text = String::new();
        self.write(&mut text, term, 4);
        text
    }

    fn write(&self, text: &mut String, term: Term, depth: u32) {
        // A string takes whatever is written.
        let _ = match self.node(term) {
            None => write!(text, "nothing"),
            Some(Node::Entry(position)) => write!(text, "item {position}"),
            Some(Node::Constant(value)) => write!(text, "{value:#x}"),
            Some(Node::Answer(number)) => write!(text, "answer {number}"),
            Some(Node::Result(..)) if depth == 0 => write!(text, ".."),
            Some(Node::Result(opcode, operands)) => {
                let _ = write!(text, "{opcode}(");
                for (i, operand) in operands.iter().filter(|term| **term != Term::NONE).enumerate() {
                    let _ = text.write_str(if i > 0 { ", " } else { "" });
                    self.write(text, *operand, depth - 1);
                }
                text.write_str(")")
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A term is written as in reports; the item at -1 is `a`, the one at -2 is `b`.
    #[track_caller]
    fn check(opcode: Opcode, operands: &[&str], expected: &str) {
        let mut terms = Terms::default();
        let (a, b) = (terms.entry(-1), terms.entry(-2));
        let operands: Vec<Term> = operands
            .iter()
            .map(|operand| match *operand {
                "a" => a,
                "b" => b,
                number => terms.constant(number.parse().unwrap()),
            })
            .collect();
        let term = terms.op(opcode, &operands);
        assert_eq!(terms.text(term), expected);
        assert_eq!(terms.op(opcode, &operands), term);
    }

    #[test]
    fn what_translation_writes_another_way_is_the_same_term() {
        check(Opcode::ADD, &["b", "a"], "ADD(item -1, item -2)");
        check(Opcode::SUB, &["b", "a"], "SUB(item -2, item -1)");
        check(Opcode::GT, &["a", "b"], "LT(item -2, item -1)");
        check(Opcode::SGT, &["a", "b"], "SLT(item -2, item -1)");
        check(Opcode::MUL, &["8", "a"], "SHL(0x3, item -1)");
        check(Opcode::MUL, &["a", "1"], "SHL(0x0, item -1)");
        check(Opcode::MUL, &["7", "a"], "MUL(item -1, 0x7)");
        check(Opcode::MUL, &["0", "a"], "MUL(item -1, 0x0)");
        check(Opcode::DIV, &["a", "8"], "SHR(0x3, item -1)");
        check(Opcode::DIV, &["8", "a"], "DIV(0x8, item -1)");
        check(Opcode::SDIV, &["a", "8"], "SDIV(item -1, 0x8)");
        check(Opcode::ADD, &["2", "3"], "0x5");
        check(Opcode::SDIV, &["2", "3"], "SDIV(0x2, 0x3)");
        check(Opcode::NOT, &["0"], &format!("{:#x}", U256::MAX));
        check(Opcode::ADDMOD, &["b", "a", "5"], "ADDMOD(item -2, item -1, 0x5)");
    }

    #[test]
    fn a_condition_is_the_term_below_its_iszeros() {
        let mut terms = Terms::default();
        let item = terms.entry(-1);
        let once = terms.op(Opcode::ISZERO, &[item]);
        let twice = terms.op(Opcode::ISZERO, &[once]);
        assert_eq!(terms.condition(item), (item, true));
        assert_eq!(terms.condition(once), (item, false));
        assert_eq!(terms.condition(twice), (item, true));
        assert_ne!(item, twice);
        assert_ne!(terms.answer(), terms.answer());
    }
}
