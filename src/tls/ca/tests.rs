//! Authorities made, taken over, refused, kept, and following one another.

use super::super::der::{bit_string, content, element, sequence};
use super::*;
use rcgen::{ExtendedKeyUsagePurpose, Issuer, PKCS_ED25519};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// An authority of this name, good for a year.
pub(in crate::tls) fn made(name: &str, never: &[&str]) -> Kept {
    let never = never.iter().map(|name| Host::parse(name).expect("a host")).collect();
    Kept::create(&Plan { name: name.to_owned(), years: 1, never }, Timestamp::now()).expect("an authority")
}

/// What an authority of another maker says of itself; changed by each test.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = written(Timestamp::now() - CLOCKS_DIFFER);
    params.not_after = written(Timestamp::now() + SignedDuration::from_hours(1000));
    params
}

fn in_pem(label: &str, der: &[u8]) -> String {
    let mut text = String::new();
    write_pem(&mut text, label, der);
    text
}

fn key_pem(key: &KeyPair) -> String {
    in_pem("PRIVATE KEY", key.serialized_der())
}

fn self_signed(params: &CertificateParams) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    (in_pem("CERTIFICATE", params.self_signed(&key).expect("a certificate").der()), key_pem(&key))
}

fn import(certificate: &str, key: &str) -> Result<Kept, BadAuthority> {
    Kept::import(certificate.as_bytes(), key.as_bytes(), Timestamp::now())
}

fn refused(certificate: &str, key: &str) -> BadAuthority {
    import(certificate, key).err().expect("it is refused")
}

#[test]
fn an_authority_of_another_is_taken_if_it_works() {
    let (certificate, key) = self_signed(&params("School CA"));
    let kept = import(&certificate, &key).expect("taken");
    assert_eq!((kept.own().name.as_str(), &kept.own().key, kept.own().is_root), ("School CA", &KeyKind::P256, true));
    let both = format!("{certificate}{key}");
    assert!(import(&both, &both).is_ok(), "both in one file");
    let mut limited = params("School CA");
    limited.key_usages.clear();
    limited.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (certificate, key) = self_signed(&limited);
    assert!(import(&certificate, &key).is_ok(), "what is not said is not forbidden");
}

