//! Programs that are not what they say, or that are new for a device, by the hellos with which they connect. Pure, with memory: which classes of hellos each
//! version of each browser has at this school, and which each device.
//!
//! - **Not what it says** ([`Code::OtherProgram`]): its `User-Agent` is a browser's, of one version and system, and its hello is one that this browser has on no
//!   other device, while five devices agree on another. Only browsers are compared: what else there is connects as it likes.
//! - **New for the device** ([`Code::NewProgram`]): a device that has used the same programs for a week uses one that few have. What spreads is an update.
//!
//! No list of hellos is shipped: they age with each version. So nothing is found on the first five days, nor of a version that five devices do not have yet.
//! That all devices update on one day is nothing. A class is the one that `tls::ja4` gives a hello, as a number; devices are keyed hashes.

use super::{Code, Finding};
use crate::bounded;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;

/// How many devices make a hello a browser's own.
const DEVICES: usize = 5;
/// On how many days hellos are seen before anything is found.
const LEARNS_DAYS: usize = 5;
/// How long a device uses the same programs before one is new for it, in days.
const QUIET_DAYS: u32 = 7;
/// What nobody has shown for so long is forgotten, in days.
const KEPT_DAYS: u32 = 30;
/// A device with more classes than this is several.
const MOST_CLASSES: usize = 16;
/// The most versions of browsers, hellos of one, devices, and classes.
const MOST_AGENTS: usize = 512;
const MOST_HELLOS: usize = 32;
const MOST_DEVICES: usize = 8192;
const MOST_KNOWN: usize = 4096;
const DAY_MS: u64 = 86_400_000;

/// The browsers, by what their `User-Agent` says before their version. The first that is there names it.
const FAMILIES: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("CriOS/", "Chrome on iOS"),
    ("FxiOS/", "Firefox on iOS"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];
/// The systems.
const SYSTEMS: [&str; 7] = ["Windows NT", "CrOS", "Android", "iPhone", "iPad", "Macintosh", "Linux"];
/// Programs that call themselves a browser, and connect by other means.
const OTHERS: [&str; 4] = ["Electron/", "HeadlessChrome/", "compatible;", "Teams/"];

/// A browser, by version and system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Agent {
    family: u8,
    major: u16,
    system: u8,
}

impl Agent {
    /// The browser that a `User-Agent` names, if it is one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        if !text.starts_with("Mozilla/5.0 (") || OTHERS.iter().any(|other| text.contains(other)) {
            return None;
        }
        let (family, version) = FAMILIES.iter().enumerate().find_map(|(place, (mark, _))| Some((place, &text[text.find(mark)? + mark.len()..])))?;
        let digits = version.bytes().take_while(u8::is_ascii_digit).count();
        let system = SYSTEMS.iter().position(|system| text.contains(system))?;
        Some(Self { family: u8::try_from(family).ok()?, major: version[..digits].parse().ok()?, system: u8::try_from(system).ok()? })
    }

    fn is_kin(self, other: Self) -> bool {
        (self.family, self.system) == (other.family, other.system)
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} on {}", FAMILIES[usize::from(self.family)].1, self.major, SYSTEMS[usize::from(self.system)])
    }
}

/// A class, and who has it: no more than it takes to know that it is common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Common {
    class: u64,
    devices: Vec<u64>,
    first_ms: u64,
    last_day: u32,
}

impl Common {
    fn new(class: u64, at_ms: u64) -> Self {
        Self { class, devices: Vec::new(), first_ms: at_ms, last_day: day(at_ms) }
    }

    fn add(&mut self, device: u64, today: u32) {
        self.last_day = today;
        if self.devices.len() < DEVICES && !self.devices.contains(&device) {
            self.devices.push(device);
        }
    }

    fn is_common(&self) -> bool {
        self.devices.len() >= DEVICES
    }
}

/// A class of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Own {
    class: u64,
    first_day: u32,
    last_day: u32,
    /// The last day on which it was told that it is no browser's.
    told_other: u32,
    /// Whether it was told that it is new.
    is_told: bool,
}

/// One device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Device {
    first_day: u32,
    own: Vec<Own>,
}

/// What is known of hellos.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints {
    /// The first days on which there were any.
    days: Vec<u32>,
    agents: HashMap<Agent, Vec<Common>>,
    known: HashMap<u64, Common>,
    devices: HashMap<u64, Device>,
}

