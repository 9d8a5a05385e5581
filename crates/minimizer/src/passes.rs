//! The passes, in one table, and how often they go over a case.

use crate::{
    Budget, Case, Minimized, Question, Search, accounts, addresses, block, calldata, constants, deletion,
    fees, gas, jumps, lists, messages, pairs, replacement, rules, storage, straight, values,
};

/// One way to make a case smaller: it tries, and takes what is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&mut Search<'_>),
}

/// All passes, in the order in which they run: those that take most away first. `rules` is the one that changes what a case is run by.
pub const PASSES: [Pass; 17] = [
    Pass { name: "straight line", run: straight::run },
    Pass { name: "messages", run: messages::run },
    Pass { name: "accounts", run: accounts::run },
    Pass { name: "lists", run: lists::run },
    Pass { name: "deletion", run: deletion::run },
    Pass { name: "storage", run: storage::run },
    Pass { name: "calldata", run: calldata::run },
    Pass { name: "jumps", run: jumps::run },
    Pass { name: "pairs", run: pairs::run },
    Pass { name: "addresses", run: addresses::run },
    Pass { name: "constants", run: constants::run },
    Pass { name: "replacement", run: replacement::run },
    Pass { name: "fees", run: fees::run },
    Pass { name: "values", run: values::run },
    Pass { name: "block", run: block::run },
    Pass { name: RULES, run: rules::run },
    Pass { name: "gas", run: gas::run },
];

const RULES: &str = "rules";

/// Most rounds: each takes something away, so they end by themselves long before.
const MOST_ROUNDS: u32 = 1_000;

/// The smallest case that can be made of `case`, which shows the finding, as long as `question` says that it still does. All passes run
/// until none of them finds anything, or the budget is used up. `keeps_rules`: the rules stay as they are.
pub fn minimize(
    case: Case,
    question: &mut dyn Question,
    budget: &Budget<'_>,
    keeps_rules: bool,
) -> Minimized {
    let (gas, room) = (case.transaction.gas_limit, case.block.gas_limit);
    let mut search = Search::new(case, question, budget);
    let mut rounds = 0;
    while rounds < MOST_ROUNDS && !search.is_over() {
        let before = search.size();
        rounds += 1;
        // What is smaller may need more gas than what was found: all but the first round begin with what there was.
        let mut with_gas = search.best().clone();
        (with_gas.transaction.gas_limit, with_gas.block.gas_limit) = (gas, room);
        if rounds == 1 || !search.detour(with_gas, |search| round(search, keeps_rules)) {
            round(&mut search, keeps_rules);
        }
        if search.size() == before {
            break;
        }
    }
    search.end(rounds)
}

/// Every pass once.
fn round(search: &mut Search<'_>, keeps_rules: bool) {
    for pass in PASSES.iter().filter(|pass| !keeps_rules || pass.name != RULES) {
        if search.is_over() {
            return;
        }
        (pass.run)(search);
    }
}
