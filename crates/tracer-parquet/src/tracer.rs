use std::io;

use parallax_hooks::{MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Bytes, Message, Opcode, Rules};
use parallax_tracer_core::Tracer;
use parquet::{errors::ParquetError, file::writer::SerializedFileWriter};

use crate::{
    columns::{self, Rows},
    row::{ITEMS, Row, Run},
};

/// Rows of a row group: what readers expect at the least, and 30 MB of memory while they are gathered.
const ROWS: usize = 1 << 17;
/// Row groups of a file. The footer has to name each, and older readers count no further.
const GROUPS: usize = 32_767;

/// Writes one row per opcode into a Parquet file. Of several runs, one after the other, it writes one file: a start begins the next
/// transaction in it.
///
/// Holds at most one row group, and an entry of the footer for each that is written. A writer that fails ends the file, not the execution:
/// [`ParquetTracer::failed`] tells at once, [`ParquetTracer::finish`] at the end. A file that is not finished cannot be read, so that is
/// done as well when the tracer is dropped.
pub struct ParquetTracer<W: io::Write + Send> {
    /// Away behind an error, and when the file is finished.
    file: Option<SerializedFileWriter<W>>,
    failed: Option<io::Error>,
    has_stack: bool,
    rows: Rows,
    rows_of_group: usize,
    /// The most that the file may have.
    groups: usize,
    /// The one that is going on.
    run: Option<Run>,
    /// Of the next run, if it is somewhere.
    place: Option<Place>,
    started: u64,
    /// Steps so far.
    steps: u64,
    messages: u64,
    /// Number of the message of each open frame, by depth.
    frames: Vec<Option<u64>>,
    /// What the step that has begun and not ended found. Other hooks may see its end, and then these the end of another one.
    pending: Option<Row>,
    /// The index of the step that is to come next.
    next: u64,
    missing: u64,
}

/// Where a case stands, as its rows tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The test in it, and which of its cases.
    pub test: String,
}

/// What came of a file.
#[derive(Debug)]
#[must_use = "it has the writer's error"]
pub struct Finished<W> {
    /// The writer, or its first error.
    pub out: io::Result<W>,
    /// Rows of the file.
    pub steps: u64,
    /// Steps that are in no file, as the writer has failed: all of them, since what was written before cannot be read.
    pub lost: u64,
    /// Steps that ran before the last one of their run and that it was not shown.
    pub missing: u64,
}

impl<W: io::Write + Send> ParquetTracer<W> {
    /// Begins a file.
    pub fn new(out: W) -> Self {
        Self::with_row_groups(out, ROWS)
    }

    /// Begins a file with row groups of `rows` steps, one at the least.
    pub fn with_row_groups(out: W, rows: usize) -> Self {
        let (file, failed) = match columns::begin(out) {
            Ok(file) => (Some(file), None),
            Err(error) => (None, Some(io_error(error))),
        };
        Self {
            file,
            failed,
            has_stack: true,
            rows: Rows::default(),
            rows_of_group: rows.max(1),
            groups: GROUPS,
            run: None,
            place: None,
            started: 0,
            steps: 0,
            messages: 0,
            frames: Vec::new(),
            pending: None,
            next: 0,
            missing: 0,
        }
    }

    /// Leaves the items of the stack null from here on.
    pub fn hide_stack(&mut self) {
        self.has_stack = false;
    }

    /// Where the next run comes from. Of one that nobody has told the place of there is none.
    pub fn set_place(&mut self, place: Place) {
        self.place = Some(place);
    }

    /// The writer's first error.
    pub fn failed(&self) -> Option<&io::Error> {
        self.failed.as_ref()
    }

    /// Writes what is left and the footer.
    pub fn finish(mut self) -> Finished<W> {
        let out = self.end();
        let (steps, lost) = if out.is_ok() { (self.steps, 0) } else { (0, self.steps) };
        Finished { out, steps, lost, missing: self.missing }
    }

    fn end(&mut self) -> io::Result<W> {
        self.write_group();
        match (self.failed.take(), self.file.take()) {
            (Some(error), _) => Err(error),
            (None, Some(file)) => file.into_inner().map_err(io_error),
            (None, None) => Err(io::Error::other("the writer has panicked")),
        }
    }

    /// Hands the rows over. Away while it writes, a writer that panics is not asked again.
    fn write_group(&mut self) {
        if self.rows.len() == 0 {
            return;
        }
        self.end_run();
        if let Some(mut file) = self.file.take() {
            let written = if file.flushed_row_groups().len() < self.groups {
                self.rows.write(&mut file).map_err(io_error)
            } else {
                let most = self.groups.saturating_mul(self.rows_of_group);
                Err(io::Error::other(format!("{most} steps are the most that one Parquet file holds")))
            };
            match written {
                Ok(()) => self.file = Some(file),
                Err(error) => {
                    tracing::warn!(%error, "a writer has failed: the trace is lost");
                    self.failed = Some(error);
                }
            }
        }
        self.rows.clear();
    }

    /// Its rows so far are its own.
    fn end_run(&mut self) {
        if let Some(run) = &self.run {
            self.rows.end_run(run);
        }
    }

