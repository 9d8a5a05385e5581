//! The planted faults of the catalogue, one after the other turned on in one build: what the default comparison of the fixtures
//! sees of each, with the faulty side on the left and on the right, and what the witness of its layer sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    catalogue::{Catalogue, Fault, LAYERS},
    scratch::{self, Scratch, VARIABLE},
    survey::Row,
};

/// Which faults are turned on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice<'a> {
    All,
    /// Of these layers, or of these names.
    Only(&'a [String]),
    /// So many, with one of each layer if there are as many; the seed decides.
    Drawn(usize, u64),
}

/// Plants, builds, turns on what was chosen and answers what was found of each.
pub(super) fn run(catalogue: &Catalogue, choice: Choice<'_>) -> Result<Vec<Row>> {
    let chosen = choose(catalogue, choice)?;
    let start = Instant::now();
    let layers: BTreeSet<_> = chosen.iter().map(|fault| fault.layer).collect();
    let scratch = scratch::build(catalogue, &layers.into_iter().collect::<Vec<_>>())?;
    let built = start.elapsed();
    for left in [true, false] {
        let seen = compare(&scratch, 0, "", left)?;
        ensure!(seen.is_none(), "with no fault on: {}", seen.unwrap_or_default());
    }
    for layer in scratch.witnesses.keys() {
        ensure!(
            !witness(&scratch, layer, 0)?.unwrap_or(true),
            "with no fault on, the witness of {layer} fails"
        );
    }
    let found = in_parallel(&chosen, |fault| {
        let compared = |left| compare(&scratch, fault.number, &fault.fixture, left);
        let sides = [compared(true)?, compared(false)?];
        let witness = witness(&scratch, fault.layer, fault.number)?;
        Ok(Row::new(fault, sides, witness))
    })?;
    let minutes = |time: Duration| time.as_secs_f64() / 60.0;
    println!(
        "{} faults: {:.1} minutes to build, {:.1} to run",
        found.len(),
        minutes(built),
        minutes(start.elapsed() - built)
    );
    Ok(found)
}

fn choose<'c>(catalogue: &'c Catalogue, choice: Choice<'_>) -> Result<Vec<&'c Fault>> {
    let faults = &catalogue.faults;
    let chosen: Vec<_> = match choice {
        Choice::All => faults.iter().collect(),
        Choice::Only(names) => {
            let is_called = |fault: &Fault, name: &String| fault.layer == name || fault.name == *name;
            for name in names {
                let is_known = faults.iter().any(|fault| is_called(fault, name));
                ensure!(
                    is_known,
                    "no fault and no layer is called {name}; the layers are {}",
                    LAYERS.join(", ")
                );
            }
            faults.iter().filter(|fault| names.iter().any(|name| is_called(fault, name))).collect()
        }
        Choice::Drawn(count, seed) => {
            let mut ranked: Vec<_> = faults.iter().filter(|fault| fault.equivalent.is_empty()).collect();
            ranked.sort_by_key(|fault| rank(seed, &fault.name));
            let mut layers = BTreeSet::new();
            // One of each layer first; the order of the others stays.
            ranked.sort_by_cached_key(|fault| !layers.insert(fault.layer));
            ranked.truncate(count);
            ranked
        }
    };
    Ok(chosen)
}

