use super::*;
use crate::alert::routes::Due;
use jiff::ToSpan;

fn outbox() -> (tempfile::TempDir, Outbox) {
    let folder = tempfile::tempdir().expect("a folder");
    let outbox = Outbox::open(&folder.path().join("alerts/outbox.db")).expect("made");
    (folder, outbox)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn to(address: &str, statement: u64, level: Level) -> Message {
    let target = Target::Mail(address.into());
    let due = Due { recipient: None, target, names: true, words: false, not_before: None, route: "concern".into(), ladder: None };
    Message::of(&due, statement, Some((RecordId(statement), "drugs")), level, 0, at(0))
}

#[test]
fn a_statements_messages_and_its_number_are_written_together_and_once() {
    let (_folder, mut outbox) = outbox();
    let failed = outbox.take_in(5, |step| {
        step.add(&to("a", 5, Level::Concern))?;
        Err(rusqlite::Error::InvalidQuery)
    });
    assert!(failed.is_err());
    assert_eq!((outbox.place().expect("read"), outbox.newest(9).expect("read").len()), (0, 0));
    for _ in 0..3 {
        outbox.take_in(5, |step| step.add(&to("a", 5, Level::Concern))).expect("taken in");
    }
    outbox.take_in(4, |step| step.add(&to("a", 4, Level::Concern))).expect("passed over");
    assert_eq!((outbox.place().expect("read"), outbox.newest(9).expect("read").len()), (5, 1));
}

#[test]
fn pauses_grow_to_ten_minutes_and_end_after_a_day_or_three_for_danger() {
    for (level, hours) in [(Level::Concern, 24), (Level::Danger, 72)] {
        let (mut message, mut now, mut pauses) = (to("a", 1, level), at(0), Vec::new());
        while let Some(again) = message.again_at(now, None) {
            pauses.push(again.as_second() - now.as_second());
            now = again;
            message.tries += 1;
        }
        assert_eq!(pauses[..7], [5, 15, 45, 120, 300, 600, 600]);
        assert!((hours * 3600 - 600..=hours * 3600).contains(&now.as_second()), "{now}");
    }
    let message = to("a", 1, Level::Concern);
    let asked = |seconds| message.again_at(at(0), Some(Duration::from_secs(seconds))).map(Timestamp::as_second);
    assert_eq!([asked(1), asked(60), asked(1_000_000)], [Some(5), Some(60), Some(600)], "who asks for time gets it, within bounds");
}

#[test]
fn danger_is_first_and_what_is_done_with_is_forgotten() {
    let (_folder, mut outbox) = outbox();
    for (statement, level) in [(1, Level::Concern), (2, Level::Danger), (3, Level::Concern)] {
        outbox.take_in(statement, |step| step.add(&to("a", statement, level))).expect("taken in");
    }
    let due: Vec<_> = outbox.due("mail", at(0), 9).expect("read").iter().map(|message| message.statement).collect();
    assert_eq!(due, [2, 1, 3]);
    assert!(outbox.due("hook", at(0), 9).expect("read").is_empty());
    outbox.sent(&to("a", 2, Level::Danger).key, 1, "250", at(1)).expect("sent");
    outbox.dead(&to("a", 1, Level::Concern).key, 1, "550", at(1)).expect("dead");
    outbox.forget_old(at(0).checked_add((24 * 31).hours()).expect("a time")).expect("forgotten");
    let left: Vec<_> = outbox.newest(9).expect("read").iter().map(|message| (message.statement, message.state)).collect();
    assert_eq!(left, [(3, State::Waiting), (1, State::Dead)], "dead letters stay until somebody says otherwise");
    assert!(outbox.retry(left_number(&outbox, 1), at(9)).expect("asked") && !outbox.retry(999, at(9)).expect("asked"));
    assert!(outbox.drop_numbered(left_number(&outbox, 1), "told by telephone", at(9)).expect("asked"));
    assert_eq!(outbox.counts().expect("counted"), Counts { waiting: 1, failing: 0, dead: 0 });
}

fn left_number(outbox: &Outbox, statement: u64) -> u64 {
    outbox.newest(9).expect("read").iter().find(|message| message.statement == statement).expect("there").number
}

#[test]
fn where_very_many_wait_concern_of_one_recipient_is_counted_and_danger_is_not() {
    let (_folder, mut outbox) = outbox();
    outbox
        .take_in(1, |step| {
            for number in 0..MOST_WAITING {
                step.add(&to(&format!("{}@school.example", number % 50), number, Level::Concern))?;
            }
            Ok(())
        })
        .expect("taken in");
    outbox
        .take_in(2, |step| {
            for number in 1..=212 {
                step.add(&to("7@school.example", 100_000 + number, Level::Concern))?;
            }
            step.add(&to("7@school.example", 200_000, Level::Danger))?;
            step.add(&to("new@school.example", 200_001, Level::Concern))
        })
        .expect("taken in");
    assert_eq!(outbox.counts().expect("counted").waiting, MOST_WAITING + 2, "danger, and the first to somebody");
    let of = outbox.newest(20_000).expect("read");
    let more: u32 = of.iter().filter(|message| message.to() == "7@school.example").map(|message| message.more).sum();
    assert_eq!(more, 212);
}

#[test]
fn what_the_journal_says_was_told_is_sent_and_nothing_changes_that() {
    let (_folder, mut outbox) = outbox();
    let message = to("a", 1, Level::Concern);
    outbox.take_in(1, |step| step.add(&message)).expect("taken in");
    outbox.take_in(2, |step| step.told(&message.key, 1, "250 ok", 5)).expect("taken in");
    outbox.later(&message.key, 2, "not taken", at(9), at(9)).expect("asked");
    outbox.dead(&message.key, 2, "not taken", at(9)).expect("asked");
    assert_eq!(outbox.keyed(&message.key).expect("read").map(|message| message.state), Some(State::Sent));
}

#[test]
fn nothing_of_a_message_is_in_it_but_keys_and_addresses() {
    let (folder, mut outbox) = outbox();
    outbox.take_in(1, |step| step.add(&to("dsl@school.example", 1, Level::Danger))).expect("taken in");
    outbox.link(&to("dsl@school.example", 1, Level::Danger).key, "officer", at(9)).expect("a link");
    use std::os::unix::fs::PermissionsExt;
    for file in std::fs::read_dir(folder.path().join("alerts")).expect("a folder") {
        let path = file.expect("a file").path();
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}
