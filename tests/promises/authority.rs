//! The school's certificate authority: made, taken over, given to devices; its key is seen by nobody who does not ask for it.

use crate::kit::{Files, Program, School, World, skipped, soon};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use usher::host::Host;
use usher::tls::ca::{Authority, Folder, Place};
use usher::tls::leaves::Leaves;
use usher::tls::mint::{LeafKey, mint};

const CREATE: [&str; 4] = ["ca", "create", "--name", "Example School"];

fn with_authority() -> Files {
    let files = World::new().write();
    let said = files.usher(&CREATE);
    assert_eq!(said.code, Some(0), "{said:?}");
    files
}

fn current(files: &Files) -> PathBuf {
    files.path("data/ca/current.pem")
}

fn authority(files: &Files) -> Authority {
    let there = Folder::at(files.path("data/ca")).load().expect("read");
    there.in_place(Place::Current).expect("one").authority().expect("ready")
}

/// The certificate of a PEM text.
fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

#[test]
fn an_authority_is_made_shown_and_given_out() {
    let files = World::new().write();
    let none = files.usher(&["ca", "show"]);
    assert!(none.code == Some(1) && none.out.contains("usher ca create --name"), "{none:?}");
    let made = files.usher(&[&CREATE[..], &["--never-for", "bank.example", "--never-for", "*.nhs.example", "--years", "5"]].concat());
    assert!(made.code == Some(0) && made.out.contains("usher ca install-help"), "{made:?}");
    let shown = files.usher(&["ca", "show", "--json"]).json().remove(0);
    assert_eq!([&shown["standing"], &shown["name"], &shown["key"]], ["signs", "Example School", "ECDSA P-256"]);
    assert_eq!(shown["never_for"], serde_json::json!(["bank.example", "nhs.example"]));
    assert!((1825..=1827).contains(&shown["days_left"].as_i64().expect("a number")), "{shown}");
    let sha256 = shown["sha256"].as_str().expect("a fingerprint");
    let people = files.usher(&["ca", "show"]);
    assert!(people.code == Some(0) && people.out.contains("signs now") && people.out.contains(sha256) && made.out.contains(sha256), "{people:?}");

    let pem = files.usher(&["ca", "export"]).out;
    for (name, form, is_pem) in [("a.pem", None, true), ("a.cer", None, false), ("a.crt", None, true), ("b.cer", Some("pem"), true), ("b", Some("der"), false)]
    {
        let path = files.path(name).display().to_string();
        let said = files.usher(&[&["ca", "export", "--output", &path][..], &form.map_or(vec![], |form| vec!["--form", form])].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        let bytes = fs::read(&path).expect("written");
        assert_eq!(bytes == pem.as_bytes(), is_pem, "{name}");
        assert!(is_pem || bytes == *certificate(&pem), "{name}");
    }
    // Everything is on record.
    let events = files.usher(&["log", "events", "--json"]).json();
    assert!(events[0]["kind"] == "authority" && events[0]["text"].as_str().is_some_and(|text| text.contains(sha256)), "{events:?}");
}

#[test]
fn every_system_has_a_guide_with_its_files() {
    let files = with_authority();
    for (system, names) in [
        ("windows-gpo", &["usher.cer"][..]),
        ("intune", &["usher.cer"]),
        ("chromeos", &["usher.pem"]),
        ("ios", &["usher.mobileconfig"]),
        ("macos", &["usher.mobileconfig", "usher.cer"]),
        ("android", &["usher.cer"]),
        ("linux", &["usher.pem"]),
        ("firefox", &["policies.json", "usher.pem"]),
    ] {
        let folder = files.path(&format!("for-{system}"));
        let said = files.usher(&["ca", "install-help", system, "--files", &folder.display().to_string()]);
        assert!(said.code == Some(0) && said.out.contains("\n1. "), "{said:?}");
        for name in names {
            assert!(folder.join(name).exists() && said.out.contains(name), "{system}: {name}");
        }
        let json = files.usher(&["ca", "install-help", system, "--json"]).json().remove(0);
        assert_eq!(json["files"], serde_json::json!(names));
        assert!(json["steps"].as_array().is_some_and(|steps| steps.len() > 2), "{json}");
    }
}

#[test]
fn a_mistake_is_answered_with_what_to_do() {
    let files = with_authority();
    let given = |name: &str, text: &str| {
        files.put(name, text);
        files.path(name).display().to_string()
    };
    let server = rcgen::generate_simple_self_signed(["www.school.example".to_owned()]).expect("a certificate");
    let (certificate, key) = (given("server.pem", &server.cert.pem()), given("server.key", &server.signing_key.serialize_pem()));
    let (empty, missing) = (given("empty", ""), files.path("none").display().to_string());
    let existing = given("there.pem", "x");
    let rows: &[(&[&str], &str)] = &[
        (&["ca", "create", "--name", "Another"], "there is an authority already"),
        (&["ca", "create"], "--name"),
        (&["ca", "create", "--next", "--name", "Example School"], "could not tell them apart"),
        (&["ca", "create", "--next", "--name", "B", "--signs-from", "2020-01-01"], "give today"),
        (&["ca", "create", "--next", "--name", "B", "--signs-from", "2060-01-01"], "must be before that"),
        (&["ca", "create", "--next", "--name", "B", "--signs-from", "tomorrow"], "tomorrow"),
        (&["ca", "create", "--next", "--name", "B", "--years", "99"], "99"),
        (&["ca", "create", "--next", "--name", "B", "--never-for", "https://bank.example/"], "give the bare name"),
        (&["ca", "create", "--next", "--name", "B", "--never-for", "uk"], "two parts"),
        (&["ca", "import", &certificate, &key], "there is an authority already"),
        (&["ca", "import", "--next", &certificate, &key], "of a server or person"),
        (&["ca", "import", "--next", &key, &certificate], "the certificate is named first"),
        (&["ca", "import", "--next", &certificate], "no private key"),
        (&["ca", "import", "--next", &empty], "not in PEM"),
        (&["ca", "import", "--next", &missing], "No such file"),
        (&["ca", "export", "--next"], "there is no next authority"),
        (&["ca", "export", "--with-key"], "--output"),
        (&["ca", "export", "--with-key", "--output", "a.cer"], "as PEM only"),
        (&["ca", "export", "--with-key", "--output", &existing], "is there already"),
        (&["ca", "install-help", "windows"], "windows-gpo, intune"),
    ];
    for (arguments, words) in rows {
        let said = files.usher(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
    }
    assert!(!files.path("data/ca/next.pem").exists());
    let bare = World::new().write();
    for arguments in [&["ca", "export"][..], &["ca", "install-help", "ios"], &["ca", "create", "--next", "--name", "B"]] {
        let said = bare.usher(arguments);
        assert!(said.code == Some(2) && said.err.contains("there is no authority yet"), "{said:?}");
    }
}

#[test]
fn the_next_is_given_to_devices_before_it_signs() {
    let files = with_authority();
    let made = files.usher(&["ca", "create", "--next", "--name", "Example School 2", "--json"]).json().remove(0);
    assert_eq!(made["standing"], "waits");
    let shown = files.usher(&["ca", "show", "--json"]).json();
    assert_eq!([&shown[0]["standing"], &shown[1]["standing"]], ["signs", "waits"]);
    let from: Timestamp = shown[1]["signs_from"].as_str().and_then(|from| from.parse().ok()).expect("a time");
    let days = (from.as_second() - Timestamp::now().as_second()) / 86_400;
    assert!((89..=90).contains(&days), "{days}");
    let (this, next) = (files.usher(&["ca", "export"]).out, files.usher(&["ca", "export", "--next"]).out);
    assert_ne!(this, next);
    let folder = files.path("for-linux");
    files.usher(&["ca", "install-help", "linux", "--files", &folder.display().to_string()]);
    assert_eq!((fs::read_to_string(folder.join("usher.pem")).expect("one"), fs::read_to_string(folder.join("usher-next.pem")).expect("two")), (this, next));
    let profile = files.usher(&["ca", "install-help", "ios"]);
    assert!(profile.out.contains("The file holds both.") && profile.out.contains("\"Example School\" and \"Example School 2\""), "{profile:?}");
    let again = files.usher(&["ca", "create", "--next", "--name", "Example School 3"]);
    assert!(again.code == Some(2) && again.err.contains("one that follows already"), "{again:?}");
}

/// What would give the key away: its secret number as bytes, in base64 however that begins, and as the lines of its file hold it.
fn traces(pem: &str) -> Vec<Vec<u8>> {
    let lines: Vec<&str> = pem.lines().skip_while(|line| !line.contains("PRIVATE KEY")).skip(1).take_while(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(lines.concat()).expect("base64");
    // A key of P-256 in PKCS #8 (RFC 5208, RFC 5915): 34 bytes, then an OCTET STRING of 32.
    assert_eq!((der.len(), &der[34..36]), (138, &[4, 32][..]));
    let secret = &der[36..68];
    let begun = (0..3).map(|from| STANDARD.encode(&secret[from..from + 24]).into_bytes());
    // A line is 48 bytes: the first ends with 12 of the secret number, the second begins with 20.
    let in_lines = [&lines[0][48..], &lines[1][..24]].map(|part| part.as_bytes().to_vec());
    begun.chain(in_lines).chain([secret.to_vec()]).collect()
}

fn holds(text: &[u8], trace: &[u8]) -> bool {
    text.windows(trace.len()).any(|window| window == trace)
}

/// All files below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

#[test]
fn the_key_is_its_files_alone_and_nowhere_else() {
    let files = Arc::new(World::new().write());
    let mut said = vec![files.usher(&CREATE)];
    let file = current(&files);
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let traces = traces(&fs::read_to_string(&file).expect("text"));
    let backup = files.path("backup.pem").display().to_string();
    for arguments in [
        &["ca", "show"][..],
        &["ca", "show", "--json"],
        &["ca", "export"],
        &["ca", "export", "--form", "pem"],
        &["ca", "create", "--name", "B"],
        &["ca", "create", "--next", "--name", "B", "--json"],
        &["ca", "install-help", "ios", "--json"],
        &["ca", "install-help", "firefox"],
        &["ca", "export", "--with-key", "--output", &backup],
        &["log", "events", "--json"],
        &["config", "check"],
    ] {
        said.push(files.usher(arguments));
    }
    let program = Program::start(files.clone());
    let pages = ["ca", "ca/usher.crt", "ca/usher.pem", "ca/usher.mobileconfig", "ca/policies.json", "ca/current.pem", "ca/../data/ca/current.pem"];
    let answers: Vec<_> = pages.iter().map(|page| program.get(&format!("http://usher.internal/{page}"))).collect();
    assert!(answers[0].contains("fingerprint"), "{}", answers[0]);
    drop(program);
    for trace in &traces {
        for said in &said {
            assert!(!holds(said.out.as_bytes(), trace) && !holds(said.err.as_bytes(), trace), "{said:?}");
        }
        for answer in &answers {
            assert!(!holds(answer.as_bytes(), trace), "{answer}");
        }
        for path in below(&files.path("data")).into_iter().filter(|path| *path != file) {
            assert!(!holds(&fs::read(&path).expect("a file"), trace), "{} holds the key", path.display());
        }
    }
    let secret = |path: &Path| fs::read_to_string(path).expect("text").split("-----BEGIN PRIVATE").nth(1).map(str::to_owned).expect("a key");
    assert_eq!(secret(Path::new(&backup)), secret(&file), "who asks for it is given it");
    assert_eq!(fs::metadata(&backup).expect("there").permissions().mode() & 0o777, 0o600);
    let events = files.usher(&["log", "events", "--severity", "warning"]).out;
    assert!(events.contains("was given out by"), "{events}");
}

#[test]
fn what_cannot_be_put_on_record_is_not_done() {
    let files = World::new().write();
    files.put("data/log", "no folder");
    let said = files.usher(&CREATE);
    assert!(said.code == Some(2) && said.err.contains("so it is not done"), "{said:?}");
    assert!(!files.path("data/ca").exists());
    let files = with_authority();
    fs::rename(files.path("data/log"), files.path("data/elsewhere")).expect("moved");
    files.put("data/log", "no folder");
    let said = files.usher(&["ca", "export", "--with-key", "--output", &files.path("backup.pem").display().to_string()]);
    assert!(said.code == Some(2) && said.err.contains("so it is not done"), "{said:?}");
    assert!(!files.path("backup.pem").exists());
}

#[test]
fn an_authority_whose_time_is_over_is_followed_at_once() {
    let files = World::new().write();
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 1, 1));
    files.put("data/ca/current.pem", &format!("{}{}", params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem()));
    fs::set_permissions(current(&files), fs::Permissions::from_mode(0o600)).expect("a setting");
    let shown = files.usher(&["ca", "show"]);
    assert!(shown.code == Some(1) && shown.out.contains("(over)") && shown.out.contains("usher ca create --next"), "{shown:?}");
    let made = files.usher(&["ca", "create", "--next", "--name", "Example School"]);
    assert!(made.code == Some(0) && made.out.contains("it signs now"), "{made:?}");
    let shown = files.usher(&["ca", "show", "--json"]);
    assert_eq!((shown.code, [&shown.json()[0]["standing"], &shown.json()[1]["standing"]]), (Some(0), [&"retired".into(), &"signs".into()]));
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let files = with_authority();
    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(current(&files), fs::Permissions::from_mode(mode)).expect("a setting");
        for arguments in [&["ca", "show"][..], &["ca", "export"], &["ca", "install-help", "ios"], &["ca", "create", "--next", "--name", "B"]] {
            let said = files.usher(arguments);
            assert!(said.code == Some(2) && said.out.is_empty() && said.err.contains("chmod 600"), "{said:?}");
        }
    }
}

