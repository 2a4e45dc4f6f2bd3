//! The words both faces of the page share: numbers, dates, names from outside, and the sentences.

use super::{A_START, Counting, Coverage, Covered, Heading, State, Treated};

/// What every page begins with.
pub(super) const WHAT_IT_IS: &str = "The UK Safer Internet Centre names the kinds of content that a school's web filter should manage. This page says, for each of them, what the filter has against it today, and where it has little or nothing.";
/// What the school lacks, and how to get it.
pub(super) const UNMET: &str = "No illegal-content list is in force. The school does not meet the Department for Education's filtering standard.";
/// How to get an illegal-content list.
pub(super) const HOW_TO_MEET: &str = "The lists come from the Internet Watch Foundation (IWF, child sexual abuse) and the Counter Terrorism Internet Referral Unit (CTIRU, terrorism), only to members and those they license. Either the school gets them as a licensed feed, or its traffic goes on through a provider that applies them.";
/// What to do where nobody is told of danger.
pub(super) const HOW_TO_TELL: &str =
    "The filter finds signs of danger and has nobody to tell. The school names its designated safeguarding lead in alerts.toml, with the address to write to.";
/// Words a governor may meet here for the first time.
pub(super) const GLOSSARY: [(&str, &str); 5] = [
    ("Heading", "A kind of content named by the UK Safer Internet Centre."),
    ("Category", "A kind of site, as the filter sorts them. A heading may have several."),
    ("List", "A collection of sites, from the school, from Usher or from a publisher."),
    ("Entry", "One line of a list: a site, or a part of one."),
    ("Generation", "The lists as they stood after one update. The number says which; the school can go back to an earlier one."),
];
/// What a governor may ask next.
pub(super) const QUESTIONS: [&str; 4] = [
    "Which headings have no list or only a start, and what is planned for them?",
    "What may staff open that pupils may not, and why?",
    "When was the filter last tested from a pupil's device, by whom, and what was found?",
    "How often was a site opened again because it had been blocked by mistake, and how long did that take?",
];

/// A number as people write it: 4,600,370.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let lead = digits.len() % 3;
    let (first, rest) = digits.split_at(lead);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let whole: Vec<_> = Some(first.to_owned()).filter(|first| !first.is_empty()).into_iter().chain(groups).collect();
    whole.join(",")
}

/// So many of something: `1 entry`, `64 entries`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// How much is held: `95`, or `95 and 12 phrases`.
fn held(entries: usize, phrases: usize) -> String {
    match (entries, phrases) {
        (entries, 0) => thousands(entries),
        (0, phrases) => count(phrases, "phrase", "phrases"),
        (entries, phrases) => format!("{} and {}", thousands(entries), count(phrases, "phrase", "phrases")),
    }
}

impl Heading {
    /// How much is held in all.
    pub(super) fn held(&self) -> String {
        held(self.entries, self.phrases)
    }

    /// How much, where all headings stand side by side. What a licensed list holds cannot be counted, and other entries are no part of it.
    pub(super) fn glance(&self) -> String {
        match self.state {
            State::Unmet => "none licensed".to_owned(),
            State::Licensed => "licensed".to_owned(),
            State::NoList | State::Open | State::Start | State::Listed => self.held(),
        }
    }

    /// Who is blocked and who is warned, if one sentence can say it.
    pub(super) fn whom(&self) -> String {
        match self.state {
            State::Unmet | State::NoList => return "Nothing is in force to block.".to_owned(),
            State::Open | State::Start | State::Listed | State::Licensed => {}
        }
        let mut said = self.categories.iter().map(|covered| covered.treated.sentence());
        let Some(first) = said.next() else { return "Open to everybody.".to_owned() };
        if said.all(|other| other == first) { first } else { "It differs: see below.".to_owned() }
    }
}

impl Covered {
    /// How much is held in all.
    pub(super) fn held(&self) -> String {
        held(self.entries, self.phrases)
    }
}

impl Counting {
    /// How much it holds.
    pub(super) fn held(&self) -> String {
        held(self.entries, self.phrases)
    }
}

/// A text from outside on one line, without what could turn the direction of the text around it.
pub(in crate::report) fn plain(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    text.chars().filter(|c| !turns(*c)).map(shown).collect::<String>().trim().to_owned()
}

impl State {
    /// How it stands, in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unmet => "Standard not met",
            Self::NoList => "No list",
            Self::Open => "Open to everybody",
            Self::Start => "A start",
            Self::Listed => "Lists in force",
            Self::Licensed => "Licensed list in force",
        }
    }

    /// All of them, gravest first.
    pub(super) const ALL: [Self; 6] = [Self::Unmet, Self::NoList, Self::Open, Self::Start, Self::Listed, Self::Licensed];
}

