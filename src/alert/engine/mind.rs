//! What is known, and what is to be stated: signals become episodes, and their steps acts.

use super::hooks::Hooks;
use crate::alert::episode::{Begun, Episodes, Step, Who};
use crate::alert::erased::{self, TakenOut};
use crate::alert::pace::Pace;
use crate::alert::rebuild;
use crate::alert::seen::{Read, Seen};
use crate::alert::severity;
use crate::alert::signal::{self, Book, Sign, Signal};
use crate::alert::sitting::Sittings;
use crate::alert::suppress::Held;
use crate::alert::theme::Theme;
use crate::alert::ways::{self, Around, Noticed, Watch};
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::{Act, Level, Opened, Person};
use crate::audit::remark::Remark;
use crate::audit::{Class, RecordId};
use crate::bypass::Code;
use crate::insight::{Stage, Start};
use crate::scan::lexicon::Depth;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Whether somebody is told of what a record says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::alert) enum Tells {
    Yes,
    /// It was before Usher looked for it.
    No,
}

/// What is known, and what is to be stated.
pub(in crate::alert) struct Mind {
    pub(super) hooks: Box<dyn Hooks>,
    pub(super) episodes: Episodes,
    pub(in crate::alert) pending: VecDeque<Act>,
    /// What no single record shows.
    pub(super) watch: Watch,
    /// What each typed within some minutes, and how much of it is read by what it means.
    sittings: Sittings,
    pace: Pace,
    /// What was found out of records of before, which are to be read again.
    pub(in crate::alert) due: Vec<(RecordId, Noticed, Tells)>,
    /// Whether records come in order and with none left out.
    pub(super) is_whole: bool,
    pub(super) key: [u8; 32],
}

/// Whose record it is, and where.
struct Here<'a> {
    key: &'a [u8; 32],
    seen: &'a Seen<'a>,
    hooks: &'a dyn Hooks,
}

impl Around for Here<'_> {
    fn who(&self) -> u128 {
        who(self.key, &self.seen.person()).0
    }

    fn place(&self, client: IpAddr) -> Option<String> {
        self.hooks.place(client)
    }
}

impl Mind {
    /// That knows of nobody yet.
    pub(in crate::alert) fn new(hooks: Box<dyn Hooks>, secret: &[u8; 32]) -> Self {
        let key = people(secret);
        Self {
            hooks,
            episodes: Episodes::default(),
            pending: VecDeque::new(),
            watch: Watch::new(secret),
            sittings: Sittings::default(),
            pace: Pace::default(),
            due: Vec::new(),
            is_whole: true,
            key,
        }
    }

    /// Takes a record that is read: what it was opened with, and what is known since.
    pub(in crate::alert) fn whole(&mut self, read: &Read, book: &Book, tells: Tells) {
        self.opened(&read.seen(), book, tells);
        self.ended(read, book, tells);
    }

    /// Takes what is known of a record that is read since it was opened.
    pub(super) fn ended(&mut self, read: &Read, book: &Book, tells: Tells) {
        self.known_since(&read.seen(), (read.bytes_down(), &read.remarks()), book, tells);
    }

    /// Takes what is known of a record since it was opened: how many bytes went to who asked, once it is over, and what was remarked.
    pub(in crate::alert) fn known_since(&mut self, seen: &Seen<'_>, (bytes_down, remarks): (Option<u64>, &[Remark]), book: &Book, tells: Tells) {
        if let Some(bytes) = bytes_down {
            self.closed(seen, bytes, book, tells);
        }
        self.remarked(seen, remarks, book, tells);
    }

    /// Takes a record that was opened.
    pub(in crate::alert) fn opened(&mut self, seen: &Seen<'_>, book: &Book, tells: Tells) {
        let mut signals = self.reads(seen, book);
        let is_ours = book.is_ours(seen);
        if !is_ours
            && let Some(act) = self.hooks.limits(seen)
            && tells == Tells::Yes
        {
            self.pending.push_back(act);
        }
        let rules = self.hooks.rules(seen);
        if !rules.is_empty() && !is_ours {
            signals.extend(rules.iter().map(|(theme, level, name)| signal::of_rule(seen, book, (*theme, *level, name))));
        }
        let noticed = self.noticed(seen, &signals, is_ours);
        signals.extend(noticed.iter().filter(|one| one.of.is_none()).filter_map(|one| signal::of_noticed(seen, book, one)));
        if !signals.is_empty() {
            self.take(seen, signals, book, tells);
        }
        // What others did before becomes a sign by what this one does.
        self.due.extend(noticed.into_iter().filter_map(|one| Some((one.of?, one, tells))));
    }

