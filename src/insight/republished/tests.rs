//! One line a row of the table: an address as a browser sends it, and what it shows.

use super::*;
use proptest::prelude::*;

fn url(raw: &str) -> Url {
    Url::parse(raw).expect(raw)
}

/// What an address shows, each as `service: text`.
fn of(raw: &str) -> Vec<String> {
    match shown(&url(raw)) {
        Shown::These(others) => others.iter().map(|other| format!("{}: {}", other.by, other.url.text())).collect(),
        Shown::Endless => vec!["endless".to_owned()],
    }
}

#[rustfmt::skip]
const EXAMPLES: &[(&str, &str)] = &[
    // Translators.
    ("https://art--den-github-io.translate.goog/x/?a=1&_x_tr_sl=auto&_x_tr_tl=en&_x_tr_hl=en&_x_tr_pto=wapp", "Google Translate: art-den.github.io/x/?a=1"),
    ("https://translate.google.com/translate?hl=en&sl=fr&tl=en&u=https%3A%2F%2Fgames.example%2Fplay%3Fa%3D1%26b%3D2&prev=search", "Google Translate: games.example/play?a=1&b=2"),
    ("https://translate.google.co.uk/website?sl=de&tl=en&hl=en&u=http://games.example/play", "Google Translate: games.example/play"),
    ("https://translate.google.com/?sl=auto&tl=en&text=https%3A%2F%2Fgames.example%2F&op=websites", "Google Translate: games.example/"),
    ("https://translate.googleusercontent.com/translate_c?depth=1&u=https://games.example/&usg=x", "Google Translate: games.example/"),
    ("https://www.translatetheweb.com/?from=es&to=en&dl=en&a=https%3A%2F%2Fgames.example%2Fx", "Microsoft Translator: games.example/x"),
    ("https://ssl.microsofttranslator.com/bv.aspx?from=&to=en&a=games.example", "Microsoft Translator: games.example/"),
    ("https://www.bing.com/translator?to=en&url=https%3A%2F%2Fgames.example%2F", "Microsoft Translator: games.example/"),
    ("https://translated.turbopages.org/proxy_u/fr-en.en.65a/https/games.example/play?x=1", "Yandex Translate: games.example/play?x=1"),
    ("https://translate.yandex.com/translate?url=https%3A%2F%2Fgames.example&lang=fr-en", "Yandex Translate: games.example/"),
    ("https://papago.naver.net/website?locale=en&source=auto&target=en&url=https%3A%2F%2Fgames.example%2F", "Papago: games.example/"),
    ("https://fanyi.baidu.com/transpage?query=https%3A%2F%2Fgames.example%2F&from=auto&to=en", "Baidu Translate: games.example/"),
    ("https://fanyi.youdao.com/WebpageTranslate?keyfrom=fanyi.web.index&url=games.example", "Youdao Translate: games.example/"),
    ("https://www.online-translator.com/siteTranslation/autolink/?direction=fe&sourceURL=https%3A%2F%2Fgames.example", "PROMT Translate: games.example/"),
    // Archives.
    ("https://web.archive.org/web/20240131120000/https://games.example/play?level=2", "the Wayback Machine: games.example/play?level=2"),
    ("https://web.archive.org/web/20240131120000im_/http://games.example/a.png", "the Wayback Machine: games.example/a.png"),
    ("https://web.archive.org/web/2024*/games.example*", "the Wayback Machine: games.example*/"),
    ("https://web.archive.org/web/games.example/play", "the Wayback Machine: games.example/play"),
    ("https://web.archive.org/save/https://games.example/", "the Wayback Machine: games.example/"),
    ("https://wayback.archive-it.org/1068/20240131120000/https://games.example/", "the Wayback Machine: games.example/"),
    ("https://archive.org/wayback/available?url=games.example&timestamp=2020", "the Wayback Machine: games.example/"),
    ("https://archive.ph/newest/https://games.example/play", "archive.today: games.example/play"),
    ("https://archive.is/o/AbCdE/https://games.example/play", "archive.today: games.example/play"),
    ("https://archive.today/20240131120000/http://games.example/", "archive.today: games.example/"),
    ("https://archive.li/https://games.example/", "archive.today: games.example/"),
    ("https://archive.vn/submit/?url=https%3A%2F%2Fgames.example%2F", "archive.today: games.example/"),
    ("https://archive.fo/games.example/play", "archive.today: games.example/play"),
    ("https://archive.md/timegate/https://games.example", "archive.today: games.example/"),
    ("https://www.webarchive.org.uk/wayback/archive/20240131120000/https://games.example/", "the UK Web Archive: games.example/"),
    ("https://webarchive.nationalarchives.gov.uk/ukgwa/20240131120000/https://games.example/", "the UK Government Web Archive: games.example/"),
    ("https://arquivo.pt/noFrame/replay/20240131120000/https://games.example/", "Arquivo.pt: games.example/"),
    ("http://timetravel.mementoweb.org/reconstruct/20240131120000/http://games.example/", "Memento: games.example/"),
    ("https://swap.stanford.edu/was/20240131120000/http://games.example/", "the Stanford Web Archive: games.example/"),
    ("http://web.archive.bibalex.org/web/20040131120000/http://games.example/", "the Bibliotheca Alexandrina archive: games.example/"),
    ("https://webcitation.org/query?url=http%3A%2F%2Fgames.example%2F&date=2010-01-01", "WebCite: games.example/"),
    ("https://ghostarchive.org/search?term=https://games.example/", "GhostArchive: games.example/"),
    // Caches.
    ("https://webcache.googleusercontent.com/search?q=cache:AbCdEfGhIjKl:https://games.example/play+free+games&hl=en", "Google's cache: games.example/play"),
    ("https://www.google.com/search?q=cache:games.example/play", "Google's cache: games.example/play"),
    ("https://cc.bingj.com/cache.aspx?q=https%3a%2f%2fgames.example%2f&d=4503&mkt=en-GB&w=x", "Bing's cache: games.example/"),
    ("https://yandexwebcache.net/yandbtm?fmode=inject&url=https%3A//games.example/&l10n=en", "Yandex's cache: games.example/"),
    // Pages made for phones.
    ("https://www.google.co.uk/amp/s/www.games.example/play%3famp=1", "Google AMP: www.games.example/play?amp=1"),
    ("https://www.bing.com/amp/s/games.example/play", "Bing AMP: games.example/play"),
    ("https://www-games-example.cdn.ampproject.org/c/s/www.games.example/play", "the AMP cache: www.games.example/play"),
    ("https://cdn.ampproject.org/ii/w1000/s/games.example/a.png", "the AMP cache: games.example/a.png"),
    ("https://my--games-example.cdn.ampproject.org/", "the AMP cache: my-games.example/"),
    ("https://games-example.turbopages.org/games.example/s/play", "Yandex Turbo: games.example/s/play"),
    ("https://games-example.turbopages.org", "Yandex Turbo: games.example/"),
    ("https://yandex.ru/turbo/games.example/s/play", "Yandex Turbo: games.example/s/play"),
    ("http://googleweblight.com/i?u=https://games.example/&hl=en", "Google Web Light: games.example/"),
    // Readers.
    ("https://r.jina.ai/https://games.example/play?x=1", "Jina Reader: games.example/play?x=1"),
    ("https://12ft.io/https://games.example/play", "12ft: games.example/play"),
    ("https://12ft.io/api/proxy?q=https%3A%2F%2Fgames.example%2Fplay", "12ft: games.example/play"),
    ("https://www.removepaywall.com/https://games.example/", "RemovePaywall: games.example/"),
    ("https://www.removepaywall.com/search?url=https://games.example/", "RemovePaywall: games.example/"),
    ("https://smry.ai/https://games.example/", "Smry: games.example/"),
    ("https://smry.ai/proxy?url=https://games.example/", "Smry: games.example/"),
    ("https://freedium.cfd/https://games.example/", "Freedium: games.example/"),
    ("https://outline.com/games.example/", "Outline: games.example/"),
    ("https://txtify.it/https://games.example/play", "txtify.it: games.example/play"),
    ("https://www.textise.net/showText.aspx?strURL=https%253A//games.example/", "Textise: games.example/"),
    ("https://www.printfriendly.com/print?url=https%3A%2F%2Fgames.example%2F", "PrintFriendly: games.example/"),
    ("https://www.archivebuttons.com/articles?article=https://games.example/", "Archive Buttons: games.example/"),
    ("https://validator.w3.org/nu/?showsource=yes&doc=https%3A%2F%2Fgames.example%2F", "the W3C's validator: games.example/"),
    ("https://docs.google.com/viewer?url=https%3A%2F%2Fgames.example%2Fa.pdf", "Google Docs Viewer: games.example/a.pdf"),
    ("https://docs.google.com/gview?url=https://games.example/a.pdf", "Google Docs Viewer: games.example/a.pdf"),
    ("https://drive.google.com/viewerng/viewer?embedded=true&url=https://games.example/a.pdf", "Google Docs Viewer: games.example/a.pdf"),
    ("https://view.officeapps.live.com/op/view.aspx?src=https%3A%2F%2Fgames.example%2Fa.docx", "Office Viewer: games.example/a.docx"),
    ("https://htmlpreview.github.io/?https://games.example/index.html", "HTML Preview: games.example/index.html"),
    // What lends pages to programs.
    ("https://api.allorigins.win/raw?url=https%3A%2F%2Fgames.example%2F", "AllOrigins: games.example/"),
    ("https://corsproxy.io/?url=https%3A%2F%2Fgames.example%2F", "CorsProxy: games.example/"),
    ("https://corsproxy.io/?https%3A%2F%2Fgames.example%2Fa", "CorsProxy: games.example/a"),
    ("https://cors-anywhere.herokuapp.com/https://games.example/", "CORS Anywhere: games.example/"),
    ("https://api.codetabs.com/v1/proxy?quest=https://games.example/", "CodeTabs: games.example/"),
    ("https://thingproxy.freeboard.io/fetch/https://games.example/", "ThingProxy: games.example/"),
    // Pictures of pages.
    ("https://image.thum.io/get/width/1200/https://games.example/", "thum.io: games.example/"),
    ("https://s.wordpress.com/mshots/v1/https%3A%2F%2Fgames.example%2F?w=600", "WordPress mShots: games.example/?w=600"),
    ("https://api.microlink.io/?url=https%3A%2F%2Fgames.example&screenshot=true", "Microlink: games.example/"),
    // Image proxies.
    ("https://images-blogger-opensocial.googleusercontent.com/gadgets/proxy?url=http%3A%2F%2Fgames.example%2Fa.png&container=blogger", "Google's image proxy: games.example/a.png"),
    ("https://external-content.duckduckgo.com/iu/?u=https%3A%2F%2Fgames.example%2Fa.png&f=1&nofb=1", "DuckDuckGo's image proxy: games.example/a.png"),
    ("https://www.bing.com/images/search?view=detailV2&mediaurl=https%3a%2f%2fgames.example%2fa.png&q=chess", "Bing Images: games.example/a.png"),
    ("https://th.bing.com/th?id=OIP.x&riu=http%3a%2f%2fgames.example%2fa.png&ehk=y", "Bing Images: games.example/a.png"),
    ("https://yandex.com/images/search?pos=1&img_url=https%3A%2F%2Fgames.example%2Fa.png&text=chess&rpt=simage", "Yandex Images: games.example/a.png"),
    ("https://s1.qwant.com/thumbr/474x316/5/a/x/OIP.jpg?u=https%3A%2F%2Fgames.example%2Fa.png&q=0&b=1", "Qwant's image proxy: games.example/a.png"),
    ("https://imgs.search.brave.com/sig-nature/rs:fit:860:0:0:0/g:ce/aHR0cHM6Ly9nYW1l/cy5leGFtcGxlL2Eu/cG5n", "Brave's image proxy: games.example/a.png"),
    ("https://www.startpage.com/av/proxy-image?piurl=https%3A%2F%2Fgames.example%2Fa.png&sp=1", "Startpage's image proxy: games.example/a.png"),
    ("https://wsrv.nl/?url=games.example/a.png&w=300", "wsrv.nl: games.example/a.png"),
    ("https://images.weserv.nl/?url=https://games.example/a.png", "wsrv.nl: games.example/a.png"),
    ("https://i0.wp.com/games.example/a.png?fit=300", "WordPress Photon: games.example/a.png?fit=300"),
    ("https://cdn.statically.io/img/games.example/f=auto/a.png", "Statically: games.example/f=auto/a.png"),
    ("https://res.cloudinary.com/demo/image/fetch/w_300/https://games.example/a.png", "Cloudinary: games.example/a.png"),
    ("https://ik.imagekit.io/demo/tr:w-300/https://games.example/a.png", "ImageKit: games.example/a.png"),
    ("https://external.fman1-1.fna.fbcdn.net/safe_image.php?d=x&url=https%3A%2F%2Fgames.example%2Fa.png", "Facebook's image proxy: games.example/a.png"),
    ("https://i.embed.ly/1/display/resize?width=100&url=https%3A%2F%2Fgames.example%2Fa.png", "Embedly: games.example/a.png"),
    ("https://camo.githubusercontent.com/0123456789abcdef/68747470733a2f2f67616d65732e6578616d706c652f612e706e67", "GitHub's image proxy: games.example/a.png"),
    ("https://shop.example/_next/image?url=https%3A%2F%2Fgames.example%2Fa.png&w=640&q=75", "an image of another site: games.example/a.png"),
    ("https://shop.example/_vercel/image?url=https%3A%2F%2Fgames.example%2Fa.png", "an image of another site: games.example/a.png"),
    ("https://shop.example/.netlify/images?url=https%3A%2F%2Fgames.example%2Fa.png", "an image of another site: games.example/a.png"),
    ("https://shop.example/_ipx/w_300/https://games.example/a.png", "an image of another site: games.example/a.png"),
    ("https://shop.example/cdn-cgi/image/width=300/https://games.example/a.png", "an image of another site: games.example/a.png"),
    // Links.
    ("https://www.google.com/url?sa=t&source=web&url=https%3A%2F%2Fgames.example%2Fplay&ved=2ah&usg=AOv", "Google's link: games.example/play"),
    ("https://www.google.com/aclk?sa=L&ai=x&adurl=https://games.example/", "Google's link: games.example/"),
    ("https://www.googleadservices.com/pagead/aclk?sa=L&adurl=https://games.example/", "Google's link: games.example/"),
    ("https://meet.google.com/linkredirect?authuser=0&dest=https%3A%2F%2Fgames.example%2F", "Google's link: games.example/"),
    ("https://www.bing.com/ck/a?!&&p=5f&ptn=3&u=a1aHR0cHM6Ly9nYW1lcy5leGFtcGxlL3BsYXk&ntb=1", "Bing's link: games.example/play"),
    ("https://r.search.yahoo.com/_ylt=Awr/RV=2/RE=17/RO=10/RU=https%3a%2f%2fgames.example%2fplay/RK=2/RS=x-", "Yahoo's link: games.example/play"),
    ("https://duckduckgo.com/l/?uddg=https%3A%2F%2Fgames.example%2Fplay&rut=0", "DuckDuckGo's link: games.example/play"),
    ("https://l.facebook.com/l.php?u=https%3A%2F%2Fgames.example%2F%3Ffbclid%3Dx&h=AT0", "Facebook's link: games.example/?fbclid=x"),
    ("https://www.facebook.com/flx/warn/?u=https%3A%2F%2Fgames.example%2F", "Facebook's link: games.example/"),
    ("https://l.instagram.com/?u=https%3A%2F%2Fgames.example%2F&e=AT", "Instagram's link: games.example/"),
    ("https://l.wl.co/l?u=https%3A%2F%2Fgames.example%2F", "WhatsApp's link: games.example/"),
    ("https://www.youtube.com/redirect?event=video_description&q=https%3A%2F%2Fgames.example%2F&v=x", "YouTube's link: games.example/"),
    ("https://out.reddit.com/t3_x?url=https%3A%2F%2Fgames.example%2F&token=y", "Reddit's link: games.example/"),
    ("https://steamcommunity.com/linkfilter/?url=https://games.example/", "Steam's link: games.example/"),
    ("https://vk.com/away.php?to=https%3A%2F%2Fgames.example%2F&cc_key=", "VK's link: games.example/"),
    ("https://www.linkedin.com/redir/redirect?url=https%3A%2F%2Fgames.example%2F", "LinkedIn's link: games.example/"),
    ("https://www.linkedin.com/safety/go?url=https%3A%2F%2Fgames.example%2F", "LinkedIn's link: games.example/"),
    ("https://slack-redir.net/link?url=https%3A%2F%2Fgames.example%2F", "Slack's link: games.example/"),
    ("https://t.umblr.com/redirect?z=https%3A%2F%2Fgames.example%2F&t=x", "Tumblr's link: games.example/"),
    ("https://www.tiktok.com/link/v2?aid=1988&target=https%3A%2F%2Fgames.example%2F", "TikTok's link: games.example/"),
    ("https://disq.us/?url=https%3A%2F%2Fgames.example%2F&key=x", "Disqus's link: games.example/"),
    ("https://www.deviantart.com/users/outgoing?https://games.example/", "DeviantArt's link: games.example/"),
    ("https://href.li/?https://games.example/", "an anonymous link: games.example/"),
    ("https://go.redirectingat.com/?id=1&url=https%3A%2F%2Fgames.example%2F", "a counted link: games.example/"),
    ("https://www.awin1.com/cread.php?awinmid=1&ued=https%3A%2F%2Fgames.example%2F", "a counted link: games.example/"),
    ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fgames.example%2F&data=05%7C02&reserved=0", "Outlook's safe link: games.example/"),
    ("https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/atp-safelinks.html?url=https%3A%2F%2Fgames.example%2F&locale=en-gb", "Teams' safe link: games.example/"),
    ("https://urldefense.proofpoint.com/v1/url?u=http%3A//games.example/&k=x", "Proofpoint's link: games.example/"),
    ("https://urldefense.proofpoint.com/v2/url?u=https-3A__games.example_play-2Dnow&d=DwMF", "Proofpoint's link: games.example/play-now"),
    ("https://urldefense.com/v3/__https://games.example/play__;!!AbC!xyz$", "Proofpoint's link: games.example/play"),
    ("https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fgames.example%2f&c=E,1,x", "Barracuda's link: games.example/"),
    ("https://secure-web.cisco.com/1AbC/https%3A%2F%2Fgames.example%2Fplay", "Cisco's link: games.example/play"),
];

