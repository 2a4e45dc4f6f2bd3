//! Reading a file into a [`Compiler`]: one list, or several where the file names categories itself.

use super::compile::{AddError, CompileError, Compiler};
use super::entry::{self, Listed, Refusal};
use super::formats::text::Text;
use super::formats::{Format, Said};
use super::members::Member;
use super::redundant::needless;
use super::report::{Known, Report};
use super::{ListInfo, Lists};
use crate::category::Category;

/// How many answers are taken between two words on how far reading is.
const ANSWERS_A_TICK: usize = 8192;
/// The most files that one file may include.
const MOST_INCLUDES: usize = 10_000;

/// A file that is to be read as one list, or as several where it names categories itself.
pub struct File<'a> {
    /// The name people are shown.
    pub name: &'a str,
    /// How its lines are read.
    pub format: Format,
    /// How that is known.
    pub known: Known,
    /// What its entries are where the file does not say it, with the category's id.
    pub category: Option<(Category, &'a str)>,
    /// What a category that the file names is called here, with its id.
    pub categories: &'a dyn Fn(&str) -> Option<(Category, &'a str)>,
}

/// A file that another one includes, and what was known of its entries there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The path as written.
    pub path: String,
    /// The line that includes it, and what is there.
    pub line: u32,
    /// What is there.
    pub text: String,
    /// The category in force there.
    pub category: Option<Category>,
    /// The report of the list that includes it.
    pub report: ReportOf,
}

/// One report among those of a [`Compiler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOf {
    /// That of the list with this number.
    List(Member),
    /// One of lines that no category was named for.
    Unplaced(usize),
}

impl Compiler {
    /// Adds a whole list that is at hand. `category` is given with its id, for the report.
    pub fn add(&mut self, name: &str, category: (Category, &str), format: Format, bytes: &[u8]) -> Result<(), AddError> {
        let file = File { name, format, known: Known::Said, category: Some(category), categories: &|_| None };
        self.read(&file, Text::open(bytes)?, &mut |_| {}).map(drop)
    }

    /// Reads a file to its end, and returns the files it includes. `tick` is told now and then how many entries were taken so far.
    pub fn read(&mut self, file: &File<'_>, text: Text<'_>, tick: &mut dyn FnMut(usize)) -> Result<Vec<Include>, AddError> {
        self.read_with(file, text, &mut Self::take, tick)
    }

    /// Reads a file as [`Self::read`] does, takes nothing, and notes which entries the lists compiled of the same files would not need.
    pub fn ask(&mut self, file: &File<'_>, text: Text<'_>, lists: &Lists, tick: &mut dyn FnMut(usize)) -> Result<Vec<Include>, AddError> {
        let mut ask = |compiler: &mut Self, list: Member, line, entry: Listed| {
            let list = list.list();
            if let Some(found) = needless(lists, &compiler.lists[list].name, line, &entry) {
                compiler.reports[list].redundant.get_or_insert_default().push(found);
            }
            Ok(())
        };
        self.read_with(file, text, &mut ask, tick)
    }

    fn read_with(&mut self, file: &File<'_>, text: Text<'_>, taking: &mut Taking<'_>, tick: &mut dyn FnMut(usize)) -> Result<Vec<Include>, AddError> {
        let mut reading = Reading::new(self, file, taking)?;
        let mut answers = 0_usize;
        file.format.read(text, &mut |line, text, said| {
            reading.take(line, text, said);
            answers += 1;
            if answers.is_multiple_of(ANSWERS_A_TICK) {
                tick(reading.taken);
            }
        })?;
        tick(reading.taken);
        reading.full.map_or(Ok(reading.includes), |full| Err(full.into()))
    }

    /// The reports so far.
    pub fn reports(&mut self) -> &mut [Report] {
        &mut self.reports
    }

    /// Refuses a line of a file that was read: one that includes what cannot be included.
    pub fn refuse(&mut self, report: ReportOf, line: u32, text: &str, reason: Refusal) {
        self.report(report).refuse(line, text, reason, None);
    }

    fn report(&mut self, report: ReportOf) -> &mut Report {
        match report {
            ReportOf::List(list) => &mut self.reports[list.list()],
            ReportOf::Unplaced(at) => &mut self.unplaced[at],
        }
    }

    fn open_list(&mut self, name: String, category: (Category, &str), file: &File<'_>) -> Result<Member, CompileError> {
        let list = Member::listed(self.lists.len()).ok_or(CompileError::TooManyLists)?;
        self.reports.push(Report::new(name.clone(), category.1, file));
        self.lists.push(ListInfo { name, category: category.0, entries: 0 });
        Ok(list)
    }
}

/// What is done with an entry of a list and line.
type Taking<'t> = dyn FnMut(&mut Compiler, Member, u32, Listed) -> Result<(), Refusal> + 't;

/// A file while it is read: where its next entry belongs.
struct Reading<'c, 'f, 't> {
    compiler: &'c mut Compiler,
    taking: &'c mut Taking<'t>,
    file: &'c File<'f>,
    /// The lists of this file so far: their category, unless it is the source's own, and how many of it there are.
    lists: Vec<(Option<Category>, Member)>,
    place: Place,
    /// The report of lines that belong nowhere, once there is one.
    unplaced: Option<usize>,
    includes: Vec<Include>,
    taken: usize,
    full: Option<CompileError>,
}

