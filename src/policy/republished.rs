//! Pages that show or lead to others ([`crate::insight::republished`]): judged as themselves and as what they show, and the graver decision holds. Pure.
//!
//! What is illegal is gravest, then what is blocked, then what is warned about; of two alike the page itself decides. The permit is always for the page
//! that was asked for. What is allowed says what it shows too, so that the record does.
//!
//! Each site has a warning of its own ([`Reason::warned_of`]): who was let on to one is not let on to a page that names it, nor the other way round.
//!
//! Of a tunnel the name alone may say what is shown. Such a site is looked into where what it shows would be, unless the school never looks into
//! what it is itself.

use super::opinion::Court;
use super::rewrite::Lead;
use super::safesearch::Safe;
use super::{Action, Circumstances, ConnectVerdict, Decision, InspectPermit, Reason, RequestVerdict};
use crate::category::CategorySet;
use crate::host::Host;
use crate::insight::republished::{Other, Shown, Way, shown};
use crate::lists::Found;
use crate::url::Url;
use std::borrow::Cow;

/// Why a page that shows or leads to another was judged as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Republished {
    /// What shows it.
    pub by: Cow<'static, str>,
    /// What it does with the other page.
    pub way: Way,
    /// The other page's host.
    pub site: Host,
    /// The other page in its one spelling; of what passes its host.
    pub page: String,
    /// What the other page is listed under.
    pub categories: CategorySet,
    /// Why: of the graver decision on the two.
    pub reason: Reason,
}

/// The most of the other page's address that stands in a reason, in bytes.
const LONGEST_SHOWN: usize = 200;

impl Republished {
    /// The reason with the other page named.
    #[must_use]
    pub fn named(by: impl Into<Cow<'static, str>>, way: Way, url: &Url, categories: CategorySet, reason: Reason) -> Reason {
        let text = url.text();
        let page = match &text[..text.floor_char_boundary(LONGEST_SHOWN)] {
            whole if whole.len() == text.len() => whole.to_owned(),
            start => format!("{start}…"),
        };
        Reason::Republished(Box::new(Self { by: by.into(), way, site: url.host.clone(), page, categories, reason }))
    }

    /// The reason of what passes, with the other page's site named: the page's whole address is on record anyway, and a reason that is another each time
    /// is kept each time.
    #[must_use]
    pub fn passing(by: &'static str, way: Way, url: &Url, categories: CategorySet, reason: Reason) -> Reason {
        Reason::Republished(Box::new(Self { by: by.into(), way, site: url.host.clone(), page: url.host.to_string(), categories, reason }))
    }
}

/// May this request be forwarded? `led`: where a rule led it here.
pub(super) fn request(court: &Court<'_>, url: &Url, found: &Found, around: Circumstances<'_>, led: Option<Lead>) -> Decision<RequestVerdict> {
    let own = court.decide_page_alone(url, found, around, led);
    let others = match shown(url) {
        Shown::These(others) if others.is_empty() => return own,
        Shown::These(others) => others,
        Shown::Endless if is_refusal(&own.reason, request_action(&own.verdict)) => return own,
        Shown::Endless => return Decision { verdict: RequestVerdict::Block, reason: Reason::Nested, ..own },
    };
    let level = court.policy.safe_search(around.identity.standing);
    others.iter().fold(own, |graver, other| {
        let found = around.lists.look_up(&other.url);
        let Decision { verdict, reason, .. } = court.decide_page_alone(&other.url, &found, around, None);
        // What the engine is asked it is asked by the site that shows it, without what would make it safe.
        let unsafe_search = Safe::at(&other.url.host, level).filter(|_| other.way == Way::Shows).and_then(|safe| safe.shown(other.url.text()));
        let (verdict, reason) = match unsafe_search {
            Some(why) if request_action(&verdict) < Action::Block && !matches!(reason, Reason::Rule { .. }) => (RequestVerdict::Block, Reason::Unsafe(why)),
            Some(_) | None => (verdict, reason),
        };
        if !is_graver((&reason, request_action(&verdict)), (&graver.reason, request_action(&graver.verdict))) {
            return Decision { reason: said(graver.reason, request_action(&graver.verdict), other, &found, reason), ..graver };
        }
        let reason = Republished::named(other.by, other.way, &other.url, found.categories, reason);
        Decision { verdict, reason, ..graver }
    })
}

