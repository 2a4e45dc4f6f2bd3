//! Hosts of which it is known what they serve: devices by themselves, or parts of other sites' pages. Pure.
//!
//! Used only where the browser does not say what a request is. A name here says nothing about whether a site is good or bad.
//!
//! # Where to add
//!
//! One line of `BACKGROUND` or `PARTS`: the name, which holds for all below it too. A first label that says it of any site goes into
//! `BACKGROUND_LABELS` or `PART_LABELS`.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a host serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Devices: updates, telemetry, certificates, the question whether the network is up, push messages.
    Devices,
    /// Parts of pages: pictures, scripts, fonts, advertisements, the bytes of videos.
    Parts,
    /// Nothing that is known: perhaps pages.
    Unknown,
}

/// What devices ask by themselves.
const BACKGROUND: &[&str] = &[
    // Windows, Office and Defender.
    "windowsupdate.com",
    "update.microsoft.com",
    "delivery.mp.microsoft.com",
    "dl.delivery.mp.microsoft.com",
    "events.data.microsoft.com",
    "settings-win.data.microsoft.com",
    "data.microsoft.com",
    "telemetry.microsoft.com",
    "wdcp.microsoft.com",
    "wdcpalt.microsoft.com",
    "smartscreen.microsoft.com",
    "checkappexec.microsoft.com",
    "msftconnecttest.com",
    "msftncsi.com",
    "ctldl.windowsupdate.com",
    "licensing.mp.microsoft.com",
    "wns.windows.com",
    "client.wns.windows.com",
    "config.edge.skype.com",
    "edge.microsoft.com",
    "msedge.api.cdp.microsoft.com",
    "officecdn.microsoft.com",
    "ecs.office.com",
    "nexusrules.officeapps.live.com",
    "mobile.pipe.aria.microsoft.com",
    "login.live.com",
    "dns.msftncsi.com",
    "tlu.dl.delivery.mp.microsoft.com",
    "arc.msn.com",
    "g.live.com",
    "oneclient.sfx.ms",
    "vortex.data.microsoft.com",
    "activity.windows.com",
    "manage.microsoft.com",
    "dm.microsoft.com",
    // Apple.
    "swscan.apple.com",
    "swcdn.apple.com",
    "swdist.apple.com",
    "mesu.apple.com",
    "gdmf.apple.com",
    "captive.apple.com",
    "push.apple.com",
    "xp.apple.com",
    "ocsp.apple.com",
    "ocsp2.apple.com",
    "valid.apple.com",
    "gs-loc.apple.com",
    "gsp-ssl.ls.apple.com",
    "ls.apple.com",
    "configuration.apple.com",
    "init.itunes.apple.com",
    "gateway.icloud.com",
    "bag.itunes.apple.com",
    "albert.apple.com",
    "time.apple.com",
    "mask.icloud.com",
    "metrics.icloud.com",
    "smoot.apple.com",
    "updates.cdn-apple.com",
    "appldnld.apple.com",
    // Google, Chrome and Android.
    "connectivitycheck.gstatic.com",
    "connectivitycheck.android.com",
    "clients1.google.com",
    "clients2.google.com",
    "clients3.google.com",
    "clients4.google.com",
    "clients5.google.com",
    "clients6.google.com",
    "clientservices.googleapis.com",
    "update.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "content-autofill.googleapis.com",
    "safebrowsing.googleapis.com",
    "safebrowsing.google.com",
    "mtalk.google.com",
    "edgedl.me.gvt1.com",
    "gvt1.com",
    "chromeupdates.google.com",
    "android.clients.google.com",
    "firebaseinstallations.googleapis.com",
    "device-provisioning.googleapis.com",
    "chromesyncpasswords-pa.googleapis.com",
    "m.google.com",
    "cros-omahaproxy.appspot.com",
    "tools.google.com",
    "dl.google.com",
    // Mozilla, Linux and others.
    "detectportal.firefox.com",
    "push.services.mozilla.com",
    "aus5.mozilla.org",
    "telemetry.mozilla.org",
    "services.mozilla.com",
    "location.services.mozilla.com",
    "shavar.services.mozilla.com",
    "content-signature-2.cdn.mozilla.net",
    "connectivity-check.ubuntu.com",
    "archive.ubuntu.com",
    "security.ubuntu.com",
    "motd.ubuntu.com",
    "deb.debian.org",
    "security.debian.org",
    "nmcheck.gnome.org",
    "network-test.debian.org",
    "update.adobe.com",
    "armmf.adobe.com",
    "acroipm2.adobe.com",
    // Certificates.
    "digicert.com",
    "lencr.org",
    "sectigo.com",
    "globalsign.com",
    "pki.goog",
    "entrust.net",
    "amazontrust.com",
    "usertrust.com",
    "identrust.com",
    "verisign.com",
    // Time.
    "pool.ntp.org",
    "time.windows.com",
    "time.google.com",
    "time.cloudflare.com",
    // Push and presence in apps.
    "one.one.one.one",
    "dns.google",
    "cloudflare-dns.com",
    "whatsapp.net",
    "crashlytics.com",
    "app-measurement.com",
    "crashlyticsreports-pa.googleapis.com",
];

