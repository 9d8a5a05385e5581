//! Accounts that are not needed.

use crate::{Search, chunks::take_away};

pub(crate) fn run(search: &mut Search<'_>) {
    take_away(
        search,
        |case| case.pre.accounts.len(),
        |case, run| {
            let mut without = case.clone();
            for address in &case.addresses()[run] {
                without.pre.accounts.remove(address);
            }
            vec![without]
        },
    );
}
