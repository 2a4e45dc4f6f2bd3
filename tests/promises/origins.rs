//! An origin is believed when it proves who it is, and told by its reason when it does not.

use crate::kit::{OpenSsl, Proof, Signer, Subject, TlsSite, World, skipped, soon};
use aws_lc_rs::digest;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use usher::host::Host;
use usher::tls::exception::{Accept, Exception};
use usher::tls::origin::{Offer, Origins, Refreshed, Secured, Settings, Speaks};
use usher::tls::refusal::{ClientCertificate, Refusal};
use usher::tls::roots::{Files, RootsError};

/// A school that trusts one authority of its own.
struct School {
    folder: TempDir,
    authority: Signer,
    settings: Settings,
}

impl School {
    fn new() -> Self {
        let (folder, authority) = (tempfile::tempdir().expect("a folder"), Signer::root("School authority"));
        let ours = folder.path().join("ours.pem");
        fs::write(&ours, authority.pem()).expect("written");
        let settings = Settings { files: Files { authorities: vec![ours], revoked: Vec::new() }, exceptions: Vec::new() };
        Self { folder, authority, settings }
    }

    fn except(mut self, host: &str, accept: &[Accept], sha256: Option<[u8; 32]>, until: Date) -> Self {
        self.settings.exceptions.push(exception(host, accept, sha256, until));
        self
    }

    fn origins(&self) -> Origins {
        Origins::load(self.settings.clone(), TimeZone::UTC).expect("somebody to trust")
    }
}

fn exception(host: &str, accept: &[Accept], sha256: Option<[u8; 32]>, until: Date) -> Exception {
    Exception { host: self::host(host), accept: accept.to_vec(), sha256, reason: "the lift".into(), until }
}

fn host(name: &str) -> Host {
    Host::parse(name).expect("a host")
}

fn sha256(proof: &Proof) -> [u8; 32] {
    digest::digest(&digest::SHA256, &proof.chain[0]).as_ref().try_into().expect("32 bytes")
}

const LATER: Date = date(9000, 1, 1);

/// Visits a site as though its name led there.
async fn visit(origins: &Origins, name: &str, at: SocketAddr) -> Result<Secured<TcpStream>, Refusal> {
    offering(origins, name, Offer::Both, at).await
}

async fn offering(origins: &Origins, name: &str, offer: Offer, at: SocketAddr) -> Result<Secured<TcpStream>, Refusal> {
    let tcp = TcpStream::connect(at).await.expect("connected");
    soon("a handshake", origins.secure(&host(name), offer, tcp)).await
}

/// Visits a site and reads what it says, with which sessions come.
async fn hears(origins: &Origins, name: &str, at: SocketAddr) -> Secured<TcpStream> {
    let mut secured = visit(origins, name, at).await.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    let mut said = [0; 2];
    soon("a word", secured.stream.read_exact(&mut said)).await.expect("it speaks");
    assert_eq!(&said, b"hi");
    secured
}

fn word(visited: &Result<Secured<TcpStream>, Refusal>) -> &'static str {
    visited.as_ref().map_or_else(Refusal::word, |_| "believed")
}

