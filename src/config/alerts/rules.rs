//! The school's own rules: `[[rule]]`. A rule that could never fire is a problem.

use super::{Around, Remarks, category, code, minutes, number, one_of};
use crate::alert::rules::{Condition, Distinct, MOST_COUNTED, Rule, Words, may_start};
use crate::alert::theme::Theme;
use crate::alert::weights::Weights;
use crate::audit::Verdict;
use crate::audit::incident::Level;
use crate::category::CategorySet;
use crate::clock::PeriodSet;
use crate::config::policy::OneOrMany;
use crate::config::reader::{FromToml, Table, nearest_hint};
use crate::host::Host;
use crate::insight::{Kind, Start};
use crate::policy::condition::Term;
use crate::policy::glob::Glob;
use ipnet::IpNet;
use std::sync::Arc;
use std::time::Duration;

/// The most rules.
const MOST_RULES: usize = 200;
/// The longest `within`, in minutes: a week.
const LONGEST: u32 = 7 * 24 * 60;

/// Reads every `[[rule]]`.
pub(super) fn read(file: &Table<'_>, around: &Around<'_>, weights: &Weights, remarks: &Remarks) -> Arc<[Rule]> {
    let mut all: Vec<Rule> = Vec::new();
    for table in file.tables("rule") {
        let rule = Reader { table: &table, around, weights, remarks }.rule();
        table.done();
        let Some(rule) = rule else { continue };
        if all.iter().any(|known| known.name == rule.name) {
            table.wrong("name", format!("there are two rules \"{}\"", rule.name), Some("give one of them another name".into()));
        }
        all.push(rule.in_order());
    }
    if all.len() > MOST_RULES {
        file.wrong("rule", format!("there are more than {MOST_RULES}"), None);
    }
    all.into()
}

struct Reader<'a> {
    table: &'a Table<'a>,
    around: &'a Around<'a>,
    weights: &'a Weights,
    remarks: &'a Remarks,
}

