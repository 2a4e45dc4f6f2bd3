//! The judgement that comes before every other, and the proof that it was passed.
//!
//! A [`LawfulHost`] or [`LawfulPage`] carries the URL that was judged and what the lists say of it. Their fields are private and nothing but
//! [`Tier`] makes one; the facts a policy decides on are made of one. So no decision can be made before the tier has spoken, nor on
//! another URL than it spoke of. Pure.

use super::sealed::Feed;
use super::{Kind, spelling};
use crate::category::{Category, CategorySet, Taxonomy};
use crate::lists::{Entry, Found, Lists};
use crate::url::Url;
use std::sync::Arc;

/// What is in force of the sealed feed, and who judges by it. Immutable: a new feed makes a new one.
#[derive(Clone, Debug, Default)]
pub struct Tier {
    feed: Option<Arc<Feed>>,
}

/// A URL that may be decided on, and what the lists say of it.
#[derive(Clone, Copy)]
struct Lawful<'a> {
    url: &'a Url,
    found: &'a Found,
}

/// A host that is not known to be illegal as a whole. Its pages are not judged by this.
#[derive(Clone, Copy)]
pub struct LawfulHost<'a>(Lawful<'a>);

/// A page that is not known to be illegal.
#[derive(Clone, Copy)]
pub struct LawfulPage<'a>(Lawful<'a>);

/// Something that is against the law to look at. It is a refusal by itself: nobody else is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// What it is.
    pub category: Category,
    /// Who says so.
    pub source: Source,
}

/// Who says that something is illegal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An ordinary list, by this entry.
    List(Option<Entry>),
    /// The sealed feed. It is named; what stands in it is not.
    Feed {
        /// Its publisher.
        publisher: Arc<str>,
        /// Its serial number.
        serial: u64,
    },
}

impl Tier {
    /// The tier with this feed in force.
    #[must_use]
    pub const fn new(feed: Option<Arc<Feed>>) -> Self {
        Self { feed }
    }

    /// The feed in force.
    #[must_use]
    pub fn feed(&self) -> Option<&Arc<Feed>> {
        self.feed.as_ref()
    }

    /// Judges a host: all that is known of a tunnel. Entries for single pages say nothing here.
    pub fn judge_host<'a>(&self, url: &'a Url, found: &'a Found, lists: &Lists, taxonomy: &Taxonomy) -> Result<LawfulHost<'a>, Illegal> {
        self.judge(url, found, lists, taxonomy, Feed::judge_host).map(LawfulHost)
    }

    /// Judges a URL whose path is known.
    pub fn judge_page<'a>(&self, url: &'a Url, found: &'a Found, lists: &Lists, taxonomy: &Taxonomy) -> Result<LawfulPage<'a>, Illegal> {
        self.judge(url, found, lists, taxonomy, Feed::judge_page).map(LawfulPage)
    }

    fn judge<'a>(
        &self,
        url: &'a Url,
        found: &'a Found,
        lists: &Lists,
        taxonomy: &Taxonomy,
        sealed: impl Fn(&Feed, &Url) -> Option<Kind>,
    ) -> Result<Lawful<'a>, Illegal> {
        let listed = found.categories.intersection(taxonomy.always_blocked());
        if let Some(category) = listed.iter().next() {
            return Err(Illegal { category, source: Source::List(lists.explain(found, url, CategorySet::EMPTY.with(category))) });
        }
        match self.feed.as_ref().and_then(|feed| Some((feed, sealed(feed, url)?))) {
            Some((feed, kind)) => Err(Illegal { category: category_of(kind, taxonomy), source: Source::of(feed) }),
            None => Ok(Lawful { url, found }),
        }
    }
}

fn category_of(kind: Kind, taxonomy: &Taxonomy) -> Category {
    taxonomy.find(kind.id()).expect("no taxonomy can be made without the always-blocked tier")
}

impl Feed {
    fn judge_host(&self, url: &Url) -> Option<Kind> {
        if self.may_hold(url) { self.site_of(url) } else { None }
    }

