//! `usher lists seal`: makes a sealed feed out of a plain list, for publishers.

use super::{Answer, print};
use crate::files;
use crate::illegal::Kind;
use crate::illegal::key::{LARGEST_KEY, Licence, PublisherKey};
use crate::illegal::lines;
use crate::illegal::sealed::{self, Issue, Purpose};
use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The files of a publisher's key folder: its own key, what schools are given, and the number of the last feed.
const PUBLISHER_KEY: &str = "publisher.key";
const LICENCE: &str = "illegal.key";
const LAST_SERIAL: &str = "serial";

/// Make a sealed feed of illegal content out of a plain list. For publishers; a school is given the result.
///
/// A line is `child-sexual-abuse https://site.example/page` for one page, or `terrorism site bad.example` for a host and all below it. If a line makes
/// no sense, nothing is sealed.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher lists seal list.txt --out feed.sealed --publisher \"Example Publisher\" --key-dir keys\n  usher lists seal list.txt --out feed.sealed --publisher \"Example Publisher\" --key-dir keys --fresh 24 --category terrorism"
)]
pub(super) struct Seal {
    /// The plain list.
    input: PathBuf,
    /// The feed to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Whose it is, as schools are shown it.
    #[arg(long, value_name = "NAME")]
    publisher: String,
    /// The folder of the publisher's keys. They are made the first time; who has publisher.key can make feeds in your name.
    #[arg(long, value_name = "DIR")]
    key_dir: PathBuf,
    /// The number of this feed; one more than the last if it is not given.
    #[arg(long, value_name = "N")]
    serial: Option<u64>,
    /// For how many hours schools may use it without it showing as red.
    #[arg(long, value_name = "HOURS", default_value_t = 48)]
    fresh: u32,
    /// What lines without a category are: child-sexual-abuse or terrorism.
    #[arg(long, value_parser = category)]
    category: Option<Kind>,
    /// Make a demonstration: it works like a list, and says everywhere that it is none.
    #[arg(long)]
    demonstration: bool,
}

fn category(name: &str) -> Result<Kind, String> {
    let found = Kind::NAMES.iter().find(|(id, _)| *id == name);
    found.map(|(_, kind)| *kind).ok_or_else(|| "it is child-sexual-abuse or terrorism".to_owned())
}

impl Seal {
    pub(super) fn run(&self) -> anyhow::Result<Answer> {
        let text = fs::read(&self.input).with_context(|| format!("{} cannot be read", self.input.display()))?;
        let text = String::from_utf8(text).with_context(|| format!("{} is no UTF-8 text", self.input.display()))?;
        let entries = match lines::read(&text, self.category) {
            Ok(entries) => entries,
            Err(refused) => {
                let mut complaints = std::io::stderr().lock();
                refused.iter().try_for_each(|refused| writeln!(complaints, "{}: {refused}", self.input.display()))?;
                writeln!(complaints, "nothing was sealed: {} of its lines make no sense", refused.len())?;
                return Ok(Answer::No);
            }
        };
        if entries.is_empty() {
            bail!("{} holds no entry; nothing was sealed", self.input.display());
        }
        files::private_folder(&self.key_dir)?;
        let key = self.key()?;
        let issue = self.issue()?;
        let file = sealed::seal(&issue, &entries, &key)?;
        // What schools will be given must open with what schools were given.
        let feed = sealed::open(&file, &self.licence(&key)?)?;
        fs::write(&self.out, &file).with_context(|| format!("{} cannot be written", self.out.display()))?;
        files::replace(&self.key_dir.join(LAST_SERIAL), format!("{}\n", issue.serial).as_bytes())?;
        let header = &feed.header;
        print(format_args!("{}: feed number {} of {}", self.out.display(), header.serial, header.publisher))?;
        print(format_args!(
            "  entries      {} pages, {} sites; {} listed twice",
            header.pages,
            header.sites,
            entries.len() - (header.pages + header.sites) as usize
        ))?;
        print(format_args!("  good until   {}", header.good_until()))?;
        print(format_args!("  for schools  {} and {}", self.out.display(), self.key_dir.join(LICENCE).display()))?;
        print(format_args!("  for you only {}", self.key_dir.join(PUBLISHER_KEY).display()))?;
        Ok(Answer::Yes)
    }

    fn issue(&self) -> anyhow::Result<Issue> {
        let path = self.key_dir.join(LAST_SERIAL);
        let last: u64 = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().with_context(|| format!("{} does not hold the number of the last feed", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let serial = self.serial.unwrap_or(last + 1);
        if serial <= last {
            bail!("number {last} was sealed already; a feed with number {serial} would be refused by every school as a downgrade");
        }
        let purpose = if self.demonstration { Purpose::Demonstration } else { Purpose::List };
        // Seconds are what the file holds.
        let issued = Timestamp::from_second(Timestamp::now().as_second())?;
        Ok(Issue { publisher: self.publisher.as_str().into(), serial, issued, fresh_hours: self.fresh, purpose })
    }

    /// The publisher's key, made the first time together with the licence.
    fn key(&self) -> anyhow::Result<PublisherKey> {
        let (own, licence) = (self.key_dir.join(PUBLISHER_KEY), self.key_dir.join(LICENCE));
        match (own.exists(), licence.exists()) {
            (true, true) => PublisherKey::read(&read_key(&own)?).with_context(|| own.display().to_string()),
            (false, false) => {
                let key = PublisherKey::of_random(&files::random()?);
                let head = format!(
                    "# Opens the sealed feeds of {}. For schools that were given it: keep it from others (mode 0600).\n",
                    self.publisher.replace(char::is_control, " ")
                );
                files::replace(
                    &own,
                    format!("# Makes sealed feeds. For the publisher alone: who has it can make feeds in your name.\n{}", key.text()).as_bytes(),
                )?;
                files::replace(&licence, format!("{head}{}", key.licence()?.text()).as_bytes())?;
                Ok(key)
            }
            (true, false) => bail!("{} is there and {} is not; put it back, or begin with an empty folder", own.display(), licence.display()),
            (false, true) => bail!("{} is there and {} is not; put it back, or begin with an empty folder", licence.display(), own.display()),
        }
    }

    fn licence(&self, key: &PublisherKey) -> anyhow::Result<Licence> {
        let path = self.key_dir.join(LICENCE);
        let licence = Licence::read(&read_key(&path)?).with_context(|| path.display().to_string())?;
        if licence != key.licence()? {
            bail!("{} does not belong to {}; put back the one that was made with it", path.display(), self.key_dir.join(PUBLISHER_KEY).display());
        }
        Ok(licence)
    }
}

fn read_key(path: &Path) -> anyhow::Result<String> {
    let length = fs::metadata(path)?.len();
    if length > LARGEST_KEY {
        bail!("{} is too large for a key", path.display());
    }
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
