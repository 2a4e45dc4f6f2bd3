//! The table of services that show or lead to other pages.
//!
//! Where a host stands under several rows, all are read. The services' addresses are written down from
//! their own pages' links and from open-source programs that make or read them; one that no longer fits is mended here and in the test's table.

use super::Way;

/// Which hosts.
pub(super) enum At {
    /// These and all below them.
    Within(&'static [&'static str]),
    /// The site of this name under the ending of any country, and all below it.
    National(&'static str),
    /// Any: it is the software that does it.
    Anywhere,
}

/// Where the other address stands.
pub(super) enum Read {
    /// In these parameters.
    Query(&'static [&'static str]),
    /// In these parameters, if this pair is there too.
    QueryWith(&'static [&'static str], &'static str),
    /// In these parameters behind `cache:`.
    Cached(&'static [&'static str]),
    /// In these parameters, in base 64 behind this.
    QueryIn64(&'static [&'static str], &'static str),
    /// It is the query.
    WholeQuery,
    /// It is the rest of the path.
    Rest,
    /// It is the rest of the path from the first part on that is a host.
    Host,
    /// Anywhere in the path, with its scheme.
    Embedded,
    /// Behind the time in an archive's path.
    Archive,
    /// In the path, its scheme a part by itself.
    Split,
    /// A part of the path, in hexadecimal.
    Hex,
    /// Parts of the path, in base 64.
    PathIn64,
    /// In the path, between these two marks, in lower case.
    Between(&'static str, &'static str),
    /// In these parameters, as Proofpoint's second version writes it.
    Defence2(&'static [&'static str]),
    /// In the path, as Proofpoint's third version writes it.
    Defence3,
    /// The host's first label, with the path as it is.
    Label,
    /// The host's first label, where no more is known.
    LabelOfTunnel,
}

/// One service.
pub(super) struct Row {
    /// As people call it.
    pub(super) by: &'static str,
    pub(super) way: Way,
    pub(super) at: At,
    /// What the path begins with, in lower case.
    pub(super) path: &'static str,
    pub(super) read: Read,
}

const fn shows(by: &'static str, at: At, path: &'static str, read: Read) -> Row {
    Row { by, way: Way::Shows, at, path, read }
}

const fn leads(by: &'static str, at: At, path: &'static str, read: Read) -> Row {
    Row { by, way: Way::LeadsTo, at, path, read }
}

