//! `usher log subject`: everything recorded about one person, for that person.

use super::{Desk, user};
use crate::audit::alias::Aliases;
use crate::audit::holds;
use crate::audit::incident::{Incident, Person, fold};
use crate::audit::journal::{Journal, Reader, Topic};
use crate::audit::lookups::{self, Cursor, Look, Reading, Reason, Wanted};
use crate::audit::people::People;
use crate::audit::query::{Filter, Log, Row};
use crate::audit::record::RecordId;
use crate::audit::restrictions::{Book, Made};
use crate::cli::table::safe;
use crate::cli::{Answer, print, print_json};
use crate::files;
use crate::policy::restrict::Subject as Whom;
use crate::report::fields;
use crate::report::subject::{self, Cover, Days, Guide, alerts, restrictions};
use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// How many records are read at a time.
const AT_ONCE: u32 = 5000;

#[derive(Args)]
#[command(
    after_help = "The file holds a guide, the records to read, and every record for a spreadsheet and for programs. That you asked is put on record. Exit code 1 if there are no records.\n\nExample:\n  usher log subject --user j.smith --output j.smith.zip --reason \"subject access request 17\""
)]
pub(in crate::cli) struct Subject {
    /// Whose records: a whole user name.
    #[arg(long)]
    user: String,
    /// The file to write: a zip, readable by you only.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Why you ask. It is put on record.
    #[arg(long)]
    reason: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Default, Serialize)]
struct Written {
    records: u64,
    alerts: usize,
    covered: u64,
    passed_over: Vec<String>,
}

impl Subject {
    pub(in crate::cli) fn run(&self, path: &Path) -> anyhow::Result<Answer> {
        let desk = Desk::open(path)?;
        let user = user(&self.user)?;
        let reason: Reason = self.reason.parse()?;
        let looks = looks(&desk, &user)?;
        let filter = Filter { user: Some(user.clone()), ..Filter::default() };
        let look = Look { who: desk.account.clone(), name: None, filter, reason, at: desk.now };
        let permit = lookups::look(&mut Journal::open(&desk.log)?, &look).context("that you look cannot be put on record, so nothing is written")?;
        let people = People::of(&desk.log)?;
        let matters = matters(&desk, &user)?;
        let restricted = restricted(&desk, &user)?;
        if matters.is_empty() && restricted.is_empty() && !people.users.contains(&user.to_lowercase()) {
            if self.json {
                print_json(&Written::default())?;
                return Ok(Answer::No);
            }
            print(format_args!("there are no records of {}; the name must be whole, as in: usher users list", safe(&user)))?;
            return Ok(Answer::No);
        }
        let log = Log::open(&desk.log)?;
        let (reading, mut written) = (Reading::permitted(&log, permit), Written::default());
        files::replace_with(&self.output, |file| {
            written = Export { desk: &desk, reading: &reading, user: &user, people: &people, looks: &looks, matters: &matters, restricted: &restricted }
                .write(file)
                .map_err(io::Error::other)?;
            Ok(())
        })
        .with_context(|| format!("{} cannot be written", self.output.display()))?;
        if self.json {
            print_json(&written)?;
        } else {
            self.tell(&written)?;
        }
        Ok(Answer::Yes)
    }

    fn tell(&self, written: &Written) -> anyhow::Result<()> {
        print(format_args!("written: {}, {} records, {} alerts", self.output.display(), written.records, written.alerts))?;
        if written.alerts > 0 {
            print("staff wrote some of alerts.html; look whether the law lets the school hold parts of it back, such as what could do serious harm")?;
        }
        print(format_args!(
            "names of other users were taken out of addresses and searches {} times; read it through before you hand it over",
            written.covered
        ))?;
        for file in &written.passed_over {
            print(format_args!("could not be read, so it is not whole: {}", safe(file)))?;
        }
        Ok(())
    }
}

/// The alerts about this person.
fn matters(desk: &Desk, user: &str) -> anyhow::Result<Vec<Incident>> {
    let mut matters = fold(&Reader::open(&desk.log)?.about(Topic::Alert, 0)?);
    matters.retain(|matter| matter.opened.who == Person::User(user.to_lowercase()));
    Ok(matters)
}

/// What restricted this person's access.
fn restricted(desk: &Desk, user: &str) -> anyhow::Result<Vec<Made>> {
    let whom = Whom::user(user);
    Ok(Book::read(&desk.log)?.all().iter().filter(|made| made.restriction.who == whom).cloned().collect())
}

/// Who looked at this person's records until now, the first look first.
fn looks(desk: &Desk, user: &str) -> anyhow::Result<Vec<(Timestamp, String)>> {
    let aliases = Aliases::open(&desk.log)?;
    let mut looks = lookups::list(&Reader::open(&desk.log)?, &Wanted::default())?;
    looks.retain(|look| look.user.as_ref().is_some_and(|of| aliases.of(of) == aliases.of(user)));
    looks.into_iter().rev().map(|look| Ok((look.at.parse()?, look.who))).collect()
}

struct Export<'a> {
    desk: &'a Desk,
    reading: &'a Reading<'a>,
    user: &'a str,
    people: &'a People,
    looks: &'a [(Timestamp, String)],
    matters: &'a [Incident],
    restricted: &'a [Made],
}

