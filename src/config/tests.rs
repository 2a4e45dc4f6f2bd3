//! Wrong files, and what a person is told.

use super::*;
use crate::category::Theme;
use crate::identity::Standing;
use std::fs;
use std::path::Path;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().expect("a folder"));
        files.write("usher.toml", "data = \"data\"\n[files]\ncategories = \"categories.toml\"\nsources = \"sources.toml\"\ncanaries = \"canaries.toml\"\n");
        let category = |id: &str| format!("[[category]]\nid = \"{id}\"\nname = \"{id}\"\ncovers = \"Things.\"\ntheme = \"harm\"\n");
        files.write("categories.toml", &["child-sexual-abuse", "terrorism", "games", "chat"].map(category).join("\n"));
        files.write("ut1.toml", "[map]\njeux = \"games\"\n");
        files.write("sources.toml", "[[source]]\nname = \"ut1\"\naddress = \"ut1\"\nfolders = \"ut1.toml\"\n");
        files.write("canaries.toml", "open = [\"news.example\"]\n");
        files.write("policy.toml", "[[group]]\nname = \"year-7\"\nblock = [\"games\"]\n");
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("written");
    }

    /// Every problem as a person reads it, without the folder.
    fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        let problems = match Config::load(&self.0.path().join("usher.toml")).and_then(|config| config.rulebook()) {
            Ok(_) => Problems::default(),
            Err(problems) => problems,
        };
        problems.0.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }
}

#[test]
fn sound_files_are_read() {
    assert_eq!(Files::new().problems(), [] as [String; 0]);
}

#[test]
fn as_shipped_what_is_grave_is_blocked_for_every_pupil() {
    let config = Config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml")).expect("what is shipped is sound");
    let rulebook = config.rulebook().expect("what is shipped is sound");
    for group in rulebook.school.policy.groups.iter().filter(|group| ["pupils", "sixth-form"].contains(&&*group.name)) {
        let grave = rulebook.taxonomy.iter().filter(|(_, info)| info.severity >= 4 && matches!(info.theme, Theme::Danger | Theme::Harm));
        let open: Vec<_> = grave.filter(|(category, _)| !group.block.contains(*category)).map(|(_, info)| &info.id).collect();
        assert!(open.is_empty(), "{}: {open:?}", group.name);
    }
}

#[test]
fn every_problem_is_told_at_once_with_line_and_hint() {
    let files = Files::new();
    files.write(
        "usher.toml",
        "data = 7\nlistne = []\n[proxy]\nlisten = [\"127.0.0.1\"]\nask_for_pasword = \"never\"\n[limits]\nhead_bytes = \"big\"\nidle_seconds = 0\n",
    );
    assert_eq!(
        files.problems(),
        [
            "usher.toml:1: data: a text in quotes is expected, not a number",
            "usher.toml:2: `listne` is no setting",
            "usher.toml:4: proxy.listen: \"127.0.0.1\" is not an address with a port, such as 127.0.0.1:3128",
            "usher.toml:5: `ask_for_pasword` in [proxy] is no setting\n  hint: did you mean \"ask_for_password\"?",
            "usher.toml:7: limits.head_bytes: a whole number is expected",
            "usher.toml:8: limits.idle_seconds: it must be above 0",
        ]
    );
}

