//! Phrases found in folded text, weighed: near one another, and on the page as a whole. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! # How a score comes about
//!
//! 1. **A word of the page counts once**, for the longest phrase it is part of: in `suicide prevention` the phrase `suicide` says nothing more.
//! 2. **A phrase counts once** in a window, however often it is said ([`Repeats`]). An entry of several phrases counts when all of them are there.
//! 3. **No word blocks alone.** The points of a theme count only in company: two different phrases of it, or an entry of several. Since each word counts for
//!    one phrase, company is always two words of the page.
//! 4. **The window** is [`SPAN`] bytes of folded text, some 700 words, and a little of what follows ([`AHEAD`]), so that what takes weight off may come
//!    after what it explains. A theme's peak is the most its points ever were in one; a long page is not judged by its length.
//! 5. **The page** is everything since its beginning, for lists that count so. It also keeps which entries were found.
//!
//! Times are places in the folded text: a phrase enters the window [`SETTLE`] bytes after its end, when no longer phrase can take its words any more; it is
//! judged after [`AHEAD`]; it leaves after [`SPAN`] and [`AHEAD`]. Thus nothing depends on when text comes.
//!
//! Limits: in text without spaces all that stands between two signs is one word. A window holds at most [`MOST_HITS`] phrases and a page keeps
//! [`MOST_FOUND`] entries, the heaviest. A phrase that is open at its ends and holds a space (only e2guardian's lists have such) can lie across a word said
//! twice, and is company to that word.

use super::index::{Finder, Match};
use super::lexicon::{Entry, Lexicon, MOST_THEMES, Phrase, ThemeId};
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// How much text is judged together, in bytes, folded.
pub const SPAN: u64 = 4096;
/// How much text after a phrase is read before it is judged.
pub const AHEAD: u64 = 512;
/// How much text after a phrase may make it a part of a longer one. No phrase is longer.
pub const SETTLE: u64 = 256;
/// The most phrases a window holds. What comes beyond is not counted.
pub const MOST_HITS: usize = 1024;
/// The most entries that are kept to tell why.
pub const MOST_FOUND: usize = 32;

/// What a phrase is worth that is said again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Repeats {
    /// Nothing more: a phrase counts once.
    #[default]
    Once,
    /// As much again each time, as with e2guardian's `weightedphrasemode = 1`.
    Each,
}

impl Repeats {
    fn worth(self, times: u32) -> u32 {
        match self {
            Self::Once => times.min(1),
            Self::Each => times,
        }
    }
}

/// What a theme came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The theme.
    pub theme: ThemeId,
    /// The most points in one window. Zero where no phrase had company.
    pub peak: i32,
    /// The points of the page as a whole.
    pub page: i32,
}

/// An entry that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place in [`Lexicon::entries`].
    pub entry: u32,
    /// Its weight.
    pub weight: i32,
    /// Where in the folded text it was complete for the first time.
    pub at: u64,
}

/// What a page came to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Score {
    /// The themes of which anything was found, in the lexicon's order.
    pub standings: Vec<Standing>,
    /// Why: the heaviest entries found, in the order of the page.
    pub found: Vec<Found>,
}

impl Score {
    /// The theme with the highest peak, and that peak; none if no theme has points.
    #[must_use]
    pub fn worst(&self) -> Option<(ThemeId, i32)> {
        self.standings
            .iter()
            .filter(|standing| standing.peak > 0)
            .max_by_key(|standing| (standing.peak, std::cmp::Reverse(standing.theme)))
            .map(|worst| (worst.theme, worst.peak))
    }

    /// The peak of a theme.
    #[must_use]
    pub fn peak(&self, theme: ThemeId) -> i32 {
        self.standings.iter().find(|standing| standing.theme == theme).map_or(0, |standing| standing.peak)
    }

    /// The points of all themes on the page together, as e2guardian judges.
    #[must_use]
    pub fn together(&self) -> i32 {
        self.standings.iter().fold(0, |sum, standing| sum.saturating_add(standing.page))
    }
}

/// A phrase at its place.
#[derive(Clone, Copy, Debug)]
struct Hit {
    /// Behind its last byte, in the folded text.
    end: u64,
    /// Its first and last word, counted from the page's beginning.
    first: u64,
    last: u64,
    phrase: u32,
    length: u32,
    /// Whether it counts for the entries that are this phrase alone.
    own: bool,
    /// Whether it counts for the entries that ask for others too.
    part: bool,
}

