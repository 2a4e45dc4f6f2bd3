//! One matter, one episode, in whatever order its signs are known.

use super::*;
use crate::alert::signal::{Handled, Intent, Source};
use crate::audit::erasure::gone::fixture;
use crate::category::fixture::taxonomy;
use proptest::prelude::*;

pub(super) const MORNING: u64 = 1_795_600_800_000;
pub(super) const HOUR: u64 = 3_600_000;
pub(super) const KIM: Who = Who(7);

pub(super) fn weights() -> Weights {
    Weights::shipped(&taxonomy(&["self-harm", "adult"]))
}

pub(super) fn signal(theme: Theme, at_ms: u64, key: u64, intent: Intent, strength: u32) -> Signal {
    let record = RecordId(RecordId::first_of(at_ms).0 + key);
    let (source, handled) = (Source::Category, Handled::Passed);
    Signal {
        theme,
        way: None,
        sign: Sign {
            record,
            source,
            intent,
            strength,
            handled,
            helps: false,
            key,
            beside: Vec::new(),
            floor: None,
            rule: None,
            held: false,
            says: format!("Sign {key}."),
        },
    }
}

fn typed(at_ms: u64, key: u64, strength: u32) -> Signal {
    signal(Theme::SelfHarm, at_ms, key, Intent::Typed, strength)
}

/// What steps were taken, in short.
pub(super) fn short(steps: &[Step]) -> Vec<String> {
    let one = |step: &Step| match step {
        Step::Open(begun) => format!("open {} {}", begun.theme.as_str(), begun.level.as_str()),
        Step::Worse { is_back: true, theme, level, records, .. } => format!("back {} {} {}", theme.as_str(), level.as_str(), records.len()),
        Step::Worse { theme, level, .. } => format!("worse {} {}", theme.as_str(), level.as_str()),
        Step::Joined { theme, other, .. } => format!("{} joins {} as {}", other.theme.as_str(), theme.as_str(), other.level.as_str()),
        Step::On { theme, signals, .. } => format!("on {} {signals}", theme.as_str()),
        Step::End { theme, signals, .. } => format!("end {} {signals}", theme.as_str()),
    };
    steps.iter().map(one).collect()
}

impl Episodes {
    /// Takes a sign of a matter that is part of no other.
    pub(super) fn take(&mut self, who: Who, signal: Signal, weights: &Weights) -> Steps {
        self.take_as_one(who, signal, weights, &|_, _| false)
    }
}

#[test]
fn it_opens_worsens_and_ends_and_says_each_once() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let mut take = |signal: Signal| short(&episodes.take(KIM, signal, &weights));
    assert_eq!(take(typed(MORNING, 1, 40)), [] as [&str; 0], "a sign is watched");
    assert_eq!(take(typed(MORNING + 1000, 2, 105)), ["open self-harm concern"]);
    assert_eq!(take(typed(MORNING + 2000, 2, 105)), [] as [&str; 0], "the same again");
    assert_eq!(take(typed(MORNING + 3000, 3, 200)), ["worse self-harm danger"]);
    assert_eq!(take(typed(MORNING + 4000, 4, 200)), [] as [&str; 0], "there is no more than danger");
    let last = MORNING + 4000;
    assert_eq!(episodes.state(KIM, Theme::SelfHarm, last + HOUR / 4, &weights), Some(State::Growing));
    assert_eq!(episodes.state(KIM, Theme::SelfHarm, last + HOUR, &weights), Some(State::Quiet));
    assert_eq!(episodes.tick(last + 167 * HOUR, &weights), []);
    assert_eq!(short(&episodes.tick(last + 169 * HOUR, &weights)), ["end self-harm 5"]);
    assert_eq!(episodes.tick(last + 170 * HOUR, &weights), []);
    // What was in it counts for no other; that it was does.
    let mut take = |signal: Signal| short(&episodes.take(KIM, signal, &weights));
    assert_eq!(take(typed(last + 175 * HOUR, 5, 40)), [] as [&str; 0]);
    assert_eq!(take(typed(last - 1, 6, 200)), [] as [&str; 0], "known late, of what is over");
    assert_eq!(take(typed(last + 176 * HOUR, 6, 200)), ["open self-harm danger"]);
}

