//! Whoever is to be told of a matter is told once, whatever mail servers, chats and disks do; and who has read it is on record.

use crate::kit::smtp::{Does, LOGIN, RealSmtp, Smtp, header, words};
use crate::kit::{Authority, Files, Origin, PATIENCE, Program, Receiver, School, Wire, World, skipped};
use jiff::{Timestamp, ToSpan};
use rustix::process::Signal;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use usher::alert::links::Links;
use usher::alert::notify::{self, Around, Book};
use usher::alert::outbox::{Message, Outbox, State};
use usher::alert::plan::{About, Hook, Ladder, LineFile, Links as LinkSettings, Mail, Plan, Quiet, Recipient, Route, Security, Shape, Syslog};
use usher::alert::theme::Theme;
use usher::audit::incident::{Act, Level, Opened, Outcome, Person, Told};
use usher::audit::journal::{Journal, Reader, Topic};
use usher::audit::{Folder, RecordId};
use usher::clock::Timetable;
use usher::outputs::webhook::{Secret, signature};
use usher::proxy::links::{Desk, serve};
use usher::proxy::pages::{School as SchoolText, UNNAMED};
use usher::reach::Roots;

/// Wednesday, in lessons.
const MORNING: &str = "2026-11-25T10:00:00Z";

/// A school's office: a journal, an outbox, a clock, and Usher telling people.
struct Office {
    place: Place,
    plan: Arc<Mutex<Plan>>,
    clock: Arc<Mutex<Timestamp>>,
    running: Option<JoinHandle<()>>,
}

/// Its folder, which may be a school's that is open.
enum Place {
    Own(TempDir),
    Of(PathBuf),
}

impl Office {
    fn at(place: Place, plan: Plan) -> Self {
        let clock = Arc::new(Mutex::new(MORNING.parse().expect("a time")));
        let mut office = Self { place, plan: Arc::new(Mutex::new(plan)), clock, running: None };
        office.start();
        office
    }

    fn data(&self) -> PathBuf {
        match &self.place {
            Place::Own(folder) => folder.path().to_owned(),
            Place::Of(path) => path.clone(),
        }
    }

    fn folder(&self) -> Folder {
        Folder::at(self.data().join("log"))
    }

    fn outbox_path(&self) -> PathBuf {
        self.data().join("alerts/outbox.db")
    }

    fn around(&self) -> Around {
        let (plan, clock) = (self.plan.clone(), self.clock.clone());
        let timetable = Timetable { zone: jiff::tz::TimeZone::UTC, periods: Vec::new(), terms: Vec::new(), closed: Vec::new() };
        Around {
            folder: self.folder(),
            outbox: self.outbox_path(),
            secret: self.secret(),
            own_pages: "http://usher.internal".to_owned(),
            books: Arc::new(move || Arc::new(Book { plan: plan.lock().expect("a plan").clone(), timetable: timetable.clone() })),
            roots: Roots::System,
            clock: Arc::new(move || *clock.lock().expect("a clock")),
        }
    }

    fn secret(&self) -> [u8; 32] {
        match std::fs::read(self.data().join("secret.key")) {
            Ok(bytes) => bytes.try_into().expect("32 bytes"),
            Err(_) => [7; 32],
        }
    }

    fn start(&mut self) {
        self.running = Some(tokio::spawn(notify::run(self.around())));
    }

    /// Ends telling, as a stop of Usher does.
    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    fn after(&self, seconds: i64) {
        let mut clock = self.clock.lock().expect("a clock");
        *clock = clock.checked_add(seconds.seconds()).expect("a time");
    }

    fn now(&self) -> Timestamp {
        *self.clock.lock().expect("a clock")
    }

    fn state(&self, act: &Act) {
        Journal::open(&self.folder()).expect("a journal").state_act(self.now(), act).expect("stated");
    }

    /// A pupil's matter begins.
    fn opened(&self, number: u64, level: Level) -> Opened {
        self.of(number, level, "k.smith")
    }

    fn of(&self, number: u64, level: Level, user: &str) -> Opened {
        let opened = matter(number, level, user, self.now());
        self.state(&Act::Opened(Box::new(opened.clone())));
        opened
    }

    fn worse(&self, number: u64) {
        self.worse_by(number, None);
    }

    /// It is danger, in this theme if it is another.
    fn worse_by(&self, number: u64, also: Option<&str>) {
        let at_ms = self.now().as_millisecond().unsigned_abs();
        let episode = RecordId(number);
        self.state(&Act::Worsened {
            is_back: false,
            also: also.map(Into::into),
            place: None,
            episode,
            theme: "self-harm".into(),
            level: Level::Danger,
            at_ms,
            factors: vec!["A second sign.".into()],
            records: Vec::new(),
        });
    }

    /// What was typed within minutes of it is of another theme too.
    fn joins(&self, number: u64, also: &str) {
        let (at_ms, factors) = (self.now().as_millisecond().unsigned_abs(), vec!["Words of that.".into()]);
        let (theme, level) = ("self-harm".into(), Level::Concern);
        self.state(&Act::Joined { episode: RecordId(number), theme, also: also.into(), level, at_ms, factors, records: vec![RecordId(number + 1)] });
    }

    fn acts(&self) -> Vec<Act> {
        let Ok(reader) = Reader::open(&self.folder()) else { return Vec::new() };
        reader.about(Topic::Alert, 0).expect("read").iter().filter_map(usher::audit::journal::Statement::read).collect()
    }

    /// To whom messages were handed over, by what is stated, in order.
    fn told(&self) -> Vec<String> {
        self.acts().iter().filter_map(|act| if let Act::Told(told) = act { Some(told.to.clone()).filter(|to| to != "marks") } else { None }).collect()
    }

    fn messages(&self) -> Vec<Message> {
        let mut all = Outbox::open(&self.outbox_path()).expect("an outbox").newest(1000).expect("read");
        all.sort_by_key(|message| message.number);
        all
    }

