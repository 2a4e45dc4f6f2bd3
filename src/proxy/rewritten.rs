//! Requests that a rule of the school sends elsewhere, or answers with another address.
//!
//! What is on record is what was asked for; the reason says where it went. What it has become is judged like any request, before anything is sent.

use super::Worker;
use super::error::ProxyError;
use super::pages::Page;
use super::request::{Answer, Asked, own_answer};
use super::target::Target;
use crate::audit::Verdict;
use crate::identity::Identity;
use crate::lists::Found;
use crate::policy::rewrite::{Course, MOST_LEADS};
use crate::policy::{Decision, Lead, Reason, RequestVerdict};
use crate::url::{Url, split_port};
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;

/// A request for another address than was asked for.
fn target_of(address: &str) -> Option<Target> {
    let url = Url::parse(address).ok()?;
    let (_, rest) = address.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (_, port) = split_port(authority).ok()?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some(Target::Page { port: port.filter(|port| *port != url.scheme.default_port()), url, path })
}

fn path_of(target: &Target) -> &str {
    match target {
        Target::Page { path, .. } => path,
        Target::Tunnel(_) => "/",
    }
}

/// The rules that led here, the first first, each with where it led.
type Trail = Vec<(Arc<str>, String)>;

/// What was decided in the end, told with the way there.
fn along(trail: &Trail, reason: Reason) -> Reason {
    trail.iter().rev().fold(reason, |reason, (rule, to)| reason.sent(rule.clone(), to.clone()))
}

impl Worker {
    /// Answers a request that a rule sends elsewhere: with the address, or with what is decided of it there.
    pub(super) async fn answer_elsewhere(
        self: &Arc<Self>,
        mut asked: Asked,
        target: Target,
        identity: Identity,
        (mut lead, mut reason): (Lead, Reason),
        request: Request<Incoming>,
    ) -> Answer {
        let mut trail = Trail::new();
        let mut there = target.clone();
        let mut found = asked.snapshot.lists.look_up(target.url());
        for left in (0..=MOST_LEADS).rev() {
            let to = match lead.course(path_of(&there)) {
                Course::Redirect(to) => {
                    let reason = along(&trail, reason.redirected(lead.rule().clone(), to.clone()));
                    return self.redirect(&asked, &target, &identity, &found, &reason, &to).await;
                }
                Course::Send(to) => to,
            };
            let Some(next) = target_of(&to).filter(|_| left > 0) else { break };
            there = next;
            trail.push((lead.rule().clone(), to));
            let moment = asked.snapshot.timetable.moment(asked.now);
            found = asked.snapshot.lists.look_up(there.url());
            let past = self.past(&asked, &identity);
            let around = self.circumstances(&asked, &identity, &moment, &past);
            let Decision { verdict, reason: now, .. } = asked.snapshot.court().decide_led(there.url(), &found, around, Some(lead));
            let (verdict, now) = self.at_head(&mut asked, (&there, &found), &identity, (verdict, now));
            let (verdict, reason, page) = match verdict {
                RequestVerdict::Elsewhere(next) => {
                    (lead, reason) = (next, now);
                    continue;
                }
                RequestVerdict::Forward(permit) => {
                    let reason = along(&trail, now);
                    let entry = self.judged(&asked, &target, &identity, &found, Verdict::Allowed, &reason);
                    asked.let_through(&there, identity, &entry, &reason);
                    return self.forward(asked, permit, there, request, entry).await;
                }
                RequestVerdict::Warn => {
                    let reason = along(&trail, now);
                    let page = self.warning_page(&asked, &there, &identity, &reason);
                    (Verdict::Warned, reason, page)
                }
                RequestVerdict::Block => {
                    let reason = along(&trail, now);
                    let page = self.block_page(&asked, &target, &reason);
                    (Verdict::Blocked, reason, page)
                }
            };
            return match self.open_record(&asked, self.judged(&asked, &target, &identity, &found, verdict, &reason)).await {
                Ok(pending) => own_answer(&asked, &page, Some(pending), &self.settings.school),
                Err(answer) => answer,
            };
        }
        self.refuse(&asked, Some(&target), identity, "loop", ProxyError::Loop.page()).await
    }

    /// The answer that tells a client where to ask, on record.
    async fn redirect(&self, asked: &Asked, target: &Target, identity: &Identity, found: &Found, reason: &Reason, to: &str) -> Answer {
        // A form is to be sent on as it is (RFC 9110 section 15.4.8).
        let again = matches!(asked.method, Method::GET | Method::HEAD);
        let status = if again { StatusCode::FOUND } else { StatusCode::TEMPORARY_REDIRECT };
        let page = Page::new(status, "redirected", "This page is somewhere else").line(reason.text(&asked.snapshot.taxonomy));
        match self.open_record(asked, self.judged(asked, target, identity, found, Verdict::Answered, reason)).await {
            Ok(pending) => {
                let mut answer = own_answer(asked, &page, Some(pending), &self.settings.school);
                if let Ok(location) = HeaderValue::from_str(to) {
                    answer.headers_mut().insert(LOCATION, location);
                }
                answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                answer
            }
            Err(answer) => answer,
        }
    }
}
