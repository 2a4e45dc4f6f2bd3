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
use tokio::net::TcpListener;

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
        let book = (self.books)();
        let desk = Desk { links: self.links, school: self.school, clock: self.around.clock.clone(), zone: book.timetable.zone.clone() };
        let serving = async {
            if let Some(address) = book.plan.links.listen {
                listen(address, desk).await;
            }
        };
        tokio::join!(notify::run(self.around), serving);
    }
}

async fn listen(address: SocketAddr, desk: Desk) {
    match TcpListener::bind(address).await {
        Ok(listener) => serve(listener, desk).await,
        // Links still work through the proxy, and the ladder goes on.
        Err(error) => LinksUnserved { address, error: &error }.emit(),
    }
}
