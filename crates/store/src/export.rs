//! Verdicts as other programs read them.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};
use serde::Serialize;

use crate::{Campaign, Store, StoreError, Verdict, text::hex};

/// Rows of a row group.
const ROWS: usize = 1 << 16;
/// Row groups of a file: older readers count no further.
const GROUPS: usize = 32_767;

/// One verdict as a row. An empty text is null in Parquet, and left out of JSON.
#[derive(Serialize)]
struct Line<'a> {
    campaign: &'a str,
    number: u64,
    sides: String,
    mode: &'a str,
    file: &'a str,
    test: &'a str,
    rules: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    index: &'a str,
    outcome: &'a str,
    failed: bool,
    steps: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    place: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cause: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    sha256: String,
}

impl<'a> Line<'a> {
    fn of(campaign: &'a Campaign, number: u64, verdict: &'a Verdict) -> Self {
        Self {
            campaign: &campaign.uid,
            number,
            sides: campaign.sides.join(" "),
            mode: &campaign.mode,
            file: &verdict.file,
            test: &verdict.name,
            rules: &verdict.rules,
            index: &verdict.index,
            outcome: &verdict.outcome,
            failed: verdict.failed,
            steps: verdict.steps,
            place: &verdict.place,
            field: &verdict.field,
            cause: &verdict.cause,
            reason: &verdict.reason,
            sha256: verdict.sha256.map_or(String::new(), |digest| hex(&digest)),
        }
    }

    fn cell(&self, column: Column) -> Cell<'_> {
        match column {
            Column::Campaign => Cell::Text(self.campaign),
            Column::Number => Cell::Number(self.number.cast_signed()),
            Column::Sides => Cell::Text(&self.sides),
            Column::Mode => Cell::Text(self.mode),
            Column::File => Cell::Text(self.file),
            Column::Test => Cell::Text(self.test),
            Column::Rules => Cell::Text(self.rules),
            Column::Index => Cell::Text(self.index),
            Column::Outcome => Cell::Text(self.outcome),
            Column::Failed => Cell::Is(self.failed),
            Column::Steps => Cell::Number(self.steps.cast_signed()),
            Column::Place => Cell::Text(self.place),
            Column::Field => Cell::Text(self.field),
            Column::Cause => Cell::Text(self.cause),
            Column::Reason => Cell::Text(self.reason),
            Column::Sha256 => Cell::Text(&self.sha256),
        }
    }
}

enum Cell<'a> {
    Text(&'a str),
    Number(i64),
    Is(bool),
}

#[derive(Clone, Copy)]
enum Column {
    Campaign,
    Number,
    Sides,
    Mode,
    File,
    Test,
    Rules,
    Index,
    Outcome,
    Failed,
    Steps,
    Place,
    Field,
    Cause,
    Reason,
    Sha256,
}

/// In their order, by the names of JSON.
const COLUMNS: [(&str, Column); 16] = [
    ("campaign", Column::Campaign),
    ("number", Column::Number),
    ("sides", Column::Sides),
    ("mode", Column::Mode),
    ("file", Column::File),
    ("test", Column::Test),
    ("rules", Column::Rules),
    ("index", Column::Index),
    ("outcome", Column::Outcome),
    ("failed", Column::Failed),
    ("steps", Column::Steps),
    ("place", Column::Place),
    ("field", Column::Field),
    ("cause", Column::Cause),
    ("reason", Column::Reason),
    ("sha256", Column::Sha256),
];

/// Writes every verdict as a line of JSON, and says how many there are.
///
/// # Errors
///
/// If the store cannot be read, or `out` be written.
pub fn verdicts_json(store: &Store, mut out: impl Write) -> Result<u64, StoreError> {
    let mut count = 0;
    store.each_verdict(|campaign, number, verdict| {
        count += 1;
        serde_json::to_writer(&mut out, &Line::of(campaign, number, &verdict)).map_err(io::Error::from)?;
        out.write_all(b"\n").map_err(StoreError::from)
    })?;
    out.flush()?;
    Ok(count)
}

