//! Every field of a record: what it is in plain English, why it is kept, and whether the person it is about is given it.
//!
//! The names are those of the record as it is read; a test holds the two together, so that a field that is added there and not here fails.

use serde::Serialize;

/// Whether a field goes into what a person is given of their own records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// It does.
    Yes,
    /// It does not: it tells how the filter works inside, and nothing about the person.
    Inside,
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// As in JSON.
    pub name: &'static str,
    /// What it is.
    pub is: &'static str,
    /// Why it is kept.
    pub purpose: &'static str,
    /// Whether the person is given it.
    pub given: Given,
}

const fn field(name: &'static str, is: &'static str, purpose: &'static str) -> Field {
    Field { name, is, purpose, given: Given::Yes }
}

const fn inside(name: &'static str, is: &'static str, purpose: &'static str) -> Field {
    Field { name, is, purpose, given: Given::Inside }
}

const WHO: &str = "To know whose request it was: concerns are about a child, not an address.";
const SURE: &str = "So that nobody is named on weaker evidence than there is.";
const WHAT: &str = "To know what somebody saw or tried to see.";
const MEANT: &str = "To tell what a person did from what a page loads by itself.";
const WHY: &str = "Decisions are documented: what was blocked or allowed, and why.";
const ENDED: &str = "To tell whether anything was seen, and to find faults.";

/// All of them, in the order of the record.
pub const FIELDS: [Field; 39] = [
    field("id", "The reference number of the record, as on a block page.", "To find one record again."),
    field("time", "When the request arrived, in universal time.", "To know when."),
    field("user", "The user name, if one was known.", WHO),
    field("group", "The group whose rules applied, such as a year.", WHO),
    field("identity_source", "How it was known who asked: a password, or the place of the device.", SURE),
    field("identity_confidence", "How sure that is.", SURE),
    field("client", "The network address of the device.", WHO),
    field("class", "Which of the rules on how long records are kept applies.", "To keep each record no longer than needed."),
    field("kind", "Whether it was a page visited, a search, a part of a page, or something the device did by itself.", MEANT),
    field("start", "What set it off: typed, clicked, loaded by a page, or in the background.", MEANT),
    field("certainty", "Whether the browser said so, or it was inferred.", SURE),
    field("cause", "The reference number of the visit that led to it.", MEANT),
    field("engine", "The search engine, or the chat service that was asked.", WHAT),
    field("term", "The words searched for. Of a chat service, what it was asked.", WHAT),
    field("stage", "Whether a search was still being typed.", MEANT),
    field("method", "Whether something was fetched or sent.", WHAT),
    field("scheme", "Whether the connection was encrypted (https) or not (http).", WHAT),
    field("host", "The name of the site.", WHAT),
    field("port", "The number of the service on the site.", WHAT),
    field("path", "The page on the site, as far as it could be seen. Of encrypted connections that are not opened nothing.", WHAT),
    field("categories", "The kinds of content the site is listed under.", WHY),
    field("verdict", "Whether it was allowed, warned about, blocked, refused, or answered by the filter itself.", WHY),
    field("reason", "The kind of reason for that.", WHY),
    field("why", "The reason in words. Where a text was over a threshold: the theme, the points and the phrases seen.", WHY),
    inside("rule", "The rule of the school that decided.", WHY),
    inside("entry", "The list, line and text that decided.", WHY),
    inside("snapshot", "Which state of rules and lists was in force.", WHY),
    field("user_agent", "What the browser calls itself.", "To tell devices at one address apart, and find faults."),
    field("referrer", "The site of the page that led there, where the browser said it.", MEANT),
    field("fetch_dest", "What the browser said it would use the answer for.", MEANT),
    field("fetch_mode", "How the browser said it was asking.", MEANT),
    field("fetch_user", "Whether the browser said that a person had set it off.", MEANT),
    field("status", "The number the site answered with, such as 200 for a page that was there.", ENDED),
    field("bytes_up", "How much was sent.", ENDED),
    field("bytes_down", "How much was received.", ENDED),
    field("duration_ms", "How long it took, in thousandths of a second.", ENDED),
    field("outcome", "How it ended.", ENDED),
    field("upstream", "The network address of the site.", ENDED),
    field("note", "What went wrong, if anything did; what was found in a text or file; how the request was changed.", ENDED),
];

/// Those a person is given of their own records.
pub fn given() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| field.given == Given::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_record_is_told_and_no_other() {
        let row = serde_json::to_value(crate::audit::query::Row::default()).expect("it is written");
        let there: std::collections::BTreeSet<_> = row.as_object().expect("an object").keys().cloned().collect();
        let told: std::collections::BTreeSet<_> = FIELDS.iter().map(|field| field.name.to_owned()).collect();
        assert_eq!(there, told);
        assert_eq!(told.len(), FIELDS.len(), "each once");
    }
}
