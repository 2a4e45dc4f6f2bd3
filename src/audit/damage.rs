//! Segments that are damaged or gone: named on record, once each, and left where they are.
//!
//! Searches pass such a file over and show the rest; what writes segments anew leaves it and says so. Only the rule of retention removes it, with the
//! other records of its age. When it can be read again, as after it was put back from a copy, that is stated too.
//!
//! | who looks | at what |
//! | --- | --- |
//! | a running Usher, at its start and each hour (`look`) | the end and the directory of each file, against the digest that was signed: a file that is gone, cut short, exchanged |
//! | whoever searches ([`met`]) | what the search has to read |
//! | `usher log verify` | every byte |

use super::events::{self, Event, Severity};
use super::folder::Folder;
use super::journal::{Journal, JournalError, Part, Reader, Topic};
use super::key::to_hex;
use super::segment::{Segment, SegmentError};
use crate::telemetry::events as told;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

/// What is wrong with a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    /// It cannot be read, and why.
    Damaged(String),
    /// There is no such file.
    Missing,
}

/// The kinds of events.
const DAMAGED: &str = "segment-damaged";
const MISSING: &str = "segment-missing";
const MENDED: &str = "segment-mended";

/// EIO: the disk cannot read it.
const UNREADABLE: i32 = 5;

impl Wrong {
    /// What an error says of the file; the error itself, if it says nothing of it: there may be no memory, or too many files open, to look at any.
    fn of(error: SegmentError) -> io::Result<Self> {
        match error {
            SegmentError::Io(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Missing),
            SegmentError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof && error.raw_os_error() != Some(UNREADABLE) => Err(error),
            SegmentError::Io(_) | SegmentError::Damaged(_) | SegmentError::Form(_) => Ok(Self::Damaged(error.to_string())),
        }
    }
}

impl Wrong {
    fn kind(&self) -> &'static str {
        match self {
            Self::Damaged(_) => DAMAGED,
            Self::Missing => MISSING,
        }
    }

    /// In sentences that begin with the file's name.
    fn text(&self, part: &Part) -> String {
        let time = |ms: u64| Timestamp::from_millisecond(ms.cast_signed()).map_or_else(|_| ms.to_string(), |time| format!("{time:.0}"));
        let holds = format!("{} {} from {} to {}", part.rows, part.class.as_str(), time(part.ids.0.unix_ms()), time(part.ids.1.unix_ms()));
        let file = &part.file;
        match self {
            Self::Damaged(why) => format!(
                "{file} cannot be read: {why}. It holds records of class and time: {holds}. Searches pass it over, and it stays where it is. Put it back from a copy of the data folder, then run: usher log verify"
            ),
            Self::Missing => format!(
                "{file} is not there. It held records of class and time: {holds}. Put it back from a copy of the data folder, then run: usher log verify"
            ),
        }
    }
}

/// Looks at every segment that should be there, and states what is wrong and was not stated before.
pub(super) fn look(folder: &Folder, journal: &mut Journal, at: Timestamp) -> Result<(), JournalError> {
    let (parts, known) = (journal.reader().parts()?, stated(journal.reader())?.wrong);
    for part in parts {
        match (check(folder, &part, known.contains_key(&part.file))?, known.get(&part.file)) {
            // One that was written anew or purged since is none any more.
            (Some(wrong), _) if journal.reader().parts()?.iter().any(|there| there.file == part.file) => state(journal, &part, &wrong, at)?,
            (None, Some(_)) => state_mended(journal, &part, at)?,
            (Some(_) | None, _) => {}
        }
    }
    Ok(())
}

