//! Calldata: less of it, and zeros.

use crate::{Search, chunks::take_away};

pub(crate) fn run(search: &mut Search<'_>) {
    if search.best().transaction.to.is_none() {
        return;
    }
    take_away(
        search,
        |case| case.transaction.input.len(),
        |case, run| {
            let input = &case.transaction.input;
            let mut without = case.clone();
            without.transaction.input = [&input[..run.start], &input[run.end..]].concat().into();
            vec![without]
        },
    );
    take_away(
        search,
        |case| case.transaction.input.len(),
        |case, run| {
            let mut input = case.transaction.input.to_vec();
            input[run].fill(0);
            let mut zeroed = case.clone();
            zeroed.transaction.input = input.into();
            vec![zeroed]
        },
    );
}
