//! How Usher itself stands, in checks that a person reads: what was looked at, a light, and a sentence. Pure: what is known goes in, checks come out.
//!
//! Here is what telling comes to; what the machine, the lists and the record come to is gathered by `app::health`, each by whoever already judges it.
//!
//! | red | since nobody would notice |
//! | --- | --- |
//! | nobody is told of danger | the one message that matters |
//! | a dead letter | that a message never came |
//! | no morning message was confirmed for `confirm_days` school days | that none of them comes |

use super::outbox::Counts;
use super::plan::Plan;
use super::routes::is_somebody;
use crate::telemetry::light::Light;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the check of morning messages is called.
pub const MORNING: &str = "morning message";

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What: `filter`, `record`, `lists`, `recipients`, ...
    pub what: String,
    /// How it stands.
    pub light: Light,
    /// What was seen, and what to do.
    pub words: String,
}

impl Check {
    /// A check.
    #[must_use]
    pub fn new(what: &str, light: Light, words: impl Into<String>) -> Self {
        Self { what: what.to_owned(), light, words: words.into() }
    }
}

/// Everything that was looked at, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// What was seen.
    pub checks: Vec<Check>,
}

impl Look {
    /// The worst of all lights.
    #[must_use]
    pub fn light(&self) -> Light {
        self.checks.iter().map(|check| check.light).max().unwrap_or(Light::Red)
    }

    /// Those that stand like this.
    pub fn of(&self, light: Light) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.light == light)
    }
}

/// Whether somebody is told of danger.
#[must_use]
pub fn recipients(red: Option<&str>) -> Check {
    const WHAT: &str = "recipients";
    match red {
        Some(red) => Check::new(WHAT, Light::Red, format!("{red}. Name a [[recipient]] in alerts.toml")),
        None => Check::new(WHAT, Light::Green, "somebody is told of danger"),
    }
}

/// What somebody should know of `alerts.toml`: of which danger nobody is told, steps to nobody, words nobody looks for.
#[must_use]
pub fn settings(remarks: &[String]) -> Check {
    const WHAT: &str = "alerts.toml";
    if remarks.is_empty() { Check::new(WHAT, Light::Green, "nothing to remark") } else { Check::new(WHAT, Light::Amber, remarks.join("; ")) }
}

/// What waits to be handed over, and what could not be.
#[must_use]
pub fn outbox(counts: Counts) -> Check {
    const WHAT: &str = "outbox";
    let Counts { waiting, failing, dead } = counts;
    let rest = format!("{waiting} waiting, {failing} of them tried in vain so far");
    match (dead, failing) {
        (0, 0) => Check::new(WHAT, Light::Green, format!("nothing is unsent; {waiting} waiting")),
        (0, _) => Check::new(WHAT, Light::Amber, format!("{rest}; see: usher alerts outbox")),
        (dead, _) => {
            Check::new(WHAT, Light::Red, format!("{} could not be handed over and given up; {rest}; see: usher alerts outbox", several(dead, "message")))
        }
    }
}

/// When each recipient's address last took a message. `taken`: by address in small letters.
#[must_use]
pub fn receipts(plan: &Plan, taken: &BTreeMap<String, Timestamp>, zone: &TimeZone) -> Check {
    const WHAT: &str = "receipts";
    let addressed = || plan.recipients.iter().filter_map(|one| Some((&*one.role, one.email.as_deref()?)));
    if addressed().next().is_none() {
        return Check::new(WHAT, Light::Amber, "nobody has an address");
    }
    let last = |(role, email): (&str, &str)| match taken.get(&email.to_lowercase()) {
        Some(at) => (true, format!("{role} ({email}) {}", day_and_time(*at, zone))),
        None => (false, format!("{role} ({email}) never")),
    };
    let all: Vec<_> = addressed().map(last).collect();
    let never = all.iter().filter(|(ever, _)| !ever).count();
    let told = all.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>().join(", ");
    let (light, hint) = if never == 0 { (Light::Green, "") } else { (Light::Amber, "; try the way with: usher alerts send-test ROLE") };
    Check::new(WHAT, light, format!("last taken by {told}{hint}"))
}

/// A morning message that was stated, and who has confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Morning {
    /// Its day.
    pub date: Date,
    /// When it was confirmed, and by whom.
    pub confirmed: Option<(Timestamp, String)>,
}

