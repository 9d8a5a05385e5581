//! Numbers of the state and the transaction towards zero, one and powers of two.

use parallax_primitives::U256;

use crate::{Case, Search, size::of_word};

/// Words that are plainer than `word`, the plainest first; at last those that are only shorter.
pub(crate) fn plainer(word: U256) -> impl Iterator<Item = U256> {
    let power = |bits: usize| U256::ONE.checked_shl(bits).unwrap_or_default();
    let length = word.bit_len();
    let words = [
        U256::ZERO,
        U256::ONE,
        U256::from(2),
        power(length.saturating_sub(1)),
        power(length),
        U256::MAX,
        U256::from(32),
        U256::from(0xff),
        word.wrapping_shr(128),
        word & U256::from(u64::MAX),
        word.wrapping_shr(8),
        word & U256::from(0xff),
        word.wrapping_shr(1),
        word.saturating_sub(U256::ONE),
    ];
    let rank = of_word(word);
    let mut seen = Vec::new();
    words.into_iter().filter(move |other| {
        let is_new = of_word(*other) < rank && !seen.contains(other);
        seen.push(*other);
        is_new
    })
}

/// Tries plainer numbers where `get` finds one.
pub(crate) fn plain(search: &mut Search<'_>, get: impl Fn(&Case) -> U256, set: impl Fn(&mut Case, U256)) {
    loop {
        let words: Vec<_> = plainer(get(search.best())).collect();
        if !words.into_iter().any(|word| search.changes(|case| set(case, word))) {
            return;
        }
    }
}

/// As [`plain`], of a number of 64 bits.
pub(crate) fn plain_number(
    search: &mut Search<'_>,
    get: impl Fn(&Case) -> u64,
    set: impl Fn(&mut Case, u64),
) {
    // What does not fit is not tried: it is equal to what is there.
    plain(
        search,
        |case| U256::from(get(case)),
        |case, word| set(case, u64::try_from(word).unwrap_or(get(case))),
    );
}

pub(crate) fn run(search: &mut Search<'_>) {
    plain(search, |case| case.transaction.value, |case, word| case.transaction.value = word);
    for address in search.best().addresses() {
        let account = |case: &Case| case.pre.accounts.get(&address).cloned().unwrap_or_default();
        plain(
            search,
            |case| account(case).balance,
            |case, word| {
                if let Some(account) = case.pre.accounts.get_mut(&address) {
                    account.balance = word;
                }
            },
        );
        if address == search.best().transaction.sender {
            // The two go together.
            plain_number(
                search,
                |case| case.transaction.nonce,
                |case, nonce| {
                    case.transaction.nonce = nonce;
                    if let Some(account) = case.pre.accounts.get_mut(&address) {
                        account.nonce = nonce;
                    }
                },
            );
        }
        plain_number(
            search,
            |case| account(case).nonce,
            |case, nonce| {
                if let Some(account) = case.pre.accounts.get_mut(&address) {
                    account.nonce = nonce;
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plainer_comes_first_and_ends() {
        let of = |word: u64| plainer(U256::from(word)).map(|word| word.to_string()).collect::<Vec<_>>();
        assert_eq!(of(0), Vec::<String>::new());
        assert_eq!(of(1), ["0"]);
        assert_eq!(of(2), ["0", "1"]);
        assert_eq!(of(5)[..4], ["0", "1", "2", "4"]);
    }
}