    /// How many signs of this theme are known of somebody, and what they come to, whether anybody is told of it or not.
    pub(in crate::alert) fn stands(&self, person: &Person, theme: Theme, book: &Book) -> (usize, Option<Level>) {
        let who = who(&self.key, person);
        let Some((.., matter)) = self.episodes.matters().find(|(known, of, _)| (*known, *of) == (who, theme)) else { return (0, None) };
        let signs: Vec<&Sign> = matter.signs.iter().collect();
        (signs.len(), severity::weigh(theme, &signs, &matter.days, &book.weights).level)
    }

    /// Takes what was found out of a record of before.
    pub(in crate::alert) fn noticed_before(&mut self, seen: &Seen<'_>, noticed: &Noticed, book: &Book, tells: Tells) {
        if let Some(signal) = signal::of_noticed(seen, book, noticed) {
            self.take(seen, [signal].into_iter().collect(), book, tells);
        }
    }

    /// What is found out from this record and those before.
    fn noticed(&mut self, seen: &Seen<'_>, signals: &[Signal], is_ours: bool) -> ways::All {
        if !self.is_whole || is_ours {
            return ways::All::new();
        }
        let said: SmallVec<[Code; 2]> = signals.iter().filter_map(|signal| signal.way).collect();
        self.watch.opened(seen, &said, &Here { key: &self.key, seen, hooks: &*self.hooks })
    }

    /// Only learns what was: what is found out from it was taken.
    pub(super) fn learn(&mut self, seen: &Seen<'_>, book: &Book) {
        let signals = self.reads(seen, book);
        self.noticed(seen, &signals, book.is_ours(seen));
    }

    /// What a record says by itself, and together with what the same person typed just before.
    fn reads(&mut self, seen: &Seen<'_>, book: &Book) -> signal::Signals {
        if !seen.search.is_some_and(|(_, _, stage)| stage == Stage::Asked) {
            return signal::signals(seen, book);
        }
        let who = who(&self.key, &seen.person()).0;
        // What a page asks for takes nothing from whoever looks at it.
        let is_done = matches!(seen.start, Start::Typed | Start::Clicked);
        let depth = self.pace.take((who, is_done), seen.at_ms);
        let (mut signals, typed) = signal::signals_to(seen, book, depth);
        if let Some(typed) = typed.filter(|_| depth == Depth::Meaning) {
            let sitting = self.sittings.take(who, typed);
            signal::together(seen, sitting, book, &mut signals);
        }
        signals
    }

    /// Takes that a record is over.
    pub(super) fn closed(&mut self, seen: &Seen<'_>, bytes_down: u64, book: &Book, tells: Tells) {
        let here = Here { key: &self.key, seen, hooks: &*self.hooks };
        let noticed = self.watch.closed(seen, bytes_down, &here);
        if let Some(signal) = noticed.and_then(|noticed| signal::of_noticed(seen, book, &noticed)) {
            self.take(seen, [signal].into_iter().collect(), book, tells);
        }
    }

    /// Takes what was remarked of one when it was closed.
    pub(super) fn remarked(&mut self, seen: &Seen<'_>, remarks: &[Remark], book: &Book, tells: Tells) {
        let mut signals = signal::remarked(seen, remarks, book);
        if remarks.contains(&Remark::WASM) && !book.is_ours(seen) {
            let noticed = self.watch.is_wasm(seen, &Here { key: &self.key, seen, hooks: &*self.hooks });
            signals.extend(noticed.and_then(|noticed| signal::of_noticed(seen, book, &noticed)));
        }
        if !signals.is_empty() {
            self.take(seen, signals, book, tells);
        }
    }

    fn take(&mut self, seen: &Seen<'_>, signals: signal::Signals, book: &Book, tells: Tells) {
        let person = seen.person();
        let who = who(&self.key, &person);
        for mut signal in signals {
            match self.hooks.held(seen, &signal) {
                Some(Held::Wholly) => continue,
                Some(Held::BelowDanger) => signal.sign.held = true,
                None => {}
            }
            if tells == Tells::No {
                self.episodes.take_quietly(who, signal, &book.weights);
                continue;
            }
            let hooks = &*self.hooks;
            // Whoever sits at a device may have changed.
            let alike = |one, other| matches!(person, Person::User(_)) && hooks.tells_alike(one, other);
            for step in self.episodes.take_as_one(who, signal, &book.weights, &alike) {
                let act = self.act(step, Some((seen, &person)), book);
                self.pending.extend(act);
            }
        }
    }

