//! What is remembered of programs that take the school's certificate or turn away from it, of the devices they run on, and of sites that want certificates
//! of their own. What follows from it is in [`crate::tls::pins`].

use super::gate::Entrant;
use super::inside::Inside;
use super::limits::SAVES;
use super::request::Asked;
use super::unfit::Sign;
use super::{Inspector, Worker};
use crate::policy::gate::Pinned;
use crate::policy::reason::Exempt;
use crate::telemetry::events;
use crate::tls::asking::Asking;
use crate::tls::devices::Devices;
use crate::tls::hello::Hello;
use crate::tls::ja4::{Class, Ja4};
use crate::tls::pins::Pins;
use crate::tls::pins::book::{May, State, Turned, Why};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::sleep;

/// What is remembered of programs, devices and sites.
pub struct Memory {
    /// Programs that take no certificate but a site's own.
    pub pins: Pins,
    /// Devices that trust the school's authority.
    pub devices: Devices,
    /// Sites that let in only who shows a certificate.
    pub asking: Asking,
    /// Whether what is new of programs is about to be written.
    saves: AtomicBool,
}

impl Memory {
    /// With what is kept of programs.
    #[must_use]
    pub fn new(pins: Pins) -> Self {
        Self { pins, devices: Devices::default(), asking: Asking::default(), saves: AtomicBool::new(false) }
    }

    /// Writes what is new of programs before long, and not more often than [`SAVES`], however much there is.
    fn save_soon(&self, inspector: &Arc<Inspector>) {
        if self.saves.swap(true, Ordering::AcqRel) {
            return;
        }
        let inspector = inspector.clone();
        tokio::spawn(async move {
            sleep(SAVES).await;
            inspector.memory.saves.store(false, Ordering::Release);
            // Where it fails, it is told, and tried again within a minute.
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || inspector.memory.pins.save()).await {
                events::PinsUnusable { error: &error }.emit();
            }
        });
    }
}

impl Worker {
    /// What is known of a program that turned away from our certificate, put to what is remembered.
    pub(super) async fn turned_from(&self, entrant: &Entrant, hello: &Hello, class: Class, sign: Sign) {
        let Some(inspector) = self.inspector.clone() else { return };
        let Entrant { asked, identity, .. } = entrant;
        let group = asked.snapshot.policy.group_name(identity.standing).to_string();
        let (sign, is_said) = match sign {
            Sign::Alert(alert) => (format!("TLS alert {alert}"), true),
            Sign::Left(how) => (how.to_owned(), false),
        };
        let turned = Turned { ja4: Ja4::of(hello).to_string(), sign, is_said, group };
        let host = entrant.host().clone();
        let news = inspector.memory.pins.turned(&host, class, turned, self.may_pin(entrant), asked.now);
        if let Some(state) = news {
            if !matches!(state, State::Noted(_)) {
                events::PinFound { host: &host, program: &class, state: &state.to_string() }.emit();
            }
            inspector.memory.save_soon(&inspector);
        }
    }

    /// What may come of a program that turns away.
    fn may_pin(&self, entrant: &Entrant) -> May {
        let gate = entrant.asked.snapshot.policy.gate(entrant.identity.standing);
        let knows = |inspector: &Arc<Inspector>| inspector.memory.devices.may_trust(entrant.asked.client(), entrant.asked.now);
        match gate.pinned {
            Pinned::Never => May::Note(Why::Group),
            Pinned::Learn | Pinned::Ask if self.exempt(entrant, Exempt::Pinned).is_none() => May::Note(Why::Site),
            Pinned::Ask => May::Ask,
            Pinned::Learn if self.inspector.as_ref().is_some_and(knows) => May::Pass,
            Pinned::Learn => May::Note(Why::DeviceUnknown),
        }
    }
}

impl Inside {
    /// Whether a request has come.
    pub(super) fn has_asked(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }

    /// Notes that a request has come: then the program has taken our certificate.
    pub(super) fn note_request(&self, asked: &Asked) {
        if !self.taken.swap(true, Ordering::AcqRel) {
            let memory = &self.inspector.memory;
            memory.devices.took(asked.client(), self.class, asked.now);
            memory.pins.took(&self.host, self.class, asked.now);
        }
    }
}
