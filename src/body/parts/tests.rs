//! Parts are told apart as the strictest reader would, wherever the body is cut.

use super::*;
use proptest::prelude::*;

/// A part: its types, its dispositions, whether it is in doubt, its bytes.
type Read = Vec<(Vec<String>, Vec<String>, bool, Vec<u8>)>;

fn read(content_type: &str, body: &[u8], piece: usize) -> Read {
    let (mut parts, mut found, mut open) = (Parts::of(content_type).expect("parts"), Read::new(), false);
    let mut take = |event: Event<'_>| match event {
        Event::Begins(head) => {
            assert!(!std::mem::replace(&mut open, true), "a part within a part");
            let unsure = (!head.unsure.is_empty()).then_some(&head.unsure);
            let dispositions = head.dispositions.iter().chain(unsure).map(|value| String::from_utf8_lossy(value).into_owned()).collect();
            found.push((head.types.clone(), dispositions, head.is_doubtful, Vec::new()));
        }
        Event::Bytes(bytes) => {
            assert!(open && !bytes.is_empty());
            found.last_mut().expect("a part").3.extend_from_slice(bytes);
        }
        Event::Ends => assert!(std::mem::replace(&mut open, false)),
    };
    body.chunks(piece.max(1)).for_each(|piece| parts.feed(piece, &mut take));
    parts.end(&mut take);
    assert!(!open, "all are over at the end");
    found
}

/// The types and bytes of the parts, with a `?` before those in doubt.
fn told(content_type: &str, body: &str) -> Vec<String> {
    let parts = read(content_type, body.as_bytes(), body.len());
    assert_eq!(read(content_type, body.as_bytes(), 1), parts, "byte by byte");
    let line = |(types, _, doubtful, bytes): (Vec<String>, _, bool, Vec<u8>)| {
        format!("{}{}: {}", if doubtful { "?" } else { "" }, types.join(","), String::from_utf8_lossy(&bytes))
    };
    parts.into_iter().map(line).collect()
}

#[test]
fn the_parts_of_a_form_are_read_with_their_fields() {
    let form = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--xyz\r\nContent-Disposition: form-data; name=\"f\";\r\n filename=\"setup.exe\"\r\n\
        content-type:  Application/x-Thing; q=1\r\n\r\nMZ\r\n--xy not it\r\n--xyz\r\nContent-Disposition: form-data; name=\"e\"\r\n\r\n\r\n--xyz--\r\n";
    let parts = read("Multipart/Form-Data; Boundary=\"xyz\"", form, form.len());
    let own: Vec<_> =
        parts.iter().map(|(types, dispositions, doubtful, bytes)| (types.join(","), dispositions.join(","), *doubtful, bytes.as_slice())).collect();
    assert_eq!(
        own,
        [
            (String::new(), "form-data; name=\"a\"".to_owned(), false, &b"value"[..]),
            ("Application/x-Thing; q=1".to_owned(), "form-data; name=\"f\"; filename=\"setup.exe\"".to_owned(), false, b"MZ\r\n--xy not it"),
            (String::new(), "form-data; name=\"e\"".to_owned(), false, b""),
        ]
    );
}

