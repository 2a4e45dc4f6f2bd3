//! The table of search engines.

use crate::insight::Stage;

/// Which endings an engine's site has.
pub(super) enum Ends {
    /// `com` and those of countries: `google.co.uk`, `google.de`.
    National,
    /// These.
    In(&'static [&'static str]),
}

/// Which paths.
pub(super) enum Path {
    /// All of them.
    Any,
    /// This one, with or without a slash at its end.
    Is(&'static str),
    /// All that begin so.
    Under(&'static str),
}

/// Where the words stand.
pub(super) enum Place {
    /// In the first of these parameters that holds any.
    Query(&'static [&'static str]),
    /// In the path, up to the next slash.
    Segment,
}

/// One way an engine is asked.
pub(super) struct Way {
    pub(super) stage: Stage,
    /// What stands before the site's name; nothing if that does not matter.
    pub(super) below: Option<&'static str>,
    pub(super) path: Path,
    pub(super) place: Place,
    /// A parameter with its value that must be there too.
    pub(super) with: Option<&'static str>,
}

/// One engine at one site.
pub(super) struct Engine {
    /// Its name in the log.
    pub(super) id: &'static str,
    /// Its name as people write it.
    pub(super) label: &'static str,
    /// The site's own name.
    pub(super) site: &'static str,
    pub(super) ends: Ends,
    /// Whether the site is there for searching, rather than having a search of its own.
    pub(super) general: bool,
    pub(super) ways: &'static [Way],
}

/// The words in these parameters of a path that is so, or begins so.
const fn asked(path: Path, names: &'static [&'static str]) -> Way {
    Way { stage: Stage::Asked, below: None, path, place: Place::Query(names), with: None }
}

/// The same, asked for suggestions.
const fn typing(path: Path, names: &'static [&'static str]) -> Way {
    Way { stage: Stage::Typing, ..asked(path, names) }
}

/// The words in the path itself.
const fn named(path: &'static str) -> Way {
    Way { place: Place::Segment, ..asked(Under(path), &[]) }
}

impl Way {
    const fn at(self, below: &'static str) -> Self {
        Self { below: Some(below), ..self }
    }

    const fn with(self, pair: &'static str) -> Self {
        Self { with: Some(pair), ..self }
    }
}

use Path::{Any, Is, Under};

