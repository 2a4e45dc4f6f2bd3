//! Acknowledge links: whoever got a message says with it that they have read it. Each is signed, for one message, good for a while, and used once.
//!
//! A look changes nothing: mail scanners, previews and prefetching browsers fetch every link there is. The page that a look shows names nobody; what it takes
//! is a name, and that uses the link up. Nobody can make one without the secret of the installation, and the token itself is never on record: see
//! [`covered`].
//!
//! A link goes with what it tells of: if the matter got worse since, or came back, or is closed, it says so and does nothing.

use super::outbox::{Link, Message, Outbox, OutboxError};
use crate::audit::Folder;
use crate::audit::incident::{Act, Level};
use crate::audit::journal::{Journal, JournalError};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// What the path of a link begins with.
pub const PATH: &str = "/a/";
/// How many wrong tokens one address may try in a minute.
const WRONG_A_MINUTE: u32 = 20;
/// The most addresses that are remembered for that.
const MOST_ADDRESSES: usize = 10_000;
/// Characters of a token as it is written: 32 bytes.
const WRITTEN: usize = 43;
/// How many of them may be on record: too few to guess the rest.
const SHOWN: usize = 6;
/// The longest name somebody gives, in characters.
const LONGEST_NAME: usize = 80;

/// What a link is found by. With its signature it is the secret that the link holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token(pub [u8; 16]);

/// Makes and checks the tokens of links.
#[derive(Clone)]
pub struct Signer(hmac::Key);

impl Signer {
    /// By the secret of the installation.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &blake3::derive_key("usher 2026 acknowledge links", secret)))
    }

    fn signature(&self, token: Token, message: &str, role: &str, expires: i64) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&token.0);
        for text in [message, role] {
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        }
        context.update(&expires.to_le_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&context.sign().as_ref()[..16]);
        half
    }

    /// The token as a link has it.
    #[must_use]
    pub fn write(&self, token: Token, message: &str, role: &str, expires: i64) -> String {
        URL_SAFE_NO_PAD.encode([token.0, self.signature(token, message, role, expires)].concat())
    }

    fn is_right(&self, token: Token, signature: &[u8; 16], link: &Link) -> bool {
        constant_time::verify_slices_are_equal(&self.signature(token, &link.message, &link.role, link.expires), signature).is_ok()
    }
}

/// Reads what a link has after [`PATH`].
fn read(text: &str) -> Option<(Token, [u8; 16])> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (id, signature) = bytes.split_at(16);
    Some((Token(id.try_into().ok()?), signature.try_into().ok()?))
}

/// A path as it may be on record: what could be the token of a link is taken out but for its beginning, on whatever host, since the school may have given
/// the links a name of its own, and mail programs lead to links through sites of theirs, with the whole link in the query.
#[must_use]
pub fn covered(path: &str) -> Cow<'_, str> {
    let mut rest = path;
    let mut text = String::new();
    while let Some((begins, ends)) = token_in(rest) {
        text += &rest[..begins + SHOWN];
        text.push('…');
        rest = &rest[ends..];
    }
    if text.is_empty() { path.into() } else { (text + rest).into() }
}

/// What a link has before its token: [`PATH`], which may be percent-encoded, and that once more.
const BEFORE: [&[u8]; 3] = [PATH.as_bytes(), b"%2fa%2f", b"%252fa%252f"];

/// Where the first token of a text begins and ends.
fn token_in(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let behind = |at: usize| {
        let before = BEFORE.iter().find(|before| bytes.get(at..at + before.len()).is_some_and(|found| found.eq_ignore_ascii_case(before)))?;
        Some(at + before.len())
    };
    let length = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
    let at = memchr::memchr2_iter(b'/', b'%', bytes).find_map(|at| behind(at).filter(|begins| length(*begins) == WRITTEN))?;
    Some((at, at + WRITTEN))
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Something to say that one has read.
    Open(About),
    /// It was used.
    Used {
        /// What it was about.
        about: About,
        /// When, in Unix milliseconds.
        at: i64,
        /// By whom.
        by: String,
    },
    /// Something newer has taken its place: the matter got worse, or is closed.
    Past(About),
    /// It is too old.
    Expired,
    /// There is no such link.
    Nothing,
    /// There is none, and whoever asks has tried too often.
    TooMany,
}

/// What a page may say of a message: nobody's name, and no theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The reference of the alert; empty for what Usher says of itself.
    pub reference: String,
    /// How grave it is.
    pub level: Level,
    /// When it was handed over, in Unix milliseconds.
    pub at: i64,
}

/// Why a link cannot be looked at or used for now.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The outbox cannot be used.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What was read cannot be put on record.
    #[error("it cannot be put on record: {0}")]
    Journal(#[from] JournalError),
}

