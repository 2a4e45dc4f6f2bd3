//! e2guardian (and DansGuardian) lists: sites, URLs, regular expressions over URLs, and phrases.
//!
//! | line | meaning |
//! | --- | --- |
//! | `# …` | a comment, with the exceptions below |
//! | `#listcategory: "Proxy"` | from here on entries are of this category |
//! | `#time: 9 0 17 0 01234` | refused: a list has no hours here. What follows is taken, and holds at all hours |
//! | `.Include<path>`, `.Define LISTDIR <path>`, `__LISTDIR__` | another file of the same kind; a short name for its folder |
//! | site list | a host and all below it, an address, a range; `.tld` and the blanket blocks (`**`) are refused |
//! | URL list | `host/path`, as in [`urls`] |
//! | expression list | a Perl expression over the URL; what the `regex` crate cannot run is refused by name, and so are replacements |
//! | phrase list | `<word>`, `<word><50>`, `< whole word >,<and word><-30>`, `<word><10%>` |
//!
//! Phrases are kept for the content scanner in one spelling: lower case, white space as one space. A space at the start or end of one means
//! the start or end of a word, so it stays. A phrase without a weight blocks by itself; in an exception list it allows. `#noconvert` is a
//! comment: both spellings are folded alike.

use super::{Said, networks, urls, without_comment};
use crate::lists::entry::{self, Listed, Refusal};

/// The largest weight, either way.
const LARGEST_WEIGHT: i32 = 100_000;
/// Marks for everything there is.
const BLANKETS: [&str; 6] = ["**", "*", "*ip", "**s", "*ips", "**ips"];
/// What stands in a path for the folder of all lists.
const LIST_FOLDER: &str = "__LISTDIR__";

/// What the lines of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hosts and addresses.
    Sites,
    /// Pages.
    Urls,
    /// Regular expressions over URLs.
    Expressions,
    /// Weighted and banned phrases.
    Phrases,
    /// Phrases that allow.
    ExceptionPhrases,
}

/// What earlier lines say about later ones.
pub struct Reader {
    kind: Kind,
    /// What `__LISTDIR__` stands for, where the file says it itself.
    folder: Option<String>,
}

impl Reader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, folder: None }
    }

    /// Reads one line, without the white space around it.
    pub fn line(&mut self, line: &str, say: &mut dyn FnMut(Said)) {
        if let Some(comment) = line.strip_prefix('#') {
            return comment_says(comment, say);
        }
        if let Some(path) = argument(line, ".Include") {
            let folder = self.folder.as_deref().unwrap_or(LIST_FOLDER);
            return say(Said::Include(path.replace(LIST_FOLDER, folder)));
        }
        if let Some(rest) = line.strip_prefix(".Define") {
            match argument(rest.trim_start(), "LISTDIR") {
                Some(path) => self.folder = Some(path.trim_end_matches('/').to_owned()),
                None => say(Said::Refused(Refusal::Directive(".Define"))),
            }
            return;
        }
        self.entry(line, &mut |answer| say(answer.into()));
    }

    fn entry(&self, line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
        match self.kind {
            _ if line.is_empty() => {}
            Kind::Sites | Kind::Urls if BLANKETS.contains(&line) => take(Err(Refusal::EveryName)),
            Kind::Sites => site(without_comment(line), take),
            Kind::Urls => urls::read_line(line, take),
            Kind::Expressions if line.contains("\"->\"") => take(Err(Refusal::Replacement)),
            Kind::Expressions => take(entry::expression(line)),
            Kind::Phrases => take(phrase(line).map(Listed::Phrase)),
            Kind::ExceptionPhrases => take(exception(line)),
        }
    }
}

/// `Name <argument>` or `Name<argument>`.
fn argument<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(name)?.trim_start().strip_prefix('<')?;
    rest.split_once('>').map(|(argument, _)| argument.trim())
}