#[rustfmt::skip]
pub(super) const ENGINES: &[Engine] = &[
    Engine { id: "google-scholar", label: "Google Scholar", site: "google", ends: Ends::National, general: false, ways: &[
        asked(Is("/scholar"), &["q"]).at("scholar"), typing(Is("/scholar_complete"), &["q"]).at("scholar"),
    ] },
    Engine { id: "google-books", label: "Google Books", site: "google", ends: Ends::National, general: false, ways: &[
        asked(Under("/books"), &["q"]).at("books"), asked(Is("/search"), &["q"]).with("tbm=bks"), asked(Is("/search"), &["q"]).with("udm=36"),
    ] },
    Engine { id: "google-news", label: "Google News", site: "google", ends: Ends::National, general: false, ways: &[
        asked(Is("/search"), &["q"]).at("news"),
    ] },
    Engine { id: "google-maps", label: "Google Maps", site: "google", ends: Ends::National, general: false, ways: &[
        named("/maps/search/"), asked(Is("/maps"), &["q"]), asked(Is(""), &["q"]).at("maps"), typing(Is("/maps/suggest"), &["q"]),
        typing(Is("/s"), &["q"]).with("tbm=map"),
    ] },
    Engine { id: "google-play", label: "Google Play", site: "google", ends: Ends::National, general: false, ways: &[
        asked(Is("/store/search"), &["q"]).at("play"),
    ] },
    Engine { id: "youtube", label: "YouTube", site: "google", ends: Ends::National, general: false, ways: &[
        typing(Is("/complete/search"), &["q"]).with("client=youtube"), typing(Is("/complete/search"), &["q"]).with("ds=yt"),
    ] },
    Engine { id: "google", label: "Google", site: "google", ends: Ends::National, general: true, ways: &[
        typing(Is("/complete/search"), &["q"]), typing(Is("/s"), &["q"]), asked(Is("/search"), &["q", "as_q"]), asked(Is("/webhp"), &["q"]),
        asked(Is("/imghp"), &["q"]), asked(Is("/videohp"), &["q"]), asked(Under("/cse"), &["q"]), asked(Is("/custom"), &["q"]), asked(Is(""), &["q"]),
    ] },
    Engine { id: "youtube", label: "YouTube", site: "youtube", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/complete/search"), &["q"]), asked(Is("/results"), &["search_query", "q"]), asked(Is("/search"), &["q"]).at("music"),
        asked(Is("/results"), &["search_query"]).at("m"),
    ] },
    Engine { id: "bing", label: "Bing", site: "bing", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/AS/Suggestions"), &["qry", "q"]), typing(Is("/as/suggestions"), &["qry", "q"]), typing(Is("/osjson.aspx"), &["query"]),
        asked(Is("/search"), &["q"]), asked(Under("/images/"), &["q"]), asked(Under("/videos/"), &["q"]), asked(Under("/news/"), &["q"]),
        asked(Is("/shop"), &["q"]), asked(Is("/maps"), &["q"]), asked(Is("/chat"), &["q"]), asked(Is("/copilotsearch"), &["q"]),
    ] },
    Engine { id: "duckduckgo", label: "DuckDuckGo", site: "duckduckgo", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/ac"), &["q"]), asked(Is(""), &["q"]), asked(Is("/html"), &["q"]), asked(Is("/lite"), &["q"]), asked(Is("/i.js"), &["q"]),
        asked(Is("/v.js"), &["q"]), asked(Is("/news.js"), &["q"]),
    ] },
    Engine { id: "yahoo", label: "Yahoo", site: "yahoo", ends: Ends::National, general: true, ways: &[
        typing(Under("/sugg/"), &["command", "p", "query"]), typing(Is("/gossip"), &["command", "query"]), asked(Under("/search"), &["p", "q"]),
        asked(Under("/yhs/"), &["p"]), asked(Under("/mobile/"), &["p"]),
    ] },
    Engine { id: "ecosia", label: "Ecosia", site: "ecosia", ends: Ends::In(&["org"]), general: true, ways: &[
        typing(Any, &["q"]).at("ac"), typing(Is("/autocomplete"), &["q"]), asked(Is("/search"), &["q"]), asked(Is("/images"), &["q"]),
        asked(Is("/videos"), &["q"]), asked(Is("/news"), &["q"]), asked(Is("/ai-search"), &["q"]), asked(Is("/chat"), &["q"]),
    ] },
    Engine { id: "wikipedia", label: "Wikipedia", site: "wikipedia", ends: Ends::In(&["org"]), general: false, ways: &[
        typing(Is("/w/api.php"), &["search"]).with("action=opensearch"), typing(Is("/w/rest.php/v1/search/title"), &["q"]),
        typing(Is("/w/api.php"), &["gpssearch"]), typing(Is("/w/api.php"), &["pssearch"]), asked(Is("/w/index.php"), &["search"]),
        asked(Is("/wiki/Special:Search"), &["search"]), asked(Under("/wiki/"), &["search"]), asked(Is("/w/rest.php/v1/search/page"), &["q"]),
        asked(Is("/w/api.php"), &["srsearch"]),
    ] },
    Engine { id: "wikipedia", label: "Wikipedia", site: "wikimedia", ends: Ends::In(&["org"]), general: false, ways: &[
        asked(Is("/w/index.php"), &["search"]), asked(Is("/wiki/Special:MediaSearch"), &["search"]),
    ] },
    Engine { id: "amazon", label: "Amazon", site: "amazon", ends: Ends::National, general: false, ways: &[
        typing(Under("/api/"), &["prefix"]).at("completion"), typing(Is("/search/complete"), &["q"]).at("completion"),
        typing(Is("/suggestions"), &["prefix"]), asked(Is("/s"), &["k", "field-keywords"]), asked(Under("/s/"), &["k", "field-keywords"]),
        asked(Under("/gp/search"), &["keywords", "k", "field-keywords"]), asked(Under("/gp/aw/s"), &["k", "keywords"]),
    ] },
    Engine { id: "tiktok", label: "TikTok", site: "tiktok", ends: Ends::In(&["com"]), general: false, ways: &[
        typing(Is("/api/search/general/preview"), &["keyword"]), typing(Is("/api/search/general/sug"), &["keyword"]), asked(Under("/search"), &["q"]),
        asked(Under("/api/search/"), &["keyword"]),
    ] },
    Engine { id: "qwant", label: "Qwant", site: "qwant", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/v3/suggest"), &["q"]).at("api"), typing(Is("/api/suggest"), &["q"]).at("api"), typing(Is("/opensearch/suggest"), &["q"]),
        asked(Under("/v3/search/"), &["q"]).at("api"), asked(Any, &["q"]),
    ] },
    Engine { id: "brave", label: "Brave Search", site: "brave", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/api/suggest"), &["q"]).at("search"), asked(Is("/search"), &["q"]).at("search"), asked(Is("/images"), &["q"]).at("search"),
        asked(Is("/videos"), &["q"]).at("search"), asked(Is("/news"), &["q"]).at("search"), asked(Is("/ask"), &["q"]).at("search"),
    ] },
    Engine { id: "startpage", label: "Startpage", site: "startpage", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/suggestions"), &["q", "query"]), typing(Is("/osuggestions"), &["q"]), typing(Is("/do/suggest"), &["query"]),
        asked(Is("/search"), &["query", "q"]), asked(Under("/do/"), &["query", "q"]), asked(Under("/sp/"), &["query", "q"]),
    ] },
    Engine { id: "swiggle", label: "Swiggle", site: "swiggle", ends: Ends::In(&["org.uk"]), general: true, ways: &[
        asked(Any, &["q", "s", "query", "search"]),
    ] },
    Engine { id: "kidrex", label: "KidRex", site: "kidrex", ends: Ends::In(&["org"]), general: true, ways: &[asked(Any, &["q"])] },
    Engine { id: "kiddle", label: "Kiddle", site: "kiddle", ends: Ends::In(&["co"]), general: true, ways: &[
        typing(Is("/ac.php"), &["q"]), typing(Under("/suggest"), &["q"]), asked(Any, &["q"]),
    ] },
    Engine { id: "kidzsearch", label: "KidzSearch", site: "kidzsearch", ends: Ends::In(&["com"]), general: true, ways: &[asked(Any, &["q"])] },
    Engine { id: "safesearchkids", label: "Safe Search Kids", site: "safesearchkids", ends: Ends::In(&["com"]), general: true, ways: &[
        asked(Any, &["q"]),
    ] },
    Engine { id: "yandex", label: "Yandex", site: "yandex", ends: Ends::National, general: true, ways: &[
        typing(Under("/suggest/"), &["part"]), typing(Is("/suggest-ff.cgi"), &["part"]).at("suggest"),
        typing(Is("/suggest-ya.cgi"), &["part"]).at("suggest"), asked(Under("/search"), &["text", "query"]), asked(Under("/images/"), &["text"]),
        asked(Under("/video/"), &["text"]), asked(Is("/yandsearch"), &["text"]),
    ] },
    Engine { id: "baidu", label: "Baidu", site: "baidu", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/sugrec"), &["wd"]), typing(Is("/su"), &["wd", "word"]).at("suggestion"), asked(Is("/s"), &["wd", "word"]),
        asked(Under("/search"), &["word", "wd", "query"]),
    ] },
    Engine { id: "mojeek", label: "Mojeek", site: "mojeek", ends: Ends::In(&["com", "co.uk"]), general: true, ways: &[
        typing(Is("/autocomplete"), &["q"]), typing(Is("/suggest"), &["q"]), asked(Is("/search"), &["q"]),
    ] },
    Engine { id: "reddit", label: "Reddit", site: "reddit", ends: Ends::In(&["com"]), general: false, ways: &[
        typing(Is("/api/subreddit_autocomplete_v2.json"), &["query"]), typing(Is("/api/subreddit_autocomplete.json"), &["query"]),
        typing(Under("/svc/shreddit/"), &["query"]), asked(Under("/search"), &["q"]), asked(Under("/r/"), &["q"]),
    ] },
    Engine { id: "pinterest", label: "Pinterest", site: "pinterest", ends: Ends::National, general: false, ways: &[asked(Under("/search/"), &["q"])] },
    Engine { id: "ebay", label: "eBay", site: "ebay", ends: Ends::National, general: false, ways: &[
        asked(Under("/sch/"), &["_nkw", "_from_nkw"]), asked(Under("/shop/"), &["_nkw"]), typing(Under("/autosug"), &["kwd", "sq"]),
    ] },
    Engine { id: "ebay", label: "eBay", site: "ebaystatic", ends: Ends::In(&["com"]), general: false, ways: &[typing(Under("/autosug"), &["kwd"])] },
    Engine { id: "x", label: "X", site: "x", ends: Ends::In(&["com"]), general: false, ways: &[asked(Is("/search"), &["q"])] },
    Engine { id: "x", label: "X", site: "twitter", ends: Ends::In(&["com"]), general: false, ways: &[asked(Is("/search"), &["q"])] },
    Engine { id: "instagram", label: "Instagram", site: "instagram", ends: Ends::In(&["com"]), general: false, ways: &[
        asked(Under("/explore/search"), &["q"]), typing(Is("/api/v1/web/search/topsearch"), &["query"]),
    ] },
    Engine { id: "facebook", label: "Facebook", site: "facebook", ends: Ends::In(&["com"]), general: false, ways: &[asked(Under("/search/"), &["q"])] },
    Engine { id: "twitch", label: "Twitch", site: "twitch", ends: Ends::In(&["tv"]), general: false, ways: &[asked(Is("/search"), &["term"])] },
    Engine { id: "vimeo", label: "Vimeo", site: "vimeo", ends: Ends::In(&["com"]), general: false, ways: &[asked(Is("/search"), &["q"])] },
    Engine { id: "dailymotion", label: "Dailymotion", site: "dailymotion", ends: Ends::In(&["com"]), general: false, ways: &[named("/search/")] },
    Engine { id: "soundcloud", label: "SoundCloud", site: "soundcloud", ends: Ends::In(&["com"]), general: false, ways: &[
        typing(Is("/search/queries"), &["q"]).at("api-v2"), asked(Under("/search"), &["q"]),
    ] },
    Engine { id: "spotify", label: "Spotify", site: "spotify", ends: Ends::In(&["com"]), general: false, ways: &[named("/search/").at("open")] },
    Engine { id: "giphy", label: "GIPHY", site: "giphy", ends: Ends::In(&["com"]), general: false, ways: &[
        asked(Is("/v1/gifs/search"), &["q"]).at("api"), named("/search/"),
    ] },
    Engine { id: "tenor", label: "Tenor", site: "tenor", ends: Ends::In(&["com"]), general: false, ways: &[
        typing(Is("/v2/autocomplete"), &["q"]), named("/search/"),
    ] },
    Engine { id: "unsplash", label: "Unsplash", site: "unsplash", ends: Ends::In(&["com"]), general: false, ways: &[named("/s/photos/")] },
    Engine { id: "pixabay", label: "Pixabay", site: "pixabay", ends: Ends::In(&["com"]), general: false, ways: &[
        named("/images/search/"), named("/photos/search/"),
    ] },
    Engine { id: "pexels", label: "Pexels", site: "pexels", ends: Ends::In(&["com"]), general: false, ways: &[named("/search/")] },
    Engine { id: "imgur", label: "Imgur", site: "imgur", ends: Ends::In(&["com"]), general: false, ways: &[asked(Under("/search"), &["q"])] },
    Engine { id: "deviantart", label: "DeviantArt", site: "deviantart", ends: Ends::In(&["com"]), general: false, ways: &[
        asked(Under("/search"), &["q"]),
    ] },
    Engine { id: "quora", label: "Quora", site: "quora", ends: Ends::In(&["com"]), general: false, ways: &[asked(Is("/search"), &["q"])] },
    Engine { id: "stackoverflow", label: "Stack Overflow", site: "stackoverflow", ends: Ends::In(&["com"]), general: false, ways: &[
        asked(Is("/search"), &["q"]),
    ] },
    Engine { id: "github", label: "GitHub", site: "github", ends: Ends::In(&["com"]), general: false, ways: &[asked(Is("/search"), &["q"])] },
    Engine { id: "bbc", label: "BBC", site: "bbc", ends: Ends::In(&["co.uk", "com"]), general: false, ways: &[
        asked(Is("/search"), &["q"]), asked(Is("/iplayer/search"), &["q"]), asked(Is("/sounds/search"), &["q"]),
    ] },
    Engine { id: "britannica", label: "Britannica", site: "britannica", ends: Ends::In(&["com", "co.uk"]), general: false, ways: &[
        asked(Under("/search"), &["query"]),
    ] },
    Engine { id: "wolfram-alpha", label: "Wolfram Alpha", site: "wolframalpha", ends: Ends::In(&["com"]), general: false, ways: &[
        typing(Is("/n/v1/api/autocomplete"), &["i"]), asked(Is("/input"), &["i"]),
    ] },
    Engine { id: "urban-dictionary", label: "Urban Dictionary", site: "urbandictionary", ends: Ends::In(&["com"]), general: false, ways: &[
        typing(Under("/v0/autocomplete"), &["term"]).at("api"), asked(Is("/define.php"), &["term"]),
    ] },
    Engine { id: "perplexity", label: "Perplexity", site: "perplexity", ends: Ends::In(&["ai"]), general: true, ways: &[
        asked(Under("/search"), &["q"]), asked(Is(""), &["q"]),
    ] },
    Engine { id: "you", label: "You.com", site: "you", ends: Ends::In(&["com"]), general: true, ways: &[
        asked(Is("/search"), &["q"]), asked(Is("/api/streamingSearch"), &["q"]),
    ] },
    Engine { id: "chatgpt", label: "ChatGPT", site: "chatgpt", ends: Ends::In(&["com"]), general: true, ways: &[asked(Is(""), &["q", "prompt"])] },
    Engine { id: "claude", label: "Claude", site: "claude", ends: Ends::In(&["ai"]), general: true, ways: &[asked(Is("/new"), &["q"])] },
    Engine { id: "grok", label: "Grok", site: "grok", ends: Ends::In(&["com"]), general: true, ways: &[asked(Is(""), &["q"])] },
    Engine { id: "kagi", label: "Kagi", site: "kagi", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Is("/api/autosuggest"), &["q"]), asked(Is("/search"), &["q"]), asked(Is("/images"), &["q"]), asked(Is("/videos"), &["q"]),
        asked(Is("/news"), &["q"]),
    ] },
    Engine { id: "ask", label: "Ask.com", site: "ask", ends: Ends::In(&["com"]), general: true, ways: &[asked(Is("/web"), &["q"])] },
    Engine { id: "aol", label: "AOL", site: "aol", ends: Ends::In(&["com", "co.uk"]), general: true, ways: &[asked(Under("/aol/"), &["q", "query"])] },
    Engine { id: "dogpile", label: "Dogpile", site: "dogpile", ends: Ends::In(&["com"]), general: true, ways: &[
        asked(Is("/serp"), &["q"]), asked(Under("/search/"), &["q"]),
    ] },
    Engine { id: "swisscows", label: "Swisscows", site: "swisscows", ends: Ends::In(&["com"]), general: true, ways: &[asked(Any, &["query"])] },
    Engine { id: "presearch", label: "Presearch", site: "presearch", ends: Ends::In(&["com", "org"]), general: true, ways: &[
        asked(Is("/search"), &["q"]),
    ] },
    Engine { id: "searchencrypt", label: "Search Encrypt", site: "searchencrypt", ends: Ends::In(&["com"]), general: true, ways: &[
        asked(Is("/search"), &["q"]),
    ] },
    Engine { id: "naver", label: "Naver", site: "naver", ends: Ends::In(&["com"]), general: true, ways: &[
        typing(Any, &["q"]).at("ac.search"), asked(Is("/search.naver"), &["query"]),
    ] },
    Engine { id: "sogou", label: "Sogou", site: "sogou", ends: Ends::In(&["com"]), general: true, ways: &[
        asked(Is("/web"), &["query"]), asked(Is("/sogou"), &["query"]),
    ] },
    Engine { id: "seznam", label: "Seznam", site: "seznam", ends: Ends::In(&["cz"]), general: true, ways: &[asked(Any, &["q"]).at("search")] },
    Engine { id: "internet-archive", label: "Internet Archive", site: "archive", ends: Ends::In(&["org"]), general: false, ways: &[
        asked(Under("/search"), &["query"]),
    ] },
    Engine { id: "roblox", label: "Roblox", site: "roblox", ends: Ends::In(&["com"]), general: false, ways: &[
        asked(Under("/discover"), &["Keyword", "keyword"]), asked(Under("/search/"), &["keyword"]),
    ] },
    Engine { id: "steam", label: "Steam", site: "steampowered", ends: Ends::In(&["com"]), general: false, ways: &[
        typing(Is("/search/suggest"), &["term"]), asked(Is("/search"), &["term"]),
    ] },
    Engine { id: "etsy", label: "Etsy", site: "etsy", ends: Ends::In(&["com"]), general: false, ways: &[
        asked(Is("/search"), &["q"]), asked(Is("/uk/search"), &["q"]),
    ] },
    Engine { id: "fandom", label: "Fandom", site: "fandom", ends: Ends::In(&["com"]), general: false, ways: &[
        asked(Is("/wiki/Special:Search"), &["query", "search"]),
    ] },
    Engine { id: "metager", label: "MetaGer", site: "metager", ends: Ends::In(&["org", "de"]), general: true, ways: &[asked(Any, &["eingabe"])] },
];
