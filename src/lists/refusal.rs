//! Why a line of a list is not taken. A closed set: every refusal is one of these, is counted, and is shown with its file and line.
//!
//! Those that name something (an option, an action) hold it as one of a fixed set of words, so that a refusal stays a small value that can
//! be counted. A new one: its variant, its sentence, and its name in [`Refusal::code`].

use std::fmt;

/// Why a line is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// Bytes that are not UTF-8.
    #[error("not text in UTF-8 or UTF-16")]
    NotText,
    /// Longer than a line of a list may be.
    #[error("longer than 4096 bytes")]
    TooLong,
    /// Neither a name nor an address.
    #[error("neither a name nor an address")]
    NotAHost,
    /// A single label: `com` would refuse every site below it.
    #[error("a single label; it would cover a whole top-level domain")]
    TopLevel,
    /// A public suffix: `co.uk` would refuse every site below it.
    #[error("would block all of a public suffix, such as co.uk")]
    PublicSuffix,
    /// A mark that stands for every name there is.
    #[error("would block every name there is")]
    EveryName,
    /// More than one word on a line that holds one name.
    #[error("more than one word")]
    ManyWords,
    /// A path or a scheme in a list of names.
    #[error("a URL in a list of names; put it in a file called urls")]
    UrlAmongNames,
    /// A number that a browser would take for an address, though it is not written as one.
    #[error("a number that is not written as an address")]
    OddAddress,
    /// An address in a hosts file, and no name.
    #[error("an address without a name; put it in a file called domains")]
    AddressAlone,
    /// No host before the path.
    #[error("no host before the path")]
    NoHost,
    /// A word so short that it would match nearly every URL.
    #[error("shorter than 4 characters; it would match far too much")]
    TooShort,
    /// An expression that cannot be read.
    #[error("not a regular expression that can be run here")]
    BadExpression,
    /// An expression that looks ahead or behind.
    #[error("an expression that looks ahead or behind, which cannot be run in bounded time")]
    LookAround,
    /// An expression that refers back to what it matched.
    #[error("an expression that refers back to what it matched, which cannot be run in bounded time")]
    BackReference,
    /// An expression with letters that no URL has in its one spelling.
    #[error("letters beyond ASCII, which a URL holds percent-encoded, so it could never match")]
    BeyondAscii,
    /// An expression that needs more memory than one may have.
    #[error("an expression too large to run")]
    LargeExpression,
    /// `"this"->"that"`, of e2guardian.
    #[error("replaces text; a list here only says what a site is")]
    Replacement,
    /// Neither an address nor a range.
    #[error("neither an address nor a range of addresses")]
    NotANetwork,
    /// A range whose end comes before its start, or of two kinds of address.
    #[error("a range whose end does not come after its start")]
    BackwardRange,
    /// A range with a good part of all addresses in it.
    #[error("a range so wide that it would block a good part of the internet")]
    WideNetwork,
    /// A name that is sent to a real address.
    #[error("sends the name to a real address or server; a list here can only block it")]
    RealServer,
    /// A setting of dnsmasq that blocks nothing.
    #[error("a setting of dnsmasq that blocks no name")]
    OtherSetting,
    /// An option of an AdBlock rule.
    #[error("the option ${0}, which a proxy cannot honour")]
    Option(&'static str),
    /// An option that nobody here knows.
    #[error("an option that is not known here, so what the rule means cannot be told")]
    UnknownOption,
    /// An AdBlock rule that hides parts of a page or changes it.
    #[error("a cosmetic rule; it changes how a page looks, which a proxy does not")]
    Cosmetic,
    /// What an RPZ rule is triggered by.
    #[error("triggered by {0}, which a proxy does not see")]
    Trigger(&'static str),
    /// What an RPZ rule does.
    #[error("the action {0}, which a proxy cannot take")]
    Action(&'static str),
    /// An answer of its own for a name.
    #[error("an answer of its own for a name; a list here can only block it")]
    LocalAnswer,
    /// A name that is not in the zone, so it triggers nothing.
    #[error("a name outside the zone, so it means nothing there")]
    OutsideZone,
    /// A line of a zone that cannot be read.
    #[error("not a record of a zone")]
    BadRecord,
    /// A directive of a zone or of e2guardian that is not followed.
    #[error("the directive {0}, which is not followed here")]
    Directive(&'static str),
    /// Hours in a list.
    #[error("#time: hours in a list cannot be honoured; put them in a rule of policy.toml. What follows holds at all hours")]
    Timed,
    /// An included file that is not in the source's own folder.
    #[error("includes a file outside the source's own folder")]
    IncludeOutside,
    /// An included file that is not there.
    #[error("includes a file that is not there")]
    IncludeMissing,
    /// Files that include one another too deeply.
    #[error("includes files more than 8 deep, or more than 10,000 of them")]
    IncludeDeep,
    /// A phrase that is not written as one.
    #[error("not a phrase, such as <word>,<and word><50>")]
    BadPhrase,
    /// A weight that is none.
    #[error("a weight that is not a whole number from -100000 to 100000, or such a number of per cent")]
    BadWeight,
    /// An entry before anything says what it is.
    #[error("no category: neither the file nor its source names one")]
    NoCategory,
    /// A category that nobody here knows.
    #[error("a category that has no counterpart here; name one for it in the source's mapping")]
    UnknownCategory,
    /// A key of our own format that means nothing.
    #[error("no key of a list; there are category, names, exact, urls, words, expressions, networks, except and reason")]
    UnknownKey,
    /// A value of our own format that is of the wrong kind.
    #[error("not what this key takes: a list of texts in quotes, or one text for category and reason")]
    WrongKind,
}

impl Refusal {
    /// Its name for programs, and what it names, if anything.
    #[must_use]
    pub fn code(self) -> (&'static str, Option<&'static str>) {
        let code = match self {
            Self::NotText => "not-text",
            Self::TooLong => "too-long",
            Self::NotAHost => "not-a-host",
            Self::TopLevel => "top-level",
            Self::PublicSuffix => "public-suffix",
            Self::EveryName => "every-name",
            Self::ManyWords => "many-words",
            Self::UrlAmongNames => "url-among-names",
            Self::OddAddress => "odd-address",
            Self::AddressAlone => "address-alone",
            Self::NoHost => "no-host",
            Self::TooShort => "too-short",
            Self::BadExpression => "bad-expression",
            Self::LookAround => "look-around",
            Self::BackReference => "back-reference",
            Self::BeyondAscii => "beyond-ascii",
            Self::LargeExpression => "large-expression",
            Self::Replacement => "replacement",
            Self::NotANetwork => "not-a-network",
            Self::BackwardRange => "backward-range",
            Self::WideNetwork => "wide-network",
            Self::RealServer => "real-server",
            Self::OtherSetting => "other-setting",
            Self::Option(named) => return ("option", Some(named)),
            Self::UnknownOption => "unknown-option",
            Self::Cosmetic => "cosmetic",
            Self::Trigger(named) => return ("trigger", Some(named)),
            Self::Action(named) => return ("action", Some(named)),
            Self::LocalAnswer => "local-answer",
            Self::OutsideZone => "outside-zone",
            Self::BadRecord => "bad-record",
            Self::Directive(named) => return ("directive", Some(named)),
            Self::Timed => "timed",
            Self::IncludeOutside => "include-outside",
            Self::IncludeMissing => "include-missing",
            Self::IncludeDeep => "include-deep",
            Self::BadPhrase => "bad-phrase",
            Self::BadWeight => "bad-weight",
            Self::NoCategory => "no-category",
            Self::UnknownCategory => "unknown-category",
            Self::UnknownKey => "unknown-key",
            Self::WrongKind => "wrong-kind",
        };
        (code, None)
    }

    /// The sentence for people about an entry of this host: a public suffix is named.
    #[must_use]
    pub fn about(self, host: Option<&str>) -> String {
        match (self, host) {
            (Self::PublicSuffix, Some(host)) => format!("would block all of {host}"),
            (_, _) => self.to_string(),
        }
    }
}

/// As [`Refusal::code`] in one word: `too-long`, `option:third-party`. Also the key of a JSON object.
impl serde::Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Code(Refusal);
        impl fmt::Display for Code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0.code() {
                    (code, Some(named)) => write!(f, "{code}:{named}"),
                    (code, None) => f.write_str(code),
                }
            }
        }
        serializer.collect_str(&Code(*self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_refusal_is_one_word_for_programs_and_a_sentence_for_people() {
        let counted = BTreeMap::from([(Refusal::TooLong, 2), (Refusal::Option("third-party"), 1)]);
        assert_eq!(serde_json::to_string(&counted).expect("json"), r#"{"too-long":2,"option:third-party":1}"#);
        assert_eq!(Refusal::Option("third-party").to_string(), "the option $third-party, which a proxy cannot honour");
        assert_eq!(Refusal::PublicSuffix.about(Some("co.uk")), "would block all of co.uk");
        assert_eq!(Refusal::TooLong.about(Some("co.uk")), "longer than 4096 bytes");
    }
}
