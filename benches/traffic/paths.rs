//! Paths and queries as pages have them: files that are the same for everybody, and what is made anew for each person.
//!
//! Files are drawn from a sequence of their own (of the site, or of the page), so that everybody asks for the same ones.

use super::names::Random;
use super::sites::Style;
use super::words::SLUGS;

const HEX: &[u8; 16] = b"0123456789abcdef";
const WEB64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A path being written.
pub struct Path<'r> {
    text: String,
    random: &'r mut Random,
}

impl<'r> Path<'r> {
    /// An empty one, drawn from a sequence.
    pub fn new(random: &'r mut Random) -> Self {
        Self { text: String::with_capacity(96), random }
    }

    /// What was written.
    pub fn done(self) -> String {
        self.text
    }

    fn say(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    fn one_of(self, all: &[&str]) -> Self {
        let text = all[self.random.below(all.len())];
        self.say(text)
    }

    fn slug(mut self, words: usize) -> Self {
        for word in 0..words {
            if word > 0 {
                self.text.push('-');
            }
            let text = SLUGS[self.random.below(SLUGS.len())];
            self.text.push_str(text);
        }
        self
    }

    fn symbols(mut self, mut count: usize, of: &[u8], bits: u32) -> Self {
        while count > 0 {
            let mut drawn = self.random.next();
            for _ in 0..count.min(10) {
                self.text.push(char::from(of[drawn as usize & (of.len() - 1)]));
                drawn >>= bits;
            }
            count -= count.min(10);
        }
        self
    }

    fn hex(self, count: usize) -> Self {
        self.symbols(count, HEX, 4)
    }

    fn web64(self, count: usize) -> Self {
        self.symbols(count, WEB64, 6)
    }

    fn digits(mut self, count: usize) -> Self {
        let mut drawn = self.random.next();
        for place in 0..count {
            let digit = if place == 0 { 1 + drawn % 9 } else { drawn % 10 };
            self.text.push(char::from(b'0' + digit as u8));
            drawn /= 10;
        }
        self
    }

    fn number(self, number: u64) -> Self {
        let mut digits = [0; 20];
        let (mut at, mut rest) = (digits.len(), number);
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let text = std::str::from_utf8(&digits[at..]).expect("digits").to_owned();
        self.say(&text)
    }

    /// A text as a query holds it.
    fn encoded(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            match byte {
                b' ' => self.text.push('+'),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => self.text.push(char::from(byte)),
                other => {
                    self.text.push('%');
                    self.text.push(char::from(HEX[usize::from(other >> 4)].to_ascii_uppercase()));
                    self.text.push(char::from(HEX[usize::from(other & 15)].to_ascii_uppercase()));
                }
            }
        }
        self
    }
}

/// The address of a page.
pub fn page(style: Style, random: &mut Random) -> String {
    let words = 2 + random.below(6);
    let path = Path::new(random);
    let path = match style {
        Style::Articles => path.say("/").slug(1).say("/").slug(1).say("/").slug(words).one_of(&["", "", "/revision/1", "/revision/2", "/"]),
        Style::Blog => path.one_of(&["/2026/09/", "/2025/11/", "/2024/03/", "/"]).slug(words).say("/"),
        Style::Program => path.one_of(&["/d/", "/u/0/c/", "/s/", "/class/"]).web64(33).one_of(&["/edit", "/view", "", "?tab=t.0"]),
        Style::Shop => path.say("/").slug(2).say("/p/").digits(8).one_of(&["", "?colour=black", "?size=m&from=list"]),
        Style::Films => path.say("/watch?v=").web64(11).one_of(&["", "", "&t=42s", "&list=PL8dPuuaLjXtO85Sl24rSiVQ93q7vcntNF"]),
        Style::Pages => path.say("/wiki/").slug(words.min(3)),
        Style::Closed => path,
    };
    path.done()
}