#[tokio::test]
async fn each_kind_of_certificate_is_believed_or_refused_by_its_reason() {
    let school = School::new();
    let (ours, stranger) = (&school.authority, Signer::root("Stranger"));
    let (middle, their_middle) = (Signer::below(ours, "Middle"), Signer::below(&stranger, "Their middle"));
    let origins = school.origins();
    let good = || Subject::of(&["a.example"]);
    for (what, name, proof, expected) in [
        ("good", "a.example", ours.signs(&good()), "believed"),
        ("one of several names", "b.example", ours.signs(&Subject::of(&["a.example", "b.example"])), "believed"),
        ("good, with one between", "a.example", middle.signs(&good()).along(&middle), "believed"),
        ("good, with all of it sent", "a.example", middle.signs(&good()).along(&middle).along(ours), "believed"),
        ("good, with a stranger's sent along", "a.example", middle.signs(&good()).along(&stranger).along(&middle), "believed"),
        ("an address", "127.0.0.1", ours.signs(&Subject::of(&["127.0.0.1"])), "believed"),
        ("an address of IPv6", "::1", ours.signs(&Subject::of(&["::1"])), "believed"),
        ("a wildcard", "www.a.example", ours.signs(&Subject::of(&["*.a.example"])), "believed"),
        ("an underscore", "a_b.a.example", ours.signs(&Subject::of(&["*.a.example"])), "believed"),
        ("international", "bücher.example", ours.signs(&Subject::of(&["xn--bcher-kva.example"])), "believed"),
        ("expired", "a.example", ours.signs(&good().good(2020, 2021)), "expired"),
        ("not yet valid", "a.example", ours.signs(&good().good(3999, 4000)), "not-yet-valid"),
        ("another host", "b.example", ours.signs(&good()), "wrong-host"),
        ("a wildcard too high", "a.example", ours.signs(&Subject::of(&["*.a.example"])), "wrong-host"),
        ("a wildcard too low", "x.www.a.example", ours.signs(&Subject::of(&["*.a.example"])), "wrong-host"),
        ("another address", "127.0.0.1", ours.signs(&Subject::of(&["127.0.0.2"])), "wrong-host"),
        ("a name for an address", "127.0.0.1", ours.signs(&good()), "wrong-host"),
        ("no names", "a.example", ours.signs(&Subject::of(&[])), "wrong-host"),
        ("self-signed", "a.example", good().by_itself(), "self-signed"),
        ("self-signed as an authority", "a.example", good().authority().by_itself(), "self-signed"),
        ("a stranger's", "a.example", stranger.signs(&good()), "untrusted"),
        ("a stranger's, whole", "a.example", their_middle.signs(&good()).along(&their_middle).along(&stranger), "untrusted"),
        ("a stranger's, whole but for the top", "a.example", their_middle.signs(&good()).along(&their_middle), "untrusted"),
        ("one left out", "a.example", middle.signs(&good().telling_its_issuer()), "incomplete"),
        ("an authority's own", "a.example", ours.signs(&good().authority()), "bad-certificate"),
        ("another by our name", "a.example", Signer::root("School authority").signs(&good()), "bad-certificate"),
    ] {
        for versions in [&[&TLS12][..], &[&TLS13]] {
            let site = TlsSite::of(proof.config(versions)).await;
            let visited = visit(&origins, name, site.address).await;
            assert_eq!(word(&visited), expected, "{what} over {versions:?}: {visited:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_tells_what_the_certificate_says() {
    let school = School::new();
    let (ours, stranger, middle) = (&school.authority, Signer::root("Stranger"), Signer::below(&school.authority, "Middle"));
    let origins = school.origins();
    let many: Vec<_> = (0..20).map(|at| format!("s{at}.example")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for (proof, name, said) in [
        (ours.signs(&Subject::of(&["a.example"]).good(2020, 2021)), "a.example", "ended on 1 January 2021"),
        (ours.signs(&Subject::of(&["a.example"]).good(3999, 4000)), "a.example", "begins only on 1 January 3999"),
        (ours.signs(&Subject::of(&["*.a.example", "10.0.0.7"])), "b.example", "belongs to another site (*.a.example, 10.0.0.7)"),
        (ours.signs(&Subject::of(&many)), "b.example", "s7.example and 12 more)"),
        (stranger.signs(&Subject::of(&["a.example"])), "a.example", "If you trust Stranger, add its certificate to `authorities`"),
        (middle.signs(&Subject::of(&["a.example"]).telling_its_issuer()), "a.example", "send the certificate of Middle beside its own"),
    ] {
        let refusal = visit(&origins, name, proof.site().await.address).await.expect_err("it is not believed");
        assert!(refusal.for_pupil().contains(said) || refusal.for_technician().contains(said), "{said}: {refusal:?}");
        assert_eq!(refusal.proxy_status(), "tls_certificate_error");
    }
}

#[tokio::test]
async fn what_was_taken_back_is_refused_as_soon_as_the_list_is_there_and_no_session_outlives_that() {
    let mut school = School::new();
    let list = school.folder.path().join("revoked.crl");
    fs::write(&list, school.authority.revokes(&[6])).expect("written");
    school.settings.files.revoked.push(list.clone());
    let origins = school.origins();
    let site = school.authority.signs(&Subject::of(&["a.example"]).numbered(7)).site().await;
    let of_a_stranger = Signer::root("Stranger").revokes(&[7]);
    hears(&origins, "a.example", site.address).await;
    assert!(hears(&origins, "a.example", site.address).await.resumed);
    assert_eq!(origins.refresh(), Ok(Refreshed::Unchanged));
    let before = origins.generation();
    assert_eq!(origins.replace(school.settings.clone(), TimeZone::UTC), Ok(Refreshed::Unchanged));
    assert_eq!(origins.generation(), before);
    fs::write(&list, of_a_stranger).expect("written");
    assert!(matches!(origins.refresh(), Ok(Refreshed::Changed(_))));
    assert_ne!(origins.generation(), before);
    assert!(!hears(&origins, "a.example", site.address).await.resumed, "a stranger takes nothing back, but what is trusted has changed");
    fs::write(&list, school.authority.revokes(&[6, 7])).expect("written");
    assert!(matches!(origins.refresh(), Ok(Refreshed::Changed(_))));
    assert_eq!(visit(&origins, "a.example", site.address).await.expect_err("revoked"), Refusal::Revoked);
    fs::write(&list, "nonsense").expect("written");
    let before = origins.generation();
    assert!(matches!(origins.refresh(), Err(RootsError::File { path, .. }) if path == list));
    assert_eq!(origins.generation(), before);
    assert_eq!(visit(&origins, "a.example", site.address).await.expect_err("what was in force stays"), Refusal::Revoked);
}

#[tokio::test]
async fn an_authority_that_is_taken_away_is_trusted_no_longer() {
    let school = School::new();
    let origins = school.origins();
    let site = school.authority.signs(&Subject::of(&["a.example"])).site().await;
    hears(&origins, "a.example", site.address).await;
    fs::write(&school.settings.files.authorities[0], Signer::root("Other").pem()).expect("written");
    assert!(matches!(origins.refresh(), Ok(Refreshed::Changed(_))));
    assert_eq!(word(&visit(&origins, "a.example", site.address).await), "untrusted");
}

#[tokio::test]
#[ignore = "it is run by the test after it, as a program with an environment of its own"]
async fn as_a_program() {
    let settings = Settings::default();
    println!("came of it: {:?}", Origins::load(settings, TimeZone::UTC).map(|_| "origins").map_err(|error| error.to_string()));
}

#[tokio::test]
async fn where_nobody_is_trusted_it_says_what_to_install() {
    let mut program = Command::new(std::env::current_exe().expect("this program"));
    program.args(["--ignored", "--exact", "--nocapture", "origins::as_a_program"]).env("SSL_CERT_FILE", "/dev/null").env_remove("SSL_CERT_DIR");
    let output = soon("a program", tokio::task::spawn_blocking(move || program.output())).await.expect("it runs").expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("no certificate authority is known on this machine") && text.contains("install the package ca-certificates"), "{text}");
}

#[tokio::test]
async fn a_session_is_resumed_with_its_own_host_and_never_where_there_is_an_exception() {
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let mut school = School::new();
        let site = TlsSite::of(school.authority.signs(&Subject::of(&["a.example", "b.example"])).config(versions)).await;
        let origins = school.origins();
        let mut resumed = Vec::new();
        for name in ["a.example", "a.example", "b.example", "a.example"] {
            resumed.push(hears(&origins, name, site.address).await.resumed);
        }
        assert_eq!(resumed, [false, true, false, true], "{versions:?}");
        let h1 = offering(&origins, "a.example", Offer::Http1, site.address).await.expect("believed");
        assert!(h1.resumed, "with either offer");
        school.settings.exceptions.push(exception("a.example", &[Accept::Expired], None, date(2020, 1, 1)));
        origins.replace(school.settings, TimeZone::UTC).expect("sound");
        for name in ["a.example", "a.example", "b.example", "b.example"] {
            resumed.push(hears(&origins, name, site.address).await.resumed);
        }
        assert_eq!(resumed[4..], [false, false, false, true], "{versions:?}, also where the exception is over");
        let full = site.handshakes().iter().filter(|kind| **kind != HandshakeKind::Resumed).count();
        assert_eq!(full, 5, "as the server has it, over {versions:?}");
    }
}

#[tokio::test]
async fn an_exception_accepts_what_it_names_of_whom_it_names_until_its_last_day() {
    use Accept::{Expired, SelfSigned, Untrusted, WrongHost};
    let stranger = Signer::root("Stranger");
    let good = || Subject::of(&["a.example"]);
    let old = || good().good(2020, 2021);
    let ours = |school: &School, subject| school.authority.signs(&subject);
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let yesterday = today.yesterday().expect("a day");
    type Make<'a> = Box<dyn Fn(&School) -> Proof + 'a>;
    let table: Vec<(&str, Make<'_>, &[Accept], &str)> = vec![
        ("expired", Box::new(|school| ours(school, old())), &[Expired], "believed"),
        ("expired, for another", Box::new(|school| ours(school, old())), &[WrongHost, SelfSigned, Untrusted], "expired"),
        ("expired and another host", Box::new(|school| ours(school, Subject::of(&["b.example"]).good(2020, 2021))), &[Expired], "wrong-host"),
        ("expired and another host, both", Box::new(|school| ours(school, Subject::of(&["b.example"]).good(2020, 2021))), &[Expired, WrongHost], "believed"),
        ("one above expired", Box::new(|school| Signer::old_below(&school.authority, 2021).vouches(&good().good(2020, 4000))), &[Expired], "believed"),
        ("one above expired, for another", Box::new(|school| Signer::old_below(&school.authority, 2021).vouches(&good())), &[WrongHost], "expired"),
        (
            "one above expired before it began",
            Box::new(|school| Signer::old_below(&school.authority, 2021).vouches(&good().good(2022, 4000))),
            &[Expired],
            "expired",
        ),
        ("another host", Box::new(|school| ours(school, Subject::of(&["b.example"]))), &[WrongHost], "believed"),
        ("another host, for another", Box::new(|school| ours(school, Subject::of(&["b.example"]))), &[Expired, SelfSigned, Untrusted], "wrong-host"),
        ("self-signed", Box::new(|_| good().by_itself()), &[SelfSigned], "believed"),
        ("self-signed as an authority", Box::new(|_| good().authority().by_itself()), &[SelfSigned], "believed"),
        ("self-signed, for another", Box::new(|_| good().by_itself()), &[Expired, WrongHost, Untrusted], "self-signed"),
        ("self-signed and expired", Box::new(|_| old().by_itself()), &[SelfSigned], "expired"),
        ("self-signed and expired, the other", Box::new(|_| old().by_itself()), &[Expired], "self-signed"),
        ("self-signed and expired, both", Box::new(|_| old().by_itself()), &[SelfSigned, Expired], "believed"),
        ("self-signed as an authority and expired", Box::new(|_| old().authority().by_itself()), &[SelfSigned], "expired"),
        ("self-signed and early", Box::new(|_| good().good(3999, 4000).by_itself()), &[SelfSigned, Expired], "not-yet-valid"),
        ("self-signed and another host", Box::new(|_| Subject::of(&["b.example"]).by_itself()), &[SelfSigned], "wrong-host"),
        ("self-signed and another host, both", Box::new(|_| Subject::of(&["b.example"]).by_itself()), &[SelfSigned, WrongHost], "believed"),
        ("a stranger's", Box::new(|_| stranger.signs(&good())), &[Untrusted], "believed"),
        ("a stranger's, for another", Box::new(|_| stranger.signs(&good())), &[Expired, WrongHost, SelfSigned], "untrusted"),
        ("a stranger's and expired", Box::new(|_| stranger.signs(&old())), &[Untrusted], "expired"),
        ("one left out", Box::new(|_| stranger.signs(&good().telling_its_issuer())), &[Untrusted], "believed"),
        ("all at once", Box::new(|_| stranger.signs(&Subject::of(&["b.example"]).good(2020, 2021))), &[Expired, WrongHost, Untrusted], "believed"),
        ("good", Box::new(|school| ours(school, good())), &[Expired], "believed"),
        ("early", Box::new(|school| ours(school, good().good(3999, 4000))), &[Expired, WrongHost, SelfSigned, Untrusted], "not-yet-valid"),
    ];
    for (what, make, accept, expected) in table {
        let base = School::new();
        let proof = make(&base);
        let site = proof.site().await;
        let plain = visit(&base.origins(), "a.example", site.address).await;
        let school = base.except("a.example", accept, None, LATER);
        let visited = visit(&school.origins(), "a.example", site.address).await;
        assert_eq!(word(&visited), expected, "{what}: {visited:?}");
        if let Ok(secured) = visited {
            assert_eq!(secured.excused.is_empty(), plain.is_ok(), "{what}: which one it needed is told");
            let other = visit(&school.origins(), "b.a.example", site.address).await;
            assert_ne!(word(&other), "believed", "{what}: an exception is for its host alone");
            let pinned = |sum, until| Settings { exceptions: vec![exception("a.example", accept, sum, until)], ..school.settings.clone() };
            for (sum, until, believed) in [(sha256(&proof), LATER, true), ([0; 32], LATER, plain.is_ok()), (sha256(&proof), yesterday, plain.is_ok())] {
                let origins = Origins::load(pinned(Some(sum), until), TimeZone::UTC).expect("sound");
                let visited = visit(&origins, "a.example", site.address).await;
                assert_eq!(visited.is_ok(), believed, "{what}, for {} until {until}: {visited:?}", sum[0]);
            }
        }
    }
}

#[test]
fn exceptions_are_shown_with_their_ends() {
    let files = World::new().write();
    let lift = "[[tls.exception]]\nhost = \"lift.example\"\naccept = [\"expired\"]\nreason = \"replaced in spring\"";
    files.edit("usher.toml", "[limits]", &format!("{lift}\nuntil = 9000-01-01\n{lift}\nuntil = 2020-01-01\n[limits]"));
    let said = files.usher(&["config", "check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in
        ["exception: any certificate of lift.example that is expired, until 9000-01-01: replaced in spring", "over since 2020-01-01; it can be taken out"]
    {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
}

#[tokio::test]
async fn what_was_taken_back_has_no_exception() {
    let mut school = School::new().except("a.example", &[Accept::Expired, Accept::WrongHost, Accept::SelfSigned, Accept::Untrusted], None, LATER);
    let list = school.folder.path().join("revoked.crl");
    fs::write(&list, school.authority.revokes(&[7])).expect("written");
    school.settings.files.revoked.push(list);
    let origins = school.origins();
    for (years, expected) in [((2020, 4000), Refusal::Revoked), ((2020, 2021), Refusal::Revoked)] {
        let site = school.authority.signs(&Subject::of(&["a.example"]).numbered(7).good(years.0, years.1)).site().await;
        assert_eq!(visit(&origins, "a.example", site.address).await.expect_err("revoked"), expected);
    }
}

#[tokio::test]
async fn a_key_that_is_too_short_is_told() {
    let mut school = School::new();
    let folder = school.folder.path().to_owned();
    let (certificate, key) = (folder.join("weak.pem"), folder.join("weak.key"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-sha256", "-days", "30", "-subj", "/CN=Weak", "-keyout"]).arg(&key).arg("-out");
    command.arg(&certificate).args(["-addext", "subjectAltName=DNS:a.example", "-addext", "basicConstraints=critical,CA:FALSE"]);
    if !command.output().is_ok_and(|output| output.status.success()) {
        return skipped("openssl");
    }
    // Trusted, so that nothing is wrong with it but its key.
    school.settings.files.authorities.push(certificate.clone());
    for version in ["-tls1_2", "-tls1_3"] {
        let Some(server) = OpenSsl::serving(&certificate, &key, &[version, "-cipher", "DEFAULT:@SECLEVEL=0"]) else { return skipped("openssl") };
        assert_eq!(visit(&school.origins(), "a.example", server.address).await.expect_err("weak"), Refusal::WeakKey, "{version}");
        let excepting = Settings { exceptions: vec![exception("a.example", &[Accept::SelfSigned, Accept::Untrusted], None, LATER)], ..Settings::default() };
        let excepting = Settings { files: Files { authorities: school.settings.files.authorities[..1].to_vec(), revoked: Vec::new() }, ..excepting };
        let origins = Origins::load(excepting, TimeZone::UTC).expect("sound");
        assert_eq!(visit(&origins, "a.example", server.address).await.expect_err("no exception from that"), Refusal::WeakKey, "{version}");
    }
}

#[tokio::test]
async fn an_origin_that_speaks_only_old_tls_is_told() {
    let school = School::new();
    let proof = school.authority.signs(&Subject::of(&["a.example"]));
    let origins = school.origins();
    for (arguments, believed) in [
        (&["-tls1", "-cipher", "ALL:@SECLEVEL=0"][..], false),
        (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], false),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"], false),
        (&["-tls1_2"], true),
        (&["-tls1_3"], true),
    ] {
        let Some(server) = proof.by_openssl(school.folder.path(), arguments) else { return skipped("openssl") };
        let visited = visit(&origins, "a.example", server.address).await;
        assert_eq!(word(&visited), if believed { "believed" } else { "no-common-tls" }, "{arguments:?}: {visited:?}");
    }
}

#[tokio::test]
async fn whether_a_client_certificate_was_asked_for_is_told() {
    let school = School::new();
    let (proof, origins) = (school.authority.signs(&Subject::of(&["a.example", "b.example"])), school.origins());
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let site = TlsSite::of(proof.config(versions)).await;
        assert_eq!(hears(&origins, "b.example", site.address).await.client_certificate, ClientCertificate::NotAsked);
        let site = TlsSite::of(proof.asking(versions, false)).await;
        assert_eq!(hears(&origins, "a.example", site.address).await.client_certificate, ClientCertificate::Asked, "{versions:?}");
    }
    let site = TlsSite::of(proof.asking(&[&TLS12], true)).await;
    assert_eq!(visit(&school.origins(), "a.example", site.address).await.expect_err("it wants one"), Refusal::WantsClientCertificate);
    let site = TlsSite::of(proof.asking(&[&TLS13], true)).await;
    let mut secured = visit(&school.origins(), "a.example", site.address).await.expect("it says so later");
    assert_eq!(secured.client_certificate, ClientCertificate::Asked);
    let error = soon("an answer", secured.stream.read_u8()).await.expect_err("nothing without one");
    assert_eq!(Refusal::of_later(&error, secured.client_certificate), Some(Refusal::WantsClientCertificate));
    for version in ["-tls1_2", "-tls1_3"] {
        let Some(server) = proof.by_openssl(school.folder.path(), &[version, "-Verify", "1"]) else { return skipped("openssl") };
        let refusal = match visit(&origins, "a.example", server.address).await {
            Err(refusal) => Some(refusal),
            Ok(mut secured) => {
                let error = soon("an answer", secured.stream.read_u8()).await.expect_err("nothing without one");
                Refusal::of_later(&error, secured.client_certificate)
            }
        };
        assert_eq!(refusal, Some(Refusal::WantsClientCertificate), "{version}");
    }
}

#[tokio::test]
async fn what_is_said_of_one_handshake_is_not_taken_for_anothers() {
    let school = School::new();
    let origins = school.origins();
    let good = school.authority.signs(&Subject::of(&["a.example"])).site().await;
    let asking = TlsSite::of(school.authority.signs(&Subject::of(&["b.example"])).asking(&[&TLS13], false)).await;
    let old = school.authority.signs(&Subject::of(&["c.example"]).good(2020, 2021)).site().await;
    let (good, asking, old) = (good.address, asking.address, old.address);
    // All on one thread, each waiting for its own server in turn.
    for _ in 0..8 {
        let (a, b, c, d, e) = tokio::join!(
            visit(&origins, "a.example", good),
            visit(&origins, "b.example", asking),
            visit(&origins, "c.example", old),
            visit(&origins, "a.example", good),
            visit(&origins, "x.example", asking),
        );
        assert_eq!([word(&a), word(&b), word(&c), word(&d), word(&e)], ["believed", "believed", "expired", "believed", "wrong-host"]);
        let asked = |visited: Result<Secured<TcpStream>, Refusal>| visited.expect("believed").client_certificate;
        assert_eq!([asked(a), asked(b), asked(d)], [ClientCertificate::NotAsked, ClientCertificate::Asked, ClientCertificate::NotAsked]);
    }
}

#[tokio::test]
async fn what_is_spoken_inside_is_agreed_on() {
    let school = School::new();
    let (proof, origins) = (school.authority.signs(&Subject::of(&["a.example"])), school.origins());
    for (speaks, offer, expected) in [
        (&["h2", "http/1.1"][..], Offer::Both, Ok(Speaks::Http2)),
        (&["http/1.1", "h2"], Offer::Both, Ok(Speaks::Http1)),
        (&["http/1.1"], Offer::Both, Ok(Speaks::Http1)),
        (&[], Offer::Both, Ok(Speaks::Http1)),
        (&["h2", "http/1.1"], Offer::Http1, Ok(Speaks::Http1)),
        (&["h2"], Offer::Http1, Err(Refusal::Alert(120))),
        (&["imap"], Offer::Both, Err(Refusal::Alert(120))),
    ] {
        let mut config = proof.config(&[&TLS12, &TLS13]);
        config.alpn_protocols = speaks.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let site = TlsSite::of(config).await;
        let visited = offering(&origins, "a.example", offer, site.address).await;
        assert_eq!(visited.map(|secured| secured.speaks), expected, "{speaks:?} {offer:?}");
    }
}

/// A server that does with each connection what a test wants, after it has read the hello.
async fn rude<F: Future<Output = ()> + Send + 'static>(does: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.read(&mut [0; 4096]).await;
            tokio::spawn(does(tcp));
        }
    });
    address
}

async fn says(bytes: &'static [u8]) -> SocketAddr {
    rude(move |mut tcp| async move {
        let _ = tcp.write_all(bytes).await;
        let _ = tcp.read_to_end(&mut Vec::new()).await;
    })
    .await
}

/// A ServerHello of TLS 1.2, in a record: ECDHE-ECDSA with AES-128-GCM.
fn server_hello() -> Vec<u8> {
    let mut hello = vec![22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x2b, 0]);
    hello
}