impl Export<'_> {
    fn write(&self, file: &mut File) -> anyhow::Result<Written> {
        let mut zip = ZipWriter::new(file);
        let options = SimpleFileOptions::default().large_file(true).unix_permissions(0o600);
        let mut cover = Cover::new(self.user, &self.people.users);
        let (mut days, mut written) = (Days::default(), Written { passed_over: self.people.passed_over.clone(), ..Written::default() });
        zip.start_file("records.jsonl", options)?;
        let (mut first, mut last) = (None, None);
        self.each(&mut written, |row, shared| {
            let given = subject::own(row, shared, &mut cover)?;
            serde_json::to_writer(&mut zip, &given)?;
            zip.write_all(b"\n")?;
            days.add(row, &self.desk.zone, &mut Cover::new(self.user, &self.people.users));
            first.get_or_insert(row.time_ms);
            last = Some(row.time_ms);
            Ok(())
        })?;
        zip.start_file("records.csv", options)?;
        let names = || fields::given().map(|field| field.name).chain(["client_shared"]);
        let mut csv = csv::Writer::from_writer(&mut zip);
        csv.write_record(names())?;
        let mut again = Cover::new(self.user, &self.people.users);
        self.each(&mut Written::default(), |row, shared| {
            let given = subject::own(row, shared, &mut again)?;
            Ok(csv.write_record(names().map(|name| given.get(name).map(subject::cell).unwrap_or_default()))?)
        })?;
        csv.flush()?;
        drop(csv);
        zip.start_file("records.html", options)?;
        zip.write_all(days.html(self.user)?.as_bytes())?;
        self.alerts(&mut zip, options, &mut cover)?;
        self.restrictions(&mut zip, options, &mut cover)?;
        written.alerts = self.matters.len();
        written.covered = cover.covered;
        let stretch = first.zip(last).map_or_else(String::new, |(first, last)| format!(", from {} to {}", self.desk.shown_ms(first), self.desk.shown_ms(last)));
        let mut summary = format!("The filter holds {} records in which your user name was known{stretch}.", written.records);
        if !self.restricted.is_empty() {
            summary.push_str(&format!(" Times that your access was restricted: {}, in restrictions.jsonl.", self.restricted.len()));
        }
        zip.start_file("README.html", options)?;
        zip.write_all(self.guide(summary, written.covered)?.html()?.as_bytes())?;
        zip.finish()?;
        Ok(written)
    }

    /// The person's alerts, to read and for programs; nothing where there are none.
    fn alerts(&self, zip: &mut ZipWriter<&mut File>, options: SimpleFileOptions, cover: &mut Cover) -> anyhow::Result<()> {
        if self.matters.is_empty() {
            return Ok(());
        }
        let given: Vec<_> = self.matters.iter().map(|matter| alerts::Given::of(matter, cover, &self.desk.zone)).collect();
        zip.start_file("alerts.jsonl", options)?;
        for one in &given {
            serde_json::to_writer(&mut *zip, one)?;
            zip.write_all(b"\n")?;
        }
        zip.start_file("alerts.html", options)?;
        Ok(zip.write_all(alerts::html(self.user, &given)?.as_bytes())?)
    }

    /// What restricted the person's access, a JSON object a line; nothing where nothing did.
    fn restrictions(&self, zip: &mut ZipWriter<&mut File>, options: SimpleFileOptions, cover: &mut Cover) -> anyhow::Result<()> {
        if self.restricted.is_empty() {
            return Ok(());
        }
        zip.start_file("restrictions.jsonl", options)?;
        for made in self.restricted {
            serde_json::to_writer(&mut *zip, &restrictions::Given::of(made, cover))?;
            zip.write_all(b"\n")?;
        }
        Ok(())
    }

    fn guide(&self, summary: String, covered: u64) -> anyhow::Result<Guide> {
        let aliases = Aliases::open(&self.desk.log)?;
        let held = holds::in_force(&self.desk.log, &Reader::open(&self.desk.log)?, &aliases)?.iter().any(|hold| hold.scope.whom == aliases.of(self.user));
        Ok(Guide {
            school: self.desk.config.settings.school.given_name().to_owned(),
            user: self.user.to_owned(),
            day: self.desk.now.to_zoned(self.desk.zone.clone()).strftime("%-d %B %Y").to_string(),
            summary,
            alerts: self.matters.len(),
            covered,
            kept: super::dpia::kept(&self.desk.config.keep, None),
            held,
            looks: subject::letters(self.looks, &self.desk.zone),
        })
    }

    /// Every record of the person, the oldest first, and whether its address was others' too.
    fn each(&self, written: &mut Written, mut take: impl FnMut(&Row, bool) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut after = RecordId(0);
        loop {
            let page = self.reading.page(Cursor { after: Some(after), before: None, limit: AT_ONCE, patience: Duration::MAX })?;
            for file in page.passed_over.into_keys().filter(|file| !written.passed_over.contains(file)).collect::<Vec<_>>() {
                written.passed_over.push(file);
            }
            let Some(newest) = page.rows.first() else { return Ok(()) };
            after = newest.number;
            for row in page.rows.iter().rev() {
                let shared = row.client.parse().is_ok_and(|client| self.people.is_shared(client, self.user));
                take(row, shared)?;
                written.records += 1;
            }
        }
    }
}