fn comment_says(comment: &str, say: &mut dyn FnMut(Said)) {
    let Some((key, value)) = comment.split_once(':') else { return };
    if key.eq_ignore_ascii_case("listcategory") {
        say(Said::Category(value.trim().trim_matches('"').trim().to_owned()));
    } else if key.eq_ignore_ascii_case("time") {
        say(Said::Refused(Refusal::Timed));
    }
}

/// A host, or what the lists of addresses hold.
fn site(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    if line.is_empty() {
        return;
    }
    match networks::networks(line) {
        Ok(networks) => networks.into_iter().for_each(|net| take(Ok(Listed::Network(entry::canonical(net))))),
        Err(_) if line.contains(char::is_whitespace) => take(Err(Refusal::ManyWords)),
        Err(_) => take(entry::name(line)),
    }
}

/// A line of phrases in its one spelling: `<a>,<b><50>`.
fn phrase(line: &str) -> Result<String, Refusal> {
    let (phrases, weight) = parts(line)?;
    let joined = phrases.iter().map(|phrase| format!("<{phrase}>")).collect::<Vec<_>>().join(",");
    Ok(weight.map_or_else(|| joined.clone(), |weight| format!("{joined}<{weight}>")))
}

fn exception(line: &str) -> Result<Listed, Refusal> {
    match parts(line)? {
        (_, Some(_)) => Err(Refusal::BadPhrase),
        (_, None) => phrase(line).map(|phrase| Listed::Except(Box::new(Listed::Phrase(phrase)))),
    }
}

/// The phrases that must all be there, and the weight, if there is one: it follows without a comma.
fn parts(line: &str) -> Result<(Vec<String>, Option<String>), Refusal> {
    let mut phrases = Vec::new();
    let mut rest = line;
    loop {
        let (text, after) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or(Refusal::BadPhrase)?;
        phrases.push(spelled(text).ok_or(Refusal::BadPhrase)?);
        rest = match after.trim_start().strip_prefix(',') {
            Some(next) => next.trim_start(),
            None => break finish(phrases, after.trim_start()),
        };
    }
}

fn finish(phrases: Vec<String>, rest: &str) -> Result<(Vec<String>, Option<String>), Refusal> {
    let (weight, rest) = match rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((weight, rest)) => (Some(self::weight(weight).ok_or(Refusal::BadWeight)?), rest),
        None => (None, rest),
    };
    if rest.is_empty() || rest.trim_start().starts_with('#') { Ok((phrases, weight)) } else { Err(Refusal::BadPhrase) }
}

fn weight(text: &str) -> Option<String> {
    let text = text.trim();
    let number = text.strip_suffix('%').unwrap_or(text);
    let weight: i32 = number.parse().ok()?;
    let per_cent = if number.len() < text.len() { "%" } else { "" };
    (-LARGEST_WEIGHT..=LARGEST_WEIGHT).contains(&weight).then(|| format!("{weight}{per_cent}"))
}