#[test]
fn of_who_is_erased_nothing_is_left_but_what_came_after() {
    let weights = weights();
    let gone = |to| fixture::gone(&KIM.to_string(), None, to);
    let mut episodes = Episodes::default();
    for (who, at, key) in [(KIM, MORNING, 1), (KIM, MORNING + 30 * HOUR, 2), (Who(8), MORNING, 1)] {
        episodes.take(who, typed(at, key, 40), &weights);
    }
    let known = |episodes: &Episodes| {
        let mut all: Vec<_> = episodes.matters().map(|(who, _, matter)| (who.0, matter.signs.len(), matter.days.len())).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(known(&episodes), [(7, 2, 2), (8, 1, 1)]);
    let mut some = episodes.clone();
    assert_eq!(some.erase(&gone(Some(MORNING + 20 * HOUR))), 1);
    assert_eq!(known(&some), [(7, 1, 1), (8, 1, 1)], "what came after stays, and its day");
    assert_eq!(episodes.erase(&gone(None)), 2);
    assert_eq!(known(&episodes), [(8, 1, 1)]);
}

#[test]
fn what_goes_on_from_day_to_day_says_so_once_a_day() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let mut take = |at_ms: u64, key: u64| short(&episodes.take(KIM, typed(at_ms, key, 105), &weights));
    assert_eq!(take(MORNING, 1), ["open self-harm concern"]);
    for day in 1..=40 {
        let at = MORNING + day * (24 * HOUR - 60_000);
        assert_eq!(take(at, 1), [format!("on self-harm {}", 2 * day)], "day {day}, the same again");
        assert_eq!(take(at + HOUR / 4, 1), [] as [&str; 0]);
    }
}

#[test]
fn to_be_where_it_only_begins_keeps_no_matter_awake() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let place = |at_ms: u64| {
        let mut signal = typed(at_ms, 99, 100);
        signal.sign.source = Source::Place;
        signal
    };
    let mut take = |signal| short(&episodes.take(KIM, signal, &weights));
    assert_eq!(take(typed(MORNING, 1, 105)), ["open self-harm concern"]);
    for day in 1..=3 {
        assert_eq!(take(place(MORNING + day * 20 * HOUR)), [] as [&str; 0]);
    }
    assert_eq!(take(typed(MORNING + 70 * HOUR, 2, 105)), ["back self-harm concern 2"], "after three days without a sign of it, and told again");
}

#[test]
fn what_comes_after_a_day_is_the_same_matter_and_told_again() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let take = |episodes: &mut Episodes, signal: Signal| short(&episodes.take(KIM, signal, &weights));
    assert_eq!(take(&mut episodes, typed(MORNING, 1, 200)), ["open self-harm danger"]);
    // A weak sign brings nothing back, and does not keep it.
    assert_eq!(take(&mut episodes, typed(MORNING + 25 * HOUR, 2, 25)), [] as [&str; 0]);
    let mut forgotten = episodes.clone();
    assert_eq!(short(&forgotten.tick(MORNING + 169 * HOUR, &weights)), ["end self-harm 1"]);
    // What is known late of the time before counts for nothing.
    assert_eq!(take(&mut episodes, typed(MORNING - HOUR, 3, 200)), [] as [&str; 0]);
    // It is back by what is new, with the weak sign; and then it is as it was: the same again says nothing, a day later it would.
    assert_eq!(take(&mut episodes, typed(MORNING + 26 * HOUR, 4, 105)), ["back self-harm danger 2"]);
    assert_eq!(take(&mut episodes, typed(MORNING + 27 * HOUR, 5, 200)), [] as [&str; 0]);
    assert_eq!(take(&mut episodes, typed(MORNING + 52 * HOUR, 5, 200)), ["back self-harm danger 1"]);
    // A concern that comes back as danger is both.
    let mut concern = Episodes::default();
    take(&mut concern, typed(MORNING, 1, 105));
    assert_eq!(take(&mut concern, typed(MORNING + 26 * HOUR, 1, 200)), ["back self-harm danger 1"]);
}

