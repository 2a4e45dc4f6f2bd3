//! `usher check`: what would happen to a request, and why, by the same code that answers requests.

use super::table::safe;
use super::{Answer, print, print_json};
use crate::app;
use crate::config::Config;
use crate::identity::Identity;
use crate::identity::local::Users;
use crate::insight::republished::{self, Shown};
use crate::lists::Entry;
use crate::policy::changes::Sight;
use crate::policy::gate::BlockPage;
use crate::policy::opinion::Opinion;
use crate::policy::restrict::{Subject, until_words};
use crate::policy::{Action, Circumstances, Restriction};
use crate::snapshot::Snapshot;
use crate::url::Url;
use anyhow::{Context, bail};
use clap::Args;
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use std::borrow::Cow;
use std::net::IpAddr;
use std::path::Path;

/// Say what would happen to a request, and why. Exit code 0: allowed; 1: blocked or warned about.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher check coolmathgames.com --group pupils\n  usher check https://www.example.org --user j.smith\n  usher check games.example --client 10.7.3.9 --at 2026-11-25T12:45 --json"
)]
pub(super) struct Check {
    /// The URL; without a scheme it is http.
    url: String,
    /// As this user.
    #[arg(long, conflicts_with = "group")]
    user: Option<String>,
    /// As somebody in this group.
    #[arg(long)]
    group: Option<String>,
    /// From this address.
    #[arg(long, default_value = "127.0.0.1")]
    client: IpAddr,
    /// At this time: school time as 2026-11-25T12:45, or with a zone as 2026-11-25T12:45:00Z.
    #[arg(long)]
    at: Option<String>,
    /// With this method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Found<'a> {
    url: String,
    user: Option<&'a str>,
    group: String,
    at: String,
    verdict: &'static str,
    categories: Vec<&'a str>,
    reason: Why<'a>,
    entry: Option<&'a Entry>,
    entries: Vec<Entry>,
    /// What is done to the request on its way, and to its answer.
    changes: Vec<String>,
    /// What is restricted of this person or device now.
    restrictions: Vec<String>,
    shows: Vec<Page>,
    snapshot: String,
}

/// A page that stands in the one that was asked about.
#[derive(Serialize)]
struct Page {
    by: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Why<'a> {
    kind: &'static str,
    text: Cow<'static, str>,
    rule: Option<&'a str>,
}