impl Reader<'_> {
    fn rule(&self) -> Option<Rule> {
        let table = self.table;
        let name = table.need::<String>("name", "a short name, shown wherever the rule speaks");
        if name.as_ref().is_some_and(|name| name.trim().is_empty() || name.contains(char::is_control)) {
            table.wrong("name", "it is no name", None);
        }
        let reason = table.need::<String>("reason", "say why the school has it, for those who ask later");
        if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            table.wrong("reason", "the reason is empty", None);
        }
        let review = table.need("review", "when the school looks at this rule again, such as 2027-09-01");
        let level = table.choice("level", &Level::NAMES, None);
        let when = match table.table("when") {
            Some(when) => {
                let all = self.conditions(&when);
                never_holds(&when, &all, self.around);
                when.done();
                all
            }
            None => Vec::new(),
        };
        if when.is_empty() {
            let hint = "such as when = { verdict = \"blocked\", category = \"gambling\" }";
            table.wrong("when", format!("{} has no condition", table.name()), Some(hint.into()));
        }
        let (count, distinct, within) = self.counted(&when);
        let themes = self.themes(&when);
        if let Some(level) = level {
            for theme in themes.iter().filter(|theme| self.weights.themes[**theme as usize].most < level) {
                let (name, most) = (theme.as_str(), self.weights.themes[*theme as usize].most.as_str());
                table.wrong(
                    "level",
                    format!("{} is more than the theme {name} ever comes to, which is {most}", level.as_str()),
                    Some("see `most` under [themes]".into()),
                );
            }
        }
        let rule = Rule { name: name?.into(), when, count, distinct, within, level: level?, themes, reason: reason?.into(), review: review? };
        self.remark_on_groups(&rule);
        Some(rule)
    }

    /// How many, of what, within which time.
    fn counted(&self, when: &[Condition]) -> (u32, Distinct, Duration) {
        let table = self.table;
        let count = table.get_or("count", 1);
        if !(1..=MOST_COUNTED).contains(&count) {
            let what = if count == 0 { "a rule that takes none can never fire".to_owned() } else { format!("at most {MOST_COUNTED}") };
            table.wrong("count", what, Some(format!("write a number from 1 to {MOST_COUNTED}")));
        }
        let distinct = table.choice("distinct", &Distinct::NAMES, Some(Distinct::Record)).unwrap_or(Distinct::Record);
        let within = number(table, "within", 0, if table.has("within") { 1..=LONGEST } else { 0..=LONGEST });
        for key in ["within", "distinct"].into_iter().filter(|key| count == 1 && table.has(key)) {
            table.wrong(key, format!("`{key}` is of no meaning where one record is enough"), Some("write `count`, or take it out".into()));
        }
        if count > 1 && !table.has("within") {
            table.wrong("count", format!("within which time are there {count}?"), Some("write `within`, in minutes".into()));
        }
        if distinct == Distinct::Term && !may_search(when) {
            table.wrong("distinct", "searches are counted, and `when` takes no search, so it can never fire", Some("write kind = \"search\" in `when`".into()));
        }
        (count.clamp(1, MOST_COUNTED), distinct, minutes(within))
    }

    /// What it may be about.
    fn themes(&self, when: &[Condition]) -> Vec<Theme> {
        if self.table.has("theme") {
            let name: Option<String> = self.table.get("theme");
            return name.and_then(|name| one_of(self.table, "theme", &name, &Theme::NAMES)).into_iter().collect();
        }
        let mut all: Vec<Theme> = Vec::new();
        let of_category = |id: &str| {
            let set: CategorySet = self.around.taxonomy.find(id).into_iter().collect();
            let has = |theme: &Theme| !self.weights.themes[*theme as usize].categories.intersection(set).is_empty();
            Theme::NAMES.into_iter().map(|(_, theme)| theme).find(has)
        };
        let mut unsure = false;
        for condition in when {
            match condition {
                Condition::Theme(themes) => return themes.clone(),
                Condition::Category(ids) => {
                    let found: Vec<_> = ids.iter().map(|id| of_category(id)).collect();
                    unsure |= found.iter().any(Option::is_none);
                    all.extend(found.into_iter().flatten());
                }
                Condition::Way(_) => all.push(Theme::Bypass),
                Condition::Group(_) | Condition::User(_) | Condition::Host(_) | Condition::Network(_) | Condition::During(_) | Condition::Term(_) => {}
                Condition::Kind(_) | Condition::Start(_) | Condition::Verdict(_) | Condition::Search(_) | Condition::Prompt(_) => {}
            }
        }
        let mut once: Vec<Theme> = Vec::new();
        all.into_iter().for_each(|theme| {
            if !once.contains(&theme) {
                once.push(theme)
            }
        });
        if unsure || once.is_empty() {
            let hint = format!("write theme = \"...\" beside `when`: one of {}", Theme::NAMES.map(|(name, _)| name).join(", "));
            self.table.wrong("theme", "it is not said what it is about", Some(hint));
        }
        once
    }

    fn conditions(&self, when: &Table<'_>) -> Vec<Condition> {
        let words = |key| list::<String>(when, key);
        let mut all = Vec::new();
        all.extend(words("group").map(|names| Condition::Group(self.around.groups_named(when, "group", &names))));
        all.extend(words("user").map(|names| Condition::User(names.iter().map(|name| Glob::new(name)).collect())));
        all.extend(list::<Host>(when, "host").map(Condition::Host));
        all.extend(words("category").map(|ids| {
            Condition::Category(ids.into_iter().filter(|id| category(self.around.taxonomy, when, "category", id).is_some()).map(Into::into).collect())
        }));
        all.extend(list::<IpNet>(when, "network").map(Condition::Network));
        all.extend(words("during").map(|names| Condition::During(self.periods(when, &names))));
        all.extend(when.get::<bool>("in_term").map(|is_in| Condition::Term(if is_in { Term::In } else { Term::Out })));
        all.extend(words("theme").map(|names| Condition::Theme(some(when, "theme", &names, &Theme::NAMES))));
        all.extend(words("kind").map(|names| Condition::Kind(some(when, "kind", &names, &Kind::NAMES))));
        all.extend(words("start").map(|names| Condition::Start(some(when, "start", &names, &Start::NAMES))));
        all.extend(words("verdict").map(|names| Condition::Verdict(some(when, "verdict", &names, &Verdict::NAMES))));
        all.extend(words("term").map(|texts| Condition::Search(folded(when, "term", &texts))));
        all.extend(words("prompt").map(|texts| Condition::Prompt(folded(when, "prompt", &texts))));
        all.extend(words("way").map(|names| Condition::Way(names.iter().filter_map(|name| code(when, "way", name)).collect())));
        all
    }

    fn periods(&self, when: &Table<'_>, names: &[String]) -> PeriodSet {
        let mut set = PeriodSet::default();
        let Some(school) = self.around.school else { return set };
        for name in names {
            match school.timetable.named(name) {
                Some(periods) => set = set.union(periods),
                None => {
                    let known = school.timetable.periods.iter().map(|period| period.name.as_str()).collect();
                    when.wrong("during", format!("the timetable has no period \"{name}\""), nearest_hint(name, known));
                }
            }
        }
        set
    }

    /// Whom it is for may be nobody today and somebody tomorrow: that is told, and no problem.
    fn remark_on_groups(&self, rule: &Rule) {
        for condition in &rule.when {
            if let Condition::Group(groups) = condition
                && !groups.is_empty()
                && groups.iter().all(|group| **group != *"unknown" && !self.around.is_anybody_in(group))
            {
                let what = format!("the rule \"{}\" cannot fire: nobody is in its group {}", rule.name, groups.join(", "));
                self.remarks.borrow_mut().push(what);
            }
        }
    }
}

