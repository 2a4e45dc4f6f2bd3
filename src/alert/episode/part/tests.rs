//! What belongs together, and what does not.

use super::super::tests::{HOUR, KIM, MORNING, short, signal, weights};
use super::*;
use crate::alert::signal::{Intent, Signal};
use crate::audit::incident::Level::{Concern, Danger};
use proptest::prelude::*;
use std::collections::HashSet;

/// All that is typed is for the same people.
const ALIKE: fn(Theme, Theme) -> bool = |_, _| true;
const MINUTE: u64 = 60_000;
const NOTHING: [&str; 0] = [];

/// What somebody searched for, so many minutes into the morning, that comes to this by itself.
fn asked(theme: Theme, minute: u64, level: Level) -> Signal {
    let mut signal = signal(theme, MORNING + minute * MINUTE, 100 * theme as u64 + minute, Intent::Typed, if level == Danger { 200 } else { 105 });
    signal.sign.source = Source::Search;
    signal
}

/// That a site is listed, on which somebody clicked three times.
fn listed(theme: Theme, minute: u64) -> Signal {
    Signal { sign: Sign { source: Source::Category, ..asked(theme, minute, Concern).sign }, ..asked(theme, minute, Concern) }
}

/// The steps of each of these signs of one person.
fn steps(signals: impl IntoIterator<Item = Signal>) -> Vec<String> {
    let mut episodes = Episodes::default();
    signals.into_iter().flat_map(|signal| short(&episodes.take_as_one(KIM, signal, &weights(), &ALIKE))).collect()
}

#[test]
fn what_is_typed_in_one_sitting_is_one_matter() {
    let all = steps([asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Concern), asked(Theme::Abuse, 4, Concern), asked(Theme::Drugs, 5, Concern)]);
    assert_eq!(all, ["open extremism concern", "abuse joins extremism as concern", "drugs joins extremism as concern"], "each once, and told to nobody again");
    let all = steps([asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Danger), asked(Theme::Extremism, 4, Danger)]);
    assert_eq!(all, ["open extremism concern", "worse extremism danger"], "the other danger with it");
    let all = steps([asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Concern), asked(Theme::Abuse, 4, Danger)]);
    assert_eq!(all, ["open extremism concern", "abuse joins extremism as concern", "worse extremism danger"], "also if it gets so later");
}

#[test]
fn a_graver_theme_is_told_again() {
    let all = steps([asked(Theme::Gambling, 0, Concern), asked(Theme::SelfHarm, 3, Concern)]);
    assert_eq!(all, ["open gambling concern", "worse gambling concern"]);
    let all = steps([asked(Theme::SelfHarm, 0, Concern), asked(Theme::Gambling, 3, Concern)]);
    assert_eq!(all, ["open self-harm concern", "gambling joins self-harm as concern"]);
}

#[test]
fn no_danger_hides_in_another_matter() {
    let all = steps([asked(Theme::Extremism, 0, Danger), asked(Theme::Abuse, 3, Danger)]);
    assert_eq!(all, ["open extremism danger", "worse extremism danger"], "of another theme, and told");
    let all = steps([asked(Theme::Extremism, 0, Danger), asked(Theme::Abuse, 3, Concern), asked(Theme::Abuse, 4, Danger)]);
    assert_eq!(all, ["open extremism danger", "abuse joins extremism as concern", "worse extremism danger"], "also if it comes to that later");
    let all = steps([asked(Theme::Gambling, 0, Danger), asked(Theme::SelfHarm, 3, Concern)]);
    assert_eq!(all, ["open gambling danger", "worse gambling danger"], "nor a grave theme");
}

#[test]
fn what_others_are_told_of_is_another_matter() {
    let mut episodes = Episodes::default();
    let mut take = |signal| short(&episodes.take_as_one(KIM, signal, &weights(), &|one, other| ![one, other].contains(&Theme::Drugs)));
    assert_eq!(take(asked(Theme::Extremism, 0, Concern)), ["open extremism concern"]);
    assert_eq!(take(asked(Theme::Drugs, 1, Concern)), ["open drugs concern"]);
    assert_eq!(take(asked(Theme::Abuse, 2, Concern)), ["abuse joins extremism as concern"]);
}

#[test]
fn what_is_a_matter_by_itself_stays_one() {
    let two = |second: Signal| steps([asked(Theme::Extremism, 0, Concern), second]).len();
    assert_eq!(steps([asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 15, Concern)]), ["open extremism concern", "open abuse concern"], "later");
    assert_eq!(two(listed(Theme::SelfHarm, 3)), 2, "a site: {:?}", steps([asked(Theme::Extremism, 0, Concern), listed(Theme::SelfHarm, 3)]));
    let mut illegal = asked(Theme::Illegal, 3, Concern);
    illegal.sign.floor = Some(Danger);
    assert_eq!(steps([asked(Theme::Extremism, 0, Concern), illegal]), ["open extremism concern", "open illegal danger"]);
    let mut episodes = Episodes::default();
    episodes.take_as_one(KIM, asked(Theme::Extremism, 0, Concern), &weights(), &ALIKE);
    assert_eq!(short(&episodes.take(Who(8), asked(Theme::Abuse, 3, Concern), &weights())), ["open abuse concern"], "somebody else");
    // What has an episode of its own keeps it.
    let (mut episodes, weights) = (Episodes::default(), weights());
    let mut take = |signal| short(&episodes.take_as_one(KIM, signal, &weights, &ALIKE));
    assert_eq!(take(asked(Theme::Extremism, 0, Concern)), ["open extremism concern"]);
    assert_eq!(take(asked(Theme::Abuse, 60, Concern)), ["open abuse concern"]);
    assert_eq!(take(asked(Theme::Extremism, 61, Danger)), ["worse extremism danger"]);
}