#[tokio::test]
async fn what_speaks_no_tls_is_told() {
    let origins = School::new().origins();
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail.example ESMTP\r\n", b"\0\0\0\0\0\0\0\0"] {
        assert_eq!(visit(&origins, "a.example", says(bytes).await).await.expect_err("no TLS"), Refusal::NotTls, "{bytes:?}");
    }
    for (bytes, refusal) in [
        (&[21, 3, 3, 0, 2, 2, 40][..], Refusal::NoCommonTls),
        (&[21, 3, 3, 0, 2, 2, 70], Refusal::NoCommonTls),
        (&[21, 3, 3, 0, 2, 2, 80], Refusal::Alert(80)),
        (&[21, 3, 3, 0, 2, 2, 112], Refusal::Alert(112)),
    ] {
        let told = visit(&origins, "a.example", says(bytes).await).await.expect_err("an alert");
        assert_eq!(told, refusal);
    }
}

#[tokio::test]
async fn an_origin_that_breaks_off_or_keeps_silent_does_no_harm() {
    let origins = School::new().origins();
    for bytes in [Vec::new(), vec![22, 3], server_hello(), server_hello()[..30].to_vec()] {
        let (closes, resets) = (bytes.clone(), bytes.clone());
        let closing = rude(move |mut tcp| {
            let bytes = closes.clone();
            async move { drop(tcp.write_all(&bytes).await) }
        });
        let resetting = rude(move |mut tcp| {
            let bytes = resets.clone();
            async move {
                let _ = tcp.write_all(&bytes).await;
                tcp.set_zero_linger().expect("set");
            }
        });
        for address in [closing.await, resetting.await] {
            let refusal = visit(&origins, "a.example", address).await.expect_err("it broke off");
            assert!(matches!(refusal, Refusal::BrokeOff(_)), "{refusal:?} after {} bytes", bytes.len());
        }
    }
    let silent = rude(|mut tcp| async move { drop(tcp.read_to_end(&mut Vec::new()).await) }).await;
    let tcp = TcpStream::connect(silent).await.expect("connected");
    let host = host("a.example");
    let limited = tokio::time::timeout(Duration::from_millis(50), origins.secure(&host, Offer::Both, tcp)).await;
    assert!(limited.is_err(), "its caller ends it");
}