#[test]
fn the_data_folder_of_another_account_is_left_alone() {
    let files = World::new().write();
    fs::create_dir(files.path("data")).expect("made");
    if fs::metadata(files.path("data")).expect("there").uid() != 0 || std::os::unix::fs::chown(files.path("data"), Some(1), None).is_err() {
        return skipped("root");
    }
    let said = files.usher(&CREATE);
    assert!(said.code == Some(2) && said.err.contains("sudo -u"), "{said:?}");
    assert!(!files.path("data/ca").exists());
}

/// Lets a client that trusts `roots` connect to `name`, as a site of the school's authority; the protocol they agree on.
async fn connect(leaves: &Leaves, roots: &CertificateDer<'static>, host: &str, asked: &str) -> Result<Option<Vec<u8>>, std::io::Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let config = leaves.of(&Host::parse(host).expect("a host"), Timestamp::now()).expect("minted");
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.expect("a client");
        if let Ok(mut tls) = TlsAcceptor::from(config).accept(tcp).await {
            // A client that has seen enough goes away.
            let _ = tls.write_all(b"hello").await;
            let _ = tls.shutdown().await;
        }
    });
    let mut store = RootCertStore::empty();
    store.add(roots.clone()).expect("a root");
    let builder = ClientConfig::builder_with_provider(usher::tls::provider()).with_safe_default_protocol_versions().expect("versions");
    let mut config = builder.with_root_certificates(store).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let tcp = TcpStream::connect(address).await.expect("connected");
    let connected = soon("a handshake", TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(asked.to_owned()).expect("a name"), tcp)).await;
    let agreed = match connected {
        Ok(mut tls) => {
            let mut text = String::new();
            soon("a word", tls.read_to_string(&mut text)).await.expect("read");
            assert_eq!(text, "hello");
            Ok(tls.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
        }
        Err(error) => Err(error),
    };
    soon("the server", serving).await.expect("it ends well");
    agreed
}