/// A number that depends on the seed and the name alone (FNV-1a, its bits mixed).
pub(super) fn rank(seed: u64, name: &str) -> u64 {
    let hash =
        seed.to_be_bytes().into_iter().chain(name.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (hash >> 32)
}

/// Does the same with each item, on all cores.
pub(super) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let (place, Some(item)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    (place, items.get(place))
                } {
                    let result = work(item);
                    if let Ok(mut done) = done.lock() {
                        done.insert(place, result);
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_default().into_values().collect()
}

/// The default comparison of the fixtures, or of the one that is named, with one fault on, each case in a worker process: the first case
/// that is neither agreed on nor rejected by both sides. What comes behind it is not waited for: a fault may turn every case into an
/// endless one.
fn compare(scratch: &Scratch, number: usize, fixture: &str, primary_is_left: bool) -> Result<Option<String>> {
    let (left, right) = if primary_is_left { ("primary", "mini") } else { ("mini", "primary") };
    let mut command = Command::new(&scratch.parallax);
    command.current_dir(&scratch.tree).env(VARIABLE, number.to_string());
    command.args(["diff", "--json", "--jobs", "1", "--left", left, "--right", right]);
    match fixture.split_once('/') {
        None => command.arg("fixtures/state-tests"),
        Some((file, _)) => {
            let of_transactions = format!("fixtures/state-tests/{file}.json");
            let is_there = scratch.tree.join(&of_transactions).is_file();
            let path = if is_there { &of_transactions } else { "fixtures/block-tests" };
            command.args([path, "--filter", &format!("^{fixture}$")])
        }
    };
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (mut seen, mut cases) = (None, 0);
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        let case: Value = serde_json::from_str(&line?)?;
        cases += 1;
        if !matches!(case["verdict"].as_str(), Some("agree" | "rejected")) {
            seen = Some(told(&case));
            child.kill()?;
            break;
        }
    }
    let status = child.wait()?;
    ensure!(cases > 0, "parallax diff, with fault {number} on: {status}");
    // As where no code ran in its fast form.
    Ok(seen.or((!status.success()).then(|| format!("the whole campaign: {status}"))))
}

/// Whether the layer's witness fails with this fault on; `None` if there is none.
fn witness(scratch: &Scratch, layer: &str, number: usize) -> Result<Option<bool>> {
    let Some(witness) = scratch.witnesses.get(layer) else { return Ok(None) };
    let mut command = Command::new(witness);
    command.current_dir(&scratch.tree).env(VARIABLE, number.to_string());
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(Some(!status.success()))
}

/// A number of a step or an entry.
pub(super) fn number(told: &Value) -> u64 {
    told.as_u64().unwrap_or_default()
}

/// A case that differs, in a line: its verdict, where, in what.
pub(super) fn told(case: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut told = format!("`{}` {}: ", text(case, "name"), text(case, "fork"));
    let found = &case["divergence"];
    if found.is_null() {
        let reason = text(case, "reason");
        let _ = write!(told, "{} {}", text(case, "verdict"), reason.lines().next().unwrap_or_default());
        return told.chars().take(160).collect::<String>().replace('|', "/");
    }
    let phase = text(found, "phase");
    let place = match found["place"].as_str().unwrap_or_default() {
        "step" => format!("{phase} step {} {}", number(&found["step"]), text(found, "opName")),
        "block" => format!("block entry {}", number(&found["entry"])),
        "message" => {
            let frames = found["frames"].as_array().and_then(|frames| frames.last());
            let frame = frames.and_then(Value::as_str).unwrap_or_default();
            let name = frame.split(' ').take(2).collect::<Vec<_>>().join(" ");
            format!("{} message {name}", if phase == "after" { "end of" } else { "start of" })
        }
        other => other.to_owned(),
    };
    let _ = write!(told, "{place}, {}", text(found, "field"));
    told.replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::catalogue;

    #[test]
    fn a_draw_has_every_layer_and_is_always_the_same() {
        let catalogue = catalogue::read().unwrap();
        let names = |seed| {
            let drawn = choose(&catalogue, Choice::Drawn(20, seed)).unwrap();
            let layers: BTreeSet<_> = drawn.iter().map(|fault| fault.layer).collect();
            assert_eq!((drawn.len(), layers.len()), (20, LAYERS.len()));
            drawn.into_iter().map(|fault| fault.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(7), names(7));
        assert_ne!(names(7), names(8));
    }

    #[test]
    fn every_name_is_that_of_a_fault_or_a_layer() {
        let catalogue = catalogue::read().unwrap();
        let chosen = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            choose(&catalogue, Choice::Only(&names))
                .map(|faults| faults.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(chosen(&["depth-1023", "depth-1025"]), Ok(2));
        assert!(chosen(&["state"]).unwrap() > 2);
        // One that is not known is not passed over beside one that is.
        assert!(
            chosen(&["depth-1023", "sate"]).unwrap_err().starts_with("no fault and no layer is called sate;")
        );
    }
}