#[tokio::test]
async fn an_endless_certificate_is_refused_after_64_kib() {
    let origins = School::new().origins();
    let (told, mut taken) = tokio::sync::mpsc::unbounded_channel();
    let endless = rude(move |mut tcp| {
        let told = told.clone();
        async move {
            let mut sent = 0_usize;
            // The head of a certificate message of 16 MiB, and then records of it without end.
            let mut record = vec![22, 3, 3, 0x40, 0, 11, 0xff, 0xff, 0xff];
            record.resize(5 + 0x4000, 0);
            if tcp.write_all(&server_hello()).await.is_ok() {
                while tcp.write_all(&record).await.is_ok() {
                    sent += record.len();
                    record[5..].fill(0);
                }
            }
            let _ = told.send(sent);
        }
    })
    .await;
    let refusal = visit(&origins, "a.example", endless).await.expect_err("it never ends");
    assert!(matches!(refusal, Refusal::Other(_)), "{refusal:?}");
    let sent = soon("the server's end", taken.recv()).await.expect("a number");
    assert!(sent < 16 << 20, "{sent} bytes were taken, most of them by the system");
}

#[tokio::test]
async fn records_without_end_that_say_nothing_are_refused() {
    let origins = School::new().origins();
    for record in [&[22, 3, 3, 0, 0][..], &[21, 3, 3, 0, 2, 1, 90], &[20, 3, 3, 0, 1, 1]] {
        let endless = rude(move |mut tcp| async move { while tcp.write_all(&record.repeat(1000)).await.is_ok() {} }).await;
        let refusal = visit(&origins, "a.example", endless).await.expect_err("it never ends");
        assert!(matches!(refusal, Refusal::Other(_) | Refusal::Alert(90)), "{record:?}: {refusal:?}");
    }
}

