//! What was typed, letter by letter, folded into what was asked. Pure: a person's searches in, one line a search out.
//!
//! While somebody types, the engine is asked for suggestions: `h`, `ho`, `how`. What leads up to what was then asked is folded into it. What
//! was typed and taken back is kept as a line of its own, since it says what somebody had in mind: `how do I tell my`, deleted, then `how to bake`.
//!
//! A slip of the finger in a longer word is folded too. In doubt a line is kept rather than lost: `kill` that became `king` is two lines.

use super::Stage;
use std::mem;

/// Whoever has not typed for so long, in milliseconds, has stopped.
pub const PAUSE_MS: u64 = 90_000;
/// A word shorter than this, in characters, is never taken for another word with a slip in it.
const SHORTEST_SLIP: usize = 5;

/// One search on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed<'a, Id> {
    /// When, in Unix milliseconds.
    pub time_ms: u64,
    /// The engine, by its name in the log.
    pub engine: &'a str,
    /// The words.
    pub term: &'a str,
    /// How far it had come.
    pub stage: Stage,
    /// Its number.
    pub id: Id,
}

/// A search as it is read afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded<'a, Id> {
    /// What was asked; or typed and not asked, at its longest.
    pub shown: Typed<'a, Id>,
    /// What led up to it, in its order.
    pub led_up: Vec<Id>,
}

impl<Id> Folded<'_, Id> {
    /// Whether it was asked, or only typed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.shown.stage
    }
}

/// Folds a person's searches, given in the order of their times. What comes out is in the order of time too.
#[must_use]
pub fn fold<'a, Id: Copy>(searches: &[Typed<'a, Id>]) -> Vec<Folded<'a, Id>> {
    let mut folding = Folding { lines: Vec::new(), open: Vec::new() };
    searches.iter().for_each(|search| folding.take(*search));
    let Folding { mut lines, open } = folding;
    lines.extend(open.into_iter().map(Run::line));
    lines.sort_by_key(|line| line.shown.time_ms);
    lines
}

struct Folding<'a, Id> {
    lines: Vec<Folded<'a, Id>>,
    /// What is being typed, one an engine.
    open: Vec<Run<'a, Id>>,
}

/// Something being typed.
struct Run<'a, Id> {
    /// The longest it has been.
    longest: Typed<'a, Id>,
    last_ms: u64,
    /// All of it, in order, the longest too.
    steps: Vec<Id>,
    longest_at: usize,
}

impl<'a, Id: Copy> Run<'a, Id> {
    fn new(search: Typed<'a, Id>) -> Self {
        Self { longest: search, last_ms: search.time_ms, steps: vec![search.id], longest_at: 0 }
    }

    fn line(mut self) -> Folded<'a, Id> {
        self.steps.remove(self.longest_at);
        Folded { shown: self.longest, led_up: self.steps }
    }

    /// Goes on with what is typed; false if it is something else.
    fn goes_on(&mut self, search: &Typed<'a, Id>) -> bool {
        let (before, now) = (plain(self.longest.term), plain(search.term));
        let grows = now.starts_with(&before) || is_slip(&before, &now);
        if !grows && !before.starts_with(&now) {
            return false;
        }
        self.last_ms = search.time_ms;
        self.steps.push(search.id);
        if grows {
            self.longest = *search;
            self.longest_at = self.steps.len() - 1;
        }
        true
    }

    /// Whether this is what the person was after: they went on, slipped, or took a suggestion that holds all they had typed.
    fn became(&self, asked: &str) -> bool {
        let (typed, asked) = (plain(self.longest.term), plain(asked));
        let in_asked = |word: &str| asked.split(' ').any(|other| other.starts_with(word));
        asked.starts_with(&typed) || is_slip(&typed, &asked) || typed.split(' ').all(in_asked)
    }
}

impl<'a, Id: Copy> Folding<'a, Id> {
    fn take(&mut self, search: Typed<'a, Id>) {
        let over = |run: &Run<'a, Id>| search.time_ms.saturating_sub(run.last_ms) > PAUSE_MS;
        let (ended, open) = mem::take(&mut self.open).into_iter().partition(over);
        self.open = open;
        self.lines.extend(Vec::into_iter(ended).map(Run::line));
        let run = self.open.iter().position(|run| family(run.longest.engine) == family(search.engine));
        match search.stage {
            Stage::Typing => self.typing(search, run),
            Stage::Asked => self.asked(search, run),
        }
    }

    fn typing(&mut self, search: Typed<'a, Id>, run: Option<usize>) {
        let Some(place) = run else { return self.open.push(Run::new(search)) };
        if !self.open[place].goes_on(&search) {
            let given_up = mem::replace(&mut self.open[place], Run::new(search));
            self.lines.push(given_up.line());
        }
    }

    fn asked(&mut self, search: Typed<'a, Id>, run: Option<usize>) {
        let run = run.map(|place| self.open.remove(place));
        let led_up = match run {
            Some(run) if run.became(search.term) => run.steps,
            Some(run) => {
                self.lines.push(run.line());
                Vec::new()
            }
            None => Vec::new(),
        };
        self.lines.push(Folded { shown: search, led_up });
    }
}

/// The name before the hyphen: suggestions for `google` serve `google-maps` too.
fn family(engine: &str) -> &str {
    engine.split('-').next().unwrap_or(engine)
}

