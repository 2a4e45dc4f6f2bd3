//! `policy.toml`: what the school decides.

use super::canaries;
use super::categories::ids;
use super::files;
use super::reader::{FromToml, Problem, Source, Table, nearest_hint};
use super::rewrite;
use super::scan::{self, PhraseFiles};
use super::ways;
use crate::category::{Category, CategorySet, Taxonomy};
use crate::clock::{Dates, Period, Timetable};
use crate::identity::GroupId;
use crate::identity::networks::Networks;
use crate::library::judge::Canaries;
use crate::lists::entry::{self, Listed};
use crate::policy::condition::Term;
use crate::policy::files::{Book, Rules};
use crate::policy::gate::{BlockPage, ClientCertificates, Gate, Names, NotTls, Pinned};
use crate::policy::glob::Glob;
use crate::policy::{Action, Condition, Group, Inspection, Level, Mode, Policy, Ports, Resolver, Rewrite, Rule};
use ipnet::IpNet;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::sync::Arc;

/// What the policy file holds.
#[derive(Debug)]
pub struct School {
    /// Groups and rules.
    pub policy: Policy,
    /// The school day.
    pub timetable: Timetable,
    /// Which ranges of addresses belong to which group.
    pub networks: Networks,
    /// Which users belong to which group, the first that fits.
    pub members: Vec<(Glob, GroupId)>,
    /// The school's own canaries.
    pub canaries: Canaries,
}

/// The ports a request may go to, from `usher.toml`.
#[derive(Clone, Debug)]
pub struct OpenPorts {
    /// Plain requests.
    pub plain: Ports,
    /// Tunnels.
    pub tunnel: Ports,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// The most groups a policy may hold.
const MOST_GROUPS: usize = 250;
/// The most periods a timetable may hold.
const MOST_PERIODS: usize = 64;

impl FromToml for Weekday {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        let day = String::from_toml(value)?;
        weekday(&day).ok_or_else(|| format!("\"{}\" is not a day, such as \"mon\"", day.to_lowercase()))
    }
}

/// A day of the week by its name, or the beginning of it.
/// A day of the week by its name, or the first three letters of it.
pub fn weekday(text: &str) -> Option<Weekday> {
    let text = text.to_lowercase();
    DAYS.iter().find(|(name, _)| text.starts_with(name)).map(|(_, day)| *day)
}

/// Reads the policy.
pub fn read(source: &Source, taxonomy: &Taxonomy, ports: &OpenPorts, phrases: &PhraseFiles) -> Result<School, Vec<Problem>> {
    source.read(|file| {
        let timetable = timetable(file);
        let mut groups = Groups { taxonomy, phrases, groups: Vec::new(), ranges: Vec::new(), members: Vec::new(), files: Vec::new() };
        file.tables("group").iter().for_each(|table| groups.add(table));
        if groups.groups.is_empty() {
            file.wrong("group", "there is no group", Some("write at least one [[group]] with a name and what it blocks".into()));
        }
        let rules = RuleReader { taxonomy, timetable: &timetable, groups: &groups.groups };
        let (rules, rewrites) = (rules.read(file), rules.rewrites(file));
        let policy = Policy {
            inspection: inspection(taxonomy, file),
            files: Book::new(groups.files),
            groups: groups.groups,
            rules,
            plain_ports: ports.plain.clone(),
            tunnel_ports: ports.tunnel.clone(),
            unknown: "unknown".into(),
            rewrites,
            resolver: Resolver::Usher,
            restrictions: Arc::default(),
        };
        let canaries = file.table("canaries").map_or_else(Canaries::default, |table| {
            let canaries = canaries::read_table(&table);
            table.done();
            canaries
        });
        Some(School { policy, timetable, networks: Networks::new(groups.ranges), members: groups.members, canaries })
    })
}

/// Categories that are never looked into where the school does not say.
const NEVER: [&str; 3] = ["banking", "health", "software-updates"];

/// Categories that are never passed sealed for a program's sake: what is said and shown there is why schools look.
const OPEN: [&str; 2] = ["streaming", "ai-tools"];

fn inspection(taxonomy: &Taxonomy, file: &Table<'_>) -> Inspection {
    let shipped = || NEVER.iter().filter_map(|id| taxonomy.find(id)).collect();
    let open = OPEN.iter().filter_map(|id| taxonomy.find(id)).collect();
    let Some(table) = file.table("inspect") else { return Inspection { never: shipped(), open, ..Inspection::default() } };
    let never = if table.get::<Vec<String>>("never").is_some() { categories(taxonomy, &table, "never") } else { shipped() };
    for id in taxonomy.ids(never.intersection(taxonomy.always_blocked())) {
        table.wrong("never", format!("\"{id}\" is always blocked; nothing can hide it"), Some("take it out".into()));
    }
    let (search, hosts) = match table.table("search") {
        Some(search) => {
            let both = (categories(taxonomy, &search, "categories"), search.get_or("hosts", Vec::new()));
            search.done();
            both
        }
        None => (CategorySet::EMPTY, Vec::new()),
    };
    table.done();
    Inspection { never, search, hosts, own: Vec::new(), open }
}

