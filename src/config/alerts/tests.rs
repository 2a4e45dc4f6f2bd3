//! Wrong files, and what a person is told.

use super::*;
use crate::alert::plan::{About, During, Security, Shape};
use crate::alert::rules::{Condition, Distinct};
use crate::config::{Config, Rulebook};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;

/// Everything as it is shipped, read once.
static INSTALLATION: LazyLock<(Config, Rulebook)> = LazyLock::new(|| {
    let config = Config::load(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml")).expect("what is shipped is sound");
    let rulebook = config.rulebook().expect("what is shipped is sound");
    (config, rulebook)
});

/// A folder with files that settings may name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text, mode) in [("good.secret", "a good secret\n", 0o600), ("open.secret", "seen by all\n", 0o644)] {
        fs::write(folder.path().join(name), text).expect("written");
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).expect("set");
    }
    folder
}

/// What comes of a file beside the shipped policy.
fn read_file(text: &str) -> Result<Settings, Vec<String>> {
    let (config, rulebook) = &*INSTALLATION;
    let folder = folder();
    let path = folder.path().join("alerts.toml");
    fs::write(&path, text).expect("written");
    let place = format!("{}/", folder.path().display());
    config.alerts_in(&path, rulebook).map_err(|problems| problems.0.iter().map(|problem| problem.to_string().replace(&place, "")).collect())
}

fn sound(text: &str) -> Settings {
    read_file(text).unwrap_or_else(|problems| panic!("{text}: {problems:#?}"))
}

/// Somebody of each role, and a mail server.
fn everybody() -> String {
    let one = |role: &&str| format!("[[recipient]]\nrole = \"{role}\"\nname = \"The {role}\"\nemail = \"{role}@school.example\"\n");
    let all: String = crate::alert::routes::ROLES.iter().map(one).collect();
    format!("{all}[mail]\nserver = \"smtp.school.example\"\nfrom = \"Usher <usher@school.example>\"\n")
}

fn shipped_text() -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/alerts.toml")).expect("it is there")
}

