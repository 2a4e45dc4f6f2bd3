//! What one person types in one sitting is one matter, also where it is of several themes: what would be an episode of its own becomes a part of the one that is open.
//!
//! A pupil searches for how to hurt a boy, and a minute later for what people of his religion deserve: that is one child, one matter and one message, and not two. So
//! what comes to a concern by what was typed, within a quarter of an hour of something else that was typed and of which an episode is open, is part of that, and told to
//! nobody again. What is danger, or of a grave theme where the first is none, is part of it too, and all are told, each time: no danger hides in another matter.
//!
//! Matters stay two where they are told to others: of themes that the school's routes do not treat alike, and always of ways round the filter and of what is against the
//! law. So they do where only a device is known, at which another may sit by now.
//!
//! A part has signs of its own, and they come to what they come to by themselves. After a day without one it is a part no more, and done with.

use super::{Begun, Episodes, Matter, Open, Step, Steps, Who};
use crate::alert::signal::{Sign, Source};
use crate::alert::sitting::WITHIN_MS;
use crate::alert::theme::Theme;
use crate::alert::weights::Weights;
use crate::audit::RecordId;
use crate::audit::incident::Level;

fn is_alone(theme: Theme) -> bool {
    matches!(theme, Theme::Bypass | Theme::Illegal)
}

/// When a sign was typed, if it was, in Unix milliseconds.
pub(super) fn typed_ms(sign: &Sign) -> Option<u64> {
    matches!(sign.source, Source::Search | Source::Prompt).then(|| sign.at_ms())
}

impl Episodes {
    /// What becomes of a matter by a sign, where it may be part of another: by one that was typed, at this time.
    pub(super) fn as_one(
        &mut self,
        who: Who,
        theme: Theme,
        typed_ms: Option<u64>,
        steps: Steps,
        weights: &Weights,
        alike: &dyn Fn(Theme, Theme) -> bool,
    ) -> Steps {
        let mut all = Steps::new();
        for step in steps {
            all.extend(match step {
                Step::Open(begun) => match typed_ms.and_then(|at_ms| self.whole_of(who, theme, at_ms, alike)) {
                    Some(whole) => self.join(who, (theme, whole), begun, weights),
                    None => Some(Step::Open(begun)),
                },
                Step::Worse { .. } => self.worse(who, theme, step),
                Step::Joined { .. } | Step::On { .. } | Step::End { .. } => Some(step),
            });
        }
        // What is heard of a part is heard of the whole.
        if let Some((of, last)) = self.part(who, theme)
            && let Some(whole) = self.open_mut(who, of)
            && whole.last < last
        {
            let is_another_day = whole.last.unix_ms() / super::DAY_MS < last.unix_ms() / super::DAY_MS;
            (whole.last, whole.signals) = (last, whole.signals.saturating_add(1));
            if is_another_day {
                all.push(Step::On { episode: whole.episode, theme: of, signals: whole.signals, last });
            }
        }
        all
    }

    /// The theme of the open episode that what was typed then of another theme is part of.
    fn whole_of(&self, who: Who, theme: Theme, at_ms: u64, alike: &dyn Fn(Theme, Theme) -> bool) -> Option<Theme> {
        if is_alone(theme) {
            return None;
        }
        let is_near = |other: &Sign| typed_ms(other).is_some_and(|other| other.abs_diff(at_ms) < WITHIN_MS);
        let is_one = |of: Theme| {
            let matter = self.matters.get(&(who, of)).filter(|_| of != theme && !is_alone(of) && alike(of, theme))?;
            let open = matter.open.as_ref().filter(|open| open.part_of.is_none() && !open.is_closed && !open.is_asleep)?;
            matter.signs.iter().any(is_near).then_some((open.last, of))
        };
        Theme::NAMES.into_iter().filter_map(|(_, of)| is_one(of)).max_by_key(|(last, of)| (*last, std::cmp::Reverse(*of))).map(|(_, of)| of)
    }

