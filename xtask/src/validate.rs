//! `cargo xtask validate`: translates every code there is, and proves that each translation means what its code means.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use parallax_analysis::{PaddedCode, translate, validate};
use parallax_campaign::{discover, shared_folder};
use parallax_generator::Program;
use parallax_primitives::{Rules, hex};
use serde_json::Value;

use crate::diff;

/// Faults that are printed; the others are counted.
const SHOWN: usize = 5;

/// What `cargo xtask validate` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many programs are generated.
    #[arg(long, default_value_t = 100_000)]
    generated: u64,
    /// The first seed of the generated ones.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Only the oldest and the newest fork in which a code appears.
    #[arg(long)]
    quick: bool,
    /// Only what needs no other folder: fixtures and generated programs.
    #[arg(long)]
    own: bool,
}

impl Arguments {
    /// What `cargo xtask test` asks for.
    pub(crate) fn quick(own: bool) -> Self {
        Self { generated: 20_000, seed: 0, quick: true, own }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    println!(
        "codes              codes  with forks       bytes    blocks  instructions  translate   validate  ns per byte"
    );
    let mut faults = Faults::default();
    let report = |name: &str, codes: &Codes, faults: &mut Faults| {
        let sum = validate_all(&codes.all(arguments.quick), faults);
        println!("{}", sum.line(name, codes.0.len()));
        ensure!(sum.codes > 0, "{name}: no code found");
        Ok(())
    };
    for folder in diff::fixture_paths() {
        report("fixtures", &Codes::below(&folder)?, &mut faults)?;
    }
    let shared = shared_folder().filter(|_| !arguments.own);
    for (name, folder) in [("official tests", "eest"), ("benchmarks", "bench")] {
        match shared.as_ref().map(|shared| shared.join(folder)).filter(|folder| folder.is_dir()) {
            Some(folder) => report(name, &Codes::below(&folder)?, &mut faults)?,
            None => println!("{name:14} left out: --own, or no folder {folder} of official data"),
        }
    }
    let mut generated = Codes::default();
    for seed in (0..arguments.generated).map(|i| arguments.seed.wrapping_add(i)) {
        let program = Program::new(seed);
        generated.add(&program.code, &[program.rules]);
    }
    println!("seeds from {}, {} programs", arguments.seed, arguments.generated);
    report("generated", &generated, &mut faults)?;
    print!("{}", faults.text);
    ensure!(faults.count == 0, "{} translations are wrong", faults.count);
    Ok(())
}

/// Codes, and the rules under which each appears.
#[derive(Default)]
struct Codes(BTreeMap<Vec<u8>, Vec<Rules>>);

impl Codes {
    /// Every code in the files below a folder: accounts' and creating transactions'.
    fn below(folder: &Path) -> Result<Self> {
        let mut codes = Self::default();
        for file in discover(&[folder.to_owned()], &mut std::io::empty())? {
            let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let value: Value =
                serde_json::from_slice(&text).with_context(|| format!("cannot read {}", file.display()))?;
            // A file is one program of a benchmark, or tests by name.
            let tests: Vec<&Value> = match &value["code"] {
                Value::String(_) => vec![&value],
                _ => value.as_object().into_iter().flat_map(serde_json::Map::values).collect(),
            };
            for test in tests {
                let names = test["post"].as_object().into_iter().flat_map(serde_json::Map::keys);
                let rules: Vec<Rules> =
                    names.map(String::as_str).chain(test["fork"].as_str()).flat_map(str::parse).collect();
                codes.find(test, &rules);
            }
        }
        Ok(codes)
    }

