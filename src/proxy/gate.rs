//! The gate of a tunnel: what its first bytes are, whether they agree with what it was asked for, and what becomes of it where they do not.
//!
//! The client's first bytes are read once and kept: they go on to the site, or are read again by our own handshake. A tunnel that is turned away is told so
//! in its own protocol, where it has one, and is on record twice: as the `CONNECT` that was answered, and as what it turned out to be.
//!
//! Why it is turned away is said in `unfit`; who turns away from our certificate is remembered in [`super::programs`]; what else its beginning says of a way
//! round the filter is found out in `entrance`.

use super::Worker;
use super::conn::Conn;
use super::connect::carry;
use super::entrance::{Said, agent_of, noise, not_tls};
use super::inside::user_of;
use super::limits::{FAREWELL, HELLO};
use super::listen::{Phase, reached};
use super::meaning::Entry;
use super::pace::Leash;
use super::request::Asked;
use super::target::Target;
use super::tunnel::End;
use super::unfit::{Because, Unfit};
use super::wire::Wire;
use crate::audit::{Outcome, Pending, Verdict};
use crate::bypass::first::First;
use crate::bypass::{Code, Finding};
use crate::host::Host;
use crate::identity::Identity;
use crate::policy::gate::{Names, NotTls};
use crate::policy::reason::Exempt;
use crate::policy::ways::Ways;
use crate::policy::{ConnectVerdict, Decision, Gate, TunnelPermit};
use crate::tls::hello::{self, Ech, Hello, Malformed, Name, Read};
use crate::tls::ja4::Class;
use bytes::BytesMut;
use http::header::HeaderMap;
use http::{Method, Version};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What a tunnel was asked with, until its beginning has been looked at.
pub(super) struct Entrant {
    pub(super) asked: Asked,
    pub(super) target: Target,
    pub(super) identity: Identity,
}

impl Entrant {
    pub(super) fn host(&self) -> &Host {
        &self.target.url().host
    }

    /// Its place among the connected.
    pub(super) fn conn(&self) -> Arc<Conn> {
        self.asked.conn.clone()
    }

    /// What is kept of it while its client may be silent: not the lists it was judged by.
    fn resting(self) -> Resting {
        let Self { asked: Asked { conn, method, version, headers, .. }, target, identity } = self;
        Resting { conn, method, version, headers, target, user: user_of(&identity) }
    }
}

/// A tunnel whose client may be silent for long, and which holds on to no lists.
struct Resting {
    conn: Arc<Conn>,
    method: Method,
    version: Version,
    headers: HeaderMap,
    target: Target,
    user: Option<Arc<str>>,
}

/// The beginning of a tunnel.
#[expect(clippy::large_enum_variant, reason = "one a tunnel, looked at where it is made")]
pub(super) enum Beginning {
    Hello(Hello),
    NotTls(First),
    Malformed(Malformed),
    /// The client has ended its half before anything was whole.
    Nothing,
}

/// Reads the beginning of a tunnel; it stays in `bytes`.
pub(super) async fn read_beginning(wire: &mut Wire, bytes: &mut BytesMut) -> Result<Beginning, Unfit> {
    loop {
        match hello::read(bytes) {
            Read::Hello(hello) => return Ok(Beginning::Hello(hello)),
            Read::NotTls(first) => return Ok(Beginning::NotTls(first)),
            Read::Malformed(why) => return Ok(Beginning::Malformed(why)),
            Read::More => {
                bytes.reserve(HELLO);
                match wire.read_buf(bytes).await {
                    Ok(0) => return Ok(Beginning::Nothing),
                    Ok(_) => {}
                    Err(error) => return Err(Unfit::Gone(Because(Some(error)))),
                }
            }
        }
    }
}

