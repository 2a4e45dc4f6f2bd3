//! Looking: stated first, permitted then, and listed ever after.

use super::*;
use crate::audit::pseudonyms::is_one;
use crate::audit::tests::{record, sealed, small};
use crate::audit::{Folder, Recorder};

const SECRET: [u8; 32] = [7; 32];

fn asked(user: Option<&str>, reason: &str) -> Look {
    Look {
        who: "anna".into(),
        name: None,
        filter: Filter { user: user.map(Into::into), ..Filter::default() },
        reason: reason.parse().expect("a reason"),
        at: "2026-11-25T10:00:00Z".parse().expect("a time"),
    }
}

#[test]
fn a_reason_is_a_few_words() {
    for (text, kept) in [
        ("concern raised by Ms Bell", Some("concern raised by Ms Bell")),
        ("  parent's\n request, \u{1b}[31m 12 May ", Some("parent's request, [31m 12 May")),
        ("", None),
        ("because", None),
        ("a b", None),
        ("- - - - - - - - - -", None),
    ] {
        assert_eq!(text.parse::<Reason>().ok().map(|reason| reason.to_string()).as_deref(), kept, "{text}");
    }
    assert_eq!("word ".repeat(101).parse::<Reason>(), Err(NotAReason));
}

#[tokio::test]
async fn names_are_shown_to_who_said_why_and_pseudonyms_to_others() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    drop(record(&recorder, 0..250).await);
    sealed(&folder);
    let log = Log::open(&folder).expect("opened");
    let cursor = Cursor { after: None, before: None, limit: 1000, patience: Duration::MAX };
    let mut journal = Journal::open(&folder).expect("opened");
    let permit = look(&mut journal, &asked(Some("b.smith"), "a concern was raised")).expect("stated");
    assert_eq!(list(log.journal(), &Wanted::default()).expect("read")[0].id, permit.statement());
    let named = Reading::permitted(&log, permit).page(cursor).expect("read").rows;
    assert!(!named.is_empty() && named.iter().all(|row| row.user.as_deref() == Some("b.smith")));
    let everybody = Reading::of_nobody(&log, Filter::default(), Naming::WithAReason, &SECRET).expect("names nobody");
    let (covered, known) = (everybody.page(cursor).expect("read").rows, log.users().expect("read"));
    assert_eq!(known.iter().map(String::as_str).collect::<Vec<_>>(), ["a.jones", "b.smith", "c.patel", "t.teacher"]);
    assert_eq!(covered.len(), 250);
    let pseudonyms = Pseudonyms::new(&SECRET);
    let mut scanned = 0;
    let page = everybody.all(|rows| {
        scanned += rows.len();
        assert!(rows.iter().all(|row| row.client.starts_with("device-") && row.user.as_deref().is_none_or(is_one)));
        Ok::<_, LogError>(())
    });
    assert!(page.expect("read").passed_over.is_empty() && scanned == 250);
    for row in &covered {
        assert!(row.client.starts_with("device-"), "{row:?}");
        let whole = log.show(row.number).expect("read").expect("there");
        let name = row.user.as_deref().map(|user| pseudonyms.resolve(user, known.iter().map(String::as_str)).expect("known"));
        assert_eq!(name, whole.user.as_deref());
    }
    let open = Reading::of_nobody(&log, Filter::default(), Naming::Always, &SECRET).expect("names nobody");
    assert!(open.page(cursor).expect("read").rows.iter().any(|row| row.user.as_deref() == Some("a.jones")));
    for filter in [Filter { user: Some("*".into()), ..Filter::default() }, Filter { client: Some("10.7.1.1".into()), ..Filter::default() }] {
        assert!(Reading::of_nobody(&log, filter, Naming::Always, &SECRET).is_err(), "to look for somebody takes a reason whatever the setting");
    }
}

#[test]
fn looks_are_listed_by_who_and_whose() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path());
    let mut journal = Journal::open(&folder).expect("made");
    for (who, name, user, client) in [
        ("anna", None, Some("j.smith"), None),
        ("office", Some("Mr Bell"), Some("*smith*"), None),
        ("anna", None, None, Some("10.7.1.1")),
        ("carl", None, None, None),
    ] {
        let mut one = asked(user, "a concern was raised");
        (one.who, one.name) = (who.into(), name.map(Into::into));
        one.filter.client = client.map(Into::into);
        let _ = look(&mut journal, &one).expect("stated");
    }
    let found = |wanted: Wanted| list(journal.reader(), &wanted).expect("read").into_iter().map(|row| row.id).collect::<Vec<_>>();
    // The first statement names the key.
    assert_eq!(found(Wanted::default()), [5, 4, 3, 2]);
    assert_eq!(found(Wanted { whose: Some("J.Smith".into()), ..Wanted::default() }), [5, 3, 2], "and the one that may have shown anybody");
    assert_eq!(found(Wanted { whose: Some("10.7.1.1".into()), ..Wanted::default() }), [5, 4]);
    assert_eq!(found(Wanted { by: Some("anna".into()), ..Wanted::default() }), [4, 2]);
    assert_eq!(found(Wanted { by: Some("mr bell".into()), ..Wanted::default() }), [3]);
    let at = |text: &str| Some(text.parse().expect("a time"));
    assert_eq!(found(Wanted { from: at("2026-11-25T10:00:00.001Z"), ..Wanted::default() }), [] as [u64; 0]);
    assert_eq!(found(Wanted { to: at("2026-11-25T10:00:00.001Z"), ..Wanted::default() }).len(), 4);
}

#[test]
fn a_filter_is_put_on_record_as_it_would_be_typed() {
    let time = |text: &str| Some(text.parse().expect("a time"));
    let filter = Filter { user: Some("j.smith".into()), kind: Some(crate::insight::Kind::Search), from: time("2026-11-25T10:00:00Z"), ..Filter::default() };
    assert_eq!(in_words(&filter), "--user j.smith --kind search --from 2026-11-25T10:00:00Z");
    assert_eq!(in_words(&Filter::default()), "everything");
    let id = RecordId::first_of(1_795_356_000_000);
    let one = Filter { after: Some(RecordId(id.0 - 1)), before: Some(RecordId(id.0 + 1)), user: Some("j.smith".into()), ..Filter::default() };
    assert_eq!(in_words(&one), format!("show {id}"));
}
