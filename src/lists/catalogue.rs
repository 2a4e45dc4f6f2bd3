//! The small things of a compiled file, of which each has its own length: lists, memberships, patterns, phrases.
//!
//! Integers are little-endian. A text is its length (u32) and its UTF-8; a sequence is its count (u32) and its items.
//!
//! | what | of what it is made |
//! | --- | --- |
//! | network lengths | IPv4, then IPv6: a sequence of u8 |
//! | hosts listed alone | u8: 0 or 1 |
//! | the longest prefix | u32 |
//! | lists | name, id of the category, entries (u64) |
//! | memberships | a sequence of members (u16) |
//! | patterns | member (u16), line (u32), 0 for a word or 1 for an expression (u8), text |
//! | literals | text, a sequence of the patterns it announces (u32) |
//! | phrases | member (u16), line (u32), text |
//!
//! Reading believes nothing: every number is checked, nothing is set aside before it is there, and what follows the last item is an error.

use super::members::{Member, Membership};
use super::patterns::{Builder, PatternKind, Patterns};
use super::{ListInfo, Lists, Phrase, Shape};
use crate::category::{CategorySet, Taxonomy};

/// What a catalogue holds.
pub struct Catalogue {
    pub shape: Shape,
    pub lists: Vec<ListInfo>,
    pub memberships: Vec<Membership>,
    pub patterns: Patterns,
    pub phrases: Vec<Phrase>,
}

/// Why a catalogue cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not made as above; the part that is not.
    Malformed(&'static str),
    /// A list has a category that is not in the taxonomy.
    UnknownCategory { list: String, id: String },
}

/// The catalogue of these lists.
pub fn write(lists: &Lists, taxonomy: &Taxonomy) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    let Shape { network_lengths, has_exact, longest_prefix } = &lists.shape;
    network_lengths.iter().for_each(|lengths| out.sequence(lengths.iter(), |out, length| out.u8(*length)));
    out.u8(u8::from(*has_exact));
    out.u32(*longest_prefix);
    out.sequence(lists.lists.iter(), |out, list| {
        out.text(&list.name);
        out.text(&taxonomy.info(list.category).id);
        out.u64(list.entries as u64);
    });
    out.sequence(lists.memberships.iter(), |out, set| out.sequence(set.members.iter(), |out, member| out.u16(member.to_bits())));
    out.sequence(lists.patterns.all().iter(), |out, pattern| {
        out.place(pattern.member, pattern.line);
        out.u8(match pattern.kind() {
            PatternKind::Word => 0,
            PatternKind::Expression => 1,
        });
        out.text(&pattern.text);
    });
    out.sequence(lists.patterns.announcements(), |out, (literal, patterns)| {
        out.text(literal);
        out.sequence(patterns.iter(), |out, pattern| out.u32(*pattern));
    });
    out.sequence(lists.phrases.iter(), |out, phrase| {
        out.place(phrase.member, phrase.line);
        out.text(&phrase.text);
    });
    out.0
}

/// Reads a catalogue. Categories are those of `taxonomy` that have the ids written there.
pub fn read(bytes: &[u8], taxonomy: &Taxonomy) -> Result<Catalogue, Unreadable> {
    let mut bytes = Reader(bytes);
    let shape = bytes.shape()?;
    let lists = bytes.lists(taxonomy)?;
    let memberships = bytes.memberships(&lists)?;
    let patterns = bytes.patterns(lists.len())?;
    let phrases = bytes.sequence("phrases", |bytes| {
        let (member, line) = bytes.place(lists.len())?;
        Some(Phrase { member, line, text: bytes.text()?.into() })
    })?;
    if bytes.0.is_empty() { Ok(Catalogue { shape, lists, memberships, patterns, phrases }) } else { Err(Unreadable::Malformed("end")) }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    fn u16(&mut self, number: u16) {
        self.0.extend(number.to_le_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    /// A length or count; files are capped far below what it cannot say, and one it cannot say is not read again.
    fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    fn place(&mut self, member: Member, line: u32) {
        self.u16(member.to_bits());
        self.u32(line);
    }

    fn sequence<T>(&mut self, items: impl ExactSizeIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.count(items.len());
        items.for_each(|item| each(self, item));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn place(&mut self, lists: usize) -> Option<(Member, u32)> {
        Some((self.member(lists)?, self.u32()?))
    }

    fn member(&mut self, lists: usize) -> Option<Member> {
        Member::from_bits(self.u16()?, lists)
    }

    /// Items one by one, as many as are said to be there: a count that lies ends where the bytes do.
    fn sequence<T>(&mut self, what: &'static str, mut item: impl FnMut(&mut Self) -> Option<T>) -> Result<Vec<T>, Unreadable> {
        let count = self.u32().ok_or(Unreadable::Malformed(what))?;
        (0..count).map(|_| item(self).ok_or(Unreadable::Malformed(what))).collect()
    }

    fn shape(&mut self) -> Result<Shape, Unreadable> {
        let mut lengths = |most: u8| self.sequence("network lengths", |bytes| bytes.u8().filter(|length| *length <= most));
        let network_lengths = [lengths(32)?, lengths(128)?];
        let rest = self.u8().filter(|flag| *flag <= 1).zip(self.u32());
        let (has_exact, longest_prefix) = rest.ok_or(Unreadable::Malformed("prefix length"))?;
        Ok(Shape { network_lengths, has_exact: has_exact == 1, longest_prefix })
    }

    fn lists(&mut self, taxonomy: &Taxonomy) -> Result<Vec<ListInfo>, Unreadable> {
        let lists = self.sequence("lists", |bytes| {
            let (name, id) = (bytes.text()?, bytes.text()?);
            Some((name, id, usize::try_from(bytes.array().map(u64::from_le_bytes)?).ok()?))
        })?;
        let known = |(name, id, entries): (&str, &str, usize)| {
            let category = taxonomy.find(id).ok_or_else(|| Unreadable::UnknownCategory { list: name.to_owned(), id: id.to_owned() })?;
            Ok(ListInfo { name: name.to_owned(), category, entries })
        };
        lists.into_iter().map(known).collect()
    }

    fn memberships(&mut self, lists: &[ListInfo]) -> Result<Vec<Membership>, Unreadable> {
        let category = |list: usize| CategorySet::EMPTY.with(lists[list].category);
        self.sequence("memberships", |bytes| {
            let members = bytes.sequence("members", |bytes| bytes.member(lists.len())).ok()?;
            Some(Membership::new(members.into(), category))
        })
    }

    fn patterns(&mut self, lists: usize) -> Result<Patterns, Unreadable> {
        let mut builder = Builder::default();
        let patterns = self.sequence("patterns", |bytes| {
            let (member, line) = bytes.place(lists)?;
            let kind = match bytes.u8()? {
                0 => PatternKind::Word,
                1 => PatternKind::Expression,
                2.. => return None,
            };
            builder.known(member, line, kind, bytes.text()?);
            Some(())
        })?;
        let known = |number: &u32| usize::try_from(*number).is_ok_and(|number| number < patterns.len());
        self.sequence("literals", |bytes| {
            let literal = bytes.text().filter(|literal| !literal.is_empty())?;
            builder.announce(literal, bytes.sequence("announced patterns", |bytes| bytes.u32().filter(known)).ok()?);
            Some(())
        })?;
        Ok(builder.build())
    }
}