fn plain(term: &str) -> String {
    term.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `after` is `before` with one slip made good, perhaps with more typed behind it.
fn is_slip(before: &str, after: &str) -> bool {
    let (mut old, mut new) = (before.split(' '), after.split(' '));
    loop {
        match (old.next(), new.next()) {
            (None, _) => return true,
            (Some(_), None) => return false,
            (Some(old_word), Some(new_word)) if old_word == new_word => {}
            (Some(old_word), Some(new_word)) => return is_mended(old_word, new_word) && old.all(|word| new.next() == Some(word)),
        }
    }
}

/// One letter wrong, missing, too many, or two in the wrong order, in a word long enough to be told; perhaps the new word goes on.
fn is_mended(old: &str, new: &str) -> bool {
    let length = old.chars().count();
    let new: String = new.chars().take(length + 1).collect();
    length >= SHORTEST_SLIP
        && (length.saturating_sub(1)..=length + 1).any(|taken| {
            let start: String = new.chars().take(taken).collect();
            strsim::osa_distance(old, &start) <= 1
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stage::{Asked, Typing};

    /// Searches a second apart.
    fn searches<'a>(steps: &[(&'a str, &'a str, Stage)]) -> Vec<Typed<'a, usize>> {
        let row = |(id, (engine, term, stage)): (usize, &(&'a str, &'a str, Stage))| Typed { time_ms: 1000 * id as u64, engine, term, stage: *stage, id };
        steps.iter().enumerate().map(row).collect()
    }

    fn lines<'a>(folded: &[Folded<'a, usize>]) -> Vec<(Stage, &'a str, usize)> {
        folded.iter().map(|line| (line.stage(), line.shown.term, line.led_up.len())).collect()
    }

    #[test]
    fn what_is_typed_folds_into_what_is_asked_and_what_is_taken_back_stays() {
        let google = |terms: &[(&'static str, Stage)]| terms.iter().map(|(term, stage)| ("google", *term, *stage)).collect::<Vec<_>>();
        for (why, steps, expected) in [
            ("typed and asked", google(&[("v", Typing), ("vol", Typing), ("volcano", Typing), ("volcano facts", Asked)]), vec![(Asked, "volcano facts", 3)]),
            ("asked at once", google(&[("volcano", Asked)]), vec![(Asked, "volcano", 0)]),
            (
                "typed, taken back, and another asked",
                google(&[
                    ("how to tell", Typing),
                    ("how to tell my", Typing),
                    ("how to t", Typing),
                    ("how to b", Typing),
                    ("how to bake", Typing),
                    ("how to bake bread", Asked),
                ]),
                vec![(Typing, "how to tell my", 2), (Asked, "how to bake bread", 2)],
            ),
            ("typed and never asked", google(&[("self", Typing), ("self h", Typing), ("self harm", Typing)]), vec![(Typing, "self harm", 2)]),
            (
                "asked, with more taken back first",
                google(&[("dogs eat grass", Typing), ("dogs", Asked)]),
                vec![(Typing, "dogs eat grass", 0), (Asked, "dogs", 0)],
            ),
            ("a suggestion taken", google(&[("cat vid", Typing), ("funny cat videos", Asked)]), vec![(Asked, "funny cat videos", 1)]),
            ("a slip in a longer word", google(&[("volcnao", Typing), ("volcano", Typing), ("volcano", Asked)]), vec![(Asked, "volcano", 2)]),
            (
                "short words are not slips",
                google(&[("kill", Typing), ("ki", Typing), ("king", Typing), ("king", Asked)]),
                vec![(Typing, "kill", 1), (Asked, "king", 1)],
            ),
            ("case and spaces", google(&[("Vol", Typing), ("VOLCANO ", Typing), ("volcano  facts", Asked)]), vec![(Asked, "volcano  facts", 2)]),
            ("engines of one family", vec![("google", "chip sh", Typing), ("google-maps", "chip shops", Asked)], vec![(Asked, "chip shops", 1)]),
            (
                "two engines at once",
                vec![("google", "ro", Typing), ("youtube", "mine", Typing), ("google", "romans", Asked), ("youtube", "minecraft", Asked)],
                vec![(Asked, "romans", 1), (Asked, "minecraft", 1)],
            ),
            ("nothing", vec![], vec![]),
        ] {
            assert_eq!(lines(&fold(&searches(&steps))), expected, "{why}");
        }
    }

    #[test]
    fn what_is_asked_much_later_is_another_search() {
        let mut steps = searches(&[("google", "volc", Typing), ("google", "volcano", Asked)]);
        steps[1].time_ms += PAUSE_MS;
        assert_eq!(lines(&fold(&steps)), [(Typing, "volc", 0), (Asked, "volcano", 0)]);
    }

    proptest::proptest! {
        /// Nothing on record is lost or said twice, and nothing that was asked is folded away.
        #[test]
        fn every_search_is_in_one_line(rows in proptest::collection::vec((0u64..60_000, 0..2usize, "[ab ]{1,6}", proptest::bool::ANY), 0..40)) {
            let mut time_ms = 0;
            let steps: Vec<_> = rows.iter().enumerate().map(|(id, (pause, engine, term, asked))| {
                time_ms += pause;
                Typed { time_ms, engine: ["google", "bing"][*engine], term, stage: if *asked { Asked } else { Typing }, id }
            }).collect();
            let folded = fold(&steps);
            let mut ids: Vec<_> = folded.iter().flat_map(|line| line.led_up.iter().copied().chain([line.shown.id])).collect();
            ids.sort_unstable();
            proptest::prop_assert!(ids.into_iter().eq(0..steps.len()));
            let asked = |step: &&Typed<'_, usize>| step.stage == Asked;
            proptest::prop_assert_eq!(folded.iter().filter(|line| line.stage() == Asked).count(), steps.iter().filter(asked).count());
            proptest::prop_assert!(folded.is_sorted_by_key(|line| line.shown.time_ms));
        }
    }
}