    fn judge_page(&self, url: &Url) -> Option<Kind> {
        if !self.may_hold(url) {
            return None;
        }
        let page = || if self.header.pages == 0 { None } else { spelling::each_reading(url, |reading| self.page(reading)) };
        self.site_of(url).or_else(page)
    }

    fn site_of(&self, url: &Url) -> Option<Kind> {
        if self.header.sites == 0 {
            return None;
        }
        spelling::sites(&url.host).find_map(|site| self.site(site.as_bytes()))
    }

    /// Whether the host of a URL, or one it is below, may have an entry. Nearly none has: this is all that most requests cost.
    fn may_hold(&self, url: &Url) -> bool {
        spelling::sites(&url.host).any(|host| self.hosts.may_hold(host.as_bytes()))
    }
}

impl Source {
    fn of(feed: &Feed) -> Self {
        Self::Feed { publisher: feed.header.publisher.clone(), serial: feed.header.serial }
    }
}

impl<'a> LawfulHost<'a> {
    /// What was judged.
    #[must_use]
    pub fn url(&self) -> &'a Url {
        self.0.url
    }

    /// What the lists say of it.
    #[must_use]
    pub fn found(&self) -> &'a Found {
        self.0.found
    }
}

impl<'a> LawfulPage<'a> {
    /// What was judged.
    #[must_use]
    pub fn url(&self) -> &'a Url {
        self.0.url
    }

    /// What the lists say of it.
    #[must_use]
    pub fn found(&self) -> &'a Found {
        self.0.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::fixture;
    use crate::illegal::sealed::tests::feed;
    use crate::lists::compile::Compiler;
    use crate::url::Scheme;

    fn nothing_listed() -> Lists {
        Compiler::new([1; 16]).finish().expect("room").0
    }

    #[test]
    fn pages_are_judged_by_their_url_and_tunnels_by_their_host() {
        let (lists, taxonomy) = (nothing_listed(), fixture::taxonomy(&[]));
        let tier =
            Tier::new(Some(Arc::new(feed("child-sexual-abuse http://sealed.example/album\nterrorism site bad.example\nterrorism http://front.example/\n"))));
        let empty = Tier::default();
        for (raw, page, host) in [
            ("http://sealed.example/album/", Some("child-sexual-abuse"), None),
            ("http://sealed.example/other", None, None),
            ("http://bad.example/any", Some("terrorism"), Some("terrorism")),
            ("http://a.b.bad.example:8080/any", Some("terrorism"), Some("terrorism")),
            ("http://notbad.example/", None, None),
            // The front page alone is listed: a tunnel may lead to any other.
            ("http://front.example/", Some("terrorism"), None),
            ("http://front.example/more", None, None),
        ] {
            let url = Url::parse(raw).expect(raw);
            let tunnel = Url::new(Scheme::Https, url.host.clone(), 443, "");
            let (found, of_tunnel) = (lists.look_up(&url), lists.look_up(&tunnel));
            let id = |illegal: Illegal| taxonomy.info(illegal.category).id.clone();
            assert_eq!(tier.judge_page(&url, &found, &lists, &taxonomy).map(|_| ()).map_err(id), page.map_or(Ok(()), |id| Err(id.into())), "{raw}");
            assert_eq!(tier.judge_host(&tunnel, &of_tunnel, &lists, &taxonomy).map(|_| ()).map_err(id), host.map_or(Ok(()), |id| Err(id.into())), "{raw}");
            assert!(empty.judge_page(&url, &found, &lists, &taxonomy).is_ok());
        }
    }

    #[test]
    fn who_says_so_is_named_and_what_is_listed_is_not() {
        let (lists, taxonomy) = (nothing_listed(), fixture::taxonomy(&[]));
        let tier = Tier::new(Some(Arc::new(feed("child-sexual-abuse http://sealed.example/album\n"))));
        let url = Url::parse("http://sealed.example/album?").expect("a url");
        let found = lists.look_up(&url);
        let illegal = tier.judge_page(&url, &found, &lists, &taxonomy).map(|_| ()).expect_err("it is listed");
        assert_eq!(illegal.source, Source::Feed { publisher: "Example Publisher".into(), serial: 7 });
        assert!(!format!("{illegal:?}").contains("album"));
    }
}
