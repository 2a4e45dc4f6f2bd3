//! `usher users restrict`: whose access is taken away, kept to a few sites, or slowed, until when, by whom and why.

use super::until::{end_of_today, until};
use crate::app;
use crate::audit::incident::{Act, Person};
use crate::audit::journal::Journal;
use crate::audit::lookups::Reason;
use crate::audit::restrictions::{Book, CALENDAR, Limit, Limited, MOST, Made};
use crate::category::Taxonomy;
use crate::cli::table::{safe, table};
use crate::cli::who::by;
use crate::cli::{Answer, print, print_json};
use crate::config::Config;
use crate::config::reader::nearest_hint;
use crate::host::Host;
use crate::identity::local::Users as UsersFile;
use crate::policy::restrict::{How, Restriction, Subject, until_words};
use crate::proxy::identify::Ask;
use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use std::net::IpAddr;
use std::path::Path;

/// The slowest and the quickest that somebody may be slowed to, in KiB a second.
const SPEEDS: std::ops::RangeInclusive<u32> = 4..=102_400;
/// The longest text that is shown to the person, in letters.
const LONGEST_TELL: usize = 300;
/// The most categories and sites that are left to somebody.
const MOST_OPEN: usize = 200;

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Sites that help, and Usher's own pages, are open to everybody whatever is restricted. A running Usher takes a restriction up within two seconds, and ends what is open already.\n\nExamples:\n  usher users restrict j.patel --off --until 15:30 --reason \"Third web proxy today\" --as \"Mr Roe\"\n  usher users restrict j.patel --only education,ourschool.sch.uk --until \"fri 16:00\" --reason \"As agreed with home\"\n  usher users restrict j.patel --slow 256 --until 2026-12-18 --reason \"Downloads all day\"\n  usher users restrict --device 10.8.3.17 --off --until 15:30 --reason \"Nobody signed in\"\n  usher users restrict list\n  usher users restrict end 8125 --reason \"Talked; restored\""
)]
pub(in crate::cli) struct Restrict {
    #[command(subcommand)]
    command: Option<Which>,
    /// Whose: a user's name.
    user: Option<String>,
    /// Or whoever is at the device with this address, until the end of today at most: tomorrow the address may be another's.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "user")]
    device: Option<IpAddr>,
    /// No access.
    #[arg(long, conflicts_with_all = ["only", "slow"])]
    off: bool,
    /// Access to these categories and sites only, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "slow")]
    only: Vec<String>,
    /// So many KiB a second, both ways and for all devices of theirs together.
    #[arg(long, value_name = "KIB")]
    slow: Option<u32>,
    /// Until when, school time: 15:30, "fri 16:00", "2026-11-27 15:30", or a day to its end.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What the person is told on the page, in place of "ask a member of staff".
    #[arg(long, value_name = "TEXT")]
    tell: Option<String>,
    #[command(flatten)]
    who: Who,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Who {
    /// Why, in a few words. It stays on record; the person does not see it.
    #[arg(long)]
    reason: Option<String>,
    /// Who you are, where several people share this account.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

#[derive(Subcommand)]
enum Which {
    /// List whose access is restricted now. Exit code 1 if nobody's is.
    List {
        /// Those too that are over.
        #[arg(long)]
        all: bool,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// End one before its time.
    End {
        /// Its number.
        number: u64,
        #[command(flatten)]
        who: Who,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// One, as it is printed for programs.
#[derive(Serialize)]
struct Shown<'a> {
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<IpAddr>,
    how: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    only: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kib_per_second: Option<u32>,
    since: Timestamp,
    until: Timestamp,
    by: &'a str,
    reason: &'a str,
    tell: Option<&'a str>,
    in_force: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended<'a>>,
}

#[derive(Serialize)]
struct Ended<'a> {
    at: Timestamp,
    reason: &'a str,
    by: &'a str,
}

impl Who {
    /// Who it is, and why.
    fn read(&self) -> anyhow::Result<(String, Reason)> {
        let Some(reason) = &self.reason else {
            bail!("say why, with --reason \"...\": a few words that another person will understand later. Nothing was changed")
        };
        Ok((by(self.name.as_deref())?, reason.parse()?))
    }
}

/// What each of these commands works with.
struct Desk {
    config: Config,
    taxonomy: Taxonomy,
    now: Zoned,
}

impl Desk {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let config = Config::load(path)?;
        let rulebook = config.rulebook()?;
        app::open_data(&config)?;
        let now = Timestamp::now().to_zoned(rulebook.school.timetable.zone.clone());
        Ok(Self { config, taxonomy: rulebook.taxonomy, now })
    }

    fn book(&self) -> anyhow::Result<Book> {
        let log = self.config.log();
        Ok(if log.exists() { Book::read(&log)? } else { Book::default() })
    }

    fn state(&self, act: &Act) -> anyhow::Result<Option<u64>> {
        Ok(Journal::open(&self.config.log())?.state_act(self.now.timestamp(), act)?)
    }
}

impl Restrict {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let desk = Desk::open(path)?;
        match &self.command {
            None => self.restrict(&desk),
            Some(Which::List { all, json }) => list(&desk, *all, *json),
            Some(Which::End { number, who, json }) => end(&desk, *number, who, *json),
        }
    }

    fn restrict(&self, desk: &Desk) -> anyhow::Result<Answer> {
        let who = self.subject(desk)?;
        let how = self.how(&desk.taxonomy)?;
        let Some(time) = &self.until else { bail!("say until when, such as --until 15:30 or --until \"fri 16:00\": a restriction has an end") };
        let until = until(time, &desk.now)?;
        if matches!(who, Person::Device(_)) && until > end_of_today(&desk.now)? {
            bail!("a device is restricted until the end of today at most: tomorrow its address may be another's. Such as --until 23:59, or name the user");
        }
        let tell = self.tell()?;
        let (by, reason) = self.who.read()?;
        let book = desk.book()?;
        let in_force: Vec<_> = book.in_force(desk.now.timestamp()).collect();
        if in_force.len() >= MOST {
            bail!("{MOST} restrictions are in force, and more are not taken; end some first: usher users restrict list");
        }
        let reason = reason.to_string();
        let act = Act::Limited(Box::new(Limited { who, how, until_ms: until.as_millisecond(), by, reason, tell, record: None }));
        let number = desk.state(&act)?.ok_or_else(|| anyhow!("it could not be put on record"))?;
        let book = desk.book()?;
        let made = book.all().iter().find(|one| one.restriction.number == number).ok_or_else(|| anyhow!("it was put on record and cannot be read"))?;
        if self.json {
            print_json(&shown(made, &desk.now))?;
            return Ok(Answer::Yes);
        }
        let one = &made.restriction;
        print(format_args!("restricted: {}: {}, until {}. Number {number}.", named(&one.who), one.how.words(), until_words(one.until, &desk.now)))?;
        print("A running Usher takes it up within two seconds. Sites that help stay open. Your reason is on record, and not on the page.")?;
        if let (Subject::User(name), Ask::Never | Ask::Unknown) = (&one.who, desk.config.settings.ask) {
            print(format_args!(
                "Where nobody has to sign in (ask_for_password in usher.toml is not \"always\"), nobody knows that it is {name}: restrict the device too, with --device."
            ))?;
        }
        for other in in_force.iter().filter(|other| other.who == one.who) {
            print(format_args!(
                "Restricted already: number {}, {}, until {}. What either takes away is taken away.",
                other.number,
                other.how.words(),
                until_words(other.until, &desk.now)
            ))?;
        }
        print(format_args!("To end it: usher users restrict end {number} --reason \"...\""))?;
        Ok(Answer::Yes)
    }

    fn subject(&self, desk: &Desk) -> anyhow::Result<Person> {
        if let Some(address) = self.device {
            return Ok(Person::Device(address.to_canonical().to_string()));
        }
        let Some(name) = &self.user else { bail!("say whose, such as: usher users restrict j.patel --off ..., or --device ADDRESS") };
        let users = UsersFile::load(&desk.config.users_path())?;
        users.expect_known(name).map(Person::User).map_err(|error| {
            let known: Vec<_> = users.users.keys().map(String::as_str).collect();
            match nearest_hint(&name.to_lowercase(), known) {
                Some(hint) => anyhow!("{error}; {hint} Nothing was changed"),
                None => anyhow!("{error}. Nothing was changed"),
            }
        })
    }

    fn how(&self, taxonomy: &Taxonomy) -> anyhow::Result<Limit> {
        if let Some(kib) = self.slow {
            if !SPEEDS.contains(&kib) {
                bail!("--slow takes {} to {} KiB a second; to take all away: --off", SPEEDS.start(), SPEEDS.end());
            }
            return Ok(Limit::Slow { kib });
        }
        if self.off {
            return Ok(Limit::Off);
        }
        if self.only.is_empty() {
            bail!("say what is taken away: --off, --only education,ourschool.sch.uk, or --slow 256");
        }
        if self.only.len() > MOST_OPEN {
            bail!("--only takes at most {MOST_OPEN} names; use categories");
        }
        let (mut categories, mut hosts) = (Vec::new(), Vec::new());
        for name in self.only.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            if taxonomy.find(name).is_some() {
                categories.push(name.to_owned());
            } else if name.contains('.') {
                let host = Host::parse(name).map_err(|error| anyhow!("\"{name}\" is neither a category nor a site: {error}"))?;
                hosts.push(host.to_string());
            } else {
                let ids: Vec<_> = taxonomy.iter().map(|(_, info)| info.id.as_str()).collect();
                let hint = nearest_hint(name, ids.clone()).unwrap_or_else(|| format!("there are {}", ids.join(", ")));
                bail!("there is no category \"{name}\"; {hint} A site is written with its dots, such as ourschool.sch.uk");
            }
        }
        if categories.is_empty() && hosts.is_empty() {
            bail!("--only names nothing; to take all away: --off");
        }
        Ok(Limit::Only { categories, hosts })
    }

