//! AdBlock network rules, as far as a proxy can honour them.
//!
//! | rule | becomes |
//! | --- | --- |
//! | `\|\|games.example^`, `\|\|games.example` | the name and all below it |
//! | `\|\|news.example/play*`, `\|\|news.example^play` | that page and all below it, on the host with and without `www.` |
//! | `\|https://games.example/` | the name alone; with a path, that page and all below it |
//! | `/banner/*/ad.`, `-adserver-` | a text that may stand anywhere in the URL |
//! | what has `^` within it, `\|` at its end, or `*` in its host | a regular expression that says the same |
//! | `/ads[0-9]+/` | a regular expression |
//! | `@@…` | an exception, within the same list |
//! | `0.0.0.0 games.example` | as in a hosts file |
//!
//! Options are honoured where they make no difference to a proxy: `all`, `document` and `doc` (a proxy blocks a site whole, its documents
//! included), `important` (exceptions of the list hold all the same) and `_` (which means nothing). A rule with any other option is refused,
//! naming the option: without it the rule would block more than its author meant. Cosmetic rules are refused as such. `!` and `#` begin
//! comments.

use super::hosts;
use crate::lists::entry::{self, Listed, Refusal};
use crate::url;
use std::net::IpAddr;

/// Options that make no difference to a proxy.
const HONOURED: [&str; 4] = ["all", "document", "doc", "important"];

/// Options that are known, and not honoured.
const KNOWN: [&str; 63] = [
    "1p", "3p", "app", "badfilter", "beacon", "client", "content", "cookie", "csp", "css", "ctag", "data", "denyallow", "dnsrewrite", "dnstype", "domain",
    "ehide", "elemhide", "empty", "extension", "first-party", "font", "frame", "from", "generichide", "genericblock", "ghide", "hls", "image", "inline-font",
    "inline-script", "ipaddress", "jsinject", "jsonprune", "match-case", "media", "method", "mp4", "network", "object", "other", "permissions", "ping",
    "popunder", "popup", "redirect", "redirect-rule", "referrerpolicy", "removeheader", "removeparam", "replace", "requestheader", "rewrite", "script",
    "stealth", "strict1p", "strict3p", "stylesheet", "subdocument", "third-party", "to", "websocket", "xmlhttprequest",
];

/// The shortest fixed text a rule with wildcards must have, in bytes.
const SHORTEST_TEXT: usize = 4;
/// What stands before the host's name: the start, or the labels before it.
const BELOW: &str = "^(?:[^/?]+\\.)?";
/// What `^` stands for: an end, or what is no letter, digit or one of `_ - . %`.
const SEPARATOR: &str = "(?:[^a-z0-9_.%-]|$)";

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    if line.is_empty() || line.starts_with('!') || is_header(line) {
        return;
    }
    if is_cosmetic(line) {
        return take(Err(Refusal::Cosmetic));
    }
    if line.starts_with('#') {
        return;
    }
    if line.split_once(char::is_whitespace).is_some_and(|(first, _)| first.parse::<IpAddr>().is_ok()) {
        return hosts::read_line(line, take);
    }
    take(rule(line));
}

/// `[Adblock Plus 2.0]`.
fn is_header(line: &str) -> bool {
    let name = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    ["Adblock", "AdGuard", "uBlock"].iter().any(|program| name.get(..program.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(program)))
}

/// `example##.ad`, `#@#`, `#?#`, `#$#`, `#%#`, `$$script`, `[$path=/x]##.ad`. A comment in a hosts file has white space before or after its `#`.
fn is_cosmetic(line: &str) -> bool {
    let hides = line.split_once('#').is_some_and(|(sites, rest)| {
        let selector = rest.trim_start_matches(['@', '?', '$', '%']).strip_prefix('#');
        !sites.contains(char::is_whitespace) && selector.is_some_and(|selector| !selector.is_empty() && !selector.starts_with([' ', '#']))
    });
    hides || line.starts_with("[$") || !line.starts_with('/') && (line.contains("$$") || line.contains("$@$"))
}

