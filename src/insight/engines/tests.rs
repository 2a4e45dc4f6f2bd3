use super::table::ENGINES;
use super::*;
use crate::insight::Stage;
use std::collections::HashSet;

fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or((rest, "/"), |at| rest.split_at(at))
}

/// An address as a browser sends it, and what was asked.
const ASKED: &[(&str, &str, &str)] = &[
    ("https://www.google.co.uk/search?q=how+do+volcanoes+erupt&sca_esv=5b3&source=hp&ei=x&gs_lp=Egdnd3&sclient=gws-wiz", "google", "how do volcanoes erupt"),
    ("https://www.google.com/search?hl=en&q=%22how+to%22+caf%C3%A9&tbm=isch", "google", "\"how to\" café"),
    ("https://www.google.com/search?q=goals&tbm=vid", "google", "goals"),
    ("https://www.google.com.au/?q=roos", "google", "roos"),
    ("https://cse.google.com/cse/element/v1?rsz=filtered_cse&num=10&q=dinosaurs&safe=active&cx=1", "google", "dinosaurs"),
    ("https://scholar.google.co.uk/scholar?hl=en&as_sdt=0%2C5&q=photosynthesis&btnG=", "google-scholar", "photosynthesis"),
    ("https://www.google.com/search?tbm=bks&q=jane+eyre", "google-books", "jane eyre"),
    ("https://books.google.co.uk/books?q=emma", "google-books", "emma"),
    ("https://news.google.com/search?q=election&hl=en-GB", "google-news", "election"),
    ("https://www.google.com/maps/search/chip+shops+near+me/@51.5,-0.1,14z", "google-maps", "chip shops near me"),
    ("https://www.google.co.uk/maps?q=SW1A+1AA", "google-maps", "SW1A 1AA"),
    ("https://play.google.com/store/search?q=vpn&c=apps", "google-play", "vpn"),
    ("https://www.youtube.com/results?search_query=minecraft+castle&sp=EgIQAQ%253D%253D", "youtube", "minecraft castle"),
    ("https://music.youtube.com/search?q=song", "youtube", "song"),
    ("https://www.bing.com/search?q=tudor+kings&form=QBLH&sp=-1&pq=tudor+k", "bing", "tudor kings"),
    ("https://www.bing.com/images/search?q=henry+viii&form=HDRSC3", "bing", "henry viii"),
    ("https://duckduckgo.com/?t=h_&q=private+search&ia=web", "duckduckgo", "private search"),
    ("https://html.duckduckgo.com/html/?q=x", "duckduckgo", "x"),
    ("https://uk.search.yahoo.com/search?p=weather+leeds&fr=yfp-t", "yahoo", "weather leeds"),
    ("https://uk.images.search.yahoo.com/search/images;_ylt=A?p=cats", "yahoo", "cats"),
    ("https://www.ecosia.org/search?method=index&q=plant+trees", "ecosia", "plant trees"),
    ("https://en.wikipedia.org/w/index.php?search=Roman+roads&title=Special%3ASearch&go=Go", "wikipedia", "Roman roads"),
    ("https://cy.wikipedia.org/wiki/Special:Search?search=Caerdydd", "wikipedia", "Caerdydd"),
    ("https://www.amazon.co.uk/s?k=kitchen+knife&crid=2X&sprefix=kitchen+kn%2Caps%2C80&ref=nb_sb_noss", "amazon", "kitchen knife"),
    ("https://www.amazon.com/s/ref=nb_sb_noss?url=search-alias%3Daps&field-keywords=rope", "amazon", "rope"),
    ("https://www.tiktok.com/search?q=dance%20trend&t=1700000000000", "tiktok", "dance trend"),
    ("https://www.tiktok.com/search/video?q=dares", "tiktok", "dares"),
    ("https://www.tiktok.com/api/search/general/full/?aid=1988&keyword=dares&offset=0", "tiktok", "dares"),
    ("https://www.qwant.com/?l=en&q=rivers&t=web", "qwant", "rivers"),
    ("https://api.qwant.com/v3/search/web?q=rivers&count=10&locale=en_GB", "qwant", "rivers"),
    ("https://search.brave.com/search?q=lions&source=web", "brave", "lions"),
    ("https://www.startpage.com/do/search?query=quiet&cat=web&language=english", "startpage", "quiet"),
    ("https://swiggle.org.uk/?q=rainforest", "swiggle", "rainforest"),
    ("https://www.kidrex.org/results/?q=sharks", "kidrex", "sharks"),
    ("https://www.kiddle.co/s.php?q=planets", "kiddle", "planets"),
    ("https://search.kidzsearch.com/kzsearch.php?q=frogs", "kidzsearch", "frogs"),
    ("https://www.safesearchkids.com/search-results/?q=bees#gsc.tab=0&gsc.q=bees", "safesearchkids", "bees"),
    ("https://yandex.ru/search/?text=%D0%BA%D0%BE%D1%82&lr=213", "yandex", "кот"),
    ("https://www.baidu.com/s?ie=utf-8&f=8&wd=%E7%8C%AB&tn=baidu", "baidu", "猫"),
    ("https://www.mojeek.com/search?q=independent", "mojeek", "independent"),
    ("https://www.reddit.com/search/?q=homework+answers&type=posts", "reddit", "homework answers"),
    ("https://www.reddit.com/r/teenagers/search/?q=sad", "reddit", "sad"),
    ("https://www.pinterest.co.uk/search/pins/?q=thinspo&rs=typed", "pinterest", "thinspo"),
    ("https://www.ebay.co.uk/sch/i.html?_from=R40&_nkw=vape&_sacat=0", "ebay", "vape"),
    ("https://x.com/search?q=school%20strike&src=typed_query", "x", "school strike"),
    ("https://twitter.com/search?q=old", "x", "old"),
    ("https://www.instagram.com/explore/search/keyword/?q=gym", "instagram", "gym"),
    ("https://www.facebook.com/search/top/?q=someone", "facebook", "someone"),
    ("https://www.twitch.tv/search?term=fortnite", "twitch", "fortnite"),
    ("https://vimeo.com/search?q=short+film", "vimeo", "short film"),
    ("https://www.dailymotion.com/search/funny%20fails/videos", "dailymotion", "funny fails"),
    ("https://soundcloud.com/search?q=drill", "soundcloud", "drill"),
    ("https://open.spotify.com/search/lo%20fi/tracks", "spotify", "lo fi"),
    ("https://giphy.com/search/thumbs-up", "giphy", "thumbs-up"),
    ("https://tenor.com/search/laughing-gifs", "tenor", "laughing-gifs"),
    ("https://unsplash.com/s/photos/forest", "unsplash", "forest"),
    ("https://pixabay.com/images/search/flowers/", "pixabay", "flowers"),
    ("https://www.pexels.com/search/sea/", "pexels", "sea"),
    ("https://imgur.com/search?q=memes", "imgur", "memes"),
    ("https://www.deviantart.com/search?q=dragons", "deviantart", "dragons"),
    ("https://www.quora.com/search?q=why", "quora", "why"),
    ("https://stackoverflow.com/search?q=borrow", "stackoverflow", "borrow"),
    ("https://github.com/search?q=proxy&type=repositories", "github", "proxy"),
    ("https://www.bbc.co.uk/search?q=bitesize&d=SEARCH_PS", "bbc", "bitesize"),
    ("https://www.britannica.com/search?query=vikings", "britannica", "vikings"),
    ("https://www.wolframalpha.com/input?i=integrate+x%5E2", "wolfram-alpha", "integrate x^2"),
    ("https://www.urbandictionary.com/define.php?term=mid", "urban-dictionary", "mid"),
    ("https://www.perplexity.ai/search?q=essay+on+macbeth", "perplexity", "essay on macbeth"),
    ("https://you.com/search?q=a&fromSearchBar=true", "you", "a"),
    ("https://you.com/api/streamingSearch?page=1&count=10&q=capital%20of%20Wales&chat=%5B%5D", "you", "capital of Wales"),
    ("https://chatgpt.com/?q=how+to+revise&hints=search", "chatgpt", "how to revise"),
    ("https://chatgpt.com/?prompt=hello", "chatgpt", "hello"),
    ("https://claude.ai/new?q=a%20poem", "claude", "a poem"),
    ("https://grok.com/?q=why", "grok", "why"),
    ("https://kagi.com/search?q=paid", "kagi", "paid"),
    ("https://www.ask.com/web?q=jeeves", "ask", "jeeves"),
    ("https://search.aol.co.uk/aol/search?q=mail", "aol", "mail"),
    ("https://www.dogpile.com/serp?q=dogs", "dogpile", "dogs"),
    ("https://swisscows.com/en/web?query=cows", "swisscows", "cows"),
    ("https://metager.org/meta/meta.ger3?eingabe=privacy", "metager", "privacy"),
    ("https://presearch.com/search?q=tokens", "presearch", "tokens"),
    ("https://www.searchencrypt.com/search?q=hidden", "searchencrypt", "hidden"),
    ("https://search.naver.com/search.naver?where=nexearch&query=%EA%B3%A0%EC%96%91%EC%9D%B4", "naver", "고양이"),
    ("https://www.sogou.com/web?query=%E7%8B%97", "sogou", "狗"),
    ("https://search.seznam.cz/?q=pes", "seznam", "pes"),
    ("https://archive.org/search?query=radio", "internet-archive", "radio"),
    ("https://www.roblox.com/discover/?Keyword=obby", "roblox", "obby"),
    ("https://store.steampowered.com/search/?term=war", "steam", "war"),
    ("https://www.etsy.com/uk/search?q=ring", "etsy", "ring"),
    ("https://harrypotter.fandom.com/wiki/Special:Search?query=wand&scope=internal", "fandom", "wand"),
];