impl Treated {
    /// Who is blocked and who is warned, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self::Groups { blocked, warned, open } = self else { return "Blocked for everybody, always.".to_owned() };
        let sides = [("Blocked for", blocked), ("A warning for", warned), ("Open to", open)];
        let said: Vec<_> = sides.iter().filter(|(_, groups)| !groups.is_empty()).collect();
        match said[..] {
            [] => "The policy has no groups.".to_owned(),
            [(verb, _)] => format!("{verb} everybody."),
            _ => said.iter().map(|(verb, groups)| format!("{verb} {}.", and(groups))).collect::<Vec<_>>().join(" "),
        }
    }
}

impl Coverage {
    /// The day, as 22 November 2026.
    pub(super) fn day(&self) -> String {
        self.date.strftime("%-d %B %Y").to_string()
    }

    /// How many headings stand how, in a sentence.
    pub(super) fn summary(&self) -> String {
        let phrase = |state| match state {
            State::Unmet => "has no licensed list, which the standard requires",
            State::NoList => "no list at all",
            State::Open => "lists that stop nobody",
            State::Start => "only a start",
            State::Listed => "lists in force",
            State::Licensed => "a licensed list",
        };
        let others = State::ALL.into_iter().filter(|state| *state != State::Unmet && self.standing(*state) > 0);
        let said: Vec<_> = others
            .map(|state| (self.standing(state), phrase(state)))
            .map(|(number, what)| format!("{number} {} {what}", if number == 1 { "has" } else { "have" }))
            .collect();
        let unmet = if self.standing(State::Unmet) > 0 { format!(" The one for illegal content {}.", phrase(State::Unmet)) } else { String::new() };
        format!("Of {} headings, {}.{unmet}", self.headings.len(), and(&said))
    }

    /// Whether the page must begin with what the school lacks.
    pub(super) fn unmet(&self) -> bool {
        self.standing(State::Unmet) > 0
    }
}

/// One, two and three.
fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How a heading stands, in an honest sentence or two.
pub(super) fn says(state: State, entries: usize, categories: &[Covered], illegal: Option<&str>) -> String {
    let named: usize = categories.iter().map(|covered| covered.lists.len()).sum();
    let held = format!("{} in {}", count(entries, "entry", "entries"), count(named, "list", "lists"));
    let first = match state {
        State::Unmet => format!("{UNMET}{}", ordinary(entries)),
        State::Licensed => format!("{}{}", plain(illegal.unwrap_or_default()), ordinary(entries)),
        State::NoList if categories.is_empty() => "No category answers to this heading, and no list.".to_owned(),
        State::NoList => "No list holds anything on this.".to_owned(),
        State::Open => format!("There are {held}, but no group blocks them or warns of them: this is open to everybody."),
        State::Start => format!("{} only {}: a start, not coverage.", if entries == 1 { "There is" } else { "There are" }, count(entries, "entry", "entries")),
        State::Listed => format!("There are {held}. No list holds every site."),
    };
    let empty: Vec<_> = categories.iter().filter(|covered| covered.entries == 0).map(|covered| covered.name.clone()).collect();
    let gap = match (state, &empty[..]) {
        (State::Unmet | State::Licensed | State::NoList, _) | (_, []) => String::new(),
        (State::Open | State::Start | State::Listed, empty) => format!(" Nothing is listed for {}.", and(empty)),
    };
    let phrases: usize = categories.iter().map(|covered| covered.phrases).sum();
    first + &gap + &exposed(state, categories) + &unread(phrases)
}

/// What entries of ordinary lists are worth under the illegal heading.
fn ordinary(entries: usize) -> String {
    if entries == 0 {
        return String::new();
    }
    let held = count(entries, "entry below is", "entries below are");
    format!(" The {held} of ordinary lists, such as made-up names to test with. They are no substitute.")
}

/// What phrases are worth until pages are read.
fn unread(phrases: usize) -> String {
    let kept = count(phrases, "phrase is", "phrases are");
    if phrases == 0 { String::new() } else { format!(" {kept} kept, and stop nothing: no page is read yet.") }
}

/// Who may open what is listed, where anybody may.
fn exposed(state: State, categories: &[Covered]) -> String {
    match state {
        State::Unmet | State::Licensed | State::NoList | State::Open => return String::new(),
        State::Start | State::Listed => {}
    }
    let open = categories.iter().filter(|covered| covered.entries > 0).filter_map(|covered| match &covered.treated {
        Treated::Groups { open, .. } if !open.is_empty() => Some(format!("{} is open to {}", covered.name, and(open))),
        Treated::Groups { .. } | Treated::Always => None,
    });
    let open: Vec<_> = open.collect();
    if open.is_empty() { String::new() } else { format!(" {}.", open.join("; ")) }
}

/// What the middle of the scale means.
pub(super) fn scale() -> String {
    format!(
        "“{}” means fewer than {} entries. “{}” means that lists are there and used, not that they are enough: only a test from a pupil's device can show what is blocked.",
        State::Start.word(),
        thousands(A_START),
        State::Listed.word()
    )
}