#[test]
fn what_is_no_authority_is_refused_with_what_to_do() {
    let now = Timestamp::now();
    let (good, good_key) = self_signed(&params("School CA"));
    let changed = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = params("School CA");
        change(&mut params);
        let (certificate, key) = self_signed(&params);
        refused(&certificate, &key)
    };
    let hour = SignedDuration::from_hours(1);
    let rows = [
        ("of a server", changed(&|params| params.is_ca = IsCa::NoCa), "of a server or person"),
        ("of a server, said so", changed(&|params| params.is_ca = IsCa::ExplicitNoCa), "of a server or person"),
        ("not for certificates", changed(&|params| params.key_usages = vec![KeyUsagePurpose::CrlSign]), "may not sign certificates (key usage)"),
        ("not for servers", changed(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection]), "certificates of servers"),
        ("over", changed(&|params| params.not_after = written(now - hour)), "was good until"),
        ("not yet", changed(&|params| params.not_before = written(now + hour)), "is good from"),
        (
            "for some names",
            changed(&|params| {
                let permitted_subtrees = vec![GeneralSubtree::DnsName("school.example".into())];
                params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
            }),
            "for some names only",
        ),
        ("another's key", refused(&good, &self_signed(&params("Other")).1), "does not belong to the certificate of \"School CA\""),
        ("no key", refused(&good, &good), "no private key"),
        ("no certificate", refused(&good_key, &good_key), "no certificate"),
        ("a locked key", refused(&good, &good_key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")), "openssl pkey"),
        (
            "a locked key, old form",
            refused(&good, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n-----END RSA PRIVATE KEY-----\n"),
            "openssl pkey",
        ),
        ("a broken key", refused(&good, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "does not belong"),
        ("broken PEM", refused("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", &good_key), "PEM is broken"),
        ("no DER", refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &good_key), "cannot be read"),
        ("nothing", refused("", ""), "not in PEM"),
        ("too many", refused(&good.repeat(11), &good_key), "more than 10"),
    ];
    for (name, error, words) in rows {
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
    let binary = |bytes: &[u8]| Kept::import(bytes, good_key.as_bytes(), now).err().expect("refused").to_string();
    assert!(binary(made("x", &[]).own().der()).contains("openssl x509 -inform der"));
    assert!(binary(&[0x30, 6, 2, 1, 3, 0x30, 1, 0]).contains("openssl pkcs12"));
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let certificate = in_pem("CERTIFICATE", params("Ed").self_signed(&key).expect("a certificate").der());
    assert!(refused(&certificate, &key_pem(&key)).to_string().contains("browsers do not accept"));
}

#[test]
fn an_authority_below_another_is_taken_with_its_chain() {
    let root_key = KeyPair::generate().expect("a key");
    let chain = |root: &CertificateParams, own: &CertificateParams| {
        let root_pem = in_pem("CERTIFICATE", root.self_signed(&root_key).expect("a certificate").der());
        let key = KeyPair::generate().expect("a key");
        let signed = own.signed_by(&key, &Issuer::from_params(root, &root_key)).expect("a certificate");
        (root_pem, in_pem("CERTIFICATE", signed.der()), key_pem(&key))
    };
    let (root, own, key) = chain(&params("County root"), &params("School CA"));
    let kept = import(&format!("{own}{root}"), &key).expect("taken");
    assert_eq!((kept.own().name.as_str(), kept.trusted().name.as_str()), ("School CA", "County root"));
    let leaf =
        mint::mint(&kept.authority().expect("ready"), &LeafKey::generate().expect("a key"), &Host::parse("a.example").expect("a host"), Timestamp::now());
    assert_eq!(leaf.expect("minted").chain.len(), 2, "the root is not sent");
    assert_eq!(import(&own, &key).expect("taken").trusted().name, "School CA");
    assert!(refused(&format!("{root}{own}"), &key).to_string().contains("is not signed by"), "in the wrong order");
    assert!(matches!(refused(&format!("{own}{}", self_signed(&params("Stranger")).0), &key), BadAuthority::Order { .. }));
    let mut strict = params("County root");
    strict.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let (root, own, key) = chain(&strict, &params("School CA"));
    assert!(refused(&format!("{own}{root}"), &key).to_string().contains("allows 0 authorities below it"));
    // A root of the same name that did not sign it: only trying finds out.
    let (own, key) = (chain(&params("County root"), &params("School CA")).1, key);
    let imposter = self_signed(&params("County root")).0;
    assert!(import(&format!("{own}{imposter}"), &key).is_err());
}

/// A root whose name is these bytes.
fn named(name: &[u8]) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let whole = params("x").self_signed(&key).expect("a certificate");
    let (to_sign, rest) = element(content(whole.der()).expect("a sequence")).expect("an element");
    let (algorithm, _) = element(rest).expect("an element");
    let mut fields = Vec::new();
    let mut rest = content(to_sign).expect("a sequence");
    while let Some((field, after)) = element(rest) {
        fields.push(field);
        rest = after;
    }
    // Version, serial, algorithm, issuer, validity, subject.
    (fields[3], fields[5]) = (name, name);
    let to_sign = sequence(&fields);
    let signature = key.sign(&to_sign).expect("signed");
    (in_pem("CERTIFICATE", &sequence(&[&to_sign, algorithm, &bit_string(&signature)])), key_pem(&key))
}

#[test]
fn a_name_is_copied_byte_by_byte_however_odd() {
    let text = |tag: u8, id: &[u8], text: &str| {
        let element = |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).expect("short")][..], bytes].concat();
        sequence(&[&element(6, id), &element(tag, text.as_bytes())])
    };
    let set = |parts: &[&[u8]]| [&[0x31, u8::try_from(parts.concat().len()).expect("short")][..], &parts.concat()].concat();
    let common_name = |name: &str| text(12, &[0x55, 4, 3], name);
    // domainComponent, as Active Directory names its authorities.
    let component = |name: &str| text(22, &[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 100, 1, 25], name);
    let unit = text(19, &[0x55, 4, 11], "IT");
    let names = [
        ("two components", sequence(&[&set(&[&component("local")]), &set(&[&component("school")]), &set(&[&common_name("School-CA")])])),
        ("several values in one set", sequence(&[&set(&[&common_name("School-CA"), &unit])])),
        ("an old kind of text", sequence(&[&set(&[&text(20, &[0x55, 4, 3], "School-CA")])])),
    ];
    for (what, name) in names {
        let (certificate, key) = named(&name);
        let kept = import(&certificate, &key).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(kept.own().name.contains("School-CA"), "{what}: {}", kept.own().name);
    }
    // Against the standard, and once enough to bring a reader of such names down: it must only not panic.
    for name in [sequence(&[&set(&[])]), sequence(&[])] {
        let (certificate, key) = named(&name);
        let _ = import(&certificate, &key);
    }
}

