//! What one input came to on every engine, told together.

use parallax_campaign::engines::EngineName;
use parallax_host_interface::StateChanges;
use serde_json::{Value, json};

use super::{bench::Times, ran::Ran};
use crate::report::Status;

/// What an engine answered.
pub(crate) enum Answer {
    Ran(Box<Ran>, StateChanges),
    /// It would not begin, for this reason.
    Refused(String),
}

impl Answer {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ran(left, _), Self::Ran(right, _)) => left.is_same(right),
            (left, right) => matches!((left, right), (Self::Refused(_), Self::Refused(_))),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Ran(ran, _) => ran.text(),
            Self::Refused(reason) => format!("status    rejected: {reason}\n"),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Ran(ran, _) => ran.json(),
            Self::Refused(reason) => {
                json!({ "status": "rejected", "reason": reason })
            }
        }
    }
}

/// The answers of all engines, and their times, if they were measured.
pub(crate) struct Answers<'a> {
    pub(crate) answers: &'a [(EngineName, Answer)],
    pub(crate) times: &'a [Times],
    /// Whether runs were measured to be compared, and not one for its time.
    pub(crate) is_bench: bool,
}

impl Answers<'_> {
    fn is_same(&self) -> bool {
        self.answers.windows(2).all(|pair| pair[0].1.is_same(&pair[1].1))
    }

    fn names(&self) -> Vec<String> {
        self.answers.iter().map(|(name, _)| name.to_string()).collect()
    }

    /// A failure is one of the run, or that the engines part.
    pub(crate) fn status(&self) -> Status {
        let has_run =
            |(_, answer): &(EngineName, Answer)| matches!(answer, Answer::Ran(ran, _) if ran.is_success());
        match self.answers {
            // The input is wrong: nothing ran.
            [(_, Answer::Refused(_)), ..] if self.is_same() => Status::WrongInput,
            answers if self.is_same() && answers.iter().all(has_run) => Status::Well,
            _ => Status::Failure,
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = match self.answers {
            [(_, answer)] => answer.text(),
            [(_, answer), ..] if self.is_same() => {
                format!("{}engines   {}: the same\n", answer.text(), self.names().join(", "))
            }
            answers => {
                let each =
                    answers.iter().map(|(name, answer)| format!("engine    {name}\n{}", answer.text()));
                each.collect::<String>() + "engines   not the same\n"
            }
        };
        for ((name, _), times) in self.answers.iter().zip(self.times) {
            text += &match self.is_bench {
                true => times.text(*name),
                false if self.answers.len() == 1 => format!("time      {} ns\n", times.median()),
                false => format!("time      {name}: {} ns\n", times.median()),
            };
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let told = |number: usize, answer: &Answer| {
            let mut object = answer.json();
            if let Some(times) = self.times.get(number) {
                let (key, value) =
                    if self.is_bench { ("bench", times.json()) } else { ("timeNs", times.median().into()) };
                object[key] = value;
            }
            object
        };
        match self.answers {
            [(_, answer)] => told(0, answer),
            answers if self.is_same() && self.times.is_empty() => {
                let mut object = answers.first().map_or(Value::Null, |(_, answer)| answer.json());
                object["engines"] = self.names().into();
                object
            }
            answers => {
                let each = answers.iter().enumerate().map(|(number, (name, answer))| {
                    let mut object = told(number, answer);
                    object["engine"] = name.to_string().into();
                    object
                });
                json!({ "same": self.is_same(), "engines": each.collect::<Vec<_>>() })
            }
        }
    }
}