#[test]
fn a_sign_after_a_week_ends_one_episode_and_begins_another_and_so_does_one_a_day_after_it_was_closed() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    assert_eq!(short(&episodes.take(KIM, typed(MORNING, 1, 105), &weights)), ["open self-harm concern"]);
    let mut closed = episodes.clone();
    let next = episodes.take(KIM, typed(MORNING + 169 * HOUR, 1, 200), &weights);
    assert_eq!(short(&next), ["end self-harm 1", "open self-harm danger"]);
    assert!(matches!(&next[0], Step::End { at_ms, .. } if *at_ms == RecordId::first_of(MORNING).unix_ms() + 168 * HOUR));
    let episode = RecordId(RecordId::first_of(MORNING).0 + 1);
    assert_eq!(closed.closed(episode, Theme::SelfHarm, MORNING + 10), None, "a concern may get worse");
    let mut worse = closed.clone();
    let next = closed.take(KIM, typed(MORNING + 25 * HOUR, 1, 105), &weights);
    assert_eq!(short(&next), ["end self-harm 1", "open self-harm concern"]);
    assert!(matches!(&next[0], Step::End { at_ms, .. } if *at_ms == RecordId::first_of(MORNING).unix_ms() + 24 * HOUR));
    // What got worse is open again.
    assert_eq!(short(&worse.take(KIM, typed(MORNING + HOUR, 2, 200), &weights)), ["worse self-harm danger"]);
    assert_eq!(short(&worse.take(KIM, typed(MORNING + 26 * HOUR, 3, 200), &weights)), ["back self-harm danger 1"]);
}

#[test]
fn danger_that_staff_close_is_over_and_what_comes_after_it_is_another() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let first = RecordId(RecordId::first_of(MORNING).0 + 1);
    episodes.take(KIM, typed(MORNING, 1, 200), &weights);
    episodes.take(Who(8), typed(MORNING, 1, 105), &weights);
    assert_eq!(episodes.closed(RecordId(1), Theme::SelfHarm, MORNING + 10), None, "no such episode");
    assert_eq!(episodes.clone().closed(first, Theme::Abuse, MORNING + 10), None);
    // It is seen only after two more signs that it was closed before them: both are taken again, and the second is the same as the first of all.
    for (after, key) in [(20, 2), (30, 1)] {
        assert!(episodes.take(KIM, typed(MORNING + after, key, 200), &weights).is_empty());
    }
    let (end, again) = episodes.closed(first, Theme::SelfHarm, MORNING + 10).expect("danger");
    assert_eq!((short(&[end]), again.len()), (vec!["end self-harm 3".to_owned()], 2));
    assert_eq!(short(&episodes.take(KIM, typed(MORNING + 20, 2, 200), &weights)), ["open self-harm danger"]);
    assert!(episodes.take(KIM, typed(MORNING, 1, 250), &weights).is_empty(), "known late, of what is over");
    // A concern goes on: it may get worse.
    let mut concern = Episodes::default();
    concern.take(KIM, typed(MORNING, 1, 105), &weights);
    assert_eq!(concern.closed(first, Theme::SelfHarm, MORNING + 10), None);
    // A clock that was hours ahead when it was closed swallows nothing that comes later.
    let mut ahead = Episodes::default();
    ahead.take(KIM, typed(MORNING, 1, 200), &weights);
    assert!(ahead.closed(first, Theme::SelfHarm, MORNING + 9 * HOUR).expect("danger").1.is_empty());
    assert_eq!(short(&ahead.take(KIM, typed(MORNING + HOUR, 3, 200), &weights)), ["open self-harm danger"]);
}