#[test]
fn each_service_is_read() {
    for (raw, expected) in EXAMPLES {
        let expected = if expected.ends_with("games.example*/") { vec![] } else { vec![(*expected).to_owned()] };
        assert_eq!(of(raw), expected, "{raw}");
    }
}

#[test]
fn each_row_has_an_example() {
    let examples: Vec<_> = EXAMPLES.iter().map(|(raw, _)| url(raw)).collect();
    for row in ROWS.iter().filter(|row| row.by != "Google Images") {
        let is_tried = |url: &Url| {
            let mut found = SmallVec::new();
            let (path, query) = url.received().split_once('?').unwrap_or((url.received(), ""));
            if rows_of(url).any(|one| std::ptr::eq(one, row)) {
                row.read(&Request { url, path: unescape(path), query }, &mut found);
            }
            !found.is_empty()
        };
        assert!(examples.iter().any(is_tried), "no example of {} at {:?}", row.by, row.path);
        assert_eq!(row.path, row.path.to_ascii_lowercase());
    }
}

#[test]
fn a_picture_in_a_search_is_judged_with_the_page_it_is_from() {
    let raw = "https://www.google.com/imgres?imgurl=https%3A%2F%2Fcdn.example%2Fa.png&imgrefurl=https%3A%2F%2Fgames.example%2Fplay&docid=x";
    assert_eq!(of(raw), ["Google Images: cdn.example/a.png", "Google Images: games.example/play"]);
}

