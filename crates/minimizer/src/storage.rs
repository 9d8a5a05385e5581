//! Storage slots that are not needed, and what is in those that are.

use parallax_primitives::U256;

use crate::{Search, chunks::take_away, values::plain};

/// Accounts with more slots than this keep the numbers that are in them.
const LARGEST: usize = 64;

pub(crate) fn run(search: &mut Search<'_>) {
    for address in search.best().addresses() {
        take_away(
            search,
            |case| case.pre.accounts.get(&address).map_or(0, |account| account.storage.len()),
            |case, run| {
                let mut without = case.clone();
                if let Some(account) = without.pre.accounts.get_mut(&address) {
                    let keys: Vec<U256> =
                        account.storage.keys().copied().skip(run.start).take(run.len()).collect();
                    account.storage.retain(|key, _| !keys.contains(key));
                }
                vec![without]
            },
        );
        let slots = search.best().pre.accounts.get(&address).map(|account| account.storage.clone());
        for key in slots
            .filter(|slots| slots.len() <= LARGEST)
            .into_iter()
            .flat_map(std::collections::BTreeMap::into_keys)
        {
            plain(
                search,
                |case| {
                    let account = case.pre.accounts.get(&address);
                    account.and_then(|account| account.storage.get(&key)).copied().unwrap_or_default()
                },
                |case, word| {
                    // A slot that is zero is none: that was tried.
                    if let Some(account) = case.pre.accounts.get_mut(&address)
                        && !word.is_zero()
                    {
                        account.storage.insert(key, word);
                    }
                },
            );
        }
    }
}