/// The same, to be kept: files have no maps of numbers.
#[derive(Serialize, Deserialize)]
struct Kept {
    form: u32,
    days: Vec<u32>,
    agents: Vec<(Agent, Vec<Common>)>,
    known: Vec<Common>,
    devices: Vec<(u64, Device)>,
}

/// The form of what is kept.
const FORM: u32 = 1;

fn day(at_ms: u64) -> u32 {
    u32::try_from(at_ms / DAY_MS).unwrap_or(u32::MAX)
}

/// A hello.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Which device.
    pub device: u64,
    /// What its program calls itself.
    pub agent: Option<&'a str>,
    /// The class of its hello.
    pub class: u64,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
}

impl Fingerprints {
    /// Takes a hello, and says what is odd about it.
    pub fn take(&mut self, shown: Shown<'_>) -> Option<Finding> {
        let (today, class) = (day(shown.at_ms), shown.class);
        let has_learnt = self.learns(today);
        self.note(shown, today);
        let agent = shown.agent.and_then(Agent::of);
        let is_other = agent.is_some_and(|agent| self.agree(agent, shown, today) && has_learnt);
        let is_common = self.known.get(&class).is_none_or(Common::is_common);
        let old = self.known.get(&class).is_some_and(|known| known.first_ms + DAY_MS <= shown.at_ms);
        let device = self.devices.get_mut(&shown.device)?;
        let (count, first_day) = (device.own.len(), device.first_day);
        let is_quiet = device.own.iter().all(|own| own.class == class || own.first_day + QUIET_DAYS <= today);
        let own = device.own.iter_mut().find(|own| own.class == class)?;
        if count > MOST_CLASSES {
            return None;
        }
        if is_other && own.told_other != today {
            own.told_other = today;
            let agent = agent.map(|agent| agent.to_string()).unwrap_or_default();
            return Some(Finding::new(Code::OtherProgram, &format!("it calls itself {agent}, and no other device's {agent} begins TLS so")));
        }
        // One that it had from the first is not new.
        let is_new = count > 1 && first_day + QUIET_DAYS <= own.first_day;
        if has_learnt && is_new && is_quiet && old && !is_common && !own.is_told {
            own.is_told = true;
            return Some(Finding::new(Code::NewProgram, "the device had used the same programs for a week, and few others use this one"));
        }
        None
    }

    /// Whether hellos were seen on enough days before this one.
    fn learns(&mut self, today: u32) -> bool {
        if self.days.len() <= LEARNS_DAYS && !self.days.contains(&today) {
            self.days.push(today);
        }
        self.days.iter().filter(|day| **day < today).count() >= LEARNS_DAYS
    }

    /// Notes that a device has a class.
    fn note(&mut self, shown: Shown<'_>, today: u32) {
        let Shown { device, class, at_ms, .. } = shown;
        if self.known.len() >= MOST_KNOWN && !self.known.contains_key(&class) {
            forget(&mut self.known, MOST_KNOWN, today, |known| known.last_day);
        }
        self.known.entry(class).or_insert_with(|| Common::new(class, at_ms)).add(device, today);
        if self.devices.len() >= MOST_DEVICES && !self.devices.contains_key(&device) {
            forget(&mut self.devices, MOST_DEVICES, today, |device| device.own.iter().map(|own| own.last_day).max().unwrap_or(0));
        }
        let known = self.devices.entry(device).or_insert_with(|| Device { first_day: today, own: Vec::new() });
        known.own.retain(|own| own.last_day + KEPT_DAYS > today);
        if let Some(own) = known.own.iter_mut().find(|own| own.class == class) {
            own.last_day = today;
        } else if known.own.len() <= MOST_CLASSES {
            // One more than the most, so that it is known to have too many.
            known.own.push(Own { class, first_day: today, last_day: today, told_other: 0, is_told: false });
        }
    }