#[test]
fn other_spellings_of_the_same_hide_nothing() {
    for raw in [
        "https://web.archive.org/%77eb/2024/https://games.example/play",
        "https://web.archive.org//web//2024/https:/games.example/play",
        "https://web.archive.org/./x/../web/2024/https://games.example/play",
        "https://WEB.archive.org./web/2024/HTTPS://GAMES.example:8443/play",
        "https://web.archive.org/web/2024/https://user:pw@games.example/play",
        "https://web.archive.org/web/2024/https:%5c%5cgames.example/play",
        "https://translate.google.com/translate?%75=https%3A%2F%2Fgames.example%2Fplay",
        "https://translate.google.com/translate?U=https%253A%252F%252Fgames.example%252Fplay",
        "https://translate.google.com/translate?u=https%3A%2F%2Fgames%2Eexample%2Fplay",
        "https://translate.google.com/translate?u=%20ht%0Atps%3A%2F%2Fgames.example%2Fplay",
        "https://translate.google.com/translate?u=https:games.example/play",
        "https://translate.google.com/translate?u=//games.example/play",
        "https://translate.google.com/translate?u=games.example./play",
        "https://translate.google.com:443/translate/?u=https://games.example/play#u=https://bbc.co.uk",
        "https://0-games-example-0.translate.goog/play?_x_tr_sl=fr",
    ] {
        let found = of(raw);
        assert!(found.iter().any(|text| text.ends_with(" games.example/play")), "{raw}: {found:?}");
    }
    // Which of two counts is the server's idea.
    assert_eq!(of("https://translate.google.com/translate?u=https://bbc.co.uk/&u=https://games.example/").len(), 2);
    assert_eq!(of("https://münchen-de.translate.goog/"), ["Google Translate: xn--mnchen-3ya.de/"]);
    assert_eq!(of("https://en--us-example-com.translate.goog/"), ["Google Translate: en-us.example.com/"]);
}

