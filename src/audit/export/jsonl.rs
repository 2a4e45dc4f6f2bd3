//! JSON lines: one object a record, as `usher log search --json` prints it.

use super::{ExportError, Row};
use std::io::{self, Write};

/// Writes records as JSON lines.
pub struct JsonLinesWriter<W: Write> {
    out: W,
}

impl<W: Write> JsonLinesWriter<W> {
    pub(super) fn begin(out: W) -> Self {
        Self { out }
    }

    pub(super) fn write(&mut self, rows: &[Row]) -> Result<(), ExportError> {
        for row in rows {
            serde_json::to_writer(&mut self.out, row).map_err(io::Error::from)?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> W {
        self.out
    }
}
