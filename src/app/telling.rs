//! Telling, put together: what is to be told of alerts, by the settings that are in force.

use super::Reloader;
use crate::alert::links::Links;
use crate::alert::notify::{self, Around, Book, Books};
use crate::config::Config;
use crate::outputs::Clock;
use crate::proxy::links::{Desk, serve};
use crate::proxy::pages::School;
use crate::reach::Roots;
use crate::telemetry::events::LinksUnserved;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How often it is looked whether the school says something else.
const LOOK: Duration = Duration::from_secs(1);
/// After how long an address that could not be had is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What runs beside the proxy to tell people of alerts.
pub(super) struct Telling {
    around: Around,
    links: Arc<Links>,
    books: Books,
    school: School,
}

/// What telling needs of an installation, where these are its books.
#[must_use]
pub fn around(config: &Config, books: Books, secret: [u8; 32], clock: Clock) -> Around {
    let own_pages = format!("http://{}", config.settings.own_host);
    Around { folder: config.log(), outbox: config.outbox_path(), secret, own_pages, books, roots: Roots::System, clock }
}

impl Telling {
    /// By what the reloader read last.
    pub(super) fn new(config: &Config, reloader: Reloader, secret: [u8; 32], clock: Clock) -> Self {
        let books: Books = Arc::new(move || {
            let timetable = reloader.in_force.peek().timetable.clone();
            Arc::new(Book { plan: reloader.alerts().plan.clone(), timetable })
        });
        let links = Arc::new(Links::new(config.outbox_path(), config.log(), &secret));
        Self { around: around(config, books.clone(), secret, clock), links, books, school: config.settings.school.clone() }
    }

    /// The links, for the proxy's own pages.
    pub(super) fn links(&self) -> Arc<Links> {
        self.links.clone()
    }

    /// Tells, and serves the pages of links where the school wants that, until it is dropped.
    pub(super) async fn run(self) {
        let Self { around, links, books, school } = self;
        let clock = around.clock.clone();
        let serving = async {
            loop {
                let book = books();
                let desk = Desk { links: links.clone(), school: school.clone(), clock: clock.clone(), zone: book.timetable.zone.clone() };
                tokio::select! {
                    () = listen(book.plan.links.listen, desk) => {}
                    () = other(&books, &book) => {}
                }
            }
        };
        tokio::join!(notify::run(around), serving);
    }
}

/// Serves there, if anywhere, until it is dropped. An address that cannot be had is tried again, and told of once.
async fn listen(address: Option<SocketAddr>, desk: Desk) {
    let Some(address) = address else { return std::future::pending().await };
    let mut is_told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return serve(listener, desk).await,
            // Links still work through the proxy, and the ladder goes on.
            Err(error) if !is_told => LinksUnserved { address, error: &error }.emit(),
            Err(_) => {}
        }
        is_told = true;
        tokio::time::sleep(AGAIN).await;
    }
}

/// Waits until the school says something else of links.
async fn other(books: &Books, book: &Book) {
    let is_same = || {
        let now = books();
        now.plan.links.listen == book.plan.links.listen && now.timetable.zone == book.timetable.zone
    };
    while is_same() {
        tokio::time::sleep(LOOK).await;
    }
}