use At::{Anywhere, National, Within};
use Read::{
    Archive, Between, Cached, Defence2, Defence3, Embedded, Hex, Host, Label, LabelOfTunnel, PathIn64, Query, QueryIn64, QueryWith, Rest, Split, WholeQuery,
};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    // Translators.
    shows("Google Translate", Within(&["translate.goog"]), "", Label),
    shows("Google Translate", National("google"), "/translate", Query(&["u"])),
    shows("Google Translate", National("google"), "/website", Query(&["u"])),
    shows("Google Translate", National("google"), "/", QueryWith(&["text"], "op=websites")),
    shows("Google Translate", Within(&["translate.googleusercontent.com"]), "/translate", Query(&["u"])),
    shows("Microsoft Translator", Within(&["translatetheweb.com", "microsofttranslator.com"]), "/", Query(&["a"])),
    shows("Microsoft Translator", Within(&["bing.com"]), "/translator", Query(&["a", "url"])),
    shows("Yandex Translate", Within(&["translated.turbopages.org", "z5h64q92x9.net"]), "/proxy_u/", Split),
    shows("Yandex Translate", National("yandex"), "/translate", Query(&["url"])),
    shows("Papago", Within(&["papago.naver.net", "papago.naver.com"]), "/website", Query(&["url"])),
    shows("Baidu Translate", Within(&["fanyi.baidu.com"]), "/transpage", Query(&["query"])),
    shows("Youdao Translate", Within(&["fanyi.youdao.com"]), "/webpagetranslate", Query(&["url"])),
    shows("PROMT Translate", Within(&["online-translator.com"]), "/sitetranslation", Query(&["sourceurl"])),
    // Archives.
    shows("the Wayback Machine", Within(&["web.archive.org", "wayback.archive.org", "liveweb.archive.org", "web-static.archive.org", "wayback.archive-it.org"]), "/", Archive),
    shows("the Wayback Machine", Within(&["archive.org"]), "/wayback/available", Query(&["url"])),
    shows("archive.today", Within(&["archive.today", "archive.ph", "archive.is", "archive.li", "archive.vn", "archive.fo", "archive.md"]), "/", Archive),
    shows("archive.today", Within(&["archive.today", "archive.ph", "archive.is", "archive.li", "archive.vn", "archive.fo", "archive.md"]), "/", Query(&["url"])),
    shows("the UK Web Archive", Within(&["webarchive.org.uk"]), "/", Archive),
    shows("the UK Government Web Archive", Within(&["webarchive.nationalarchives.gov.uk"]), "/", Archive),
    shows("Arquivo.pt", Within(&["arquivo.pt"]), "/", Archive),
    shows("Memento", Within(&["timetravel.mementoweb.org"]), "/", Archive),
    shows("the Stanford Web Archive", Within(&["swap.stanford.edu"]), "/", Archive),
    shows("the Bibliotheca Alexandrina archive", Within(&["web.archive.bibalex.org"]), "/", Archive),
    shows("WebCite", Within(&["webcitation.org"]), "/query", Query(&["url"])),
    shows("GhostArchive", Within(&["ghostarchive.org"]), "/search", Query(&["term"])),
    // Caches of search engines.
    shows("Google's cache", Within(&["webcache.googleusercontent.com"]), "/search", Cached(&["q"])),
    shows("Google's cache", National("google"), "/search", Cached(&["q"])),
    shows("Bing's cache", Within(&["cc.bingj.com"]), "/cache.aspx", Query(&["q", "u", "url"])),
    shows("Yandex's cache", Within(&["yandexwebcache.net", "hghltd.yandex.net"]), "/yandbtm", Query(&["url"])),
    // Pages made for phones.
    shows("Google AMP", National("google"), "/amp/", Host),
    shows("Bing AMP", Within(&["bing.com"]), "/amp/", Host),
    shows("the AMP cache", Within(&["cdn.ampproject.org", "bing-amp.com"]), "/", Host),
    shows("the AMP cache", Within(&["cdn.ampproject.org", "bing-amp.com"]), "", LabelOfTunnel),
    shows("Yandex Turbo", Within(&["turbopages.org"]), "/", Rest),
    shows("Yandex Turbo", Within(&["turbopages.org"]), "", LabelOfTunnel),
    shows("Yandex Turbo", National("yandex"), "/turbo/", Host),
    shows("Google Web Light", Within(&["googleweblight.com"]), "/", Query(&["u", "lite_url"])),
    // Readers, and what turns pages into text.
    shows("Jina Reader", Within(&["r.jina.ai"]), "/", Rest),
    shows("12ft", Within(&["12ft.io", "13ft.wasimaster.me", "1ft.io"]), "/", Rest),
    shows("12ft", Within(&["12ft.io", "1ft.io"]), "/", Query(&["q", "url"])),
    shows("RemovePaywall", Within(&["removepaywall.com", "removepaywalls.com"]), "/", Rest),
    shows("RemovePaywall", Within(&["removepaywall.com", "removepaywalls.com"]), "/", Query(&["url"])),
    shows("Smry", Within(&["smry.ai"]), "/", Rest),
    shows("Smry", Within(&["smry.ai"]), "/", Query(&["url"])),
    shows("Freedium", Within(&["freedium.cfd", "freedium-mirror.cfd"]), "/", Rest),
    shows("Outline", Within(&["outline.com"]), "/", Rest),
    shows("txtify.it", Within(&["txtify.it"]), "/", Rest),
    shows("Textise", Within(&["textise.net"]), "/", Query(&["strurl"])),
    shows("PrintFriendly", Within(&["printfriendly.com"]), "/", Query(&["url"])),
    shows("Archive Buttons", Within(&["archivebuttons.com"]), "/", Query(&["article"])),
    shows("the W3C's validator", Within(&["validator.w3.org"]), "/", Query(&["uri", "doc"])),
    shows("Google Docs Viewer", Within(&["docs.google.com", "drive.google.com"]), "/", QueryWith(&["url"], "embedded=true")),
    shows("Google Docs Viewer", Within(&["docs.google.com"]), "/viewer", Query(&["url"])),
    shows("Google Docs Viewer", Within(&["docs.google.com"]), "/gview", Query(&["url"])),
    shows("Office Viewer", Within(&["view.officeapps.live.com"]), "/op/", Query(&["src"])),
    shows("HTML Preview", Within(&["htmlpreview.github.io"]), "/", WholeQuery),
    // What lends pages to other pages' programs.
    shows("AllOrigins", Within(&["api.allorigins.win", "allorigins.win", "api.allorigins.ml"]), "/", Query(&["url"])),
    shows("CorsProxy", Within(&["corsproxy.io"]), "/", Query(&["url"])),
    shows("CorsProxy", Within(&["corsproxy.io"]), "/", WholeQuery),
    shows("CORS Anywhere", Within(&["cors-anywhere.herokuapp.com", "proxy.cors.sh", "crossorigin.me", "cors.bridged.cc"]), "/", Rest),
    shows("CodeTabs", Within(&["api.codetabs.com"]), "/v1/proxy", Query(&["quest"])),
    shows("ThingProxy", Within(&["thingproxy.freeboard.io"]), "/fetch/", Rest),
    // Pictures of pages.
    shows("thum.io", Within(&["image.thum.io"]), "/get/", Embedded),
    shows("WordPress mShots", Within(&["s.wordpress.com", "s0.wp.com"]), "/mshots/v1/", Rest),
    shows("Microlink", Within(&["api.microlink.io"]), "/", Query(&["url"])),
    // Image proxies.
    shows("Google Images", National("google"), "/imgres", Query(&["imgurl", "imgrefurl"])),
    shows("Google's image proxy", Within(&["googleusercontent.com"]), "/gadgets/proxy", Query(&["url"])),
    shows("DuckDuckGo's image proxy", Within(&["external-content.duckduckgo.com", "proxy.duckduckgo.com", "duckduckgo.com"]), "/iu/", Query(&["u"])),
    shows("Bing Images", Within(&["bing.com"]), "/images/", Query(&["mediaurl", "imgurl", "purl"])),
    shows("Bing Images", Within(&["bing.com", "mm.bing.net"]), "/th", Query(&["riu"])),
    shows("Yandex Images", National("yandex"), "/images/", Query(&["img_url", "url"])),
    shows("Qwant's image proxy", Within(&["qwant.com"]), "/thumbr/", Query(&["u"])),
    shows("Brave's image proxy", Within(&["imgs.search.brave.com"]), "/", PathIn64),
    shows("Startpage's image proxy", Within(&["startpage.com"]), "/av/proxy-image", Query(&["piurl"])),
    shows("wsrv.nl", Within(&["wsrv.nl", "images.weserv.nl"]), "/", Query(&["url"])),
    shows("WordPress Photon", Within(&["i0.wp.com", "i1.wp.com", "i2.wp.com", "i3.wp.com"]), "/", Rest),
    shows("Statically", Within(&["cdn.statically.io"]), "/img/", Host),
    shows("Cloudinary", Within(&["res.cloudinary.com"]), "/", Embedded),
    shows("ImageKit", Within(&["ik.imagekit.io"]), "/", Embedded),
    shows("Facebook's image proxy", Within(&["fbcdn.net", "facebook.com"]), "/safe_image.php", Query(&["url"])),
    shows("Embedly", Within(&["embedly.com", "embed.ly"]), "/", Query(&["url", "src"])),
    shows("GitHub's image proxy", Within(&["camo.githubusercontent.com"]), "/", Hex),
    shows("an image of another site", Anywhere, "/_next/image", Query(&["url"])),
    shows("an image of another site", Anywhere, "/_vercel/image", Query(&["url"])),
    shows("an image of another site", Anywhere, "/.netlify/images", Query(&["url"])),
    shows("an image of another site", Anywhere, "/_ipx/", Embedded),
    shows("an image of another site", Anywhere, "/cdn-cgi/image/", Embedded),
    // Links on their way.
    leads("Google's link", National("google"), "/url", Query(&["q", "url"])),
    leads("Google's link", National("google"), "/aclk", Query(&["adurl"])),
    leads("Google's link", Within(&["googleadservices.com"]), "/pagead/", Query(&["adurl"])),
    leads("Google's link", Within(&["meet.google.com"]), "/linkredirect", Query(&["dest"])),
    leads("Bing's link", Within(&["bing.com"]), "/ck/a", QueryIn64(&["u"], "a1")),
    leads("Yahoo's link", Within(&["r.search.yahoo.com", "search.yahoo.com"]), "/", Between("/ru=", "/rk=")),
    leads("DuckDuckGo's link", Within(&["duckduckgo.com"]), "/l/", Query(&["uddg"])),
    leads("Facebook's link", Within(&["facebook.com", "messenger.com"]), "/l.php", Query(&["u"])),
    leads("Facebook's link", Within(&["facebook.com"]), "/flx/warn", Query(&["u"])),
    leads("Instagram's link", Within(&["l.instagram.com", "l.threads.com", "l.threads.net"]), "/", Query(&["u"])),
    leads("WhatsApp's link", Within(&["l.wl.co"]), "/", Query(&["u"])),
    leads("YouTube's link", Within(&["youtube.com"]), "/redirect", Query(&["q"])),
    leads("Reddit's link", Within(&["out.reddit.com"]), "/", Query(&["url"])),
    leads("Steam's link", Within(&["steamcommunity.com"]), "/linkfilter", Query(&["url", "u"])),
    leads("VK's link", Within(&["vk.com", "vk.ru"]), "/away", Query(&["to"])),
    leads("LinkedIn's link", Within(&["linkedin.com"]), "/redir/", Query(&["url"])),
    leads("LinkedIn's link", Within(&["linkedin.com"]), "/safety/go", Query(&["url"])),
    leads("Slack's link", Within(&["slack-redir.net"]), "/link", Query(&["url"])),
    leads("Tumblr's link", Within(&["t.umblr.com"]), "/redirect", Query(&["z"])),
    leads("TikTok's link", Within(&["tiktok.com"]), "/link/", Query(&["target"])),
    leads("Disqus's link", Within(&["disq.us"]), "/", Query(&["url"])),
    leads("DeviantArt's link", Within(&["deviantart.com"]), "/users/outgoing", WholeQuery),
    leads("an anonymous link", Within(&["href.li", "anonym.to", "anonym.es", "nullrefer.com", "dereferer.me", "hidereferrer.com"]), "/", WholeQuery),
    leads("a counted link", Within(&["go.redirectingat.com", "go.skimresources.com", "exit.sc"]), "/", Query(&["url"])),
    leads("a counted link", Within(&["awin1.com"]), "/", Query(&["ued", "p"])),
    leads("Outlook's safe link", Within(&["safelinks.protection.outlook.com"]), "/", Query(&["url"])),
    leads("Teams' safe link", Within(&["statics.teams.cdn.office.net", "teams.microsoft.com"]), "/", Query(&["url"])),
    leads("Proofpoint's link", Within(&["urldefense.proofpoint.com"]), "/v1/url", Query(&["u"])),
    leads("Proofpoint's link", Within(&["urldefense.proofpoint.com"]), "/v2/url", Defence2(&["u"])),
    leads("Proofpoint's link", Within(&["urldefense.com", "urldefense.us", "urldefense.proofpoint.com"]), "/v3/", Defence3),
    leads("Barracuda's link", Within(&["linkprotect.cudasvc.com"]), "/url", Query(&["a"])),
    leads("Cisco's link", Within(&["secure-web.cisco.com"]), "/", Embedded),
];
