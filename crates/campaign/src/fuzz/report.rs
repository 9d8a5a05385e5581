//! A fuzz run as people read it and as programs do.

use serde::Serialize;

use super::{Covered, Ended, FuzzProgress, FuzzSummary, coverage::Missing};

impl FuzzSummary {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.done.findings == 0
    }

    /// Lines for a person: what was run and how fast, what came of it, what was reached. `pairs` are the names of the sides.
    pub fn text(&self, pairs: &[[&str; 2]]) -> String {
        let FuzzProgress { programs, steps, findings } = self.done;
        let seconds = self.time.as_secs_f64();
        let rate = |count: u64, seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let mut lines = vec![format!(
            "{programs} programs, {steps} steps in {seconds:.1} s: {:.0} programs and {:.0} steps a second{}",
            rate(programs, seconds),
            rate(steps, seconds),
            self.ended.text()
        )];
        if let Some(processors) = self.processors.map(|time| time.as_secs_f64()) {
            lines.push(format!(
                "{processors:.1} s of processors: {:.0} programs and {:.0} steps in each",
                rate(programs, processors),
                rate(steps, processors)
            ));
        }
        lines.extend(pairs.iter().zip(&self.pairs).map(|([left, right], sum)| sum.text(left, right)));
        if let Some(coverage) = &self.coverage {
            let Covered { reached, possible } = coverage.covered();
            lines.push(format!(
                "coverage: {reached} of {possible} possible (rules, opcode, halt) were reached"
            ));
            let wrong = coverage.impossible();
            for (rules, subject, halt) in &wrong {
                let halt = halt.map_or("none", |halt| halt.name());
                let name = subject.name(*rules);
                lines.push(format!("  {rules} {name} {halt}: reached, and said to be impossible"));
            }
        }
        lines.push(match self.groups.len() {
            0 => "findings: none".to_owned(),
            groups => format!("findings: {findings}, of {groups} sorts"),
        });
        if self.ungrouped > 0 {
            lines.push(format!("  {} findings are of other sorts, which are not kept", self.ungrouped));
        }
        lines.join("\n")
    }

    /// One object in one line: `seed programs steps seconds processorSeconds ended pairs findings sorts coverage`.
    pub fn json(&self, seed: u64, pairs: &[[&str; 2]]) -> String {
        let verdicts = |names: &[&str; 2], sum: &crate::DiffSummary| {
            let counts = sum.counts().into_iter().filter(|(_, count)| *count > 0);
            let verdicts = counts.map(|(name, count)| (name.to_owned(), count.into())).collect();
            PairRecord { left: names[0].to_owned(), right: names[1].to_owned(), verdicts }
        };
        let record = SummaryRecord {
            seed,
            programs: self.done.programs,
            steps: self.done.steps,
            seconds: self.time.as_secs_f64(),
            processor_seconds: self.processors.map(|time| time.as_secs_f64()),
            ended: self.ended.name(),
            pairs: pairs.iter().zip(&self.pairs).map(|(names, sum)| verdicts(names, sum)).collect(),
            findings: self.done.findings,
            sorts: self.groups.len(),
            coverage: self
                .coverage
                .as_ref()
                .map(|coverage| CoverageRecord { covered: coverage.covered(), missing: coverage.missing() }),
        };
        // Strings, numbers and lists of them always serialise.
        serde_json::to_string(&record).unwrap_or_default()
    }
}

impl Ended {
    /// As programs read it.
    pub const fn name(self) -> &'static str {
        match self {
            Ended::Programs => "programs",
            Ended::Time => "time",
            Ended::Coverage => "coverage",
            Ended::Finding => "finding",
            Ended::Interrupted => "interrupted",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Ended::Programs | Ended::Time => "",
            Ended::Coverage => "; all that is possible was reached",
            Ended::Finding => "; ended at a finding",
            Ended::Interrupted => "; interrupted",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryRecord<'a> {
    seed: u64,
    programs: u64,
    steps: u64,
    seconds: f64,
    /// Null where the system does not say.
    processor_seconds: Option<f64>,
    ended: &'static str,
    pairs: Vec<PairRecord>,
    findings: u64,
    sorts: usize,
    /// Null where no opcodes are compared.
    coverage: Option<CoverageRecord<'a>>,
}

#[derive(Serialize)]
struct PairRecord {
    left: String,
    right: String,
    verdicts: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct CoverageRecord<'a> {
    #[serde(flatten)]
    covered: Covered,
    missing: Vec<Missing<'a>>,
}
