//! Sequences as schools have them, with what each request is. Where the browser says, nearly every visit must be found; where nobody says, the figures
//! are what inference was measured to reach on made-up traffic, and must not get worse. Real traffic will do worse.

use super::*;
use std::collections::HashMap as Map;

/// A request with what it is.
#[derive(Clone, Debug)]
struct Step {
    ms: u64,
    who: u32,
    url: String,
    head: Head,
    truth: Kind,
    /// The visit it hangs from, by its place in the sequence.
    of: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Head {
    mode: &'static str,
    dest: &'static str,
    user: &'static str,
    site: &'static str,
    accept: &'static str,
    agent: &'static str,
    referrer: String,
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

impl Step {
    fn host(&self) -> &str {
        self.url.split('/').next().unwrap_or_default()
    }

    fn path(&self) -> &str {
        &self.url[self.host().len()..]
    }
}

/// A sequence being written.
#[derive(Default)]
struct Story {
    steps: Vec<Step>,
    who: u32,
}

impl Story {
    fn visit(&mut self, ms: u64, url: &str, site: &'static str, referrer: &str) -> usize {
        let head = Head { mode: "navigate", dest: "document", user: "?1", site, accept: "text/html,*/*;q=0.8", agent: BROWSER, referrer: referrer.into() };
        let truth =
            if engines::search(url.split('/').next().unwrap_or_default(), &url[url.find('/').unwrap_or(0)..]).is_some() { Kind::Search } else { Kind::Visit };
        self.steps.push(Step { ms, who: self.who, url: url.into(), head, truth, of: None });
        self.steps.len() - 1
    }

    fn part(&mut self, ms: u64, url: &str, of: usize) {
        let page = self.steps[of].url.clone();
        // As browsers do: to another host they name no more than the page's own.
        let referrer = if page.split('/').next() == url.split('/').next() { page } else { format!("{}/", self.steps[of].host()) };
        let head = Head { mode: "no-cors", dest: "script", site: "cross-site", accept: "*/*", agent: BROWSER, referrer, ..Head::default() };
        self.steps.push(Step { ms, who: self.who, url: url.into(), head, truth: Kind::Resource, of: Some(of) });
    }

    fn device(&mut self, ms: u64, url: &str, agent: &'static str) {
        let head = Head { accept: "*/*", agent, ..Head::default() };
        self.steps.push(Step { ms, who: self.who, url: url.into(), head, truth: Kind::Background, of: None });
    }
}

/// How much of each request is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// All of it, from a browser that says.
    Said,
    /// All of it, from one that does not.
    Unsaid,
    /// Tunnels, one a host for as long as it is used.
    Tunnels,
}

/// What was found.
#[derive(Debug, Default)]
struct Figures {
    visits: usize,
    /// Visits found as such.
    found: usize,
    /// Others taken for visits.
    mistaken: usize,
    /// Parts of pages.
    parts: usize,
    /// Parts that hang from their visit.
    hung: usize,
}

impl Figures {
    fn recall(&self) -> usize {
        100 * self.found / self.visits.max(1)
    }

    fn precision(&self) -> usize {
        100 * self.found / (self.found + self.mistaken).max(1)
    }

    fn hung(&self) -> usize {
        100 * self.hung / self.parts.max(1)
    }