fn rule(line: &str) -> Result<Listed, Refusal> {
    if let Some(exception) = line.strip_prefix("@@") {
        return blocks(exception).map(|entry| Listed::Except(Box::new(entry)));
    }
    blocks(line)
}

fn blocks(rule: &str) -> Result<Listed, Refusal> {
    let (pattern, options) = split_options(rule);
    options.split(',').filter(|option| !option.is_empty()).try_for_each(honour)?;
    match regex(pattern) {
        Some(expression) => entry::expression(expression),
        None => written(pattern),
    }
}

/// A rule, and its options: what follows the first `$` that options can follow. Within a regular expression a `$` is the end of the text, so
/// there it must follow the slash that ends the expression.
fn split_options(rule: &str) -> (&str, &str) {
    let ended = rule.rfind("/$").filter(|at| *at > 0 && rule.starts_with('/') && begins_options(&rule[at + 2..])).map(|at| at + 1);
    let dollar = match ended {
        Some(at) => Some(at),
        None if regex(rule).is_some() => None,
        None => rule.match_indices('$').map(|(at, _)| at).find(|at| begins_options(&rule[at + 1..])),
    };
    dollar.map_or((rule, ""), |at| (&rule[..at], &rule[at + 1..]))
}

fn begins_options(text: &str) -> bool {
    let name = text.split([',', '=']).next().unwrap_or_default();
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~'))
}

fn honour(option: &str) -> Result<(), Refusal> {
    let option = option.trim().to_ascii_lowercase();
    if HONOURED.contains(&&*option) || option.bytes().all(|b| b == b'_') {
        return Ok(());
    }
    let name = option.split('=').next().unwrap_or_default().trim_start_matches('~');
    let known = KNOWN.iter().chain(&HONOURED).find(|known| **known == name);
    Err(known.map_or(Refusal::UnknownOption, |known| Refusal::Option(known)))
}

fn regex(pattern: &str) -> Option<&str> {
    pattern.strip_prefix('/')?.strip_suffix('/').filter(|inner| !inner.is_empty())
}

/// A rule that is no regular expression.
fn written(pattern: &str) -> Result<Listed, Refusal> {
    if pattern.trim_matches(['*', '|', '^']).is_empty() {
        return Err(Refusal::EveryName);
    }
    if let Some(rest) = pattern.strip_prefix("||") {
        return site(rest.strip_prefix("*.").unwrap_or(rest), BELOW);
    }
    let unanchored = pattern.strip_prefix('|').unwrap_or(pattern);
    let schemes = ["http://", "https://", "*://", "://"];
    match schemes.iter().find_map(|scheme| unanchored.strip_prefix(scheme)) {
        Some(rest) => site(rest, "^"),
        // Every URL begins with its scheme.
        None if pattern.starts_with('|') => Err(Refusal::NotAHost),
        None => anywhere(pattern),
    }
}

