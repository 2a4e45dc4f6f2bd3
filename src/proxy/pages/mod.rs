//! What a person is shown instead of the page they asked for: in plain words, and in the form that was asked for.
//!
//! A browser that wants a page gets HTML, a script that wants data gets JSON, an image, script or style gets an empty one of its kind (so
//! that a blocked advert does not break the page around it), and a person at a terminal gets three lines of text.

use crate::audit::RecordId;
use askama::Template;
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;
use std::borrow::Cow;

/// Carries the record's reference number on every answer of our own.
pub const REFERENCE: HeaderName = HeaderName::from_static("usher-reference");
/// RFC 9209.
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// A transparent image of one pixel.
const PIXEL: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
/// Nothing is loaded or run by these pages; the one form goes to Usher itself and from there on to the site.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors *";

/// What the school says on every page, from `usher.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School {
    /// Its name.
    pub name: String,
    /// How to have a decision looked at again, in a sentence.
    pub appeal: String,
    /// The heading of the help page, which is shown in place of a block for self-harm.
    pub help_heading: String,
    /// What the help page says above the contacts.
    pub help_text: String,
    /// Where a pupil in distress finds a person.
    pub contacts: Vec<Contact>,
}

/// What stands in the place of the name where a school has given none.
pub const UNNAMED: &str = "This network is filtered by Usher.";

impl School {
    /// Its name, for the head of a paper; empty where it has given none.
    #[must_use]
    pub fn given_name(&self) -> &str {
        if self.name == UNNAMED { "" } else { &self.name }
    }
}

/// Somebody who helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Their name.
    pub name: String,
    /// The number to call or text.
    pub reach: String,
    /// What they are for, in a sentence.
    pub about: String,
}

/// One answer of our own.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// What kind of answer it is, in one word for programs: `blocked`, `warned`, `error`, ...
    pub kind: &'static str,
    /// The heading.
    pub heading: Cow<'static, str>,
    /// The page it is about; empty if there is none.
    pub site: String,
    /// What is said, a paragraph each.
    pub lines: Vec<String>,
    /// Whether it is the help page.
    pub help: bool,
    /// The way on past a warning.
    pub form: Option<Form>,
    /// The `Proxy-Status` error type (RFC 9209 section 2.3), if the answer is an error of the way to the origin.
    pub error: Option<&'static str>,
    /// Whether a person may have it looked at again.
    pub appeal: bool,
    /// Parts below, each with a heading of its own.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading.
    pub heading: Cow<'static, str>,
    /// What it says, in order.
    pub parts: Vec<Part>,
}

/// What a part of a page is made of.
#[derive(Clone, Debug)]
pub enum Part {
    /// A paragraph.
    Text(String),
    /// A command to type, or what is to be compared sign by sign.
    Exact(String),
    /// Something on Usher's own pages.
    Link {
        /// What it is.
        text: String,
        /// Where it is.
        path: String,
    },
}

/// The way on past a warning.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// The signed token that opens the way.
    pub token: String,
}

#[derive(Template)]
#[template(path = "page.html", config = "src/proxy/pages/askama.toml")]
struct Html<'a> {
    title: &'a str,
    heading: &'a str,
    site: &'a str,
    lines: &'a [String],
    contacts: &'a [Contact],
    help: bool,
    form: Option<&'a Form>,
    appeal: &'a str,
    sections: &'a [Section],
    reference: Option<&'a str>,
    school: &'a str,
}

#[derive(Serialize)]
struct Json<'a> {
    kind: &'a str,
    message: &'a str,
    reasons: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    contacts: &'a [Contact],
}

/// The form an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Html,
    Json,
    Text,
    Image,
    Script,
    Style,
    Nothing,
}

