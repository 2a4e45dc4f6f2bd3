//! A statement of the journal outside of it: what it says, the link before it, its signature. Pure.

use super::problem::Problem;
use super::proofs::{Bytes, Hash};
use crate::audit::entry::Digest;
use crate::audit::journal::{BEFORE_ALL, JournalError, KeyBody, Reader, Statement, Topic};
use crate::audit::key::PublicKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A statement, to be checked by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Its number in the journal.
    pub number: u64,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// Its topic.
    pub kind: String,
    /// What it says, to the byte.
    pub body: String,
    /// The link of the statement before it.
    pub before: Hash,
    /// The signature over its link.
    pub signature: Bytes,
}

impl Signed {
    /// The statement with this number.
    pub(super) fn find(reader: &Reader, number: u64) -> Result<Option<Self>, JournalError> {
        let Some(statement) = reader.after(number.saturating_sub(1), 1)?.into_iter().find(|statement| statement.number == number) else { return Ok(None) };
        let before = match number {
            0 | 1 => Some(BEFORE_ALL),
            _ => reader.after(number - 2, 1)?.first().and_then(|before| Digest::try_from(before.link.as_slice()).ok()),
        };
        let Statement { number, at, kind, body, signature, .. } = statement;
        Ok(before.map(|before| Self { number, at, kind, body, before: Hash(before), signature: Bytes(signature) }))
    }

    /// As it is in the journal.
    pub(super) fn statement(&self) -> Statement {
        let Self { number, at, kind, body, before, signature } = self.clone();
        let statement = Statement { number, at, kind, body, link: Vec::new(), signature: signature.0 };
        Statement { link: statement.link_after(&before.0).to_vec(), ..statement }
    }

    /// Whether it is about this.
    pub(super) fn is(&self, topic: Topic) -> bool {
        self.kind == topic.as_str()
    }
}

/// Statements whose signatures are right, by number, each with the key that was in force.
#[derive(Default)]
pub(super) struct Sound<'s>(BTreeMap<u64, (&'s Signed, PublicKey)>);

impl<'s> Sound<'s> {
    /// Looks at every signature. A key signs from the statement on that names it.
    pub(super) fn of(statements: impl Iterator<Item = &'s Signed> + Clone, problems: &mut Vec<Problem>) -> Self {
        let keys: BTreeMap<u64, PublicKey> =
            statements.clone().filter(|signed| signed.is(Topic::Key)).filter_map(|signed| Some((signed.number, key(signed)?))).collect();
        let mut sound = Self::default();
        for signed in statements {
            let statement = signed.statement();
            let in_force = keys.range(..=signed.number).next_back().map(|(_, key)| *key);
            match in_force.filter(|key| key.signed(&statement.link, &statement.signature)) {
                Some(key) if !sound.0.contains_key(&signed.number) => drop(sound.0.insert(signed.number, (signed, key))),
                Some(_) => problems.push(Problem::StatementTwice(signed.number)),
                None => problems.push(Problem::Signature { number: signed.number, kind: signed.kind.clone() }),
            }
        }
        sound
    }

    pub(super) fn get(&self, number: u64) -> Option<&'s Signed> {
        self.0.get(&number).map(|(signed, _)| *signed)
    }

    pub(super) fn key_of(&self, number: u64) -> Option<PublicKey> {
        self.0.get(&number).map(|(_, key)| *key)
    }
}

fn key(signed: &Signed) -> Option<PublicKey> {
    PublicKey::parse(&signed.statement().read::<KeyBody>()?.public)
}
