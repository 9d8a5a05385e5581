use parallax_primitives::Transaction;

use crate::{inspector::Messages, steps::Steps};

/// An inspector that shows messages.
pub(crate) trait Watch {
    fn show_unprepared(&mut self, transaction: &Transaction);
    fn is_aborted(&self) -> bool;
}

impl Watch for Messages<'_, '_> {
    fn show_unprepared(&mut self, transaction: &Transaction) {
        self.show_unprepared(transaction);
    }
    fn is_aborted(&self) -> bool {
        self.is_aborted()
    }
}

impl Watch for Steps<'_, '_> {
    fn show_unprepared(&mut self, transaction: &Transaction) {
        self.messages.show_unprepared(transaction);
    }
    fn is_aborted(&self) -> bool {
        self.messages.is_aborted()
    }
}
