//! A name is found if, and only if, it or one it is below is listed.

use std::collections::HashSet;
use usher::category::{CategoryInfo, Page, Taxonomy, Theme};
use usher::host::Host;
use usher::lists::Lists;
use usher::lists::compile::Compiler;
use usher::lists::formats::Format;

const NAMES: usize = 50_000;
const LOOK_UPS: usize = 1_000_000;

/// Always the same numbers (xorshift, Marsaglia 2003).
pub struct Dice(u64);

impl Dice {
    /// The first throw is always the same.
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `sides`.
    pub fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("a small number")
    }

    /// Short labels of few letters, so that names are near one another.
    pub fn label(&mut self) -> String {
        let length = 1 + self.throw(4);
        (0..length).map(|_| char::from(b"abc1-z"[if length > 2 { self.throw(6) } else { self.throw(4) }])).collect::<String>().trim_matches('-').to_owned()
            + "x"
    }

    /// One to four labels below an end.
    pub fn name(&mut self) -> String {
        let labels: Vec<_> = (0..=self.throw(3)).map(|_| self.label()).collect();
        format!("{}.{}", labels.join("."), ["example", "test", "co.uk"][self.throw(3)])
    }
}

fn compiled(names: &[String]) -> Lists {
    let info = |id: &str| CategoryInfo { id: id.into(), name: id.into(), covers: id.into(), theme: Theme::Harm, severity: 1, heading: None, page: Page::Block };
    let taxonomy = Taxonomy::new(["child-sexual-abuse", "terrorism", "games"].map(info).into()).expect("categories");
    let games = taxonomy.find("games").expect("a category");
    let mut compiler = Compiler::new([7; 16]);
    compiler.add("school/games/domains", (games, "games"), Format::Names, names.join("\n").as_bytes()).expect("they fit");
    let (lists, reports) = compiler.finish().expect("compiled");
    assert_eq!(reports[0].refused_count(), 0, "{:?}", reports[0].refused_lines);
    lists
}

/// A name near a listed one: itself, below it, above it, or a letter off.
fn near(dice: &mut Dice, names: &[String]) -> String {
    let name = names[dice.throw(names.len())].clone();
    match dice.throw(6) {
        0 => name,
        1 => format!("{}.{name}", dice.label()),
        2 => format!("{}{name}", dice.label()),
        3 => name.split_once('.').expect("two labels").1.to_owned(),
        4 => format!("{name}.{}", dice.label()),
        _ => dice.name(),
    }
}

#[test]
fn a_million_look_ups_agree_with_a_set_of_names() {
    let mut dice = Dice::new();
    let names: Vec<_> = (0..NAMES).map(|_| dice.name()).collect();
    let (lists, set) = (compiled(&names), names.iter().map(String::as_str).collect::<HashSet<_>>());
    let mut listed = 0;
    for _ in 0..LOOK_UPS {
        let name = near(&mut dice, &names);
        let host = Host::parse(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]).chain([name.as_str()]).any(|parent| set.contains(parent));
        assert_eq!(!lists.look_up_host(&host).categories.is_empty(), expected, "{name}");
        listed += usize::from(expected);
    }
    assert!((LOOK_UPS / 4..LOOK_UPS * 3 / 4).contains(&listed), "both answers are common: {listed} of {LOOK_UPS} are listed");
}
