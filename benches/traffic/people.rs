//! Who is at a school: pupils in classes of thirty, staff, and the devices they sit at.
//!
//! At full size 42 classes in seven years, 120 staff, and 900 devices: one for each member of staff and 26 trolleys of 30, which go round
//! the classes. Who sits at which device changes from lesson to lesson.

use super::names::Random;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Pupils in a class, and devices on a trolley.
pub const CLASS: usize = 30;
const CLASSES: f64 = 42.0;
const TROLLEYS: f64 = 26.0;
const STAFF: f64 = 120.0;

const SURNAMES: [&str; 72] = [
    "smith", "jones", "taylor", "brown", "williams", "wilson", "johnson", "davies", "patel", "robinson", "wright", "thompson", "evans", "walker", "white",
    "roberts", "green", "hall", "wood", "jackson", "clarke", "khan", "ahmed", "hussain", "ali", "singh", "kaur", "begum", "shah", "hughes", "edwards", "hill",
    "moore", "clark", "harrison", "scott", "young", "morris", "ward", "turner", "carter", "phillips", "mitchell", "okafor", "adeyemi", "mensah", "kowalski",
    "nowak", "popescu", "ionescu", "silva", "costa", "nguyen", "chen", "wang", "murphy", "kelly", "osullivan", "byrne", "macdonald", "campbell", "stewart",
    "reid", "griffiths", "price", "bennett", "cooper", "king", "lee", "baker", "abdi", "rahman",
];

/// Somebody.
pub struct Person {
    /// The name they log in with.
    pub user: Arc<str>,
    /// `year-7` to `year-13`, or `staff`.
    pub group: Arc<str>,
    /// What they are.
    pub role: Role,
    /// What makes their habits their own.
    pub seed: u64,
}

/// What somebody is at the school.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One of a class.
    Pupil {
        /// Which.
        class: usize,
        /// The place in it.
        seat: usize,
    },
    /// A member of staff, with a device of their own.
    Staff {
        /// The device.
        device: usize,
    },
}

/// Something with a browser.
pub struct Device {
    /// Its address.
    pub address: IpAddr,
    /// What its browser calls itself.
    pub agent: Arc<str>,
    /// Whether its browser says what a request is for.
    pub says: Says,
}

/// Whether a browser sends `Sec-Fetch-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It does, as nearly all do now.
    What,
    /// It is too old.
    Nothing,
}

/// A school.
pub struct School {
    /// All who are there, pupils first.
    pub people: Vec<Person>,
    /// Their devices: trolley by trolley, then those of staff.
    pub devices: Vec<Device>,
    classes: usize,
    trolleys: usize,
}

impl School {
    /// A school of a size; 1.0 is a large secondary school.
    pub fn new(size: f64, random: &mut Random) -> Self {
        let count = |full: f64| (full * size).round().max(1.0) as usize;
        let (classes, trolleys, staff) = (count(CLASSES), count(TROLLEYS), count(STAFF));
        let mut taken = HashSet::new();
        let groups: Vec<Arc<str>> = (7..14).map(|year| format!("year-{year}").into()).collect();
        let mut people = Vec::new();
        for class in 0..classes {
            let year = class % groups.len();
            for seat in 0..CLASS {
                let user = user(&format!("{:02}", 26 - year), random, &mut taken);
                people.push(Person { user, group: groups[year].clone(), role: Role::Pupil { class, seat }, seed: random.next() });
            }
        }
        let group: Arc<str> = "staff".into();
        for number in 0..staff {
            let role = Role::Staff { device: trolleys * CLASS + number };
            people.push(Person { user: user("", random, &mut taken), group: group.clone(), role, seed: random.next() });
        }
        let devices = devices(trolleys * CLASS, staff, random);
        Self { people, devices, classes, trolleys }
    }

    /// The device somebody sits at in a lesson, if they have one.
    pub fn in_lesson(&self, person: &Person, day: usize, lesson: usize) -> Option<usize> {
        match person.role {
            Role::Staff { device } => Some(device),
            Role::Pupil { class, seat } => {
                let turn = (class + day * 11 + lesson * 7) % self.classes;
                (turn < self.trolleys).then_some(turn * CLASS + seat)
            }
        }
    }

    /// The device somebody takes where no class has them.
    pub fn any_device(&self, person: &Person, day: usize) -> usize {
        match person.role {
            Role::Staff { device } => device,
            Role::Pupil { .. } => (person.seed as usize).wrapping_add(day) % (self.trolleys * CLASS),
        }
    }
}

fn user(before: &str, random: &mut Random, taken: &mut HashSet<String>) -> Arc<str> {
    let initial = char::from(b'a' + random.below(26) as u8);
    let name = format!("{before}{initial}{}", random.pick(&SURNAMES));
    let free = (1..).map(|number| if number == 1 { name.clone() } else { format!("{name}{number}") }).find(|name| taken.insert(name.clone()));
    free.expect("numbers go on").into()
}

fn devices(shared: usize, staff: usize, random: &mut Random) -> Vec<Device> {
    let agents = agents();
    let whole: usize = agents.iter().map(|(weight, _, _)| weight).sum();
    let mut device = |number: usize, network: u8| {
        let mut at = random.below(whole);
        let found = agents.iter().find(|(weight, _, _)| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        let (_, agent, says) = found.expect("below the whole");
        let address = Ipv4Addr::new(10, network, (number / 250) as u8, (number % 250 + 2) as u8);
        Device { address: address.into(), agent: agent.clone(), says: *says }
    };
    let mut all: Vec<_> = (0..shared).map(|number| device(number, 7)).collect();
    all.extend((0..staff).map(|number| device(number, 9)));
    all
}

/// 26 browsers in about the shares of a British school: two thirds Chromebooks, a quarter Windows, the rest iPads and what is left over.
fn agents() -> Vec<(usize, Arc<str>, Says)> {
    let mut all: Vec<(usize, Arc<str>, Says)> = Vec::new();
    let mut add = |weight: usize, text: String, says: Says| all.push((weight, text.into(), says));
    let chrome = |system: &str, version: u32, more: &str| {
        format!("Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36{more}")
    };
    let windows = "Windows NT 10.0; Win64; x64";
    for (weight, version) in [(260, 142), (170, 141), (90, 139), (60, 138), (40, 132), (20, 126), (12, 120), (8, 114)] {
        add(weight, chrome("X11; CrOS x86_64 14541.0.0", version, ""), Says::What);
    }
    for (weight, version) in [(60, 142), (30, 141), (12, 138), (6, 131), (3, 109)] {
        add(weight, chrome(windows, version, ""), Says::What);
    }
    for (weight, version) in [(70, 142), (35, 141), (12, 138), (5, 128)] {
        add(weight, chrome(windows, version, &format!(" Edg/{version}.0.0.0")), Says::What);
    }
    for (weight, version) in [(10, "144"), (4, "128")] {
        add(weight, format!("Mozilla/5.0 ({windows}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"), Says::What);
    }
    let apple = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
    for (weight, version, says) in [(40, "18.6", Says::What), (20, "17.6", Says::What), (6, "15.6", Says::Nothing)] {
        add(weight, format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {apple} Version/{version} Safari/605.1.15"), says);
    }
    add(8, format!("Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {apple} CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1"), Says::What);
    add(4, format!("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) {apple} Version/18.6 Mobile/15E148 Safari/604.1"), Says::What);
    add(3, chrome("Linux; Android 10; K", 142, " Mobile"), Says::What);
    add(2, "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko".to_owned(), Says::Nothing);
    all
}
