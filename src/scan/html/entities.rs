//! Character references: the numbered ones all, of the 2,231 named ones those that stand for letters, for nothing, or for signs that may be letters.
//! The others are signs, and part words.
//!
//! A letter with an accent is read as the letter without it (`&eacute;`), since that is what it is folded to. Several letters may stand for one
//! reference (`&szlig;`).

/// The longest name that is looked at; digits of numbers too.
pub const LONGEST: usize = 24;

/// What a reference stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This character.
    Character(char),
    /// These letters.
    Letters(&'static str),
    /// Something nobody sees.
    Nothing,
}

/// Endings of names that say what is on, or with, the letter before them.
const ACCENTS: [&str; 16] =
    ["acute", "grave", "circ", "uml", "tilde", "cedil", "ring", "caron", "ogon", "macr", "breve", "dot", "strok", "slash", "midot", "dblac"];
/// Endings of names of letters in another shape.
const SHAPES: [&str; 3] = ["fr", "scr", "opf"];
/// Names that need no `;` (WHATWG HTML): the most usual, beside letters with the first seven accents.
const WITHOUT_END: [&str; 14] = ["amp", "lt", "gt", "quot", "nbsp", "shy", "szlig", "aelig", "AElig", "eth", "thorn", "cent", "copy", "reg"];

/// What stands for this name, as written after `&`; none if it is no reference. `ended`: by a `;`.
#[must_use]
pub fn meaning(name: &str, ended: bool) -> Option<Meaning> {
    if let Some(number) = name.strip_prefix('#') {
        return numbered(number);
    }
    let accent = with_accent(name);
    if !ended && !WITHOUT_END.contains(&name) && accent.is_none_or(|(_, place)| place >= 7) {
        return None;
    }
    Some(match (name, accent) {
        ("amp" | "AMP", _) => Meaning::Character('&'),
        ("lt" | "LT", _) => Meaning::Character('<'),
        ("gt" | "GT", _) => Meaning::Character('>'),
        ("apos" | "rsquo" | "lsquo", _) => Meaning::Character('\''),
        ("dollar", _) => Meaning::Character('$'),
        ("commat", _) => Meaning::Character('@'),
        ("excl", _) => Meaning::Character('!'),
        ("vert" | "verbar", _) => Meaning::Character('|'),
        ("euro", _) => Meaning::Character('€'),
        ("cent", _) => Meaning::Character('¢'),
        ("szlig", _) => Meaning::Letters("ss"),
        ("aelig" | "AElig", _) => Meaning::Letters("ae"),
        ("oelig" | "OElig", _) => Meaning::Letters("oe"),
        ("thorn" | "THORN", _) => Meaning::Letters("th"),
        ("ijlig" | "IJlig", _) => Meaning::Letters("ij"),
        ("fflig", _) => Meaning::Letters("ff"),
        ("filig", _) => Meaning::Letters("fi"),
        ("fllig", _) => Meaning::Letters("fl"),
        ("fjlig", _) => Meaning::Letters("fj"),
        ("ffilig", _) => Meaning::Letters("ffi"),
        ("ffllig", _) => Meaning::Letters("ffl"),
        ("eth" | "ETH", _) => Meaning::Letters("d"),
        ("inodot" | "imath", _) => Meaning::Letters("i"),
        (
            "shy" | "zwj" | "zwnj" | "lrm" | "rlm" | "NoBreak" | "ZeroWidthSpace" | "InvisibleTimes" | "InvisibleComma" | "ApplyFunction" | "it" | "ic" | "af",
            _,
        )
        | ("NegativeVeryThinSpace" | "NegativeThinSpace" | "NegativeMediumSpace" | "NegativeThickSpace", _) => Meaning::Nothing,
        (_, Some((letter, _))) => Meaning::Character(letter),
        (name, None) if !name.is_empty() => Meaning::Character(' '),
        _ => return None,
    })
}

/// The letter of a name such as `eacute`, and the place of its ending.
fn with_accent(name: &str) -> Option<(char, usize)> {
    let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
    let ending = &name[1..];
    let place = ACCENTS.iter().chain(&SHAPES).position(|known| *known == ending)?;
    Some((letter, place))
}

fn numbered(number: &str) -> Option<Meaning> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    // As browsers read what was meant as windows-1252.
    let c = match code {
        0x80 => '€',
        0x91 | 0x92 => '\'',
        0x8c | 0x9c => return Some(Meaning::Letters("oe")),
        0x8a | 0x9a => 's',
        0x8e | 0x9e => 'z',
        0x9f => 'y',
        _ => char::from_u32(code).unwrap_or('\u{fffd}'),
    };
    Some(Meaning::Character(c))
}