#[tokio::test]
async fn a_device_that_trusts_the_school_accepts_a_leaf_of_its_site_only() {
    let files = with_authority();
    let root = certificate(&files.usher(&["ca", "export"]).out);
    let leaves = Leaves::new(Arc::new(authority(&files))).expect("leaves");
    let http2 = || Some(b"h2".to_vec());
    for host in ["www.news.example", "xn--bcher-kva.example", "192.0.2.7", "2001:db8::7"] {
        assert_eq!(connect(&leaves, &root, host, host).await.expect(host), http2(), "{host}");
        assert!(connect(&leaves, &root, host, "other.example").await.is_err(), "{host} is not other.example");
    }
    let stranger = certificate(&with_authority().usher(&["ca", "export"]).out);
    assert!(connect(&leaves, &stranger, "www.news.example", "www.news.example").await.is_err(), "another school's device");
}

/// OpenSSL's command line. `None`, with a word about it, where it is not there.
fn openssl(folder: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    match Command::new("openssl").current_dir(folder).args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            skipped("openssl");
            None
        }
    }
}

/// Writes a leaf of a host.
fn put_leaf(files: &Files, host: &str) {
    let leaf = mint(&authority(files), &LeafKey::generate().expect("a key"), &Host::parse(host).expect("a host"), Timestamp::now()).expect("minted");
    files.put("leaf.pem", &format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&leaf.chain[0])));
}

