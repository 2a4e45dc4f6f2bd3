//! Phrases that may begin within a word, as most of e2guardian's do: an automaton of their own steps through every byte.

use super::{Here, LOAD, Spelled};
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

/// To what depth the automaton's states have a row of their own for every byte; below it they are lists, and a step may follow several links. Measured
/// with 20,000 phrases: 2, the crate's own, 8.9 ns a byte; 4 7.3; 5 6.9; 6 7.1; 8 8.3. A DFA takes fewer instructions and 38 MiB instead of 4, and is slower
/// for missing the caches: 10.6. Probing the last bytes at each place, as is done with words, took twice the instructions and was no faster.
const DENSE: usize = 5;

/// Phrases that may begin within a word.
#[derive(Debug)]
pub struct Endings {
    automaton: NFA,
    /// The phrases, by their place in the automaton.
    phrases: Box<[u32]>,
}

/// Where in a block something ends.
#[derive(Default)]
pub struct Ends {
    /// The highest bit of each byte behind which something does.
    pub bits: u64,
    states: [StateID; LOAD],
}

impl Endings {
    /// The phrases with these numbers. None if they are too many.
    pub fn of(phrases: Vec<u32>, spelled: &Spelled) -> Option<Self> {
        let patterns = phrases.iter().map(|phrase| spelled.get(*phrase));
        let automaton = NFA::builder().match_kind(MatchKind::Standard).prefilter(false).dense_depth(DENSE).build(patterns).ok()?;
        Some(Self { automaton, phrases: phrases.into() })
    }

    /// Steps through at most a load of bytes, from the state that is kept; at the beginning there is none.
    pub fn step(&self, kept: &mut Option<StateID>, bytes: &[u8]) -> Ends {
        let mut ends = Ends::default();
        let Some(mut state) = kept.or_else(|| self.automaton.start_state(Anchored::No).ok()) else { return ends };
        for (place, byte) in bytes.iter().enumerate().take(LOAD) {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            ends.states[place] = state;
            ends.bits |= u64::from(self.automaton.is_special(state) && self.automaton.is_match(state)) << (8 * place + 7);
        }
        *kept = Some(state);
        ends
    }

    /// Adds the phrases that end with the byte that has this bit, the longest first.
    pub fn at(&self, ends: &Ends, bit: u32, here: &mut Here) {
        let state = ends.states[(bit / 8) as usize % LOAD];
        if ends.bits >> bit & 1 == 1 {
            here.extend((0..self.automaton.match_len(state)).map(|place| self.phrases[self.automaton.match_pattern(state, place).as_usize()]));
        }
    }

    /// What it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.automaton.memory_usage() + size_of_val(&*self.phrases)
    }
}
