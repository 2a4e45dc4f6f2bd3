//! What a publisher writes: a line for each entry, before it is sealed.
//!
//! ```text
//! # a comment
//! child-sexual-abuse https://sealed.example/album/1    one URL, in any of its spellings
//! terrorism site bad.example                           a host and all below it
//! https://sealed.example/album/2                       of the category that was given for lines without one
//! ```
//!
//! A line that makes no sense is refused with its number, and nothing is sealed: a list with a hole in it is worse than none. Pure.

use super::key::{Plain, Seen};
use super::{Kind, Scope, spelling};
use crate::host::Host;
use crate::url::{Scheme, Url, UrlError};
use psl::Psl as _;

/// A line that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Refused {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Neither the line nor the command says what it is.
    #[error("it has no category; write child-sexual-abuse or terrorism before it, or give --category")]
    NoCategory,
    /// The first of two words is no category.
    #[error("\"{0}\" is no category of this tier; it is child-sexual-abuse or terrorism")]
    NotACategory(String),
    /// There is a category and nothing else.
    #[error("there is nothing after the category")]
    Nothing,
    /// More words than an entry has.
    #[error("\"{0}\" is one word too many; write spaces in a URL as %20")]
    TooMany(String),
    /// Not a URL.
    #[error("\"{0}\" is no URL: {1}")]
    NoUrl(String, UrlError),
    /// A page without http:// or https://, which may have been meant as a site.
    #[error("\"{0}\" begins with neither http:// nor https://; for a whole site write: site {0}")]
    NoScheme(String),
    /// Not a host.
    #[error("\"{0}\" is no host; a site has no scheme, port or path")]
    NoHost(String),
    /// A whole registry of names.
    #[error("\"{0}\" is a public suffix: it would block every site below it")]
    PublicSuffix(String),
}

/// Reads every line, or says of each that makes no sense what is wrong with it. `default` is the category of lines that name none.
pub fn read(text: &str, default: Option<Kind>) -> Result<Vec<Plain>, Vec<Refused>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for (line, words) in (1..).zip(text.lines().map(words)) {
        if words.is_empty() {
            continue;
        }
        match entry(&words, default) {
            Ok(entry) => entries.push(entry),
            Err(why) => refused.push(Refused { line, why }),
        }
    }
    if refused.is_empty() { Ok(entries) } else { Err(refused) }
}

/// The words of a line, without a comment. A `#` inside a word belongs to it.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().take_while(|word| !word.starts_with('#')).collect()
}

fn entry(words: &[&str], default: Option<Kind>) -> Result<Plain, Why> {
    let named = words.first().and_then(|word| Kind::NAMES.iter().find(|(id, _)| id == word));
    let rest = if named.is_some() { &words[1..] } else { words };
    let (scope, rest) = match rest {
        ["site", rest @ ..] => (Scope::Site, rest),
        rest => (Scope::Page, rest),
    };
    let (what, more) = rest.split_first().ok_or(Why::Nothing)?;
    match more.first() {
        Some(_) if named.is_none() && scope == Scope::Page && !what.contains("://") => return Err(Why::NotACategory((*what).to_owned())),
        Some(extra) => return Err(Why::TooMany((*extra).to_owned())),
        None => {}
    }
    let kind = named.map(|(_, kind)| *kind).or(default).ok_or(Why::NoCategory)?;
    match scope {
        Scope::Page => page(what, kind),
        Scope::Site => site(what, kind),
    }
}

fn page(what: &str, kind: Kind) -> Result<Plain, Why> {
    if !what.contains("://") {
        return Err(Why::NoScheme(what.to_owned()));
    }
    let url = Url::parse(what).map_err(|error| Why::NoUrl(what.to_owned(), error))?;
    let seen = match url.scheme {
        Scheme::Http => Seen::Openly,
        Scheme::Https => Seen::InsideTls,
    };
    Ok(Plain { scope: Scope::Page, spelling: spelling::of_page(&url), kind, seen })
}

fn site(what: &str, kind: Kind) -> Result<Plain, Why> {
    let host = Host::parse(what).map_err(|_| Why::NoHost(what.to_owned()))?;
    let site = spelling::of_site(&host);
    if host.address().is_none() && is_public(site) {
        return Err(Why::PublicSuffix(site.to_owned()));
    }
    Ok(Plain { scope: Scope::Site, spelling: site.as_bytes().to_vec(), kind, seen: Seen::Openly })
}

/// Whether names below `site` are given to anybody: it is a public suffix, or (as `sch.uk`) every name below it is one.
fn is_public(site: &str) -> bool {
    let below = format!("x.{site}");
    [site, &below].into_iter().any(|name| psl::List.suffix(name.as_bytes()).is_some_and(|suffix| suffix.as_bytes().len() >= name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_make_sense_are_read() {
        let text = "\u{feff}# a list\n\nchild-sexual-abuse https://Sealed.example/album/%31 # why\r\nterrorism site www.bad.example\n  http://c.example/#top  \nsite 192.0.2.7\n";
        let entries = read(text, Some(Kind::Terrorism)).expect("all make sense");
        let shown: Vec<_> = entries.iter().map(|entry| (String::from_utf8_lossy(&entry.spelling).into_owned(), entry.scope, entry.kind, entry.seen)).collect();
        assert_eq!(
            shown,
            [
                ("sealed.example/album/1".into(), Scope::Page, Kind::ChildSexualAbuse, Seen::InsideTls),
                ("bad.example".into(), Scope::Site, Kind::Terrorism, Seen::Openly),
                ("c.example/".into(), Scope::Page, Kind::Terrorism, Seen::Openly),
                ("192.0.2.7".into(), Scope::Site, Kind::Terrorism, Seen::Openly),
            ]
        );
    }

    #[test]
    fn lines_that_make_none_are_each_refused() {
        for (line, words) in [
            ("http://a.example/", "it has no category"),
            ("terrorism", "there is nothing after"),
            ("terrorism site", "there is nothing after"),
            ("terrorism http://a.example/two words", "\"words\" is one word too many"),
            ("terrorism a.example/x", "for a whole site write: site a.example/x"),
            ("terrorism ftp://a.example/x", "only http:// and https://"),
            ("terrorism http://a b", "one word too many"),
            ("terrorism http://", "the host is empty"),
            ("terrorism http://a.example:99999/", "the port is not a number"),
            ("terrorism site http://a.example", "a site has no scheme"),
            ("terrorism site a.example/x", "a site has no scheme, port or path"),
            ("terrorism site a.example:80", "a site has no scheme"),
            ("terrorism site co.uk", "it would block every site below it"),
            ("terrorism site www.co.uk", "\"co.uk\" is a public suffix"),
            ("terrorism site sch.uk", "public suffix"),
            ("terrorism site localhost", "public suffix"),
            ("gambling http://a.example/", "\"gambling\" is no category of this tier"),
        ] {
            let refused = read(&format!("# first\n{line}\n"), None).expect_err(line);
            let shown = refused[0].to_string();
            assert!(refused.len() == 1 && shown.starts_with("line 2: ") && shown.contains(words), "{line}: {shown}");
        }
        let two = read("terrorism\nsite a.example\n", None).expect_err("both are told");
        assert_eq!(two.iter().map(|refused| refused.line).collect::<Vec<_>>(), [1, 2]);
    }
}
