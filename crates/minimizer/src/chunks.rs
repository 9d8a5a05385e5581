//! The one way in which parts of a list are taken away.

use std::ops::Range;

use crate::{Case, Search};

/// Most runs that a list is cut into: where more than so many items are needed, no more than a part of them is tried one at a time.
const MOST_RUNS: usize = 1_024;

/// Takes away runs of a list's items: all of it, then half, a quarter, .. one at a time as often as it helps, the last ones first.
/// `count` says how many there are, `without` makes the cases that lack some.
pub(crate) fn take_away(
    search: &mut Search<'_>,
    count: impl Fn(&Case) -> usize,
    without: impl Fn(&Case, Range<usize>) -> Vec<Case>,
) {
    let mut length = count(search.best());
    while length > 0 && count(search.best()) / length <= MOST_RUNS {
        let is_shorter = take_runs(search, length, &count, &without);
        if search.is_over() {
            return;
        }
        // At one item as often as it helps.
        if length > 1 || !is_shorter {
            length /= 2;
        }
    }
}

fn take_runs(
    search: &mut Search<'_>,
    length: usize,
    count: impl Fn(&Case) -> usize,
    without: impl Fn(&Case, Range<usize>) -> Vec<Case>,
) -> bool {
    let mut is_shorter = false;
    let mut end = count(search.best());
    while end > 0 && !search.is_over() {
        let start = end.saturating_sub(length);
        let cases = without(search.best(), start..end);
        is_shorter |= search.accepts_one(cases);
        // What a change moved need not be where it was.
        end = start.min(count(search.best()));
    }
    is_shorter
}