#[test]
fn how_long_records_are_kept_is_read_as_people_write_it_and_bounded() {
    let files = Files::new();
    let whole = fs::read_to_string(files.0.path().join("usher.toml")).expect("there");
    let keep = |text: &str| files.write("usher.toml", &format!("{whole}[log.keep]\n{text}\n"));
    keep("visit = \"90 days\"\nlookups = \"7 years\"\nalerts = \"1 month\"");
    let config = Config::load(&files.0.path().join("usher.toml")).expect("sound");
    let kept = [config.keep.visit, config.keep.search, config.keep.resource, config.keep.staff, config.keep.lookups, config.keep.alerts];
    assert_eq!(kept.map(|period| period.to_string()), ["90 days", "12 months", "30 days", "6 months", "7 years", "1 month"]);
    keep("alerts = \"27 days\"");
    assert_eq!(
        files.problems(),
        [
            "usher.toml:7: log.keep.alerts: alerts are kept for at least 28 days\n  hint: a matter may go on for weeks, and is looked back at; shipped is \"24 months\""
        ]
    );
    keep("visit = \"soon\"\nsearch = 12\nresource = \"0 days\"\nstaff = \"50 years\"\nvisits = \"1 year\"");
    assert_eq!(
        files.problems(),
        [
            "usher.toml:7: log.keep.visit: \"soon\" is no length of time; write a number of days, weeks, months or years, such as \"30 days\" or \"12 months\"",
            "usher.toml:8: log.keep.search: a text in quotes is expected, not a number",
            "usher.toml:9: log.keep.resource: \"0 days\" is out of bounds: records are kept for at least 1 day and at most 10 years",
            "usher.toml:10: log.keep.staff: \"50 years\" is out of bounds: records are kept for at least 1 day and at most 10 years",
            "usher.toml:11: `visits` in [log.keep] is no setting\n  hint: did you mean \"visit\"?",
        ]
    );
}

#[test]
fn every_problem_of_the_sources_is_told_with_line_and_hint() {
    let files = Files::new();
    files.write(
        "sources.toml",
        "[[source]]\nname = \"a/b\"\naddress = \"ftp://lists.example/a\"\nformat = \"foldrs\"\ncategory = \"gamse\"\nschedule = \"hourly\"\nshrink = 7\n\
         check = \"md5:12\"\nfolders = \"nowhere.toml\"\namber_days = 9\nred_days = 2\nlargest_mib = 0\n\
         [[source]]\nname = \"x\"\naddress = \"x\"\n[[source]]\nname = \"x\"\naddress = \"y\"\n[[source]]\nname = \"z\"\n",
    );
    files.write("canaries.toml", "open = [\"news example\"]\nshut = []\n");
    let problems = files.problems().join("\n");
    for expected in [
        "sources.toml:2: source \"a/b\", name: \"a/b\" is no name for a source",
        "sources.toml:3: source \"a/b\", address: ",
        "format: \"foldrs\" is none of auto, names,",
        "there is no category \"gamse\"\n  hint: did you mean \"games\"?",
        "schedule: a schedule is \"by hand\", \"every 6 hours\"",
        "shrink: a share from 0 to 1 is expected",
        "check: ",
        "nowhere.toml: cannot be read",
        "red_days: a source is red later than it is amber",
        "largest_mib: a number from 1 to 100000 is expected",
        "there are two sources \"x\"",
        "source \"z\" has no `address`",
        "canaries.toml:1: open: \"news example\": ",
        "canaries.toml:2: `shut` is no setting",
    ] {
        assert!(problems.contains(expected), "{expected}\nis not in\n{problems}");
    }
}