#[test]
fn what_is_held_back_below_danger_counts_where_it_comes_to_danger() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let held = |at, key, strength| {
        let signal = typed(at, key, strength);
        Signal { sign: Sign { held: true, ..signal.sign }, ..signal }
    };
    assert!(episodes.take(KIM, held(MORNING, 1, 105), &weights).is_empty(), "a concern");
    // What is free comes to what it comes to by itself.
    let opened = episodes.clone().take(KIM, typed(MORNING + 2, 3, 105), &weights);
    let Some(Step::Open(begun)) = opened.first() else { panic!("{opened:?}") };
    assert_eq!((begun.level, begun.records.len()), (Level::Concern, 1));
    assert!(episodes.take(KIM, held(MORNING + 1, 2, 105), &weights).is_empty());
    // All of it together is danger, and tells of all of it.
    let opened = episodes.take(KIM, held(MORNING + 3, 3, 105), &weights);
    let Some(Step::Open(begun)) = opened.first() else { panic!("{opened:?}") };
    assert_eq!((begun.level, begun.records.len()), (Level::Danger, 3));
    assert_eq!(short(&Episodes::default().take(KIM, held(MORNING, 1, 200), &weights)), ["open self-harm danger"]);
}

#[test]
fn people_and_themes_are_apart() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    for (who, theme) in [(KIM, Theme::SelfHarm), (Who(8), Theme::SelfHarm), (KIM, Theme::Abuse)] {
        assert_eq!(episodes.take(who, signal(theme, MORNING, 1, Intent::Typed, 200), &weights).len(), 1);
    }
    assert_eq!(episodes.matters().count(), 3);
}

#[test]
fn what_is_stated_holds() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let episode = RecordId::first_of(MORNING);
    episodes.stated_open(KIM, Theme::SelfHarm, Open::stated(episode, Level::Danger, episode, 2), None);
    assert!(episodes.take(KIM, typed(MORNING + 1, 1, 200), &weights).is_empty(), "it joins what is open, and says nothing");
    let mut forgetful = episodes.clone();
    forgetful.keep_open(|_, _, _| false);
    assert_eq!(short(&forgetful.take(KIM, typed(MORNING + 2, 2, 200), &weights)), ["open self-harm danger"]);
    episodes.stated_over(KIM, Theme::SelfHarm, RecordId::first_of(MORNING + 5));
    assert!(episodes.take(KIM, typed(MORNING + 4, 4, 200), &weights).is_empty());
    assert_eq!(episodes.take(KIM, typed(MORNING + 6, 6, 200), &weights).len(), 1);
}

#[test]
fn that_a_matter_came_back_is_known_after_a_start() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let record = |at_ms: u64, key: u64| RecordId(RecordId::first_of(at_ms).0 + key);
    episodes.take(KIM, typed(MORNING, 1, 105), &weights);
    episodes.take(KIM, typed(MORNING + 1, 2, 105), &weights);
    // It was asleep when it was kept; that it came back was stated, and not kept.
    episodes.take(KIM, typed(MORNING + 26 * HOUR, 3, 25), &weights);
    let back = record(MORNING + 27 * HOUR, 4);
    episodes.stated_open(KIM, Theme::SelfHarm, Open::stated(record(MORNING, 1), Level::Concern, back, 4), Some(back));
    assert_eq!(short(&episodes.take(KIM, typed(MORNING + 27 * HOUR, 4, 105), &weights)), [] as [&str; 0], "it is stated");
    let (.., matter) = episodes.matters().next().expect("one");
    assert_eq!((matter.signs.len(), matter.open.as_ref().map(|open| open.is_asleep)), (1, Some(false)), "what was before is done with");
}

