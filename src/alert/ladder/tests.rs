use super::*;
use crate::alert::plan::Recipient;
use crate::alert::routes::{Due, Target};
use crate::audit::RecordId;
use crate::audit::incident::{Opened, Told, fixture};
use std::time::Duration;

const MINUTE: i64 = 60_000;

fn to(role: &str) -> Due {
    let recipient = Recipient { role: role.into(), name: role.into(), email: Some(role.into()), user: None };
    Due { recipient: Some(recipient), target: Target::Mail(role.into()), names: true, words: false, not_before: None, route: "danger".into(), ladder: None }
}

/// Deputy after ten minutes, head after twenty and sixty.
fn rungs() -> Vec<Rung> {
    let rung = |(step, (role, minutes)): (u8, (&str, u64))| Rung { step, role: role.into(), after: Duration::from_secs(60 * minutes), due: vec![to(role)] };
    (1..).zip([("deputy", 10), ("head", 20), ("head", 60)]).map(rung).collect()
}

fn incident(level: Level, acts: Vec<(i64, Act)>) -> Incident {
    let opened = Opened { level, at_ms: 0, records: Vec::new(), ..fixture::opened(7, "self-harm") };
    let acts = acts.into_iter().map(|(at, act)| (1, at, act)).collect();
    Incident { opened, level, acts, records: Vec::new(), is_ended: false, read: None, closed: None }
}

fn told(at: i64, level: Level) -> (i64, Act) {
    let text = String::new;
    let (message, route, to, channel, answer) = (text(), text(), text(), text(), text());
    (at, Act::Told(Box::new(Told { message, episode: None, theme: None, level: Some(level), route, to, channel, tries: 1, answer })))
}

fn raised(step: u8) -> (i64, Act) {
    (0, Act::Raised { episode: RecordId(7), theme: "self-harm".into(), level: Level::Danger, step, to: "deputy".into(), back: 0 })
}

fn message(step: u8, state: State, tries: u32) -> Message {
    let message = Message::of(&to("officer"), 1, Some((RecordId(7), "self-harm")), Level::Danger, step, Timestamp::UNIX_EPOCH);
    Message { state, tries, ..message }
}

#[test]
fn each_step_comes_in_its_time() {
    let sent = |step| message(step, State::Sent, 1);
    let danger = |acts| incident(Level::Danger, acts);
    let first = || told(0, Level::Danger);
    for (what, incident, messages, minutes, step) in [
        ("before its time", danger(vec![first()]), vec![sent(0)], 9, None),
        ("its time", danger(vec![first()]), vec![sent(0)], 10, Some(1)),
        ("after a night without Usher", danger(vec![first()]), vec![sent(0)], 600, Some(1)),
        ("the second, counted from the first", danger(vec![first(), raised(1)]), vec![sent(0), sent(1)], 19, None),
        ("the second", danger(vec![first(), raised(1)]), vec![sent(0), sent(1)], 20, Some(2)),
        ("all", danger(vec![first(), raised(1), raised(2), raised(3)]), vec![sent(0)], 6000, None),
        ("told of less only", danger(vec![told(0, Level::Concern)]), vec![], 0, Some(1)),
        ("it failed once", danger(vec![]), vec![message(0, State::Waiting, 1)], 0, Some(1)),
        ("it was given up", danger(vec![]), vec![message(0, State::Dead, 1)], 0, Some(1)),
        ("it is on its way", danger(vec![]), vec![message(0, State::Waiting, 0)], 9, None),
        ("one of two got it", danger(vec![first()]), vec![message(0, State::Dead, 1), sent(0)], 0, None),
        ("the deputy's failed too", danger(vec![first(), raised(1)]), vec![sent(0), message(1, State::Waiting, 1)], 0, Some(2)),
        ("the deputy has it", danger(vec![raised(1)]), vec![message(0, State::Waiting, 3), sent(1)], 0, None),
        ("nobody could be told", danger(vec![]), vec![], 0, Some(1)),
        ("nobody has it for ten minutes", danger(vec![]), vec![message(0, State::Waiting, 0)], 10, Some(1)),
    ] {
        let now = Timestamp::from_millisecond(minutes * MINUTE).expect("a time");
        assert_eq!(due(&incident, &messages, &rungs(), now).map(|rung| rung.step), step, "{what}");
    }
}

#[test]
fn what_is_read_or_closed_wakes_nobody_and_a_concern_that_failed_waits() {
    let late = Timestamp::from_millisecond(600 * MINUTE).expect("a time");
    let mut incident = incident(Level::Danger, vec![told(0, Level::Danger)]);
    assert!(due(&incident, &[], &rungs(), late).is_some());
    incident.read = Some((1, "Ms Bell".into()));
    assert!(due(&incident, &[], &rungs(), late).is_none());
    let concern = self::incident(Level::Concern, Vec::new());
    let failed = Message { level: Level::Concern, ..message(0, State::Waiting, 2) };
    assert!(due(&concern, &[failed], &rungs(), Timestamp::UNIX_EPOCH).is_none());
}

#[test]
fn a_matter_that_came_back_is_asked_about_anew() {
    let days = 48 * 60 * MINUTE;
    let acts = vec![told(0, Level::Danger), raised(1), (days, fixture::back(9)), told(days + MINUTE, Level::Danger)];
    let mut incident = incident(Level::Danger, acts);
    (1..).zip(&mut incident.acts).for_each(|(number, act)| act.0 = number);
    let of = |statement, step, state| Message { statement, ..message(step, state, 1) };
    let at = |minutes: i64| Timestamp::from_millisecond(days + minutes * MINUTE).expect("a time");
    let step = |incident: &Incident, messages: &[Message], now| due(incident, messages, &rungs(), now).map(|rung| rung.step);
    let sent = [of(1, 0, State::Sent), of(2, 1, State::Sent), of(3, 0, State::Sent)];
    assert_eq!(step(&incident, &sent, at(10)), None, "counted from when that was told");
    assert_eq!(step(&incident, &sent, at(11)), Some(1), "also if that step was taken before");
    let failed = [of(1, 0, State::Sent), of(3, 0, State::Dead)];
    assert_eq!(step(&incident, &failed, at(2)), Some(1), "what was sent before does not count");
    incident.acts.truncate(2);
    assert_eq!(step(&incident, &sent[..2], at(0)), Some(2));
}

#[test]
fn a_step_on_which_nobody_can_be_told_gives_its_time_to_the_next() {
    let mut rungs = rungs();
    rungs[0].due.clear();
    let incident = incident(Level::Danger, vec![told(0, Level::Danger)]);
    let at = |minutes: i64| Timestamp::from_millisecond(minutes * MINUTE).expect("a time");
    assert_eq!(due(&incident, &[message(0, State::Sent, 1)], &rungs, at(9)).map(|rung| rung.step), None);
    assert_eq!(due(&incident, &[message(0, State::Sent, 1)], &rungs, at(10)).map(|rung| rung.step), Some(2));
}