fn timetable(file: &Table<'_>) -> Timetable {
    let mut timetable = Timetable { zone: TimeZone::UTC, periods: Vec::new(), terms: Vec::new(), closed: Vec::new() };
    let Some(table) = file.table("timetable") else {
        timetable.zone = zone("Europe/London").unwrap_or(TimeZone::UTC);
        return timetable;
    };
    let name = table.get_or("zone", "Europe/London".to_owned());
    match zone(&name) {
        Some(zone) => timetable.zone = zone,
        None => table.wrong("zone", format!("\"{name}\" is not a time zone"), Some("such as \"Europe/London\"".into())),
    }
    timetable.periods = table.tables("period").iter().filter_map(period).collect();
    if timetable.periods.len() > MOST_PERIODS {
        table.wrong("period", format!("there are more than {MOST_PERIODS}"), None);
    }
    timetable.terms = table.tables("term").iter().filter_map(dates).collect();
    timetable.closed = table.tables("closed").iter().filter_map(dates).collect();
    table.done();
    timetable
}

fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

fn period(table: &Table<'_>) -> Option<Period> {
    let name = table.need("name", "such as \"lunch\"");
    let weekdays: Vec<_> = DAYS.iter().take(5).map(|(_, day)| *day).collect();
    let days = table.get_or("days", weekdays);
    let from: Option<jiff::civil::Time> = table.need("from", "such as \"12:30\"");
    let to: Option<jiff::civil::Time> = table.need("to", "such as \"13:20\"");
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        table.wrong("to", format!("{} ends before it begins", table.name()), Some("for a period past midnight write two".into()));
    }
    table.done();
    Some(Period { name: name?, days, from: from?, to: to? })
}

fn dates(table: &Table<'_>) -> Option<Dates> {
    let name = table.need("name", "such as \"autumn term\"");
    let first: Option<Date> = table.need("first", "the first day, such as 2026-09-02");
    let last: Option<Date> = table.need("last", "the last day, such as 2026-12-18");
    if let (Some(first), Some(last)) = (first, last)
        && first > last
    {
        table.wrong("last", format!("{} ends before it begins", table.name()), None);
    }
    table.done();
    Some(Dates { name: name?, first: first?, last: last? })
}

struct Groups<'a> {
    taxonomy: &'a Taxonomy,
    phrases: &'a PhraseFiles,
    groups: Vec<Group>,
    ranges: Vec<(IpNet, GroupId)>,
    members: Vec<(Glob, GroupId)>,
    files: Vec<Rules>,
}

impl Groups<'_> {
    fn add(&mut self, table: &Table<'_>) {
        let Some(name) = table.need::<String>("name", "such as \"year-7\"") else { return table.done() };
        if name == "unknown" || name.is_empty() || name.contains(['*', ' ']) {
            table.wrong("name", format!("\"{name}\" cannot be a group's name"), Some("use letters, digits and hyphens".into()));
        }
        if self.groups.iter().any(|group| *group.name == *name) {
            table.wrong("name", format!("there are two groups \"{name}\""), None);
        }
        let Some(id) = u8::try_from(self.groups.len()).ok().filter(|id| usize::from(*id) < MOST_GROUPS) else {
            return table.wrong("name", format!("there are more than {MOST_GROUPS} groups"), None);
        };
        if let Some(members) = table.table("members") {
            self.add_members(&members, GroupId(id));
        }
        let staff = table.get_or("staff", false);
        let [allow, block, warn] = ["allow", "block", "warn"].map(|key| categories(self.taxonomy, table, key));
        for (key, set) in [("allow", allow), ("warn", warn)] {
            refuse_always_blocked(self.taxonomy, table, key, set);
        }
        for (key, both) in [("warn", block.intersection(warn)), ("allow", allow.intersection(block.union(warn)))] {
            for id in self.taxonomy.ids(both) {
                table.wrong(key, format!("\"{id}\" has two actions in {}", table.name()), Some("leave it in one of allow, block and warn".into()));
            }
        }
        let inspect = table.choice("inspect", &Mode::NAMES, Some(Mode::None)).unwrap_or_default();
        let (gate, ways) = (gate(table), ways::read(table));
        // A group whose policy says nothing of it is kept safe; grown-ups are trusted.
        let usual = if staff { Level::Off } else { Level::Strict };
        let safe_search = table.choice("safe_search", &Level::NAMES, Some(usual)).unwrap_or_default();
        let tenants = Arc::new(rewrite::tenants(table, inspect));
        let phrases = scan::read_group(table, self.phrases, self.taxonomy).map(Arc::new);
        self.files.push(files::read(table));
        table.done();
        self.groups.push(Group { name: name.into(), staff, allow, block, warn, inspect, gate, ways, safe_search, tenants, phrases });
    }

    fn add_members(&mut self, members: &Table<'_>, id: GroupId) {
        for net in members.get_or::<Vec<IpNet>>("networks", Vec::new()) {
            if self.ranges.iter().any(|(known, _)| *known == net) {
                members.wrong("networks", format!("{net} belongs to another group too"), Some("a range can lead to one group only".into()));
            }
            self.ranges.push((net, id));
        }
        let users = members.get_or::<Vec<String>>("users", Vec::new());
        self.members.extend(users.iter().map(|user| (Glob::new(user), id)));
        members.done();
    }
}

