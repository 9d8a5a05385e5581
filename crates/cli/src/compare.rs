//! `parallax compare`: two trace files, or one beside several.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, Write},
    path::Path,
};

use anyhow::{Context, Error, Result, bail};
use parallax_tracer_eip3155::{
    Client, CompareOptions, Coverage, DifferenceGroup, Recognised, Step, TraceAgreement, TraceAnswer,
    TraceDifference, TraceReader, compare_traces, recognise, recognise_file,
};
use serde_json::{Value, json};

use crate::{arguments::CompareArguments, colour::painted, compared_fields::FieldArguments, report::Status};

/// Bytes that are read at a time: traces alike are compared as fast as they can be read.
const READ_AT_A_TIME: usize = 1 << 20;

pub(crate) fn run(arguments: &CompareArguments) -> Result<Status> {
    if arguments.left == "-" {
        bail!("LEFT is -, expected a file: standard input may be a right side only");
    }
    if arguments.right.iter().filter(|path| *path == "-").count() > 1 {
        bail!("- is given twice, expected one trace on standard input");
    }
    let mut status = Status::Well;
    for right in &arguments.right {
        match one(arguments, right)? {
            Status::Well => {}
            worse => status = worse,
        }
    }
    Ok(status)
}

/// One pair.
fn one(arguments: &CompareArguments, right: &str) -> Result<Status> {
    let left = open(&arguments.left, arguments.left_client)?;
    let opened = open(right, arguments.right_client)?;
    let pair = Pair {
        paths: [&arguments.left, right],
        whose: [left.whose, opened.whose],
        fields: &arguments.fields,
        told: arguments.fields.told(),
        is_one_of_many: arguments.right.len() > 1,
    };
    let options = CompareOptions { all: arguments.all, ..arguments.fields.options() };
    let answer = compare_traces(left.reader, opened.reader, options).map_err(|(is_left, error)| {
        Error::new(error).context(pair.paths[usize::from(!is_left)].to_owned())
    })?;
    let mut out = io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", pair.json(&answer))?,
        false => writeln!(out, "{}", painted(pair.text(&answer)).trim_end())?,
    }
    Ok(match &answer.outcome {
        Ok(agreement) if pair.is_about_nothing(agreement) => Status::WrongInput,
        Ok(_) => Status::Well,
        Err(_) => Status::Failure,
    })
}

/// A trace, open.
pub(crate) struct Opened {
    pub(crate) reader: TraceReader<Box<dyn BufRead>>,
    pub(crate) whose: Whose,
}

/// Whose a trace is, and who says so.
pub(crate) enum Whose {
    /// The user.
    Told(Client),
    /// Its lines.
    Found(Recognised),
}

impl Whose {
    pub(crate) fn client(&self) -> Client {
        match self {
            Whose::Told(client) => *client,
            Whose::Found(found) => found.client,
        }
    }

    /// What is not sure about it, if anything is; `option` is what says it.
    /// Beside a trace of the `same` client its terms do not matter.
    pub(crate) fn doubt(&self, path: &str, option: &str, same: bool) -> Option<String> {
        let Whose::Found(found) = self else { return None };
        let Recognised { client, lines, fitting, .. } = found;
        let others = found.read_otherwise();
        if !others.is_empty() && !same {
            let names: Vec<_> = others.iter().map(|client| client.name()).collect();
            let names = names.join(", ");
            return Some(format!(
                "{path}: taken for {client}'s, may be of {names} as well: no line tells them apart, {option} does"
            ));
        }
        (fitting < lines).then(|| {
            format!(
                "{path}: taken for {client}'s, as {fitting} of its {lines} lines are; {option} says otherwise"
            )
        })
    }
}

