//! What may stand anywhere in a URL: words, wildcards and expressions behind one Aho-Corasick automaton.
//!
//! Every pattern gives the automaton one or more literals such that whatever the pattern matches holds at least one of them. The URL
//! is scanned once; a pattern is tried only where one of its literals was seen. Expressions without such a literal run on every URL and
//! are counted as slow, so that a technician can see them.
//!
//! A pattern that was compiled into a [`generation`](super::generation) is known to be sound: opening one needs the literals only, and an expression is
//! made ready when one of them is first seen.
//!
//! Limits: a literal has at least 3 characters, a pattern at most 64 of them, a compiled expression 1 MiB.

use super::members::Member;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};
use smallvec::SmallVec;
use std::sync::OnceLock;

/// The shortest literal worth scanning for.
const SHORTEST_LITERAL: usize = 3;
/// The most alternatives one expression may give the automaton.
const MOST_LITERALS: usize = 64;
/// The most memory one compiled expression may use, in bytes.
const LARGEST_EXPRESSION: usize = 1 << 20;
/// Up to this many literals the automaton is a DFA: fastest, about 3 kB a literal.
const DFA_LITERALS: usize = 1000;

/// One pattern in force.
#[derive(Debug)]
pub struct Pattern {
    /// The list it stands in.
    pub member: Member,
    /// Its line there.
    pub line: u32,
    /// As written.
    pub text: Box<str>,
    test: Test,
}

/// What kind of pattern a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternKind {
    /// A word or wildcard.
    Word,
    /// A regular expression.
    Expression,
}

impl Pattern {
    /// What kind of pattern it is.
    #[must_use]
    pub fn kind(&self) -> PatternKind {
        match self.test {
            Test::Parts(_) => PatternKind::Word,
            Test::Expression(_) => PatternKind::Expression,
        }
    }

    /// Whether it matches this text.
    fn holds(&self, text: &str) -> bool {
        match &self.test {
            Test::Parts(parts) => stand_in_order(parts, text),
            Test::Expression(ready) => self.ready(ready).is_some_and(|expression| expression.is_match(text.as_bytes())),
        }
    }

    /// The expression, made ready if it is not. One that cannot be was never accepted, so it lists nothing.
    fn ready<'a>(&self, ready: &'a OnceLock<Option<Regex>>) -> Option<&'a Regex> {
        ready.get_or_init(|| compile(&self.text).ok().map(|(expression, _)| expression)).as_ref()
    }

    fn is_sound(&self) -> bool {
        match &self.test {
            Test::Parts(_) => true,
            Test::Expression(ready) => self.ready(ready).is_some(),
        }
    }
}

#[derive(Debug)]
enum Test {
    /// These parts, in this order, with anything between.
    Parts(Box<[Box<str>]>),
    /// Made ready when first needed.
    Expression(OnceLock<Option<Regex>>),
}

/// A word or wildcard as its fixed parts.
fn parts(text: &str) -> Box<[Box<str>]> {
    text.split('*').filter(|part| !part.is_empty()).map(Box::from).collect()
}

fn stand_in_order(parts: &[Box<str>], text: &str) -> bool {
    let mut rest = text;
    parts.iter().all(|part| {
        let found = rest.find(&**part);
        rest = found.map_or("", |at| &rest[at + part.len()..]);
        found.is_some()
    })
}

/// All patterns in force.
#[derive(Debug, Default)]
pub struct Patterns {
    patterns: Vec<Pattern>,
    automaton: Option<AhoCorasick>,
    literals: Vec<String>,
    /// For each literal of the automaton: the patterns it may announce.
    announces: Vec<Box<[u32]>>,
    /// Patterns without a literal, tried on every URL.
    slow: Vec<u32>,
}

/// Why an expression cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPattern {
    /// It cannot be read.
    Syntax,
    /// It would need too much memory.
    TooLarge,
}

/// Collects patterns, then builds the automaton.
#[derive(Default)]
pub struct Builder {
    patterns: Vec<Pattern>,
    literals: std::collections::BTreeMap<String, Vec<u32>>,
}

impl Builder {
    /// Adds a word or wildcard in lower case.
    pub fn word(&mut self, member: Member, line: u32, text: &str) {
        let parts = parts(text);
        let longest = parts.iter().max_by_key(|part| part.len()).map(|part| vec![part.to_string()]);
        self.push(Pattern { member, line, text: text.into(), test: Test::Parts(parts) }, longest);
    }

    /// Adds a regular expression, matched without regard to case.
    pub fn expression(&mut self, member: Member, line: u32, text: &str) -> Result<(), BadPattern> {
        let (expression, literals) = compile(text)?;
        self.push(Pattern { member, line, text: text.into(), test: Test::Expression(OnceLock::from(Some(expression))) }, literals);
        Ok(())
    }

