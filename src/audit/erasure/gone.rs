//! Whose records are erased, for whoever keeps something of people beside the log: that goes too.
//!
//! Beside the log people are known by keyed hashes, which differ from the log's own alias. Whoever asks for an erasure knows the name, and says what stands
//! for it there ([`NewErasure::marks`](super::NewErasure::marks)); the statement holds these marks as it holds the alias, and no name. So a running Usher
//! learns whom to take out of its memory from the journal, whoever carried the erasure out; and one that was stopped or killed learns it at its next start.

use super::{Erased, ErasureError, NewErasure, scope};
use crate::audit::alias::Aliases;
use crate::audit::folder::Folder;
use crate::audit::journal::{JournalError, Reader, Statement, Topic};
use crate::audit::record::RecordId;
use crate::audit::scope::Scope;
use std::collections::HashMap;

/// A person whose records are erased, those of a stretch of time at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The number of the statement that says that the erasure is finished; 0 where it is yet to be asked for.
    pub number: u64,
    /// What stands for the person in what is kept beside the log.
    pub marks: Vec<String>,
    scope: Scope,
}

impl Gone {
    /// Whether a record of the person with this number is erased.
    #[must_use]
    pub fn takes(&self, id: RecordId) -> bool {
        self.scope.takes(id, id.unix_ms(), "")
    }

    /// Whether a record of the person can be erased that came in this time: from the first moment, in Unix milliseconds, and before the last.
    #[must_use]
    pub fn meets(&self, from_ms: u64, to_ms: u64) -> bool {
        let ms = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
        let Scope { from, to, upto, .. } = &self.scope;
        from.is_none_or(|from| to_ms > ms(from)) && to.is_none_or(|to| from_ms < ms(to)) && upto.is_none_or(|upto| from_ms <= RecordId(upto).unix_ms())
    }
}

/// What will be gone once this erasure is asked for and finished.
///
/// # Errors
/// If the key of aliases cannot be read.
pub fn would_be(folder: &Folder, new: &NewErasure) -> Result<Gone, ErasureError> {
    Ok(Gone { number: 0, marks: new.marks.clone(), scope: scope(new, &Aliases::open(folder)?, None) })
}

/// Who is gone by erasures that were finished after this statement, and the number of the last statement about erasures. Those of which nobody said what
/// stands for the person, as versions before did not, are left out.
///
/// # Errors
/// If the journal cannot be read.
pub fn after(reader: &Reader, number: u64) -> Result<(Vec<Gone>, u64), JournalError> {
    let news = reader.about(Topic::Erased, number)?;
    let last = news.last().map_or(number, |statement| statement.number);
    let finished: Vec<(u64, u64)> = news.iter().filter_map(|statement| finishes(statement).map(|asked| (statement.number, asked))).collect();
    if finished.is_empty() {
        return Ok((Vec::new(), last));
    }
    let all = reader.about(Topic::Erased, 0)?;
    let mut asked: HashMap<u64, (Scope, Vec<String>)> = all.iter().filter_map(|statement| Some((statement.number, asks(statement)?))).collect();
    let gone = |(number, of): (u64, u64)| asked.remove(&of).map(|(scope, marks)| Gone { number, marks, scope });
    Ok((finished.into_iter().filter_map(gone).filter(|gone| !gone.marks.is_empty()).collect(), last))
}

/// Which erasure a statement says is finished.
fn finishes(statement: &Statement) -> Option<u64> {
    match statement.read::<Erased>()? {
        Erased::Finished { asked, .. } => Some(asked),
        Erased::Asked { .. } | Erased::Done { .. } => None,
    }
}

/// What a statement asks to be erased.
fn asks(statement: &Statement) -> Option<(Scope, Vec<String>)> {
    match statement.read::<Erased>()? {
        Erased::Asked { scope, marks, .. } => Some((scope, marks)),
        Erased::Done { .. } | Erased::Finished { .. } => None,
    }
}

/// Whoever is gone as others tell of it in their tests.
#[cfg(test)]
pub(crate) mod fixture {
    use super::{Gone, Scope};
    use jiff::Timestamp;

    /// Who has this mark, with what came from the one moment on and before the other, in Unix milliseconds.
    pub(crate) fn gone(mark: &str, from_ms: Option<u64>, to_ms: Option<u64>) -> Gone {
        let time = |ms: Option<u64>| ms.and_then(|ms| Timestamp::from_millisecond(ms.cast_signed()).ok());
        let whom = serde_json::from_value("an alias".into()).expect("an alias");
        Gone { number: 7, marks: vec![mark.to_owned()], scope: Scope { whom, from: time(from_ms), to: time(to_ms), host: None, upto: None } }
    }
}
