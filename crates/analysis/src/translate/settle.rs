//! The end of a block: every item is written to its place.
//!
//! Invariant: no item is lost on the way, and what a jump still reads is left alone.

use super::{Sym, Translator, at, quarter};
use crate::form::Op;

impl Translator<'_> {
    /// Whether settling writes to the slot.
    fn is_written(&self, slot: i16) -> bool {
        usize::try_from(slot - self.low)
            .ok()
            .and_then(|place| self.window.get(place))
            .is_some_and(|sym| *sym != Sym::Slot(slot))
    }

    /// A slot with the value of this one, which is held, that settling does not write to.
    pub(super) fn protect(&mut self, slot: i16) -> i16 {
        if !self.is_written(slot) {
            return slot;
        }
        let copy = self.temporary();
        self.refs[at(copy)] += 1;
        self.emit(Op::Move, 0, copy, slot, 0);
        copy
    }

    /// Writes every item to its place: first the slots, in an order in which none is lost, then the constants.
    pub(super) fn settle(&mut self) {
        let mut moves: Vec<(i16, i16)> = Vec::new();
        let mut constants = Vec::new();
        for (place, sym) in (self.low..).zip(&self.window) {
            match *sym {
                Sym::Slot(slot) if slot != place => moves.push((place, slot)),
                Sym::Slot(_) => {}
                Sym::Const(constant) => constants.push((place, constant)),
            }
        }
        if !moves.is_empty() {
            self.move_all(&moves);
        }
        for (place, constant) in constants {
            self.emit(Op::Const, u64::from(constant), place, 0, 0);
        }
    }

    /// A parallel move. Each place is written once; all of them are in the window.
    fn move_all(&mut self, moves: &[(i16, i16)]) {
        let place_index = |low: i16, place: i16| usize::try_from(place - low).unwrap_or(usize::MAX);
        let low = self.low;
        // What each place of the window still waits for.
        let mut sources: Vec<Option<i16>> = vec![None; self.window.len()];
        // `refs` is not needed behind the block's end: now it counts the moves that still read a slot.
        for (place, slot) in moves {
            self.refs[at(*place)] = 0;
            self.refs[at(*slot)] = 0;
        }
        for (place, slot) in moves {
            self.refs[at(*slot)] += 1;
            sources[place_index(low, *place)] = Some(*slot);
        }
        let mut ready: Vec<i16> =
            moves.iter().map(|(place, _)| *place).filter(|place| self.refs[at(*place)] == 0).collect();
        let mut aside = None;
        for (first, _) in moves {
            loop {
                while let Some(place) = ready.pop() {
                    let Some(slot) = sources[place_index(low, place)].take() else { continue };
                    self.emit_move(place, slot);
                    self.refs[at(slot)] -= 1;
                    if self.refs[at(slot)] == 0
                        && sources.get(place_index(low, slot)).is_some_and(Option::is_some)
                    {
                        ready.push(slot);
                    }
                }
                if sources[place_index(low, *first)].is_none() {
                    break;
                }
                // Only cycles are left, in which each place is read by one move: this item steps aside.
                let aside = *aside.get_or_insert_with(|| self.temporary());
                self.emit_move(aside, *first);
                let mut reader = *first;
                while let Some(slot) = sources[place_index(low, reader)].filter(|slot| slot != first) {
                    reader = slot;
                }
                sources[place_index(low, reader)] = Some(aside);
                self.refs[at(aside)] = 1;
                self.refs[at(*first)] = 0;
                ready.push(*first);
            }
        }
    }

    /// Emits a move, two in one instruction where it can.
    fn emit_move(&mut self, place: i16, slot: i16) {
        match self.out.last_mut() {
            Some(last) if last.op == Op::Move => {
                last.op = Op::Move2;
                last.c = place;
                last.imm = quarter(slot);
            }
            _ => self.emit(Op::Move, 0, place, slot, 0),
        }
    }
}
