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

/// A theme in a file, by its name.
pub(super) mod name {
    use super::Theme;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::ref_option, reason = "serde asks so")]
    pub fn serialize<S: Serializer>(theme: &Option<Theme>, serializer: S) -> Result<S::Ok, S::Error> {
        match theme {
            Some(theme) => serializer.serialize_some(theme.as_str()),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Theme>, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        name.map(|name| Theme::named(&name).ok_or_else(|| D::Error::custom("no theme"))).transpose()
    }
}

fn is_alone(theme: Theme) -> bool {
    matches!(theme, Theme::Bypass | Theme::Illegal)
}

fn is_typed(sign: &Sign) -> bool {
    matches!(sign.source, Source::Search | Source::Prompt)
}

impl Episodes {
    /// What becomes of a matter by this sign, where it may be part of another.
    pub(super) fn as_one(&mut self, who: Who, (theme, sign): (Theme, &Sign), steps: Steps, weights: &Weights, alike: &dyn Fn(Theme, Theme) -> bool) -> Steps {
        let mut all = Steps::new();
        for step in steps {
            all.extend(match step {
                Step::Open(begun) => match self.whole_of(who, theme, sign, alike) {
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

    /// The theme of the open episode that this sign is typed with.
    fn whole_of(&self, who: Who, theme: Theme, sign: &Sign, alike: &dyn Fn(Theme, Theme) -> bool) -> Option<Theme> {
        if is_alone(theme) || !is_typed(sign) {
            return None;
        }
        let is_near = |other: &Sign| is_typed(other) && other.at_ms().abs_diff(sign.at_ms()) < WITHIN_MS;
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

    /// The episode that these are parts of is over with this record. Returns the records of their signs that came after it.
    pub(super) fn parts_closed(&mut self, who: Who, (episode, of): (RecordId, Theme), last: RecordId) -> Vec<RecordId> {
        let mut again = Vec::new();
        for (_, theme) in Theme::NAMES {
            let Some(matter) = self.matters.get_mut(&(who, theme)) else { continue };
            if matter.open.as_ref().is_some_and(|open| open.part_of == Some(of) && open.episode == episode) {
                let newest = matter.open.as_ref().map(|open| open.last);
                again.extend(matter.signs.iter().map(|sign| sign.record).chain(newest).filter(|record| *record > last));
                self.signs = self.signs.saturating_sub(matter.signs.len());
                matter.signs.clear();
                matter.open = None;
                matter.over = matter.over.max(Some(last));
            }
        }
        again
    }

    /// An episode of this theme is over, as is stated: what was part of it is too.
    pub(super) fn parts_over(&mut self, who: Who, of: Theme, last: RecordId) {
        let all = self.matters.iter_mut().filter(|((known, _), _)| *known == who);
        for (_, matter) in all.filter(|(_, matter)| matter.open.as_ref().is_some_and(|open| open.part_of == Some(of) && open.episode <= last)) {
            matter.part_over();
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