impl Shape {
    /// What was asked for, by `Sec-Fetch-Dest`, else by `Accept`.
    fn asked_for(headers: &HeaderMap) -> Self {
        let dest = headers.get(SEC_FETCH_DEST).and_then(|value| value.to_str().ok());
        match dest {
            Some("document" | "iframe" | "frame" | "embed" | "object" | "fencedframe") => Self::Html,
            Some("image") => Self::Image,
            Some("script" | "worker" | "sharedworker" | "serviceworker" | "audioworklet" | "paintworklet") => Self::Script,
            Some("style" | "xslt") => Self::Style,
            Some("empty" | "json" | "manifest" | "report" | "webidentity") => Self::Json,
            Some("audio" | "video" | "track" | "font") => Self::Nothing,
            Some(_) | None => Self::accepted(headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*")),
        }
    }

    fn accepted(accept: &str) -> Self {
        let first = accept.split(',').next().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if accept.contains("text/html") || accept.contains("application/xhtml") {
            return Self::Html;
        }
        match first {
            "text/css" => Self::Style,
            "application/javascript" | "text/javascript" => Self::Script,
            image if image.starts_with("image/") => Self::Image,
            media if ["audio/", "video/", "font/"].iter().any(|kind| media.starts_with(kind)) => Self::Nothing,
            json if json.ends_with("json") => Self::Json,
            _ => Self::Text,
        }
    }

    fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Html => Some("text/html; charset=utf-8"),
            Self::Json => Some("application/json"),
            Self::Text => Some("text/plain; charset=utf-8"),
            Self::Image => Some("image/gif"),
            Self::Script => Some("text/javascript; charset=utf-8"),
            Self::Style => Some("text/css; charset=utf-8"),
            Self::Nothing => None,
        }
    }
}

impl Page {
    /// A page with this status and heading.
    #[must_use]
    pub fn new(status: StatusCode, kind: &'static str, heading: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            kind,
            heading: heading.into(),
            site: String::new(),
            lines: Vec::new(),
            help: false,
            form: None,
            error: None,
            appeal: false,
            sections: Vec::new(),
        }
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// The answer in the form that `asked` wants.
    #[must_use]
    pub fn answer(&self, asked: &HeaderMap, school: &School, id: Option<RecordId>) -> Response<Bytes> {
        self.shaped(Shape::asked_for(asked), school, id)
    }

    /// The answer to a refused `CONNECT`: no browser shows it, people read it in traces and terminals.
    #[must_use]
    pub fn short_answer(&self, school: &School, id: Option<RecordId>) -> Response<Bytes> {
        self.shaped(Shape::Text, school, id)
    }

    fn shaped(&self, shape: Shape, school: &School, id: Option<RecordId>) -> Response<Bytes> {
        let reference = id.map(|id| id.to_string());
        let mut response = Response::new(self.body(shape, school, reference.as_deref()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(kind) = shape.content_type() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        }
        if shape == Shape::Html {
            headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en-GB"));
            headers.insert("content-security-policy", HeaderValue::from_static(POLICY));
            headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
        }
        if let Some(error) = self.error.and_then(|error| HeaderValue::try_from(format!("usher; error={error}")).ok()) {
            headers.insert(PROXY_STATUS, error);
        }
        match id {
            Some(id) => refer(response, id),
            None => response,
        }
    }

    fn body(&self, shape: Shape, school: &School, reference: Option<&str>) -> Bytes {
        match shape {
            Shape::Html => self.html(school, reference),
            Shape::Json => self.json(school, reference),
            Shape::Text => self.text(school, reference).into(),
            Shape::Image => Bytes::from_static(PIXEL),
            Shape::Script | Shape::Style | Shape::Nothing => Bytes::new(),
        }
    }

    fn contacts<'a>(&self, school: &'a School) -> &'a [Contact] {
        if self.help { &school.contacts } else { &[] }
    }

    fn html(&self, school: &School, reference: Option<&str>) -> Bytes {
        let html = Html {
            title: &self.heading,
            heading: &self.heading,
            site: &self.site,
            lines: &self.lines,
            contacts: self.contacts(school),
            help: self.help,
            form: self.form.as_ref(),
            appeal: if self.appeal { &school.appeal } else { "" },
            sections: &self.sections,
            reference,
            school: &school.name,
        };
        // The template's only failure would be to run out of memory; then the text still goes out.
        html.render().map_or_else(|_| self.text(school, reference).into(), Bytes::from)
    }

    fn json(&self, school: &School, reference: Option<&str>) -> Bytes {
        let json = Json { kind: self.kind, message: &self.heading, reasons: &self.lines, reference, contacts: self.contacts(school) };
        serde_json::to_vec(&json).unwrap_or_default().into()
    }

    fn text(&self, school: &School, reference: Option<&str>) -> String {
        let contacts = self.contacts(school).iter().map(|contact| format!("{}: {}. {}", contact.name, contact.reach, contact.about));
        let lines = [self.heading.to_string(), self.site.clone()].into_iter().chain(self.lines.iter().cloned()).chain(contacts);
        let mut text: String = lines.filter(|line| !line.is_empty()).map(|line| line + "\n").collect();
        for section in &self.sections {
            text += &format!("\n{}\n", section.heading);
            for part in &section.parts {
                text += &match part {
                    Part::Text(line) => format!("{line}\n"),
                    Part::Exact(lines) => lines.lines().map(|line| format!("  {line}\n")).collect(),
                    Part::Link { text, path } => format!("  {path}  {text}\n"),
                };
            }
        }
        if self.appeal && !school.appeal.is_empty() {
            text += &format!("{}\n", school.appeal);
        }
        if let Some(reference) = reference {
            text += &format!("Reference: {reference}\n");
        }
        text
    }
}