/// A file of a site that is the same for everybody: its content is in its name.
pub fn asset(style: Style, random: &mut Random) -> String {
    let path = Path::new(random);
    let path = match style {
        Style::Program | Style::Films => match path.random.below(3) {
            0 => path.say("/_next/static/chunks/").digits(4).say("-").hex(16).say(".js"),
            1 => path.say("/static/js/").slug(1).say(".").hex(8).say(".chunk.js"),
            _ => path.say("/assets/").slug(2).say("-").web64(8).one_of(&[".js", ".css", ".woff2"]),
        },
        Style::Blog => match path.random.below(2) {
            0 => path.say("/wp-content/plugins/").slug(2).say("/assets/js/").slug(2).say(".min.js?ver=").digits(1).say(".").digits(1).say(".").digits(1),
            _ => path.say("/wp-content/themes/").slug(1).say("/style.min.css?ver=").digits(10),
        },
        Style::Articles | Style::Shop | Style::Pages | Style::Closed => match path.random.below(3) {
            0 => path.say("/etc.clientlibs/").slug(1).say("/clientlibs/clientlib-").slug(1).say(".min.").hex(32).one_of(&[".js", ".css"]),
            1 => path.say("/static/").slug(1).say("/").digits(2).say(".").digits(1).say(".0/").slug(2).say(".").hex(20).one_of(&[".js", ".css", ".woff2"]),
            _ => path.say("/dist/").slug(2).say(".bundle.js?v=").hex(12),
        },
    };
    path.done()
}

/// A picture of a page.
pub fn picture(style: Style, random: &mut Random) -> String {
    let path = Path::new(random);
    let path = match style {
        Style::Films => path.say("/vi/").web64(11).say("/hqdefault.jpg?sqp=-oaymwEnCNACELwBSFryq4qpAxkIARUAAIhCGAHYAQHiAQoIGBACGAY4AUAB&rs=AOn4C").web64(27),
        Style::Blog => {
            path.say("/wp-content/uploads/2025/0").digits(1).say("/").slug(3).one_of(&["-300x200", "-1024x683", "-768x512"]).one_of(&[".jpg", ".webp"])
        }
        Style::Shop => path.say("/is/image/").slug(1).say("/").digits(8).say("_alt").digits(1).one_of(&["?$medium$", "?wid=640&fmt=webp&qlt=80"]),
        Style::Program => path.say("/").web64(72).one_of(&["=s64-c", "=w240-h135-p-k-no-nu", "=s32-c-fbw=1"]),
        Style::Pages => path.say("/wikipedia/commons/thumb/").hex(1).say("/").hex(2).say("/").slug(2).say(".jpg/").digits(3).say("px-").slug(2).say(".jpg"),
        Style::Articles | Style::Closed => match path.random.below(3) {
            0 => path.say("/images/ic/").one_of(&["480x270", "640x360", "976x549"]).say("/p0").hex(6).say(".jpg"),
            1 => path.say("/media/").digits(6).say("/").slug(3).say(".webp?width=").digits(3).say("&quality=75"),
            _ => path.say("/thumbs/").hex(32).say(".jpg"),
        },
    };
    path.done()
}

/// A library or a font that many sites share: a few hundred in all.
pub fn library(random: &mut Random) -> String {
    let mut few = Random::new(random.next() % 400);
    let path = Path::new(&mut few);
    let path = match path.random.below(4) {
        0 => path.say("/npm/").slug(1).say("@").digits(1).say(".").digits(1).say(".").digits(1).say("/dist/").slug(1).say(".min.js"),
        1 => path.say("/ajax/libs/").slug(1).say("/").digits(1).say(".").digits(1).say(".1/").slug(1).say(".min.css"),
        2 => path.say("/s/").slug(1).say("/v").digits(2).say("/").web64(60).say(".woff2"),
        _ => path.say("/gtag/js?id=G-").hex(10).say("&cx=c&gtm=4e").hex(8),
    };
    path.done()
}

