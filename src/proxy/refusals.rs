//! The pages in a request's place: why it is blocked, warned about or refused. Whatever is answered so is on record first.
//!
//! Whether it is refused is decided before: by the policy, or in [`super::request`]. What the pages look like is [`super::pages`]; what goes wrong on the way
//! to an origin is [`super::error`].

use super::Worker;
use super::error::sentence;
use super::framing::Malformed;
use super::on_record::unjudged;
use super::pages::{Form, Page};
use super::request::{Answer, Asked, own_answer};
use super::target::Target;
use crate::audit::{Opening, Verdict};
use crate::category::Page as Tone;
use crate::identity::Identity;
use crate::policy::Reason;
use crate::policy::restrict::Restricted;
use http::StatusCode;
use http::header::{CONNECTION, HeaderValue, PROXY_AUTHENTICATE, RETRY_AFTER};

impl Worker {
    pub(super) fn block_page(&self, asked: &Asked, target: &Target, reason: &Reason) -> Page {
        let taxonomy = &asked.snapshot.taxonomy;
        let site = shown(target);
        if let Some(restricted) = reason.restricted() {
            return Page { site, ..self.restricted_page(restricted) };
        }
        match reason.page(taxonomy) {
            Tone::Help => {
                let school = &self.settings.school;
                let page = Page::new(StatusCode::FORBIDDEN, "help", school.help_heading.clone()).line(school.help_text.clone());
                Page { help: true, ..page }
            }
            Tone::Block => {
                let page = Page::new(StatusCode::FORBIDDEN, "blocked", "This page is blocked").line(reason.told(taxonomy));
                let covers = reason.category().map(|category| taxonomy.info(category)).filter(|info| !info.covers.is_empty());
                let page = match covers {
                    Some(info) => page.line(format!("{} covers: {}", info.name, info.covers)),
                    None => page,
                };
                Page { site, appeal: true, ..page }
            }
        }
    }

    /// The page of somebody whose access is restricted: until when, whom to ask, and who helps meanwhile. Why is for whoever did it to say.
    fn restricted_page(&self, restricted: &Restricted) -> Page {
        let Restricted { restriction, until } = restricted;
        let (heading, line) = if restricted.leaves_some() {
            ("This site is not open to you now", format!("Only a few sites are open to you until {until}."))
        } else {
            ("Your access is paused", format!("Your access to the web is paused until {until}."))
        };
        let ask = restriction.tell.as_deref().unwrap_or("If you do not know why, ask a member of staff.").to_owned();
        let page = Page::new(StatusCode::FORBIDDEN, "restricted", heading).line(line).line(ask);
        let page = page.line("You can still reach sites that help, and these people:");
        Page { help: true, appeal: true, ..page }
    }

    /// The page in the place of a file that does not pass.
    pub(super) fn file_page(&self, opening: &Opening, why: &str) -> Page {
        let page = Page::new(StatusCode::FORBIDDEN, "blocked", "This file is blocked").line(why);
        let port = if matches!((opening.scheme, opening.port), ("http", 80) | ("https", 443)) { String::new() } else { format!(":{}", opening.port) };
        let site = short(&format!("{}://{}{port}{}", opening.scheme, opening.host, opening.path));
        Page { site, appeal: true, ..page }
    }

    pub(super) fn warning_page(&self, asked: &Asked, target: &Target, identity: &Identity, reason: &Reason) -> Page {
        let page = Page::new(StatusCode::FORBIDDEN, "warned", "Think before you go on").line(reason.told(&asked.snapshot.taxonomy));
        let page = page.line("If you need this site for your work, you can go on. Your visit is recorded, as every visit is.");
        let site = reason.warned_of().unwrap_or(&target.url().host);
        let token = self.warnings.token(identity, asked.client(), site, &target.as_asked(), asked.now);
        let form = Form { action: format!("{}://{}/continue", target.url().scheme.as_str(), self.settings.own_host), token };
        Page { site: shown(target), form: Some(form), appeal: true, ..page }
    }

    /// Refuses what is no request a proxy can serve.
    pub(super) async fn refuse(&self, asked: &Asked, target: Option<&Target>, identity: Identity, kind: &'static str, page: Page) -> Answer {
        let why = page.lines.first().cloned().unwrap_or_else(|| page.heading.to_string());
        self.refuse_since(asked, target, identity, kind, why, page).await
    }

    /// The same, where the record says more than the page.
    pub(super) async fn refuse_since(&self, asked: &Asked, target: Option<&Target>, identity: Identity, kind: &'static str, why: String, page: Page) -> Answer {
        match self.open_record(asked, unjudged(asked, target, &identity, Verdict::Refused, (kind, why.into()))).await {
            Ok(pending) => own_answer(asked, &page, Some(pending), &self.settings.school),
            Err(answer) => answer,
        }
    }

    /// Who sends what is refused unread: where its TLS ends here, whoever opened the connection, else nobody that is known.
    fn sender(&self, asked: &Asked) -> Identity {
        asked.conn.inside.as_ref().map_or_else(Identity::unknown, |inside| self.identify_inside(inside, &asked.snapshot, asked.client()))
    }

    pub(super) async fn refuse_malformed(&self, asked: &Asked, why: Malformed) -> Answer {
        let page = Page::new(why.status(), "refused", "The request cannot be read").line(sentence(&why.to_string()));
        let target = asked.conn.inside.as_ref().map(|inside| inside.site(""));
        let mut answer = self.refuse(asked, target.as_ref(), self.sender(asked), "malformed", page).await;
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    pub(super) async fn refuse_too_many(&self, asked: &Asked, target: Option<&Target>) -> Answer {
        let page =
            Page::new(StatusCode::TOO_MANY_REQUESTS, "refused", "Too many requests").line("This device asks for more than one device may. Wait a little.");
        let mut answer = self.refuse(asked, target, self.sender(asked), "too-many", page).await;
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
        answer
    }

    pub(super) async fn ask_password(&self, asked: &Asked, target: &Target, heading: &'static str) -> Answer {
        let page = Page::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "refused", heading).line("Give your school name and password to use the web.");
        let mut answer = self.refuse(asked, Some(target), Identity::unknown(), "password", page).await;
        answer.headers_mut().insert(PROXY_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Usher\", charset=\"UTF-8\""));
        answer
    }
}

/// The URL as a page shows it: not longer than a person reads.
fn shown(target: &Target) -> String {
    short(&target.as_asked())
}

fn short(url: &str) -> String {
    let short: String = url.chars().take(120).collect();
    if short.len() < url.len() { short + "…" } else { short }
}