#[test]
fn what_stands_deeper_is_read_to_the_bottom_and_no_further() {
    let mut raw = "https://games.example/play".to_owned();
    for _ in 0..DEEPEST {
        raw = format!("https://web.archive.org/web/2024/{raw}");
    }
    assert!(of(&raw).contains(&"the Wayback Machine: games.example/play".to_owned()), "{:?}", of(&raw));
    assert_eq!(of(&format!("https://web.archive.org/web/2024/{raw}")), ["endless"]);
    let many: String = (0..MOST + 2).map(|number| format!("&u=https://n{number}.example/")).collect();
    assert_eq!(of(&format!("https://translate.google.com/translate?{many}")), ["endless"]);
    let nested = "https://www.google.com/url?q=https%3A%2F%2Fgames-example.translate.goog%2Fplay%3F_x_tr_sl%3Dfr";
    assert_eq!(of(nested), ["Google's link: games-example.translate.goog/play?_x_tr_sl=fr", "Google Translate: games.example/play"]);
}

#[test]
fn ordinary_addresses_show_nothing() {
    for raw in [
        "https://www.bbc.co.uk/news/articles/c0m123",
        "https://www.google.com/search?q=http+status+codes&hl=en",
        "https://www.google.com/maps/@51.5,-0.1,12z",
        "https://translate.google.com/?sl=fr&tl=en&text=bonjour%20tout%20le%20monde&op=translate",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://web.archive.org/",
        "https://web.archive.org/_static/js/bundle-playback.js?v=1",
        "https://archive.org/details/texts",
        "https://archive.ph/AbCdE",
        "https://cdn.ampproject.org/v0.js",
        "https://cdn.ampproject.org/rtv/012401/v0/amp-ad-0.1.js",
        "https://translate.goog/",
        "https://www.bing.com/search?q=site%3Abbc.co.uk",
        "https://github.com/login?return_to=https%3A%2F%2Fgithub.com%2F",
        "https://accounts.google.com/signin?continue=https%3A%2F%2Fmail.google.com%2F",
        "https://login.microsoftonline.com/common/oauth2/authorize?redirect_uri=https%3A%2F%2Fteams.microsoft.com",
        "https://shop.example/_next/image?url=%2Fimages%2Flogo.png&w=640&q=75",
        "https://shop.example/page?url=https://games.example/",
        "https://12ft.io/about",
        "http://10.0.0.1/translate?u=https://games.example/",
        "http://[2001:db8::1]/translate?u=https://games.example/",
    ] {
        assert_eq!(of(raw), [] as [&str; 0], "{raw}");
    }
}

