//! The columns of the file: one table, read by the schema and by what writes the rows.

use std::{io, sync::Arc};

use parallax_primitives::{Address, Bytes, Halt};
use parquet::{
    basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical},
    errors::Result,
    file::{
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr},
        writer::SerializedFileWriter,
    },
    schema::types::{ColumnPath, Type, TypePtr},
};

use crate::{
    cells::{Arrays, Cells, Gas, Repeats, Texts, Words},
    row::{ITEMS, Row, Run},
};

/// Columns that hardly repeat a number: each is told as its difference from the one before.
const COUNTERS: [&str; 2] = ["step", "gas"];
/// Columns whose smallest and largest value of a row group let readers pass it over.
const SOUGHT: [&str; 3] = ["transaction", "test", "step"];

/// Rows that are not written yet, column by column.
pub(crate) struct Rows {
    transaction: Vec<i64>,
    file: Texts<Option<Bytes>>,
    test: Texts<Option<Bytes>>,
    rules: Texts<Option<Bytes>>,
    step: Vec<i64>,
    frame: Vec<i64>,
    depth: Vec<i32>,
    pc: Vec<i64>,
    opcode: Vec<i32>,
    op_name: Vec<&'static str>,
    gas: Gas,
    gas_cost: Gas,
    gas_own: Gas,
    state_gas_cost: Vec<i64>,
    refund: Vec<i64>,
    stack_size: Vec<i32>,
    stack: [Words; ITEMS],
    memory_size: Vec<i64>,
    address: Arrays<Option<Address>>,
    code_address: Arrays<Option<Address>>,
    halt: Texts<Option<Halt>>,
}

impl Repeats for Option<Address> {
    fn bytes(&self) -> Option<Bytes> {
        self.map(|address| Bytes::copy_from_slice(address.as_slice()))
    }
}

impl Repeats for Option<Halt> {
    fn bytes(&self) -> Option<Bytes> {
        self.map(|halt| Bytes::from_static(halt.name().as_bytes()))
    }
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            transaction: Vec::new(),
            file: Texts::new(true),
            test: Texts::new(true),
            rules: Texts::new(false),
            step: Vec::new(),
            frame: Vec::new(),
            depth: Vec::new(),
            pc: Vec::new(),
            opcode: Vec::new(),
            op_name: Vec::new(),
            gas: Gas::default(),
            gas_cost: Gas::default(),
            gas_own: Gas::default(),
            state_gas_cost: Vec::new(),
            refund: Vec::new(),
            stack_size: Vec::new(),
            stack: Default::default(),
            memory_size: Vec::new(),
            address: Arrays::new(false, 20),
            code_address: Arrays::new(true, 20),
            halt: Texts::new(true),
        }
    }
}

impl Rows {
    /// The columns in their order.
    fn columns(&mut self) -> [(&'static str, &mut dyn Cells); 23] {
        let [top, second, third] = &mut self.stack;
        [
            ("transaction", &mut self.transaction),
            ("file", &mut self.file),
            ("test", &mut self.test),
            ("rules", &mut self.rules),
            ("step", &mut self.step),
            ("frame", &mut self.frame),
            ("depth", &mut self.depth),
            ("pc", &mut self.pc),
            ("opcode", &mut self.opcode),
            ("op_name", &mut self.op_name),
            ("gas", &mut self.gas),
            ("gas_cost", &mut self.gas_cost),
            ("gas_own", &mut self.gas_own),
            ("state_gas_cost", &mut self.state_gas_cost),
            ("refund", &mut self.refund),
            ("stack_size", &mut self.stack_size),
            ("stack_0", top),
            ("stack_1", second),
            ("stack_2", third),
            ("memory_size", &mut self.memory_size),
            ("address", &mut self.address),
            ("code_address", &mut self.code_address),
            ("halt", &mut self.halt),
        ]
    }

    pub(crate) fn push(&mut self, row: &Row) {
        self.step.push(signed(row.step.saturating_add(1)));
        self.frame.push(signed(row.frame));
        self.depth.push(i32::from(row.depth) + 1);
        self.pc.push(signed(row.pc as u64));
        self.opcode.push(row.opcode.0.into());
        self.op_name.push(row.name);
        self.gas.push(row.gas);
        self.gas_cost.push(row.gas_cost);
        self.gas_own.push(row.gas_own);
        self.state_gas_cost.push(row.state_gas_cost);
        self.refund.push(row.refund);
        self.stack_size.push(i32::try_from(row.stack_size).unwrap_or(i32::MAX));
        for (column, item) in self.stack.iter_mut().zip(&row.stack) {
            column.push(item.as_ref());
        }
        self.memory_size.push(signed(row.memory_size as u64));
        self.address.extend(Some(row.address), 1);
        self.code_address.extend(row.code_address, 1);
        self.halt.extend(row.halt, 1);
    }

    pub(crate) fn len(&self) -> usize {
        self.step.len()
    }

    /// Says of which run the rows are that nothing is said of yet.
    pub(crate) fn end_run(&mut self, run: &Run) {
        let rows = self.len() - self.transaction.len();
        if rows == 0 {
            return;
        }
        self.transaction.resize(self.len(), signed(run.number));
        self.file.extend(run.file.clone(), rows);
        self.test.extend(run.test.clone(), rows);
        self.rules.extend(Some(run.rules.clone()), rows);
    }

    /// Writes them as one row group, and forgets them.
    pub(crate) fn write<W: io::Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        let mut group = file.next_row_group()?;
        for (_, cells) in self.columns() {
            let Some(mut writer) = group.next_column()? else { break };
            cells.write(&mut writer)?;
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.columns().into_iter().for_each(|(_, cells)| cells.clear());
    }
}

/// A count of what was there, which no run takes to 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn field(name: &str, cells: &dyn Cells) -> Result<TypePtr> {
    let physical = cells.physical();
    let is_text = physical == Physical::BYTE_ARRAY;
    Type::primitive_type_builder(name, physical)
        .with_repetition(if cells.is_optional() { Repetition::OPTIONAL } else { Repetition::REQUIRED })
        .with_logical_type(is_text.then_some(LogicalType::String))
        .with_length(cells.length().unwrap_or_default())
        .build()
        .map(Arc::new)
}

fn properties() -> WriterPropertiesPtr {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("parallax ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    for name in COUNTERS {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    for name in SOUGHT {
        properties =
            properties.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Chunk);
    }
    Arc::new(properties.build())
}

/// Begins a file.
pub(crate) fn begin<W: io::Write + Send>(out: W) -> Result<SerializedFileWriter<W>> {
    let mut none = Rows::default();
    let fields = none.columns().into_iter().map(|(name, cells)| field(name, cells)).collect::<Result<_>>()?;
    let schema = Type::group_type_builder("steps").with_fields(fields).build()?;
    SerializedFileWriter::new(out, Arc::new(schema), properties())
}