/// Opens a trace, and looks through it before if its client is to be found out.
pub(crate) fn open(path: &str, client: Option<Client>) -> Result<Opened> {
    if path == "-" {
        let client = client.context("standard input: expected --right-client")?;
        let reader = TraceReader::new(Box::new(io::stdin().lock()) as Box<dyn BufRead>, client);
        return Ok(Opened { reader, whose: Whose::Told(client) });
    }
    if Path::new(path).is_dir() {
        bail!("{path}: expected a file, found a folder");
    }
    let file = || File::open(path).with_context(|| format!("{path}: cannot read the trace"));
    let mut first = file()?;
    let packing = Packing::of(&mut first).with_context(|| format!("{path}: cannot read the trace"))?;
    let found = match packing {
        Packing::None => recognise_file(&mut first),
        packing => recognise(packing.unpack(first).with_context(|| path.to_owned())?),
    }
    .with_context(|| path.to_owned())?;
    let profile = found.profile;
    let whose = client.map_or_else(|| Whose::Found(found), Whose::Told);
    let input = packing.unpack(file()?).with_context(|| path.to_owned())?;
    Ok(Opened { reader: TraceReader::new(input, whose.client()).with_profile(profile), whose })
}

/// How a trace is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// By the first bytes; the file is then at its beginning again.
    fn of(file: &mut File) -> io::Result<Self> {
        let mut magic = Vec::new();
        file.take(4).read_to_end(&mut magic)?;
        file.rewind()?;
        Ok(match &magic[..] {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
            _ => Packing::None,
        })
    }

    fn unpack(self, file: File) -> Result<Box<dyn BufRead>> {
        let input = BufReader::with_capacity(READ_AT_A_TIME, file);
        Ok(match self {
            Packing::None => Box::new(input),
            Packing::Gzip => Box::new(BufReader::with_capacity(
                READ_AT_A_TIME,
                flate2::bufread::MultiGzDecoder::new(input),
            )),
            Packing::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(input)
                    .map_err(|error| anyhow::anyhow!("zstd: {error}"))?;
                Box::new(BufReader::with_capacity(READ_AT_A_TIME, decoder))
            }
        })
    }
}

/// What is compared, for reports.
struct Pair<'a> {
    paths: [&'a str; 2],
    whose: [Whose; 2],
    fields: &'a FieldArguments,
    told: Option<String>,
    is_one_of_many: bool,
}