/// A call of a program in the page, made anew each time.
pub fn call(moment: u64, random: &mut Random) -> String {
    let path = Path::new(random);
    let path = match path.random.below(4) {
        0 => path.say("/api/v2/").slug(1).say("/").digits(6).say("?page=").digits(1),
        1 => path.say("/api/").slug(1).say("/state?include=progress%2Cmarks&user=").digits(7),
        2 => path
            .say("/graphql?operationName=")
            .slug(1)
            .say("Query&variables=%7B%22id%22%3A%22")
            .digits(7)
            .say("%22%7D&extensions=%7B%22hash%22%3A%22")
            .hex(64)
            .say("%22%7D"),
        _ => path.say("/v1/").slug(2).say(".json?_=").number(moment),
    };
    path.done()
}

/// What is sent back about a person: long, and never twice the same.
pub fn beacon(moment: u64, page: &str, random: &mut Random) -> String {
    let kind = random.below(100);
    let path = Path::new(random);
    let path = match kind {
        0..45 => path
            .say("/g/collect?v=2&tid=G-")
            .hex(10)
            .say("&gtm=45je5b51v9")
            .digits(9)
            .say("za200&_p=")
            .number(moment)
            .say("&gcd=13l3l3l3l1l1&npa=0&dma=0&cid=")
            .digits(9)
            .say(".")
            .digits(10)
            .say("&ul=en-gb&sr=1366x768&_s=")
            .digits(1)
            .say("&sid=")
            .digits(10)
            .say("&sct=")
            .digits(1)
            .say("&seg=1&dl=https%3A%2F%2F")
            .encoded(page)
            .say("&en=page_view&_et=")
            .digits(4),
        45..75 => path.say("/pixel?id=").digits(9).say("&ev=view&ts=").number(moment).say("&cb=").hex(16),
        75..94 => path.say("/log?format=json&hasfast=true&authuser=0&sid=").web64(24).say("&t=").number(moment),
        _ => path.say("/event?data=").web64(700).say("&page=").encoded(page).say("&s=").web64(300),
    };
    path.done()
}

/// A file of a site, asked for past every cache.
pub fn busted(style: Style, own: &mut Random, moment: u64) -> String {
    let path = asset(style, own);
    let mark = if path.contains('?') { "&_=" } else { "?_=" };
    let mut none = Random::new(0);
    Path { text: path, random: &mut none }.say(mark).number(moment).done()
}

/// What a device asks for by itself.
pub fn poll(moment: u64, random: &mut Random) -> String {
    let path = Path::new(random);
    let path = match path.random.below(4) {
        0 => path.say("/service/update2/json?cup2key=14:").web64(43).say("&cup2hreq=").hex(64),
        1 => path.say("/generate_204"),
        2 => path
            .say("/punctual/multi-watch/channel?VER=8&gsessionid=")
            .web64(43)
            .say("&SID=")
            .web64(22)
            .say("&RID=")
            .digits(5)
            .say("&AID=")
            .digits(3)
            .say("&zx=")
            .hex(12),
        _ => path.say("/v1/heartbeat?device=").hex(16).say("&t=").number(moment),
    };
    path.done()
}

/// A search, asked.
pub fn asked(engine: &str, term: &str, random: &mut Random) -> String {
    let path = Path::new(random);
    let path = match engine {
        "youtube" => path.say("/results?search_query=").encoded(term),
        "wikipedia" => path.say("/w/index.php?search=").encoded(term).say("&title=Special%3ASearch&ns0=1"),
        "bing" => path.say("/search?q=").encoded(term).say("&form=QBLH&sp=-1&cvid=").hex(32),
        "duckduckgo" => path.say("/?q=").encoded(term).say("&ia=web"),
        "google" => path.say("/search?q=").encoded(term).say("&rlz=1CAHKDC_enGB&oq=").encoded(term).say("&gs_lcrp=").web64(80).say("&sourceid=chrome&ie=UTF-8"),
        _ => path.say("/search?method=index&q=").encoded(term),
    };
    path.done()
}

/// A search as far as it is typed.
pub fn typing(typed: &str, random: &mut Random) -> String {
    Path::new(random)
        .say("/complete/search?q=")
        .encoded(typed)
        .say("&cp=")
        .number(typed.len() as u64)
        .say("&client=gws-wiz&xssi=t&gs_pcrt=2&hl=en-GB&psi=")
        .web64(22)
        .say(".")
        .digits(13)
        .done()
}
