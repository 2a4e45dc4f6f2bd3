//! A day as HTML: one file that needs nothing from elsewhere, runs nothing, and prints on A4. askama escapes whatever is put in.

use super::text::{Colours, INFERRED, counted, safe, size};
use super::{Folded, Line, Timeline, What};
use askama::Template;

/// The width of the text that stands in, should the page ever fail.
const WIDTH: usize = 100;

#[derive(Template)]
#[template(path = "timeline/page.html", config = "src/report/askama.toml")]
struct Html<'a> {
    page: &'a Timeline,
    day: String,
    summary: String,
    version: &'static str,
}

impl Line {
    /// The class of its row.
    fn class(&self) -> &'static str {
        match (self.stopped(), &self.what) {
            (Some(_), _) => "stopped",
            (None, What::Search { .. } | What::NotAsked { .. }) => "asked",
            (None, What::Visit { .. } | What::Part { .. }) => "",
        }
    }

    fn way(&self) -> &[String] {
        match &self.what {
            What::Visit { by_way_of, .. } => by_way_of,
            What::Search { .. } | What::NotAsked { .. } | What::Part { .. } => &[],
        }
    }
}

impl Folded {
    fn says(&self, what: &str) -> String {
        format!("{} {}, {}", counted(self.requests, what), self.named_hosts(), size(self.bytes))
    }
}

impl Timeline {
    /// The day as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let html = Html { page: self, day: self.day(), summary: self.summary(), version: env!("CARGO_PKG_VERSION") };
        // The template's only failure would be to run out of memory; then the words still go out. No name may turn the line it stands in.
        html.render().map(|page| safe(&page)).unwrap_or_else(|_| self.text(WIDTH, Colours::Plain))
    }
}