    /// Waits until something is so.
    async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !so(self) {
            assert!(started.elapsed() < PATIENCE, "{what}: {:?} {:?}", self.acts(), self.messages());
            tokio::task::yield_now().await;
        }
    }

    /// Waits until there was a turn after everything that is stated: the next message of a file is written.
    async fn settled(&self) {
        let mark = 1_000_000 + self.acts().len() as u64;
        self.state(&Act::Opened(Box::new(Opened { theme: "gambling".into(), ..matter(mark, Level::Danger, "mark", self.now()) })));
        let path = self.data().join("marks.jsonl");
        let reference = RecordId(mark).to_string();
        self.until("a mark", |_| std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&reference))).await;
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

fn matter(number: u64, level: Level, user: &str, at: Timestamp) -> Opened {
    Opened {
        episode: RecordId(number),
        theme: "self-harm".into(),
        level,
        who: Person::User(user.into()),
        group: "year-9".into(),
        is_staff: false,
        confidence: "proved".into(),
        place: Some("Room 12".into()),
        client: "10.7.0.1".into(),
        at_ms: at.as_millisecond().unsigned_abs(),
        rule: None,
        factors: vec!["It was typed, not loaded by a page.".into()],
        records: vec![RecordId(number)],
        unseen: vec!["6 of 9 sites in this hour were sealed.".into()],
    }
}

fn recipient(role: &str, user: Option<&str>) -> Recipient {
    Recipient { role: role.into(), name: role.into(), email: Some(format!("{role}@school.example").into()), user: user.map(Into::into) }
}

fn route(name: &str, at_least: Level, to: &[&str]) -> Route {
    Route {
        name: name.into(),
        is_system: false,
        themes: vec![Theme::SelfHarm],
        at_least,
        groups: Vec::new(),
        during: Vec::new(),
        about: About::Pupils,
        to: to.iter().map(|to| (*to).into()).collect(),
        names: true,
        words: false,
        ladder: None,
    }
}

fn mail(port: u16, security: Security) -> Mail {
    Mail { server: "127.0.0.1".into(), port, security, login: None, from: "Usher <usher@school.example>".into(), ca: None, timeout: Duration::from_secs(10) }
}

/// The officer is told of concern by mail; what concerns gambling is a mark in a file.
fn plan(mail: Mail) -> Plan {
    Plan {
        recipients: vec![recipient("officer", Some("staff-bell")), recipient("deputy", None), recipient("head", Some("staff-head"))],
        mail: Some(mail),
        links: LinkSettings { base: None, listen: None, lasts: Duration::from_secs(72 * 3600) },
        routes: vec![route("concern", Level::Concern, &["officer"]), marks()],
        ..with_marks()
    }
}

fn marks() -> Route {
    Route { themes: vec![Theme::Gambling], ..route("marks", Level::Danger, &["marks"]) }
}

/// The file of marks is beside the journal: tests set its path when the office is open.
fn with_marks() -> Plan {
    Plan { files: vec![LineFile { name: "marks".into(), path: PathBuf::new(), names: true }], ..Plan::default() }
}

fn office(plan: Plan) -> Office {
    let folder = tempfile::tempdir().expect("a folder");
    let files = vec![LineFile { name: "marks".into(), path: folder.path().join("marks.jsonl"), names: true }];
    Office::at(Place::Own(folder), Plan { files, ..plan })
}

fn laddered(plan: Plan) -> Plan {
    let steps = [("deputy", 10), ("head", 20)].map(|(role, minutes)| (role.into(), Duration::from_secs(60 * minutes)));
    let ladders = vec![Ladder { name: "danger".into(), steps: steps.into() }];
    let danger = Route { ladder: Some("danger".into()), ..route("danger", Level::Danger, &["officer"]) };
    Plan { ladders, routes: vec![danger, marks()], ..plan }
}