/// The points of one theme.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    points: i32,
    /// Different phrases that add to it.
    phrases: u32,
    /// Entries of several phrases that add to it.
    several: u32,
    touched: bool,
}

impl Sum {
    /// What counts of it: nothing without company, and never less than nothing.
    fn counted(self) -> i32 {
        if self.phrases > 1 || self.several > 0 { self.points.max(0) } else { 0 }
    }
}

/// Numbers of our own making need no keyed hash.
#[derive(Clone, Default)]
struct Number(u64);

impl Hasher for Number {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// How often each phrase is there, and what that comes to.
#[derive(Clone, Default)]
struct Tally {
    own: HashMap<u32, u32, BuildHasherDefault<Number>>,
    parts: HashMap<u32, u32, BuildHasherDefault<Number>>,
    sums: Vec<Sum>,
}

/// Whether a phrase comes or goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    In,
    Out,
}

impl Move {
    fn of(self, times: u32) -> u32 {
        match self {
            Self::In => times.saturating_add(1),
            Self::Out => times.saturating_sub(1),
        }
    }
}

impl Tally {
    /// Counts a phrase in or out; `changed` is told of each entry that is worth more or less now: before, and after.
    fn count(&mut self, lexicon: &Lexicon, hit: &Hit, way: Move, repeats: Repeats, changed: &mut impl FnMut(u32)) {
        self.sums.resize(lexicon.themes().len(), Sum::default());
        let phrase = &lexicon.phrases[hit.phrase as usize];
        if hit.own {
            let times = self.own.entry(hit.phrase).or_default();
            let (before, after) = (*times, way.of(*times));
            *times = after;
            for entry in &phrase.own {
                self.weigh(&lexicon.entries[*entry as usize], (before, after), repeats);
                if before == 0 {
                    changed(*entry);
                }
            }
        }
        if hit.part {
            let times = self.parts.get(&hit.phrase).copied().unwrap_or_default();
            let after = way.of(times);
            self.parts.insert(hit.phrase, after);
            if repeats.worth(times) == repeats.worth(after) {
                return;
            }
            for entry in &phrase.part_of {
                let others = self.least_of_others(&lexicon.entries[*entry as usize], hit.phrase);
                let (before, after) = (others.min(times), others.min(after));
                self.weigh(&lexicon.entries[*entry as usize], (before, after), repeats);
                if before == 0 && after > 0 {
                    changed(*entry);
                }
            }
        }
    }

    /// How often the other phrases of an entry are all there.
    fn least_of_others(&self, entry: &Entry, phrase: u32) -> u32 {
        let mut least = u32::MAX;
        for part in entry.parts.iter().filter(|part| **part != phrase) {
            least = least.min(self.parts.get(part).copied().unwrap_or_default());
            if least == 0 {
                break;
            }
        }
        least
    }

    fn weigh(&mut self, entry: &Entry, (before, after): (u32, u32), repeats: Repeats) {
        let more = i64::from(repeats.worth(after)) - i64::from(repeats.worth(before));
        let points = i32::try_from(more * i64::from(entry.weight)).unwrap_or(i32::MAX);
        let themes = self.sums.len();
        for theme in entry.themes.iter(themes) {
            let sum = &mut self.sums[theme.place()];
            sum.touched = true;
            sum.points = sum.points.saturating_add(points);
            let company = if entry.parts.len() > 1 { &mut sum.several } else { &mut sum.phrases };
            match (entry.weight > 0, before, after) {
                (true, 0, 1..) => *company += 1,
                (true, 1.., 0) => *company -= 1,
                _ => {}
            }
        }
    }
}

/// Finds phrases in folded text and keeps the score.
#[derive(Clone)]
pub struct Window {
    finder: Finder,
    weighing: Weighing,
}

/// The phrases that were found, on their way through the window.
#[derive(Clone)]
struct Weighing {
    repeats: Repeats,
    /// Phrases in the window or on the way into it, by their end.
    hits: VecDeque<Hit>,
    /// How many of them are in it, from the first.
    entered: usize,
    /// How many of those have been judged.
    judged: usize,
    /// The last word that something in the window counts for, alone and with others.
    taken: [u64; 2],
    near: Tally,
    page: Tally,
    peaks: Vec<i32>,
    found: Vec<Found>,
}