#[test]
fn of_a_tunnel_the_name_says_what_is_shown() {
    for (host, expected) in [
        ("www-bbc-co-uk.translate.goog", Some("www.bbc.co.uk/")),
        ("my--games-example.cdn.ampproject.org", Some("my-games.example/")),
        ("web.archive.org", None),
        ("www.google.com", None),
        ("a.b-example.translate.goog", None),
    ] {
        let tunnel = Url::new(crate::url::Scheme::Https, Host::parse(host).expect(host), 443, "");
        let Shown::These(others) = shown(&tunnel) else { panic!("{host}") };
        assert_eq!(others.first().map(|other| other.url.text()), expected, "{host}");
        assert!(others.iter().all(|other| other.url.received().len() <= 1));
    }
}

proptest! {
    #[test]
    fn nothing_that_is_sent_breaks_it_and_what_is_read_is_bounded(
        host in prop::sample::select(vec!["web.archive.org", "translate.google.com", "x-y.translate.goog", "urldefense.com", "www.bing.com", "i0.wp.com", "camo.githubusercontent.com"]),
        path in "(/(web|2024|http:|https:|v3|__|translate|é|%[0-9a-f]{2}|[a-z.]{1,6})){0,6}",
        query in "([a-z]{1,3}=[ -~]{0,12}&?){0,4}",
    ) {
        let url = Url::new(crate::url::Scheme::Https, Host::parse(host).expect("a host"), 443, &format!("{path}?{query}"));
        match shown(&url) {
            Shown::These(others) => prop_assert!(others.len() <= MOST),
            Shown::Endless => {}
        }
    }

    #[test]
    fn an_address_in_a_parameter_is_read_whole(host in "[a-z]{1,8}\\.example", path in "(/[a-zA-Z0-9%&=?.+-]{0,8}){0,3}") {
        let inner = Url::new(crate::url::Scheme::Https, Host::parse(&host).expect("a host"), 443, &path);
        let escaped = percent_encoding::utf8_percent_encode(&format!("https://{host}{path}"), percent_encoding::NON_ALPHANUMERIC).to_string();
        let outer = url(&format!("https://www.google.com/url?q={escaped}&sa=U"));
        let Shown::These(others) = shown(&outer) else { panic!("endless") };
        prop_assert_eq!(others.first().map(|other| other.url.text()), Some(inner.text()));
    }
}
