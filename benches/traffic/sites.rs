//! The web as a school sees it: 8,000 sites, the few well-known ones first, the hosts of others that their pages draw on, and what is blocked.
//!
//! Popularity is Zipf's: the site of rank n is visited about a thousandth as often as the first at n = 1,000.

use super::names::Random;
use super::words::SLUGS;
use std::collections::HashSet;
use std::fmt::Write as _;
use usher::lists::Entry;

/// Sites.
pub const SITES: usize = 8_000;
/// Blocked sites pupils stray to, and blocked hosts of adverts and trackers.
const BLOCKED: usize = 3_000;
const TRACKERS: usize = 400;
/// Hosts of content networks, one customer each.
const CUSTOMERS: usize = 600;

const ENDS: [&str; 16] =
    [".com", ".com", ".com", ".com", ".com", ".co.uk", ".co.uk", ".co.uk", ".co.uk", ".org.uk", ".org", ".org", ".net", ".ac.uk", ".io", ".gov.uk"];
const SUBDOMAINS: [&str; 14] = ["www", "static", "cdn", "img", "images", "assets", "api", "media", "i", "s", "files", "login", "app", "play"];

/// Hosts that many sites draw on, with what they serve.
const SHARED: [(&str, Serves); 32] = [
    ("www.google-analytics.com", Serves::Beacons),
    ("www.googletagmanager.com", Serves::Scripts),
    ("fonts.gstatic.com", Serves::Fonts),
    ("fonts.googleapis.com", Serves::Fonts),
    ("region1.google-analytics.com", Serves::Beacons),
    ("cdn.jsdelivr.net", Serves::Scripts),
    ("cdnjs.cloudflare.com", Serves::Scripts),
    ("stats.g.doubleclick.net", Serves::Beacons),
    ("ajax.googleapis.com", Serves::Scripts),
    ("unpkg.com", Serves::Scripts),
    ("code.jquery.com", Serves::Scripts),
    ("use.typekit.net", Serves::Fonts),
    ("kit.fontawesome.com", Serves::Scripts),
    ("ka-f.fontawesome.com", Serves::Fonts),
    ("static.cloudflareinsights.com", Serves::Scripts),
    ("cloudflareinsights.com", Serves::Beacons),
    ("i.ytimg.com", Serves::Pictures),
    ("lh3.googleusercontent.com", Serves::Pictures),
    ("yt3.ggpht.com", Serves::Pictures),
    ("www.gstatic.com", Serves::Scripts),
    ("ssl.gstatic.com", Serves::Pictures),
    ("play.google.com", Serves::Beacons),
    ("c.bing.com", Serves::Beacons),
    ("js.hs-scripts.com", Serves::Scripts),
    ("cdn.cookielaw.org", Serves::Scripts),
    ("consent.cookiebot.com", Serves::Scripts),
    ("bam.eu01.nr-data.net", Serves::Beacons),
    ("js-agent.newrelic.com", Serves::Scripts),
    ("o4504.ingest.sentry.io", Serves::Beacons),
    ("secure.gravatar.com", Serves::Pictures),
    ("s.w.org", Serves::Pictures),
    ("images.prismic.io", Serves::Pictures),
];

/// What a third party is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Scripts and styles.
    Scripts,
    /// Fonts and their style sheets.
    Fonts,
    /// Pictures.
    Pictures,
    /// What is sent back about the person.
    Beacons,
}

/// A host that pages of others draw on.
pub struct Party {
    /// Its name.
    pub host: String,
    /// What for.
    pub serves: Serves,
}

/// How a site's addresses look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Articles in folders.
    Articles,
    /// A blog on the usual software.
    Blog,
    /// A program in the browser: hashed parts, many calls.
    Program,
    /// A shop: numbers and sizes.
    Shop,
    /// Films, told by an id.
    Films,
    /// An encyclopaedia.
    Pages,
    /// Not decrypted: only the host is seen.
    Closed,
}

/// A site.
pub struct Site {
    /// Its hosts, that of its pages first.
    pub hosts: Vec<String>,
    /// The ids of its categories, a space between.
    pub categories: &'static str,
    /// How its addresses look.
    pub style: Style,
    /// The third parties of its pages, by place.
    pub parties: Vec<usize>,
    /// The engine's name, if it is one.
    pub engine: Option<&'static str>,
    /// What makes its files its own.
    pub seed: u64,
}

/// Something that is blocked, and by which entry.
pub struct Blocked {
    /// Its host.
    pub host: String,
    /// The category's id and name.
    pub category: (&'static str, &'static str),
    /// The entry.
    pub entry: Entry,
}