/// What a group's tunnels meet at their beginning.
fn gate(table: &Table<'_>) -> Gate {
    Gate {
        pinned: table.choice("pinned", &Pinned::NAMES, Some(Pinned::default())).unwrap_or_default(),
        client_certificates: table.choice("client_certificates", &ClientCertificates::NAMES, Some(ClientCertificates::default())).unwrap_or_default(),
        not_tls: table.choice("not_tls", &NotTls::NAMES, Some(NotTls::default())).unwrap_or_default(),
        names: table.choice("names", &Names::NAMES, Some(Names::default())).unwrap_or_default(),
        block_page: table.choice("block_page", &BlockPage::NAMES, Some(BlockPage::default())).unwrap_or_default(),
    }
}

fn categories(taxonomy: &Taxonomy, table: &Table<'_>, key: &'static str) -> CategorySet {
    let names: Vec<String> = table.get_or(key, Vec::new());
    names.iter().filter_map(|name| category(taxonomy, table, key, name)).collect()
}

fn category(taxonomy: &Taxonomy, table: &Table<'_>, key: &'static str, name: &str) -> Option<Category> {
    let found = taxonomy.find(name);
    if found.is_none() {
        table.wrong(
            key,
            format!("there is no category \"{name}\""),
            nearest_hint(name, ids(taxonomy)).or_else(|| Some("blocklists/categories.toml lists them".into())),
        );
    }
    found
}

fn refuse_always_blocked(taxonomy: &Taxonomy, table: &Table<'_>, key: &'static str, set: CategorySet) {
    for id in taxonomy.ids(set.intersection(taxonomy.always_blocked())) {
        table.wrong(key, format!("\"{id}\" is always blocked; nothing can allow it"), Some("take it out".into()));
    }
}

struct RuleReader<'a> {
    taxonomy: &'a Taxonomy,
    timetable: &'a Timetable,
    groups: &'a [Group],
}

