//! `[[rewrite]]` and `tenants` of `policy.toml`: what is changed of requests and answers.

use super::reader::{FromToml, Table};
use crate::policy::Mode;
use crate::policy::rewrite::{Address, Edits, Leads, is_open};
use crate::policy::tenants::{Microsoft, Tenants};
use http::header::{HeaderName, HeaderValue};
use toml::de::DeValue;

/// The most changes one side of a rule may make.
const MOST_CHANGES: usize = 32;
/// The longest value a rule may give a field, in bytes.
const LONGEST_VALUE: usize = 4096;

impl FromToml for HeaderName {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        field(&String::from_toml(value)?)
    }
}

impl FromToml for HeaderValue {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        let printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if text.len() > LONGEST_VALUE || !printable || text.trim() != text {
            return Err(format!("\"{text}\" cannot stand in a field: letters of ASCII, no blank at either end, at most {LONGEST_VALUE} of them"));
        }
        Self::from_str(&text).map_err(|error| error.to_string())
    }
}

impl FromToml for Address {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        Self::parse(&text).map_err(|error| format!("\"{text}\" is no address to send a request to: {error}"))
    }
}

/// The name of a field that a rule may touch.
fn field(text: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| format!("\"{text}\" is not the name of a field, such as \"X-School\""))?;
    if is_open(&name) { Ok(name) } else { Err(format!("\"{text}\" belongs to the connection or the message itself; no rule may touch it")) }
}

/// What a rule changes of one side.
pub fn edits(rule: &Table<'_>, key: &'static str) -> Edits {
    let Some(table) = rule.table(key) else { return Edits::default() };
    let remove = table.get_or("remove", Vec::new());
    let [set, add] = ["set", "add"].map(|key| pairs(&table, key));
    let edits = Edits { remove, set, add };
    if edits.is_empty() {
        rule.wrong(key, "it changes nothing", Some("write remove = [\"X-Name\"], set = { X-Name = \"value\" } or add = { X-Name = \"value\" }".into()));
    }
    if edits.remove.len() + edits.set.len() + edits.add.len() > MOST_CHANGES {
        rule.wrong(key, format!("it makes more than {MOST_CHANGES} changes"), None);
    }
    table.done();
    edits
}

fn pairs(side: &Table<'_>, key: &'static str) -> Vec<(HeaderName, HeaderValue)> {
    let Some(table) = side.table(key) else { return Vec::new() };
    let mut pairs: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value, span) in table.entries::<HeaderValue>() {
        match field(&name) {
            Ok(name) if pairs.iter().any(|(known, _)| *known == name) => table.wrong_at(span, format!("\"{name}\" stands here twice"), None),
            Ok(name) => pairs.push((name, value)),
            Err(wrong) => table.wrong_at(span, wrong, None),
        }
    }
    pairs
}

/// Where a rule sends a request.
pub fn leads(rule: &Table<'_>) -> Option<Leads> {
    match (rule.get("redirect"), rule.get("url")) {
        (Some(address), None) => Some(Leads::Redirect(address)),
        (None, Some(address)) => Some(Leads::Rewrite(address)),
        (Some(_), Some(_)) => {
            rule.wrong("url", "a request is either redirected or sent elsewhere", Some("leave out `redirect` or `url`".into()));
            None
        }
        (None, None) => None,
    }
}

/// Whose accounts a group may use, which takes requests that are seen.
pub fn tenants(group: &Table<'_>, inspect: Mode) -> Tenants {
    let Some(table) = group.table("tenants") else { return Tenants::default() };
    let tenants = Tenants { google: names(&table, "google"), microsoft: microsoft(&table) };
    table.done();
    if !tenants.is_empty() && inspect == Mode::None {
        let what = "Google and Microsoft can be told of it only where https is looked into";
        group.wrong("tenants", what, Some("set inspect = \"search\", with which hosts where people log in are looked into too, or \"all\"".into()));
    }
    tenants
}

fn microsoft(table: &Table<'_>) -> Option<Microsoft> {
    let table = table.table("microsoft")?;
    let allowed = names(&table, "allow");
    if allowed.is_none() {
        table.wrong("allow", "it names no tenant", Some("write the domains of yours, such as allow = [\"school.example\"]".into()));
    }
    let directory = table.need("directory", "the id of your directory, as Microsoft Entra shows it");
    let personal = table.get_or("personal", false);
    table.done();
    Some(Microsoft { tenants: allowed?, directory: directory?, personal })
}

/// Names, parted by commas as the fields want them; nothing if there is none.
fn names(table: &Table<'_>, key: &'static str) -> Option<HeaderValue> {
    let names: Vec<String> = table.get(key)?;
    for name in &names {
        // A tenant of Microsoft's may be named by its id, which is spelt as a host may be.
        if crate::host::Host::parse(name).is_err() {
            table.wrong(key, format!("\"{name}\" is not the name of a domain"), Some("such as \"school.example\"".into()));
        }
    }
    let joined = HeaderValue::from_str(&names.join(",")).ok();
    joined.filter(|_| !names.is_empty())
}