    /// Notes the hello of a browser. Whether it is not what the others of its version agree on.
    fn agree(&mut self, agent: Agent, shown: Shown<'_>, today: u32) -> bool {
        if self.agents.len() >= MOST_AGENTS && !self.agents.contains_key(&agent) {
            forget(&mut self.agents, MOST_AGENTS, today, |hellos| hellos.iter().map(|hello| hello.last_day).max().unwrap_or(0));
        }
        let hellos = self.agents.entry(agent).or_default();
        hellos.retain(|hello| hello.last_day + KEPT_DAYS > today);
        if let Some(hello) = hellos.iter_mut().find(|hello| hello.class == shown.class) {
            hello.add(shown.device, today);
        } else if hellos.len() < MOST_HELLOS {
            let mut hello = Common::new(shown.class, shown.at_ms);
            hello.add(shown.device, today);
            hellos.push(hello);
        }
        let do_others = hellos.iter().any(|hello| hello.class != shown.class && hello.is_common());
        // Another version of the same browser may call itself by this one's number.
        let is_of_kin = || {
            let common = |hellos: &[Common]| hellos.iter().any(|hello| hello.class == shown.class && hello.is_common());
            self.agents.iter().any(|(other, hellos)| other.is_kin(agent) && common(hellos))
        };
        do_others && !is_of_kin()
    }

    /// As bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let kept = Kept {
            form: FORM,
            days: self.days.clone(),
            agents: self.agents.iter().map(|(agent, hellos)| (*agent, hellos.clone())).collect(),
            known: self.known.values().cloned().collect(),
            devices: self.devices.iter().map(|(device, known)| (*device, known.clone())).collect(),
        };
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// From bytes. Nothing if they are something else.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(bytes).ok().filter(|kept: &Kept| kept.form == FORM)?;
        // Names are looked up by these.
        let is_sound = |agent: &Agent| usize::from(agent.family) < FAMILIES.len() && usize::from(agent.system) < SYSTEMS.len();
        Some(Self {
            days: kept.days.into_iter().take(LEARNS_DAYS + 1).collect(),
            agents: kept.agents.into_iter().filter(|(agent, _)| is_sound(agent)).take(MOST_AGENTS).collect(),
            known: kept.known.into_iter().take(MOST_KNOWN).map(|known| (known.class, known)).collect(),
            devices: kept.devices.into_iter().take(MOST_DEVICES).collect(),
        })
    }
}

