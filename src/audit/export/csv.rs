//! CSV: RFC 4180, with a head.
//!
//! A spreadsheet takes a cell that begins with one of `= + - @` for a formula, and one that begins with a tab or a carriage return too in some
//! versions. What a pupil types into an address must not run on a teacher's machine, so such a cell begins with `'` (OWASP, "CSV injection").

use super::columns::{COLUMNS, Column};
use super::{ExportError, Row};
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes records as CSV.
pub struct CsvWriter<W: Write> {
    out: ::csv::Writer<W>,
}

impl<W: Write> CsvWriter<W> {
    pub(super) fn begin(out: W) -> Result<Self, ExportError> {
        let mut out = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
        out.write_record(COLUMNS.iter().map(|(name, _)| *name)).map_err(of_the_system)?;
        Ok(Self { out })
    }

    pub(super) fn write(&mut self, rows: &[Row]) -> Result<(), ExportError> {
        for row in rows {
            for (_, column) in &COLUMNS {
                self.out.write_field(cell(column, row).as_bytes()).map_err(of_the_system)?;
            }
            self.out.write_record(None::<&[u8]>).map_err(of_the_system)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<W, ExportError> {
        Ok(self.out.into_inner().map_err(::csv::IntoInnerError::into_error)?)
    }
}

/// What the file says no to, as it said it.
fn of_the_system(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn cell<'r>(column: &Column, row: &'r Row) -> Cow<'r, str> {
    let number = |number: Option<i64>| Cow::Owned(number.map(|number| number.to_string()).unwrap_or_default());
    match column {
        Column::Time(_) => Cow::Borrowed(&row.time),
        Column::Text(read) => harmless(read(row)),
        Column::MaybeText(read) => read(row).map(harmless).unwrap_or_default(),
        Column::Number(read) => number(Some(read(row))),
        Column::MaybeNumber(read) => number(read(row)),
        Column::MaybeReal(read) => Cow::Owned(read(row).map(|value| value.to_string()).unwrap_or_default()),
    }
}

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub fn harmless(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { Cow::Owned(format!("'{text}")) } else { text }
}