/// A link that there is.
struct Kept {
    token: Token,
    role: String,
    message: Option<Message>,
}

/// Acknowledge links, for whoever serves their pages. Its calls wait for the disk.
pub struct Links {
    outbox: PathBuf,
    folder: Folder,
    signer: Signer,
    /// Who tried wrong tokens in which minute, and how many.
    wrong: Mutex<HashMap<IpAddr, (i64, u32)>>,
}

impl Links {
    /// Those of an outbox.
    #[must_use]
    pub fn new(outbox: PathBuf, folder: Folder, secret: &[u8; 32]) -> Self {
        Self { outbox, folder, signer: Signer::new(secret), wrong: Mutex::default() }
    }

    /// What a link leads to. Changes nothing.
    ///
    /// # Errors
    /// If the outbox cannot be read.
    pub fn look(&self, text: &str, client: IpAddr, now: Timestamp) -> Result<Found, LinkError> {
        Ok(self.find(&Outbox::open(&self.outbox)?, text, client, now)?.0)
    }

    fn find(&self, outbox: &Outbox, text: &str, client: IpAddr, now: Timestamp) -> Result<(Found, Option<Kept>), LinkError> {
        let kept = match read(text) {
            Some((token, signature)) => outbox.find_link(token)?.filter(|link| self.signer.is_right(token, &signature, link)).map(|link| (token, link)),
            None => None,
        };
        // Who has a sound link is never kept from using it by somebody else's guesses.
        let Some((token, link)) = kept else { return Ok((self.count_wrong(client, now), None)) };
        let message = outbox.keyed(&link.message)?;
        let reference = message.as_ref().and_then(|message| message.episode.as_ref()).map_or_else(String::new, |(episode, _)| episode.to_string());
        let (level, at) = message.as_ref().map_or((Level::Watch, 0), |message| (message.level, message.changed_at));
        let about = About { reference, level, at };
        let found = match &link.used {
            Some((at, by)) => Found::Used { about, at: *at, by: by.clone() },
            None if link.is_void => Found::Past(about),
            None if link.expires <= now.as_millisecond() => Found::Expired,
            None => Found::Open(about),
        };
        Ok((found, Some(Kept { token, role: link.role, message })))
    }

    fn count_wrong(&self, client: IpAddr, now: Timestamp) -> Found {
        let minute = now.as_second() / 60;
        let mut wrong = self.wrong.lock();
        if wrong.len() >= MOST_ADDRESSES {
            wrong.retain(|_, (of, _)| *of == minute);
        }
        if wrong.len() >= MOST_ADDRESSES {
            return Found::TooMany;
        }
        let tried = wrong.entry(client).or_default();
        *tried = if tried.0 == minute { (minute, tried.1.saturating_add(1)) } else { (minute, 1) };
        if tried.1 > WRONG_A_MINUTE { Found::TooMany } else { Found::Nothing }
    }

    /// Uses a link up: `name` has read what it is about, which is put on record. `user` is who is signed in, where that is known. What the link led to before.
    ///
    /// # Errors
    /// If it cannot be put on record: then the link still works.
    pub fn acknowledge(&self, text: &str, name: &Name, user: Option<&str>, client: IpAddr, now: Timestamp) -> Result<Found, LinkError> {
        let mut outbox = Outbox::open(&self.outbox)?;
        let (found, kept) = self.find(&outbox, text, client, now)?;
        let (Found::Open(_), Some(Kept { token, role, message })) = (&found, kept) else { return Ok(found) };
        let signed_in = user.map_or_else(String::new, |user| format!(", signed in as {user}"));
        let by = format!("{} ({role}{signed_in})", name.0);
        let used = outbox.use_link(token, &by, now, || {
            // A message that Usher writes of itself is confirmed in the outbox alone.
            let Some((episode, theme)) = message.and_then(|message| message.episode) else { return Ok::<_, LinkError>(()) };
            let act = Act::Read { episode, theme, by: by.clone(), how: "link".to_owned() };
            Journal::open(&self.folder)?.state_act(now, &act)?;
            Ok(())
        })?;
        // Somebody was faster.
        if used { Ok(found) } else { Ok(self.find(&outbox, text, client, now)?.0) }
    }
}

/// The name of who has read something, as they give it: at least two letters, one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads what somebody typed.
    #[must_use]
    pub fn of(typed: &str) -> Option<Self> {
        let words = typed.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let name: String = words.chars().take(LONGEST_NAME).collect();
        (name.chars().filter(|c| c.is_alphabetic()).count() >= 2).then_some(Self(name))
    }
}

#[cfg(test)]
mod tests;