#[test]
fn a_matter_that_staff_have_closed_takes_nothing_up_and_with_a_danger_its_parts_are_over() {
    let (mut episodes, weights) = (Episodes::default(), weights());
    let Some(Step::Open(begun)) = episodes.take_as_one(KIM, asked(Theme::Extremism, 0, Concern), &weights, &ALIKE).pop() else { panic!("it opens") };
    assert!(episodes.closed(begun.episode, Theme::Extremism, MORNING + MINUTE).is_none(), "a concern goes on being watched");
    assert_eq!(short(&episodes.take_as_one(KIM, asked(Theme::Abuse, 3, Concern), &weights, &ALIKE)), ["open abuse concern"]);
    let mut episodes = Episodes::default();
    let Some(Step::Open(begun)) = episodes.take_as_one(KIM, asked(Theme::Extremism, 0, Danger), &weights, &ALIKE).pop() else { panic!("it opens") };
    assert_eq!(short(&episodes.take_as_one(KIM, asked(Theme::Abuse, 3, Concern), &weights, &ALIKE)), ["abuse joins extremism as concern"]);
    let (end, again) = episodes.closed(begun.episode, Theme::Extremism, MORNING + 5 * MINUTE).expect("it is over");
    assert_eq!((short(&[end]), again), (vec!["end extremism 2".to_owned()], Vec::new()));
    assert_eq!(short(&episodes.take_as_one(KIM, asked(Theme::Abuse, 7, Concern), &weights, &ALIKE)), ["open abuse concern"], "another matter");
}

#[test]
fn a_part_keeps_the_whole_awake_and_is_done_with_after_a_day() {
    let (mut episodes, weights) = (Episodes::default(), weights());
    let day = 24 * 60;
    let mut take = |signal| short(&episodes.take_as_one(KIM, signal, &weights, &ALIKE));
    assert_eq!(take(asked(Theme::Extremism, 0, Concern)), ["open extremism concern"]);
    assert_eq!(take(asked(Theme::Abuse, 3, Concern)), ["abuse joins extremism as concern"]);
    assert_eq!(take(asked(Theme::Abuse, day - 60, Concern)), ["on extremism 3"]);
    assert_eq!(take(asked(Theme::Extremism, day + 60, Concern)), NOTHING, "it was never away");
    assert_eq!(take(asked(Theme::Abuse, 3 * day, Concern)), ["open abuse concern"], "by itself, days later");
    episodes.tick(MORNING + 400 * HOUR, &weights);
    assert!(episodes.matters().all(|(.., matter)| matter.open.is_none()));
}

#[test]
fn after_a_start_a_part_is_a_part() {
    let (mut episodes, weights) = (Episodes::default(), weights());
    episodes.take_as_one(KIM, asked(Theme::Extremism, 0, Concern), &weights, &ALIKE);
    episodes.take_as_one(KIM, asked(Theme::Abuse, 3, Concern), &weights, &ALIKE);
    // From what is kept.
    let mut again = Episodes::default();
    for (who, theme, matter) in episodes.matters() {
        let text = serde_json::to_string(matter).expect("written");
        again.restore(who, theme, serde_json::from_str(&text).expect("read"));
    }
    assert_eq!(short(&again.take_as_one(KIM, asked(Theme::Abuse, 4, Danger), &weights, &ALIKE)), ["worse extremism danger"]);
    // From what is stated, and the record read again.
    let open = episodes.matters().find_map(|(_, theme, matter)| matter.open.clone().filter(|_| theme == Theme::Extremism)).expect("open");
    let mut again = Episodes::default();
    again.stated_open(KIM, Theme::Extremism, open.clone(), None);
    again.stated_part(KIM, Theme::Abuse, Open { part_of: Some(Theme::Extremism), ..open });
    let read_again = [asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Concern)];
    assert_eq!(read_again.map(|signal| short(&again.take_as_one(KIM, signal, &weights, &ALIKE))).concat(), NOTHING);
    assert_eq!(short(&again.take_as_one(KIM, asked(Theme::Abuse, 4, Danger), &weights, &ALIKE)), ["worse extremism danger"]);
}