impl RuleReader<'_> {
    fn read(&self, file: &Table<'_>) -> Vec<Rule> {
        let mut rules: HashMap<Arc<str>, ()> = HashMap::new();
        let read = |table: &Table<'_>| {
            let rule = self.rule(table)?;
            if rules.insert(rule.name.clone(), ()).is_some() {
                table.wrong("name", format!("there are two rules \"{}\"", rule.name), None);
            }
            Some(rule)
        };
        file.tables("rule").iter().filter_map(read).collect()
    }

    fn rule(&self, table: &Table<'_>) -> Option<Rule> {
        let name: Option<String> = table.need("name", "a short name, shown wherever the rule decides");
        let then = table.choice("then", &Action::NAMES, None);
        let reason: Option<String> = table.need("reason", "decisions are documented: say why, for those who ask later");
        if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            table.wrong("reason", "the reason is empty", None);
        }
        let review = table.need("review", "when the school looks at this rule again, such as 2027-01-10");
        let when = match table.table("when") {
            Some(when) => self.conditions(&when, then),
            None => Vec::new(),
        };
        if when.is_empty() {
            table.wrong("when", format!("{} has no condition", table.name()), Some("such as when = { group = \"year-*\", category = \"games\" }".into()));
        }
        table.done();
        Some(Rule { name: name?.into(), when, then: then?, reason: reason?.into(), review: review? })
    }

    fn rewrites(&self, file: &Table<'_>) -> Vec<Arc<Rewrite>> {
        let mut known: Vec<Arc<str>> = Vec::new();
        let read = |table: &Table<'_>| {
            let rule = self.rewrite(table)?;
            if known.contains(&rule.name) {
                table.wrong("name", format!("there are two of the name \"{}\"", rule.name), None);
            }
            known.push(rule.name.clone());
            Some(Arc::new(rule))
        };
        file.tables("rewrite").iter().filter_map(read).collect()
    }

    fn rewrite(&self, table: &Table<'_>) -> Option<Rewrite> {
        let name: Option<String> = table.need("name", "a short name, shown wherever the rule decides");
        let reason: Option<String> = table.need("reason", "decisions are documented: say why, for those who ask later");
        if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            table.wrong("reason", "the reason is empty", None);
        }
        let when = table.table("when").map_or_else(Vec::new, |when| self.conditions(&when, None));
        if when.is_empty() {
            table.wrong("when", format!("{} has no condition", table.name()), Some("such as when = { host = \"old.school.example\" }".into()));
        }
        let [request, response] = ["request", "response"].map(|side| rewrite::edits(table, side));
        let leads = rewrite::leads(table);
        let says = ["request", "response", "redirect", "url"].iter().any(|key| table.has(key));
        if !says {
            table.wrong("name", "it does nothing", Some("give it `request`, `response`, `redirect` or `url`".into()));
        }
        table.done();
        Some(Rewrite { name: name?.into(), when, request, response, leads, reason: reason?.into() })
    }

    fn conditions(&self, when: &Table<'_>, then: Option<Action>) -> Vec<Condition> {
        let list = |key| when.get::<OneOrMany<String>>(key).map(|names| names.0);
        let mut all = Vec::new();
        all.extend(list("group").map(|names| Condition::Group(names.iter().flat_map(|name| self.groups_named(when, name)).collect())));
        all.extend(list("user").map(|names| Condition::User(names.iter().map(|name| Glob::new(name)).collect())));
        all.extend(when.get::<OneOrMany<_>>("host").map(|hosts| Condition::Host(hosts.0)));
        all.extend(list("prefix").map(|names| Condition::Prefix(names.iter().filter_map(|name| prefix(when, name)).collect())));
        all.extend(list("category").map(|names| {
            let set = names.iter().filter_map(|name| category(self.taxonomy, when, "category", name)).collect();
            if then == Some(Action::Allow) || then == Some(Action::Warn) {
                refuse_always_blocked(self.taxonomy, when, "category", set);
            }
            Condition::Category(set)
        }));
        all.extend(when.get::<OneOrMany<_>>("network").map(|nets| Condition::Network(nets.0)));
        all.extend(list("during").map(|names| Condition::During(self.periods(when, &names))));
        all.extend(when.get::<bool>("term").map(|term| Condition::Term(if term { Term::In } else { Term::Out })));
        all.extend(list("method").map(Condition::Method));
        when.done();
        all
    }

    fn groups_named(&self, when: &Table<'_>, name: &str) -> Vec<GroupId> {
        let glob = Glob::new(name);
        let found: Vec<_> = (0..).map(GroupId).zip(self.groups).filter(|(_, group)| glob.matches(&group.name)).map(|(id, _)| id).collect();
        if found.is_empty() {
            let names = self.groups.iter().map(|group| &*group.name).collect();
            when.wrong("group", format!("there is no group \"{name}\""), nearest_hint(name, names));
        }
        found
    }

    fn periods(&self, when: &Table<'_>, names: &[String]) -> crate::clock::PeriodSet {
        let mut set = crate::clock::PeriodSet::default();
        for name in names {
            match self.timetable.named(name) {
                Some(periods) => set = set.union(periods),
                None => {
                    let known = self.timetable.periods.iter().map(|period| period.name.as_str()).collect();
                    when.wrong("during", format!("the timetable has no period \"{name}\""), nearest_hint(name, known));
                }
            }
        }
        set
    }
}

fn prefix(when: &Table<'_>, text: &str) -> Option<String> {
    match entry::prefix(text) {
        Ok(Listed::Prefix(prefix)) => Some(prefix),
        Ok(Listed::Name(host)) => Some(host.to_string()),
        Ok(_) | Err(_) => {
            when.wrong("prefix", format!("\"{text}\" is not a host and path"), Some("such as \"news.example/games\"".into()));
            None
        }
    }
}

/// One value, or a list of them.
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<T: FromToml> FromToml for OneOrMany<T> {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        if value.is_array() { Vec::from_toml(value).map(Self) } else { T::from_toml(value).map(|one| Self(vec![one])) }
    }
}