/// Makes room: what was not seen for long, and if that is nothing an eighth, the oldest first.
fn forget<K: Copy + Eq + std::hash::Hash + Ord, V>(map: &mut HashMap<K, V>, most: usize, today: u32, last: impl Fn(&V) -> u32) {
    map.retain(|_, value| last(value) + KEPT_DAYS > today);
    bounded::make_room(map, most, last);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: u64 = 20_780 * DAY_MS;
    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    const NEXT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
    /// Classes.
    const CHROME: u64 = 1;
    const CHROME_NEXT: u64 = 2;
    const CURL: u64 = 3;
    const UPDATER: u64 = 4;

    fn shown(device: u64, agent: Option<&str>, class: u64, day: u64) -> Shown<'_> {
        Shown { device, agent, class, at_ms: MONDAY + day * DAY_MS }
    }

    fn code(found: Option<Finding>) -> Option<Code> {
        found.map(|found| found.code)
    }

    /// A school of ten devices in its third week.
    fn learnt() -> Fingerprints {
        let mut all = Fingerprints::default();
        for day in 0..15 {
            for device in 0..10 {
                for (agent, class) in [(Some(WINDOWS), CHROME), (None, UPDATER)] {
                    assert_eq!(all.take(shown(device, agent, class, day)), None, "day {day}");
                }
            }
        }
        all
    }

    #[test]
    fn browsers_are_known_by_family_version_and_system() {
        let of = |text: &str| Agent::of(text).map(|agent| agent.to_string()).unwrap_or_default();
        assert_eq!(of(WINDOWS), "Chrome 142 on Windows NT");
        assert_eq!(of(&format!("{WINDOWS} Edg/142.0.0.0")), "Edge 142 on Windows NT");
        assert_eq!(of("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"), "Chrome 142 on CrOS");
        assert_eq!(of("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"), "Firefox 145 on Linux");
        let safari = "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
        assert_eq!(of(safari), "Safari 18 on iPad");
        for none in ["curl/7.88.1", "", "Mozilla/5.0", &WINDOWS.replace("Chrome/", "HeadlessChrome/"), &format!("{WINDOWS} Electron/39.0"), "Mozilla/5.0 (X11)"]
        {
            assert_eq!(of(none), "");
        }
    }

    #[test]
    fn a_program_that_calls_itself_a_browser_is_known_by_its_hello() {
        let mut all = learnt();
        let found = all.take(shown(3, Some(WINDOWS), CURL, 15)).expect("no browser's");
        assert_eq!((found.code, found.certainty.points()), (Code::OtherProgram, 8));
        assert!(found.seen.contains("it calls itself Chrome 142 on Windows NT"), "{}", found.seen);
        assert_eq!(all.take(shown(3, Some(WINDOWS), CURL, 15)), None, "once a day");
        assert_eq!(code(all.take(shown(3, Some(WINDOWS), CURL, 16))), Some(Code::OtherProgram));
        for agent in [Some("curl/7.88.1"), None] {
            assert_ne!(code(all.take(shown(4, agent, CURL, 16))), Some(Code::OtherProgram), "it does not say that it is a browser");
        }
    }

    #[test]
    fn that_all_devices_update_on_one_day_is_nothing() {
        let mut all = learnt();
        for device in 0..10 {
            assert_eq!(all.take(shown(device, Some(NEXT), CHROME_NEXT, 15)), None, "device {device}");
        }
        for day in 16..40 {
            for device in 0..10 {
                assert_eq!(all.take(shown(device, Some(NEXT), CHROME_NEXT, day)), None, "device {device} on day {day}");
            }
        }
        // One that calls itself by the number of yesterday connects as it does today.
        let mut all = learnt();
        (0..5).for_each(|device| assert_eq!(all.take(shown(device, Some(NEXT), CHROME_NEXT, 15)), None));
        assert_eq!(all.take(shown(7, Some(WINDOWS), CHROME_NEXT, 16)), None);
    }

    #[test]
    fn a_program_that_few_use_is_new_for_a_device_once() {
        let mut all = learnt();
        assert_eq!(all.take(shown(3, None, CURL, 15)), None, "the first in the school may be the first of many");
        assert_eq!(code(all.take(shown(3, None, CURL, 16))), Some(Code::NewProgram));
        assert_eq!(all.take(shown(3, None, CURL, 17)), None, "once");
        assert_eq!(code(all.take(shown(4, None, CURL, 17))), Some(Code::NewProgram), "known in the school since the day before yesterday");
        assert_eq!(all.take(shown(4, None, 77, 18)).or(all.take(shown(4, None, 77, 20))), None, "a device on which much is new");
        assert_eq!(all.take(shown(50, None, CURL, 18)), None, "a device that is new itself");
    }

    #[test]
    fn nothing_is_found_in_the_first_days() {
        let mut all = Fingerprints::default();
        for day in 0..5 {
            for device in 0..10 {
                assert_eq!(all.take(shown(device, Some(WINDOWS), CHROME, day)), None);
            }
            assert_eq!(all.take(shown(20, Some(WINDOWS), CURL, day)), None, "day {day}");
        }
        assert_eq!(code(all.take(shown(20, Some(WINDOWS), CURL, 5))), Some(Code::OtherProgram));
    }

    #[test]
    fn it_is_kept_as_it_was_and_what_is_kept_is_bounded() {
        let mut all = learnt();
        let mut again = Fingerprints::of_bytes(&all.bytes()).expect("kept");
        assert_eq!(again, all);
        assert_eq!(again.take(shown(3, Some(WINDOWS), CURL, 15)), all.take(shown(3, Some(WINDOWS), CURL, 15)));
        for bad in [&b""[..], b"{}", b"[]", &all.bytes()[1..]] {
            assert_eq!(Fingerprints::of_bytes(bad), None);
        }
        for nth in 0..10_000_u64 {
            let agent = WINDOWS.replace("142", &(nth % 60_000).to_string());
            all.take(shown(nth, Some(&agent), nth, 15));
            all.take(shown(1, Some(WINDOWS), nth, 15));
        }
        assert!(all.devices.len() <= MOST_DEVICES && all.agents.len() <= MOST_AGENTS && all.known.len() <= MOST_KNOWN);
        assert!(all.devices.values().all(|device| device.own.len() <= MOST_CLASSES + 1) && all.agents.values().all(|hellos| hellos.len() <= MOST_HELLOS));
    }
}
