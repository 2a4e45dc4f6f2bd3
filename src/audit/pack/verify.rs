//! A pack held against itself: nothing else is needed, and nothing in it is believed.
//!
//! 1. the signature, and that it is of this manifest;
//! 2. every file, against its hash in the manifest; none missing, none put there;
//! 3. every record, from its canonical bytes to what was signed;
//! 4. that all records are of the person and the time that somebody asked for, with a reason;
//! 5. every page and table, drawn anew from the records and compared to the byte.
//!
//! Whoever has the school's key can sign anything: only a checkpoint kept elsewhere, or the time the key was lost, says more. Whoever has not must
//! name another key, so the key is to be compared with one that was got from elsewhere.

use super::check::{Checked, check};
use super::make::{MOST_LISTED, MOST_LISTED_ELSEWHERE, Packed, is_readable, json, listed, tables};
use super::manifest::{FORM, Manifest};
use super::problem::{Problem, Report};
use super::proofs::{Hash, Proofs};
use super::signed::{Signed, Sound};
use super::zipped::{NotAPack, Unpacked};
use super::{CSV, Draw, Files, JSON_LINES, MANIFEST, PROOFS, SIGNATURE};
use crate::audit::journal::Topic;
use crate::audit::key::PublicKey;
use crate::audit::lookups::{self, in_words};
use crate::audit::query::{Filter, Row};
use crate::audit::record::RecordId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Holds a pack against itself, and against a key that is known.
pub fn verify(unpacked: Unpacked, key: Option<PublicKey>, draw: Draw<'_>) -> Result<Report, NotAPack> {
    let Unpacked { files, problems, is_as_written } = unpacked;
    let mut looking = Looking { files, report: Report { problems, ..Report::default() } };
    let manifest = looking.manifest()?;
    let signature: Option<Signed> = looking.json(SIGNATURE);
    let proofs = looking.proofs();
    if let Some(signed) = &signature
        && looking.files.get(SIGNATURE) != Some(&json(signed))
    {
        looking.found(Problem::FileAltered(SIGNATURE.to_owned()));
    }
    let mut problems = Vec::new();
    let sound = Sound::of(proofs.statements.iter().chain(&signature), &mut problems);
    looking.report.problems.append(&mut problems);
    looking.signature(signature.as_ref(), &sound, key);
    let Some(manifest) = manifest else { return Ok(looking.report) };
    looking.hashes(&manifest);
    let checked = check(&proofs, &sound, manifest.look);
    looking.report.problems.extend(checked.problems.iter().cloned());
    looking.reason(&manifest, &checked, sound.get(manifest.look).is_some());
    looking.records(&manifest, &checked, proofs.records.len());
    if looking.files.contains_key(PROOFS) {
        looking.pages(&manifest, &checked, draw);
    }
    let report = &mut looking.report;
    if report.problems.is_empty() && !is_as_written {
        report.remarks.push(WRAPPED.to_owned());
    }
    if report.problems.len() > MOST_PROBLEMS {
        let more = report.problems.len() - MOST_PROBLEMS;
        report.problems.truncate(MOST_PROBLEMS);
        report.problems.push(Problem::More(more));
    }
    Ok(looking.report)
}

/// How many problems are told one by one.
const MOST_PROBLEMS: usize = 1000;

const WRAPPED: &str = "every file in the zip is as it was signed, but bytes of the zip around them are not those Usher wrote: another program packed it anew, or somebody altered them";

/// The form alone, which every version can read.
#[derive(Deserialize)]
struct JustForm {
    form: u64,
}

struct Looking {
    files: Files,
    report: Report,
}

impl Looking {
    fn found(&mut self, problem: Problem) {
        // What was told once is not told again by what follows from it.
        if !self.report.problems.contains(&problem) {
            self.report.problems.push(problem);
        }
    }