    fn percent(&self) -> [usize; 3] {
        [self.recall(), self.precision(), self.hung()]
    }
}

/// Runs a sequence through a trail.
fn run(trail: &Trail<usize>, steps: &[Step], seen: Seen) -> Figures {
    let mut figures = Figures::default();
    let mut open: Map<(u32, &str), u64> = Map::new();
    for (place, step) in steps.iter().enumerate() {
        let last = open.insert((step.who, step.host()), step.ms);
        if seen == Seen::Tunnels && last.is_some_and(|last| step.ms < last + 90_000) {
            continue;
        }
        let meaning = judge(trail, step, seen);
        if let Some(step) = meaning.step {
            trail.passed(step, place);
        }
        let counts = |kind: Kind| matches!(kind, Kind::Visit | Kind::Search);
        figures.visits += usize::from(counts(step.truth));
        figures.found += usize::from(counts(step.truth) && counts(meaning.kind));
        figures.mistaken += usize::from(!counts(step.truth) && counts(meaning.kind));
        figures.parts += usize::from(step.of.is_some());
        figures.hung += usize::from(step.of.is_some() && same_host(steps, meaning.cause, step.of));
        if seen == Seen::Said && step.truth != Kind::Background {
            assert_eq!((meaning.kind, meaning.certainty), (step.truth, Certainty::Said), "{step:?}");
        }
    }
    figures
}

/// In a tunnel one page of a site cannot be told from another: the host counts.
fn same_host(steps: &[Step], a: Option<usize>, b: Option<usize>) -> bool {
    a.zip(b).is_some_and(|(a, b)| steps[a].host() == steps[b].host())
}

fn judge(trail: &Trail<usize>, step: &Step, seen: Seen) -> Meaning<usize> {
    let given = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    let Head { mode, dest, user, site, accept, agent, referrer } = &step.head;
    let referrer = (!referrer.is_empty()).then(|| Place { host: referrer.split('/').next().unwrap_or_default(), url: referrer });
    let head = Fields { accept: given(accept), agent: given(agent), referrer, ..Fields::default() };
    let fields = match seen {
        Seen::Said => Fields { mode: given(mode), dest: given(dest), user: given(user), site: given(site), ..head },
        Seen::Unsaid | Seen::Tunnels => head,
    };
    let sight = match seen {
        Seen::Said | Seen::Unsaid => Sight::Whole { method: "GET", path: step.path(), url: &step.url, fields: &fields },
        Seen::Tunnels => Sight::Tunnel,
    };
    trail.judge(step.who, &Request { time_ms: step.ms, host: step.host(), sight })
}

/// A news page is typed: forty resources from twelve hosts in four seconds.
fn news_page() -> Story {
    let mut story = Story::default();
    let page = story.visit(60_000, "www.paper.example/", "none", "");
    for number in 0..40u64 {
        let host = match number % 12 {
            0 | 1 => "www.paper.example".to_owned(),
            2 => "static.paper.example".to_owned(),
            3 => "www.googletagmanager.com".to_owned(),
            4 => "securepubads.g.doubleclick.net".to_owned(),
            other => format!("h{other}.served{other}.example"),
        };
        story.part(60_080 + number * 95, &format!("{host}/r{number}.js"), page);
    }
    story
}

/// A search, then a click on what it found.
fn search_and_click() -> Story {
    let mut story = Story::default();
    let found = story.visit(100_000, "www.google.co.uk/search?q=volcanoes", "none", "");
    (0..6).for_each(|n| story.part(100_090 + n * 60, &format!("www.gstatic.com/og/{n}.js"), found));
    let page = story.visit(109_000, "en.wikipedia.org/wiki/Volcano", "cross-site", "www.google.co.uk/");
    (0..10).for_each(|n| story.part(109_120 + n * 40, &format!("upload.wikimedia.org/{n}.jpg"), page));
    story
}

/// Two tabs that load in turns, an app that polls, and an update of the system.
fn busy_device() -> Story {
    let mut story = Story::default();
    let one = story.visit(10_000, "one.example/page", "none", "");
    let two = story.visit(13_500, "two.example/page", "none", "");
    for number in 0..20u64 {
        let (page, host) = if number % 2 == 0 { (one, "cdn.one.example") } else { (two, "cdn.two.example") };
        story.part(13_600 + number * 70, &format!("{host}/{number}.png"), page);
    }
    for number in 0..30u64 {
        story.device(20_000 + number * 30_000, "chatapp.example/poll", "ChatApp/3.1");
        story.device(20_300 + number * 45_000, "fe3.delivery.mp.microsoft.com/c/msdownload/update", "Windows-Update-Agent/10");
    }
    story.steps.sort_by_key(|step| step.ms);
    // The order of visits and what hangs from them is by place, which sorting keeps: both visits come first.
    story
}

/// A page with a video that is fetched in chunks for ten minutes.
fn video() -> Story {
    let mut story = Story::default();
    let page = story.visit(5_000, "www.youtube.com/watch?v=1", "none", "");
    (0..8).for_each(|n| story.part(5_100 + n * 50, &format!("i.ytimg.com/{n}.jpg"), page));
    (0..60).for_each(|n| story.part(6_000 + n * 10_000, &format!("rr{}---sn-a.googlevideo.com/videoplayback?n={n}", n / 20), page));
    story
}

/// Numbers in no order, the same at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A morning of a class: thirty pupils, forty visits each, over sixty sites with their own and others' hosts; a third of the devices have an app that
/// polls, and all of them update.
fn morning(seed: u64) -> Vec<Step> {
    let mut dice = Dice(seed);
    let mut story = Story::default();
    for who in 0..30u32 {
        story.who = who;
        let mut now = 1_000_000 + dice.below(60_000);
        for _ in 0..40 {
            let site = dice.below(60);
            let page = story.visit(now, &format!("www.site{site}.example/{}", dice.below(100)), "none", "");
            for number in 0..8 + dice.below(14) {
                let host = match number % 6 {
                    0 | 1 => format!("www.site{site}.example"),
                    2 => format!("files.site{site}.example"),
                    3 => "fonts.gstatic.com".to_owned(),
                    _ => format!("px{0}.thirdparty{0}.example", dice.below(20)),
                };
                story.part(now + 60 + number * (40 + dice.below(160)), &format!("{host}/{number}"), page);
            }
            // What a page asks for long after it is there, and a person who does not stay long.
            story.part(now + 8_000 + dice.below(20_000), &format!("px{0}.thirdparty{0}.example/late", dice.below(20)), page);
            now += 2_500 + dice.below(80_000);
        }
        let from = story.steps.iter().rposition(|step| step.who == who).map_or(0, |place| story.steps[place].ms);
        (0..20).for_each(|n| story.device(1_000_000 + n * 61_000 + dice.below(3_000), "ctldl.windowsupdate.com/x.cab", "Microsoft-CryptoAPI/10.0"));
        if who % 3 == 0 {
            (0..(from - 1_000_000) / 120_000).for_each(|n| story.device(1_000_000 + n * 120_000, "app.school-messages.example/v1/poll", "okhttp/4.9"));
        }
    }
    in_order(&story.steps)
}

/// By time, with what hangs where kept.
fn in_order(steps: &[Step]) -> Vec<Step> {
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|place| steps[*place].ms);
    let new: Map<usize, usize> = order.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    order.iter().map(|old| Step { of: steps[*old].of.map(|of| new[&of]), ..steps[*old].clone() }).collect()
}