#[test]
fn a_policy_is_checked_against_its_categories_groups_and_timetable() {
    let files = Files::new();
    files.write(
        "policy.toml",
        "[timetable]\nzone = \"Europe/Lundon\"\nperiod = [{ name = \"lunch\", from = \"13:20\", to = \"12:30\" }]\n\
         [[group]]\nname = \"year-7\"\nblock = [\"gamse\"]\nwarn = [\"terrorism\"]\nallow = [\"games\"]\n\
         [[group]]\nname = \"year-7\"\nblock = [\"chat\"]\nwarn = [\"chat\"]\n\
         [[rule]]\nname = \"a\"\nwhen = { group = \"year-8\", during = \"lunsh\", colour = 1 }\nthen = \"alow\"\nreason = \"\"\n\
         [[rule]]\nname = \"a\"\nthen = \"allow\"\nreason = \"x\"\nreview = \"soon\"\n",
    );
    let problems = files.problems().join("\n");
    for expected in [
        "policy.toml:2: timetable.zone: \"Europe/Lundon\" is not a time zone",
        "policy.toml:3: timetable.period \"lunch\", to: timetable.period \"lunch\" ends before it begins",
        "policy.toml:6: group \"year-7\", block: there is no category \"gamse\"\n  hint: did you mean \"games\"?",
        "policy.toml:7: group \"year-7\", warn: \"terrorism\" is always blocked; nothing can allow it",
        "policy.toml:10: group \"year-7\", name: there are two groups \"year-7\"",
        "policy.toml:12: group \"year-7\", warn: \"chat\" has two actions in group \"year-7\"",
        "there is no group \"year-8\"\n  hint: did you mean \"year-7\"?",
        "the timetable has no period \"lunsh\"\n  hint: did you mean \"lunch\"?",
        "`colour` in",
        "then: \"alow\" is none of allow, warn, block\n  hint: did you mean \"allow\"?",
        "reason: the reason is empty",
        "rule \"a\" has no `review`",
        "a date is expected, such as 2027-01-10",
        "has no condition",
    ] {
        assert!(problems.contains(expected), "{expected}\nis not in\n{problems}");
    }
}

#[test]
fn a_parent_proxy_is_read_with_its_password_from_a_file_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    let path = files.0.path().join("usher.toml");
    let sound = fs::read_to_string(&path).expect("a file");
    let upstream = |text: &str| files.write("usher.toml", &format!("{sound}[upstream]\n{text}\n"));
    let mode = |mode: u32| fs::set_permissions(files.0.path().join("parent.password"), fs::Permissions::from_mode(mode)).expect("a mode");
    files.write("parent.password", "open sesame\r\n");
    mode(0o600);
    upstream("address = \"Parent.example:3128\"\nuser = \"school\"\npassword_file = \"parent.password\"\ndirect = [\"*.school.example\", \"10.0.0.0/8\"]");
    let parent = Config::load(&path).expect("sound").parent.expect("a parent");
    let credentials = parent.upstream.credentials.as_ref().expect("credentials");
    assert_eq!(
        (parent.upstream.to_string().as_str(), credentials.user.as_str(), credentials.password.as_str()),
        ("parent.example:3128", "school", "open sesame")
    );
    assert!(!format!("{parent:?}").contains("sesame"));
    upstream("address = \"[2001:db8::1]:3128\"");
    assert_eq!(Config::load(&path).expect("sound").parent.expect("a parent").upstream.to_string(), "[2001:db8::1]:3128");
    upstream("direct = []");
    assert!(Config::load(&path).expect("sound").parent.is_none(), "without an address there is no parent");
    for (text, problem) in [
        ("address = \"parent.example\"", "upstream.address: \"parent.example\" is not a name or an address with a port"),
        ("address = \"http://parent.example:3128\"", "is not a name or an address with a port"),
        ("address = \"user:pw@parent.example:3128\"", "is not a name or an address with a port"),
        ("password = \"x\"", "upstream.password: a password does not belong in this file\n  hint: write it into a file of its own"),
        ("user = \"school\"", "upstream.user: there is a name and no password\n  hint: write the password into a file"),
        ("password_file = \"parent.password\"", "upstream.password_file: there is a password and no name"),
        ("user = \"a:b\"\npassword_file = \"parent.password\"", "holds no colon"),
        ("user = \"school\"\npassword_file = \"none\"", "none cannot be read"),
        ("user = \"school\"\npassword_file = \".\"", "is no ordinary file"),
        ("direct = [\"https://school.example/\"]", "is not a name or a range, such as *.school.example or 10.0.0.0/8"),
        ("test_pages = [\"ftp://test.example/\"]", "\"ftp:\" is no way"),
    ] {
        upstream(text);
        let problems = files.problems().join("\n");
        assert!(problems.contains(problem), "{text}: {problems}");
    }
    let with_password = "user = \"school\"\npassword_file = \"parent.password\"";
    upstream(with_password);
    for (bits, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o660, false)] {
        mode(bits);
        let problems = files.problems();
        assert_eq!(problems.is_empty(), fine, "{bits:o}: {problems:?}");
        assert!(fine || problems[0].contains("may be read or changed by others") && problems[0].contains("hint: chmod 600"), "{problems:?}");
    }
    mode(0o600);
    for bad in ["", "\n", "two\nlines\n"] {
        files.write("parent.password", bad);
        assert!(files.problems().join("").contains("does not hold one line with a password"), "{bad:?}");
    }
}