/// May this tunnel be opened?
pub(super) fn connect(court: &Court<'_>, url: &Url, found: &Found, around: Circumstances<'_>) -> Decision<ConnectVerdict> {
    let own = court.decide_tunnel_alone(url, found, around);
    let others = match shown(url) {
        Shown::These(others) if others.is_empty() => return own,
        Shown::These(others) => others,
        Shown::Endless => return Decision { verdict: ConnectVerdict::Block, reason: Reason::Nested, ..own },
    };
    let is_sealed = !found.categories.intersection(court.policy.inspection.never).is_empty();
    let level = court.policy.safe_search(around.identity.standing);
    others.iter().fold(own, |graver, other| {
        let found = around.lists.look_up(&other.url);
        let mut shown = court.decide_tunnel_alone(&other.url, &found, around);
        if let (ConnectVerdict::Tunnel(_), Some(safe)) = (&shown.verdict, Safe::at(&other.url.host, level))
            && !matches!(shown.reason, Reason::Rule { .. })
        {
            shown = Decision { verdict: ConnectVerdict::Block, reason: Reason::Unsafe(safe.shown_sealed()), ..shown };
        }
        both(graver, shown, (other, &found), is_sealed, around.has_gone_past(&other.url.host))
    })
}

/// One decision of two on a tunnel: `own` on the site, `shown` on what its name says it shows.
fn both(
    own: Decision<ConnectVerdict>,
    shown: Decision<ConnectVerdict>,
    (other, found): (&Other, &Found),
    is_sealed: bool,
    has_continued: bool,
) -> Decision<ConnectVerdict> {
    let snapshot = own.snapshot;
    let (own_action, shown_action) = (connect_action(&own.verdict), connect_action(&shown.verdict));
    let is_graver = is_graver((&shown.reason, shown_action), (&own.reason, own_action));
    let illegal = shown.reason.is_always_blocked();
    let named = |reason| Republished::named(other.by, other.way, &other.url, found.categories, reason);
    let (verdict, reason) = match (own.verdict, shown.verdict) {
        (ConnectVerdict::Block, _) if !is_graver => (ConnectVerdict::Block, own.reason),
        (ConnectVerdict::Block, _) => (ConnectVerdict::Block, named(shown.reason)),
        // A page can be shown: each request is judged with what it shows. What is illegal is not connected to at all.
        (ConnectVerdict::Inspect(permit), _) if !illegal => {
            let reason = if is_graver { named(shown.reason) } else { own.reason };
            (ConnectVerdict::Inspect(permit.at_least(shown_action)), reason)
        }
        (ConnectVerdict::Tunnel(permit), ConnectVerdict::Inspect(_)) if !is_sealed => {
            (ConnectVerdict::Inspect(InspectPermit::instead_of(permit, shown_action)), named(shown.reason))
        }
        (ConnectVerdict::Inspect(_) | ConnectVerdict::Tunnel(_), ConnectVerdict::Block) => (ConnectVerdict::Block, named(shown.reason)),
        (ConnectVerdict::Tunnel(permit), ConnectVerdict::Inspect(_)) => match shown_action {
            Action::Allow => (ConnectVerdict::Tunnel(permit), said(own.reason, own_action, other, found, shown.reason)),
            Action::Warn if has_continued => (ConnectVerdict::Tunnel(permit), named(shown.reason.continued())),
            Action::Warn => (ConnectVerdict::Block, named(shown.reason.without_a_page())),
            Action::Block => (ConnectVerdict::Block, named(shown.reason)),
        },
        (own_verdict @ (ConnectVerdict::Inspect(_) | ConnectVerdict::Tunnel(_)), _) => (own_verdict, said(own.reason, own_action, other, found, shown.reason)),
    };
    Decision { verdict, reason, snapshot }
}

/// Why something passed, or did not because of itself: what passed says what it shows, for whichever of the two a rule speaks.
fn said(own: Reason, action: Action, other: &Other, found: &Found, shown: Reason) -> Reason {
    match own {
        Reason::Unlisted if action == Action::Allow => Republished::passing(other.by, other.way, &other.url, found.categories, shown),
        own @ (Reason::Rule { .. } | Reason::Category { .. } | Reason::Continued(_)) if action == Action::Allow => {
            Republished::passing(other.by, other.way, &other.url, found.categories, own)
        }
        own => own,
    }
}

fn is_graver(one: (&Reason, Action), other: (&Reason, Action)) -> bool {
    let gravity = |(reason, action): (&Reason, Action)| (reason.is_always_blocked(), action);
    gravity(one) > gravity(other)
}

fn is_refusal(reason: &Reason, action: Action) -> bool {
    reason.is_always_blocked() || action == Action::Block
}

fn request_action(verdict: &RequestVerdict) -> Action {
    match verdict {
        RequestVerdict::Forward(_) | RequestVerdict::Elsewhere(_) => Action::Allow,
        RequestVerdict::Warn => Action::Warn,
        RequestVerdict::Block => Action::Block,
    }
}

fn connect_action(verdict: &ConnectVerdict) -> Action {
    match verdict {
        ConnectVerdict::Tunnel(_) => Action::Allow,
        ConnectVerdict::Inspect(permit) => permit.site(),
        ConnectVerdict::Block => Action::Block,
    }
}
