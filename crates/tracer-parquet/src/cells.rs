//! What the cells of one column are kept as until they are written, and how they are.

use std::marker::PhantomData;

use parallax_primitives::{Bytes, U256};
use parquet::{
    basic::Type as Physical,
    data_type::{
        ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
    },
    errors::Result,
    file::writer::SerializedColumnWriter,
};

/// Cells that are made into values at a time.
const BATCH: usize = 1024;
const WORD: usize = 32;

/// The cells of one column.
pub(crate) trait Cells {
    /// Whether a cell may be null.
    fn is_optional(&self) -> bool;
    fn physical(&self) -> Physical;
    /// Bytes of a cell, where all have as many.
    fn length(&self) -> Option<i32> {
        None
    }
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()>;
    fn clear(&mut self);
}

/// 32 bits with a sign.
impl Cells for Vec<i32> {
    fn is_optional(&self) -> bool {
        false
    }
    fn physical(&self) -> Physical {
        Physical::INT32
    }
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        put::<Int32Type>(writer, self, None)
    }
    fn clear(&mut self) {
        self.clear();
    }
}

/// 64 bits with a sign.
impl Cells for Vec<i64> {
    fn is_optional(&self) -> bool {
        false
    }
    fn physical(&self) -> Physical {
        Physical::INT64
    }
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        put::<Int64Type>(writer, self, None)
    }
    fn clear(&mut self) {
        self.clear();
    }
}

/// 64 bits with a sign; null where the number has 64 itself.
#[derive(Default)]
pub(crate) struct Gas {
    values: Vec<i64>,
    levels: Vec<i16>,
}

impl Gas {
    pub(crate) fn push(&mut self, gas: u64) {
        let value = i64::try_from(gas).ok();
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

impl Cells for Gas {
    fn is_optional(&self) -> bool {
        true
    }
    fn physical(&self) -> Physical {
        Physical::INT64
    }
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        put::<Int64Type>(writer, &self.values, Some(&self.levels))
    }
    fn clear(&mut self) {
        self.values.clear();
        self.levels.clear();
    }
}

/// 32 bytes, the highest first.
#[derive(Default)]
pub(crate) struct Words {
    values: Vec<[u8; WORD]>,
    levels: Vec<i16>,
}

impl Words {
    pub(crate) fn push(&mut self, word: Option<&U256>) {
        self.levels.push(i16::from(word.is_some()));
        self.values.extend(word.map(U256::to_be_bytes::<WORD>));
    }
}

impl Cells for Words {
    fn is_optional(&self) -> bool {
        true
    }
    fn physical(&self) -> Physical {
        Physical::FIXED_LEN_BYTE_ARRAY
    }
    fn length(&self) -> Option<i32> {
        Some(32)
    }
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let mut left = &*self.values;
        for levels in self.levels.chunks(BATCH) {
            let (words, others) = left.split_at(levels.iter().filter(|level| **level != 0).count());
            left = others;
            // Slices of one allocation.
            let bytes = Bytes::copy_from_slice(words.as_flattened());
            let word = |at: usize| bytes.slice(at * WORD..(at + 1) * WORD);
            let values: Vec<FixedLenByteArray> =
                (0..words.len()).map(|at| ByteArray::from(word(at).0).into()).collect();
            put::<FixedLenByteArrayType>(writer, &values, Some(levels))?;
        }
        Ok(())
    }
    fn clear(&mut self) {
        self.values.clear();
        self.levels.clear();
    }
}

/// UTF-8, from a small set.
impl Cells for Vec<&'static str> {
    fn is_optional(&self) -> bool {
        false
    }
    fn physical(&self) -> Physical {
        Physical::BYTE_ARRAY
    }
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        for names in self.chunks(BATCH) {
            let bytes = |name: &&'static str| Bytes::from_static(name.as_bytes()).0.into();
            put::<ByteArrayType>(writer, &names.iter().map(bytes).collect::<Vec<_>>(), None)?;
        }
        Ok(())
    }
    fn clear(&mut self) {
        self.clear();
    }
}

/// Values that are the same in many rows, one after the other: UTF-8, or bytes of one length.
pub(crate) struct Repeated<V, D> {
    runs: Vec<(V, usize)>,
    is_optional: bool,
    length: Option<i32>,
    type_of_values: PhantomData<D>,
}

pub(crate) type Texts<V> = Repeated<V, ByteArrayType>;
pub(crate) type Arrays<V> = Repeated<V, FixedLenByteArrayType>;

impl<V> Texts<V> {
    pub(crate) fn new(is_optional: bool) -> Self {
        Self { runs: Vec::new(), is_optional, length: None, type_of_values: PhantomData }
    }
}

impl<V> Arrays<V> {
    pub(crate) fn new(is_optional: bool, length: i32) -> Self {
        Self { runs: Vec::new(), is_optional, length: Some(length), type_of_values: PhantomData }
    }
}

impl<V: PartialEq, D> Repeated<V, D> {
    /// The same in so many more rows.
    pub(crate) fn extend(&mut self, value: V, rows: usize) {
        match self.runs.last_mut() {
            Some((last, known)) if *last == value => *known += rows,
            _ => self.runs.push((value, rows)),
        }
    }
}

/// What repeats.
pub(crate) trait Repeats {
    /// `None` is null.
    fn bytes(&self) -> Option<Bytes>;
}

impl Repeats for Option<Bytes> {
    fn bytes(&self) -> Option<Bytes> {
        self.clone()
    }
}

impl<V: Repeats, D: DataType<T: From<ByteArray>>> Cells for Repeated<V, D> {
    fn is_optional(&self) -> bool {
        self.is_optional
    }
    fn physical(&self) -> Physical {
        D::get_physical_type()
    }
    fn length(&self) -> Option<i32> {
        self.length
    }
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let mut put =
            |batch: &Batch<D>| put::<D>(writer, &batch.values, self.is_optional.then_some(&*batch.levels));
        let mut mixed = Batch::<D>::default();
        for (value, rows) in &self.runs {
            let value = value.bytes().map(|bytes| ByteArray::from(bytes.0).into());
            let first = (BATCH - mixed.levels.len()).min(*rows);
            mixed.extend(value.as_ref(), first);
            if mixed.levels.len() < BATCH {
                continue;
            }
            put(&mixed)?;
            mixed = Batch::default();
            let left = rows - first;
            if left >= BATCH {
                // Made once, put again and again.
                let mut same = Batch::default();
                same.extend(value.as_ref(), BATCH);
                (0..left / BATCH).try_for_each(|_| put(&same))?;
            }
            mixed.extend(value.as_ref(), left % BATCH);
        }
        put(&mixed)
    }
    fn clear(&mut self) {
        self.runs.clear();
    }
}

/// Values of some rows, and which of these have one.
struct Batch<D: DataType> {
    values: Vec<D::T>,
    levels: Vec<i16>,
}

impl<D: DataType> Default for Batch<D> {
    fn default() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }
}

impl<D: DataType> Batch<D> {
    fn extend(&mut self, value: Option<&D::T>, rows: usize) {
        self.levels.resize(self.levels.len() + rows, i16::from(value.is_some()));
        if let Some(value) = value {
            self.values.resize(self.values.len() + rows, value.clone());
        }
    }
}

fn put<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    writer.typed::<T>().write_batch(values, levels, None).map(|_| ())
}