#[tokio::test]
async fn a_real_mail_server_takes_an_alert_over_tls_from_who_signs_in() {
    let authority = Authority::new("School");
    for (mode, security) in [("starttls", Security::StartTls), ("tls", Security::Tls)] {
        let Some(mut server) = RealSmtp::start(&authority, mode) else { return skipped("aiosmtpd") };
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).expect("written");
        let login = Some((LOGIN.0.into(), Secret(LOGIN.1.into())));
        let office = office(plan(Mail { login, ca: Some(ca), ..mail(server.port, security) }));
        let opened = office.opened(77, Level::Danger);
        // The server is kept: it says that a mail is there before it says so to whoever sends it.
        let (taken, _server) = tokio::task::spawn_blocking(move || (server.mail(), server)).await.expect("a mail");
        assert!(taken.secured && taken.signed_in, "{taken:?}");
        assert_eq!((taken.from.as_str(), &taken.to[..]), ("usher@school.example", &["officer@school.example".to_owned()][..]));
        assert_eq!(taken.header("Subject").as_deref(), Some("[Usher] Danger: self-harm, k.smith, year-9, 10:00 (0000-0000-0002D)"));
        for (field, value) in [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"), ("Importance", "high")] {
            assert_eq!(taken.header(field).as_deref(), Some(value), "{field}");
        }
        assert!(taken.header("Message-ID").is_some_and(|id| id.ends_with("@school.example>")));
        let text = taken.words();
        for part in [
            "k.smith (year-9): danger, by one sign of self-harm, Wednesday 25 November, 10:00 in Room 12.",
            "1. It was typed, not loaded by a page.",
            "6 of 9 sites in this hour were sealed.",
            "I have read this: http://usher.internal/a/",
            "usher alerts show 0000-0000-0002D",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        office.until("told", |office| office.told() == ["officer@school.example"]).await;
        let Some(Act::Told(told)) = office.acts().pop() else { panic!("it is stated") };
        assert_eq!((told.episode, told.level, told.tries, told.channel.as_str()), (Some(opened.episode), Some(Level::Danger), 1, "mail"));
        assert!(told.answer.contains("queued as 4Xy1"), "{}", told.answer);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_is_not_who_it_should_be_or_does_not_know_us() {
    let (authority, stranger) = (Authority::new("School"), Authority::new("Stranger"));
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("written");
    let right = || Some((LOGIN.0.into(), Secret(LOGIN.1.into())));
    let wrong = || Some((LOGIN.0.into(), Secret("guessed".into())));
    for (of, names, mode, login, why) in [
        (&stranger, "127.0.0.1", "starttls", right(), "signed by nobody this machine trusts"),
        (&stranger, "127.0.0.1", "tls", right(), "signed by nobody this machine trusts"),
        (&authority, "elsewhere.example", "starttls", right(), "127.0.0.1"),
        (&authority, "127.0.0.1", "starttls", wrong(), "does not let Usher sign in; check user and password_file under [mail]: 535"),
        (&authority, "127.0.0.1", "starttls", None, "530"),
    ] {
        let Some(server) = RealSmtp::named(of, mode, &[names]) else { return skipped("aiosmtpd") };
        let security = if mode == "tls" { Security::Tls } else { Security::StartTls };
        let office = office(plan(Mail { login, ca: Some(ca.clone()), ..mail(server.port, security) }));
        office.opened(77, Level::Concern);
        office.until("a try", |office| office.messages().first().is_some_and(|message| message.tries == 1)).await;
        let message = &office.messages()[0];
        assert_eq!(message.state, State::Waiting, "people mend it: {message:?}");
        assert!(message.why.contains(why), "{why} is not in {}", message.why);
        assert!(!message.why.contains("guessed") && office.told().is_empty());
    }
}

#[tokio::test]
async fn one_bad_address_holds_up_nobody_else() {
    let authority = Authority::new("School");
    let Some(server) = RealSmtp::start(&authority, "starttls") else { return skipped("aiosmtpd") };
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("written");
    let login = Some((LOGIN.0.into(), Secret(LOGIN.1.into())));
    let mut plan = plan(Mail { login, ca: Some(ca), ..mail(server.port, Security::StartTls) });
    plan.recipients.insert(0, Recipient { email: Some("nobody@school.example".into()), ..recipient("officer", None) });
    let office = office(plan);
    office.opened(77, Level::Danger);
    office.until("both", |office| office.acts().len() == 3).await;
    assert_eq!(office.told(), ["officer@school.example"]);
    let acts = office.acts();
    let untold = acts.iter().find_map(|act| if let Act::Untold(untold) = act { Some(untold) } else { None }).expect("stated");
    assert_eq!((untold.to.as_str(), untold.tries), ("nobody@school.example", 1));
    assert!(untold.answer.contains("no such mailbox"), "{}", untold.answer);
    let counts = Outbox::open(&office.outbox_path()).expect("an outbox").counts().expect("counted");
    assert_eq!((counts.waiting, counts.dead), (0, 1));
}

#[tokio::test]
async fn who_looks_after_usher_is_told_of_what_is_given_up_and_of_that_alone() {
    let server = Smtp::doing(&[Does::Says("RCPT", "550 5.1.1 no such mailbox"), Does::Takes, Does::Says("RCPT", "550 5.1.1 none either")]).await;
    let mut plan = plan(mail(server.port(), Security::None));
    plan.recipients.push(recipient("technician", None));
    plan.routes.push(Route { is_system: true, themes: Vec::new(), names: false, ..route("usher-itself", Level::Concern, &["technician"]) });
    let office = office(plan);
    office.opened(77, Level::Danger);
    office.until("the technician", |office| office.told() == ["technician@school.example"]).await;
    let mails = server.mails();
    assert_eq!(header(&mails[0], "Subject").as_deref(), Some("[Usher] A message about an alert could not be handed over"));
    let text = words(&mails[0]);
    assert!(text.contains("to officer@school.example by mail is given up after 1 tries") && text.contains("no such mailbox"), "{text}");
    assert!(!text.contains("k.smith"), "{text}");
    // The next fails to reach both: the second failure makes no third message.
    office.opened(78, Level::Danger);
    office.until("given up", |office| office.messages().iter().filter(|message| message.state == State::Dead).count() == 3).await;
    office.settled().await;
    assert_eq!(office.messages().iter().filter(|message| message.channel() == "mail").count(), 4);
}

#[tokio::test]
async fn in_the_clear_nothing_is_said_but_that_tls_is_wanted() {
    for (does, why) in [
        (&[Does::Takes][..], "offers no STARTTLS, so nothing was sent"),
        (&[Does::Injects], "it says more than it was asked"),
        (&[Does::Says("EHLO", "502 what?")], "offers no STARTTLS"),
    ] {
        let server = Smtp::doing(does).await;
        let login = Some((LOGIN.0.into(), Secret(LOGIN.1.into())));
        let office = office(plan(Mail { login, ..mail(server.port(), Security::StartTls) }));
        office.opened(77, Level::Danger);
        office.until("a try", |office| office.messages().first().is_some_and(|message| message.tries == 1)).await;
        assert!(office.messages()[0].why.contains(why), "{}", office.messages()[0].why);
        let commands = server.commands();
        assert!(commands.iter().all(|line| line.starts_with("EHLO ") || line == "STARTTLS" || line.is_empty()), "{commands:?}");
        assert!(server.mails().is_empty() && office.told().is_empty());
    }
}

#[tokio::test]
async fn what_is_refused_for_now_is_sent_again_as_the_same_mail() {
    for refusal in [
        Does::Says("MAIL", "451 4.3.0 not now"),
        Does::Says("RCPT", "450 4.2.0 greylisted"),
        Does::Says("DATA", "421 4.3.2 going down"),
        Does::Says("the mail", "451 4.3.0 disk full"),
        Does::Says("the mail", "554 5.7.1 looks like spam"),
        Does::Drops("RCPT"),
    ] {
        let server = Smtp::doing(Box::leak(Box::new([refusal, refusal, Does::TakesAndDrops]))).await;
        let office = office(plan(mail(server.port(), Security::None)));
        office.opened(77, Level::Concern);
        office.until("a try", |office| office.messages().first().is_some_and(|message| message.tries == 1)).await;
        assert_eq!(server.visits(), 1);
        office.after(4);
        office.settled().await;
        assert_eq!(server.visits(), 1, "it waits five seconds: {refusal:?}");
        office.after(1);
        office.until("a second try", |office| office.messages()[0].tries == 2).await;
        office.after(15);
        office.until("told", |office| office.told().contains(&"officer@school.example".to_owned())).await;
        let mails = server.mails();
        let id = |mail: &String| header(mail, "Message-ID").expect("an id");
        assert!(mails.iter().all(|mail| id(mail) == id(&mails[0])), "{mails:?}");
        let links = |mail: &String| words(mail).lines().find(|line| line.contains("/a/")).expect("a link").to_owned();
        assert!(mails.iter().all(|mail| links(mail) == links(&mails[0])));
        office.after(3600);
        office.settled().await;
        assert_eq!(server.visits(), 3, "what was taken is not sent again, though the server hung up: {refusal:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_a_while_and_holds_up_no_other_channel() {
    for does in [&[Does::Hangs][..], &[Does::HangsAfterData]] {
        let server = Smtp::doing(does).await;
        let office = office(plan(Mail { timeout: Duration::from_millis(300), ..mail(server.port(), Security::None) }));
        office.opened(77, Level::Danger);
        office.settled().await;
        office.until("a try", |office| office.messages()[0].tries == 1).await;
        assert!(office.messages()[0].why.contains("did not take it within"), "{}", office.messages()[0].why);
        assert!(!office.told().contains(&"officer@school.example".to_owned()));
    }
}

#[tokio::test]
async fn what_was_told_is_not_told_again_after_a_start_nor_after_the_outbox_is_lost() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let mut office = office(plan(mail(server.port(), Security::None)));
    office.opened(77, Level::Concern);
    office.until("told", |office| office.told().len() == 1).await;
    office.stop().await;
    // Stated while nobody was there to tell it.
    office.opened(78, Level::Concern);
    office.start();
    office.until("the second", |office| office.told().len() == 2).await;
    office.stop().await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", office.outbox_path().display()));
    }
    office.start();
    office.settled().await;
    assert_eq!(server.mails().len(), 2);
    // What is long past is not told either, when nothing is known of it any more.
    office.stop().await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", office.outbox_path().display()));
    }
    office.opened(79, Level::Danger);
    office.after(73 * 3600);
    office.start();
    office.settled().await;
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn who_is_named_later_is_told_of_what_was_stated_before() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let office = office(Plan::default());
    let named = Plan { files: office.plan.lock().expect("a plan").files.clone(), ..plan(mail(server.port(), Security::None)) };
    *office.plan.lock().expect("a plan") = Plan::default();
    office.opened(77, Level::Danger);
    *office.plan.lock().expect("a plan") = named;
    office.until("told", |office| office.told() == ["officer@school.example"]).await;
}

#[tokio::test]
async fn the_deputy_is_told_after_ten_minutes_and_the_head_after_twenty() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let mut office = office(laddered(plan(mail(server.port(), Security::None))));
    let told = |office: &Office| office.told().into_iter().filter(|to| to != "marks").map(|to| to.replace("@school.example", "")).collect::<Vec<_>>();
    office.opened(77, Level::Danger);
    office.until("the officer", |office| told(office) == ["officer"]).await;
    assert!(words(&server.mails()[0]).contains("If nobody says that they have read it, the next is told: 10:10 the deputy, 10:20 the head."));
    office.after(599);
    office.settled().await;
    assert_eq!(told(&office), ["officer"]);
    // A start in between knows when the first was told.
    office.stop().await;
    office.start();
    office.after(1);
    office.until("the deputy", |office| told(office) == ["officer", "deputy"]).await;
    let subject = header(&server.mails()[1], "Subject").expect("a subject");
    assert!(subject.contains("nobody has read it yet"), "{subject}");
    office.after(600);
    office.until("the head", |office| told(office) == ["officer", "deputy", "head"]).await;
    office.after(7200);
    office.settled().await;
    assert_eq!(told(&office).len(), 3, "there is no step after the last");
    // Another, which somebody reads in time.
    office.opened(78, Level::Danger);
    office.until("the officer", |office| told(office).len() == 4).await;
    office.state(&Act::Read { episode: RecordId(78), theme: "self-harm".into(), by: "Ms Bell".into(), how: "command".into() });
    office.after(7200);
    office.settled().await;
    assert_eq!(told(&office).len(), 4);
}