/// Where entries belong.
#[derive(Clone, Copy)]
enum Place {
    /// To this list.
    List(Member),
    /// To none, for this reason.
    Nowhere(Refusal),
}

impl<'c, 'f, 't> Reading<'c, 'f, 't> {
    fn new(compiler: &'c mut Compiler, file: &'c File<'f>, taking: &'c mut Taking<'t>) -> Result<Self, CompileError> {
        let mut reading = Self {
            compiler,
            taking,
            file,
            lists: Vec::new(),
            place: Place::Nowhere(Refusal::NoCategory),
            unplaced: None,
            includes: Vec::new(),
            taken: 0,
            full: None,
        };
        // A file of our own begins its lists itself.
        if let Some(category) = file.category.filter(|_| file.format != Format::Toml) {
            let list = reading.compiler.open_list(file.name.to_owned(), category, file)?;
            reading.lists.push((None, list));
            reading.place = Place::List(list);
        }
        Ok(reading)
    }

    fn take(&mut self, line: u32, text: &str, said: Said) {
        match said {
            Said::Entry(entry) => self.entry(line, text, entry),
            Said::Refused(reason) => self.refuse(line, text, reason, None),
            Said::List(category) => self.begin(category.as_deref()),
            Said::Category(name) => self.turn_to(&name),
            Said::Include(path) => self.include(line, text, path),
        }
    }

    fn entry(&mut self, line: u32, text: &str, entry: Listed) {
        let list = match self.place {
            Place::List(list) => list,
            Place::Nowhere(reason) => return self.refuse(line, text, reason, None),
        };
        let may_be_wide = self.compiler.wide.contains(self.compiler.lists[list.list()].category);
        if let Err(reason) = entry::judge(&entry)
            && !(may_be_wide && reason == Refusal::PublicSuffix)
        {
            return self.refuse(line, text, reason, entry::host_in(&entry));
        }
        match (self.taking)(self.compiler, list, line, entry) {
            Ok(()) => {
                self.taken += 1;
                self.compiler.reports[list.list()].accepted += 1;
                self.compiler.lists[list.list()].entries += 1;
            }
            Err(reason) => self.refuse(line, text, reason, None),
        }
    }

    fn refuse(&mut self, line: u32, text: &str, reason: Refusal, host: Option<&str>) {
        let report = self.report();
        self.compiler.report(report).refuse(line, text, reason, host);
    }

    /// The report of where entries belong. Only what is refused before there is a category has one without a list.
    fn report(&mut self) -> ReportOf {
        let compiler = &mut *self.compiler;
        match self.place {
            Place::List(list) => ReportOf::List(list),
            Place::Nowhere(_) => ReportOf::Unplaced(*self.unplaced.get_or_insert_with(|| {
                compiler.unplaced.push(Report::new(self.file.name.to_owned(), "", self.file));
                compiler.unplaced.len() - 1
            })),
        }
    }

    /// A list of its own, also where another of the same category came before: its exceptions are its own.
    fn begin(&mut self, category: Option<&str>) {
        let named = category.map(|name| (self.file.categories)(name).ok_or(Refusal::UnknownCategory));
        match named.transpose().map(|named| named.or(self.file.category)) {
            Ok(Some(category)) => self.open(category),
            Ok(None) => self.place = Place::Nowhere(Refusal::NoCategory),
            Err(reason) => self.place = Place::Nowhere(reason),
        }
    }

    /// The list of a category that the file names. One without a counterpart here is of the source's own category, if that has one.
    fn turn_to(&mut self, name: &str) {
        let named = (self.file.categories)(name);
        let known = self.lists.iter().find(|(category, _)| *category == named.map(|(category, _)| category));
        match (known, named) {
            (Some((_, list)), _) => self.place = Place::List(*list),
            (None, Some(category)) => self.open(category),
            (None, None) => self.place = Place::Nowhere(Refusal::UnknownCategory),
        }
    }

    fn open(&mut self, category: (Category, &str)) {
        let same = self.lists.iter().filter(|(known, _)| *known == Some(category.0)).count();
        let number = if same == 0 { String::new() } else { format!(" {}", same + 1) };
        match self.compiler.open_list(format!("{} [{}{number}]", self.file.name, category.1), category, self.file) {
            Ok(list) => {
                self.lists.push((Some(category.0), list));
                self.place = Place::List(list);
            }
            Err(full) => {
                self.place = Place::Nowhere(Refusal::NoCategory);
                self.full = Some(full);
            }
        }
    }

    fn include(&mut self, line: u32, text: &str, path: String) {
        let category = match self.place {
            Place::List(list) => Some(self.compiler.lists[list.list()].category),
            Place::Nowhere(_) => None,
        };
        if self.includes.len() == MOST_INCLUDES {
            return self.refuse(line, text, Refusal::IncludeDeep, None);
        }
        let report = self.report();
        self.includes.push(Include { path, line, text: text.to_owned(), category, report });
    }
}
