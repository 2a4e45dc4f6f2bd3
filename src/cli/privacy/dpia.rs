//! `usher log dpia`: the sheet for a data protection impact assessment, from what is configured and what is there.

use super::{Desk, judged, looked_into};
use crate::audit::alias::Aliases;
use crate::audit::holds;
use crate::audit::incident::{Incident, fold};
use crate::audit::journal::{Reader, Topic};
use crate::audit::lookups;
use crate::audit::record::Class;
use crate::audit::retention::Keep;
use crate::cli::{Answer, print, print_json};
use crate::config::Rulebook;
use crate::files;
use crate::identity::GroupId;
use crate::outputs::{Naming, Output};
use crate::report::dpia::{Count, Dpia, Facts, Group, Kept, Protection, Stands};
use anyhow::Context;
use clap::Args;
use jiff::SignedDuration;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How far back looks are counted.
const LOOKS_DAYS: i64 = 90;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log dpia                            Markdown, on the terminal\n  usher log dpia --html --output dpia.html  to print and fill in\n  usher log dpia --json"
)]
pub(in crate::cli) struct ShowDpia {
    /// Write HTML that prints on A4.
    #[arg(long, conflicts_with = "json")]
    html: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The file to write, instead of printing.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ShowDpia {
    pub(in crate::cli) fn run(&self, path: &Path) -> anyhow::Result<Answer> {
        let desk = Desk::open(path)?;
        let rulebook = desk.config.rulebook()?;
        let sheet = Dpia::new(facts(&desk, &rulebook)?);
        let text = match (self.json, self.html) {
            (true, _) => serde_json::to_string(&sheet)?,
            (false, true) => sheet.html(),
            (false, false) => sheet.markdown(),
        };
        match &self.output {
            None if self.json => print_json(&sheet)?,
            None => print(text.trim_end())?,
            Some(path) => {
                files::replace(path, text.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))?;
                print(format_args!("written: {}", path.display()))?;
            }
        }
        Ok(Answer::Yes)
    }
}

/// What a class holds, in words.
fn is(class: Class) -> &'static str {
    match class {
        Class::Visit => "Pages people went to.",
        Class::Search => "Searches.",
        Class::Resource => "What pages drag in, and what devices do by themselves.",
        Class::Blocked => "What was blocked, warned about or refused.",
        Class::Staff => "All that staff did.",
    }
}

/// How long each class is kept, with how many sealed records there are where they were counted.
pub(super) fn kept(keep: &Keep, counted: Option<&HashMap<Class, u64>>) -> Vec<Kept> {
    let class = |(name, class): (&str, Class)| Kept {
        class: name.to_owned(),
        is: is(class).to_owned(),
        period: keep.of(class).to_string(),
        records: counted.map(|counted| counted.get(&class).copied().unwrap_or_default()),
    };
    let lookups = Kept { class: "lookups".into(), is: "Who looked at whose records, and why.".into(), period: keep.lookups.to_string(), records: None };
    let alerts = Kept {
        class: "alerts".into(),
        is: "What was found of whom, who was told, what was done about it. What nobody has closed stays.".into(),
        period: keep.alerts.to_string(),
        records: None,
    };
    Class::NAMES.into_iter().map(class).chain([lookups, alerts]).collect()
}

fn facts(desk: &Desk, rulebook: &Rulebook) -> anyhow::Result<Facts> {
    let reader = Reader::open(&desk.log)?;
    let matters = fold(&reader.about(Topic::Alert, 0)?);
    let mut counted = HashMap::new();
    for part in reader.parts()? {
        *counted.entry(part.class).or_default() += part.rows;
    }
    Ok(Facts {
        school: desk.config.settings.school.given_name().to_owned(),
        date: desk.now.to_zoned(desk.zone.clone()).date(),
        kept: kept(&desk.config.keep, Some(&counted)),
        groups: groups(rulebook),
        protection: protection(desk)?,
        passing: looked_into::passing(&desk.config, rulebook),
        judged: judged::judged(rulebook, &matters),
        goes: goes(desk).into_iter().chain(judged::told(&rulebook.alerts.plan)).collect(),
        readers: readers(desk),
        counts: counts(desk, &reader, &matters)?,
        unseen: looked_into::unseen(rulebook),
    })
}

fn groups(rulebook: &Rulebook) -> Vec<Group> {
    let school = &rulebook.school;
    let group = |(id, group): (GroupId, &crate::policy::Group)| {
        let networks: Vec<_> = school.networks.of(id).map(|net| net.to_string()).collect();
        let names = school.members.iter().filter(|(_, of)| *of == id).count();
        let ways = [
            (!networks.is_empty()).then(|| format!("devices in {}", networks.join(", "))),
            (names > 0).then(|| format!("user names, by {names} {}", if names == 1 { "pattern" } else { "patterns" })),
        ];
        let ways: Vec<_> = ways.into_iter().flatten().collect();
        let found_by = if ways.is_empty() { "only users who are given it by name".to_owned() } else { ways.join("; ") };
        Group { name: group.name.to_string(), found_by }
    };
    (0..).map(GroupId).zip(&school.policy.groups).map(group).collect()
}

