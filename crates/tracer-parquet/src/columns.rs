//! The columns of the file: one table, read by the schema and by what writes the rows.

use std::{io, sync::Arc};

use parallax_primitives::{Address, Bytes, Halt, U256};
use parquet::{
    basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical},
    data_type::{
        ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
    },
    errors::Result,
    file::{
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{ColumnPath, Type, TypePtr},
};

use crate::row::Row;

/// Rows that are turned into the values of one column at a time.
const BATCH: usize = 1024;

/// A run, and what is the same in all its rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) number: u64,
    pub(crate) file: Option<Bytes>,
    pub(crate) test: Option<Bytes>,
    pub(crate) rules: Bytes,
}

/// Where the values of a column come from, and so their type.
enum Values {
    /// 32 bits with a sign.
    Int(fn(&Row) -> i32),
    /// 64 bits with a sign.
    Long(fn(&Row) -> i64),
    /// The same; null where the number does not fit.
    Gas(fn(&Row) -> u64),
    /// The same number in all rows of a run.
    OfRun(fn(&Run) -> u64),
    /// UTF-8, from a small set.
    Name(fn(&Row) -> Option<&'static str>),
    /// UTF-8, the same in all rows of a run.
    Text(fn(&Run) -> Option<&Bytes>),
    /// 32 bytes, the highest first.
    Word(fn(&Row) -> Option<U256>),
    /// 20 bytes.
    Address(fn(&Row) -> Option<Address>),
}

struct Column {
    name: &'static str,
    values: Values,
    is_optional: bool,
    encoding: Option<Encoding>,
}

const fn column(name: &'static str, values: Values) -> Column {
    let is_optional = matches!(values, Values::Gas(_) | Values::Word(_));
    Column { name, values, is_optional, encoding: None }
}

impl Column {
    /// Each number as its difference from the one before.
    const fn delta(self) -> Self {
        Self { encoding: Some(Encoding::DELTA_BINARY_PACKED), ..self }
    }

    const fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

static COLUMNS: [Column; 23] = [
    column("transaction", Values::OfRun(|run| run.number)),
    column("file", Values::Text(|run| run.file.as_ref())).optional(),
    column("test", Values::Text(|run| run.test.as_ref())).optional(),
    column("rules", Values::Text(|run| Some(&run.rules))),
    column("step", Values::Long(|row| signed(row.step))).delta(),
    column("frame", Values::Long(|row| signed(row.frame))),
    column("depth", Values::Int(|row| i32::from(row.depth))),
    column("pc", Values::Long(|row| signed(row.pc))),
    column("opcode", Values::Int(|row| i32::from(row.opcode.0))),
    column("op_name", Values::Name(|row| Some(row.name))),
    column("gas", Values::Gas(|row| row.gas)).delta(),
    column("gas_cost", Values::Gas(|row| row.gas_cost)),
    column("gas_own", Values::Gas(|row| row.gas_own)),
    column("state_gas_cost", Values::Long(|row| row.state_gas_cost)),
    column("refund", Values::Long(|row| row.refund)),
    column("stack_size", Values::Int(|row| i32::try_from(row.stack_size).unwrap_or(i32::MAX))),
    column("stack_0", Values::Word(|row| row.stack[0])),
    column("stack_1", Values::Word(|row| row.stack[1])),
    column("stack_2", Values::Word(|row| row.stack[2])),
    column("memory_size", Values::Long(|row| signed(row.memory_size))),
    column("address", Values::Address(|row| Some(row.address))),
    column("code_address", Values::Address(|row| row.code_address)).optional(),
    column("halt", Values::Name(|row| row.halt.map(Halt::name))).optional(),
];

/// A count of what was there, which no run takes to 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn schema() -> Result<TypePtr> {
    let field = |column: &Column| {
        let repetition = if column.is_optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let (physical, logical, length) = match column.values {
            Values::Int(_) => (Physical::INT32, None, 0),
            Values::Long(_) | Values::Gas(_) | Values::OfRun(_) => (Physical::INT64, None, 0),
            Values::Name(_) | Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), 0),
            Values::Word(_) => (Physical::FIXED_LEN_BYTE_ARRAY, None, 32),
            Values::Address(_) => (Physical::FIXED_LEN_BYTE_ARRAY, None, 20),
        };
        let field = Type::primitive_type_builder(column.name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_length(length);
        field.build().map(Arc::new)
    };
    let fields = COLUMNS.iter().map(field).collect::<Result<_>>()?;
    Type::group_type_builder("steps").with_fields(fields).build().map(Arc::new)
}

