//! What belongs together, and what does not.

use super::super::tests::{HOUR, KIM, MORNING, short, signal, weights};
use super::*;
use crate::alert::signal::{Intent, Signal};
use crate::audit::incident::Level::{Concern, Danger};

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
    signals.into_iter().flat_map(|signal| short(&episodes.take(KIM, signal, &weights()))).collect()
}

#[test]
fn what_is_typed_in_one_sitting_is_one_matter() {
    let all = steps([asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Concern), asked(Theme::Abuse, 4, Concern), asked(Theme::Drugs, 5, Concern)]);
    assert_eq!(all, ["open extremism concern", "abuse joins extremism as concern", "drugs joins extremism as concern"], "each once, and told to nobody again");
    let all = steps([asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Danger), asked(Theme::Extremism, 4, Danger)]);
    assert_eq!(all, ["open extremism concern", "abuse joins extremism as danger", "worse extremism danger"], "danger once");
    let all = steps([asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Concern), asked(Theme::Abuse, 4, Danger)]);
    assert_eq!(all, ["open extremism concern", "abuse joins extremism as concern", "worse extremism danger"], "also if it gets so later");
}

#[test]
fn a_graver_theme_is_told_again() {
    let all = steps([asked(Theme::Gambling, 0, Concern), asked(Theme::SelfHarm, 3, Concern)]);
    assert_eq!(all, ["open gambling concern", "self-harm joins gambling as concern", "worse gambling concern"]);
    let all = steps([asked(Theme::SelfHarm, 0, Concern), asked(Theme::Gambling, 3, Concern)]);
    assert_eq!(all, ["open self-harm concern", "gambling joins self-harm as concern"]);
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
    episodes.take(KIM, asked(Theme::Extremism, 0, Concern), &weights());
    assert_eq!(short(&episodes.take(Who(8), asked(Theme::Abuse, 3, Concern), &weights())), ["open abuse concern"], "somebody else");
    // What has an episode of its own keeps it.
    let (mut episodes, weights) = (Episodes::default(), weights());
    let mut take = |signal| short(&episodes.take(KIM, signal, &weights));
    assert_eq!(take(asked(Theme::Extremism, 0, Concern)), ["open extremism concern"]);
    assert_eq!(take(asked(Theme::Abuse, 60, Concern)), ["open abuse concern"]);
    assert_eq!(take(asked(Theme::Extremism, 61, Danger)), ["worse extremism danger"]);
}

#[test]
fn a_matter_that_staff_have_closed_takes_nothing_up_and_with_a_danger_its_parts_are_over() {
    let (mut episodes, weights) = (Episodes::default(), weights());
    let Some(Step::Open(begun)) = episodes.take(KIM, asked(Theme::Extremism, 0, Concern), &weights).pop() else { panic!("it opens") };
    assert!(episodes.closed(begun.episode, Theme::Extremism, MORNING + MINUTE).is_none(), "a concern goes on being watched");
    assert_eq!(short(&episodes.take(KIM, asked(Theme::Abuse, 3, Concern), &weights)), ["open abuse concern"]);
    let mut episodes = Episodes::default();
    let Some(Step::Open(begun)) = episodes.take(KIM, asked(Theme::Extremism, 0, Danger), &weights).pop() else { panic!("it opens") };
    assert_eq!(short(&episodes.take(KIM, asked(Theme::Abuse, 3, Concern), &weights)), ["abuse joins extremism as concern"]);
    let (end, again) = episodes.closed(begun.episode, Theme::Extremism, MORNING + 5 * MINUTE).expect("it is over");
    assert_eq!((short(&[end]), again), (vec!["end extremism 2".to_owned()], Vec::new()));
    assert_eq!(short(&episodes.take(KIM, asked(Theme::Abuse, 7, Concern), &weights)), ["open abuse concern"], "another matter");
}

#[test]
fn a_part_keeps_the_whole_awake_and_is_done_with_after_a_day() {
    let (mut episodes, weights) = (Episodes::default(), weights());
    let day = 24 * 60;
    let mut take = |signal| short(&episodes.take(KIM, signal, &weights));
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
    episodes.take(KIM, asked(Theme::Extremism, 0, Concern), &weights);
    episodes.take(KIM, asked(Theme::Abuse, 3, Concern), &weights);
    // From what is kept.
    let mut again = Episodes::default();
    for (who, theme, matter) in episodes.matters() {
        let text = serde_json::to_string(matter).expect("written");
        again.restore(who, theme, serde_json::from_str(&text).expect("read"));
    }
    assert_eq!(short(&again.take(KIM, asked(Theme::Abuse, 4, Danger), &weights)), ["worse extremism danger"]);
    // From what is stated, and the record read again.
    let open = episodes.matters().find_map(|(_, theme, matter)| matter.open.clone().filter(|_| theme == Theme::Extremism)).expect("open");
    let mut again = Episodes::default();
    again.stated_open(KIM, Theme::Extremism, open.clone(), None);
    again.stated_part(KIM, Theme::Abuse, Open { part_of: Some(Theme::Extremism), ..open });
    let read_again = [asked(Theme::Extremism, 0, Concern), asked(Theme::Abuse, 3, Concern)];
    assert_eq!(read_again.map(|signal| short(&again.take(KIM, signal, &weights))).concat(), NOTHING);
    assert_eq!(short(&again.take(KIM, asked(Theme::Abuse, 4, Danger), &weights)), ["worse extremism danger"]);
}
