use std::io;

use parallax_hooks::{MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::{Bytes, Message, Opcode, Rules};
use parallax_tracer_core::Tracer;
use parquet::{errors::ParquetError, file::writer::SerializedFileWriter};

use crate::{
    columns::{self, Run},
    row::{ITEMS, Row},
};

/// Rows of a row group: what readers expect at the least, and 30 MB of memory while they are gathered.
const ROWS: usize = 1 << 17;
/// Row groups of a file. The footer has to name each, and older readers count no further.
const GROUPS: usize = 32_767;

/// Writes one row per opcode into a Parquet file. Of several runs, one after the other, it writes one file: a start begins the next
/// transaction in it.
///
/// Holds at most one row group, and some 6 kB for each that is written. A writer that fails ends the file, not the execution:
/// [`ParquetTracer::failed`] tells at once, [`ParquetTracer::finish`] at the end. A file that is not finished cannot be read, so that is
/// done as well when the tracer is dropped.
pub struct ParquetTracer<W: io::Write + Send> {
    /// Away behind an error, and when the file is finished.
    file: Option<SerializedFileWriter<W>>,
    failed: Option<io::Error>,
    has_stack: bool,
    rows: Vec<Row>,
    rows_of_group: usize,
    groups_left: usize,
    /// The runs of `rows`; the last one is going on.
    runs: Vec<Run>,
    /// Of the next run, if it is somewhere.
    place: Option<Place>,
    started: u64,
    written: u64,
    lost: u64,
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
    /// Steps whose row was handed over in a whole row group.
    pub steps: u64,
    /// Steps whose row was not, because the writer has failed.
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
            rows: Vec::new(),
            rows_of_group: rows.max(1),
            groups_left: GROUPS,
            runs: Vec::new(),
            place: None,
            started: 0,
            written: 0,
            lost: 0,
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
        Finished { out, steps: self.written, lost: self.lost, missing: self.missing }
    }

    fn end(&mut self) -> io::Result<W> {
        self.write_group();
        let out = self.file.take().map(SerializedFileWriter::into_inner);
        match (self.failed.take(), out) {
            (None, Some(out)) => out.map_err(io_error),
            (Some(error), _) => Err(error),
            (None, None) => Err(io::Error::other("the writer has panicked")),
        }
    }

    /// Hands the rows over. Away while it writes, a writer that panics is not asked again.
    fn write_group(&mut self) {
        let rows = self.rows.len() as u64;
        if rows == 0 {
            return;
        }
        let written = match (self.file.take(), self.groups_left.checked_sub(1)) {
            (None, _) => Ok(None),
            (Some(_), None) => {
                let limit = GROUPS.saturating_mul(self.rows_of_group);
                Err(io::Error::other(format!("more than {limit} steps, the most that one file holds")))
            }
            (Some(mut file), Some(left)) => {
                self.groups_left = left;
                columns::write(&mut file, &self.rows, &self.runs).map(|()| Some(file)).map_err(io_error)
            }
        };
        match written {
            Ok(Some(file)) => {
                self.file = Some(file);
                self.written += rows;
            }
            Ok(None) => self.lost += rows,
            Err(error) => {
                tracing::warn!(%error, "a writer has failed: what it is given from here on is lost");
                self.failed = Some(error);
                self.lost += rows;
            }
        }
        self.rows.clear();
        self.runs.drain(..self.runs.len().saturating_sub(1));
    }

    /// Begins a run by these rules.
    fn begin(&mut self, rules: Rules) {
        // Nothing points to one that had no steps.
        let is_used = self.rows.last().is_some_and(|row| row.run + 1 == self.runs.len());
        if !is_used {
            self.runs.pop();
        }
        let place = self.place.take();
        let (file, test) =
            place.map(|place| (place.file.into_bytes().into(), place.test.into_bytes().into())).unzip();
        self.runs.push(Run {
            number: self.started,
            file,
            test,
            rules: Bytes::copy_from_slice(rules.name().as_bytes()),
        });
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
        if self.runs.is_empty() || step.index < self.next {
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
            run: self.runs.len() - 1,
            step: step.index,
            frame: self.frame(step.depth),
            depth: step.depth,
            pc: step.pc as u64,
            opcode: step.opcode,
            name: step.rules.info(step.opcode).map_or("INVALID", |info| info.name),
            gas: step.gas,
            gas_cost: 0,
            gas_own: 0,
            state_gas_cost: 0,
            refund: step.refund,
            stack_size: step.stack.len(),
            stack,
            memory_size: step.memory.len() as u64,
            address: step.message.address,
            code_address: (!step.message.kind.is_create()).then_some(step.message.code_address),
            halt: None,
        });
    }

    fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        let Some(row) = self.pending.take().filter(|row| row.step == step.index) else { return };
        self.next = step.index.saturating_add(1);
        // What a creation forwards is no part of its cost.
        let forwarded = match step.opcode {
            Opcode::CREATE | Opcode::CREATE2 => 0,
            _ => end.forwarded,
        };
        self.rows.push(Row {
            gas_cost: end.gas_cost,
            gas_own: end.gas_cost.saturating_sub(forwarded),
            state_gas_cost: end.state_gas_cost,
            halt: end.halt,
            ..row
        });
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