#[test]
fn clicks_that_go_astray_are_no_matter_and_many_within_half_an_hour_are() {
    let weights = weights();
    let minutes = 60_000;
    let opened = |theme, at: &[u64]| {
        let mut episodes = Episodes::default();
        let signals = (0..).zip(at).map(|(key, at)| signal(theme, MORNING + at * minutes, key, Intent::Clicked, 100));
        signals.flat_map(|signal| short(&episodes.take(KIM, signal, &weights))).collect::<Vec<_>>()
    };
    let day = 24 * 60;
    for theme in [Theme::Violence, Theme::Hate, Theme::Crime, Theme::Drugs, Theme::Adult, Theme::Gambling] {
        let name = theme.as_str();
        assert_eq!(opened(theme, &(0..40).map(|nth| nth * 16).collect::<Vec<_>>()), [] as [&str; 0], "{name}: one each quarter of an hour, all day");
        assert_eq!(opened(theme, &[0, 1, day, day + 1, 2 * day, 2 * day + 1, 6 * day]), [] as [&str; 0], "{name}: two a day");
        assert_eq!(opened(theme, &[0, 12, 25]), [format!("open {name} concern")], "{name}: three in half an hour");
        assert_eq!(opened(theme, &[day, day + 1, 4 * day, 5 * day, 5 * day + 29]), [] as [&str; 0]);
    }
    // Where it is grave two are enough, days apart; and one is not.
    assert_eq!(opened(Theme::SelfHarm, &[0, 3 * day]), ["open self-harm concern"]);
    assert_eq!(opened(Theme::Extremism, &[0]), [] as [&str; 0]);
    // The same site again and again is one site.
    let mut episodes = Episodes::default();
    for minute in 0..29 {
        assert!(episodes.take(KIM, signal(Theme::Adult, MORNING + minute * minutes, 1, Intent::Clicked, 100), &weights).is_empty());
    }
}

#[test]
fn what_is_kept_is_bounded_and_forgotten() {
    let (weights, mut episodes) = (weights(), Episodes::default());
    for key in 0..200 {
        episodes.take(KIM, typed(MORNING + key, key, 40), &weights);
    }
    assert!(episodes.matters().all(|(_, _, matter)| matter.signs.len() == MOST_SIGNS));
    episodes.tick(MORNING + 40 * DAY_MS, &weights);
    assert_eq!(episodes.matters().count(), 0);
    for who in 0..u128::try_from(MOST_MATTERS).expect("a number") + 10 {
        episodes.take(Who(who), signal(Theme::Adult, MORNING + u64::try_from(who).expect("small"), 1, Intent::Clicked, 100), &weights);
    }
    assert!(episodes.matters().count() <= MOST_MATTERS);
    assert!(!episodes.matters().any(|(who, ..)| who == Who(0)), "the oldest go first");
}

fn any_signal() -> impl Strategy<Value = Signal> {
    let theme = prop::sample::select(vec![Theme::SelfHarm, Theme::Drugs, Theme::Bypass]);
    let intent = prop::sample::select(vec![Intent::Embedded, Intent::Clicked, Intent::Typed]);
    let handled = prop::sample::select(vec![Handled::Passed, Handled::Blocked, Handled::Warned]);
    let strength = prop::sample::select(vec![2_u32, 25, 40, 70, 100, 105, 150, 200]);
    (theme, 0..20 * HOUR, 0..9_u64, intent, (handled, strength, any::<bool>())).prop_map(|(theme, after, key, intent, (handled, strength, helps))| {
        let strength = if theme == Theme::Bypass { strength / 8 } else { strength };
        let signal = signal(theme, MORNING + after, key, intent, strength);
        Signal { sign: Sign { handled, helps, ..signal.sign }, ..signal }
    })
}

fn levels(signals: &[Signal]) -> (Vec<(Theme, Level)>, Vec<Theme>) {
    let (weights, mut episodes) = (weights(), Episodes::default());
    let mut opened = Vec::new();
    for signal in signals {
        for step in episodes.take(KIM, signal.clone(), &weights) {
            if let Step::Open(begun) = step {
                opened.push(begun.theme);
            }
        }
    }
    opened.sort_unstable();
    let mut levels: Vec<_> = episodes.matters().filter_map(|(_, theme, matter)| Some((theme, matter.open.as_ref()?.level))).collect();
    levels.sort_unstable();
    (levels, opened)
}

proptest! {
    #[test]
    fn any_order_of_the_same_signs_comes_to_the_same(
        (signals, shuffled) in prop::collection::vec(any_signal(), 1..24).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        let (levels_of, opened) = levels(&signals);
        prop_assert_eq!(levels(&shuffled), (levels_of, opened.clone()));
        // Nothing is opened twice, and what comes again changes nothing.
        let twice: Vec<_> = signals.iter().chain(&shuffled).cloned().collect();
        prop_assert_eq!(levels(&twice).1, opened);
    }
}