#[test]
fn whatever_some_reader_takes_for_a_part_is_one() {
    for (body, expected) in [
        (
            "--b\r\n\r\na\r\n--x\r\n--b \r\n\r\n\r\n--b\r\nContent-Type: image/png\r\nX: y\r\n\r\n\u{1}\r\r\n--b--\r\n",
            &[": a\r\n--x", ": ", "image/png: \u{1}\r"][..],
        ),
        // Before the first and behind the last.
        ("\r\n--b\r\n\r\nx\r\n--b--", &[": x"]),
        ("words before\r\n--b\r\n\r\nx\r\n--b--\r\n", &["?: words before", ": x"]),
        ("no boundary at all", &["?: no boundary at all"]),
        ("--b\r\n\r\nx\r\n--b--\r\nwords behind", &[": x", "?: --\r\nwords behind"]),
        ("--b\r\n\r\nx\r\n--b--\r\nA: b\r\n\r\nwords\r\n--b\r\n\r\nmore", &[": x", ": words", ": more"]),
        // What ends with the body.
        ("--b\r\n\r\ncut\r\n--", &[": cut\r\n--"]),
        ("--b\r\nContent-Type: text/ht", &["?: \r\nContent-Type: text/ht"]),
        // Bare line feeds.
        ("--b\nContent-Type: text/html\n\nx\n--b--\n", &["?text/html: x"]),
        ("--b\r\n\r\nx\n--b\r\nContent-Type: image/png\r\n\r\ny\r\n--b--", &[": x", "?image/png: y"]),
        ("--b\r\nA: b\n\nx\r\n--b--", &["?: x"]),
        // What only begins as a boundary does.
        ("--b\r\n\r\nhi\r\n--bX words\r\n\r\nx\r\n--b--", &[": hi", "?: x"]),
        ("--b\r\n\r\nhi\r\n--b--X\r\n\r\nx\r\n--b--", &[": hi", "?: x"]),
        // Fields that say two things, or that a boundary is among.
        ("--b\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\nx", &["?a/b,c/d: x"]),
        ("--b\r\nA: b\r\n--b\r\n\r\nx", &["?: x"]),
        ("--b\r\n\r\n--b\r\n\r\n\r\n--b--", &[": ", ": "]),
    ] {
        assert_eq!(told("multipart/mixed; boundary=b", body), expected, "{body:?}");
    }
    let long = format!("--b\r\nX: {}\r\n\r\ntext\r\n--b--", "y".repeat(MOST_HEAD));
    let parts = read("multipart/mixed; boundary=b", long.as_bytes(), 100);
    assert!(parts.len() == 1 && parts[0].2 && parts[0].3.ends_with(b"y\r\n\r\ntext") && parts[0].3.starts_with(b"\r\nX: yy"));
}

#[test]
fn bytes_are_as_they_are_meant_but_in_forms_as_they_are() {
    let body = "--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\ncGFpbmxl\r\nc3M=\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3D=\r\nb\r\n--b\r\n\
        Content-Transfer-Encoding: x-own\r\n\r\nc\r\n--b--";
    assert_eq!(told("multipart/related; boundary=b", body), ["text/html: painless", ": a=b", "?: c"]);
    assert_eq!(told("multipart/form-data; boundary=b", body), ["?text/html: cGFpbmxl\r\nc3M=", "?: a=3D=\r\nb", "?: c"]);
}

#[test]
fn a_message_is_one_part_which_may_have_others() {
    let message = "From: a\r\nContent-Type: multipart/related;\r\n\tboundary=\"i\"\r\n\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>in it\r\n--i--\r\n";
    assert_eq!(told("message/rfc822", message)[0].split(": ").next(), Some("multipart/related; boundary=\"i\""));
    let mut inner = None;
    let mut parts = Parts::of("application/x-mimearchive").expect("a message");
    parts.feed(message.as_bytes(), &mut |event| {
        if let Event::Begins(head) = event {
            inner = head.inner();
            assert_eq!(head.essences().collect::<Vec<_>>(), ["multipart/related"]);
        }
    });
    assert!(inner.is_some());
    // Not for ever.
    let mut head = Head { types: vec!["message/rfc822".into()], ..Head::default() };
    let deep = std::iter::from_fn(|| {
        let parts = head.inner()?;
        head.depth = parts.depth;
        Some(())
    });
    assert_eq!(deep.count(), usize::from(MOST_DEPTH) - 1);
}

