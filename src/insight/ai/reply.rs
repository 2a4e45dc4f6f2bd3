//! The words of an answer as it streams: server-sent events, lines of JSON, or one piece of JSON.

use super::json::{Keep, Walker};
use super::table::Answer;
use memchr::memchr2;

/// The longest line that is read; of a longer one the beginning counts.
const LONGEST_LINE: usize = 256 * 1024;

/// Reads the words of an answer out of its bytes (decompressed).
pub struct Reply {
    answer: &'static Answer,
    /// Where it is one piece of JSON.
    document: Option<Walker>,
    line: Vec<u8>,
    /// How much was said already, where each line says all that was said.
    said: usize,
}

impl Reply {
    pub(super) fn new(answer: &'static Answer, is_document: bool) -> Self {
        let document = is_document.then(|| Walker::new(answer.picks, Keep::All));
        Self { answer, document, line: Vec::new(), said: 0 }
    }

    /// The next bytes: the words in them are added to `words`.
    pub fn feed(&mut self, mut bytes: &[u8], words: &mut String) {
        if let Some(document) = &mut self.document {
            document.feed(bytes);
            words.push_str(&document.take());
            return;
        }
        while let Some(end) = memchr2(b'\n', b'\r', bytes) {
            self.hold(&bytes[..end]);
            self.line_over(words);
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
    }

    /// The end: what was held is read.
    pub fn end(mut self, words: &mut String) {
        match self.document.take() {
            Some(document) => words.push_str(&document.end()),
            None => self.line_over(words),
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line_over(&mut self, words: &mut String) {
        let line = std::mem::take(&mut self.line);
        let mut walker = Walker::new(self.answer.picks, Keep::All);
        walker.feed(payload(&line));
        let mut text = walker.end();
        if let Some(inner) = self.answer.within {
            let mut walker = Walker::new(inner, Keep::All);
            walker.feed(text.as_bytes());
            text = walker.end();
        }
        if self.answer.is_whole_each_time {
            let new = text.get(self.said..).unwrap_or_default();
            words.push_str(new);
            self.said = self.said.max(text.len());
        } else {
            words.push_str(&text);
        }
        self.line = line;
        self.line.clear();
    }
}

/// The JSON in a line: behind `data:` of an event, behind the number of a part, behind what keeps scripts from being run.
fn payload(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"data:").or_else(|| line.strip_prefix(b"for (;;);")).unwrap_or(line).trim_ascii_start();
    let digits = line.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    match line.get(digits) {
        Some(b':') if digits > 0 && digits <= 2 => &line[digits + 1..],
        Some(_) | None => line,
    }
}