/// Writes every verdict as a row of a Parquet file, and says how many there are. Holds one row group of 65,536 rows.
///
/// # Errors
///
/// If the store cannot be read, `out` be written, or there are more verdicts than a file holds.
pub fn verdicts_parquet(store: &Store, out: impl Write + Send) -> Result<u64, StoreError> {
    let schema = schema().map_err(told)?;
    let properties = WriterProperties::builder()
        .set_created_by(concat!("parallax ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .build();
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(told)?;
    let mut rows = Rows::default();
    let mut count = 0;
    store.each_verdict(|campaign, number, verdict| {
        rows.push(&Line::of(campaign, number, &verdict));
        count += 1;
        if rows.count < ROWS {
            return Ok(());
        }
        if file.flushed_row_groups().len() + 1 >= GROUPS {
            let most = GROUPS * ROWS;
            return Err(StoreError::from(io::Error::other(format!(
                "{most} verdicts are the most that one Parquet file holds"
            ))));
        }
        rows.write(&mut file).map_err(told)
    })?;
    rows.write(&mut file).map_err(told)?;
    file.close().map_err(told)?;
    Ok(count)
}

fn schema() -> Result<TypePtr, ParquetError> {
    let empty = Rows::default();
    let fields = COLUMNS.iter().zip(&empty.cells).map(|((name, _), cells)| {
        let (physical, is_text) = match cells {
            Cells::Texts(..) => (Physical::BYTE_ARRAY, true),
            Cells::Numbers(_) => (Physical::INT64, false),
            Cells::Are(_) => (Physical::BOOLEAN, false),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(if is_text { Repetition::OPTIONAL } else { Repetition::REQUIRED })
            .with_logical_type(is_text.then_some(LogicalType::String))
            .build()
            .map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("verdicts").with_fields(fields).build().map(Arc::new)
}

/// The cells of one column that are not written yet.
enum Cells {
    /// Those that are there, and for each cell whether it is.
    Texts(Vec<ByteArray>, Vec<i16>),
    Numbers(Vec<i64>),
    Are(Vec<bool>),
}

/// Rows that are not written yet, column by column.
struct Rows {
    cells: Vec<Cells>,
    count: usize,
}

impl Default for Rows {
    fn default() -> Self {
        let cells = |column: Column| match column {
            Column::Number | Column::Steps => Cells::Numbers(Vec::new()),
            Column::Failed => Cells::Are(Vec::new()),
            _ => Cells::Texts(Vec::new(), Vec::new()),
        };
        Self { cells: COLUMNS.iter().map(|(_, column)| cells(*column)).collect(), count: 0 }
    }
}

impl Rows {
    fn push(&mut self, line: &Line<'_>) {
        for ((_, column), cells) in COLUMNS.iter().zip(&mut self.cells) {
            match (cells, line.cell(*column)) {
                (Cells::Texts(texts, levels), Cell::Text(text)) => {
                    levels.push(i16::from(!text.is_empty()));
                    if !text.is_empty() {
                        texts.push(text.into());
                    }
                }
                (Cells::Numbers(numbers), Cell::Number(number)) => numbers.push(number),
                (Cells::Are(all), Cell::Is(is)) => all.push(is),
                // A column's cells are of one type.
                _ => {}
            }
        }
        self.count += 1;
    }

    /// Writes them as one row group, and forgets them.
    fn write<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        if self.count == 0 {
            return Ok(());
        }
        let mut group = file.next_row_group()?;
        for cells in std::mem::take(self).cells {
            let Some(mut writer) = group.next_column()? else { break };
            match cells {
                Cells::Texts(texts, levels) => {
                    writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
                }
                Cells::Numbers(numbers) => {
                    writer.typed::<Int64Type>().write_batch(&numbers, None, None)?;
                }
                Cells::Are(all) => {
                    writer.typed::<BoolType>().write_batch(&all, None, None)?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }
}

/// What the format says, or else the writer behind it.
fn told(error: ParquetError) -> StoreError {
    StoreError::Export(match error {
        ParquetError::External(inner) => {
            inner.downcast::<io::Error>().map_or_else(io::Error::other, |error| *error)
        }
        other => io::Error::other(other),
    })
}