    /// Adds a pattern that was accepted before. Which literals announce it is told by [`Self::announce`].
    pub fn known(&mut self, member: Member, line: u32, kind: PatternKind, text: &str) {
        let test = match kind {
            PatternKind::Word => Test::Parts(parts(text)),
            PatternKind::Expression => Test::Expression(OnceLock::new()),
        };
        self.patterns.push(Pattern { member, line, text: text.into(), test });
    }

    /// Adds a literal of patterns that were added as [known](Self::known).
    pub fn announce(&mut self, literal: &str, patterns: Vec<u32>) {
        self.literals.insert(literal.to_owned(), patterns);
    }

    fn push(&mut self, pattern: Pattern, literals: Option<Vec<String>>) {
        let number = u32::try_from(self.patterns.len()).unwrap_or(u32::MAX);
        self.patterns.push(pattern);
        for literal in literals.unwrap_or_default() {
            self.literals.entry(literal).or_default().push(number);
        }
    }

    /// Builds the automaton. What no literal announces is tried on every URL.
    #[must_use]
    pub fn build(self) -> Patterns {
        let kind = if self.literals.len() <= DFA_LITERALS { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        let (literals, announces): (Vec<_>, Vec<_>) = self.literals.into_iter().map(|(l, p)| (l, p.into_boxed_slice())).unzip();
        // Building fails only past 2^31 states: the caps on files keep it far from there.
        let automaton = if literals.is_empty() { None } else { AhoCorasick::builder().kind(Some(kind)).build(&literals).ok() };
        let mut announced = vec![false; self.patterns.len()];
        if automaton.is_some() {
            announces.iter().flatten().for_each(|number| announced[*number as usize] = true);
        }
        let slow = (0..).zip(announced).filter(|(_, announced)| !announced).map(|(number, _)| number).collect();
        Patterns { patterns: self.patterns, automaton, literals, announces, slow }
    }
}

impl Patterns {
    /// Calls `found` once for every pattern that matches the one spelling of a URL.
    pub fn find(&self, text: &str, mut found: impl FnMut(u32, &Pattern)) {
        let mut tried: SmallVec<[u32; 8]> = SmallVec::new();
        let mut attempt = |number: u32| {
            if !tried.contains(&number) {
                tried.push(number);
                let pattern = self.get(number);
                if pattern.holds(text) {
                    found(number, pattern);
                }
            }
        };
        if let Some(automaton) = &self.automaton {
            for seen in automaton.find_overlapping_iter(text) {
                self.announces[seen.pattern().as_usize()].iter().copied().for_each(&mut attempt);
            }
        }
        self.slow.iter().copied().for_each(attempt);
    }

    /// The pattern with this number.
    ///
    /// # Panics
    /// If the number is not from [`Self::find`] of the same patterns.
    #[must_use]
    pub fn get(&self, number: u32) -> &Pattern {
        &self.patterns[number as usize]
    }

    /// Whether every expression can be made ready: those an other version of Usher accepted need not be.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        self.patterns.iter().all(Pattern::is_sound)
    }

    /// All of them, by number.
    #[must_use]
    pub fn all(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The literals of the automaton in order, each with the patterns it announces.
    pub fn announcements(&self) -> impl ExactSizeIterator<Item = (&str, &[u32])> {
        self.literals.iter().zip(&self.announces).map(|(literal, patterns)| (literal.as_str(), &**patterns))
    }

    /// How many patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// How many patterns have no literal and run on every URL.
    #[must_use]
    pub fn slow(&self) -> usize {
        self.slow.len()
    }
}

/// Compiles an expression and finds its literals.
///
/// Lists in the wild anchor expressions to a scheme; the one spelling has none, so `^https?://` becomes `^`.
fn compile(text: &str) -> Result<(Regex, Option<Vec<String>>), BadPattern> {
    let anchored = ["^https?://", "^http://", "^https://", "^(http|https)://", "^(https?://)", "^(https?://)?"];
    let text = anchored.iter().find_map(|scheme| text.strip_prefix(scheme)).map_or_else(|| text.to_owned(), |rest| format!("^{rest}"));
    let hir = regex_syntax::ParserBuilder::new().case_insensitive(true).unicode(false).utf8(false).build().parse(&text).map_err(|_| BadPattern::Syntax)?;
    let expression = regex::bytes::RegexBuilder::new(&text)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(LARGEST_EXPRESSION)
        .build()
        .map_err(|error| if matches!(error, regex::Error::CompiledTooBig(_)) { BadPattern::TooLarge } else { BadPattern::Syntax })?;
    Ok((expression, required(&hir).filter(|set| is_useful(set))))
}

fn is_useful(set: &[String]) -> bool {
    set.len() <= MOST_LITERALS && set.iter().all(|literal| literal.len() >= SHORTEST_LITERAL)
}

/// A set of literals of which every match holds at least one, or `None` if there is no such set. The best of several: longest shortest.
fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => single(hir).map(|byte| vec![byte]),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => best(candidates(parts)),
        HirKind::Alternation(branches) => {
            let sets: Option<Vec<_>> = branches.iter().map(required).collect();
            Some(sets?.concat()).filter(|set| set.len() <= MOST_LITERALS)
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Look(_) => None,
    }
}

