//! Wrong files, and what a person is told.

use super::*;
use std::fs;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().expect("a folder"));
        files.write("usher.toml", "data = \"data\"\n[files]\ncategories = \"categories.toml\"\nfolders = \"ut1.toml\"\n");
        let category = |id: &str| format!("[[category]]\nid = \"{id}\"\nname = \"{id}\"\ncovers = \"Things.\"\ntheme = \"harm\"\n");
        files.write("categories.toml", &["child-sexual-abuse", "terrorism", "games", "chat"].map(category).join("\n"));
        files.write("ut1.toml", "[map]\njeux = \"games\"\n");
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
fn every_problem_is_told_at_once_with_line_and_hint() {
    let files = Files::new();
    files.write(
        "usher.toml",
        "data = 7\nlisten = []\n[proxy]\nlisten = [\"127.0.0.1\"]\nask_for_pasword = \"never\"\n[limits]\nhead_bytes = \"big\"\nidle_seconds = 0\n[[lists]]\nname = \"a\"\nformat = \"foldrs\"\n",
    );
    assert_eq!(
        files.problems(),
        [
            "usher.toml:1: data: a text in quotes is expected, not a number",
            "usher.toml:2: `listen` is no setting\n  hint: did you mean \"lists\"?",
            "usher.toml:4: proxy.listen: \"127.0.0.1\" is not an address with a port, such as 127.0.0.1:3128",
            "usher.toml:5: `ask_for_pasword` in [proxy] is no setting\n  hint: did you mean \"ask_for_password\"?",
            "usher.toml:7: limits.head_bytes: a whole number is expected",
            "usher.toml:8: limits.idle_seconds: it must be above 0",
            "usher.toml:9: lists \"a\" has no `path`\n  hint: the file or folder, relative to this file",
            "usher.toml:11: lists \"a\", format: \"foldrs\" is none of folders, names, hosts, urls, expressions, words\n  hint: did you mean \"folders\"?",
        ]
    );
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