/// The same, asked for suggestions while somebody types.
const TYPING: &[(&str, &str, &str)] = &[
    ("https://www.google.com/complete/search?q=how+do+vol&cp=9&client=gws-wiz&xssi=t&hl=en", "google", "how do vol"),
    ("https://suggestqueries.google.com/complete/search?client=firefox&q=volc", "google", "volc"),
    ("https://suggestqueries.google.com/complete/search?client=youtube&ds=yt&q=mine", "youtube", "mine"),
    ("https://suggestqueries-clients6.youtube.com/complete/search?client=youtube&gs_ri=youtube&q=minec", "youtube", "minec"),
    ("https://www.google.co.uk/s?tbm=map&suggest=p&gs_ri=maps&q=chip+sh", "google-maps", "chip sh"),
    ("https://www.bing.com/AS/Suggestions?pt=page.home&mkt=en-gb&qry=tudor%20k&cp=7&cvid=1", "bing", "tudor k"),
    ("https://api.bing.com/osjson.aspx?query=tud", "bing", "tud"),
    ("https://duckduckgo.com/ac/?q=priv&kl=wt-wt", "duckduckgo", "priv"),
    ("https://ac.duckduckgo.com/ac/?q=priv&type=list", "duckduckgo", "priv"),
    ("https://uk.search.yahoo.com/sugg/gossip/gossip-uk-ura?pq=&command=weat&t_stmp=1", "yahoo", "weat"),
    ("https://ff.search.yahoo.com/gossip?output=fxjson&command=weat", "yahoo", "weat"),
    ("https://ac.ecosia.org/?q=plant&type=list", "ecosia", "plant"),
    ("https://en.wikipedia.org/w/api.php?action=opensearch&search=Roman%20r&limit=10", "wikipedia", "Roman r"),
    ("https://en.wikipedia.org/w/rest.php/v1/search/title?q=Roman&limit=10", "wikipedia", "Roman"),
    ("https://completion.amazon.co.uk/api/2017/suggestions?session-id=1&prefix=kitch&limit=11", "amazon", "kitch"),
    ("https://www.tiktok.com/api/search/general/preview/?aid=1988&keyword=dan", "tiktok", "dan"),
    ("https://api.qwant.com/v3/suggest?q=riv&locale=en_GB", "qwant", "riv"),
    ("https://search.brave.com/api/suggest?q=lio&rich=true", "brave", "lio"),
    ("https://www.startpage.com/suggestions?q=qui&segment=omnibox", "startpage", "qui"),
    ("https://yandex.ru/suggest/suggest-ya.cgi?srv=morda_ru_desktop&part=%D0%BA%D0%BE", "yandex", "ко"),
    ("https://www.baidu.com/sugrec?pre=1&p=3&ie=utf-8&json=1&prod=pc&wd=mao", "baidu", "mao"),
    ("https://www.mojeek.com/autocomplete?q=ind", "mojeek", "ind"),
    ("https://www.reddit.com/api/subreddit_autocomplete_v2.json?query=home", "reddit", "home"),
    ("https://autosug.ebaystatic.com/autosug?kwd=vap&sId=3", "ebay", "vap"),
    ("https://www.kiddle.co/ac.php?q=plan", "kiddle", "plan"),
    ("https://www.instagram.com/api/v1/web/search/topsearch/?context=blended&query=gy", "instagram", "gy"),
    ("https://kagi.com/api/autosuggest?q=pai", "kagi", "pai"),
    ("https://store.steampowered.com/search/suggest?term=wa&f=games", "steam", "wa"),
    ("https://api.urbandictionary.com/v0/autocomplete-extra?term=mi", "urban-dictionary", "mi"),
    ("https://tenor.googleapis.com/v2/autocomplete?q=x", "", ""),
];

