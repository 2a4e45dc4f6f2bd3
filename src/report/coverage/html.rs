//! The page as HTML: one file that needs nothing from elsewhere, runs nothing, and prints on A4. askama escapes whatever is put in.

use super::words::{self, GLOSSARY, HOW_TO_MEET, HOW_TO_TELL, QUESTIONS, UNMET, WHAT_IT_IS};
use super::{Coverage, State};
use askama::Template;

#[derive(Template)]
#[template(path = "coverage/page.html", config = "src/report/askama.toml")]
struct Html<'a> {
    page: &'a Coverage,
    day: String,
    summary: String,
    scale: String,
    version: &'static str,
}

impl State {
    /// The class and the sign it has on the page. A sign, since colour alone says nothing on a grey print or to those who do not see it.
    fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Unmet => ("bad", "✕"),
            Self::NoList => ("bad", "○"),
            Self::Open => ("bad", "△"),
            Self::Start => ("some", "◔"),
            Self::Listed => ("good", "●"),
            Self::Licensed => ("good", "✓"),
        }
    }
}

impl Coverage {
    /// The page as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let html = Html { page: self, day: self.day(), summary: self.summary(), scale: words::scale(), version: env!("CARGO_PKG_VERSION") };
        // The template's only failure would be to run out of memory; then the words still go out.
        html.render().unwrap_or_else(|_| self.markdown())
    }
}
