//! Records written out for other programs: CSV for spreadsheets, JSON lines for scripts, Parquet for those who count.
//!
//! Each record is written as it comes; no more than a few thousand are held. Columns are those of [`Row`], in the same order and under the same names
//! in every format. A new format: a file here, a variant of [`Format`].

mod columns;
mod csv;
mod jsonl;
mod parquet;

pub use csv::harmless;

use super::query::{LogError, Row};
use std::io::{self, Write};

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a head; what a spreadsheet would take for a formula begins with `'`.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet, compressed with zstd.
    Parquet,
}

impl Format {
    /// All of them by name.
    pub const NAMES: [(&str, Self); 3] = [("csv", Self::Csv), ("jsonl", Self::JsonLines), ("parquet", Self::Parquet)];
}

/// Why records cannot be written out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log says no.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The file says no.
    #[error("it cannot be written: {0}")]
    Io(#[from] io::Error),
    /// Parquet says no.
    #[error("it cannot be written: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// Writes records out. Nothing is whole before [`Self::finish`].
pub enum Exporter<W: Write + Send> {
    /// As CSV.
    Csv(csv::CsvWriter<W>),
    /// As JSON lines.
    JsonLines(jsonl::JsonLinesWriter<W>),
    /// As Parquet.
    Parquet(parquet::ParquetWriter<W>),
}

impl<W: Write + Send> Exporter<W> {
    /// Begins.
    pub fn begin(format: Format, out: W) -> Result<Self, ExportError> {
        Ok(match format {
            Format::Csv => Self::Csv(csv::CsvWriter::begin(out)?),
            Format::JsonLines => Self::JsonLines(jsonl::JsonLinesWriter::begin(out)),
            Format::Parquet => Self::Parquet(parquet::ParquetWriter::begin(out)?),
        })
    }

    /// Writes these.
    pub fn write(&mut self, rows: Vec<Row>) -> Result<(), ExportError> {
        match self {
            Self::Csv(writer) => writer.write(&rows),
            Self::JsonLines(writer) => writer.write(&rows),
            Self::Parquet(writer) => writer.write(rows),
        }
    }

    /// Ends.
    pub fn finish(self) -> Result<W, ExportError> {
        match self {
            Self::Csv(writer) => writer.finish(),
            Self::JsonLines(writer) => Ok(writer.finish()),
            Self::Parquet(writer) => writer.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