#[test]
fn short_sequences_come_out_as_they_happened() {
    // In percent: visits found, findings that are right, parts that hang from their visit.
    for (name, story, said, unsaid, tunnels) in [
        ("news page", news_page(), [100, 100, 100], [100, 100, 100], [100, 100, 100]),
        ("search, then a click", search_and_click(), [100, 100, 100], [100, 100, 100], [100, 100, 100]),
        ("two tabs, an app, an update", busy_device(), [100, 100, 100], [100, 100, 100], [100, 66, 50]),
        ("video", video(), [100, 100, 100], [100, 100, 100], [100, 100, 100]),
    ] {
        for (seen, least) in [(Seen::Said, said), (Seen::Unsaid, unsaid), (Seen::Tunnels, tunnels)] {
            let figures = run(&Trail::new(), &story.steps, seen);
            assert!(figures.percent().iter().zip(least).all(|(got, least)| *got >= least), "{name}: {figures:?} {:?}, at least {least:?}", figures.percent());
        }
    }
}

#[test]
fn a_morning_is_read_as_well_as_was_measured() {
    for (seen, first, later) in
        [(Seen::Said, [100, 99, 99], [100, 99, 99]), (Seen::Unsaid, [99, 99, 99], [99, 99, 99]), (Seen::Tunnels, [90, 88, 90], [90, 90, 90])]
    {
        let trail = Trail::new();
        for (seed, least) in [(1, first), (2, later)] {
            let steps: Vec<_> = morning(seed).into_iter().map(|step| Step { ms: step.ms + seed * 86_400_000, ..step }).collect();
            let figures = run(&trail, &steps, seen);
            assert!(
                figures.percent().iter().zip(least).all(|(got, least)| *got >= least),
                "day {seed}: {figures:?} {:?}, at least {least:?}",
                figures.percent()
            );
        }
    }
}
