//! Rows in memory, whatever they were read from: their texts lie in one place, so that a hundred thousand of them are few allocations.

use super::Line;
use std::ops::Range;

/// Rows, in the order they came.
#[derive(Default)]
pub(in crate::audit) struct Rows {
    rows: Vec<Row>,
    texts: String,
}

/// A row without its texts.
struct Row {
    line: Line<'static>,
    path: Range<usize>,
    term: Option<Range<usize>>,
}

impl Rows {
    pub(in crate::audit) fn push(&mut self, line: &Line<'_>) {
        let mut put = |text: &str| {
            let start = self.texts.len();
            self.texts.push_str(text);
            start..self.texts.len()
        };
        let (path, term) = (put(line.path), line.term.map(put));
        self.rows.push(Row { line: Line { path: "", term: None, ..*line }, path, term });
    }

    pub(in crate::audit) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::audit) fn get(&self, place: usize) -> Option<Line<'_>> {
        let Row { line, path, term } = self.rows.get(place)?;
        Some(Line { path: &self.texts[path.clone()], term: term.clone().map(|term| &self.texts[term]), ..*line })
    }

    pub(in crate::audit) fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    pub(in crate::audit) fn clear(&mut self) {
        self.rows.clear();
        self.texts.clear();
    }
}