/// Runs of fixed text in a sequence, and the sets its other parts require.
fn candidates(parts: &[Hir]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut run = String::new();
    for part in parts {
        if let Some(text) = single(part) {
            run.push_str(&text);
            continue;
        }
        found.push(vec![std::mem::take(&mut run)]);
        found.extend(required(part));
    }
    found.push(vec![run]);
    found.retain(|set| set.iter().all(|literal| !literal.is_empty()));
    found
}

fn best(sets: Vec<Vec<String>>) -> Option<Vec<String>> {
    sets.into_iter().max_by_key(|set| set.iter().map(String::len).min().unwrap_or(0))
}

/// The fixed text of a literal, or of a class that is one letter in both cases; in lower case.
fn single(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_ascii_lowercase()).ok(),
        HirKind::Class(Class::Bytes(class)) => {
            let mut bytes = class.iter().flat_map(|range| range.start()..=range.end()).take(3).map(|byte| byte.to_ascii_lowercase());
            let first = bytes.next().filter(u8::is_ascii)?;
            bytes.all(|byte| byte == first).then(|| (first as char).to_string())
        }
        HirKind::Class(Class::Unicode(_)) => None,
        HirKind::Capture(capture) => single(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(single).collect(),
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) | HirKind::Alternation(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Member {
        Member::listed(0).expect("room")
    }

    fn literals(expression: &str) -> Option<Vec<String>> {
        compile(expression).expect("an expression").1
    }

    #[test]
    fn expressions_give_the_literals_every_match_must_hold() {
        for (expression, expected) in [
            ("casino", Some(vec!["casino"])),
            ("CaSiNo", Some(vec!["casino"])),
            ("(^|[.-])casino[0-9]+", Some(vec!["casino"])),
            ("(casino|poker)", Some(vec!["casino", "poker"])),
            ("x(casino|poker|bingo)y", Some(vec!["casino", "poker", "bingo"])),
            ("uv\\.(bundle|config)\\.js", Some(vec!["bundle", "config"])),
            ("(free)?proxy", Some(vec!["proxy"])),
            ("(casino|[0-9]+)", None),
            ("[a-z]+", None),
            ("a.b.c", None),
            ("^https?://casino", Some(vec!["casino"])),
            ("(ca)(si)(no)", Some(vec!["casino"])),
        ] {
            let expected = expected.map(|set| set.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(literals(expression), expected, "{expression}");
        }
    }

    #[test]
    fn patterns_match_where_their_parts_stand_in_order() {
        let mut builder = Builder::default();
        builder.word(member(), 1, "unblocked*games");
        builder.word(member(), 2, "croxyproxy");
        builder.expression(member(), 3, "/__cpi\\.php\\?").expect("an expression");
        builder.expression(member(), 4, "^[0-9]+\\.example/").expect("an expression");
        let patterns = builder.build();
        assert_eq!((patterns.len(), patterns.slow()), (4, 0));
        let lines = |text: &str| {
            let mut lines = Vec::new();
            patterns.find(text, |_, pattern| lines.push(pattern.line));
            lines
        };
        assert_eq!(lines("unblocked-fun-games.example/"), [1]);
        assert_eq!(lines("games.example/unblocked"), [] as [u32; 0]);
        assert_eq!(lines("www.croxyproxy.example/croxyproxy"), [2]);
        assert_eq!(lines("a.example/__cpi.php?s=1"), [3]);
        assert_eq!(lines("123.example/"), [4]);
        assert_eq!(lines("a123.example/"), [] as [u32; 0]);
    }

    #[test]
    fn an_expression_that_cannot_be_run_is_refused() {
        let mut builder = Builder::default();
        assert_eq!(builder.expression(member(), 1, "(unclosed"), Err(BadPattern::Syntax));
        assert_eq!(builder.expression(member(), 1, "(a)\\1"), Err(BadPattern::Syntax));
        assert_eq!(builder.expression(member(), 1, "((a{99}){99}){99}"), Err(BadPattern::TooLarge));
    }

    proptest::proptest! {
        /// The automaton never hides a match: what the expression alone finds, the whole finds.
        #[test]
        fn the_prefilter_loses_nothing(expression in "[a-c]{1,4}(\\(b\\|c\\))?[a-c.]{0,3}(d\\?|e\\+|\\[ab\\])?[a-c]{0,3}", text in "[a-e]{0,24}") {
            let mut builder = Builder::default();
            builder.expression(member(), 1, &expression).expect("an expression");
            let mut found = false;
            builder.build().find(&text, |_, _| found = true);
            proptest::prop_assert_eq!(found, regex::Regex::new(&expression).expect("an expression").is_match(&text));
        }
    }
}