/// Whether morning messages are read. `mornings` are those before today, the newest first.
#[must_use]
pub fn confirmed(plan: &Plan, mornings: &[Morning], zone: &TimeZone) -> Check {
    const WHAT: &str = MORNING;
    let digest = &plan.digest;
    if digest.all_clear.is_none() {
        return Check::new(WHAT, Light::Amber, "none is sent: there is no all_clear under [digest] in alerts.toml");
    }
    if !digest.to.iter().any(|role| is_somebody(plan, role)) {
        return Check::new(WHAT, Light::Red, format!("it goes to nobody: no recipient with the role {}", digest.to.join(" or ")));
    }
    let unread = mornings.iter().take_while(|morning| morning.confirmed.is_none()).count();
    let last = mornings.iter().find_map(|morning| morning.confirmed.as_ref());
    let last = last.map_or_else(|| "none was ever confirmed".to_owned(), |(at, by)| format!("last confirmed {} by {by}", day_and_time(*at, zone)));
    let most = digest.confirm_days as usize;
    if most > 0 && unread >= most {
        let days = several(unread as u64, "school day");
        let words =
            format!("nobody has confirmed one for {days}, so nobody may be getting them; {last}. Ask whoever they go to, and try: usher alerts send-test ROLE");
        return Check::new(WHAT, Light::Red, words);
    }
    let words = if mornings.is_empty() { "none was sent before today".to_owned() } else { last };
    Check::new(WHAT, Light::Green, words)
}

/// `Fri 27 Nov 08:15`, in the school's time.
pub(super) fn day_and_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %H:%M").to_string()
}

/// `1 message`, `2 messages`.
pub(super) fn several(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::plan::{Digest, Recipient};
    use jiff::civil::{date, time};

    fn plan(roles: &[&str]) -> Plan {
        let one = |role: &&str| Recipient { role: (*role).into(), name: "X".into(), email: Some(format!("{role}@School.example").into()), user: None };
        let digest = Digest { all_clear: Some(time(8, 15, 0, 0)), to: vec!["officer".into()], confirm_days: 3, ..Digest::default() };
        Plan { recipients: roles.iter().map(one).collect(), digest, ..Plan::default() }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn what_cannot_be_handed_over_is_seen() {
        for (waiting, failing, dead, light) in [(0, 0, 0, Light::Green), (2, 0, 0, Light::Green), (2, 1, 0, Light::Amber), (0, 0, 1, Light::Red)] {
            let check = outbox(Counts { waiting, failing, dead });
            assert_eq!(check.light, light, "{check:?}");
        }
    }

    #[test]
    fn nobody_to_tell_is_red_and_a_hole_is_amber() {
        let red = recipients(Some("Nobody is told of danger: no recipient with the role officer"));
        assert_eq!(red.light, Light::Red);
        assert!(red.words.starts_with("Nobody is told of danger: no recipient with the role officer"), "{red:?}");
        let lights = (recipients(None).light, settings(&["a hole".into()]).light, settings(&[]).light);
        assert_eq!(lights, (Light::Green, Light::Amber, Light::Green));
    }

    #[test]
    fn an_address_that_never_took_anything_is_named() {
        let plan = plan(&["officer", "head"]);
        let taken = BTreeMap::from([("officer@school.example".to_owned(), at("2026-11-26T08:15:03Z"))]);
        let check = receipts(&plan, &taken, &TimeZone::UTC);
        assert_eq!(check.light, Light::Amber);
        assert!(check.words.contains("officer (officer@School.example) Thu 26 Nov 08:15, head (head@School.example) never"), "{check:?}");
    }

    #[test]
    fn mornings_that_nobody_confirms_are_red_after_so_many_school_days() {
        let morning = |day, is_read: bool| Morning { date: date(2026, 11, day), confirmed: is_read.then(|| (at("2026-11-23T08:21:00Z"), "Ms Bell".into())) };
        let days = [morning(26, false), morning(25, false), morning(24, false), morning(23, true)];
        let light = |mornings: &[Morning]| confirmed(&plan(&["officer"]), mornings, &TimeZone::UTC).light;
        assert_eq!((light(&days), light(&days[1..]), light(&days[3..]), light(&[])), (Light::Red, Light::Green, Light::Green, Light::Green));
        assert!(confirmed(&plan(&["officer"]), &days, &TimeZone::UTC).words.contains("for 3 school days"));
        let mut never = plan(&["officer"]);
        never.digest.confirm_days = 0;
        assert_eq!(confirmed(&never, &days, &TimeZone::UTC).light, Light::Green);
        assert_eq!(confirmed(&plan(&["head"]), &days[3..], &TimeZone::UTC).light, Light::Red, "it goes to nobody");
    }
}