#[tokio::test]
async fn danger_that_fails_once_goes_to_the_next_at_once() {
    let server = Smtp::doing(&[Does::Says("RCPT", "450 4.2.0 later"), Does::Takes]).await;
    let office = office(laddered(plan(mail(server.port(), Security::None))));
    office.opened(77, Level::Danger);
    office.until("the deputy", |office| office.told() == ["deputy@school.example"]).await;
    // The officer's is still tried, and who was to be told first is told.
    office.after(5);
    office.until("the officer", |office| office.told().len() == 2).await;
    office.settled().await;
    assert_eq!(server.mails().len(), 2, "the deputy's did not fail, so the head is not woken");
}

#[tokio::test]
async fn concern_waits_for_the_morning_and_danger_goes_at_once_in_its_place() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let mut plan = plan(mail(server.port(), Security::None));
    let time = |hour| jiff::civil::time(hour, 0, 0, 0);
    plan.quiet = Some(Quiet { from: time(18), to: time(8), days_off: true });
    let office = office(plan);
    // Nine in the evening.
    office.after(11 * 3600);
    office.opened(77, Level::Concern);
    office.opened(78, Level::Concern);
    office.settled().await;
    assert!(server.mails().is_empty());
    office.worse(78);
    office.until("danger", |office| office.told().contains(&"officer@school.example".to_owned())).await;
    let subject = header(&server.mails()[0], "Subject").expect("a subject");
    assert!(subject.starts_with("[Usher] Danger: self-harm, it got worse, k.smith"), "{subject}");
    office.after(11 * 3600);
    office.until("the morning", |_| server.mails().len() == 2).await;
    office.settled().await;
    assert_eq!(server.mails().len(), 2, "what waited of the second was said by what came after");
    let states: Vec<_> = office.messages().iter().filter(|message| message.channel() == "mail").map(|message| message.state).collect();
    assert_eq!(states, [State::Sent, State::Folded, State::Sent]);
}