#[tokio::test]
async fn a_chain_made_to_keep_a_verifier_busy_is_refused_at_once() {
    let (origins, names) = (School::new().origins(), ["Ring", "Other ring", "Third ring", "Fourth ring"]);
    // As many of each name, and each name signs the next, round and round.
    for (of_one, told) in [(3, "no way through those sent with it"), (4, "more than 3 others of one name"), (30, "more than 3 others of one name")] {
        let signers: Vec<_> = names.iter().flat_map(|name| (0..of_one).map(|_| Signer::root(name))).collect();
        let rings: Vec<_> = signers.iter().enumerate().map(|(at, above)| Signer::below(above, names[(at / of_one + 1) % 4])).collect();
        let proof = rings.iter().fold(rings[0].signs(&Subject::of(&["a.example"])), Proof::along);
        let site = proof.site().await;
        let began = Instant::now();
        let refusal = visit(&origins, "a.example", site.address).await.expect_err("nobody trusts it");
        assert!(matches!(&refusal, Refusal::BadCertificate(what) if what.contains(told)), "{refusal:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    // One that sends the same again and again is only careless.
    let school = School::new();
    let middle = Signer::below(&school.authority, "Middle");
    let proof = (0..9).fold(middle.signs(&Subject::of(&["a.example"])), |proof, _| proof.along(&middle));
    hears(&school.origins(), "a.example", proof.site().await.address).await;
}

fn label() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "www", "a-b", "xn--bcher-kva", "example", "com", "1", "*"]).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    (prop::collection::vec(label(), 1..4)).prop_map(|labels| labels.join(".") + ".example")
}