#[test]
fn whose_certificates_are_believed_is_read_and_its_files_are_looked_at() {
    use crate::tls::exception::Accept;
    let files = Files::new();
    let path = files.0.path().join("usher.toml");
    let sound = fs::read_to_string(&path).expect("a file");
    let tls = |text: &str| files.write("usher.toml", &format!("{sound}[tls]\n{text}\n"));
    let key = rcgen::KeyPair::generate().expect("a key");
    files.write("ours.pem", &rcgen::CertificateParams::new([]).expect("no names").self_signed(&key).expect("a certificate").pem());
    let sum = "0F:".repeat(31) + "0f";
    tls(&format!(
        "authorities = [\"ours.pem\"]\n[[tls.exception]]\nhost = \"Lift.School.example\"\naccept = [\"expired\", \"wrong-host\"]\nsha256 = \"{sum}\"\n\
         reason = \"replaced in spring\"\nuntil = 2027-04-01\n[[tls.exception]]\nhost = \"10.0.0.7\"\naccept = [\"self-signed\"]\nreason = \"a printer\"\n\
         until = 2020-01-01"
    ));
    let origins = Config::load(&path).expect("sound, though one of them is over").origins;
    assert_eq!(origins.files.authorities, [files.0.path().join("ours.pem")]);
    let [lift, printer] = &origins.exceptions[..] else { panic!("two exceptions") };
    assert_eq!((lift.host.as_str(), &lift.accept[..], lift.sha256), ("lift.school.example", &[Accept::Expired, Accept::WrongHost][..], Some([15; 32])));
    assert_eq!((lift.reason.as_str(), lift.until.to_string().as_str(), printer.sha256), ("replaced in spring", "2027-04-01", None));
    files.write("not.pem", "nothing");
    tls("authorities = [\"not.pem\"]");
    assert_eq!(files.problems(), [] as [String; 0], "nobody's https is looked into, so a reload need not wait for it");
    assert_eq!(Config::load(&path).expect("sound").untrusted.len(), 1, "and `usher config check` tells it all the same");
    files.write("policy.toml", "[[group]]\nname = \"year-7\"\nblock = [\"games\"]\ninspect = \"all\"\n");
    let exception = |changed: &str| {
        let lines = ["host = \"a.example\"", "accept = [\"expired\"]", "reason = \"r\"", "until = 2027-04-01"];
        let key = changed.split(' ').next().unwrap_or_default();
        let kept: Vec<_> = lines.into_iter().filter(|line| !line.starts_with(&format!("{key} "))).collect();
        format!("[[tls.exception]]\n{}\n{changed}", kept.join("\n"))
    };
    for (text, problem) in [
        ("authorities = [\"none.pem\"]".to_owned(), "usher.toml:7: tls.authorities: none.pem: it cannot be read: "),
        (
            "authorities = [\"not.pem\"]".to_owned(),
            "tls.authorities: not.pem: it holds no certificate; a PEM file with the authority's certificate is expected",
        ),
        ("revoked = [\"not.pem\"]".to_owned(), "tls.revoked: not.pem: it is no list of revoked certificates (CRL) that can be used"),
        ("revoked = [\"ours.pem\"]".to_owned(), "tls.revoked: ours.pem: it holds no list of revoked certificates (CRL)"),
        ("authority = [\"ours.pem\"]".to_owned(), "`authority` in [tls] is no setting\n  hint: did you mean \"authorities\"?"),
        (exception("host = \"*.example\""), "[[tls.exception]], host: \"*.example\": the host is not a name or an address"),
        (exception("accept = []"), "[[tls.exception]], accept: it accepts nothing\n  hint: one or more of expired, wrong-host, self-signed, untrusted"),
        (exception("accept = [\"revoked\"]"), "\"revoked\" is none of expired, wrong-host, self-signed, untrusted"),
        (exception("accept = [\"self-sgned\"]"), "hint: did you mean \"self-signed\"?"),
        (exception("sha256 = \"0f:1e\""), "sha256: 64 digits of a SHA-256 are expected"),
        (exception("reason = \" \""), "reason: the reason is empty"),
        (exception("until = \"soon\""), "a date is expected, such as 2027-01-10"),
        (exception("until_ = 1").replace("until = 2027-04-01", ""), "[[tls.exception]] has no `until`\n  hint: the last day it holds"),
        ("[[tls.exception]]".to_owned(), "[[tls.exception]] has no `host`"),
    ] {
        tls(&text);
        let problems = files.problems().join("\n");
        assert!(problems.contains(problem), "{text}: {problems}");
    }
}