#[test]
fn a_start_brings_back_no_part_that_is_done_with() {
    let (weights, day) = (weights(), 24 * 60);
    let mut episodes = Episodes::default();
    episodes.take_as_one(KIM, asked(Theme::Extremism, 0, Danger), &weights, &ALIKE);
    let part = asked(Theme::Abuse, 3, Danger);
    let last = part.sign.record;
    episodes.take_as_one(KIM, part, &weights, &ALIKE);
    episodes.tick(MORNING + 30 * HOUR, &weights);
    let open = |theme| episodes.matters().find(|(_, of, _)| *of == theme).and_then(|(.., matter)| matter.open.clone());
    let whole = open(Theme::Extremism).expect("open");
    assert_eq!(open(Theme::Abuse), None);
    let mut again = Episodes::default();
    again.stated_open(KIM, Theme::Extremism, whole.clone(), None);
    again.stated_part(KIM, Theme::Abuse, Open { part_of: Some(Theme::Extremism), ..Open::stated(whole.episode, Danger, last, 1) });
    for mut known in [episodes.clone(), again] {
        let told = short(&known.take_as_one(KIM, asked(Theme::Abuse, 3 * day, Danger), &weights, &ALIKE));
        assert_eq!(told, ["open abuse danger"], "a new danger is told, with and without a start in between");
    }
}

#[test]
fn a_danger_is_told_also_where_what_it_is_part_of_was_danger_or_is_over() {
    let weights = weights();
    let mut episodes = Episodes::default();
    let first = asked(Theme::Gambling, 0, Danger);
    let episode = first.sign.record;
    episodes.take_as_one(KIM, first, &weights, &ALIKE);
    let part = asked(Theme::SelfHarm, 3, Concern);
    let last = part.sign.record;
    assert_eq!(short(&episodes.take_as_one(KIM, part, &weights, &ALIKE)), ["worse gambling danger"]);
    // A start in between, with what was kept and what is stated.
    episodes.stated_open(KIM, Theme::Gambling, Open::stated(episode, Danger, last, 2), None);
    episodes.stated_part(KIM, Theme::SelfHarm, Open { part_of: Some(Theme::Gambling), ..Open::stated(episode, Concern, last, 1) });
    let danger = || asked(Theme::SelfHarm, 5, Danger);
    assert_eq!(short(&episodes.clone().take_as_one(KIM, danger(), &weights, &ALIKE)), ["worse gambling danger"]);
    episodes.stated_over(KIM, Theme::Gambling, last);
    assert_eq!(short(&episodes.take_as_one(KIM, danger(), &weights, &ALIKE)), ["open self-harm danger"]);
}

proptest! {
    #[test]
    fn whatever_is_stated_is_of_an_episode_that_is_open(
        signs in prop::collection::vec((0..11usize, 0..40u64, prop::bool::ANY, prop::bool::ANY, prop::option::of(0..8usize)), 1..40),
        pace in prop::sample::select(vec![1, 7, 400, 2000]),
    ) {
        let (mut episodes, weights, mut open, mut minute) = (Episodes::default(), weights(), Vec::new(), 0);
        for (theme, after, is_danger, is_typed, closes) in signs {
            minute += after * pace;
            let (theme, level) = (Theme::NAMES[theme].1, if is_danger { Danger } else { Concern });
            let signal = if is_typed { asked(theme, minute, level) } else { listed(theme, minute) };
            follow(&mut open, &episodes.take_as_one(KIM, signal, &weights, &ALIKE))?;
            if let Some(closed) = closes.and_then(|place| open.get(place).copied()) {
                let end = episodes.closed(closed.0, closed.1, MORNING + (minute + 1) * MINUTE);
                follow(&mut open, &end.map(|(end, _)| end).into_iter().collect::<Vec<_>>())?;
            }
        }
        follow(&mut open, &episodes.tick(MORNING + (minute + 1_000_000) * MINUTE, &weights))?;
        prop_assert!(open.is_empty() && episodes.matters().all(|(.., matter)| matter.open.is_none()), "{open:?}");
    }
}

/// Goes through steps: which episodes are open after them.
fn follow(open: &mut Vec<(RecordId, Theme)>, steps: &[Step]) -> Result<(), TestCaseError> {
    for step in steps {
        match step {
            Step::Open(begun) => {
                prop_assert!(!open.contains(&(begun.episode, begun.theme)), "{begun:?} is open");
                open.push((begun.episode, begun.theme));
            }
            Step::Joined { episode, theme, other } => {
                prop_assert!(
                    open.contains(&(*episode, *theme)) && other.theme != *theme && !is_alone(other.theme) && !is_alone(*theme),
                    "{step:?} of {open:?}"
                );
            }
            Step::Worse { episode, theme, .. } | Step::On { episode, theme, .. } => prop_assert!(open.contains(&(*episode, *theme)), "{step:?} of {open:?}"),
            Step::End { episode, theme, .. } => {
                prop_assert!(open.contains(&(*episode, *theme)), "{step:?} of {open:?}");
                open.retain(|one| one != &(*episode, *theme));
            }
        }
    }
    let all: HashSet<_> = open.iter().map(|(_, theme)| *theme).collect();
    prop_assert_eq!(all.len(), open.len(), "one of a theme");
    Ok(())
}