impl Check {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        let secret = app::open_data(&config)?;
        let snapshot = app::look(&config, secret)?;
        let url = Url::parse(&self.url).with_context(|| format!("\"{}\" cannot be judged", self.url))?;
        let users = Users::load(&config.users_path())?;
        let identity = self.identity(&snapshot, &users)?;
        let at = self.time(&snapshot)?;
        let moment = snapshot.timetable.moment(at);
        let (lists, taxonomy) = (&snapshot.lists, &snapshot.taxonomy);
        let client = self.client.to_canonical();
        let around = Circumstances { identity: &identity, client, moment: &moment, method: &self.method, past: &[], taxonomy, lists };
        let sealed = snapshot.court().sealed(&url, around);
        let (is_sealed, judged) = (sealed.is_some(), sealed.unwrap_or(url));
        let found = lists.look_up(&judged);
        let Opinion { action, reason } = snapshot.court().opinion(&judged, &found, around);
        let verdict = verdict(action);
        let sight = if is_sealed { Sight::Host } else { Sight::Whole };
        let changes = if action == Action::Allow { snapshot.court().changes(&judged, &found, around, sight) } else { Vec::new() };
        let categories = reason.listed(found.categories);
        let of_person = snapshot.policy.restrictions.of(identity.user(), client, at);
        let restrictions = of_person.map(|one| restriction(one, &moment.zoned)).collect();
        let others = match republished::shown(&judged) {
            Shown::These(others) => others,
            Shown::Endless => Default::default(),
        };
        let of_others = others.iter().flat_map(|other| lists.explain_all(&lists.look_up(&other.url), &other.url));
        let shown = Found {
            url: self.url.clone(),
            user: identity.user(),
            group: snapshot.policy.group_name(identity.standing).to_string(),
            at: moment.zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            verdict,
            categories: taxonomy.ids(categories).collect(),
            reason: Why { kind: reason.kind(), text: reason.text(taxonomy), rule: reason.rule() },
            entry: reason.entry(),
            entries: lists.explain_all(&found, &judged).into_iter().chain(of_others).collect(),
            changes,
            restrictions,
            shows: others.iter().map(|other| Page { by: other.by, url: other.url.text().to_owned() }).collect(),
            snapshot: snapshot.id.to_string(),
        };
        if self.json {
            print_json(&shown)?
        } else {
            let shows = snapshot.policy.gate(identity.standing).block_page;
            show(&shown, is_sealed.then(|| note(action, shows)))?
        }
        Ok(if action == Action::Allow { Answer::Yes } else { Answer::No })
    }

    fn identity(&self, snapshot: &Snapshot, users: &Users) -> anyhow::Result<Identity> {
        if let Some(name) = &self.group {
            if name == "unknown" {
                return Ok(Identity::unknown());
            }
            let names: Vec<_> = snapshot.policy.groups.iter().map(|group| &*group.name).collect();
            let Some(group) = snapshot.policy.group_named(name) else { bail!("there is no group \"{name}\"; there are {}", names.join(", ")) };
            return Ok(Identity::of_network(group));
        }
        if let Some(name) = &self.user {
            let name = name.to_lowercase();
            let listed = users.users.get(&name).and_then(|user| user.group.as_deref());
            let standing = snapshot.standing_of_user(&name, listed);
            return Ok(Identity::proved(name.into(), standing));
        }
        Ok(snapshot.networks.group_of(self.client).map_or_else(Identity::unknown, Identity::of_network))
    }

    fn time(&self, snapshot: &Snapshot) -> anyhow::Result<Timestamp> {
        let Some(text) = &self.at else { return Ok(Timestamp::now()) };
        super::log::parse_time(text, &snapshot.timetable.zone)
    }
}

/// A restriction, for whoever looks after Usher.
fn restriction(one: &Restriction, now: &Zoned) -> String {
    let whose = match &one.who {
        Subject::User(name) => name.to_string(),
        Subject::Device(address) => format!("the device {address}"),
    };
    format!("number {}, {whose}: {}, until {}, by {}: {}", one.number, one.how.words(), until_words(one.until, now), safe(&one.by), safe(&one.reason))
}

/// What was decided, as the log says it.
fn verdict(action: Action) -> &'static str {
    match action {
        Action::Allow => "allowed",
        Action::Warn => "warned",
        Action::Block => "blocked",
    }
}

/// What is to be known of a site whose https is not looked into.
fn note(action: Action, shows: BlockPage) -> &'static str {
    match (action, shows) {
        (Action::Allow, _) | (Action::Warn | Action::Block, BlockPage::Never) => {
            "of this site only the name is seen, not the page: its https is not looked into"
        }
        (Action::Warn | Action::Block, BlockPage::WhenTrusted | BlockPage::Always) => {
            "of this site only the name is seen, not the page; its page is shown to devices that trust the school's certificate"
        }
    }
}

fn show(found: &Found<'_>, note: Option<&str>) -> anyhow::Result<()> {
    print(format_args!("{}: {}", found.verdict.to_uppercase(), found.url))?;
    print(format_args!("  why         {}", found.reason.text))?;
    let row = |name: &str, value: &str| print(format_args!("  {name:<11} {value}"));
    row("group", &found.group)?;
    row("at", &found.at)?;
    if !found.categories.is_empty() {
        row("categories", &found.categories.join(", "))?;
    }
    for page in &found.shows {
        row("shows", &format!("{}, by {}", page.url, page.by))?;
    }
    for entry in &found.entries {
        row("listed", &format!("{}, line {}: {}", entry.list, entry.line, entry.text))?;
    }
    for one in &found.restrictions {
        row("restricted", one)?;
    }
    for change in &found.changes {
        row("changed", change)?;
    }
    if let Some(note) = note {
        row("note", note)?;
    }
    row("snapshot", &found.snapshot)?;
    Ok(())
}
