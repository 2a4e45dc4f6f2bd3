use super::*;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn client() -> IpAddr {
    IpAddr::from([10, 7, 0, 1])
}

fn place() -> (tempfile::TempDir, Links, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("outbox.db");
    let links = Links::new(path.clone(), Folder::at(folder.path().join("log")), &[1; 32]);
    let (token, expires) = Outbox::open(&path).expect("made").link("7/mail/a", "officer", at(100)).expect("a link");
    let text = links.signer.write(token, "7/mail/a", "officer", expires);
    (folder, links, text)
}

#[test]
fn the_same_message_has_the_same_link_and_only_this_installations_secret_makes_it() {
    let (folder, links, text) = place();
    let mut outbox = Outbox::open(&folder.path().join("outbox.db")).expect("opened");
    let (token, expires) = outbox.link("7/mail/a", "officer", at(900)).expect("a link");
    assert_eq!(links.signer.write(token, "7/mail/a", "officer", expires), text);
    for other in [
        Signer::new(&[2; 32]).write(token, "7/mail/a", "officer", expires),
        links.signer.write(token, "8/mail/a", "officer", expires),
        links.signer.write(token, "7/mail/a", "head", expires),
        links.signer.write(token, "7/mail/a", "officer", expires + 1),
        links.signer.write(Token([0; 16]), "7/mail/a", "officer", expires),
    ] {
        assert_eq!(links.look(&other, client(), at(1)).expect("looked"), Found::Nothing, "{other}");
    }
    assert!(matches!(links.look(&text, client(), at(1)).expect("looked"), Found::Open(_)));
    assert_eq!(links.look(&text, client(), at(100)).expect("looked"), Found::Expired);
}

#[test]
fn what_cannot_be_put_on_record_leaves_the_link_as_it_is() {
    let (folder, links, text) = place();
    let mut outbox = Outbox::open(&folder.path().join("outbox.db")).expect("opened");
    let (token, _) = read(&text).expect("a token");
    let refused = outbox.use_link(token, "Ms Bell", at(1), || Err(LinkError::Journal(JournalError::Form(9))));
    assert!(refused.is_err());
    assert!(matches!(links.look(&text, client(), at(1)).expect("looked"), Found::Open(_)));
    let name = Name::of("Ms Bell").expect("a name");
    assert!(matches!(links.acknowledge(&text, &name, Some("staff-bell"), client(), at(2)).expect("used"), Found::Open(_)));
    let Found::Used { by, .. } = links.look(&text, client(), at(3)).expect("looked") else { panic!("it is used") };
    assert_eq!(by, "Ms Bell (officer, signed in as staff-bell)");
    assert_eq!(outbox.confirmed(9).expect("read").len(), 1);
}

#[test]
fn a_name_is_two_letters_on_one_line() {
    for (typed, name) in [
        ("Ms Bell", Some("Ms Bell")),
        ("  Ms\r\n Bell\u{1b}[2J ", Some("Ms Bell [2J")),
        ("Бе", Some("Бе")),
        ("", None),
        ("7", None),
        ("a", None),
        ("a1", None),
        ("--", None),
    ] {
        assert_eq!(Name::of(typed), name.map(|name| Name(name.to_owned())), "{typed:?}");
    }
    assert_eq!(Name::of(&"ab".repeat(200)).map(|name| name.0.chars().count()), Some(LONGEST_NAME));
}

#[test]
fn a_token_is_taken_out_of_what_is_recorded_and_nothing_else_is() {
    let token = "A".repeat(WRITTEN);
    for (path, recorded) in [
        (format!("/a/{token}"), "/a/AAAAAA…".to_owned()),
        (format!("/a/{token}?x=1"), "/a/AAAAAA…?x=1".to_owned()),
        (format!("/usher/a/{token}/"), "/usher/a/AAAAAA…/".to_owned()),
        (format!("/a/x/a/{token}"), "/a/x/a/AAAAAA…".to_owned()),
        (format!("/a/a/{token}"), "/a/a/AAAAAA…".to_owned()),
        (format!("/?url=https%3A%2F%2Fusher.example%2Fa%2F{token}&data=1"), "/?url=https%3A%2F%2Fusher.example%2Fa%2FAAAAAA…&data=1".to_owned()),
        (format!("/?u=https%253a%252f%252fx%252fa%252f{token}%26&v=/a/{token}"), "/?u=https%253a%252f%252fx%252fa%252fAAAAAA…%26&v=/a/AAAAAA…".to_owned()),
        (format!("/a/{token}A"), format!("/a/{token}A")),
        ("/a/short".into(), "/a/short".into()),
        ("/".into(), "/".into()),
        ("/a/é".into(), "/a/é".into()),
    ] {
        assert_eq!(covered(&path), recorded, "{path}");
    }
}

proptest! {
    #[test]
    fn no_bytes_open_a_link_but_its_own(bytes in prop::collection::vec(any::<u8>(), 0..64), text in ".{0,60}", place_of in 0..32usize, bit in 0..8u8) {
        let (_folder, links, sound) = place();
        let looked = |text: &str| links.look(text, client(), at(1)).expect("looked");
        let mut altered = URL_SAFE_NO_PAD.decode(&sound).expect("a token");
        altered[place_of] ^= 1 << bit;
        for text in [URL_SAFE_NO_PAD.encode(bytes), text, URL_SAFE_NO_PAD.encode(altered)] {
            prop_assert!(matches!(looked(&text), Found::Nothing));
        }
        prop_assert!(matches!(looked(&sound), Found::Open(_)));
    }

    #[test]
    fn what_is_recorded_never_holds_a_token(before in "(/[a-z]{0,3}){0,3}", after in "([?/#&%].{0,5})?", slash in "/|%2f|%2F|%252F", id in any::<[u8; 32]>()) {
        let token = URL_SAFE_NO_PAD.encode(id);
        let path = format!("{before}{slash}a{slash}{token}{after}");
        prop_assert!(!covered(&path).contains(&token), "{}", path);
    }
}
