//! Connections to sites that are blocked or warned about and are not looked into, where the page that says so can be shown all the same: their TLS ends
//! here, no site is connected to, and each is good for one request. And what sends a client to ask again on another connection.

use super::error::ProxyError;
use super::request::{Answer, Asked, own_answer};
use super::streams::Goodbye;
use super::target::Target;
use super::{Proxy, Worker};
use crate::audit::{Outcome, Pending, Verdict};
use crate::identity::Identity;
use crate::policy::gate::{BlockPage, ClientCertificates};
use crate::policy::{Circumstances, ConnectVerdict, Decision, Reason};
use crate::tls::refusal::Refusal;
use crate::url::{Scheme, Url};
use http::header::{CACHE_CONTROL, CONNECTION, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode};

/// What a connection is for whose TLS ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its requests are judged, and may be sent on.
    Serve,
    /// Its site is blocked or warned about: to show the page that says so. Nothing is sent on. With whether the program must be known to trust us.
    Explain(BlockPage),
}

impl Worker {
    /// Answers a request in a connection that was made to show a page: with that page, whatever it asks for. The connection ends with it, so that the next
    /// one is judged as it is then.
    pub(super) async fn explain(&self, asked: &Asked, target: &Target, identity: &Identity) -> Answer {
        let url = target.url();
        let tunnel = Target::Tunnel(Url::new(Scheme::Https, url.host.clone(), url.port, ""));
        let found = asked.snapshot.lists.look_up(tunnel.url());
        let moment = asked.snapshot.timetable.moment(asked.now);
        let past = self.past(asked, identity);
        let around = Circumstances { method: Method::CONNECT.as_str(), ..self.circumstances(asked, identity, &moment, &past) };
        let Decision { verdict, reason, .. } = asked.snapshot.court().decide_connect(tunnel.url(), &found, around);
        let ConnectVerdict::Block = verdict else { return self.again(asked, target, identity).await };
        let (verdict, page, reason) = match reason.with_a_page() {
            Some(warning) => (Verdict::Warned, self.warning_page(asked, target, identity, &warning), warning),
            None => (Verdict::Blocked, self.block_page(asked, target, &reason), reason),
        };
        let mut answer = match self.open_record(asked, self.judged(asked, target, identity, &found, verdict, &reason)).await {
            Ok(pending) => own_answer(asked, &page, Some(pending), &self.settings.school),
            Err(answer) => answer,
        };
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    /// Has a client ask again on a connection of its own.
    async fn again(&self, asked: &Asked, target: &Target, identity: &Identity) -> Answer {
        match self.answered(asked, target, identity, "again", "It is judged anew on another connection.").await {
            Ok(pending) => again(asked, target, pending),
            Err(answer) => answer,
        }
    }

    /// The answer to a request that failed at its origin. A site that lets in only who shows a certificate is remembered; where its group has such sites
    /// passed sealed, the client is to ask again, and is passed then.
    pub(super) fn failed_at_origin(&self, asked: &Asked, target: &Target, error: &ProxyError, mut pending: Pending) -> Answer {
        if let ProxyError::Tls(Refusal::WantsClientCertificate) = error
            && let Some(inside) = &asked.conn.inside
            // A rule may have led elsewhere: that says nothing of this site.
            && target.url().host == inside.host
            && inside.inspector.memory.asking.found(&inside.host, inside.port, asked.now)
            && inside.may_seal
        {
            pending.note(format!("{error}; the client is to ask again, and is passed sealed then"));
            return again(asked, target, pending);
        }
        self.failed(asked, error, pending)
    }
}

fn again(asked: &Asked, target: &Target, mut pending: Pending) -> Answer {
    let mut response = Response::new(bytes::Bytes::new());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(url) = HeaderValue::try_from(target.as_asked()) {
        response.headers_mut().insert(LOCATION, url);
    }
    pending.expect(Outcome::Complete);
    let mut answer = super::request::finish(asked, super::pages::refer(response, pending.id()), Some(pending));
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer.extensions_mut().insert(Goodbye);
    answer
}

impl Proxy {
    /// Whether the page that says why a site is blocked can be shown in place of a tunnel to it: for which group's setting.
    pub(super) fn shows_page(&self, asked: &Asked, identity: &Identity, reason: &Reason) -> Option<BlockPage> {
        let inspector = self.inspector.as_ref()?;
        // A closed port is not about the site.
        if matches!(reason, Reason::Port(_)) {
            return None;
        }
        let setting = asked.snapshot.policy.gate(identity.standing).block_page;
        let shows = match setting {
            BlockPage::Always => true,
            BlockPage::WhenTrusted => inspector.memory.devices.may_trust(asked.client(), asked.now),
            BlockPage::Never => false,
        };
        shows.then_some(setting)
    }

    /// Whether a site that is looked into is passed sealed because it lets in only who shows a certificate.
    pub(super) fn asks_for_certificate(&self, asked: &Asked, identity: &Identity, url: &Url) -> bool {
        self.inspector.as_ref().is_some_and(|inspector| inspector.memory.asking.knows(&url.host, url.port, asked.now))
            && asked.snapshot.policy.gate(identity.standing).client_certificates == ClientCertificates::Sealed
    }
}