#[tokio::test]
async fn nobody_is_told_of_what_is_closed_meanwhile() {
    let server = Smtp::doing(&[Does::Says("RCPT", "450 4.2.0 later"), Does::Takes]).await;
    let office = office(plan(mail(server.port(), Security::None)));
    office.opened(77, Level::Concern);
    office.until("a try", |office| office.messages().first().is_some_and(|message| message.tries == 1)).await;
    let (episode, theme, by) = (RecordId(77), "self-harm".to_owned(), "Ms Bell".to_owned());
    office.state(&Act::Closed { episode, theme, by, outcome: Outcome::Talked, action: "talked".into(), reason: "settled".into(), disputed: None });
    office.after(60);
    office.settled().await;
    assert_eq!((server.mails().len(), office.messages()[0].state), (0, State::Folded));
}

#[tokio::test]
async fn chats_and_programs_get_their_own_forms_and_a_failure_that_says_yes_is_none() {
    let failed = "HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\nWebhook message delivery failed with error: Microsoft Teams endpoint returned 429";
    let teams = Origin::ending(&[failed, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"]).await;
    let json = Origin::ending(&["HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"]).await;
    let syslog = Receiver::start(&[], None).await;
    let hook = |name: &str, of: &Origin, shape, names, secret: Option<&str>| Hook {
        name: name.into(),
        address: Secret(format!("http://{}/hook/very-secret", of.address)),
        shape,
        names,
        secret: secret.map(|secret| Secret(secret.into())),
    };
    let mut plan = plan(mail(1, Security::None));
    plan.hooks = vec![hook("teams", &teams, Shape::Teams, true, None), hook("siem", &json, Shape::Json, false, Some("between us"))];
    plan.syslog = vec![Syslog { name: "log".into(), address: format!("tcp://{}", syslog.address).into(), names: true }];
    plan.routes = vec![route("concern", Level::Concern, &["teams", "siem", "log"]), marks()];
    let office = office(plan);
    office.opened(77, Level::Concern);
    office.until("syslog", |office| office.told() == ["log"]).await;
    let message = &syslog.has(1).await[0];
    assert!(message.contains(" alert [usher@32473 ") && message.contains("who=\"k.smith (year-9)\"") && message.contains("level=\"concern\""), "{message}");
    office.until("tries", |office| office.messages().iter().filter(|message| message.tries == 1 && message.state == State::Waiting).count() == 2).await;
    for message in office.messages().iter().filter(|message| message.state == State::Waiting) {
        assert!(!message.why.contains("very-secret"), "{}", message.why);
    }
    office.after(5);
    office.until("all", |office| office.told().len() == 3).await;
    let card = teams.seen().pop().expect("a request");
    assert!(card.contains("AdaptiveCard") && card.contains("k.smith (year-9)") && card.contains("/a/"), "{card}");
    let seen = json.seen();
    assert_eq!(seen.len(), 2);
    for request in &seen {
        let (head, body) = request.split_once("\r\n\r\n").expect("a body");
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} is not in {head}"));
        assert_eq!(field("usher-signature: "), signature(&Secret("between us".into()), field("usher-timestamp: "), body.as_bytes()));
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!((&body["kind"], &body["level"], &body["group"]), (&"episode".into(), &"concern".into(), &"year-9".into()));
        assert!(body["who"].is_null() && !body.to_string().contains("k.smith"), "the hook may name nobody: {body}");
        assert_eq!(field("idempotency-key: "), body["key"].as_str().expect("a key"));
    }
}

#[tokio::test]
async fn whoever_a_matter_is_about_is_not_told_of_it() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let office = office(laddered(plan(mail(server.port(), Security::None))));
    office.of(77, Level::Danger, "staff-bell");
    office.until("another", |office| !office.told().is_empty()).await;
    assert!(!office.told().contains(&"officer@school.example".to_owned()));
}

/// The link in the newest mail.
fn link(server: &Smtp) -> String {
    let mails = server.mails();
    let text = words(mails.last().expect("a mail"));
    text.lines().find_map(|line| line.strip_prefix("I have read this: ")).expect("a link").trim().to_owned()
}

fn reads(office: &Office) -> Vec<String> {
    office.acts().into_iter().filter_map(|act| if let Act::Read { by, how, .. } = act { Some(format!("{by} by {how}")) } else { None }).collect()
}