#[test]
fn searches_are_read_from_the_addresses_of_each_engine() {
    for (rows, stage) in [(ASKED, Stage::Asked), (TYPING, Stage::Typing)] {
        for (url, engine, term) in rows {
            let (host, path) = split(url);
            let expected = (!engine.is_empty()).then(|| (*engine, (*term).to_owned(), stage));
            assert_eq!(search(host, path).map(|search| (search.engine, search.term, search.stage)), expected, "{url}");
        }
    }
}

#[test]
fn every_engine_of_the_table_has_its_row_here() {
    let tested: HashSet<_> = ASKED.iter().map(|(_, engine, _)| *engine).collect();
    assert_eq!(ids().filter(|id| !tested.contains(id)).collect::<Vec<_>>(), [] as [&str; 0]);
    for engine in ENGINES {
        assert!(engine.site.bytes().all(|byte| byte.is_ascii_lowercase()) && engine.site.len() < 32, "{}", engine.site);
        assert_eq!(label(engine.id), engine.label);
    }
}

#[test]
fn what_is_no_search_is_not_taken_for_one() {
    for url in [
        "https://www.google.com/",
        "https://www.google.com/search",
        "https://www.google.com/search?hl=en",
        "https://www.google.com/search?q=",
        "https://www.google.com/search?q=+%20",
        "https://www.google.com/#q=secret",
        "https://www.google.com/url?q=https://a.example/&sa=U",
        "https://mail.google.com/mail/u/0/?q=x#search/x",
        "https://accounts.google.com/ServiceLogin?q=x",
        "https://google.evil.example/search?q=x",
        "https://google.com.evil.example/search?q=x",
        "https://notgoogle.com/search?q=x",
        "https://bing.example/search?q=x",
        "https://www.brave.com/search?q=x",
        "https://www.youtube.com/watch?v=search_query",
        "https://www.bbc.co.uk/news?q=x",
        "https://en.wikipedia.org/wiki/Search",
        "https://a.example/search?q=x",
        "http://127.0.0.1/search?q=x",
        "http://[::1]/search?q=x",
    ] {
        let (host, path) = split(url);
        assert_eq!(search(host, path), None, "{url}");
    }
    assert!(is_engine("www.google.de") && !is_engine("www.amazon.de") && !is_engine("a.example"));
}

proptest::proptest! {
    #[test]
    fn no_address_makes_it_panic(host in "(www\\.|ac\\.)?(google|bing|yahoo|x|[a-z.]{0,20})(\\.com|\\.co\\.uk|\\.)?", path in "/[!-~é]{0,80}|\\PC{0,40}") {
        let _ = search(&host, &path);
    }
}
