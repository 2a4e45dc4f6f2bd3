//! Two forms of one web proxy at one site: one may be anybody's address, two are hardly anybody else's. Pure, with memory: which forms somebody asked a site
//! for in the last minutes.
//!
//! Four of Rammerhead's calls are named as other people name theirs (`/newsession` and its kin), and so are some places of other kits: of those alone it
//! takes three.

use super::forms::Form;
use super::{Certainty, Finding};
use crate::bounded;
use smallvec::SmallVec;
use std::collections::HashMap;

/// How far apart two forms may be, in milliseconds.
pub const WITHIN_MS: u64 = 120_000;
/// How long a site that was found out stays so, in milliseconds, from the last form on: its pages have one form only.
pub const KNOWN_MS: u64 = 3_600_000;
/// The most sites of people that are remembered.
const MOST: usize = 2048;

/// What somebody asked a site for.
#[derive(Debug, Default)]
struct Asked {
    /// Each form, and when last.
    forms: SmallVec<[(Form, u64); 4]>,
    last_ms: u64,
    is_known: bool,
}

impl Asked {
    fn is_over(&self, now_ms: u64) -> bool {
        self.last_ms + if self.is_known { KNOWN_MS } else { WITHIN_MS } <= now_ms
    }
}

/// Which forms people asked sites for.
#[derive(Debug, Default)]
pub struct Pairs(HashMap<(u64, u64), Asked>);

impl Pairs {
    /// Somebody asked a site, each a number, for an address of this form at a time in milliseconds. The finding as it was, or nearly certain where that is not
    /// the only form.
    pub fn see(&mut self, (person, site): (u64, u64), form: Form, at_ms: u64, finding: Finding) -> Finding {
        if self.0.len() >= MOST && !self.0.contains_key(&(person, site)) {
            self.make_room(at_ms);
        }
        let asked = self.0.entry((person, site)).or_default();
        if asked.is_over(at_ms) {
            *asked = Asked::default();
        }
        asked.last_ms = at_ms.max(asked.last_ms);
        match asked.forms.iter_mut().find(|(known, _)| *known == form) {
            Some((_, last)) => *last = at_ms.max(*last),
            None => asked.forms.push((form, at_ms)),
        }
        let near = || asked.forms.iter().filter(|(known, at)| known.of() == form.of() && at.abs_diff(at_ms) < WITHIN_MS);
        let least = if near().all(|(known, _)| known.may_be_anybodys()) { 3 } else { 2 };
        let count = near().count();
        asked.is_known |= count >= least;
        if !asked.is_known {
            return finding;
        }
        let seen = format!("{}, and other addresses of its kind at this site", finding.seen);
        Finding { target: finding.target, page: finding.page, ..Finding::new(finding.code, &seen).with(Certainty::Near) }
    }

    fn make_room(&mut self, now_ms: u64) {
        self.0.retain(|_, asked| !asked.is_over(now_ms));
        bounded::make_room(&mut self.0, MOST, |asked| asked.last_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{forms, paths};
    use super::*;
    use paths::For;

    fn in_path(path: &str) -> Option<Finding> {
        forms::in_path(path).or_else(|| paths::in_path(path, || For::Run))
    }

    fn form(path: &str) -> Option<Form> {
        forms::form(path).or_else(|| paths::form(path, || For::Run))
    }

    const AT: (u64, u64) = (1, 1);
    const SESSION: &str = "/0123456789abcdef0123456789abcdef/https://www.tiktok.com/x";

    /// How certain each is, asked for one after the other, so many seconds apart.
    fn certain(paths: &[&str], apart: u64) -> Vec<bool> {
        let mut pairs = Pairs::default();
        let see = |(nth, path): (u64, &&str)| {
            let finding = in_path(path).unwrap_or_else(|| panic!("{path}"));
            let found = pairs.see(AT, form(path).expect("a form"), 1_000_000 + nth * apart * 1000, finding.clone());
            assert_eq!((found.code, &found.target, &found.page), (finding.code, &finding.target, &finding.page));
            found.certainty == Certainty::Near
        };
        (0..).zip(paths).map(see).collect()
    }

    #[test]
    fn two_forms_of_one_web_proxy_at_one_site_are_nearly_certain() {
        assert_eq!(certain(&["/mainport", "/needpassword"], 1), [false, true]);
        assert_eq!(certain(&["/newsession", SESSION, SESSION], 60), [false, true, true]);
        assert_eq!(certain(&["/rammerhead.js", "/worker-hammerhead.js"], 1), [false, true]);
        assert_eq!(certain(&["/?__cpo=1", "/__cpi.php?s=1", "/x/__cpa.cp.js"], 1), [false, true, true]);
        // One form, however often; another web proxy's; too far apart; names that others have too.
        assert_eq!(certain(&[SESSION, "/0123456789abcdef0123456789abcdef/_rhsx", SESSION], 1), [false; 3]);
        assert_eq!(certain(&["/?__cpo=1", "/?__cpo=2"], 1), [false; 2]);
        assert_eq!(certain(&["/mainport", "/?__cpo=1"], 1), [false; 2]);
        assert_eq!(certain(&["/mainport", SESSION], 120), [false; 2]);
        assert_eq!(certain(&["/newsession", "/deletesession", "/newsession"], 1), [false; 3]);
        assert_eq!(certain(&["/newsession", "/deletesession", "/editsession"], 1), [false, false, true]);
        // Of other kits as well, whichever they are.
        assert_eq!(certain(&["/uv/uv.bundle.js", "/uv/uv.bundle.js", "/uv/uv.config.js"], 1), [false, false, true]);
        assert_eq!(certain(&["/scram/scramjet.all.js", "/baremux/index.js"], 1), [false, true]);
        assert_eq!(certain(&["/bare/v3/", "/epoxy/index.mjs", "/libcurl/index.mjs"], 1), [false, false, true]);
        assert_eq!(certain(&["/uv/uv.bundle.js", "/mainport"], 1), [false; 2]);
        // What is known stays so while it is used.
        assert_eq!(certain(&["/mainport", "/needpassword"], 119), [false, true]);
        assert_eq!(certain(&[&["/mainport", "/newsession"][..], &[SESSION; 4]].concat(), 100)[1..], [true; 5]);
    }

    #[test]
    fn each_person_and_site_is_by_itself_and_what_is_kept_is_bounded() {
        let mut pairs = Pairs::default();
        let mut see = |key, path: &str, at| pairs.see(key, form(path).expect("a form"), at, in_path(path).expect("found")).certainty == Certainty::Near;
        assert!(!see((1, 1), "/mainport", 0) && !see((2, 1), "/needpassword", 1) && !see((1, 2), "/needpassword", 2) && see((1, 1), "/needpassword", 3));
        assert!(see((1, 1), SESSION, KNOWN_MS) && !see((1, 1), SESSION, 3 * KNOWN_MS), "an hour after its last");
        for person in 0..10_000 {
            see((person, 9), "/mainport", person);
        }
        assert!(pairs.0.len() <= MOST);
    }
}