/// What serves parts of other sites' pages.
const PARTS: &[&str] = &[
    "gstatic.com", "googleapis.com", "googleusercontent.com", "ggpht.com", "ytimg.com", "googlevideo.com", "googletagmanager.com", "google-analytics.com",
    "googlesyndication.com", "doubleclick.net", "googleadservices.com", "googletagservices.com", "adservice.google.com", "2mdn.net", "recaptcha.net",
    "cloudfront.net", "akamaized.net", "akamaihd.net", "akamai.net", "edgekey.net", "edgesuite.net", "fastly.net", "fastlylb.net", "azureedge.net",
    "msecnd.net", "jsdelivr.net", "unpkg.com", "cdnjs.cloudflare.com", "cloudflareinsights.com", "bootstrapcdn.com", "jquery.com", "typekit.net",
    "fontawesome.com", "fbcdn.net", "facebook.net", "cdninstagram.com", "twimg.com", "redditstatic.com", "redditmedia.com", "redd.it", "pinimg.com",
    "tiktokcdn.com", "ttwstatic.com", "scdn.co", "sndcdn.com", "jtvnw.net", "ttvnw.net", "nflxvideo.net", "nflximg.net", "nflxso.net", "vimeocdn.com",
    "dmcdn.net", "rbxcdn.com", "steamstatic.com", "bbci.co.uk", "bbc.com.edgekey.net", "guim.co.uk", "ebayimg.com", "ebaystatic.com", "media-amazon.com",
    "ssl-images-amazon.com", "images-amazon.com", "s-microsoft.com", "wikimedia.org", "gravatar.com", "wp.com", "squarespace-cdn.com", "shopifycdn.com",
    "wixstatic.com", "parastorage.com", "imgix.net", "cloudinary.com", "hotjar.com", "segment.io", "segment.com", "mixpanel.com", "amplitude.com",
    "newrelic.com", "nr-data.net", "sentry.io", "bugsnag.com", "optimizely.com", "chartbeat.com", "chartbeat.net", "scorecardresearch.com", "quantserve.com",
    "quantcount.com", "onetrust.com", "cookielaw.org", "cookiebot.com", "consensu.org", "privacy-mgmt.com", "adnxs.com", "criteo.com", "criteo.net",
    "rubiconproject.com", "pubmatic.com", "openx.net", "casalemedia.com", "taboola.com", "outbrain.com", "amazon-adsystem.com", "adsrvr.org", "bidswitch.net",
    "moatads.com", "demdex.net", "omtrdc.net", "everesttech.net", "bluekai.com", "krxd.net", "permutive.com", "permutive.app", "piano.io", "tinypass.com",
    "clarity.ms", "bat.bing.com", "licdn.com", "ads-twitter.com", "analytics.tiktok.com", "hcaptcha.com", "arkoselabs.com", "intercomcdn.com", "zdassets.com",
    "pusher.com", "launchdarkly.com", "statsigapi.net", "braze.com", "branch.io", "adjust.com", "appsflyer.com", "yimg.com", "mathtag.com",
    "smartadserver.com", "sharethrough.com", "3lift.com", "indexww.com", "id5-sync.com", "rlcdn.com", "tapad.com", "agkn.com", "gumgum.com", "teads.tv",
];

/// First labels under which any site serves devices.
const BACKGROUND_LABELS: &[&str] =
    &["ocsp", "crl", "ntp", "telemetry", "connectivitycheck", "detectportal", "autoupdate", "softwareupdate", "wpad", "ocsp2", "crl3", "crl4"];

/// First labels under which any site serves parts of pages.
const PART_LABELS: &[&str] = &[
    "cdn", "static", "assets", "img", "imgs", "images", "image", "media", "fonts", "js", "css", "pixel", "ads", "ad", "analytics", "metrics", "stats",
    "tracking", "track", "beacon", "thumbs", "api", "ws", "wss", "gateway", "collect", "collector", "sentry", "tags", "tag", "scripts", "video-cdn", "cdn-cgi",
    "s3", "graphql",
];

static NAMES: LazyLock<HashMap<&'static str, Serves>> = LazyLock::new(|| {
    let parts = PARTS.iter().map(|name| (*name, Serves::Parts));
    parts.chain(BACKGROUND.iter().map(|name| (*name, Serves::Devices))).collect()
});

/// What a host (in its one spelling) is known to serve. The longest name that is known counts.
#[must_use]
pub fn serves(host: &str) -> Serves {
    let mut rest = Some(host);
    while let Some(name) = rest.filter(|name| name.contains('.')) {
        if let Some(serves) = NAMES.get(name) {
            return *serves;
        }
        rest = name.split_once('.').map(|(_, parent)| parent);
    }
    by_label(host)
}

fn by_label(host: &str) -> Serves {
    let Some((first, _)) = host.split_once('.').filter(|(_, rest)| rest.contains('.')) else { return Serves::Unknown };
    // Nearly every host begins so.
    if first == "www" {
        return Serves::Unknown;
    }
    let plain = first.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    match plain {
        _ if BACKGROUND_LABELS.contains(&first) => Serves::Devices,
        _ if PART_LABELS.contains(&plain) => Serves::Parts,
        _ => Serves::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_name_and_by_first_label() {
        for (host, expected) in [
            ("fe2.update.microsoft.com", Serves::Devices),
            ("ocsp.digicert.com", Serves::Devices),
            ("ocsp.example.org", Serves::Devices),
            ("connectivitycheck.gstatic.com", Serves::Devices),
            ("www.gstatic.com", Serves::Parts),
            ("rr4---sn-aigl6nzk.googlevideo.com", Serves::Parts),
            ("cdn7.shop.example", Serves::Parts),
            ("static.bbc.co.uk", Serves::Parts),
            ("www.bbc.co.uk", Serves::Unknown),
            ("cdn.example", Serves::Unknown),
            ("www.microsoft.com", Serves::Unknown),
            ("10.0.0.1", Serves::Unknown),
        ] {
            assert_eq!(serves(host), expected, "{host}");
        }
    }

    #[test]
    fn no_name_is_known_as_two_things() {
        let both: Vec<_> = PARTS.iter().filter(|name| BACKGROUND.contains(name)).collect();
        assert_eq!(both, [] as [&&str; 0]);
    }
}