    fn find(&mut self, value: &Value, rules: &[Rules]) {
        match value {
            Value::Object(fields) => {
                let creates = fields.get("to").is_some_and(|to| to == "");
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("code", Value::String(text)) => self.add_text(text, rules),
                        ("data", Value::Array(all)) if creates => {
                            all.iter().flat_map(Value::as_str).for_each(|text| self.add_text(text, rules));
                        }
                        _ => self.find(value, rules),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.find(value, rules)),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &str, rules: &[Rules]) {
        // What is no hex is no code; the official tests have one such file, to be refused.
        if let Ok(code) = hex::decode(text) {
            self.add(&code, rules);
        }
    }

    fn add(&mut self, code: &[u8], rules: &[Rules]) {
        let all = self.0.entry(code.to_vec()).or_default();
        all.extend(rules);
        all.sort_unstable_by_key(|rules| (rules.base(), rules.name()));
        all.dedup();
    }

    /// Every code with its rules, or with the oldest and the newest of them.
    fn all(&self, quick: bool) -> Vec<(&[u8], Rules)> {
        let mut all = Vec::new();
        for (code, rules) in &self.0 {
            let mut rules = rules.clone();
            if let (true, [first, .., last]) = (quick, &rules[..]) {
                rules = vec![*first, *last];
            }
            all.extend(rules.into_iter().map(|rules| (&code[..], rules)));
        }
        all
    }
}

/// What a part came to.
#[derive(Clone, Copy, Default)]
struct Sum {
    codes: usize,
    bytes: usize,
    blocks: usize,
    instructions: usize,
    translate: Duration,
    validate: Duration,
}

impl Sum {
    fn line(&self, name: &str, codes: usize) -> String {
        let per_byte = |time: Duration| time.as_nanos() as f64 / self.bytes.max(1) as f64;
        format!(
            "{name:14} {codes:9} {:11} {:11} {:9} {:13} {:10.1} {:10.1}",
            self.codes,
            self.bytes,
            self.blocks,
            self.instructions,
            per_byte(self.translate),
            per_byte(self.validate)
        )
    }
}

/// What was wrong.
#[derive(Default)]
struct Faults {
    count: usize,
    text: String,
}

impl Faults {
    fn add(&mut self, code: &[u8], rules: Rules, what: &dyn std::fmt::Display) {
        self.count += 1;
        if self.count <= SHOWN {
            // A string takes whatever is written.
            let _ = writeln!(self.text, "WRONG in {rules}: {what}\n  code 0x{}", hex::encode(code));
        }
    }
}

/// On all cores.
fn validate_all(codes: &[(&[u8], Rules)], faults: &mut Faults) -> Sum {
    let (next, shared) = (AtomicUsize::new(0), Mutex::new((Sum::default(), faults)));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((code, rules)) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (one, wrong) = validate_one(code, *rules);
                    let mut all = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    let (sum, faults) = &mut *all;
                    sum.codes += 1;
                    sum.bytes += one.bytes;
                    sum.blocks += one.blocks;
                    sum.instructions += one.instructions;
                    sum.translate += one.translate;
                    sum.validate += one.validate;
                    if let Some(what) = wrong {
                        faults.add(code, *rules, &what);
                    }
                }
            });
        }
    });
    shared.into_inner().unwrap_or_else(PoisonError::into_inner).0
}

fn validate_one(code: &[u8], rules: Rules) -> (Sum, Option<String>) {
    let padded = PaddedCode::new(code);
    // Looked for once, and not what is measured.
    padded.is_jumpdest(0);
    let mut sum = Sum { bytes: code.len(), ..Sum::default() };
    let start = Instant::now();
    let fast = match translate(&padded, rules) {
        Ok(fast) => fast,
        Err(malformed) => return (sum, Some(malformed.to_string())),
    };
    sum.translate = start.elapsed();
    let start = Instant::now();
    let validated = validate(&padded, rules, &fast);
    sum.validate = start.elapsed();
    match validated {
        Ok(validated) => {
            (sum.blocks, sum.instructions) = (validated.blocks, validated.instructions);
            (sum, None)
        }
        Err(invalid) => (sum, Some(invalid.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use parallax_primitives::Fork;
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_are_accounts_and_what_creates() {
        let test = json!({
            "pre": { "0x01": { "code": "0x00" }, "0x02": { "code": "0x" }, "0x03": { "code": "what" } },
            "transaction": { "to": "", "data": ["0x01", "0x00"] },
            "post": { "London": [{ "state": { "0x04": { "code": "0x02" } } }], "Osaka": [] },
        });
        let mut codes = Codes::default();
        let [berlin, london, osaka] = [Fork::Berlin, Fork::London, Fork::Osaka].map(Rules::of);
        codes.find(&test, &[london, berlin]);
        codes.find(&json!({ "transaction": { "to": "0x01", "data": ["0x03"] } }), &[osaka]);
        codes.find(&json!({ "code": "0x02" }), &[osaka]);
        let found: Vec<_> = codes.0.iter().map(|(code, rules)| (&code[..], &rules[..])).collect();
        let both = &[berlin, london][..];
        let three = &[berlin, london, osaka][..];
        assert_eq!(found, [(&[][..], both), (&[0], both), (&[1], both), (&[2], three)]);
        let quick = codes.all(true);
        assert_eq!(quick.len(), 8);
        assert!(!quick.contains(&(&[2], london)) && codes.all(false).contains(&(&[2], london)));
    }
}