/// All of it.
pub struct Web {
    /// By rank.
    pub sites: Vec<Site>,
    /// Hosts of others.
    pub parties: Vec<Party>,
    /// Blocked sites, by rank.
    pub blocked: Vec<Blocked>,
    /// Blocked hosts of adverts and trackers, by rank.
    pub trackers: Vec<Blocked>,
}

/// Name, categories, style, the engine's name if it is one, hosts.
type Known = (&'static str, &'static str, Style, Option<&'static str>, &'static [&'static str]);

/// Sites everybody knows, most visited first.
const KNOWN: [Known; 18] = [
    ("google.com", "search", Style::Program, Some("google"), &["www.google.com", "www.gstatic.com", "apis.google.com"]),
    ("docs.google.com", "education", Style::Program, None, &["docs.google.com", "ssl.gstatic.com", "lh7-rt.googleusercontent.com"]),
    ("classroom.google.com", "education", Style::Program, None, &["classroom.google.com", "ssl.gstatic.com"]),
    ("youtube.com", "streaming", Style::Films, Some("youtube"), &["www.youtube.com", "i.ytimg.com", "jnn-pa.googleapis.com"]),
    ("bbc.co.uk", "education news", Style::Articles, None, &["www.bbc.co.uk", "static.files.bbci.co.uk", "ichef.bbci.co.uk", "bitesize.files.bbci.co.uk"]),
    ("bing.com", "search", Style::Program, Some("bing"), &["www.bing.com", "th.bing.com", "r.bing.com"]),
    ("wikipedia.org", "education", Style::Pages, Some("wikipedia"), &["en.wikipedia.org", "upload.wikimedia.org"]),
    ("sparxmaths.uk", "education", Style::Program, None, &["app.sparxmaths.uk", "cdn.sparxmaths.uk", "api.sparxmaths.uk"]),
    ("senecalearning.com", "education", Style::Program, None, &["app.senecalearning.com", "course-cdn-v2.app.senecalearning.com"]),
    ("quizlet.com", "education", Style::Program, None, &["quizlet.com", "assets.quizlet.com", "o.quizlet.com"]),
    ("office.com", "education", Style::Closed, None, &["www.office.com", "res.cdn.office.net", "outlook.office.com"]),
    ("kahoot.it", "education games", Style::Program, None, &["kahoot.it", "images-cdn.kahoot.it"]),
    ("canva.com", "education", Style::Program, None, &["www.canva.com", "static.canva.com", "media-public.canva.com"]),
    ("savemyexams.com", "education", Style::Articles, None, &["www.savemyexams.com", "cdn.savemyexams.com"]),
    ("duckduckgo.com", "search", Style::Program, Some("duckduckgo"), &["duckduckgo.com", "links.duckduckgo.com", "external-content.duckduckgo.com"]),
    ("desmos.com", "education", Style::Program, None, &["www.desmos.com", "saved-work.desmos.com"]),
    ("bromcomvle.com", "education", Style::Closed, None, &["www.bromcomvle.com"]),
    ("ecosia.org", "search", Style::Program, Some("ecosia"), &["www.ecosia.org", "cdn-static.ecosia.org"]),
];

impl Web {
    /// The same for the same numbers.
    pub fn new(random: &mut Random) -> Self {
        let mut taken = HashSet::new();
        let parties = parties(random);
        let mut sites: Vec<Site> = KNOWN
            .iter()
            .map(|(name, categories, style, engine, hosts)| {
                taken.insert((*name).to_owned());
                let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
                Site { hosts, categories, style: *style, parties: draws_on(random, 4), engine: *engine, seed: random.next() }
            })
            .collect();
        while sites.len() < SITES {
            sites.push(site(random, &mut taken));
        }
        let blocked = blocked(BLOCKED, &HARMS, random, &mut taken);
        let trackers = blocked_trackers(random, &mut taken);
        Self { sites, parties, blocked, trackers }
    }
}

fn parties(random: &mut Random) -> Vec<Party> {
    let mut all: Vec<_> = SHARED.iter().map(|(host, serves)| Party { host: (*host).to_owned(), serves: *serves }).collect();
    for _ in 0..CUSTOMERS {
        let letters = random.letters(13);
        let host = match random.below(4) {
            0 | 1 => format!("d{letters}.cloudfront.net"),
            2 => format!("{}.akamaized.net", &letters[..9]),
            _ => format!("{}.b-cdn.net", &letters[..7]),
        };
        all.push(Party { host, serves: *random.pick(&[Serves::Scripts, Serves::Pictures, Serves::Pictures]) });
    }
    all
}

/// The third parties of a site: mostly those everybody has, and one or two of its own.
fn draws_on(random: &mut Random, most: usize) -> Vec<usize> {
    let popular = |random: &mut Random| random.below(SHARED.len()).min(random.below(SHARED.len()));
    let mut all: Vec<_> = (0..2 + random.below(most)).map(|_| popular(random)).collect();
    all.extend((0..1 + random.below(2)).map(|_| SHARED.len() + random.below(CUSTOMERS)));
    all
}

fn domain(random: &mut Random, taken: &mut HashSet<String>) -> String {
    loop {
        let mut name = format!("{}{}{}", random.pick(&SLUGS), random.pick(&["", "", "", "-"]), random.pick(&SLUGS));
        if random.below(5) == 0 {
            // Writing to a string cannot fail.
            let _ = write!(name, "{}", random.below(100));
        }
        let end: &str = ENDS[random.below(ENDS.len())];
        name.push_str(end);
        if taken.insert(name.clone()) {
            return name;
        }
    }
}

fn site(random: &mut Random, taken: &mut HashSet<String>) -> Site {
    let domain = domain(random, taken);
    let mut hosts = vec![if random.below(10) < 7 { format!("www.{domain}") } else { domain.clone() }];
    for _ in 0..random.below(4) {
        let host = format!("{}{}.{domain}", random.pick(&SUBDOMAINS), random.pick(&["", "", "", "1", "2"]));
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let categories = *random.pick(&["education", "education", "", "", "", "news", "sports", "shopping", "games", "lifestyle", "blogs-forums", "streaming"]);
    let style = match random.below(100) {
        0..30 => Style::Articles,
        30..58 => Style::Blog,
        58..76 => Style::Program,
        76..88 => Style::Shop,
        88..92 => Style::Films,
        92..96 => Style::Pages,
        _ => Style::Closed,
    };
    Site { hosts, categories, style, parties: draws_on(random, 9), engine: None, seed: random.next() }
}

const HARMS: [(&str, &str); 14] = [
    ("games", "Games"),
    ("games", "Games"),
    ("games", "Games"),
    ("social-networks", "Social networks"),
    ("social-networks", "Social networks"),
    ("bypass", "Getting round the filter"),
    ("chat", "Chat"),
    ("adult", "Pornography"),
    ("gambling", "Gambling"),
    ("piracy", "Piracy"),
    ("file-hosting", "File sharing and downloads"),
    ("weapons", "Weapons"),
    ("drugs", "Drugs"),
    ("malware", "Malware"),
];

fn blocked(count: usize, categories: &[(&'static str, &'static str)], random: &mut Random, taken: &mut HashSet<String>) -> Vec<Blocked> {
    let one = |random: &mut Random, taken: &mut HashSet<String>| {
        let domain = domain(random, taken);
        let category = match *random.pick(categories) {
            // Taken for granted: two in five chat sites that are strayed to bring strangers together.
            ("chat", _) if domain.len() % 5 < 2 => ("stranger-chat", "Chat with strangers"),
            other => other,
        };
        let host = format!("{}{domain}", random.pick(&["www.", "www.", ""]));
        let list = format!("{}: {}", random.pick(&["ut1", "ut1", "school"]), category.0);
        Blocked { host, category, entry: Entry { list, line: 1 + random.below(400_000) as u32, text: domain } }
    };
    (0..count).map(|_| one(random, taken)).collect()
}

fn blocked_trackers(random: &mut Random, taken: &mut HashSet<String>) -> Vec<Blocked> {
    let mut all = blocked(TRACKERS, &[("ads-trackers", "Adverts and trackers")], random, taken);
    for tracker in &mut all {
        let before = *random.pick(&["ads", "px", "t", "sync", "bid", "tag", "pixel", "rtb"]);
        tracker.host = format!("{before}.{}", tracker.entry.text);
    }
    all
}

/// Draws places by Zipf's law.
pub struct Popularity(Vec<u32>);

impl Popularity {
    /// Of so many.
    pub fn new(count: usize) -> Self {
        let weight = |rank: usize| 1.0 / (rank as f64 + 2.0);
        let whole: f64 = (0..count).map(weight).sum();
        let mut sum = 0.0;
        let up_to = (0..count).map(|rank| {
            sum += weight(rank) / whole;
            (sum * f64::from(u32::MAX)) as u32
        });
        Self(up_to.collect())
    }

    /// A place, the first most often.
    pub fn pick(&self, random: &mut Random) -> usize {
        let at = (random.next() >> 32) as u32;
        self.0.partition_point(|end| *end < at).min(self.0.len() - 1)
    }
}