/// Ends when a site has spoken, or when its half has ended.
async fn spoken(site: &mut End) -> Option<()> {
    if !site.early.is_empty() {
        return Some(());
    }
    // A sealed tunnel's site is at the end of a connection of its own.
    let tcp = site.wire.tcp()?;
    tcp.readable().await.ok()?;
    match tcp.peek(&mut [0; 1]).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

/// Ends when Usher drains; never, where nobody tells.
pub(super) async fn draining(phase: Option<&mut watch::Receiver<Phase>>) {
    match phase {
        Some(phase) => reached(phase, Phase::Draining).await,
        None => std::future::pending().await,
    }
}

/// Whether a hello is for the host of its tunnel. `absent`: what becomes of one that names none.
pub(super) fn agree(hello: &Hello, tunnel: &Host, absent: impl FnOnce() -> Result<(), Unfit>) -> Result<(), Unfit> {
    let other = |named: String| Unfit::OtherName { tunnel: tunnel.clone(), named, ech: hello.ech != Ech::Absent };
    match &hello.name {
        Name::Host(name) if name == tunnel => Ok(()),
        Name::Host(name) => Err(other(name.to_string())),
        Name::Unusable(why) => Err(other(format!("what cannot be told: {why}"))),
        Name::Absent => absent(),
    }
}

impl Worker {
    /// Moves bytes through a sealed tunnel until both ends are done, if its beginning is as the group's gate has it.
    pub(super) async fn pass(&self, mut client: End, mut site: End, pending: Pending, entrant: Entrant, phase: Option<watch::Receiver<Phase>>) {
        let policy = &entrant.asked.snapshot.policy;
        let (gate, ways) = (policy.gate(entrant.identity.standing), policy.ways(entrant.identity.standing));
        // A tunnel may last all day: it keeps its place among the connected, and not the lists it was judged by.
        let resting = entrant.resting();
        let Said { note, found } = match self.look(&mut client, &mut site, &resting, (gate, ways), phase).await {
            Ok(said) => said,
            Err(unfit) => return self.turn_away(client.wire, pending, &self.awake(resting), &unfit).await,
        };
        let leash = Leash::of_tunnel(self.reins.clone(), resting.user.clone(), resting.conn.client.ip().to_canonical(), resting.target.url().clone());
        let place = resting.conn.clone();
        if !found.is_empty() {
            self.note_ways(&self.awake(resting), &found).await;
        }
        carry(client, site, (pending, leash), self.limits.tunnel_idle_time, note).await;
        drop(place);
    }

    /// A tunnel that rested, by the rules of now.
    fn awake(&self, resting: Resting) -> Entrant {
        let Resting { conn, method, version, headers, target, user } = resting;
        let asked = self.asked_anew(conn, (method, version), headers);
        let identity = self.identify_again(user.as_ref(), &asked.snapshot, asked.client());
        Entrant { asked, target, identity }
    }

    /// Looks at the beginning of a sealed tunnel. What is to be said of it on record, if it passes.
    async fn look(
        &self,
        client: &mut End,
        site: &mut End,
        resting: &Resting,
        (gate, ways): (Gate, Ways),
        mut phase: Option<watch::Receiver<Phase>>,
    ) -> Result<Said, Unfit> {
        let (passes, tunnel) = (gate.not_tls == NotTls::Pass, &resting.target.url().host);
        let limit = if passes { self.limits.tunnel_idle_time } else { self.limits.head_time };
        let beginning = tokio::select! {
            biased;
            beginning = read_beginning(&mut client.wire, &mut client.early) => beginning?,
            spoken = spoken(site) => return match spoken {
                Some(()) if passes => Ok(Said::noted("it is not TLS: the site spoke first".to_owned())),
                Some(()) => Err(Unfit::SiteFirst),
                None if passes => Ok(Said::default()),
                None => Err(Unfit::SiteGone),
            },
            () = draining(phase.as_mut()) => return Err(Unfit::Stopping),
            () = sleep(limit) => return Err(if passes { Unfit::Idle } else { Unfit::TooSlow }),
        };
        match beginning {
            Beginning::Hello(hello) => {
                let client = resting.conn.client.ip().to_canonical();
                let found = self.in_hello(&hello, Class::of(&hello), tunnel, (client, agent_of(&resting.headers)), ways)?;
                if gate.names == Names::Agree {
                    let absent = || if tunnel.address().is_some() { Ok(()) } else { Err(Unfit::NoName(tunnel.clone())) };
                    agree(&hello, tunnel, absent)?;
                }
                Ok(Said { note: None, found })
            }
            Beginning::NotTls(first) if passes => Ok(Said { note: Some(format!("it is not TLS, but {first}")), found: noise(first, &client.early, ways)? }),
            Beginning::NotTls(first) => Err(not_tls(first, &client.early)),
            // Some server may read it another way.
            Beginning::Malformed(why) => Err(Unfit::Malformed(why)),
            Beginning::Nothing if passes => Ok(Said::default()),
            Beginning::Nothing => Err(Unfit::Gone(Because(None))),
        }
    }

    /// Ends a tunnel that is turned away: on record first, then with a word in its own protocol.
    pub(super) async fn turn_away(&self, mut wire: Wire, mut pending: Pending, entrant: &Entrant, why: &Unfit) {
        pending.note(why.to_string());
        if matches!(why, Unfit::Noise) {
            pending.remark((&Finding::new(Code::Random, "noise")).into());
        }
        pending.close(why.outcome());
        if let Some(kind) = why.kind() {
            self.mark(&entrant.asked, &entrant.target, &entrant.identity, kind, super::error::sentence(&why.to_string())).await;
        }
        let farewell = why.farewell();
        if !farewell.is_empty() {
            // Whether it is still there to hear it makes no difference.
            let _ = timeout(FAREWELL, async {
                wire.write_all(&farewell).await?;
                wire.shutdown().await
            })
            .await;
        }
    }

    /// Passes a tunnel sealed that would be looked into.
    pub(super) async fn pass_exempt(&self, client: End, mut pending: Pending, entrant: Entrant, why: Exempt, said: String) {
        let Some((permit, entry)) = self.exempt(&entrant, why) else { return };
        pending.note(said.clone());
        pending.close(Outcome::Complete);
        // What cannot be reached or put on record is told by its own record; the client speaks another protocol than a page would.
        let Ok((site, pending)) = self.reach_sealed(&entrant.asked, permit, entry).await else { return };
        let _place = entrant.conn();
        let leash = Leash::of_tunnel(self.reins.clone(), user_of(&entrant.identity), entrant.asked.client(), entrant.target.url().clone());
        drop(entrant);
        carry(client, site, (pending, leash), self.limits.tunnel_idle_time, Some(said)).await;
    }

    /// Permission to pass a tunnel sealed that would be looked into, and what is on record then.
    pub(super) fn exempt(&self, entrant: &Entrant, why: Exempt) -> Option<(TunnelPermit, Entry)> {
        let Entrant { asked, target, identity } = entrant;
        let found = asked.snapshot.lists.look_up(target.url());
        let moment = asked.snapshot.timetable.moment(asked.now);
        let past = self.past(asked, identity);
        let around = self.circumstances(asked, identity, &moment, &past);
        let Decision { verdict, reason, .. } = asked.snapshot.court().decide_connect(target.url(), &found, around);
        let ConnectVerdict::Inspect(permit) = verdict else { return None };
        Some((permit.to_seal()?, self.judged(asked, target, identity, &found, Verdict::Allowed, &reason.exempt(why))))
    }
}