#[test]
fn a_plan_that_makes_no_sense_is_refused() {
    let host = |name: &str| Host::parse(name).expect("a host");
    let plan = |name: &str, never: Vec<Host>| Kept::create(&Plan { name: name.into(), years: 1, never }, Timestamp::now()).err().map(|error| error.to_string());
    for name in ["", "  ", "a\nb", &"x".repeat(65)] {
        assert!(plan(name, vec![]).is_some_and(|error| error.contains("a name of 1 to 64")), "{name:?}");
    }
    for wide in ["uk", "10.0.0.1", "::1"] {
        assert!(plan("CA", vec![host(wide)]).is_some_and(|error| error.contains("two parts")), "{wide}");
    }
    assert!(plan("CA", vec![host("a.example"); 257]).is_some());
    assert_eq!(plan(&"é".repeat(64), vec![host("bank.example")]), None);
}

#[test]
fn an_authority_is_kept_for_its_owner_alone_and_read_back() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, now) = (Folder::at(place.path().join("data/ca")), Timestamp::now());
    assert!(folder.load().expect("nothing there").signing(now).is_none());
    assert!(matches!(folder.keep(Place::Next, &made("b", &[]), now), Err(FolderError::NothingToFollow)));
    let kept = made("School CA", &["bank.example"]);
    folder.keep(Place::Current, &kept, now).expect("kept");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let file = folder.file(Place::Current);
    assert_eq!((mode(&file), mode(folder.path())), (0o600, 0o700));
    let there = folder.load().expect("read");
    let back = there.signing(now).expect("one");
    assert_eq!((back.own(), back.key_pem(), back.signs_from), (kept.own(), kept.key_pem(), None));
    let (authority, host) = (back.authority().expect("ready"), |name: &str| Host::parse(name).expect("a host"));
    assert!(authority.is_barred_from(&host("www.bank.example")) && !authority.is_barred_from(&host("notbank.example")) && !authority.is_slow());
    assert!(matches!(folder.keep(Place::Current, &kept, now), Err(FolderError::Taken(_))));
    for open in [0o640, 0o604, 0o660] {
        fs::set_permissions(&file, fs::Permissions::from_mode(open)).expect("a setting");
        let error = folder.load().err().expect("refused").to_string();
        assert!(error.contains("chmod 600") && error.contains(&format!("{open:04o}")), "{error}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).expect("a setting");
    assert!(folder.load().is_ok());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a setting");
    for spoilt in ["", "Signs-from: soon\n", &"x".repeat(200_000)] {
        let rest = if spoilt.is_empty() { String::new() } else { back.text().to_string() };
        fs::write(&file, format!("{spoilt}{rest}")).expect("written");
        assert!(folder.load().is_err(), "{} bytes", spoilt.len());
    }
}

#[test]
fn one_authority_follows_another() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, now) = (Folder::at(place.path().join("ca")), Timestamp::now());
    let day = |days: i64| now + SignedDuration::from_hours(24 * days);
    folder.keep(Place::Current, &made("a", &[]), now).expect("kept");
    folder.keep(Place::Next, &Kept { signs_from: Some(day(30)), ..made("b", &[]) }, now).expect("kept");
    let there = folder.load().expect("read");
    let signing = |there: &Authorities, at: Timestamp| there.signing(at).map(|kept| kept.own().name.clone());
    let each = |there: &Authorities, at: Timestamp| there.each(at).map(|(standing, kept)| (standing, kept.own().name.clone())).collect::<Vec<_>>();
    for (at, name) in [(0, "a"), (29, "a"), (30, "b"), (400, "b")] {
        assert_eq!(signing(&there, day(at)).as_deref(), Some(name), "day {at}");
    }
    assert_eq!(each(&there, now), [(Standing::Signs, "a".to_owned()), (Standing::Waits, "b".to_owned())]);
    assert_eq!(each(&there, day(31)), [(Standing::Retired, "a".to_owned()), (Standing::Signs, "b".to_owned())]);
    assert_eq!(there.offered(now).count(), 2);
    assert_eq!(there.offered(day(31)).count(), 1);
    assert!(matches!(folder.keep(Place::Next, &made("c", &[]), now), Err(FolderError::NextTaken(_))));
    // Once it signs, it moves up for the one after it, and what was before stays as a file.
    let moved = folder.keep(Place::Next, &Kept { signs_from: Some(day(90)), ..made("c", &[]) }, day(31)).expect("kept").expect("moved");
    assert!(moved.exists() && moved.display().to_string().contains("retired-"));
    let there = folder.load().expect("read");
    assert_eq!(each(&there, day(32)), [(Standing::Signs, "b".to_owned()), (Standing::Waits, "c".to_owned())]);
    // Cut short between the two moves.
    fs::remove_file(folder.file(Place::Current)).expect("removed");
    assert_eq!(signing(&folder.load().expect("read"), now).as_deref(), Some("c"));
    // The one that signs ends before its follower's day.
    let late = Authorities { current: Some(made("d", &[])), next: Some(Kept { signs_from: Some(day(500)), ..made("e", &[]) }) };
    assert_eq!((signing(&late, day(300)).as_deref(), signing(&late, day(370)).as_deref()), (Some("d"), Some("e")));
}

