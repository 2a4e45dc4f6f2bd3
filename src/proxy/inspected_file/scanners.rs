//! A file held whole and shown to virus scanners, and what they are told of it.

use super::passing::{Held, InspectedFile};
use super::{Brief, Refused, taker};
use crate::antivirus::icap::Message;
use crate::antivirus::{Antivirus, ScanError, Unscanned, Verdict as Scanned};
use crate::audit::Opening;
use crate::body::coding::{Coding, Codings};
use crate::telemetry::events::FileUnscanned;
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::response;
use std::sync::Arc;

/// Holds the file whole and shows it to the scanners. When it passes, it comes from where it is held.
pub(super) async fn scan(
    antivirus: &Arc<Antivirus>,
    brief: &Brief,
    head: &response::Parts,
    codings: Option<&Codings>,
    file: &mut InspectedFile,
) -> Result<(), Refused> {
    let settings = antivirus.settings();
    let most = settings.largest >> 20;
    let too_large = || Refused::Antivirus(format!("Files larger than {most} MiB cannot be scanned for viruses, and are blocked."));
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > settings.largest) {
        return if settings.larger == Unscanned::Pass { Ok(()) } else { Err(too_large()) };
    }
    let unscanned = |error: &dyn std::fmt::Display| {
        if antivirus.is_to_be_told() {
            FileUnscanned { error: &error.to_string() }.emit();
        }
        match settings.on_error {
            Unscanned::Pass => Ok(()),
            Unscanned::Block => Err(Refused::Antivirus(format!("It could not be scanned for viruses, so it is blocked: {error}."))),
        }
    };
    if !codings.is_some_and(|codings| codings.is_plain() || codings.only() == Some(Coding::Gzip)) {
        return unscanned(&"it is coded in a way that scanners do not undo");
    }
    let mut spool = match antivirus.spool(&taker(&brief.opening), declared).await {
        Ok(spool) => spool,
        Err(error) => return unscanned(&error),
    };
    match file.hold(&mut spool, settings.largest).await {
        Held::Whole => {}
        Held::Refused(text) => return Err(Refused::Rules(text)),
        Held::Large if settings.larger == Unscanned::Block => return Err(too_large()),
        Held::Large => {
            file.give_back(&spool, true);
            return Ok(());
        }
        Held::Unkept(error) => {
            // Nothing of it can pass: a part of it may be lost.
            let error = ScanError::Spool(error);
            unscanned(&error).ok();
            return Err(Refused::Antivirus(format!("It could not be scanned for viruses, so it is blocked: {error}.")));
        }
        Held::Failed(error) => {
            file.give_back(&spool, false);
            file.fail_with(error);
            // It is cut short, and its client is to know that; but what there is may be a virus.
            let message = message(brief, head);
            return match antivirus.scan_answer(&spool, &message).await {
                Ok(Scanned::Clean) => Ok(()),
                Ok(Scanned::Found(name)) => Err(found(&name)),
                Err(error) => unscanned(&error),
            };
        }
    }
    let verdict = antivirus.scan_answer(&spool, &message(brief, head)).await;
    file.give_back(&spool, false);
    match verdict {
        Ok(Scanned::Clean) => Ok(()),
        Ok(Scanned::Found(name)) => Err(found(&name)),
        Err(error) => unscanned(&error),
    }
}

pub(in crate::proxy) fn found(name: &str) -> Refused {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
    Refused::Antivirus(format!("The virus scanner found something in it: {shown}."))
}

/// What a scanner is told of an exchange: no more than it needs.
fn message(brief: &Brief, head: &response::Parts) -> Message {
    let request = request_head(&brief.opening, None);
    let status = head.status.as_u16();
    let mut response = format!("HTTP/1.1 {status} {}\r\n", head.status.canonical_reason().unwrap_or("Status")).into_bytes();
    add_fields(&mut response, &head.headers);
    Message { request, response: Some((response, status)) }
}

/// The head of a request as a scanner is shown it.
pub(in crate::proxy) fn request_head(opening: &Opening, fields: Option<&HeaderMap>) -> Vec<u8> {
    let Opening { method, scheme, host, port, path, .. } = opening;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let mut head = format!("{method} {scheme}://{host}:{port}{path} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    match fields {
        Some(fields) => add_fields(&mut head, fields),
        None => head.extend_from_slice(b"\r\n"),
    }
    head
}

/// The fields that say what a body is, and the end of a head.
fn add_fields(head: &mut Vec<u8>, fields: &HeaderMap) {
    for field in [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH] {
        for value in fields.get_all(&field) {
            head.extend_from_slice(field.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"\r\n");
}