#[test]
fn places_are_categories_of_their_theme_and_each_can_be_said_without_the_other() {
    let taxonomy = &INSTALLATION.1.taxonomy;
    let of = |text: &str| {
        let settings = sound(text);
        let weight = settings.weights.of(Theme::Abuse).clone();
        (taxonomy.ids(weight.categories).map(str::to_owned).collect::<Vec<_>>(), taxonomy.ids(weight.places).map(str::to_owned).collect::<Vec<_>>())
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(of(""), (ids(&["stranger-chat"]), ids(&["stranger-chat"])));
    assert_eq!(of("[themes]\nabuse = { categories = [\"webmail\"] }\n"), (ids(&["stranger-chat", "webmail"]), ids(&["stranger-chat"])));
    assert_eq!(of("[themes]\nabuse = { places = [] }\n"), (ids(&[]), ids(&[])));
    assert_eq!(of("[themes]\nabuse = { places = [], categories = [\"stranger-chat\"] }\n"), (ids(&["stranger-chat"]), ids(&[])));
    assert_eq!(of("[themes]\nabuse = { categories = [\"stranger-chat\"] }\n"), (ids(&["stranger-chat"]), ids(&[])), "whoever says it is a category means it");
}

#[test]
fn as_shipped_nobody_is_told_and_all_else_is_as_where_there_is_no_file() {
    let (_, rulebook) = &*INSTALLATION;
    let alerts = &rulebook.alerts;
    assert_eq!(alerts.red.as_deref(), Some("Nobody is told of danger: no recipient with the role officer"));
    assert_eq!(alerts.weights, Weights::shipped(&rulebook.taxonomy), "what is shipped is what is done without it");
    // Whatever is remarked is of phrases that a school may have taken out, and not of the file.
    assert!(alerts.remarks.iter().all(|remark| remark.contains("which no phrase file has")), "{:?}", alerts.remarks);
    let [rule] = &alerts.rules[..] else { panic!("one rule") };
    assert_eq!((rule.count, rule.distinct, rule.within.as_secs(), rule.level), (10, Distinct::Host, 900, Level::Concern));
    assert_eq!(rule.themes, [Theme::Adult, Theme::Gambling, Theme::Drugs, Theme::Violence]);
    assert!(matches!(rule.when[0], Condition::Verdict(_)), "what costs least is asked first");
    let plan = &alerts.plan;
    assert_eq!(plan.routes.iter().map(|route| &*route.name).collect::<HashSet<_>>().len(), 8);
    let danger = plan.routes.iter().find(|route| &*route.name == "danger").expect("there is one");
    assert_eq!(
        (danger.at_least, danger.about, danger.names, danger.words, danger.ladder.as_deref()),
        (Level::Danger, About::Pupils, true, false, Some("danger"))
    );
    assert_eq!(
        plan.ladders[0].steps.iter().map(|(role, after)| (&**role, after.as_secs() / 60)).collect::<Vec<_>>(),
        [("deputy", 10), ("head", 20), ("head", 60)]
    );
    assert_eq!(plan.digest.weekly.map(|(day, time)| (day, time.to_string())), Some((jiff::civil::Weekday::Friday, "15:45:00".to_owned())));
    assert_eq!(plan.links.lasts.as_secs(), 72 * 3600);
}

#[test]
fn the_shipped_file_is_sound_once_somebody_of_each_role_is_named() {
    let alerts = sound(&format!("{}{}", everybody(), shipped_text()));
    assert_eq!(alerts.red, None);
    assert!(alerts.remarks.iter().all(|remark| remark.contains("which no phrase file has")), "{:?}", alerts.remarks);
    // Every line that is commented out can be taken in.
    let commented: String =
        shipped_text().lines().map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line).to_owned() + "\n").collect();
    let commented = commented.replace("\"mail.password\"", "\"good.secret\"").replace("ca = \"/etc", "# ca = \"/etc").replace("secret = \"hook.secret\"", "");
    let others =
        ["deputy", "head", "chair", "technician"].map(|role| format!("[[recipient]]\nrole = \"{role}\"\nname = \"X\"\nemail = \"{role}@school.example\"\n"));
    let alerts = sound(&format!("{}{commented}", others.concat()));
    let plan = &alerts.plan;
    assert_eq!((plan.recipients.len(), plan.hooks.len(), plan.syslog.len(), plan.files.len(), plan.places.len()), (5, 1, 1, 1, 1));
    assert_eq!(plan.mail.as_ref().map(|mail| (mail.port, mail.security, mail.login.is_some())), Some((587, Security::StartTls, true)));
}

