//! Pages that pretend to be another in the browser's tab.
//!
//! A web proxy's page opens an empty window (`about:blank`), fills it with a frame of itself under the title and the icon of Google Drive, and sends the tab
//! it came from on to a site that any teacher likes to see. The filter sees all of that:
//!
//! - **the icon**: a tab's icon of Google's, asked for by a page that is none of Google's ([`icon`]);
//! - **the leap**: a frame that no page is named for, and within moments, from the same site, the tab going on to a well-known school site without a click
//!   ([`Leaps`]).

use super::{Code, Finding};
use crate::insight::site::Site;
use std::collections::VecDeque;

/// Where Google's icons are.
const ICONS: &str = "ssl.gstatic.com";
/// The icons that stand in tabs, as their paths begin. Those that pages show beside a link to a document are others.
const IN_TABS: [&str; 7] = [
    "/docs/doclist/images/drive_",
    "/docs/doclist/images/infinite_arrow_favicon",
    "/docs/documents/images/kix-favicon",
    "/docs/spreadsheets/favicon",
    "/docs/spreadsheets/forms/favicon",
    "/docs/presentations/images/favicon",
    "/classroom/",
];

/// Whether [`icon`] is to be asked of what a host is asked for.
#[must_use]
pub fn is_host_of_icons(host: &str) -> bool {
    host == ICONS
}

/// A tab's icon of Google's that a page of another's asks for. `referrer`: the page, as the request says.
#[must_use]
pub fn icon(path: &str, referrer: &str) -> Option<Finding> {
    let icon = IN_TABS.into_iter().find(|icon| path.starts_with(icon))?;
    let page = crate::url::Url::parse(referrer).ok()?;
    let host = page.host.as_str();
    let is_google =
        Site::of(host).name == "google" || matches!(Site::registered(host), "gstatic.com" | "googleusercontent.com" | "withgoogle.com" | "youtube.com");
    (!is_google).then(|| Finding::new(Code::Cloak, &format!("the icon {ICONS}{icon}… on a page of {host}")))
}

/// Where the tab goes that a web proxy was opened from: sites that are always fine to look at.
const DECOYS: [&str; 14] = [
    "kahoot.it", "classroom.google.com", "drive.google.com", "docs.google.com", "slides.google.com", "nasa.gov", "blooket.com", "clever.com", "edpuzzle.com",
    "khanacademy.org", "wikipedia.org", "dictionary.com", "desmos.com", "quizlet.com",
];

/// Whether the tab may be sent there.
#[must_use]
pub fn is_decoy(host: &str) -> bool {
    DECOYS.iter().any(|decoy| host.strip_suffix(decoy).is_some_and(|below| below.is_empty() || below.ends_with('.')))
}

/// How far apart the frame and the leap may be, in milliseconds.
const MOMENTS: u64 = 3000;
/// How many of either are remembered.
const MOST: usize = 512;

/// One half of what is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// A frame of the site, loaded by a page that is not named.
    Frame,
    /// The tab goes on from the site to a decoy, and nobody clicked.
    Leap,
}

/// Remembers what happened moments ago: so many halves at most, whoever they are of.
#[derive(Debug, Default)]
pub struct Leaps {
    seen: VecDeque<(u64, u64, Half, u64)>,
}

impl Leaps {
    /// One half of it: of a person, at a site, each a number, at this time in milliseconds. What is found where the other half was seen moments ago.
    pub fn see(&mut self, (person, site): (u64, u64), half: Half, at_ms: u64) -> Option<Finding> {
        let is_other = |(of, from, which, at): &(u64, u64, Half, u64)| *of == person && *from == site && *which != half && at_ms.abs_diff(*at) <= MOMENTS;
        if let Some(place) = self.seen.iter().rposition(is_other) {
            self.seen.remove(place);
            return Some(Finding::new(Code::Cloak, "a frame that no page is named for, and within moments the tab gone on to a school site without a click"));
        }
        if self.seen.len() >= MOST {
            self.seen.pop_front();
        }
        self.seen.push_back((person, site, half, at_ms));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_of_googles_belongs_on_googles_pages() {
        let drive = "/docs/doclist/images/drive_2022q3_32dp.png";
        for (path, referrer, expected) in [
            (drive, "https://maths-help.example/", true),
            ("/classroom/favicon.png", "https://maths-help.example/x", true),
            (drive, "https://drive.google.com/", false),
            (drive, "https://www.google.co.uk/", false),
            (drive, "https://docs.google.com/document/d/1", false),
            (drive, "https://google.maths-help.example/", true),
            (drive, "", false),
            ("/docs/doclist/images/mediatype/icon_1_pdf_x16.png", "https://moodle.school.example/", false),
            ("/images/branding/x.png", "https://maths-help.example/", false),
        ] {
            assert_eq!(icon(path, referrer).map(|found| found.code), expected.then_some(Code::Cloak), "{path} {referrer}");
        }
        assert!(is_decoy("classroom.google.com") && is_decoy("en.wikipedia.org") && !is_decoy("notwikipedia.org") && !is_decoy("mail.google.com"));
    }

    #[test]
    fn a_frame_and_a_leap_within_moments_are_one_thing() {
        let mut leaps = Leaps::default();
        assert_eq!(leaps.see((1, 1), Half::Frame, 1000), None);
        // Another's, of another site, too late.
        assert_eq!(leaps.see((2, 1), Half::Leap, 1100), None);
        assert_eq!(leaps.see((1, 2), Half::Leap, 1100), None);
        assert_eq!(leaps.see((1, 1), Half::Leap, 4001), None);
        // In whichever order, and once.
        assert_eq!(leaps.see((1, 2), Half::Frame, 1200).map(|found| found.code), Some(Code::Cloak));
        assert_eq!(leaps.see((1, 2), Half::Frame, 1201), None);
        for person in 0..2000 {
            leaps.see((person, 9), Half::Frame, 5000);
        }
        assert_eq!(leaps.seen.len(), MOST);
    }
}
