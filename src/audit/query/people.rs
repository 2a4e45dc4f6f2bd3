//! Whom the log knows.

use super::{Log, LogError};
use std::collections::BTreeSet;

impl Log {
    /// The names of all users the log knows, each once.
    pub fn users(&self) -> Result<BTreeSet<String>, LogError> {
        let (live, parts) = self.parts()?;
        let mut users = BTreeSet::new();
        live.each_who(|who| users.extend(who.user.map(String::from)))?;
        for part in parts.iter().filter(|part| part.rows > 0) {
            // A part that is damaged is named by whatever reads its records.
            let Ok(whos) = self.segment(&part.file, Some(&part.digest)).and_then(|segment| segment.whos()) else { continue };
            users.extend(whos.rows.iter().filter_map(|who| who.user.as_deref()).map(str::to_owned));
        }
        Ok(users)
    }
}