#[tokio::test]
async fn a_link_is_used_once_by_who_gives_a_name_and_its_token_is_never_on_record() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let school = World::new().proxy("ask_for_password = \"unknown\"").user("staff-bell", "secret", Some("staff")).start().await;
    let office = Office::at(Place::Of(school.files.path("data")), laddered(plan(mail(server.port(), Security::None))));
    office.opened(77, Level::Danger);
    office.until("told", |office| office.told().len() == 1).await;
    let link = link(&server);
    let token = link.rsplit('/').next().expect("a token").to_owned();
    let teacher = || school.teacher();
    // Whatever only looks changes nothing: a scanner, a browser that fetches ahead, a preview.
    for method in ["GET", "HEAD"] {
        let answer = teacher().ask(method, &link, "").await;
        assert_eq!(answer.reply.status, 200, "{method}");
    }
    let prefetch = teacher().with("Sec-Purpose", "prefetch").get(&link).await;
    let page = prefetch.reply.text();
    for part in ["Have you read this?", "Alert 0000-0000-0002D, danger", "name=\"name\" required"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    for part in ["k.smith", "year-9", "self-harm", "Room 12"] {
        assert!(!page.contains(part), "{part} is in {page}");
    }
    for (field, value) in [("referrer-policy", "no-referrer"), ("cache-control", "no-store"), ("x-frame-options", "DENY")] {
        assert_eq!(prefetch.reply.field(field).as_deref(), Some(value), "{field}");
    }
    // A form without a name, as a scanner presses buttons.
    for form in ["", "name=", "name=+7+", "other=Ms+Bell"] {
        assert_eq!(teacher().post(&link, form).await.reply.status, 200);
    }
    assert!(reads(&office).is_empty());
    let thanks = teacher().post(&link, "name=Ms+Bell%0d%0a").await;
    assert!(thanks.reply.text().contains("It is on record that you have read it"), "{}", thanks.reply.text());
    assert_eq!(reads(&office), ["Ms Bell (officer) by link"]);
    for again in [teacher().post(&link, "name=Mr+Roe").await, teacher().get(&link).await] {
        assert_eq!(again.reply.status, 410);
        assert!(again.reply.text().contains("This link was used") && !again.reply.text().contains("Bell"), "{}", again.reply.text());
    }
    assert_eq!(reads(&office).len(), 1);
    // Through the other spellings of a path and a host, and where nobody is let in.
    school.stranger().get(&link).await;
    teacher().get(&format!("{link}?x=1")).await;
    teacher().get(&format!("http://usher.invalid/a/{token}")).await;
    for row in school.rows() {
        assert!(!format!("{row:?}").contains(&token[7..]), "{row:?}");
    }
    assert!(school.rows().iter().any(|row| row.path.starts_with("/a/")));
    // Nobody else is woken.
    office.after(7200);
    office.until("a turn", |office| office.told().len() == 1).await;
}

/// The pages of links behind a school's web server.
async fn listening(office: &Office) -> (SocketAddr, JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let links = Arc::new(Links::new(office.outbox_path(), office.folder(), &office.secret()));
    let text = String::new;
    let school = SchoolText { name: UNNAMED.into(), appeal: text(), help_heading: text(), help_text: text(), contacts: Vec::new() };
    let clock = office.clock.clone();
    let desk = Desk { links, school, clock: Arc::new(move || *clock.lock().expect("a clock")), zone: jiff::tz::TimeZone::UTC };
    (address, tokio::spawn(serve(listener, desk)))
}

async fn asks(address: SocketAddr, method: &str, path: &str, form: &str) -> (u16, String) {
    let mut wire = Wire::connect(IpAddr::from([127, 0, 0, 1]), address).await;
    let fields = if form.is_empty() { String::new() } else { format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", form.len()) };
    wire.send(format!("{method} {path} HTTP/1.1\r\nHost: usher.school.example\r\n{fields}\r\n{form}")).await;
    let reply = if method == "HEAD" { wire.head_only().await } else { wire.reply().await };
    (reply.status, reply.text())
}

#[tokio::test]
async fn a_concern_of_another_theme_in_one_matter_is_told_to_nobody_again_and_danger_to_all_each_time() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let office = office(plan(mail(server.port(), Security::None)));
    office.opened(77, Level::Concern);
    office.until("told", |office| office.told().len() == 1).await;
    office.joins(77, "hate");
    office.settled().await;
    assert_eq!(office.told().len(), 1);
    for (number, also) in [(2, "drugs"), (3, "crime")] {
        office.worse_by(77, Some(also));
        office.until("told", |office| office.told().len() == number).await;
    }
    office.settled().await;
    assert_eq!(office.told().len(), 3, "{:?}", office.told());
    let mails = server.mails();
    let last = mails.last().expect("a mail");
    let subject = header(last, "Subject").expect("a subject");
    assert!(subject.starts_with("[Usher] Danger: self-harm and hate or bullying and drugs and crime, it got worse, k.smith, year-9"), "{subject}");
    let text = words(last);
    assert!(text.contains("of self-harm, hate or bullying, drugs and crime"), "{text}");
    assert!(text.contains("Typed within minutes of it, and part of it: hate or bullying.") && text.contains("Words of that."), "{text}");
}

#[tokio::test]
async fn a_link_that_is_altered_old_or_overtaken_does_nothing_and_guessing_is_slowed() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let office = office(plan(mail(server.port(), Security::None)));
    let (address, serving) = listening(&office).await;
    office.opened(77, Level::Concern);
    office.until("told", |office| office.told().len() == 1).await;
    let first = link(&server).replace("http://usher.internal", "");
    assert_eq!(asks(address, "GET", &first, "").await.0, 200);
    // A letter of it changed, anywhere.
    for at in [3, 10, 25, 44] {
        let mut altered = first.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("text");
        assert_eq!(asks(address, "POST", &altered, "name=Ms+Bell").await.0, 404, "{at}");
    }
    for (method, path, status) in [("GET", "/", 404), ("GET", "/a/", 404), ("PUT", &first, 405), ("OPTIONS", &first, 405), ("HEAD", &first, 200)] {
        assert_eq!(asks(address, method, path, "").await.0, status, "{method} {path}");
    }
    // It got worse: who reads the first message has not read the second.
    office.worse(77);
    office.until("told", |office| office.told().len() == 2).await;
    let (status, text) = asks(address, "POST", &first, "name=Ms+Bell").await;
    assert!(status == 410 && text.contains("it got worse since"), "{status} {text}");
    assert!(reads(&office).is_empty());
    let second = link(&server).replace("http://usher.internal", "");
    // Guessing is slowed, and does not keep out who has a link.
    let mut statuses = Vec::new();
    for number in 0..30 {
        statuses.push(asks(address, "GET", &format!("/a/{:043}", number), "").await.0);
    }
    assert!(statuses.contains(&404) && statuses.ends_with(&[429, 429, 429]), "{statuses:?}");
    assert_eq!(asks(address, "GET", &second, "").await.0, 200);
    office.after(72 * 3600 + 1);
    let (status, text) = asks(address, "POST", &second, "name=Ms+Bell").await;
    assert!(status == 410 && text.contains("too old"), "{status} {text}");
    assert!(reads(&office).is_empty());
    // A closed matter's links do nothing more.
    office.opened(78, Level::Concern);
    office.until("told", |office| office.told().len() == 3).await;
    let third = link(&server).replace("http://usher.internal", "");
    let (episode, theme, by) = (RecordId(78), "self-harm".to_owned(), "Ms Bell".to_owned());
    office.state(&Act::Closed { episode, theme, by, outcome: Outcome::Talked, action: "talked".into(), reason: "settled".into(), disputed: None });
    office.settled().await;
    assert_eq!(asks(address, "POST", &third, "name=Ms+Bell").await.0, 410);
    assert!(reads(&office).is_empty());
    serving.abort();
}