#[test]
fn fingerprints_are_in_the_form_technicians_compare() {
    let own = made("School CA", &[]);
    for (print, pairs) in [(own.own().sha256(), 32), (own.own().sha1(), 20)] {
        assert_eq!(print.split(':').count(), pairs);
        assert!(print.chars().all(|c| c == ':' || c.is_ascii_digit() || ('A'..='F').contains(&c)), "{print}");
    }
    assert!((363..=366).contains(&own.own().days_left(Timestamp::now())));
    assert!(own.own().days_left(own.own().until + SignedDuration::from_secs(1)) < 0);
}

proptest::proptest! {
    #[test]
    fn a_spoilt_file_is_refused_or_works_and_never_panics(place in 0..2000usize, byte in 0..=255u8) {
        static GOOD: std::sync::LazyLock<(Vec<u8>, String)> = std::sync::LazyLock::new(|| {
            let kept = made("School CA", &["bank.example"]);
            (kept.own().der().to_vec(), kept.key_pem().to_owned())
        });
        let (mut der, key) = (GOOD.0.clone(), &GOOD.1);
        let place = place % der.len();
        der[place] = byte;
        if let Ok(kept) = import(&in_pem("CERTIFICATE", &der), key) {
            proptest::prop_assert!(kept.authority().is_ok());
        }
        let mut text = format!("{}{key}", in_pem("CERTIFICATE", &GOOD.0)).into_bytes();
        let place = place % text.len();
        text[place] = byte;
        let _ = Kept::import(&text, &text, Timestamp::now());
        let _ = Kept::read(&text);
    }
}