/// Lower case, white space as one space; none if nothing is left.
fn spelled(text: &str) -> Option<String> {
    let words: Vec<_> = text.split_whitespace().collect();
    if words.is_empty() || text.contains('<') {
        return None;
    }
    let space = |is_there| if is_there { " " } else { "" };
    let joined = words.join(" ").to_lowercase();
    Some(format!("{}{joined}{}", space(text.starts_with(char::is_whitespace)), space(text.ends_with(char::is_whitespace))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::{Format, check};

    fn name(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Name(Host::parse(text).expect("a host")))
    }

    fn net(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Network(text.parse().expect("a net")))
    }

    fn phrase(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Phrase(text.to_owned()))
    }

    #[test]
    fn site_lists() {
        check(
            Format::E2guardianSites,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("#noconvert", &[]),
                ("games.example", &[name("games.example")]),
                ("games.example # why", &[name("games.example")]),
                ("203.0.113.7", &[net("203.0.113.7/32")]),
                ("10.0.0.0/255.0.0.0", &[net("10.0.0.0/8")]),
                ("10.0.0.2-10.0.0.3", &[net("10.0.0.2/31")]),
                (".com", &[Err(Refusal::TopLevel)]),
                ("**", &[Err(Refusal::EveryName)]),
                ("*ip", &[Err(Refusal::EveryName)]),
                ("games.example/play", &[Err(Refusal::UrlAmongNames)]),
                ("games.example chat.example", &[Err(Refusal::ManyWords)]),
                ("#time: 9 0 17 0 01234", &[Err(Refusal::Timed)]),
                (".Define OTHER <x>", &[Err(Refusal::Directive(".Define"))]),
            ],
        );
    }

    #[test]
    fn url_and_expression_lists() {
        let prefix = |text: &str| Ok(Listed::Prefix(text.to_owned()));
        check(
            Format::E2guardianUrls,
            &[
                ("# a comment", &[]),
                ("news.example/play/", &[prefix("news.example/play")]),
                ("**", &[Err(Refusal::EveryName)]),
                ("/play", &[Err(Refusal::NotAHost)]),
            ],
        );
        check(
            Format::E2guardianExpressions,
            &[
                ("# a comment", &[]),
                ("(casino|poker)[0-9]", &[Ok(Listed::Expression("(casino|poker)[0-9]".into()))]),
                ("play(?=games)", &[Err(Refusal::LookAround)]),
                ("(.)\\1", &[Err(Refusal::BackReference)]),
                ("\"(^http://news)\"->\"\\1.safe\"", &[Err(Refusal::Replacement)]),
                ("(unclosed", &[Err(Refusal::BadExpression)]),
            ],
        );
    }

    #[test]
    fn phrase_lists() {
        check(
            Format::Phrases,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("<casino>", &[phrase("<casino>")]),
                ("<Free  Casino><50>", &[phrase("<free casino><50>")]),
                ("< whole >,<and\tword><-30>", &[phrase("< whole >,<and word><-30>")]),
                ("<casino>, <bonus> <10%> # why", &[phrase("<casino>,<bonus><10%>")]),
                ("<50>", &[phrase("<50>")]),
                ("<\u{41a}\u{410}\u{417}\u{418}\u{41d}\u{41e}><+7>", &[phrase("<\u{43a}\u{430}\u{437}\u{438}\u{43d}\u{43e}><7>")]),
                ("casino", &[Err(Refusal::BadPhrase)]),
                ("<casino", &[Err(Refusal::BadPhrase)]),
                ("<>", &[Err(Refusal::BadPhrase)]),
                ("< ><50>", &[Err(Refusal::BadPhrase)]),
                ("<casino><50><60>", &[Err(Refusal::BadPhrase)]),
                ("<casino>,", &[Err(Refusal::BadPhrase)]),
                ("<casino><high>", &[Err(Refusal::BadWeight)]),
                ("<casino><999999>", &[Err(Refusal::BadWeight)]),
                ("#TIME: 9 0 17 0 01234", &[Err(Refusal::Timed)]),
            ],
        );
        check(
            Format::ExceptionPhrases,
            &[
                ("<sex education>", &[Ok(Listed::Except(Box::new(Listed::Phrase("<sex education>".into()))))]),
                ("<sex education><50>", &[Err(Refusal::BadPhrase)]),
            ],
        );
    }

    #[test]
    fn a_file_says_its_categories_and_what_else_to_read() {
        let file = "#listcategory: \"Proxy\"\n\
            <hide my ip><100>\n\
            .Include<__LISTDIR__/phraselists/proxies/weighted>\n\
            .Define LISTDIR </etc/lists/>\n\
            .Include<__LISTDIR__/more>\n\
            .Include </abs/path>\n\
            #ListCategory:\"Games\"\n";
        let said = Format::Phrases.said(file);
        let include = |path: &str| Said::Include(path.to_owned());
        let expected = [
            (1, Said::Category("Proxy".into())),
            (2, Said::Entry(Listed::Phrase("<hide my ip><100>".into()))),
            (3, include("__LISTDIR__/phraselists/proxies/weighted")),
            (5, include("/etc/lists/more")),
            (6, include("/abs/path")),
            (7, Said::Category("Games".into())),
        ];
        assert_eq!(said, expected);
    }
}
