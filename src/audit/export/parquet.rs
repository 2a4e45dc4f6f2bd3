//! Parquet: typed columns, compressed, for programs that count.
//!
//! Records are gathered to a row group and written column by column. Texts repeat, so each column has a dictionary; the writer drops one that does
//! not pay.

use super::columns::{COLUMNS, Column};
use super::{ExportError, Row};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

/// Records of a row group.
const GROUP: usize = 32_768;

/// Writes records as Parquet.
pub struct ParquetWriter<W: Write + Send> {
    out: SerializedFileWriter<W>,
    rows: Vec<Row>,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn begin(out: W) -> Result<Self, ExportError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(format!("usher {}", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { out: SerializedFileWriter::new(out, Arc::new(schema()?), Arc::new(properties))?, rows: Vec::new() })
    }

    pub(super) fn write(&mut self, rows: Vec<Row>) -> Result<(), ExportError> {
        self.rows.extend(rows);
        if self.rows.len() >= GROUP { self.group() } else { Ok(()) }
    }

    fn group(&mut self) -> Result<(), ExportError> {
        let rows = std::mem::take(&mut self.rows);
        let mut group = self.out.next_row_group()?;
        for (_, column) in &COLUMNS {
            let Some(mut out) = group.next_column()? else { break };
            write_column(&mut out, column, &rows)?;
            out.close()?;
        }
        group.close()?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<W, ExportError> {
        if !self.rows.is_empty() {
            self.group()?;
        }
        Ok(self.out.into_inner()?)
    }
}

fn schema() -> ParquetResult<Type> {
    let fields = COLUMNS.iter().map(|(name, column)| field(name, column).map(Arc::new)).collect::<ParquetResult<Vec<_>>>()?;
    Type::group_type_builder("record").with_fields(fields).build()
}

fn field(name: &str, column: &Column) -> ParquetResult<Type> {
    let (physical, logical, repetition) = match column {
        Column::Time(_) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS)), Repetition::REQUIRED),
        Column::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED),
        Column::MaybeText(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::OPTIONAL),
        Column::Number(_) => (Physical::INT64, None, Repetition::REQUIRED),
        Column::MaybeNumber(_) => (Physical::INT64, None, Repetition::OPTIONAL),
        Column::MaybeReal(_) => (Physical::DOUBLE, None, Repetition::OPTIONAL),
    };
    Type::primitive_type_builder(name, physical).with_logical_type(logical).with_repetition(repetition).build()
}

fn write_column(out: &mut SerializedColumnWriter<'_>, column: &Column, rows: &[Row]) -> ParquetResult<()> {
    let bytes = |text: Cow<'_, str>| ByteArray::from(text.into_owned().into_bytes());
    match column {
        Column::Time(read) => {
            let values: Vec<_> = rows.iter().map(|row| read(row).cast_signed()).collect();
            out.typed::<Int64Type>().write_batch(&values, None, None)?;
        }
        Column::Number(read) => {
            let values: Vec<_> = rows.iter().map(read).collect();
            out.typed::<Int64Type>().write_batch(&values, None, None)?;
        }
        Column::Text(read) => {
            let values: Vec<_> = rows.iter().map(|row| bytes(read(row))).collect();
            out.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        }
        Column::MaybeText(read) => {
            let (values, there) = sparse(rows, |row| read(row).map(bytes));
            out.typed::<ByteArrayType>().write_batch(&values, Some(&there), None)?;
        }
        Column::MaybeNumber(read) => {
            let (values, there) = sparse(rows, read);
            out.typed::<Int64Type>().write_batch(&values, Some(&there), None)?;
        }
        Column::MaybeReal(read) => {
            let (values, there) = sparse(rows, read);
            out.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
        }
    }
    Ok(())
}

/// The values that are there, and for each record whether its own is: what Parquet calls definition levels.
fn sparse<T>(rows: &[Row], read: impl Fn(&Row) -> Option<T>) -> (Vec<T>, Vec<i16>) {
    let mut values = Vec::with_capacity(rows.len());
    let there = rows.iter().map(|row| {
        let value = read(row);
        let there = i16::from(value.is_some());
        values.extend(value);
        there
    });
    let there = there.collect();
    (values, there)
}