/// States what a search had to pass over, by file with the reason, and was not stated before. Returns the files that are damaged or gone: any other could
/// not be read for a moment only.
pub fn met(folder: &Folder, passed_over: &BTreeMap<String, String>) -> Result<BTreeSet<String>, JournalError> {
    let mut wrong = BTreeSet::new();
    if passed_over.is_empty() {
        return Ok(wrong);
    }
    let mut journal = Journal::open(folder)?;
    for part in journal.reader().parts()?.into_iter().filter(|part| passed_over.contains_key(&part.file)) {
        // Looked at once more: a file that was replaced or purged meanwhile is not damaged.
        if let Some(found) = check(folder, &part, true)? {
            state(&mut journal, &part, &found, Timestamp::now())?;
            wrong.insert(part.file);
        }
    }
    Ok(wrong)
}

/// The files that are said to be damaged or gone on record, and not to be mended.
pub fn known(folder: &Folder) -> Result<BTreeSet<String>, JournalError> {
    Ok(stated(&Reader::open(folder)?)?.wrong.into_keys().collect())
}

/// What is wrong with a segment, if anything is: whether it is the one that was sealed; also each of its bytes, if wanted.
fn check(folder: &Folder, part: &Part, each_byte: bool) -> io::Result<Option<Wrong>> {
    let look = || {
        let segment = Segment::open(&folder.sealed().join(&part.file))?;
        if to_hex(&segment.digest) != part.digest {
            return Err(SegmentError::Damaged("it is not the file that was sealed"));
        }
        if each_byte { segment.check() } else { Ok(()) }
    };
    look().err().map(Wrong::of).transpose()
}

/// What is on record of segments.
#[derive(Default)]
struct Stated {
    /// Those that are said to be damaged or gone, and not to be mended, with the kind of event.
    wrong: HashMap<String, String>,
    /// The number of the last event.
    newest: u64,
}

fn stated(reader: &Reader) -> Result<Stated, JournalError> {
    let mut stated = Stated::default();
    for statement in reader.about(Topic::Event, 0)? {
        stated.newest = statement.number;
        let Some(event) = events::row(&statement) else { continue };
        let file = event.text.split(' ').next().unwrap_or_default().to_owned();
        match event.kind.as_str() {
            DAMAGED | MISSING => drop(stated.wrong.insert(file, event.kind)),
            MENDED => drop(stated.wrong.remove(&file)),
            _ => {}
        }
    }
    Ok(stated)
}

/// States it, unless that was stated already, by whichever program.
fn state(journal: &mut Journal, part: &Part, wrong: &Wrong, at: Timestamp) -> Result<(), JournalError> {
    let event = Event { at, kind: wrong.kind(), severity: Severity::Critical, text: wrong.text(part) };
    loop {
        let Stated { wrong: known, newest } = stated(journal.reader())?;
        // It may have been purged while it was looked at.
        if known.get(&part.file).is_some_and(|kind| kind == wrong.kind()) || !journal.reader().parts()?.contains(part) {
            return Ok(());
        }
        if events::state_after(journal, &event, newest)? {
            told::SegmentWrong { what: &event.text }.emit();
            return Ok(());
        }
    }
}