    /// Records are read from before: what somebody typed last is not known yet.
    pub(super) fn reads_again(&mut self) {
        (self.sittings, self.pace) = (Sittings::default(), Pace::default());
    }

    pub(in crate::alert) fn tick(&mut self, now_ms: u64, book: &Book) {
        self.sittings.forget(now_ms);
        for step in self.episodes.tick(now_ms, &book.weights) {
            let act = self.act(step, None, book);
            self.pending.extend(act);
        }
    }

    /// Staff have closed a matter. Returns the records of signs that came after it and are to be taken again.
    pub(super) fn dealt_with(&mut self, episode: RecordId, theme: &str, at: i64, book: &Book) -> Vec<RecordId> {
        let closed = Theme::named(theme).and_then(|theme| self.episodes.closed(episode, theme, u64::try_from(at).unwrap_or(0)));
        let Some((end, again)) = closed else { return Vec::new() };
        let act = self.act(end, None, book);
        self.pending.extend(act);
        again
    }

    /// Takes out what is known of a person whose records are erased.
    pub(super) fn erase(&mut self, gone: &Gone) -> TakenOut {
        let is_it = |who: u128| erased::is(gone, &Who(who).to_string());
        let key = &self.key;
        let is_person = |person: &Person| erased::is(gone, &who(key, person).to_string());
        self.hooks.erased(&is_person, gone);
        self.sittings.take_out(|who, record| is_it(who) && gone.takes(record));
        let begun = rebuild::begun(&self.pending, gone, is_person);
        self.pending.retain(|act| !begun.contains(act));
        TakenOut { signs: self.episodes.erase(gone), first_visits: self.watch.erase(is_it, gone), days: 0 }
    }

    /// What is stated of a step. Only a record opens an episode.
    fn act(&self, step: Step, of: Option<(&Seen<'_>, &Person)>, book: &Book) -> Option<Act> {
        Some(match step {
            Step::Open(begun) => {
                let (seen, person) = of?;
                Act::Opened(Box::new(Opened {
                    episode: begun.episode,
                    theme: begun.theme.as_str().to_owned(),
                    level: begun.level,
                    who: person.clone(),
                    group: seen.group.to_owned(),
                    is_staff: seen.class == Class::Staff,
                    confidence: seen.confidence.to_owned(),
                    place: self.hooks.place(seen.client),
                    client: seen.client.to_string(),
                    at_ms: begun.at_ms,
                    rule: begun.rule,
                    factors: begun.factors,
                    records: begun.records,
                    unseen: unseen(seen, book),
                }))
            }
            Step::Worse { is_back, also, episode, theme, level, at_ms, factors, records } => {
                let place = of.and_then(|(seen, _)| self.hooks.place(seen.client));
                let also = also.map(|also| also.as_str().to_owned());
                Act::Worsened { is_back, also, place, episode, theme: theme.as_str().to_owned(), level, at_ms, factors, records }
            }
            Step::Joined { episode, theme, other } => {
                let Begun { theme: also, level, at_ms, factors, records, .. } = *other;
                Act::Joined { episode, theme: theme.as_str().to_owned(), also: also.as_str().to_owned(), level, at_ms, factors, records }
            }
            Step::On { episode, theme, signals, last } => Act::WentOn { episode, theme: theme.as_str().to_owned(), signals, last },
            Step::End { episode, theme, at_ms, signals, last } => Act::Ended { episode, theme: theme.as_str().to_owned(), at_ms, signals, last },
        })
    }
}

/// The key of the numbers of people.
pub(in crate::alert) fn people(secret: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("usher 2026 people of alerts", secret)
}

/// A person as a number that says nothing to whoever has not the secret.
pub(in crate::alert) fn who(key: &[u8; 32], person: &Person) -> Who {
    let (kind, name) = match person {
        Person::User(name) => ("user", name),
        Person::Device(address) => ("device", address),
    };
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(kind.as_bytes()).update(&[0]).update(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Who(u128::from_le_bytes(bytes))
}

/// What could not be seen, a sentence each.
fn unseen(seen: &Seen<'_>, book: &Book) -> Vec<String> {
    let all = [
        (seen.user.is_none(), "It is known at which device it was, not who sat there."),
        (seen.path.is_empty(), "The connection was sealed: only the name of the site was seen."),
        (book.unread.iter().any(|group| **group == *seen.group), "The words of pages are not read for this group."),
    ];
    all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words.to_owned()).collect()
}

#[cfg(test)]
mod tests;
