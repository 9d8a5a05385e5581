//! What a store holds, as values.

use serde::Serialize;

/// What a campaign does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `parallax fuzz`.
    #[default]
    Fuzz,
    /// `parallax diff`.
    Diff,
    /// `parallax statetest`.
    Statetest,
    /// `parallax blocktest`.
    Blocktest,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Fuzz, Kind::Diff, Kind::Statetest, Kind::Blocktest];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Fuzz => "fuzz",
            Kind::Diff => "diff",
            Kind::Statetest => "statetest",
            Kind::Blocktest => "blocktest",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A campaign that begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCampaign {
    /// What it does.
    pub kind: Kind,
    /// The command, to be pasted into a shell.
    pub command: String,
    /// Words of the command that say what it runs and how, for whoever goes on with it.
    pub options: Vec<String>,
    /// The sides that are compared.
    pub sides: Vec<String>,
    /// How often they are compared.
    pub mode: String,
    /// What program it is.
    pub build: String,
    /// What its cases are made from, where they are made.
    pub seed: Option<u64>,
    /// The number of its first case.
    pub first: u64,
}

/// A campaign that a store has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Campaign {
    /// Its number in the store.
    pub id: u64,
    /// What it is called everywhere: the same in every store that it is merged into.
    pub uid: String,
    /// What it does.
    pub kind: Kind,
    /// As [`NewCampaign::command`].
    pub command: String,
    /// As [`NewCampaign::options`].
    pub options: Vec<String>,
    /// As [`NewCampaign::sides`].
    pub sides: Vec<String>,
    /// As [`NewCampaign::mode`].
    pub mode: String,
    /// As [`NewCampaign::build`].
    pub build: String,
    /// As [`NewCampaign::seed`].
    pub seed: Option<u64>,
    /// As [`NewCampaign::first`].
    pub first: u64,
    /// Everything with a lower number is done and acknowledged.
    pub next: u64,
    /// What was compared: steps, block entries or messages. Of cases that were run twice, as the process was killed, twice.
    pub steps: u64,
    /// When it began: seconds since 1970.
    pub started: u64,
    /// When it was last written: seconds since 1970.
    pub written: u64,
    /// Why its last run ended; `None` of one that runs, or was killed.
    pub ended: Option<String>,
    /// Findings that are in no group, as there were [`Limits::groups`](crate::Limits::groups).
    pub ungrouped: u64,
    /// Verdicts that were dropped by [`Store::gc`](crate::Store::gc).
    pub dropped: u64,
}

/// What came of one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The file that the case is from.
    pub file: String,
    /// The test in it.
    pub name: String,
    /// The rules, as the file spells them.
    pub rules: String,
    /// Which case of the test: indices of data, gas and value. Empty where it has none.
    pub index: String,
    /// The verdict's name.
    pub outcome: String,
    /// Whether it counts against the campaign.
    pub failed: bool,
    /// What was compared.
    pub steps: u64,
    /// Where it shows: an opcode, a kind of message, a part of the transaction.
    pub place: String,
    /// In what it shows.
    pub field: String,
    /// What kind of fault it looks like.
    pub cause: String,
    /// Why, where the verdict has a reason.
    pub reason: String,
    /// SHA-256 of the case's text, where that is kept.
    pub sha256: Option<[u8; 32]>,
}

/// What findings have in common that are one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Sort {
    /// The sides that part.
    pub sides: Vec<String>,
    /// The verdict's name.
    pub outcome: String,
    /// The rules.
    pub rules: String,
    /// The opcode, or what else shows it.
    pub place: String,
    /// In what it shows.
    pub field: String,
    /// What kind of fault it looks like.
    pub cause: String,
}

/// Findings of one group, as a campaign tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What they have in common.
    pub sort: Sort,
    /// How many there are.
    pub count: u64,
    /// The one of them that is kept, if it has a lower number than that which is there; `None` if it is known to have none.
    pub first: Option<First>,
}

/// A finding with its case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// The number of the case: of several the lowest is kept.
    pub number: u64,
    /// What the case is called.
    pub title: String,
    /// How its sides are compared.
    pub mode: String,
    /// The command that runs it again.
    pub command: String,
    /// The words of that command, behind the name of the program.
    pub words: Vec<String>,
    /// What is told of it.
    pub report: String,
    /// The case as an official test, or why there is none.
    pub case: Result<String, String>,
}

/// Findings of one group and campaign that a store has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Its number in the store.
    pub id: u64,
    /// The campaign.
    pub campaign: u64,
    /// What they have in common.
    #[serde(flatten)]
    pub sort: Sort,
    /// How many there are.
    pub count: u64,
    /// As [`First::number`].
    pub number: u64,
    /// As [`First::title`].
    pub title: String,
    /// As [`First::mode`].
    pub mode: String,
    /// As [`First::command`].
    pub command: String,
    /// As [`First::words`].
    #[serde(skip)]
    pub words: Vec<String>,
    /// As [`First::report`].
    #[serde(skip)]
    pub report: String,
    /// SHA-256 of the case's text in hex, or why there is none.
    #[serde(flatten)]
    pub case: CaseKey,
}

/// Which case a finding has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CaseKey {
    /// SHA-256 of its text, in hex.
    #[serde(rename = "sha256")]
    Sha256(String),
    /// Why there is none.
    #[serde(rename = "without")]
    Without(String),
}

/// How often an opcode came to an end.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Covered {
    /// The rules.
    pub rules: String,
    /// The opcode, or the transaction.
    pub opcode: String,
    /// What it came to.
    pub halt: String,
    /// How often.
    pub count: u64,
}

/// What is written at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In their order.
    pub verdicts: Vec<Verdict>,
    /// Findings that are new.
    pub findings: Vec<Found>,
    /// What is to be added to the counters.
    pub coverage: Vec<Covered>,
    /// What [`Campaign::next`] is then; with verdicts, that is counted.
    pub next: Option<u64>,
    /// What is to be added to [`Campaign::steps`].
    pub steps: u64,
    /// What [`Campaign::ended`] is then.
    pub ended: Option<String>,
}