#[test]
fn what_has_no_parts_or_no_boundary_is_not_read_so() {
    for none in ["text/plain; boundary=b", "multipart/form-data", "multipart/form-data; boundary=", "multi", "multipart/mixed; boundary=\"a\nb\"", ""] {
        assert!(Parts::of(none).is_none(), "{none}");
    }
    assert!(Parts::of(&format!("multipart/mixed; boundary={}", "x".repeat(201))).is_none());
    for (doubtful, is) in [
        ("multipart/mixed; boundary=b", false),
        ("multipart/mixed; boundary=\"a b\"", false),
        ("multipart/mixed; boundary=a; boundary=b", true),
        ("multipart/mixed; boundary=a; boundary=a", false),
        ("multipart/mixed; boundary=\"a;b\"", true),
        ("multipart/form-data;boundary=*****", false),
        ("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk", false),
        ("multipart/form-data; boundary=real,x", true),
        ("multipart/form-data; boundary=\"re\\al\"", true),
        ("multipart/form-data; boundary=real x", true),
        ("multipart/form-data; xboundary=real; boundary=fake", true),
        ("multipart/form-data; boundary=fake; boundary*=utf-8''real", true),
        ("multipart/form-data; x=\"; boundary=real\"; boundary=fake", true),
        ("multipart/form-data; boundary; x=real; boundary=fake", true),
        ("multipart/x-boundary; x=real; boundary=fake", true),
        ("multipart/mixed; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x", true),
    ] {
        assert_eq!(Parts::of(doubtful).map(|parts| parts.is_doubtful()), Some(is), "{doubtful}");
    }
    for (fields, has) in
        [(&["image/png", "multipart/mixed; boundary=\"a,b\""][..], true), (&["image/png, multipart/mixed; boundary=b"], true), (&["a/b", ""], false)]
    {
        assert_eq!(Parts::of_any(fields).is_some(), has, "{fields:?}");
    }
    assert!(should_have("Multipart/x") && !should_have("text/plain"));
}

#[test]
fn what_may_stand_behind_no_boundary_is_told_as_it_came() {
    for (body, unsure) in [
        ("--b\r\n\r\nhi\r\n--bX words\r\nmore\r\n\r\nx\r\n--b--", "X words\r\nmore\r\n\r\n"),
        ("--b\r\n\r\nhi\n--b\r\nwords\r\n\r\nx\r\n--b--", "\r\nwords\r\n\r\n"),
        ("--b\r\n\r\nhi\r\n--b \t\r\nA: b\r\n\r\nx\r\n--b--", ""),
        ("--b\r\n\r\nhi\r\n--b-- \r\nA: b\r\n\r\nx\r\n--b--", ""),
    ] {
        let (mut parts, mut told) = (Parts::of("multipart/form-data; boundary=b").expect("parts"), Vec::new());
        parts.feed(body.as_bytes(), &mut |event| {
            if let Event::Begins(head) = event {
                told.extend_from_slice(&head.unsure);
            }
        });
        assert_eq!(String::from_utf8_lossy(&told), unsure, "{body:?}");
    }
    // One past those that are read is another all the same.
    let many = format!("multipart/form-data; boundary=a{}; boundary=b", "; x=y".repeat(64));
    assert_eq!(Parts::of(&many).map(|parts| parts.is_doubtful()), Some(true));
}

proptest! {
    #[test]
    fn a_cut_makes_no_difference(
        body in "(\r\n|--|b|\r|--bX|\n|x|--b\r\n|\r\n--b\r\n\r\n|\r\n--b|Content-Type: a/b\r\n|Content-Transfer-Encoding: base64\r\n|cGFp){0,40}",
        piece in 1..9_usize,
        which in 0..4_usize,
    ) {
        let kind = ["multipart/form-data; boundary=b", "multipart/mixed; boundary=b", "multipart/related; boundary=bb", "message/rfc822"][which];
        let whole = read(kind, body.as_bytes(), body.len());
        prop_assert_eq!(read(kind, body.as_bytes(), piece), whole);
    }

    #[test]
    fn what_is_put_in_comes_out(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..5), piece in 1..500_usize) {
        let boundary = "never-in-random-bytes-0123456789";
        let mut body = Vec::new();
        for part in &parts {
            body.extend([b"--", boundary.as_bytes(), b"\r\nContent-Type: a/b\r\n\r\n", part, b"\r\n"].concat());
        }
        body.extend([b"--", boundary.as_bytes(), b"--\r\n"].concat());
        let found = read(&format!("multipart/mixed; boundary={boundary}"), &body, piece);
        let bytes: Vec<_> = found.iter().map(|(_, _, doubtful, bytes)| (*doubtful, bytes.clone())).collect();
        prop_assert_eq!(bytes, parts.into_iter().map(|part| (false, part)).collect::<Vec<_>>());
    }
}