/// Whether a line that is commented out is a setting or a table, and no sentence.
fn is_setting(line: &str) -> bool {
    let key = line.split(" = ").next().unwrap_or_default();
    line.starts_with("[[") || line.starts_with("[mail]") || (line.contains(" = ") && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

#[test]
fn every_wrong_setting_is_told_with_its_line_and_what_to_do() {
    for (text, line, words, hint) in [
        ("[[recipient]]\nrole = \"officer\"\nname = \"Ms Bell\"\nemail = \"dsl.school.example\"\n", 4, "\"dsl.school.example\" is no address", "such as"),
        ("[[recipient]]\nrole = \"officer\"\nname = \"Ms Bell\"\nemail = \"a@b.example, c@d.example\"\n", 4, "is no address", "such as"),
        ("[[recipient]]\nrole = \"The DSL\"\nname = \"Ms Bell\"\nemail = \"a@b.example\"\n", 2, "cannot be used in a route", "lower-case"),
        ("[[recipient]]\nrole = \"officer\"\nname = \"Ms Bell\"\nemail = \"a@b.example\"\n", 1, "there is no [mail]", "which mail server"),
        ("[[recipient]]\nrole = \"officer\"\nname = \"Ms Bell\"\nemail = \"a@b.example\"\nuser = \"staff-*\"\n", 5, "the whole name", "staff-bell"),
        ("[mail]\nserver = \"smtp.school.example\"\nsecurity = \"none\"\nfrom = \"a@b.example\"\n", 3, "in the clear", "starttls"),
        ("[mail]\nserver = \"smtp.school.example\"\nfrom = \"Usher\"\n", 3, "is no sender", "such as"),
        ("[mail]\nserver = \"smtp.school.example\"\nfrom = \"Usher <a@b.example>, x@y.example\"\n", 3, "is no sender", "such as"),
        ("[mail]\nserver = \"smtp.school.example\"\nuser = \"x\"\nfrom = \"a@b.example\"\n", 3, "go together", "both"),
        (
            "[mail]\nserver = \"smtp.school.example\"\nuser = \"x\"\npassword_file = \"open.secret\"\nfrom = \"a@b.example\"\n",
            4,
            "may be read or changed by others (mode 644)",
            "chmod 600",
        ),
        ("[mail]\nserver = \"smtp.school.example\"\nuser = \"x\"\npassword_file = \"gone\"\nfrom = \"a@b.example\"\n", 4, "cannot be read", "holds it"),
        ("[mail]\nserver = \"smtp.school.example\"\nfrom = \"a@b.example\"\nca = \"gone.pem\"\n", 4, "gone.pem", "PEM"),
        ("[[hook]]\nname = \"chat\"\naddress = \"http://hooks.example/x\"\nshape = \"slack\"\n", 3, "it has no https", "https://"),
        ("[[hook]]\nname = \"chat\"\naddress = \"https://hooks.example/x\"\nshape = \"json\"\n", 1, "is signed", "only its owner"),
        ("[[hook]]\nname = \"chat\"\naddress = \"https://hooks.example/x\"\nshape = \"json\"\nsecret = \"open.secret\"\n", 5, "by others", "chmod 600"),
        ("[[hook]]\nname = \"chat\"\naddress = \"https://hooks.example/x\"\nshape = \"slcak\"\n", 4, "none of json, teams", "did you mean \"slack\"?"),
        ("[[hook]]\nname = \"head\"\naddress = \"https://hooks.example/x\"\nshape = \"slack\"\n", 1, "is a role", "another name"),
        ("[[syslog]]\nname = \"siem\"\naddress = \"udp://log.example:514\"\n", 3, "no syslog server", "tls://"),
        ("[[syslog]]\nname = \"siem\"\naddress = \"tcp://log.example:601\"\nnames = true\n", 3, "in the clear", "tls://"),
        ("[links]\nbase = \"http://usher.example\"\n", 2, "no https address", "https://"),
        ("[links]\nlisten = \"127.0.0.1:8481\"\n", 2, "without `base`", "web server"),
        ("[themes]\nselfharm = { weight = 50 }\n", 2, "no theme \"selfharm\"", "did you mean \"self-harm\"?"),
        ("[themes]\nillegal = { weight = 1 }\n", 2, "no setting reaches", "take the line out"),
        ("[themes]\nhate = { categories = [\"terrorism\"] }\n", 2, "against the law", "take it out"),
        ("[themes]\nhate = { categories = [\"drugs\"] }\n", 1, "belongs to hate and to drugs", "leave it in one"),
        ("[themes]\nhate = { categories = [\"hate\"] }\n", 2, "no category \"hate\"", ""),
        ("[themes]\nhate = { places = [\"terrorism\"] }\n", 2, "against the law", "take it out"),
        ("[themes]\nextremism = { places = [\"stranger-chat\"] }\n", 1, "belongs to abuse and to extremism", "abuse = { places = [] }"),
        ("[themes]\nhate = { places = [\"webmail\"] }\n", 2, "only a theme that is grave", "let the theme weigh 45 or more"),
        ("[themes]\nbypass = { places = [\"webmail\"] }\n", 2, "only a theme that is grave", ""),
        ("[themes]\nabuse = { categories = [\"webmail\"], places = [\"webmail\"] }\n", 2, "is in `categories` too", "leave it in one"),
        ("[themes]\nabuse = { places = [\"stranger-chats\"] }\n", 2, "no category \"stranger-chats\"", "stranger-chat"),
        ("[themes]\nbypass = { weight = 5 }\n", 2, "is in [ways]", "take `weight` out"),
        ("[themes]\nhate = { weight = 500 }\n", 2, "from 1 to 100", ""),
        ("[severity]\nwatch = 50\n", 1, "more points than the one before", ""),
        ("[severity]\nlowers = [\"drugs\"]\n", 2, "is a sign of a theme", "take it out"),
        ("[severity]\nquiet_minutes = 120\nagain_hours = 2\n", 2, "before it can come back", ""),
        ("[severity]\nagain_hours = 48\nends_hours = 24\n", 3, "cannot come back", "as much as again_hours"),
        ("[ways]\nnever = [\"wips\"]\n", 2, "\"wips\" is none of", "did you mean \"wisp\"?"),
        ("[ways]\nwatch = 30\n", 1, "more than `watch`", ""),
        ("[routes]\na = { to = [\"officer\"], ladder = \"danger\" }\n", 2, "no ladder \"danger\"", "[ladders]"),
        ("[routes]\na = { to = [] }\n", 2, "it goes to nobody", "officer"),
        ("[routes]\na = { to = [\"oficer\"] }\n", 2, "neither a role nor", "did you mean \"officer\"?"),
        ("[routes]\na = { to = [\"officer\"], at_least = \"watch\" }\n", 2, "tells nobody", "concern"),
        ("[routes]\na = { to = [\"officer\"], at_least = \"danger\", theme = \"bypass\" }\n", 2, "ever comes to danger", "`most`"),
        ("[routes]\na = { to = [\"officer\"], words = true }\n", 2, "tell who it is", "names = true"),
        ("[routes]\na = { to = [\"officer\"], what = \"system\", theme = \"hate\" }\n", 2, "Usher says of itself", "take it out"),
        ("[routes]\na = { to = [\"officer\"], group = \"year-9\" }\n", 2, "no group \"year-9\"", "pupils"),
        ("[routes]\na = { to = [\"officer\"], group = \"staff\" }\n", 2, "so it never holds", "about = \"staff\""),
        ("[routes]\na = { to = [\"officer\"], during = [] }\n", 2, "so it never holds", "leave it out"),
        ("[routes]\na = { to = [\"officer\"], during = \"night\" }\n", 2, "no such time", "[quiet]"),
        (
            "[ladders]\nd = [{ to = \"deputy\", after = 10 }, { to = \"head\", after = 10 }]\n",
            2,
            "not later than the step before, which is after 10",
            "later than",
        ),
        ("[ladders]\nd = [{ to = \"deputy\", after = 0 }]\n", 2, "at least a minute", "later than"),
        ("[ladders]\nd = []\n", 2, "from 1 to 20 steps", "deputy"),
        ("[ladders]\nd = [{ to = \"deptuy\", after = 3 }]\n", 2, "neither a role", "did you mean \"deputy\"?"),
        ("[quiet]\nfrom = \"18:00\"\nto = \"18:00\"\n", 3, "is none", "leave [quiet] out"),
        ("[digest]\nall_clear = \"07:00\"\nseen_at = \"08:00\"\nto = [\"officer\"]\n", 3, "before the message", "such as"),
        ("[digest]\nweekly = \"fryday 15:45\"\nweekly_to = [\"head\"]\n", 2, "not a day and a time", ""),
        ("[digest]\nall_clear = \"08:15\"\n", 1, "goes to nobody", "officer"),
        ("[digest]\nall_clear = \"8.15\"\nto = [\"officer\"]\n", 2, "is not a time", ""),
        ("[digest]\nweekly = \"friday 25:45\"\nweekly_to = [\"head\"]\n", 2, "not a day and a time", ""),
        ("[digest]\nseen_at = \"07:00\"\n", 2, "no morning message", "all_clear"),
        ("[digest]\nweekly = \"sunday 15:45\"\nweekly_to = [\"head\"]\n", 2, "no school on that day", "a period"),
        ("[digest]\nall_clear = \"08:15\"\nto = [\"oficer\"]\n", 3, "neither a role", "officer"),
        ("[subjects]\nhead = [\"staff-*\"]\n", 2, "is no user", "staff-head"),
        ("[[place]]\nname = \"A\"\nnetworks = [\"10.1.0.0/24\"]\n[[place]]\nname = \"B\"\nnetworks = [\"10.1.0.0/24\"]\n", 6, "another place", ""),
        ("[restirct]\nblocks = 3\n", 1, "`restirct` is no setting", ""),
    ] {
        let problems = read_file(text).expect_err(text);
        let start = format!("alerts.toml:{line}: ");
        let fits = |problem: &String| {
            problem.starts_with(&start) && problem.contains(words) && problem.contains(hint) && (hint.is_empty() || problem.contains("hint:"))
        };
        assert!(problems.iter().any(fits), "{text}\nwanted {start}…{words}… hint …{hint}\n{problems:#?}");
    }
}

#[test]
fn what_restricts_by_itself_is_checked_and_said() {
    for (text, expected) in [
        ("[restrict]\nblocks = 2", "alerts.toml:2: restrict.blocks: so few are a slip of the finger\n  hint: at least 3"),
        ("[restrict]\nblocks = 201", "alerts.toml:2: restrict.blocks: a number from 0 to 200 is expected"),
        ("[restrict]\nwithin = 0", "alerts.toml:2: restrict.within: a number from 1 to 120 is expected"),
        ("[restrict]\nonly = [\"educaton\"]", "alerts.toml:2: restrict.only: there is no category \"educaton\"\n  hint: did you mean \"education\"?"),
        ("[restrict]\nonly = [\"a..b\"]", "alerts.toml:2: restrict.only: \"a..b\" is neither a category nor a site"),
        ("[restrict]\nonly = [\"terrorism\"]", "alerts.toml:2: restrict.only: \"terrorism\" is always blocked"),
        ("[restrict]\nblock = 3", "alerts.toml:2: `block` in [restrict] is no setting"),
        ("[volume]\ntimes = 1", "alerts.toml:2: volume.times: a number from 2 to 1000 is expected"),
        ("[volume]\nnight = { from = \"23:00\", to = \"23:00\" }", "alerts.toml:2: volume.night.to: a night that ends when it begins is none"),
        ("[volume]\nnight = { from = \"23:00\" }", "volume.night"),
    ] {
        let problems = read_file(text).expect_err(text);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{text}: {problems:#?}");
    }
    let (off, shipped) = (sound("[restrict]\nblocks = 0\n"), sound(&shipped_text()));
    assert_eq!((off.restrict, shipped.restrict), (None, None), "off, unless the school says so");
    assert_eq!(shipped.volume, crate::alert::volume::Settings::default(), "what is shipped is what is done without it");
    let on = sound("[restrict]\nblocks = 10\nonly = [\"education\", \"ourschool.sch.uk\"]\n");
    assert!(on.remarks.iter().any(|remark| remark.contains("[restrict] is on: after 10 different sites")), "{:?}", on.remarks);
    let (categories, hosts) = (vec!["education".to_owned()], vec!["ourschool.sch.uk".to_owned()]);
    assert_eq!(on.restrict.expect("it is on").how, crate::audit::restrictions::Limit::Only { categories, hosts });
}

#[test]
fn a_rule_that_could_never_fire_is_told_with_its_line() {
    let rule =
        |when: &str, rest: &str| format!("[[rule]]\nname = \"r\"\nreason = \"why\"\nreview = 2027-09-01\nlevel = \"concern\"\nwhen = {{ {when} }}\n{rest}\n");
    let gambling = "category = \"gambling\"";
    for (text, line, words) in [
        (rule(gambling, "count = 0"), 7, "can never fire"),
        (rule(gambling, "count = 5000"), 7, "at most 1000"),
        (rule(gambling, "within = 5"), 7, "of no meaning where one record is enough"),
        (rule(gambling, "distinct = \"host\""), 7, "of no meaning where one record is enough"),
        (rule(gambling, "count = 5"), 7, "within which time"),
        (rule(gambling, "count = 5\nwithin = 0"), 8, "from 1 to 10080"),
        (rule("category = \"gambling\", kind = \"visit\"", "count = 5\nwithin = 5\ndistinct = \"term\""), 9, "no search"),
        (rule("way = \"wisp\"", "").replace("\"concern\"", "\"danger\""), 5, "more than the theme bypass ever comes to"),
        (rule("category = \"gambling\", kind = \"resource\", start = \"typed\"", ""), 6, "never set off so"),
        (rule("category = \"gambling\", kind = \"visit\", start = \"background\"", ""), 6, "never set off so"),
        (rule("category = \"terrorism\", verdict = \"allowed\"", ""), 6, "always blocked"),
        (rule("theme = \"illegal\", verdict = [\"allowed\", \"warned\"]", ""), 6, "always blocked"),
        (rule("category = \"gambling\", group = \"year-9\"", ""), 6, "no group \"year-9\""),
        (rule("category = \"gambing\"", ""), 6, "no category \"gambing\""),
        (rule("term = \"?!\"", "theme = \"hate\""), 6, "holds no word"),
        (rule("term = \"a\", prompt = \"a\"", "theme = \"hate\""), 6, "never hold together"),
        (rule("term = \"a\", kind = \"visit\"", "theme = \"hate\""), 6, "leaves searches out"),
        (rule("category = \"gambling\", during = \"breakfast\"", ""), 6, "no period \"breakfast\""),
        (rule("category = \"gambling\", during = \"lunch\", in_term = false", ""), 6, "no period is held out of term"),
        (rule("category = []", ""), 6, "never holds"),
        (rule("category = \"gambling\", verdict = \"block\"", ""), 6, "none of allowed"),
        (rule("way = \"wips\"", ""), 6, "\"wips\" is none of"),
        (rule("category = \"gambling\", colour = \"red\"", ""), 6, "`colour`"),
        (rule("", ""), 6, "has no condition"),
        (rule("host = \"a.example\"", ""), 1, "not said what it is about"),
        (rule("category = [\"gambling\", \"games\"]", ""), 1, "not said what it is about"),
        (rule("host = \"a.example\"", "theme = \"hat\""), 7, "\"hat\" is none of"),
        (rule(gambling, "").replace("reason = \"why\"\n", ""), 1, "no `reason`"),
        (rule(gambling, "").repeat(2), 9, "two rules \"r\""),
    ] {
        let problems = read_file(&text).expect_err(&text);
        let start = format!("alerts.toml:{line}: ");
        assert!(problems.iter().any(|problem| problem.starts_with(&start) && problem.contains(words)), "{text}\nwanted {start}…{words}\n{problems:#?}");
    }
    for sound_rule in [
        rule(gambling, ""),
        rule("way = \"wisp\"", ""),
        rule("theme = [\"hate\", \"drugs\"]", "count = 2\nwithin = 60"),
        rule("term = \"x y\"", "theme = \"hate\""),
    ] {
        assert_eq!(sound(&sound_rule).rules.len(), 1);
    }
    let remarks = sound(&rule("category = \"gambling\", group = \"sixth-form\"", "")).remarks;
    assert!(remarks.contains(&"the rule \"r\" cannot fire: nobody is in its group sixth-form".to_owned()), "{remarks:?}");
}

#[test]
fn a_regular_message_to_nobody_is_a_problem_as_soon_as_somebody_is_named() {
    let officer = "[[recipient]]\nrole = \"officer\"\nname = \"Ms Bell\"\nemail = \"dsl@school.example\"\n[mail]\nserver = \"smtp.school.example\"\nfrom = \"a@b.example\"\n[routes]\na = { to = \"officer\" }\n";
    let digest =
        "[digest]\nall_clear = \"08:15\"\nto = [\"deputy\"]\ntechnician = [\"technician\"]\nweekly = \"friday 15:45\"\nweekly_to = [\"head\", \"chair\"]\n";
    let problems = read_file(&format!("{officer}{digest}")).expect_err("nobody gets them");
    assert_eq!(
        problems,
        [
            "alerts.toml:12: digest.to: the morning message goes to nobody: no recipient has the role deputy\n  hint: name a [[recipient]] with role = \"deputy\", or another role",
            "alerts.toml:15: digest.weekly_to: the week's summary goes to nobody: no recipient has the role head or chair\n  hint: name a [[recipient]] with role = \"head\", or another role",
        ]
    );
    let alerts = sound(&format!("{officer}{}", digest.replace("deputy", "officer").replace("\"chair\"", "\"officer\"")));
    let remark = "[digest] technician: the part about the machine goes to nobody: no recipient has the role technician";
    assert!(alerts.remarks.iter().any(|known| known == remark), "{:?}", alerts.remarks);
    assert!(alerts.remarks.iter().any(|known| known == "[digest] goes to the role head, which no recipient has"), "{:?}", alerts.remarks);
    sound(digest);
}

#[test]
fn a_route_to_nobody_is_a_problem_as_soon_as_somebody_is_named() {
    let officer = "[[recipient]]\nrole = \"officer\"\nname = \"Ms Bell\"\nemail = \"dsl@school.example\"\n[mail]\nserver = \"smtp.school.example\"\nfrom = \"a@b.example\"\n";
    let problems =
        read_file(&format!("{officer}[routes]\na = {{ to = \"officer\" }}\nb = {{ about = \"head\", to = [\"chair\"] }}\n")).expect_err("b goes to nobody");
    assert_eq!(
        problems,
        [
            "alerts.toml:10: routes.b.to: the route \"b\" goes to nobody: no recipient has the role chair\n  hint: name a [[recipient]] with role = \"chair\", or take the route out"
        ]
    );
    // Where another is told, it is remarked; and so is a step of a ladder.
    let some = format!("{officer}[routes]\na = {{ to = [\"officer\", \"head\"], ladder = \"l\" }}\n[ladders]\nl = [{{ to = \"deputy\", after = 10 }}]\n");
    let alerts = sound(&some);
    assert_eq!(alerts.red, None);
    assert_eq!(
        alerts.remarks,
        [
            "the ladder \"l\" asks the role deputy, which no recipient has: the next step is due at once",
            "the route \"a\" goes to the role head, which no recipient has",
            "Nobody is told of danger about staff",
        ]
    );
    // A hook alone will do.
    let hook = "[[hook]]\nname = \"chat\"\naddress = \"https://hooks.example/x\"\nshape = \"teams\"\n[routes]\na = { to = [\"chat\"], during = [\"school\", \"night\"] }\n[quiet]\nfrom = \"18:00\"\nto = \"08:00\"\n";
    let alerts = sound(hook);
    assert_eq!((alerts.plan.hooks[0].shape, alerts.plan.routes[0].during.clone()), (Shape::Teams, vec![During::School, During::Night]));
    assert_eq!((alerts.red, alerts.remarks.contains(&"At some hours nobody is told of danger about pupils".to_owned())), (None, true), "not in the evening");
    assert_eq!(sound(&hook.replace(", during = [\"school\", \"night\"]", "")).red, None);
}

#[test]
fn groups_are_found_by_name_and_secrets_do_not_show() {
    let text = format!(
        "{}[[hook]]\nname = \"own\"\naddress = \"http://127.0.0.1:9/secret-path\"\nshape = \"json\"\nsecret = \"good.secret\"\n[routes]\na = {{ group = [\"*-form\", \"unknown\"], to = [\"own\", \"officer\"] }}\nb = {{ group = \"pupils\", to = \"officer\" }}\n",
        everybody()
    );
    let alerts = sound(&text);
    assert_eq!(alerts.plan.routes[0].groups, ["sixth-form".into(), "unknown".into()]);
    let shown = format!("{alerts:?}");
    assert!(!shown.contains("good secret") && !shown.contains("secret-path"), "{shown}");
    assert_eq!(alerts.plan.hooks[0].secret.as_ref().map(|secret| secret.0.as_str()), Some("a good secret"));
}

#[test]
fn problems_of_addresses_do_not_tell_them() {
    let problems = read_file("[[hook]]\nname = \"chat\"\naddress = \"http://hooks.example/T0K3N\"\nshape = \"slack\"\n").expect_err("no https");
    assert!(!problems.concat().contains("T0K3N"), "{problems:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// A file that somebody has half undone is told of, or is sound; it never ends Usher, and each problem has its file.
    #[test]
    fn no_file_ends_it(lost in proptest::collection::vec(0usize..200, 0..12), word in "[a-z0-9\\[\\]{}=\", .-]{0,20}", at in 0usize..200) {
        let text = shipped_text();
        let lines = text.lines().enumerate().filter(|(place, _)| !lost.contains(place)).map(|(place, line)| if place == at { format!("{line}{word}") } else { line.to_owned() });
        if let Err(problems) = read_file(&lines.collect::<Vec<_>>().join("\n")) {
            proptest::prop_assert!(problems.iter().all(|problem| problem.starts_with("alerts.toml")), "{problems:?}");
        }
    }
}