fn verifies(files: &Files, host: &str) -> Option<bool> {
    put_leaf(files, host);
    let root = files.path("root.pem").display().to_string();
    assert_eq!(files.usher(&["ca", "export", "--output", &root]).code, Some(0));
    let by = if host.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
    let output = openssl(&files.path(""), &["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "root.pem", by, host, "leaf.pem"])?;
    if !output.status.success() {
        eprintln!("{host}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Some(output.status.success())
}

#[test]
fn openssl_agrees_on_leaves() {
    let files = World::new().write();
    assert_eq!(files.usher(&[&CREATE[..], &["--never-for", "bank.example"]].concat()).code, Some(0));
    let long = format!("{}.example", ["a"; 100].join("."));
    for host in ["www.news.example", "xn--bcher-kva.example", "under_score.example", "192.0.2.7", "2001:db8::7", &long] {
        let Some(verified) = verifies(&files, host) else { return };
        assert!(verified, "{host}");
    }
}

#[test]
fn an_authority_openssl_made_is_taken_over() {
    // As Active Directory names its own; of several values in one part; RSA, as most are.
    let rows: [(&str, &[&str], &str); 3] = [
        ("/DC=local/DC=school/CN=School-CA", &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "ECDSA P-256"),
        ("/O=School+OU=IT+CN=School CA", &["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], "ECDSA P-384"),
        ("/C=GB/O=School/CN=School CA", &["rsa:2048"], "RSA, 2048 bits"),
    ];
    for (name, key, kind) in rows {
        let files = World::new().write();
        let request =
            [&["req", "-x509", "-multivalue-rdn", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", name, "-newkey"][..], key].concat();
        let extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let Some(made) = openssl(&files.path(""), &[&request[..], &extensions].concat()) else { return };
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let said = files.usher(&["ca", "import", &files.path("ca.pem").display().to_string(), &files.path("ca.key").display().to_string()]);
        assert!(said.code == Some(0) && said.out.contains(kind) && said.err.contains("still holds the key"), "{said:?}");
        assert_eq!(said.err.contains("to sign with RSA"), kind.starts_with("RSA"), "{said:?}");
        assert_eq!(verifies(&files, "www.news.example"), Some(true), "{name}");
    }
}

#[tokio::test]
async fn the_page_and_its_downloads_are_reached_through_the_proxy() {
    let school = School::open(World::new().write()).await;
    let pupil = school.pupil();
    for page in ["http://usher.internal/ca", "http://usher.invalid/ca", "http://usher.internal/ca/usher.crt"] {
        let answer = pupil.get(page).await;
        answer.is_refused(404, "own-page");
        assert!(answer.reply.text().contains("no certificate authority"), "{answer:?}");
    }
    // It is there at once, without a restart.
    assert_eq!(school.files.usher(&CREATE).code, Some(0));
    let shown = school.files.usher(&["ca", "show", "--json"]).json().remove(0);
    let sha256 = shown["sha256"].as_str().expect("a fingerprint");
    for page in ["http://usher.internal/ca", "http://usher.invalid/ca", "http://usher.invalid/ca/", "http://usher.internal/ca?from=poster"] {
        for accept in ["text/html", "*/*"] {
            let answer = pupil.clone().with("Accept", accept).get(page).await;
            let text = answer.reply.text();
            assert_eq!(answer.reply.status, 200, "{answer:?}");
            assert!(text.replace("\n  ", "").replace('\n', "").contains(sha256) && text.contains("/ca/usher.cer") && text.contains("Chromebooks"), "{text}");
            assert_eq!((answer.record().verdict.as_str(), answer.record().reason.as_str()), ("answered", "own-page"));
        }
    }
    let root = certificate(&school.files.usher(&["ca", "export"]).out);
    for (name, kind, is_der) in [
        ("usher.crt", "application/x-x509-ca-cert", true),
        ("usher.cer", "application/x-x509-ca-cert", true),
        ("usher.pem", "application/x-pem-file", false),
        ("usher.mobileconfig", "application/x-apple-aspen-config", false),
        ("policies.json", "application/json", false),
    ] {
        let answer = pupil.get(&format!("http://usher.invalid/ca/{name}")).await;
        assert_eq!((answer.reply.status, answer.reply.field("content-type").as_deref()), (200, Some(kind)), "{name}");
        assert_eq!(answer.reply.body == *root, is_der, "{name}");
        assert_eq!(answer.reply.field("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(answer.record().verdict, "answered");
        let head = pupil.ask("HEAD", &format!("http://usher.invalid/ca/{name}"), "").await.reply;
        assert_eq!((head.status, head.field("content-length")), (200, Some(answer.reply.body.len().to_string())), "{name}");
    }
    assert_eq!(certificate(&pupil.get("http://usher.invalid/ca/usher.pem").await.reply.text()), root);
    pupil.get("http://usher.invalid/ca/usher-next.cer").await.is_refused(404, "own-page");
    pupil.get("http://usher.invalid/ca/current.pem").await.is_refused(404, "own-page");
    pupil.ask("POST", "http://usher.invalid/ca", "x=1").await.is_refused(404, "own-page");
    let front = pupil.get("http://usher.invalid/").await.reply;
    assert_eq!((front.status, front.field("location").as_deref()), (303, Some("/ca")));
    // A next one is offered beside it.
    assert_eq!(school.files.usher(&["ca", "create", "--next", "--name", "Example School 2"]).code, Some(0));
    assert!(pupil.get("http://usher.invalid/ca").await.reply.text().contains("Install both."));
    assert_eq!(pupil.get("http://usher.invalid/ca/usher-next.cer").await.reply.status, 200);
    // A key that others may read is not used, and pupils are told nothing of it.
    fs::set_permissions(current(&school.files), fs::Permissions::from_mode(0o644)).expect("a setting");
    let answer = pupil.get("http://usher.internal/ca").await;
    answer.is_refused(503, "own-page");
    assert!(!answer.reply.text().contains("data/ca"), "{answer:?}");
}