#[test]
fn what_tunnels_meet_is_read_and_a_word_that_is_none_is_told() {
    use crate::policy::gate::{BlockPage, ClientCertificates, Names, NotTls, Pinned};
    let files = Files::new();
    let group = |name: &str, settings: &str| format!("[[group]]\nname = \"{name}\"\n{settings}\n");
    let all = "pinned = \"ask\"\nclient_certificates = \"sealed\"\nnot_tls = \"pass\"\nnames = \"any\"\nblock_page = \"always\"";
    files.write("policy.toml", &(group("year-7", "") + &group("staff", all)));
    let policy = Config::load(&files.0.path().join("usher.toml")).and_then(|config| config.rulebook()).expect("sound").school.policy;
    let [pupils, staff] = [0, 1].map(|id| policy.gate(Standing::Member(crate::identity::GroupId(id))));
    let words = |gate: crate::policy::Gate| (gate.pinned, gate.client_certificates, gate.not_tls, gate.names, gate.block_page);
    assert_eq!(words(pupils), (Pinned::Learn, ClientCertificates::Explain, NotTls::Refuse, Names::Agree, BlockPage::WhenTrusted));
    assert_eq!(words(staff), (Pinned::Ask, ClientCertificates::Sealed, NotTls::Pass, Names::Any, BlockPage::Always));
    let unknown = policy.gate(Standing::Unknown);
    assert_eq!(words(unknown), (Pinned::Ask, ClientCertificates::Explain, NotTls::Refuse, Names::Agree, BlockPage::WhenTrusted), "the stricter of each");
    files.write("policy.toml", &group("year-7", "pinned = \"lern\"\nblock_page = \"yes\"\nnot_tsl = \"pass\""));
    assert_eq!(
        files.problems(),
        [
            "policy.toml:3: group \"year-7\", pinned: \"lern\" is none of learn, ask, never\n  hint: did you mean \"learn\"?",
            "policy.toml:4: group \"year-7\", block_page: \"yes\" is none of always, when-trusted, never",
            "policy.toml:5: `not_tsl` in group \"year-7\" is no setting\n  hint: did you mean \"not_tls\"?",
        ]
    );
}

