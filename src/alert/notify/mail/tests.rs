use super::*;
use crate::alert::notify::story::tests::{hostile, story};
use crate::alert::routes::{Due, Target};
use crate::audit::RecordId;
use proptest::prelude::*;
use std::io::Cursor;

fn server() -> Mail {
    Mail {
        server: "mail.school.example".into(),
        port: 587,
        security: Security::StartTls,
        login: None,
        from: "Usher <usher@school.example>".into(),
        ca: None,
        timeout: Duration::from_secs(5),
    }
}

fn to(address: &str) -> Message {
    let target = Target::Mail(address.into());
    let due = Due { recipient: None, target, names: true, words: false, not_before: None, route: "danger".into(), ladder: None };
    Message::of(&due, 5, Some((RecordId(77), "self-harm")), Level::Danger, 0, Timestamp::UNIX_EPOCH)
}

fn text(message: &Message, story: &Story, thread: Option<&str>) -> String {
    let letter = write(&server(), message, story, thread, Timestamp::UNIX_EPOCH).unwrap_or_else(|unsent| panic!("{unsent}"));
    String::from_utf8(letter.bytes).expect("ASCII")
}

fn header(text: &str, name: &str) -> Option<String> {
    text.split("\r\n\r\n").next()?.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
}

#[test]
fn a_mail_that_is_written_again_is_the_same_mail_and_others_of_its_matter_hang_on_it() {
    let (first, again) = (text(&to("a@school.example"), &story(), None), text(&to("a@school.example"), &story(), None));
    assert_eq!(header(&first, "Message-ID"), header(&again, "Message-ID"));
    assert_ne!(header(&first, "Message-ID"), header(&text(&to("b@school.example"), &story(), None), "Message-ID"));
    let later = text(&Message { key: "9/mail/a@school.example".into(), ..to("a@school.example") }, &story(), Some(&to("a@school.example").key));
    assert_eq!(header(&later, "References"), header(&first, "Message-ID"));
    assert!(first.is_ascii(), "a server needs no extension for it");
}

#[test]
fn what_is_no_address_is_given_up_at_once() {
    for address in ["", "nobody", "a@b@c", "a@school.example\r\nBcc: x@y.example"] {
        assert!(matches!(write(&server(), &to(address), &story(), None, Timestamp::UNIX_EPOCH), Err(Unsent::Never(_))), "{address:?}");
    }
}

#[test]
fn nothing_in_a_name_is_markup_in_a_mail() {
    let html = Html { story: &hostile("<img src=x onerror=alert(1)> & \"") }.render().expect("rendered");
    assert!(!html.contains("<img") && html.contains("&#60;img"), "{html}");
}

#[test]
fn a_regular_message_is_in_parts_that_are_seen_at_a_glance() {
    let text = "NOT all is well: 1 red.\nA sentence.\nRed, somebody must act:\n- disk: <full>\n- outbox: 2\nGreen:\n- lists: well";
    let story = Story::regular("machine", "2026-11-27", text, Timestamp::UNIX_EPOCH, None);
    let plain = Text { story: &story }.render().expect("rendered");
    assert!(
        plain.contains("NOT all is well: 1 red.\n\nA sentence.\n\nRed, somebody must act:\n  - disk: <full>\n  - outbox: 2\n\nGreen:\n  - lists: well\n"),
        "{plain}"
    );
    let html = Html { story: &story }.render().expect("rendered");
    for part in ["#b3261e; margin: 1.2em 0 0.4em 0\">Red, somebody must act:</h3>", "• disk: &#60;full&#62;</p>", "0.4em 0\">Green:</h3>", "<p>A sentence.</p>"]
    {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert_eq!(story.subject, "[Usher] The machine, morning of 2026-11-27");
}

proptest! {
    /// However somebody is called, the mail has the headers that it should have, and no more.
    #[test]
    fn nobodys_name_adds_a_header(name in ".{0,60}", lines in "[a-zA-Z:\r\n ]{0,60}") {
        let mail = text(&to("a@school.example"), &hostile(&format!("{name}{lines}")), None);
        let head = mail.split("\r\n\r\n").next().expect("a head");
        let names: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split(':').next().unwrap_or_default()).collect();
        let expected = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "Importance", "X-Priority", "MIME-Version", "Content-Type"];
        prop_assert!(names.iter().all(|name| expected.contains(name)) && names.len() == expected.len(), "{names:?}");
    }

    /// Whatever a server says in the clear, it is one answer and nothing more, or an error.
    #[test]
    fn an_answer_in_the_clear_is_all_that_was_said(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'-'), Just(b'2'), Just(b'\r')], 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        if let Ok((_, said)) = runtime.block_on(answer(&mut Cursor::new(bytes.clone()))) {
            prop_assert_eq!(end_of_answer(&bytes), Some(bytes.len()));
            prop_assert_eq!(String::from_utf8_lossy(&bytes), said);
        }
    }
}