#[tokio::test]
async fn two_who_press_at_once_are_one_reader() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let office = office(plan(mail(server.port(), Security::None)));
    let (address, serving) = listening(&office).await;
    office.opened(77, Level::Concern);
    office.until("told", |office| office.told().len() == 1).await;
    let path = link(&server).replace("http://usher.internal", "");
    let presses = (0..8).map(|number| {
        let path = path.clone();
        async move { asks(address, "POST", &path, &format!("name=Person+{number}")).await.0 }
    });
    let mut set = tokio::task::JoinSet::new();
    presses.for_each(|press| drop(set.spawn(press)));
    let statuses = set.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(reads(&office).len(), 1);
    serving.abort();
}

#[tokio::test]
async fn what_was_searched_for_is_in_no_subject_and_in_the_text_only_where_the_school_wants_it() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let site = Origin::saying("hello").await;
    let school: School = World::new().named("www.bing.com", "127.0.0.1").start().await;
    school.pupil().get(&format!("http://www.bing.com:{}/search?q=painless+way+to+vanish", site.address.port())).await;
    let row = school.rows().into_iter().find(|row| row.term.is_some()).expect("a search");
    assert_eq!(row.term.as_deref(), Some("painless way to vanish"));
    let cases = [(1, "none", true, false), (2, "only-words", false, true), (3, "both", true, true)];
    let routes = cases.map(|(_, group, names, words)| Route { names, words, groups: vec![group.into()], ..route(group, Level::Concern, &["officer"]) });
    let plan = Plan { routes: routes.into(), ..plan(mail(server.port(), Security::None)) };
    let office = Office::at(Place::Of(school.files.path("data")), plan);
    for (number, group, names, words_too) in cases {
        let opened = Opened { records: vec![row.number], group: group.into(), ..matter(number, Level::Concern, "k.smith", office.now()) };
        office.state(&Act::Opened(Box::new(opened)));
        office.until("told", |office| office.told().len() as u64 == number).await;
        let mails = server.mails();
        let mail = mails.last().expect("a mail");
        let (subject, text) = (header(mail, "Subject").expect("a subject"), words(mail));
        assert!(!subject.contains("painless") && !subject.contains("vanish") && !subject.contains("bing"), "{subject}");
        assert_eq!(text.contains("painless way to vanish"), names && words_too, "{text}");
        assert_eq!((text.contains("k.smith"), text.contains("Room 12")), (names, names), "{text}");
        assert!(text.contains("typed a search at Bing"), "{text}");
        assert!(!text.contains("q="), "{text}");
    }
}

/// A school that tells its officer by the mail server at this port.
fn files(port: u16, more: &str) -> Files {
    let files = World::new().write();
    let people = "[[recipient]]\nrole = \"officer\"\nname = \"Ms Bell\"\nemail = \"officer@school.example\"\n";
    let mail = format!("[mail]\nserver = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"Usher <usher@school.example>\"\n");
    let routes = "[routes]\ndanger = { at_least = \"danger\", to = [\"officer\"], names = true }\n";
    files.put("alerts.toml", &format!("{people}{mail}{routes}{more}"));
    files
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < PATIENCE, "{what} took too long");
        tokio::task::yield_now().await;
    }
}

fn told_of(files: &Files) -> Vec<Told> {
    let reader = Reader::open(&Folder::at(files.path("data/log"))).expect("a journal");
    let acts = reader.about(Topic::Alert, 0).expect("read");
    acts.iter().filter_map(|statement| if let Some(Act::Told(told)) = statement.read() { Some(*told) } else { None }).collect()
}

#[tokio::test]
async fn killed_between_a_servers_word_and_its_record_usher_sends_the_same_mail_once_more() {
    let server = Smtp::doing(&[Does::TakesWhenLet, Does::Takes]).await;
    let files = Arc::new(files(server.port(), ""));
    let start = |files: &Arc<Files>| {
        let files = files.clone();
        tokio::task::spawn_blocking(move || Program::start(files))
    };
    let program = start(&files).await.expect("started");
    let folder = Folder::at(files.path("data/log"));
    let act = Act::Opened(Box::new(matter(77, Level::Danger, "k.smith", Timestamp::now())));
    Journal::open(&folder).expect("a journal").state_act(Timestamp::now(), &act).expect("stated");
    until("a mail", || server.mails().len() == 1).await;
    // Another program holds the journal, so that what the server says cannot be stated.
    let holds = rusqlite::Connection::open(folder.journal()).expect("opened");
    holds.execute_batch("BEGIN IMMEDIATE").expect("held");
    server.let_go();
    until("its word", || server.commands().contains(&"QUIT".to_owned())).await;
    program.signal(Signal::KILL);
    drop(program);
    holds.execute_batch("ROLLBACK").expect("let go");
    assert!(told_of(&files).is_empty());
    let program = start(&files).await.expect("started");
    until("the same mail", || told_of(&files).len() == 1).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
    drop(program);
    // And no more.
    let program = start(&files).await.expect("started");
    let second = Act::Opened(Box::new(matter(78, Level::Danger, "k.smith", Timestamp::now())));
    Journal::open(&folder).expect("a journal").state_act(Timestamp::now(), &second).expect("stated");
    until("the second", || told_of(&files).len() == 2).await;
    assert_eq!(server.mails().len(), 3);
    drop(program);
}