fn properties() -> WriterPropertiesPtr {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("parallax ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for column in &COLUMNS {
        let path = ColumnPath::from(column.name);
        if let Some(encoding) = column.encoding {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), encoding);
        }
        // Nobody looks for the steps between two words.
        if matches!(column.values, Values::Word(_)) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    Arc::new(properties.build())
}

/// Begins a file.
pub(crate) fn begin<W: io::Write + Send>(out: W) -> Result<SerializedFileWriter<W>> {
    SerializedFileWriter::new(out, schema()?, properties())
}

/// Writes rows as one row group.
pub(crate) fn write<W: io::Write + Send>(
    file: &mut SerializedFileWriter<W>,
    rows: &[Row],
    runs: &[Run],
) -> Result<()> {
    let mut group = file.next_row_group()?;
    for column in &COLUMNS {
        let Some(mut writer) = group.next_column()? else { break };
        for rows in rows.chunks(BATCH) {
            column.write(&mut writer, rows, runs)?;
        }
        writer.close()?;
    }
    group.close()?;
    Ok(())
}

impl Column {
    /// Writes its values of some rows.
    fn write(&self, writer: &mut SerializedColumnWriter<'_>, rows: &[Row], runs: &[Run]) -> Result<()> {
        let run = |row: &Row| runs.get(row.run);
        let static_text = |name: &'static str| ByteArray::from(Bytes::from_static(name.as_bytes()).0);
        match &self.values {
            Values::Int(value) => self.put::<Int32Type>(writer, rows.iter().map(|row| Some(value(row)))),
            Values::Long(value) => self.put::<Int64Type>(writer, rows.iter().map(|row| Some(value(row)))),
            Values::Gas(value) => {
                self.put::<Int64Type>(writer, rows.iter().map(|row| i64::try_from(value(row)).ok()))
            }
            Values::OfRun(value) => {
                let numbers = rows.iter().map(|row| run(row).map(|run| signed(value(run))));
                self.put::<Int64Type>(writer, numbers)
            }
            Values::Name(value) => {
                self.put::<ByteArrayType>(writer, rows.iter().map(|row| value(row).map(static_text)))
            }
            Values::Text(value) => {
                let texts = rows.iter().map(|row| run(row).and_then(value).map(|text| text.0.clone().into()));
                self.put::<ByteArrayType>(writer, texts)
            }
            Values::Word(value) => {
                let words = rows.iter().map(|row| value(row).map(|word| word.to_be_bytes::<32>()));
                self.put::<FixedLenByteArrayType>(writer, slices(words))
            }
            Values::Address(value) => {
                let addresses = rows.iter().map(|row| value(row).map(Address::into_array));
                self.put::<FixedLenByteArrayType>(writer, slices(addresses))
            }
        }
    }

    fn put<T: DataType>(
        &self,
        writer: &mut SerializedColumnWriter<'_>,
        values: impl Iterator<Item = Option<T::T>>,
    ) -> Result<()> {
        let mut levels = Vec::with_capacity(if self.is_optional { BATCH } else { 0 });
        let count = |value: &Option<T::T>| {
            if self.is_optional {
                levels.push(i16::from(value.is_some()));
            }
        };
        let values: Vec<_> = values.inspect(count).flatten().collect();
        let levels = self.is_optional.then_some(&*levels);
        writer.typed::<T>().write_batch(&values, levels, None).map(|_| ())
    }
}

/// Each as a slice of one allocation.
fn slices<const N: usize>(
    arrays: impl Iterator<Item = Option<[u8; N]>> + Clone,
) -> impl Iterator<Item = Option<FixedLenByteArray>> {
    let bytes = Bytes::from(arrays.clone().flatten().flatten().collect::<Vec<_>>());
    let mut start = 0;
    arrays.map(move |array| {
        array.map(|_| {
            let slice = bytes.slice(start..start + N);
            start += N;
            ByteArray::from(slice.0).into()
        })
    })
}