/// One value or several. Of none nothing could ever be one.
fn list<T: FromToml>(when: &Table<'_>, key: &'static str) -> Option<Vec<T>> {
    let OneOrMany(values) = when.get::<OneOrMany<T>>(key)?;
    if values.is_empty() {
        when.wrong(key, "nothing is in it, so it never holds", Some("leave it out where it does not matter".into()));
    }
    Some(values)
}

fn some<T: Copy>(when: &Table<'_>, key: &'static str, names: &[String], known: &[(&str, T)]) -> Vec<T> {
    names.iter().filter_map(|name| one_of(when, key, name, known)).collect()
}

fn folded(when: &Table<'_>, key: &'static str, texts: &[String]) -> Vec<Words> {
    let fold = |text: &String| {
        let words = Words::of(text);
        if words.is_none() {
            when.wrong(key, format!("{text:?} holds no word, so it never holds"), Some("write the words that are looked for".into()));
        }
        words
    };
    texts.iter().filter_map(fold).collect()
}

fn kinds(when: &[Condition]) -> Vec<Kind> {
    let all = || Kind::NAMES.iter().map(|(_, kind)| *kind).collect();
    when.iter().find_map(|condition| if let Condition::Kind(kinds) = condition { Some(kinds.clone()) } else { None }).unwrap_or_else(all)
}

/// Whether a search may be among what these hold of.
fn may_search(when: &[Condition]) -> bool {
    kinds(when).contains(&Kind::Search)
}

/// Notes what can never hold together.
fn never_holds(when: &Table<'_>, all: &[Condition], around: &Around<'_>) {
    let kinds = kinds(all);
    let (mut asks_search, mut asks_ai, mut periods, mut out_of_term) = (false, false, false, false);
    for condition in all {
        match condition {
            Condition::Start(starts) if !starts.is_empty() && !kinds.is_empty() => {
                if !kinds.iter().any(|kind| may_start(*kind).iter().any(|start| starts.contains(start))) {
                    let names = |kind: &Kind| kind.as_str();
                    let what = format!("what is a {} is never set off so, so it never holds", kinds.iter().map(names).collect::<Vec<_>>().join(" or "));
                    when.wrong("start", what, Some("a visit or a search is typed, clicked or loaded; a resource is loaded; background is background".into()));
                }
            }
            Condition::Search(_) => asks_search = true,
            Condition::Prompt(_) => asks_ai = true,
            Condition::During(_) => periods = true,
            Condition::Term(Term::Out) => out_of_term = true,
            Condition::Verdict(verdicts) if !verdicts.is_empty() => never_answered(when, verdicts, all, around),
            Condition::Start(_) | Condition::Kind(_) | Condition::Verdict(_) | Condition::Term(Term::In) => {}
            Condition::Group(_) | Condition::User(_) | Condition::Host(_) | Condition::Category(_) | Condition::Network(_) => {}
            Condition::Theme(_) | Condition::Way(_) => {}
        }
    }
    if asks_search && asks_ai {
        when.wrong("prompt", "what is asked of an AI is no search, so `term` and `prompt` never hold together", Some("write two rules".into()));
    }
    for (key, asked) in [("term", asks_search), ("prompt", asks_ai)] {
        if asked && !kinds.contains(&Kind::Search) {
            when.wrong(key, "only a search has words, and `kind` leaves searches out, so it never holds", Some("take `kind` out".into()));
        }
    }
    if periods && out_of_term {
        when.wrong("during", "no period is held out of term, so it never holds", Some("take `during` or `in_term` out".into()));
    }
}

/// Notes verdicts that sites of these categories never have.
fn never_answered(when: &Table<'_>, verdicts: &[Verdict], all: &[Condition], around: &Around<'_>) {
    let passes = |verdict: &Verdict| match verdict {
        Verdict::Allowed | Verdict::Warned | Verdict::Answered => true,
        Verdict::Blocked | Verdict::Refused => false,
    };
    let always: Vec<_> = around.taxonomy.ids(around.taxonomy.always_blocked()).collect();
    let is_always_blocked = |condition: &Condition| match condition {
        Condition::Category(ids) => !ids.is_empty() && ids.iter().all(|id| always.contains(&&**id)),
        Condition::Theme(themes) => !themes.is_empty() && themes.iter().all(|theme| *theme == Theme::Illegal),
        _ => false,
    };
    if verdicts.iter().all(passes) && all.iter().any(is_always_blocked) {
        when.wrong("verdict", "what is against the law is always blocked, so it never holds", Some("write verdict = \"blocked\", or leave it out".into()));
    }
}