/// Puts the record's reference number on an answer of our own.
pub fn refer(mut response: Response<Bytes>, id: RecordId) -> Response<Bytes> {
    if let Ok(reference) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REFERENCE, reference);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn school() -> School {
        School {
            name: "Example School".into(),
            appeal: "Tell the library.".into(),
            help_heading: "You are not alone".into(),
            help_text: "Somebody listens.".into(),
            contacts: vec![Contact { name: "Childline".into(), reach: "0800 1111".into(), about: "Free, at any hour.".into() }],
        }
    }

    fn asked(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn blocked() -> Page {
        Page { site: "games.example/<script>".into(), appeal: true, ..Page::new(StatusCode::FORBIDDEN, "blocked", "This page is blocked") }
            .line("Games is blocked for year-7.")
    }

    #[test]
    fn an_answer_takes_the_form_that_was_asked_for() {
        for (fields, kind, starts) in [
            (&[("sec-fetch-dest", "document"), ("accept", "*/*")][..], Some("text/html; charset=utf-8"), "<!doctype html>"),
            (&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], Some("text/html; charset=utf-8"), "<!doctype html>"),
            (&[("sec-fetch-dest", "empty")], Some("application/json"), "{\"kind\":\"blocked\""),
            (&[("accept", "application/json")], Some("application/json"), "{\"kind\":\"blocked\""),
            (&[("sec-fetch-dest", "image")], Some("image/gif"), ""),
            (&[("accept", "image/avif,image/webp,*/*")], Some("image/gif"), ""),
            (&[("sec-fetch-dest", "script")], Some("text/javascript; charset=utf-8"), ""),
            (&[("sec-fetch-dest", "style")], Some("text/css; charset=utf-8"), ""),
            (&[("sec-fetch-dest", "video")], None, ""),
            (&[("accept", "*/*")], Some("text/plain; charset=utf-8"), "This page is blocked\n"),
            (&[], Some("text/plain; charset=utf-8"), "This page is blocked\n"),
        ] {
            let response = blocked().answer(&asked(fields), &school(), Some(RecordId(5)));
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
            assert_eq!(response.headers().get(CONTENT_TYPE).map(|v| v.to_str().expect("text")), kind, "{fields:?}");
            assert!(String::from_utf8_lossy(response.body()).starts_with(starts), "{fields:?}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[REFERENCE], "0000-0000-00005");
        }
    }

    #[test]
    fn nothing_a_site_is_called_is_taken_for_markup() {
        let response = blocked().answer(&asked(&[("sec-fetch-dest", "document")]), &school(), None);
        let html = String::from_utf8_lossy(response.body());
        assert!(!html.contains("<script>") && html.contains("games.example/&#60;script&#62;"), "{html}");
    }

    #[test]
    fn a_help_page_names_people_and_others_do_not() {
        let help = Page { help: true, ..blocked() };
        for (page, named) in [(help, true), (blocked(), false)] {
            for accept in ["text/html", "application/json", "*/*"] {
                let body = page.answer(&asked(&[("accept", accept)]), &school(), None);
                assert_eq!(String::from_utf8_lossy(body.body()).contains("0800 1111"), named);
            }
        }
    }
}