impl Pair<'_> {
    fn is_about_nothing(&self, agreement: &TraceAgreement) -> bool {
        agreement.steps == 0 || self.fields.is_about_nothing(agreement)
    }

    fn text(&self, answer: &TraceAnswer) -> String {
        let [left, right] = self.whose.each_ref().map(Whose::client);
        let mut text = if self.is_one_of_many { format!("{}: ", self.paths[1]) } else { String::new() };
        let told = self.told.as_ref().map_or(String::new(), |told| format!(" under {told}"));
        match &answer.outcome {
            Ok(agreement) => {
                let silence = agreement.silence();
                let but = if silence.is_empty() { String::new() } else { format!("; {silence}") };
                text += &match agreement.steps {
                    0 => format!(
                        "no step in either trace, so nothing was compared but their ends ({left} and {right}){told}{but}\n"
                    ),
                    steps if self.is_about_nothing(agreement) => format!(
                        "nothing was compared on {steps} steps, as not both traces say it ({left} and {right}){told}{but}\n"
                    ),
                    1 => format!("1 step agrees ({left} and {right}){told}{but}\n"),
                    steps => format!("{steps} steps agree ({left} and {right}){told}{but}\n"),
                };
            }
            Err(difference) if answer.groups.is_empty() => {
                text += &format!("{difference}\n({left} and {right}){told}\n");
            }
            Err(difference) => text += &self.groups(answer, difference, &told),
        }
        self.doubts().iter().for_each(|doubt| text += &format!("  {doubt}\n"));
        text
    }

    /// What is not sure about whose the traces are.
    fn doubts(&self) -> Vec<String> {
        let [left, right] = &self.whose;
        let same = left.client() == right.client();
        let doubts = [
            left.doubt(self.paths[0], "--left-client", same),
            right.doubt(self.paths[1], "--right-client", same),
        ];
        doubts.into_iter().flatten().collect()
    }

    /// Every kind of difference, in the order of its first place.
    fn groups(&self, answer: &TraceAnswer, first: &TraceDifference, told: &str) -> String {
        let [left, right] = self.whose.each_ref().map(Whose::client);
        let total = answer.groups.iter().map(|group| group.count).sum::<u64>() + answer.more;
        let mut text = format!("{first}\n\n{total} differences ({left} and {right}){told}:\n");
        for DifferenceGroup { what, opcode, count, lines: [left, right], values } in &answer.groups {
            let opcode = opcode.map_or(String::new(), |opcode| format!(" of {opcode}"));
            let what = format!("{what}{opcode}");
            let values = values.each_ref().map(|value| value.chars().take(40).collect::<String>());
            text += &format!(
                "  {count:>6}  {what:<24} first on lines {left} and {right}: {} / {}\n",
                values[0], values[1]
            );
        }
        if answer.more > 0 {
            text += &format!("  {:>6}  of more kinds than are kept\n", answer.more);
        }
        match &answer.all {
            Some((steps, None)) => text += &format!("{steps} steps compared, to the end of both traces\n"),
            Some((steps, Some(last))) => {
                text += &format!(
                    "{steps} steps compared; behind that the traces go apart: {} {} / {}, on lines {} and {}\n",
                    last.what, last.left, last.right, last.lines[0], last.lines[1]
                );
            }
            None => {}
        }
        text
    }

    fn json(&self, answer: &TraceAnswer) -> Value {
        let [left, right] = self.whose.each_ref().map(Whose::client);
        let mut json = json!({ "leftClient": left.name(), "rightClient": right.name() });
        let mut add = |key: &str, value: Value| {
            json[key] = value;
        };
        if self.is_one_of_many {
            add("right", json!(self.paths[1]));
        }
        if let Some(told) = &self.told {
            add("under", json!(told));
        }
        let doubts = self.doubts();
        if !doubts.is_empty() {
            add("doubts", json!(doubts));
        }
        match &answer.outcome {
            Ok(agreement) => {
                add(
                    "verdict",
                    json!(if self.is_about_nothing(agreement) { "nothing compared" } else { "agree" }),
                );
                add("steps", json!(agreement.steps));
                add("notCompared", json!(agreement.unknown()));
                let partly = agreement.gaps.iter().filter(|gap| gap.compared > 0);
                let partly = partly.map(|Coverage { field, compared, of }| json!({ "field": field, "compared": compared, "of": of }));
                add("comparedInPart", partly.collect());
                if agreement.stops_passed_over > 0 {
                    add("stopsPassedOver", json!(agreement.stops_passed_over));
                }
            }
            Err(difference) => {
                add("verdict", json!("diverge"));
                let found = difference_json(difference);
                for (key, value) in found.as_object().into_iter().flatten() {
                    add(key, value.clone());
                }
            }
        }
        if let Some((steps, last)) = &answer.all {
            add("stepsCompared", json!(steps));
            add("apart", json!(last.as_deref().map(difference_json)));
            let groups = answer.groups.iter().map(|group| {
                json!({
                    "field": group.what.to_string(),
                    "opcode": group.opcode.map(|opcode| opcode.to_string()),
                    "count": group.count,
                    "leftLine": group.lines[0],
                    "rightLine": group.lines[1],
                    "left": group.values[0],
                    "right": group.values[1],
                })
            });
            add("differences", groups.collect());
        }
        json
    }
}

fn difference_json(difference: &TraceDifference) -> Value {
    let place = |step: &Option<Step>| {
        step.as_ref().map(|step| {
            json!({ "line": step.line, "pc": step.pc, "op": step.opcode.0, "depth": step.depth, "gas": format!("{:#x}", step.gas) })
        })
    };
    let line = |line| (line > 0).then_some(line);
    let is_of_a_step = difference.left_step.is_some() || difference.right_step.is_some();
    json!({
        "step": is_of_a_step.then_some(difference.step + 1),
        "steps": difference.step,
        "field": difference.what.to_string(),
        "left": difference.left,
        "right": difference.right,
        "leftLine": line(difference.lines[0]),
        "rightLine": line(difference.lines[1]),
        "leftStep": place(&difference.left_step),
        "rightStep": place(&difference.right_step),
    })
}
