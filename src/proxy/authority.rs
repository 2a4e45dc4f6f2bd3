//! The page about the school's certificate, and its downloads, for a person whose device is to trust it.
//!
//! It is read from its folder each time, so that a new authority is offered as soon as it is made. Nothing secret leaves.

use super::Worker;
use super::pages::{Page, Part, Section, refer};
use super::request::{Answer, Asked, finish, own_answer};
use super::target::Target;
use crate::identity::Identity;
use crate::telemetry::events::AuthorityUnusable;
use crate::tls::install::{Artifact, Form, Guide, Offered, Step, System};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The guides in the order people look for them here: what they hold in their hands, then what many devices are managed with.
const SHOWN: [System; 8] = [System::Ios, System::Android, System::Macos, System::Firefox, System::Linux, System::WindowsGpo, System::ChromeOs, System::Intune];

/// A download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    form: Form,
    /// The name of the file, as the form has it.
    name: &'static str,
    kind: &'static str,
    /// Whether it is to be saved rather than opened. What a device installs when it opens it is opened.
    saved: bool,
}

impl Wanted {
    /// The downloads by name. Kinds: RFC 2585 has only `application/pkix-cert`; `x-x509-ca-cert` is what browsers and devices offer to install. Apple's
    /// profiles: "Deploy configuration profiles over the web".
    const NAMES: [(&str, Self); 8] = [
        ("usher.crt", Self::der("usher.cer")),
        ("usher.cer", Self::der("usher.cer")),
        ("usher-next.crt", Self::der("usher-next.cer")),
        ("usher-next.cer", Self::der("usher-next.cer")),
        ("usher.pem", Self { form: Form::Pem, name: "usher.pem", kind: "application/x-pem-file", saved: true }),
        ("usher-next.pem", Self { form: Form::Pem, name: "usher-next.pem", kind: "application/x-pem-file", saved: true }),
        ("usher.mobileconfig", Self { form: Form::Profile, name: "usher.mobileconfig", kind: "application/x-apple-aspen-config", saved: false }),
        ("policies.json", Self { form: Form::Policies, name: "policies.json", kind: "application/json", saved: true }),
    ];

    const fn der(name: &'static str) -> Self {
        Self { form: Form::Der, name, kind: "application/x-x509-ca-cert", saved: false }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, wanted)| *wanted)
    }
}

impl Worker {
    /// What the certificate is, and how it is installed.
    pub(super) async fn authority_page(&self, asked: &Asked, target: &Target, identity: Identity) -> Answer {
        let offered = match self.offered(asked.now).await {
            Ok(offered) => offered,
            Err(page) => return self.refuse(asked, Some(target), identity, "own-page", *page).await,
        };
        match self.answered(asked, target, &identity, "own-page", "Shown how to install the school's certificate").await {
            Ok(pending) => own_answer(asked, &page(&offered, &asked.snapshot.timetable.zone), Some(pending), &self.settings.school),
            Err(answer) => answer,
        }
    }

    /// The certificate itself.
    pub(super) async fn certificate(&self, asked: &Asked, target: &Target, identity: Identity, wanted: Wanted) -> Answer {
        let offered = match self.offered(asked.now).await {
            Ok(offered) => offered,
            Err(page) => return self.refuse(asked, Some(target), identity, "own-page", *page).await,
        };
        let Some(file) = offered.files(wanted.form).into_iter().find(|file| file.name == wanted.name) else {
            let page = Page::new(StatusCode::NOT_FOUND, "refused", "There is no other certificate yet").line("The one that is there is at /ca.");
            return self.refuse(asked, Some(target), identity, "own-page", page).await;
        };
        match self.answered(asked, target, &identity, "own-page", "Given the school's certificate").await {
            Ok(pending) => finish(asked, refer(download(wanted, file), pending.id()), Some(pending)),
            Err(answer) => answer,
        }
    }