    /// Begins a run by these rules.
    fn begin(&mut self, rules: Rules) {
        self.end_run();
        let place = self.place.take();
        let (file, test) =
            place.map(|place| (place.file.into_bytes().into(), place.test.into_bytes().into())).unzip();
        let rules = Bytes::copy_from_slice(rules.name().as_bytes());
        self.run = Some(Run { number: self.started, file, test, rules });
        self.started += 1;
        (self.messages, self.next) = (0, 0);
        self.frames.clear();
        self.pending = None;
    }

    /// The number of the message that started the frame of a step, or of one that was not shown.
    fn frame(&mut self, depth: u16) -> u64 {
        let depth = usize::from(depth);
        if self.frames.len() <= depth {
            self.frames.resize(depth + 1, None);
        }
        *self.frames[depth].get_or_insert_with(|| {
            self.messages += 1;
            self.messages - 1
        })
    }
}

impl<W: io::Write + Send> Tracer for ParquetTracer<W> {
    fn start(&mut self, start: &Start<'_>) {
        self.begin(start.rules);
    }

    fn step(&mut self, step: &StepView<'_>) {
        if self.run.is_none() || step.index < self.next {
            // Its start was told to others.
            self.begin(step.rules);
        }
        self.missing += step.index - self.next;
        self.next = step.index;
        let mut stack = [None; ITEMS];
        if self.has_stack {
            stack.iter_mut().zip(step.stack.iter().rev()).for_each(|(shown, item)| *shown = Some(*item));
        }
        self.pending = Some(Row {
            step: step.index,
            frame: self.frame(step.depth),
            depth: step.depth,
            pc: step.pc,
            opcode: step.opcode,
            name: step.rules.info(step.opcode).map_or("INVALID", |info| info.name),
            gas: step.gas,
            gas_cost: 0,
            gas_own: 0,
            state_gas_cost: 0,
            refund: step.refund,
            stack_size: step.stack.len(),
            stack,
            memory_size: step.memory.len(),
            address: step.message.address,
            code_address: (!step.message.kind.is_create()).then_some(step.message.code_address),
            halt: None,
        });
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let Some(row) = self.pending.as_mut().filter(|row| row.step == step.index) else { return };
        self.next = step.index.saturating_add(1);
        // What a creation forwards is no part of its cost.
        let forwarded = match step.opcode {
            Opcode::CREATE | Opcode::CREATE2 => 0,
            _ => end.forwarded,
        };
        row.gas_cost = end.gas_cost;
        row.gas_own = end.gas_cost.saturating_sub(forwarded);
        row.state_gas_cost = end.state_gas_cost;
        row.halt = end.halt;
        self.rows.push(row);
        self.steps += 1;
        self.pending = None;
        if self.rows.len() >= self.rows_of_group {
            self.write_group();
        }
    }

    fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
        if let MessagePhase::Before = phase {
            self.frames.truncate(usize::from(message.depth));
            self.frame(message.depth);
        }
    }
}

impl<W: io::Write + Send> Drop for ParquetTracer<W> {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Nobody is there to be told, but the log.
            let _ = self.end();
        }
    }
}

/// What the writer said, or else what the format did.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => {
            inner.downcast::<io::Error>().map_or_else(io::Error::other, |error| *error)
        }
        other => io::Error::other(other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]
mod tests {
    use parallax_engine_interface::Engine;
    use parallax_generator::Scenario;
    use parallax_host_interface::NoPrecompiles;
    use parallax_mini_interpreter::Mini;
    use parallax_mini_machine::MiniEngine;
    use parallax_tracer_core::Traced;
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };

    use super::*;

    #[test]
    fn a_file_with_all_the_row_groups_that_it_may_have_takes_no_more() {
        let mut tracer = ParquetTracer::with_row_groups(Vec::new(), 2);
        tracer.groups = 3;
        let scenario = Scenario::new(1);
        let _ =
            MiniEngine::new("mini", Mini, &NoPrecompiles).execute(&scenario.job(), &mut Traced(&mut tracer));
        let error = tracer.finish().out.map_err(|error| error.to_string());
        assert_eq!(error.err().as_deref(), Some("6 steps are the most that one Parquet file holds"));
    }

    #[test]
    fn gas_that_has_64_bits_is_null() {
        let row = |gas| Row {
            step: 0,
            frame: 0,
            depth: 0,
            pc: 0,
            opcode: Opcode::STOP,
            name: "STOP",
            gas,
            gas_cost: gas,
            gas_own: gas,
            state_gas_cost: i64::MIN,
            refund: 0,
            stack_size: 0,
            stack: [None; ITEMS],
            memory_size: 0,
            address: Default::default(),
            code_address: None,
            halt: None,
        };
        let mut tracer = ParquetTracer::new(Vec::new());
        for gas in [u64::MAX >> 1, 1 << 63, u64::MAX] {
            tracer.rows.push(&row(gas));
        }
        tracer.run = Some(Run { number: 0, file: None, test: None, rules: Bytes::new() });
        let bytes = Bytes::from(tracer.finish().out.unwrap());
        let reader = SerializedFileReader::new(bytes.0).unwrap();
        let read = |column: usize| {
            let rows = reader.get_row_iter(None).unwrap();
            rows.map(|row| row.unwrap().get_long(column).ok()).collect::<Vec<_>>()
        };
        for column in [10, 11, 12] {
            assert_eq!(read(column), [Some(i64::MAX), None, None]);
        }
        assert_eq!(read(13), [Some(i64::MIN); 3]);
    }
}
