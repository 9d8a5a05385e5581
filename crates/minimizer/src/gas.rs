//! The least gas limit that shows the finding, by halving.

use crate::Search;

pub(crate) fn run(search: &mut Search<'_>) {
    // What ends in a round number is easier to read than what is a little less.
    for gas in [21_000, 50_000, 100_000, 1_000_000] {
        if gas < search.best().transaction.gas_limit
            && search.changes(|case| case.transaction.gas_limit = gas)
        {
            break;
        }
    }
    let (mut low, mut high) = (0, search.best().transaction.gas_limit);
    while high - low > 1 && !search.is_over() {
        let gas = low + (high - low) / 2;
        if search.changes(|case| case.transaction.gas_limit = gas) {
            high = gas;
        } else {
            low = gas;
        }
    }
}