fn readers(desk: &Desk) -> Vec<String> {
    let owner = files::other_owner(&desk.config.data).unwrap_or_else(|| desk.account.clone());
    vec![
        format!("Whoever can use the account {owner} or an administrator's account of the machine: the data folder is that account's."),
        "To read a named person's records with Usher's commands a reason is asked for, and who looked, when, at whose records and why is put on record."
            .to_owned(),
        match desk.config.log_names {
            lookups::Naming::WithAReason => "Where nobody is looked for by name, pseudonyms stand for people and devices unless a reason is given.".to_owned(),
            lookups::Naming::Always => "Where nobody is looked for by name, records are shown with names and no reason is asked for ([log] names).".to_owned(),
        },
        "The files themselves are not encrypted: an administrator of the machine can read them without Usher.".to_owned(),
    ]
}

fn counts(desk: &Desk, reader: &Reader, matters: &[Incident]) -> anyhow::Result<Vec<Count>> {
    let since = (desk.now - SignedDuration::from_hours(24 * LOOKS_DAYS)).as_millisecond();
    let recent = |topic| -> anyhow::Result<u64> { Ok(reader.about(topic, 0)?.iter().filter(|statement| statement.at >= since).count() as u64) };
    let holds = holds::in_force(&desk.log, reader, &Aliases::open(&desk.log)?)?.len() as u64;
    let count = |what: String, number| Count { what, number };
    Ok(vec![
        count(format!("Looks at people's records in the last {LOOKS_DAYS} days"), recent(Topic::Looked)?),
        count(format!("Purges stated in the last {LOOKS_DAYS} days"), recent(Topic::Purged)?),
        count(format!("Statements on erasures in the last {LOOKS_DAYS} days"), recent(Topic::Erased)?),
        count("Legal holds in force".to_owned(), holds),
        count("Alerts on record".to_owned(), matters.len() as u64),
        count("Alerts that nobody has closed".to_owned(), matters.iter().filter(|matter| matter.is_open()).count() as u64),
    ])
}

fn goes(desk: &Desk) -> Vec<String> {
    let mut goes = vec![format!("It is kept on this machine, in {}.", desk.log.path().display())];
    goes.push(match desk.config.upstream() {
        Some(upstream) => format!("Requests themselves (not the record of them) pass through the parent proxy {upstream}, which may keep records of its own."),
        None => "Requests go straight to the sites; there is no parent proxy.".to_owned(),
    });
    match desk.config.outputs.as_slice() {
        [] => goes.push("No copy of the record is sent elsewhere as it is made.".to_owned()),
        outputs => goes.extend(outputs.iter().map(sent)),
    }
    goes.extend(looked_into::sent(&desk.config));
    goes
}

/// What is sent to an output, in a sentence.
fn sent(output: &Output) -> String {
    let what: Vec<_> = output.what.iter().map(|what| what.as_str()).collect();
    let only: Vec<_> = output.only.iter().map(|class| class.as_str()).collect();
    let only = if only.is_empty() { String::new() } else { format!(", of records only: {}", only.join(", ")) };
    let names = match output.names {
        Naming::Named => "with people's names",
        Naming::Pseudonymous => "with pseudonyms for people and devices",
    };
    format!(
        "As it is made it is sent to {} (\"{}\"): {}{only}, {names}. How long it is kept there is for that place to say.",
        output.to,
        output.name,
        what.join(", ")
    )
}

fn protection(desk: &Desk) -> anyhow::Result<Vec<Protection>> {
    let one = |what: &str, how: String, good: bool| Protection { what: what.to_owned(), how, stands: if good { Stands::Good } else { Stands::LookAt } };
    let mut all = vec![
        one("Against changes", "every record is chained by hashes to the one before, and what is sealed is signed (Ed25519).".to_owned(), true),
        one("What survives", durability(desk), true),
    ];
    for (what, path) in [
        ("Rights of the data folder", &desk.config.data),
        ("Rights of the log", &desk.log.path().to_owned()),
        ("Rights of the signing key", &desk.log.key().to_owned()),
    ] {
        let file = fs::metadata(path).with_context(|| format!("{} cannot be looked at", path.display()))?;
        let mode = file.permissions().mode() & 0o777;
        let own = mode & 0o077 == 0;
        let who = if own { "its account alone" } else { "other accounts too" };
        all.push(one(what, format!("{} (account number {}, rights {mode:03o}) is open to {who}.", path.display(), file.uid()), own));
    }
    let beside = desk.log.key().starts_with(&desk.config.data);
    let place =
        if beside { "in the data folder: who can write the log can sign it. A key elsewhere ([log] key) is safer." } else { "away from the data folder." };
    all.push(one("Where the signing key is", place.to_owned(), !beside));
    Ok(all)
}

fn durability(desk: &Desk) -> String {
    match desk.config.record.sync {
        crate::audit::Sync::Process => "a committed record survives the end of the program in any way; a power cut may lose the last seconds.".to_owned(),
        crate::audit::Sync::Power => "a committed record survives a power cut.".to_owned(),
    }
}
