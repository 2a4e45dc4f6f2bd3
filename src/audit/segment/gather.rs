//! What rows share, gathered in whatever order it comes and then sorted.

use super::Line;
use super::dictionary::{Dictionaries, reversed};
use crate::audit::entry::Decoder;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Gives each value a number in the order they come.
pub(in crate::audit) struct Interner<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    /// The number of a value, given now if it has none.
    pub(in crate::audit) fn number<Q: ?Sized + Eq + Hash>(&mut self, value: &Q) -> u32
    where
        T: Borrow<Q> + for<'q> From<&'q Q>,
    {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        self.add(T::from(value))
    }

    fn add(&mut self, value: T) -> u32 {
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.numbers.insert(value.clone(), number);
        self.values.push(value);
        number
    }

    /// The values in order, and for each number given its place there.
    fn sorted_by_key<K: Ord>(self, key: impl Fn(&T) -> K) -> (Vec<T>, Vec<u32>) {
        drop(self.numbers);
        let mut order: Vec<_> = self.values.into_iter().enumerate().collect();
        order.sort_by_cached_key(|(_, value)| key(value));
        let mut places = vec![0; order.len()];
        for (place, (number, _)) in order.iter().enumerate() {
            places[*number] = u32::try_from(place).unwrap_or(u32::MAX);
        }
        (order.into_iter().map(|(_, value)| value).collect(), places)
    }
}

/// All that rows share, each once, by the number it got when it first came.
#[derive(Default)]
pub(in crate::audit) struct Gathered {
    /// Canonical bytes, known to read.
    pub(in crate::audit) whos: Interner<Box<[u8]>>,
    /// Canonical bytes, known to read.
    pub(in crate::audit) judgements: Interner<Box<[u8]>>,
    /// Canonical bytes.
    pub(in crate::audit) shapes: Interner<Box<[u8]>>,
    pub(in crate::audit) texts: Interner<Box<str>>,
    /// As people write them.
    pub(in crate::audit) hosts: Interner<Box<str>>,
}

impl Gathered {
    /// The dictionaries, and where in them each is.
    pub(in crate::audit) fn sorted(self) -> (Dictionaries, Places) {
        let (whos, who_places) = self.whos.sorted_by_key(|who| Decoder::new(who).who().ok());
        let (judgements, judgement_places) = self.judgements.sorted_by_key(Clone::clone);
        let (shapes, shape_places) = self.shapes.sorted_by_key(Clone::clone);
        let (texts, text_places) = self.texts.sorted_by_key(Clone::clone);
        let (hosts, host_places) = self.hosts.sorted_by_key(|host| reversed(host));
        let dictionaries = Dictionaries {
            whos: whos.iter().filter_map(|who| Decoder::new(who).who().ok()).collect(),
            judgements: judgements.iter().filter_map(|judgement| Decoder::new(judgement).judgement().ok()).collect(),
            shapes,
            texts,
            hosts: hosts.iter().map(|host| reversed(host)).collect(),
        };
        (dictionaries, Places { whos: who_places, judgements: judgement_places, shapes: shape_places, texts: text_places, hosts: host_places })
    }
}

/// Where the entries of one set of dictionaries are in another.
pub(in crate::audit) struct Places {
    pub(in crate::audit) whos: Vec<u32>,
    pub(in crate::audit) judgements: Vec<u32>,
    pub(in crate::audit) shapes: Vec<u32>,
    pub(in crate::audit) texts: Vec<u32>,
    pub(in crate::audit) hosts: Vec<u32>,
}

fn at(places: &[u32], number: u32) -> u32 {
    places.get(number as usize).copied().unwrap_or(u32::MAX)
}

impl Places {
    /// A row with its numbers in the other dictionaries.
    pub(in crate::audit) fn of<'l>(&self, line: Line<'l>) -> Line<'l> {
        let mut ending = line.ending;
        if let Some(ending) = &mut ending {
            ending.upstream = ending.upstream.map(|text| at(&self.texts, text));
            ending.note = ending.note.map(|text| at(&self.texts, text));
        }
        Line {
            who: at(&self.whos, line.who),
            host: at(&self.hosts, line.host),
            judgement: at(&self.judgements, line.judgement),
            shape: at(&self.shapes, line.shape),
            referrer: line.referrer.map(|host| at(&self.hosts, host)),
            ending,
            ..line
        }
    }

    /// Where the entries are in a third set, given where those of the second are.
    pub(in crate::audit) fn then(self, next: &Self) -> Self {
        let through = |first: Vec<u32>, second: &[u32]| first.into_iter().map(|number| at(second, number)).collect();
        Self {
            whos: through(self.whos, &next.whos),
            judgements: through(self.judgements, &next.judgements),
            shapes: through(self.shapes, &next.shapes),
            texts: through(self.texts, &next.texts),
            hosts: through(self.hosts, &next.hosts),
        }
    }
}