#[test]
fn what_is_done_about_ways_round_is_read_and_a_kind_that_is_none_is_told() {
    use crate::bypass::Code;
    use crate::policy::ways::{Act, Ways, Wisp};
    let files = Files::new();
    let group = |name: &str, settings: &str| format!("[[group]]\nname = \"{name}\"\n{settings}\n");
    let all = "ways = { near = \"note\", scores = \"nothing\", wisp = \"block\", allow = [\"doh\", \"tor\"] }";
    files.write("policy.toml", &(group("year-7", "") + &group("staff", all)));
    let policy = Config::load(&files.0.path().join("usher.toml")).and_then(|config| config.rulebook()).expect("sound").school.policy;
    let [pupils, staff] = [0, 1].map(|id| policy.ways(Standing::Member(crate::identity::GroupId(id))));
    assert_eq!(pupils, Ways::default());
    let said = Ways { near: Act::Note, scores: Act::Nothing, wisp: Wisp::Block, allow: [Code::Doh, Code::Tor].into_iter().collect() };
    assert_eq!(staff, said);
    files.write("policy.toml", &group("year-7", "ways = { near = \"nothing\", wisp = \"stream\", allow = [\"bear\", \"wisp-stream\"], scors = \"note\" }"));
    assert_eq!(
        files.problems(),
        [
            "policy.toml:3: group \"year-7\", ways.near: \"nothing\" is none of note, block",
            "policy.toml:3: group \"year-7\", ways.wisp: \"stream\" is none of note, streams, block\n  hint: did you mean \"streams\"?",
            "policy.toml:3: group \"year-7\", ways.allow: there is no way round of the name \"bear\"\n  hint: did you mean \"bare\"?",
            "policy.toml:3: group \"year-7\", ways.allow: \"wisp-stream\" is settled by `wisp`\n  hint: write wisp = \"note\"",
            "policy.toml:3: `scors` in [group \"year-7\", ways] is no setting\n  hint: did you mean \"scores\"?",
        ]
    );
}

#[test]
fn only_a_group_that_says_so_is_staff() {
    let files = Files::new();
    let group = |name: &str, staff: &str| format!("[[group]]\nname = \"{name}\"\n{staff}\n");
    files.write("policy.toml", &(group("year-7", "") + &group("teachers", "staff = true") + &group("visitors", "staff = false")));
    let config = Config::load(&files.0.path().join("usher.toml")).expect("sound");
    let policy = config.rulebook().expect("sound").school.policy;
    let staff: Vec<_> =
        ["year-7", "teachers", "visitors"].iter().map(|name| policy.is_staff(Standing::Member(policy.group_named(name).expect("a group")))).collect();
    assert_eq!(staff, [false, true, false]);
    assert!(!policy.is_staff(Standing::Unknown), "somebody in no group is kept as a pupil is");
    files.write("policy.toml", &(group("a", "staff = \"yes\"") + &group("b", "stuff = true")));
    assert_eq!(
        files.problems(),
        [
            "policy.toml:3: group \"a\", staff: true or false is expected, not a text",
            "policy.toml:6: `stuff` in group \"b\" is no setting\n  hint: did you mean \"staff\"?"
        ]
    );
}

#[test]
fn syntax_errors_have_a_line() {
    let files = Files::new();
    files.write("policy.toml", "[[group]]\nname = \"year-7\n");
    assert!(files.problems()[0].starts_with("policy.toml:2: "), "{:?}", files.problems());
}

#[test]
fn a_file_that_is_not_there_says_so() {
    let problems = Config::load(Path::new("/nowhere/usher.toml")).expect_err("nothing there").to_string();
    assert!(problems.contains("/nowhere/usher.toml: cannot be read") && problems.contains("--config"), "{problems}");
}

#[test]
fn the_always_blocked_tier_cannot_be_allowed_or_left_out() {
    let files = Files::new();
    files.write(
        "policy.toml",
        "[[group]]\nname = \"a\"\n[[rule]]\nname = \"x\"\nwhen = { category = [\"terrorism\"] }\nthen = \"allow\"\nreason = \"r\"\nreview = 2027-01-01\n",
    );
    assert!(files.problems()[0].contains("\"terrorism\" is always blocked; nothing can allow it"));
    files.write("categories.toml", "[[category]]\nid = \"games\"\nname = \"Games\"\ncovers = \"Games.\"\ntheme = \"harm\"\n");
    assert!(files.problems()[0].contains("\"child-sexual-abuse\" is missing"));
}