    fn tell(&self) -> anyhow::Result<Option<String>> {
        let Some(text) = &self.tell else { return Ok(None) };
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_TELL || text.contains(char::is_control) {
            bail!("--tell takes one line of at most {LONGEST_TELL} letters, such as --tell \"Come to room 12 at break.\"");
        }
        Ok(Some(text.to_owned()))
    }
}

fn named(who: &Subject) -> String {
    match who {
        Subject::User(name) => name.to_string(),
        Subject::Device(address) => format!("whoever is at {address}"),
    }
}

fn shown<'a>(made: &'a Made, now: &Zoned) -> Shown<'a> {
    let one: &Restriction = &made.restriction;
    let (how, only, kib_per_second) = match &one.how {
        How::Off => ("off", Vec::new(), None),
        How::Only { categories, hosts } => ("only", categories.iter().map(|id| &**id).chain(hosts.iter().map(Host::as_str)).collect(), None),
        How::Slow { kib } => ("slow", Vec::new(), Some(*kib)),
    };
    let (user, device) = match &one.who {
        Subject::User(name) => (Some(&**name), None),
        Subject::Device(address) => (None, Some(*address)),
    };
    Shown {
        number: one.number,
        user,
        device,
        how,
        only,
        kib_per_second,
        since: one.from,
        until: one.until,
        by: &one.by,
        reason: &one.reason,
        tell: one.tell.as_deref(),
        in_force: is_in_force(made, now),
        ended: made.ended.as_ref().map(|(at, reason, by)| Ended { at: *at, reason, by }),
    }
}