fn state_mended(journal: &mut Journal, part: &Part, at: Timestamp) -> Result<(), JournalError> {
    let text = format!("{} can be read again: every byte is as it was sealed.", part.file);
    let event = Event { at, kind: MENDED, severity: Severity::Info, text };
    events::state(journal, &event)?;
    told::SegmentMended { what: &event.text }.emit();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::events::Wanted;
    use crate::audit::query::{Filter, Log};
    use crate::audit::rewrite::tests::school;
    use rustix::io::Errno;
    use std::fs;

    /// The kind of each event about segments with the file it names, the oldest first.
    fn on_record(folder: &Folder) -> Vec<(String, String)> {
        let mut rows = events::search(folder, &Wanted::default()).expect("read");
        rows.reverse();
        rows.into_iter().map(|row| (row.kind, row.text.split(' ').next().expect("a word").to_owned())).collect()
    }

    fn event(kind: &str, file: &str) -> (String, String) {
        (kind.to_owned(), file.to_owned())
    }

    #[test]
    fn only_what_an_error_says_of_the_file_itself_is_wrong_with_it() {
        let table = [
            (Errno::NOENT, Some(MISSING)),
            (Errno::IO, Some(DAMAGED)),
            // The program, the machine or the way to the disk, for now.
            (Errno::MFILE, None),
            (Errno::NFILE, None),
            (Errno::NOMEM, None),
            (Errno::ACCESS, None),
            (Errno::PERM, None),
            (Errno::INTR, None),
            (Errno::AGAIN, None),
            (Errno::TIMEDOUT, None),
            (Errno::STALE, None),
        ];
        for (errno, wrong) in table {
            let found = Wrong::of(SegmentError::Io(errno.into()));
            assert_eq!(found.ok().map(|wrong| wrong.kind()), wrong, "{errno:?}");
        }
        for error in [SegmentError::Io(io::ErrorKind::UnexpectedEof.into()), SegmentError::Damaged("it is cut short"), SegmentError::Form(9)] {
            assert_eq!(Wrong::of(error).ok().map(|wrong| wrong.kind()), Some(DAMAGED));
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_segment_is_stated_once_and_again_when_it_is_mended() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = school(place.path(), 300).await;
        let mut journal = Journal::open(&folder).expect("opened");
        let mut looks = |times: usize| (0..times).for_each(|_| look(&folder, &mut journal, Timestamp::now()).expect("looked"));
        looks(2);
        assert_eq!(on_record(&folder), []);
        let files = ["visit-00000001-00000001.seg", "staff-00000002-00000002.seg", "resource-00000003-00000003.seg"];
        let [cut, gone, exchanged] = files.map(|file| folder.sealed().join(file));
        let whole = [&cut, &gone, &exchanged].map(|path| fs::read(path).expect("read"));
        fs::write(&cut, &whole[0][..whole[0].len() - 1]).expect("written");
        fs::remove_file(&gone).expect("removed");
        fs::write(&exchanged, &whole[0]).expect("written");
        looks(3);
        let mut told = on_record(&folder);
        told.sort();
        assert_eq!(told, [event(DAMAGED, files[2]), event(DAMAGED, files[0]), event(MISSING, files[1])]);
        fs::write(&cut, &whole[0]).expect("written");
        fs::write(&gone, &whole[0]).expect("written");
        looks(2);
        let told = on_record(&folder);
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(told[3..].contains(&event(MENDED, files[0])) && told[3..].contains(&event(DAMAGED, files[1])), "{told:?}");
    }

    #[tokio::test]
    async fn a_byte_in_the_middle_is_met_by_a_search_and_not_taken_for_mended_by_a_look() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = school(place.path(), 300).await;
        let path = folder.sealed().join("visit-00000001-00000001.seg");
        let mut bytes = fs::read(&path).expect("read");
        // The words lie past the dictionaries and before the directory: searches for a text read them.
        for byte in &mut bytes[64..1000] {
            *byte ^= 1;
        }
        fs::write(&path, bytes).expect("written");
        let mut journal = Journal::open(&folder).expect("opened");
        look(&folder, &mut journal, Timestamp::now()).expect("looked");
        assert_eq!(on_record(&folder), [], "its directory is sound");
        let page = Log::open(&folder).and_then(|log| log.search(&Filter { limit: 1000, ..Filter::default() })).expect("searched");
        assert!(page.rows.len() > 200 && page.passed_over.len() == 1, "{:?}", page.passed_over);
        for _ in 0..2 {
            let wrong = met(&folder, &page.passed_over).expect("stated");
            assert!(wrong.iter().eq(page.passed_over.keys()), "{wrong:?}");
            look(&folder, &mut journal, Timestamp::now()).expect("looked");
        }
        assert_eq!(on_record(&folder), [event(DAMAGED, "visit-00000001-00000001.seg")]);
    }
}