/// What begins with a host. `before` says what may stand before it.
fn site(rest: &str, before: &str) -> Result<Listed, Refusal> {
    let at = rest.find(['/', '^', '?', '|', ':']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(at);
    if host.is_empty() || tail.starts_with(':') {
        return Err(Refusal::NotAHost);
    }
    let below = before == BELOW;
    let whole = matches!(tail, "^" | "/" | "^*" | "/*" | "^|" | "/|") || below && matches!(tail, "" | "|");
    let host = if whole && below { host.trim_end_matches('*') } else { host };
    if host.contains('*') || host.ends_with('.') || tail.is_empty() && !whole {
        return expression(before, rest);
    }
    if whole {
        return if below { entry::name(host) } else { entry::exact(host) };
    }
    let path = tail.trim_end_matches('*');
    let path = path.strip_suffix('^').unwrap_or(path);
    let path = path.strip_prefix('^').unwrap_or(path);
    if path.contains(['*', '^', '|']) {
        return expression(before, rest);
    }
    let slash = if path.starts_with(['/', '?']) { "" } else { "/" };
    entry::prefix(&format!("{host}{slash}{path}"))
}

/// What may stand anywhere in a URL.
fn anywhere(pattern: &str) -> Result<Listed, Refusal> {
    let pattern = pattern.trim_start_matches('*');
    if pattern.contains('^') || pattern.ends_with('|') { expression("", pattern) } else { entry::word(pattern.trim_end_matches('*')) }
}

/// A regular expression that matches what the rule does.
fn expression(before: &str, pattern: &str) -> Result<Listed, Refusal> {
    let (pattern, end) = pattern.strip_suffix('|').map_or((pattern, ""), |pattern| (pattern, "$"));
    let mut text = before.to_owned();
    let mut longest = 0;
    for piece in pattern.split_inclusive(['*', '^']) {
        let fixed = url::spelling(&piece.trim_end_matches(['*', '^']).to_lowercase());
        longest = longest.max(fixed.len());
        text.push_str(&regex_syntax::escape(&fixed));
        text.push_str(match piece.as_bytes().last() {
            Some(b'*') => ".*",
            Some(b'^') => SEPARATOR,
            Some(_) | None => "",
        });
    }
    if longest < SHORTEST_TEXT {
        return Err(Refusal::TooShort);
    }
    entry::expression(&(text + end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::{Format, check};

    fn name(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Name(Host::parse(text).expect("a host")))
    }

    fn exact(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Exact(Host::parse(text).expect("a host")))
    }

    fn prefix(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Prefix(text.to_owned()))
    }

    fn word(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Word(text.to_owned()))
    }

    fn matching(text: &str) -> Result<Listed, Refusal> {
        Ok(Listed::Expression(text.to_owned()))
    }

    fn except(entry: Result<Listed, Refusal>) -> Result<Listed, Refusal> {
        entry.map(|entry| Listed::Except(Box::new(entry)))
    }

    #[test]
    fn lines() {
        check(
            Format::Adblock,
            &[
                ("", &[]),
                ("! a comment", &[]),
                ("# a comment", &[]),
                ("#", &[]),
                ("####", &[]),
                ("[Adblock Plus 2.0]", &[]),
                ("||games.example^", &[name("games.example")]),
                ("||GAMES.example", &[name("games.example")]),
                ("||games.example^|", &[name("games.example")]),
                ("||games.example/*", &[name("games.example")]),
                ("||*.games.example^", &[name("games.example")]),
                ("||203.0.113.7^", &[Ok(Listed::Network("203.0.113.7/32".parse().expect("a net")))]),
                ("||games.example^$all", &[name("games.example")]),
                ("||games.example^$document,important", &[name("games.example")]),
                ("||games.example^$doc,___", &[name("games.example")]),
                ("||news.example/play", &[prefix("news.example/play")]),
                ("||www.news.example/play/*", &[prefix("news.example/play")]),
                ("||news.example^play^", &[prefix("news.example/play")]),
                ("||news.example/?id=7", &[prefix("news.example/?id=7")]),
                ("|https://games.example/", &[exact("games.example")]),
                ("|http://games.example^", &[exact("games.example")]),
                ("|https://news.example/play", &[prefix("news.example/play")]),
                ("://games.example/", &[exact("games.example")]),
                ("-adserver-", &[word("-adserver-")]),
                ("/banner/*/ad.", &[word("/banner/*/ad.")]),
                ("*unblocked*games*", &[word("unblocked*games")]),
                ("/popunder.$important", &[word("/popunder.")]),
                ("games.example", &[word("games.example")]),
                ("/ads[0-9]+/", &[matching("ads[0-9]+")]),
                ("/ads[0-9]+$/$important", &[matching("ads[0-9]+$")]),
                ("/play/", &[matching("play")]),
                ("0.0.0.0 games.example", &[exact("games.example")]),
                ("127.0.0.1 a.example b.example # why", &[exact("a.example"), exact("b.example")]),
            ],
        );
    }

    #[test]
    fn exceptions() {
        check(
            Format::Adblock,
            &[
                ("@@||good.games.example^", &[except(name("good.games.example"))]),
                ("@@||news.example/play^$document", &[except(prefix("news.example/play"))]),
                ("@@/ads/", &[except(matching("ads"))]),
                ("@@||games.example^$script", &[Err(Refusal::Option("script"))]),
            ],
        );
    }

    #[test]
    fn what_wildcards_say_is_said_by_an_expression() {
        check(
            Format::Adblock,
            &[
                ("||ads*.games.example^", &[matching("^(?:[^/?]+\\.)?ads.*\\.games\\.example(?:[^a-z0-9_.%-]|$)")]),
                ("||doubleclick.", &[matching("^(?:[^/?]+\\.)?doubleclick\\.")]),
                ("||news.example/*/play", &[matching("^(?:[^/?]+\\.)?news\\.example/.*/play")]),
                ("||news.example/play.swf|", &[matching("^(?:[^/?]+\\.)?news\\.example/play\\.swf$")]),
                ("|https://adserv", &[matching("^adserv")]),
                ("&ad_box^", &[matching("\\&ad_box(?:[^a-z0-9_.%-]|$)")]),
                (".swf|", &[matching("\\.swf$")]),
                ("^ad^", &[Err(Refusal::TooShort)]),
                ("||a*b^", &[Err(Refusal::TooShort)]),
            ],
        );
    }

    #[test]
    fn what_a_proxy_cannot_honour_is_refused_by_name() {
        check(
            Format::Adblock,
            &[
                ("||games.example^$third-party", &[Err(Refusal::Option("third-party"))]),
                ("||games.example^$~third-party", &[Err(Refusal::Option("third-party"))]),
                ("||games.example^$important,domain=a.example|b.example", &[Err(Refusal::Option("domain"))]),
                ("||games.example^$badfilter", &[Err(Refusal::Option("badfilter"))]),
                ("||games.example^$~document", &[Err(Refusal::Option("document"))]),
                ("||games.example^$removeparam=/^utm$/", &[Err(Refusal::Option("removeparam"))]),
                ("||games.example^$quux", &[Err(Refusal::UnknownOption)]),
                ("games.example##.ad", &[Err(Refusal::Cosmetic)]),
                ("##.ad", &[Err(Refusal::Cosmetic)]),
                ("games.example#@#.ad", &[Err(Refusal::Cosmetic)]),
                ("games.example#?#div:has(.ad)", &[Err(Refusal::Cosmetic)]),
                ("games.example#%#//scriptlet('x')", &[Err(Refusal::Cosmetic)]),
                ("games.example$$script[data=\"x\"]", &[Err(Refusal::Cosmetic)]),
                ("[$path=/x]##.ad", &[Err(Refusal::Cosmetic)]),
                ("*", &[Err(Refusal::EveryName)]),
                ("||", &[Err(Refusal::EveryName)]),
                ("@@*", &[Err(Refusal::EveryName)]),
                ("||com^", &[Err(Refusal::TopLevel)]),
                ("||games.example:8080^", &[Err(Refusal::NotAHost)]),
                ("||/play", &[Err(Refusal::NotAHost)]),
                ("|games.example^", &[Err(Refusal::NotAHost)]),
                ("ad", &[Err(Refusal::TooShort)]),
                ("/games(?!chess)/", &[Err(Refusal::LookAround)]),
                ("/caf\u{e9}/", &[Err(Refusal::BeyondAscii)]),
                ("203.0.113.9 games.example", &[Err(Refusal::RealServer)]),
            ],
        );
    }
}