    /// What would be an episode of the first theme becomes part of the one of the second.
    fn join(&mut self, who: Who, (theme, of): (Theme, Theme), begun: Box<Begun>, weights: &Weights) -> Option<Step> {
        let is_grave = |theme| weights.of(theme).is_grave();
        let Some(whole) = self.open_mut(who, of) else { return Some(Step::Open(begun)) };
        whole.level = whole.level.max(begun.level);
        let (episode, level) = (whole.episode, whole.level);
        let part = self.open_mut(who, theme)?;
        (part.episode, part.part_of) = (episode, Some(of));
        if begun.level < Level::Danger && (is_grave(of) || !is_grave(theme)) {
            return Some(Step::Joined { episode, theme: of, other: begun });
        }
        let Begun { at_ms, factors, records, .. } = *begun;
        Some(Step::Worse { is_back: false, also: Some(theme), episode, theme: of, level, at_ms, factors, records })
    }

    /// What got worse, where it is a part: the whole did.
    fn worse(&mut self, who: Who, theme: Theme, step: Step) -> Option<Step> {
        let Some((of, _)) = self.part(who, theme) else { return Some(step) };
        let Step::Worse { level, at_ms, factors, records, .. } = step else { return Some(step) };
        let Some(whole) = self.open_mut(who, of) else {
            // What it was part of is over.
            let episode = *records.first()?;
            let own = self.open_mut(who, theme)?;
            (own.episode, own.part_of) = (episode, None);
            return Some(Step::Open(Box::new(Begun { episode, theme, level, at_ms, rule: None, factors, records })));
        };
        (whole.level, whole.is_closed) = (whole.level.max(level), false);
        Some(Step::Worse { is_back: false, also: Some(theme), episode: whole.episode, theme: of, level: whole.level, at_ms, factors, records })
    }

    fn open_mut(&mut self, who: Who, theme: Theme) -> Option<&mut Open> {
        self.matters.get_mut(&(who, theme))?.open.as_mut()
    }

    /// The theme that a matter is part of, and its last record.
    fn part(&self, who: Who, theme: Theme) -> Option<(Theme, RecordId)> {
        let open = self.matters.get(&(who, theme))?.open.as_ref()?;
        Some((open.part_of?, open.last))
    }

    /// What is known of a theme, if it is part of an episode of the other.
    fn part_mut(&mut self, who: Who, theme: Theme, of: Theme) -> Option<&mut Matter> {
        self.matters.get_mut(&(who, theme)).filter(|matter| matter.open.as_ref().is_some_and(|open| open.part_of == Some(of)))
    }

    /// The episode that these are parts of is over with this record. Returns the records of their signs that came after it.
    pub(super) fn parts_closed(&mut self, who: Who, of: Theme, last: RecordId) -> Vec<RecordId> {
        let (mut again, mut signs) = (Vec::new(), 0);
        for (_, theme) in Theme::NAMES {
            let Some(matter) = self.part_mut(who, theme, of) else { continue };
            let newest = matter.open.take().map(|open| open.last);
            signs += matter.signs.len();
            again.extend(matter.signs.drain(..).map(|sign| sign.record).chain(newest).filter(|record| *record > last));
            matter.over = matter.over.max(Some(last));
        }
        self.signs = self.signs.saturating_sub(signs);
        again
    }

    /// An episode of this theme is over, as is stated: what was part of it is too.
    pub(super) fn parts_over(&mut self, who: Who, of: Theme, last: RecordId) {
        for (_, theme) in Theme::NAMES {
            if let Some(matter) = self.part_mut(who, theme, of).filter(|matter| matter.open.as_ref().is_some_and(|open| open.episode <= last)) {
                matter.part_over();
            }
        }
    }

    /// What is stated holds: what is known of this theme is part of that episode, if nothing else is known of it, and it is not done with. How grave the part was by itself
    /// is not stated: as a concern it is told once too often at the worst.
    pub fn stated_part(&mut self, who: Who, theme: Theme, part: Open) {
        let matter = self.matters.entry((who, theme)).or_default();
        match &mut matter.open {
            Some(_) => {}
            none if matter.over < Some(part.last) => *none = Some(part),
            None => {}
        }
    }
}

impl Matter {
    /// It is a part no more, and done with.
    pub(super) fn part_over(&mut self) {
        if let Some(open) = self.open.take() {
            self.done(open.last);
        }
    }
}

#[cfg(test)]
mod tests;