fn is_in_force(made: &Made, now: &Zoned) -> bool {
    made.ended.is_none() && now.timestamp() < made.restriction.until
}

fn list(desk: &Desk, all: bool, json: bool) -> anyhow::Result<Answer> {
    let book = desk.book()?;
    let wanted: Vec<_> = book.all().iter().filter(|one| all || is_in_force(one, &desk.now)).collect();
    if json {
        wanted.iter().try_for_each(|one| print_json(&shown(one, &desk.now)))?;
    } else if wanted.is_empty() {
        print("nobody's access is restricted")?;
    } else {
        let mut listing = table(&["number", "whose", "what", "since", "until", "by", "why", "state"]);
        let local = |at: Timestamp| at.to_zoned(desk.now.time_zone().clone()).strftime("%a %-d %b %H:%M").to_string();
        for made in &wanted {
            let one = &made.restriction;
            let state = match &made.ended {
                Some((_, _, by)) if by == CALENDAR => "over".to_owned(),
                Some((at, _, by)) => format!("ended {} by {}", local(*at), safe(by)),
                None if is_in_force(made, &desk.now) => "in force".to_owned(),
                None => "over".to_owned(),
            };
            listing.add_row([
                one.number.to_string(),
                safe(&named(&one.who)),
                safe(&one.how.words()),
                local(one.from),
                local(one.until),
                safe(&one.by),
                safe(&one.reason),
                state,
            ]);
        }
        print(listing)?;
    }
    Ok(if wanted.is_empty() { Answer::No } else { Answer::Yes })
}

fn end(desk: &Desk, number: u64, who: &Who, json: bool) -> anyhow::Result<Answer> {
    let book = desk.book()?;
    let made = book.all().iter().find(|one| one.restriction.number == number && is_in_force(one, &desk.now));
    let made = made.ok_or_else(|| anyhow!("there is no restriction {number} in force; see: usher users restrict list"))?;
    let (by, reason) = who.read()?;
    let act = Act::Unlimited { restriction: number, reason: reason.to_string(), by: by.clone() };
    if desk.state(&act)?.is_none() {
        bail!("somebody else has ended it meanwhile");
    }
    let whose = named(&made.restriction.who);
    if json {
        print_json(&serde_json::json!({ "ended": number, "whose": whose, "by": by }))?;
    } else {
        print(format_args!("ended: {whose} has access as before. A running Usher takes it up within two seconds."))?;
    }
    Ok(Answer::Yes)
}