#[tokio::test]
async fn a_technician_sees_what_is_unsent_and_tries_the_way() {
    let server = Smtp::doing(&[Does::Says("RCPT", "550 5.1.1 no such mailbox"), Does::Says("RCPT", "550 5.1.1 no such mailbox"), Does::Takes]).await;
    let files = Arc::new(files(server.port(), ""));
    let running = files.clone();
    let program = tokio::task::spawn_blocking(move || Program::start(running)).await.expect("started");
    let usher = |arguments: &'static [&'static str]| {
        let files = files.clone();
        async move { tokio::task::spawn_blocking(move || files.usher(arguments)).await.expect("said") }
    };
    let said = usher(&["alerts", "outbox"]).await;
    assert!(said.code == Some(0) && said.out.contains("nothing to tell yet"), "{said:?}");
    let act = Act::Opened(Box::new(matter(77, Level::Danger, "k.smith", Timestamp::now())));
    Journal::open(&Folder::at(files.path("data/log"))).expect("a journal").state_act(Timestamp::now(), &act).expect("stated");
    let path = files.path("data/alerts/outbox.db");
    until("a dead letter", || Outbox::open(&path).is_ok_and(|outbox| outbox.counts().is_ok_and(|counts| counts.dead == 1))).await;
    let said = usher(&["alerts", "outbox"]).await;
    for part in ["dead", "danger", "officer@school.example", "no such mailbox", "0 wait; 1 given up"] {
        assert!(said.out.contains(part), "{part} is not in {said:?}");
    }
    assert!(said.code == Some(1) && !said.out.contains("k.smith"), "{said:?}");
    assert!(usher(&["log", "events", "--severity", "critical"]).await.out.contains("alert-unsent"));
    let said = usher(&["alerts", "send-test", "officer"]).await;
    assert!(
        said.code == Some(1) && said.out.contains("NOT sent to Ms Bell (officer@school.example): 127.0.0.1 does not take mail for this address: 550"),
        "{said:?}"
    );
    let said = usher(&["alerts", "send-test", "officer"]).await;
    assert!(said.code == Some(0) && said.out.contains("sent to Ms Bell (officer@school.example): taken by 127.0.0.1 in"), "{said:?}");
    assert!(words(&server.mails()[0]).contains("This is how Usher tells the officer of a matter. Nothing has happened."));
    let said = usher(&["alerts", "send-test", "bursar"]).await;
    assert!(said.code == Some(2) && said.err.contains("nobody has the role \"bursar\""), "{said:?}");
    let said = usher(&["alerts", "outbox", "--json"]).await;
    let first: serde_json::Value = serde_json::from_str(said.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["state"], &first["to"]), (&"dead".into(), &"officer@school.example".into()));
    // The link of a test is confirmed through the proxy, and shown.
    let mails = server.mails();
    let path_of = words(&mails[0]).lines().find_map(|line| line.strip_prefix("I have read this: ")).expect("a link").trim().to_owned();
    let page = tokio::task::spawn_blocking(move || (program.get(&path_of), program)).await.expect("asked");
    assert!(page.0.contains("Have you read this?"), "{}", page.0);
    // A dead letter goes out when somebody says so; and one can be dropped with a reason, which is on record.
    assert_eq!(usher(&["alerts", "outbox", "retry", "1"]).await.code, Some(0));
    until("told", || told_of(&files).iter().any(|told| told.episode == Some(RecordId(77)))).await;
    assert_eq!(usher(&["alerts", "outbox", "retry", "1"]).await.code, Some(2), "it was taken");
    assert_eq!(usher(&["alerts", "outbox", "drop", "1"]).await.code, Some(2), "without a reason");
    drop(page);
}

#[tokio::test]
async fn links_are_answered_where_the_school_wants_them_for_its_web_server() {
    let server = Smtp::doing(&[Does::Takes]).await;
    // Of this machine's addresses that nobody else is given ports of: none of another test's is at ours.
    let free = |host: &str| std::net::TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr()).expect("a port");
    let (address, next) = (free("127.0.77.1"), free("127.0.77.2"));
    let settings = format!("[links]\nbase = \"https://usher.school.example\"\nlisten = \"{address}\"\n");
    let school = School::open(files(server.port(), &settings)).await;
    let at: Timestamp = MORNING.parse().expect("a time");
    let act = Act::Opened(Box::new(matter(77, Level::Danger, "k.smith", at)));
    Journal::open(&Folder::at(school.files.path("data/log"))).expect("a journal").state_act(at, &act).expect("stated");
    until("told", || told_of(&school.files).len() == 1).await;
    let link = link(&server);
    let path = link.strip_prefix("https://usher.school.example").expect("the school's name").to_owned();
    assert_eq!(asks(address, "GET", &path, "").await.0, 200);
    assert_eq!(asks(address, "POST", &path, "name=Ms+Bell").await.0, 200);
    assert_eq!(asks(address, "POST", &path, "name=Ms+Bell").await.0, 410);
    // Another address is taken up with the rest.
    school.files.edit("alerts.toml", &address.to_string(), &next.to_string());
    school.reloader.reload().await.expect("it is sound");
    until("to be there", || std::net::TcpStream::connect(next).is_ok()).await;
    // A program that another test is just starting holds what was open here until it has begun.
    until("the other to be left", || std::net::TcpStream::connect(address).is_err()).await;
    assert_eq!(asks(next, "GET", &path, "").await.0, 410);
    // Through the proxy the school's own name is a site like any other, and the token is not on record either.
    school.teacher().get(&link.replace("https:", "http:")).await;
    let token = path.trim_start_matches("/a/").to_owned();
    assert!(school.rows().iter().all(|row| !format!("{row:?}").contains(&token[7..])), "{:?}", school.rows());
    assert!(school.rows().iter().any(|row| row.host == "usher.school.example" && row.path.starts_with("/a/")));
}