/// Whether a name of a certificate stands for a host (RFC 6125 section 6.4.3, as browsers read it): a wildcard stands for the first label alone, and
/// there are two others at least.
fn stands_for(presented: &str, host: &str) -> bool {
    match presented.strip_prefix("*.") {
        Some(rest) => rest.contains('.') && host.split_once('.').is_some_and(|(_, parent)| parent == rest),
        None => presented == host,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_certificate_for_another_name_passes(names in prop::collection::vec(name(), 0..4), asked in name()) {
        let (names, asked): (Vec<_>, _) = (names.into_iter().filter(|name| !name.trim_start_matches("*.").contains('*')).collect(), asked.replace("*.", "x."));
        let expected = names.iter().any(|name| stands_for(name, &asked));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let visited = runtime.block_on(async {
            let school = School::new();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let site = school.authority.signs(&Subject::of(&names)).site().await;
            visit(&school.origins(), &asked, site.address).await
        });
        prop_assert_eq!(word(&visited), if expected { "believed" } else { "wrong-host" }, "{:?} for {}", names, asked);
    }

    #[test]
    fn no_bytes_of_an_origin_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), hello in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let origins = School::new().origins();
        let refused = runtime.block_on(async {
            let (near, mut far) = tokio::io::duplex(1 << 16);
            let mut sent = if hello { server_hello() } else { Vec::new() };
            sent.extend(&bytes);
            far.write_all(&sent).await.expect("room for it");
            far.shutdown().await.expect("an end");
            soon("a refusal", origins.secure(&host("a.example"), Offer::Both, near)).await.map(drop)
        });
        prop_assert!(refused.is_err());
    }
}