#[test]
fn what_keeps_searches_safe_and_what_changes_requests_is_read_and_checked() {
    let files = Files::new();
    let group = "[[group]]\nname = \"year-7\"\n";
    let rule = "[[rewrite]]\nname = \"one\"\nwhen = { host = \"old.example\" }\nreason = \"So it is.\"\n";
    files.write("policy.toml", &format!("{group}safe_search = \"moderate\"\n[[group]]\nname = \"staff\"\nstaff = true\n[[group]]\nname = \"year-8\"\n{rule}url = \"http://new.example{{path}}\"\n"));
    let rulebook = Config::load(&files.0.path().join("usher.toml")).and_then(|config| config.rulebook()).expect("sound");
    let levels: Vec<_> = rulebook.school.policy.groups.iter().map(|group| group.safe_search.as_str()).collect();
    assert_eq!(levels, ["moderate", "off", "strict"], "who is not staff is kept safe where nothing is said");
    assert_eq!(rulebook.school.policy.rewrites.len(), 1);
    let dirty = "request = { remove = [\"Host\", \"a b\"], set = { Via = \"1.1 me\", X-A = \" x\", X-B = \"é\" }, add = { Content-Length = \"1\" } }";
    for (policy, problems) in [
        (format!("{group}safe_search = \"strickt\""), &["policy.toml:3: group \"year-7\", safe_search: \"strickt\" is none of strict, moderate, off"][..]),
        (
            format!("{group}tenants = {{ google = [\"school.example\"] }}"),
            &["policy.toml:3: group \"year-7\", tenants: Google and Microsoft can be told of it only where https is looked into"],
        ),
        (
            format!("{group}inspect = \"all\"\ntenants = {{ google = [\"a b\"], microsoft = {{ directory = \"1\", persnal = true }} }}"),
            &["\"a b\" is not the name of a domain", "it names no tenant", "`persnal` in [group"],
        ),
        (
            format!("{group}{rule}{dirty}"),
            &["\"Host\" belongs to the connection", "\"Via\" belongs to", "\" x\" cannot stand in a field", "\"é\" cannot", "\"Content-Length\" belongs"],
        ),
        (format!("{group}{rule}request = {{ remove = [\"a b\"] }}"), &["\"a b\" is not the name of a field"]),
        (format!("{group}{rule}response = {{ set = {{ X-A = \"1\", x-a = \"2\" }} }}"), &["\"x-a\" stands here twice"]),
        (format!("{group}{rule}request = {{}}"), &["request: it changes nothing"]),
        (format!("{group}{rule}"), &["it does nothing"]),
        (format!("{group}{rule}url = \"new.example\""), &["\"new.example\" is no address to send a request to: it must begin with http:// or https://"]),
        (format!("{group}{rule}url = \"http://a.example/\"\nredirect = \"http://b.example/\""), &["a request is either redirected or sent elsewhere"]),
        (format!("{group}{rule}redirect = \"https://a.example/?u={{path}}\""), &["{path} may stand in it once"]),
        (format!("{group}[[rewrite]]\nname = \"one\"\nurl = \"http://a.example/\""), &["has no `reason`", "has no condition"]),
        (format!("{group}{rule}url = \"http://a.example/\"\n{rule}url = \"http://b.example/\"\nmethod = 1"), &["two of the name \"one\"", "`method` in"]),
    ] {
        files.write("policy.toml", &policy);
        let told = files.problems();
        for problem in problems {
            assert!(told.iter().any(|told| told.contains(problem)), "{problem} is not told of {policy}: {told:#?}");
        }
    }
}