    /// What is offered; the page that says why nothing is, else.
    async fn offered(&self, now: Timestamp) -> Result<Offered, Box<Page>> {
        let (folder, own_name) = (self.authorities.clone(), self.settings.own_host.clone());
        let loaded = tokio::task::spawn_blocking(move || folder.load().map(|there| Offered::of(&there, own_name.as_str(), now))).await;
        let error = match loaded {
            Ok(Ok(Some(offered))) => return Ok(offered),
            Ok(Ok(None)) => {
                let page = Page::new(StatusCode::NOT_FOUND, "refused", "There is no certificate to install");
                return Err(Box::new(page.line("This school has no certificate authority, so there is nothing your device would have to trust.")));
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        AuthorityUnusable { error: &error }.emit();
        let page = Page::new(StatusCode::SERVICE_UNAVAILABLE, "error", "The certificate cannot be shown");
        Err(Box::new(page.line("Please tell the people who look after the network. What is wrong is in Usher's own messages.")))
    }
}

fn download(wanted: Wanted, file: Artifact) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(file.bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(wanted.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let disposition = if wanted.saved { "attachment" } else { "inline" };
    if let Ok(value) = HeaderValue::try_from(format!("{disposition}; filename=\"{}\"", wanted.name)) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}

fn page(offered: &Offered, zone: &TimeZone) -> Page {
    let page = Page::new(StatusCode::OK, "certificate", "The school's certificate")
        .line("Most of the web is https: what passes between your device and a site is sealed. Where the school looks into it, to keep pupils safe and to be able to show a page that says why something is blocked, the filter answers in the site's place, with a certificate that the school signs.")
        .line("Your device accepts that only if it has the school's certificate, and somebody has said that it is to be trusted. Install it on devices that the school looks after. On a device of your own, know that the filter can then read what you send and see over https while you are on the school's network.");
    let mut sections = vec![certificates(offered, zone)];
    sections.extend(SHOWN.iter().map(|system| section(offered, &offered.guide(*system))));
    Page { sections, ..page }
}

/// The certificates, their fingerprints, and all downloads.
fn certificates(offered: &Offered, zone: &TimeZone) -> Section {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%-d %B %Y").to_string();
    let mut parts = Vec::new();
    for certificate in offered.certificates() {
        parts.push(Part::Text(format!("{}, good until {}. Its fingerprint, SHA-256:", certificate.name, day(certificate.until))));
        parts.push(Part::Exact(in_two_lines(&certificate.sha256())));
    }
    parts.push(Part::Text("Before you trust it, compare the fingerprint with the one the school's technicians give you another way: this page came over a connection that is not sealed.".to_owned()));
    if offered.next.is_some() {
        parts.push(Part::Text("There are two: one signs now, the other will. Install both.".to_owned()));
    }
    for (form, about) in [
        (Form::Der, "for Windows and Android (DER)"),
        (Form::Pem, "for Linux, Chromebooks and Firefox (PEM)"),
        (Form::Profile, "for iPhone, iPad and Mac (profile)"),
    ] {
        parts.extend(offered.files(form).iter().map(|file| Part::Link { text: format!("{}: {about}", file.name), path: format!("/ca/{}", file.name) }));
    }
    Section { heading: "The certificate".into(), parts }
}

/// A fingerprint, broken where it is easiest to compare.
fn in_two_lines(print: &str) -> String {
    let (first, second) = print.split_at(print.len().div_ceil(2));
    format!("{first}\n{second}")
}

fn section(offered: &Offered, guide: &Guide) -> Section {
    let mut number = 0;
    let mut parts: Vec<_> = guide
        .forms
        .iter()
        .flat_map(|form| offered.files(*form))
        .map(|file| Part::Link { text: file.name.to_owned(), path: format!("/ca/{}", file.name) })
        .collect();
    parts.extend(guide.steps.iter().map(|step| match step {
        Step::Do(text) => {
            number += 1;
            Part::Text(format!("{number}. {text}"))
        }
        Step::Run(command) => Part::Exact(command.clone()),
    }));
    parts.extend(guide.know.iter().map(|know| Part::Text((*know).to_owned())));
    Section { heading: guide.heading.into(), parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_a_guide_needs_can_be_downloaded() {
        for name in ["usher.crt", "usher.cer", "usher.pem", "usher-next.cer", "usher-next.pem", "usher.mobileconfig", "policies.json"] {
            let wanted = Wanted::of(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(wanted.name.split('.').next(), name.split('.').next());
        }
        for name in ["", "current.pem", "../ca/current.pem", "usher.key", "usher.pem/"] {
            assert_eq!(Wanted::of(name), None, "{name}");
        }
    }
}