impl Window {
    /// A window at the beginning of a page, with room for so much text at once.
    #[must_use]
    pub fn new(lexicon: &Lexicon, repeats: Repeats, room: usize) -> Self {
        let weighing = Weighing {
            repeats,
            hits: VecDeque::new(),
            entered: 0,
            judged: 0,
            taken: [0; 2],
            near: Tally::default(),
            page: Tally::default(),
            peaks: vec![0; lexicon.themes().len()],
            found: Vec::new(),
        };
        Self { finder: Finder::with_room(room), weighing }
    }

    /// Where folded text is put behind what is there, to be looked at next.
    pub fn text(&mut self) -> &mut Vec<u8> {
        self.finder.text()
    }

    /// How much has come that was not looked at.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.finder.waiting()
    }

    /// Reads the text that has come. The lexicon is always the same one.
    pub fn look(&mut self, lexicon: &Lexicon) {
        let Self { finder, weighing } = self;
        finder.look(&lexicon.index, &mut |found| weighing.matched(lexicon, &found));
        weighing.advance(lexicon, finder.offset());
    }

    /// The page is over: everything is judged. What was read before counts; looking at more is of no use.
    pub fn end(&mut self, lexicon: &Lexicon) {
        self.weighing.advance(lexicon, u64::MAX);
    }

    /// What has been judged so far.
    #[must_use]
    pub fn score(&self) -> Score {
        let counted = self.weighing.page.sums.iter().zip(&self.weighing.peaks).enumerate().filter(|(_, (sum, _))| sum.touched);
        let standing = |(place, (sum, peak)): (usize, (&Sum, &i32))| Some(Standing { theme: ThemeId::at(place)?, peak: *peak, page: sum.counted() });
        let mut found = self.weighing.found.clone();
        found.sort_by_key(|found| (found.at, found.entry));
        Score { standings: counted.filter_map(standing).collect(), found }
    }

    /// The peak of each theme so far, by its place.
    #[must_use]
    pub fn peaks(&self) -> &[i32] {
        &self.weighing.peaks
    }

    /// Whether what was read and is not judged yet may bring a theme to so many points, should nothing follow but `open`, the end of an open word. Never
    /// false where it would; may be true where it would not.
    #[must_use]
    pub fn may_reach(&self, lexicon: &Lexicon, points: i32, open: &[u8]) -> bool {
        let mut ending: SmallVec<[u32; 8]> = SmallVec::new();
        let mut finder = self.finder.clone();
        finder.text().extend(open);
        finder.look(&lexicon.index, &mut |found| ending.push(found.phrase));
        if self.weighing.judged == self.weighing.hits.len() && ending.is_empty() {
            return false;
        }
        let mut themes = [0_i32; MOST_THEMES];
        for (theme, sum) in themes.iter_mut().zip(&self.weighing.near.sums) {
            *theme = sum.points.max(0);
        }
        let waiting = self
            .weighing
            .hits
            .iter()
            .skip(self.weighing.entered)
            .map(|hit| (hit.phrase, hit.own, hit.part))
            .chain(ending.into_iter().map(|phrase| (phrase, true, true)));
        for (phrase, is_own, is_part) in waiting {
            let phrase = &lexicon.phrases[phrase as usize];
            let own = phrase.own.iter().filter(|_| is_own);
            for entry in own.chain(phrase.part_of.iter().filter(|_| is_part)).map(|entry| &lexicon.entries[*entry as usize]).filter(|entry| entry.weight > 0) {
                for theme in entry.themes.iter(lexicon.themes().len()) {
                    themes[theme.place()] = themes[theme.place()].saturating_add(entry.weight);
                }
            }
        }
        themes.iter().any(|theme| *theme >= points)
    }

    /// The highest peak so far and its theme.
    #[must_use]
    pub fn worst(&self) -> Option<(ThemeId, i32)> {
        let (place, peak) = self.weighing.peaks.iter().enumerate().max_by_key(|(place, peak)| (**peak, std::cmp::Reverse(*place)))?;
        ThemeId::at(place).filter(|_| *peak > 0).map(|theme| (theme, *peak))
    }
}