    /// Reads a file of JSON that must be there.
    fn json<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let Some(bytes) = self.files.get(name) else {
            if !self.report.problems.iter().any(|problem| matches!(problem, Problem::FileUnreadable { file, .. } if file == name)) {
                self.found(Problem::FileMissing(name.to_owned()));
            }
            return None;
        };
        let most = if name == PROOFS { MOST_LISTED } else { MOST_LISTED_ELSEWHERE };
        let read = if listed(bytes) > most { Err("it lists too much".to_owned()) } else { serde_json::from_slice(bytes).map_err(|error| error.to_string()) };
        read.map_err(|why| self.found(Problem::FileForm { file: name.to_owned(), why })).ok()
    }

    fn proofs(&mut self) -> Proofs {
        let proofs: Proofs = self.json(PROOFS).unwrap_or_default();
        if is_readable(&proofs) {
            return proofs;
        }
        self.found(Problem::FileForm { file: PROOFS.to_owned(), why: "it holds more records or statements than any pack".to_owned() });
        Proofs::default()
    }

    fn manifest(&mut self) -> Result<Option<Manifest>, NotAPack> {
        if let Some(JustForm { form }) = self.files.get(MANIFEST).and_then(|bytes| serde_json::from_slice(bytes).ok())
            && form != FORM
            && form < 1000
        {
            return Err(NotAPack::Form(form));
        }
        let manifest: Option<Manifest> = self.json(MANIFEST);
        if let Some(manifest) = &manifest {
            let report = &mut self.report;
            (report.user, report.school, report.zone) = (manifest.user.clone(), manifest.school.clone(), manifest.hours.zone().to_owned());
            (report.made, report.usher) = (Some(manifest.made), manifest.usher.clone());
            (report.from, report.to) = (manifest.from, manifest.to);
            let damaged = |(file, why): (&String, &String)| format!("when the pack was made, {file} could not be read ({why}): records may be missing");
            report.remarks.extend(manifest.passed_over.iter().map(damaged));
        }
        Ok(manifest)
    }

    fn signature(&mut self, signature: Option<&Signed>, sound: &Sound<'_>, key: Option<PublicKey>) {
        let Some(signed) = signature else { return };
        if !signed.is(Topic::Packed) {
            return self.found(Problem::OtherPack { what: "the statement is about something else" });
        }
        let hash = self.files.get(MANIFEST).map(|bytes| Hash(blake3::hash(bytes).into()));
        let body: Option<Packed> = signed.statement().read();
        if body.map(|body| body.manifest) != hash {
            self.found(Problem::ManifestAltered);
        }
        let by = sound.key_of(signed.number);
        self.report.key = by.map(|by| by.to_string());
        if let (Some(known), Some(by)) = (key, by)
            && known != by
        {
            self.found(Problem::OtherKey { found: by.to_string() });
        }
    }

    fn hashes(&mut self, manifest: &Manifest) {
        let mut problems = Vec::new();
        for (name, hash) in &manifest.files {
            match self.files.get(name) {
                Some(bytes) if Hash(blake3::hash(bytes).into()) == *hash => {}
                Some(_) => problems.push(Problem::FileAltered(name.clone())),
                None => {
                    let told = self.report.problems.iter().any(|problem| matches!(problem, Problem::FileUnreadable { file, .. } if file == name));
                    problems.extend((!told).then(|| Problem::FileMissing(name.clone())));
                }
            }
        }
        let belongs = |name: &String| [MANIFEST, SIGNATURE].contains(&name.as_str()) || manifest.files.contains_key(name);
        problems.extend(self.files.keys().filter(|name| !belongs(name)).cloned().map(Problem::FileStrange));
        problems.into_iter().for_each(|problem| self.found(problem));
    }

    /// Whether the statement on who looked is there and about these records.
    fn reason(&mut self, manifest: &Manifest, checked: &Checked, is_signed: bool) {
        self.report.look.clone_from(&checked.look);
        let asked = Filter { user: Some(manifest.user.clone()), from: manifest.from, to: manifest.to, ..Filter::default() };
        match &checked.look {
            None if is_signed => self.found(Problem::OtherReason),
            None => self.found(Problem::NoReason),
            Some(lookups::Row { user, filter, .. }) => {
                if user.as_ref() != Some(&manifest.user) || *filter != in_words(&asked) {
                    self.found(Problem::OtherReason);
                }
            }
        }
    }

    fn records(&mut self, manifest: &Manifest, checked: &Checked, there: usize) {
        let ms = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
        let (from, to) = (manifest.from.map_or(0, ms), manifest.to.map_or(u64::MAX, ms));
        let user = manifest.user.to_lowercase();
        for row in &checked.rows {
            let is_theirs = row.user.as_ref().is_some_and(|of| of.to_lowercase() == user);
            if !is_theirs || !(from..to).contains(&row.time_ms) {
                self.report.problems.push(Problem::NotOfThese(row.number));
            }
        }
        if there != manifest.records {
            self.found(Problem::Count { said: manifest.records, found: there });
        }
        let report = &mut self.report;
        (report.records, report.proven, report.seals) = (there, checked.proven, checked.seals.clone());
        report.unproven = checked.unproven.iter().map(ToString::to_string).collect();
        let earlier = |key: &String| format!("some of what proves these records was signed with an earlier key: {key}");
        report.remarks.extend(checked.earlier_keys.iter().map(earlier));
    }

    /// Whether tables and pages say what the records say.
    fn pages(&mut self, manifest: &Manifest, checked: &Checked, draw: Draw<'_>) {
        let mut drawn = draw(manifest, checked);
        // In memory nothing stands in the way of it.
        drawn.extend(tables(&checked.rows).unwrap_or_default());
        let mut differ = Vec::new();
        for (name, bytes) in &drawn {
            match self.files.get(name) {
                Some(there) if there != bytes => differ.push((name.clone(), difference(name, bytes, there, &checked.rows))),
                Some(_) => {}
                None => differ.push((name.clone(), Problem::FileMissing(name.clone()))),
            }
        }
        for name in manifest.files.keys().filter(|name| *name != PROOFS && !drawn.contains_key(*name) && self.files.contains_key(*name)) {
            differ.push((name.clone(), Problem::FileStrange(name.clone())));
        }
        for (name, problem) in differ {
            // What was altered after it was signed is told in any case.
            let altered = self.report.problems.contains(&Problem::FileAltered(name.clone()));
            if manifest.is_of_this_version() || altered && matches!(problem, Problem::NotDrawn { .. }) {
                self.found(problem);
            } else {
                self.report.remarks.push(format!(
                    "{name} is as it was signed; whether it says what the records say, Usher {} can tell, which made it: this one draws it otherwise",
                    manifest.usher
                ));
            }
        }
    }
}

/// The first line in which a file differs from what was drawn.
fn difference(name: &str, drawn: &[u8], there: &[u8], rows: &[Row]) -> Problem {
    fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        bytes.split(|byte| *byte == b'\n')
    }
    let same = lines(drawn).zip(lines(there)).take_while(|(drawn, there)| drawn == there).count();
    let id: Option<RecordId> = match name {
        JSON_LINES => rows.get(same).map(|row| row.number),
        // Below the head. A cell may hold an end of a line, so it is looked for what stands in the line.
        CSV => lines(drawn).nth(same).and_then(|line| std::str::from_utf8(line).ok()?.split(',').next()?.parse().ok()),
        _ => None,
    };
    Problem::NotDrawn { file: name.to_owned(), line: same + 1, id }
}