impl Weighing {
    /// A phrase, behind those that ended before, and behind the longer ones that end here.
    fn matched(&mut self, lexicon: &Lexicon, found: &Match) {
        self.advance(lexicon, found.end);
        let phrase = &lexicon.phrases[found.phrase as usize];
        let last = found.words - u64::from(phrase.closed);
        let mut hit = Hit {
            end: found.end,
            first: last - u64::from(phrase.spaces),
            last,
            phrase: found.phrase,
            length: phrase.length,
            own: !phrase.own.is_empty(),
            part: !phrase.part_of.is_empty(),
        };
        self.settle(lexicon, &mut hit, phrase);
        match (hit.own || hit.part, self.hits.len() < MOST_HITS) {
            (true, true) => self.hits.push_back(hit),
            // Its words are spoken for all the same: a shorter phrase must not have them instead.
            (true, false) => self.take_words(&hit),
            (false, _) => {}
        }
    }

    /// Of phrases that share a word the longest counts; of those as long, the first.
    fn settle(&mut self, lexicon: &Lexicon, hit: &mut Hit, phrase: &Phrase) {
        hit.own &= hit.first > self.taken[0];
        hit.part &= hit.first > self.taken[1];
        // Ends come in order, so last words do too.
        for earlier in self.hits.iter_mut().skip(self.entered).rev().take_while(|earlier| earlier.last >= hit.first) {
            let rivals = |hit: &Hit, earlier: &Hit| hit.part && earlier.part && asked_together(phrase, &lexicon.phrases[earlier.phrase as usize]);
            match (hit.length > earlier.length, rivals(hit, earlier)) {
                (true, rivals) => {
                    earlier.own &= !hit.own;
                    earlier.part &= !rivals;
                }
                (false, rivals) => {
                    hit.own &= !earlier.own;
                    hit.part &= !rivals;
                }
            }
        }
    }

    /// Everything that happens until this place in the text.
    fn advance(&mut self, lexicon: &Lexicon, to: u64) {
        loop {
            let at = |place: usize, after: u64| self.hits.get(place).map_or(u64::MAX, |hit| hit.end.saturating_add(after));
            let (leaves, enters, judged) = (at(0, SPAN + AHEAD), at(self.entered, SETTLE), at(self.judged, AHEAD));
            let next = leaves.min(enters).min(judged);
            if next > to || next == u64::MAX {
                return;
            }
            if next == leaves && self.judged > 0 {
                self.leave(lexicon);
            } else if next == enters {
                self.enter(lexicon);
            } else {
                self.judge();
            }
        }
    }

    fn enter(&mut self, lexicon: &Lexicon) {
        let hit = self.hits[self.entered];
        self.entered += 1;
        self.take_words(&hit);
        self.near.count(lexicon, &hit, Move::In, self.repeats, &mut |_| {});
        let found = &mut self.found;
        self.page.count(lexicon, &hit, Move::In, self.repeats, &mut |entry| {
            keep(found, Found { entry, weight: lexicon.entries[entry as usize].weight, at: hit.end })
        });
    }

    fn take_words(&mut self, hit: &Hit) {
        for (taken, is_so) in self.taken.iter_mut().zip([hit.own, hit.part]) {
            *taken = if is_so { hit.last.max(*taken) } else { *taken };
        }
    }

    fn judge(&mut self) {
        self.judged += 1;
        for (peak, sum) in self.peaks.iter_mut().zip(&self.near.sums) {
            *peak = (*peak).max(sum.counted());
        }
    }

    fn leave(&mut self, lexicon: &Lexicon) {
        if let Some(hit) = self.hits.pop_front() {
            self.entered -= 1;
            self.judged -= 1;
            self.near.count(lexicon, &hit, Move::Out, self.repeats, &mut |_| {});
        }
    }
}

/// Whether an entry asks for both.
fn asked_together(one: &Phrase, other: &Phrase) -> bool {
    one.part_of.iter().any(|entry| other.part_of.binary_search(entry).is_ok())
}

/// Keeps an entry among the heaviest.
fn keep(found: &mut Vec<Found>, new: Found) {
    if found.iter().any(|known| known.entry == new.entry) {
        return;
    }
    if found.len() < MOST_FOUND {
        return found.push(new);
    }
    if let Some(lightest) = found.iter_mut().min_by_key(|known| (known.weight.unsigned_abs(), std::cmp::Reverse(known.at)))
        && lightest.weight.unsigned_abs() < new.weight.unsigned_abs()
    {
        *lightest = new;
    }
}
