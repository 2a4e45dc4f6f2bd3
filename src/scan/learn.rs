//! Weights of words, learned from examples: what [`super::lexicon::learned`] reads. Pure.
//!
//! Logistic regression: for danger, for whether anything was said at all, and for each theme. A theme's column is the mean of the last two, which is better than
//! either: what pupils say in trouble is alike whatever the trouble, and each theme has words of its own. Each is learned with FTRL-Proximal (McMahan and others,
//! "Ad Click Prediction", 2013): an example at a time, a rate for each feature, and what says little is nought. Lines of the level `watch` say neither yes nor no to
//! a theme.
//!
//! From how many points on a theme is a concern is learned too: the examples are cut into [`FOLDS`] parts, each is weighed by what was learned from the others, and
//! the bounds are where so many of the ordinary lines come to it ([`Bounds`]). The same examples in the same order give the same weights.

use super::lexicon::learned::scaled;
use super::points::hundredths;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Into how many parts examples are cut.
pub const FOLDS: u8 = 5;
/// How often all examples are gone through.
const ROUNDS: usize = 3;
/// In how many examples a feature must be.
const LEAST_EXAMPLES: u32 = 3;
/// FTRL: the rate, what each weight costs, and what its square costs.
const RATE: f32 = 0.3;
const COST: f32 = 0.1;
const SQUARE_COST: f32 = 5.0;
/// How many times as many of the lines that only look like it may come to something.
const ALIKE: usize = 50;
/// From fewer points than this, in hundredths, nothing is danger, however few ordinary lines come near: one in twenty of such lines is.
const LEAST_DANGER: i32 = -300;
/// A weight below this, in hundredths, is nought.
const LEAST_WEIGHT: i32 = 10;

/// How grave what was typed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Worth a line in the week's summary.
    Watch,
    /// A member of staff should talk to the pupil.
    Concern,
    /// Somebody may come to harm.
    Danger,
}

impl Grade {
    /// Each, by its name in a heading.
    pub const NAMES: [(&'static str, Self); 3] = [("watch", Self::Watch), ("concern", Self::Concern), ("danger", Self::Danger)];
}

/// A line of the examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// As it was typed.
    pub text: String,
    /// The theme of the phrase files, as it stands in the heading, and how grave; nothing of an ordinary line.
    pub said: Option<(String, Grade)>,
}

/// Reads examples: a heading `= THEME LEVEL` or `= none`, and a line each below it.
///
/// # Errors
/// The number of a line that is neither, and what to do.
pub fn examples(text: &str) -> Result<Vec<Example>, (usize, String)> {
    let mut heading = None;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(said) = line.strip_prefix("= ") else {
            let Some(said) = &heading else { return Err((number, "no heading yet: put a line such as \"= drugs concern\" or \"= none\" above it".into())) };
            found.push(Example { text: line.to_owned(), said: Clone::clone(said) });
            continue;
        };
        heading = Some(match said.trim() {
            "none" => None,
            said => {
                let grade = |name: &str| Grade::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, grade)| grade);
                let known = said.split_once(' ').and_then(|(theme, name)| Some((theme.to_owned(), grade(name.trim())?)));
                Some(known.ok_or_else(|| (number, format!("\"{line}\" is no heading: write \"= THEME watch\", \"concern\" or \"danger\", or \"= none\"")))?)
            }
        });
    }
    Ok(found)
}

/// An example, made ready: its features, and what it is.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its features, each once.
    pub features: Vec<String>,
    /// The theme, as a place in the themes that are learned, and how grave.
    pub said: Option<(usize, Grade)>,
    /// Whether it is a line as people really type them, and not one written to look like the others.
    pub is_usual: bool,
    /// Any number that stays with the text: by it examples are put in order and cut into parts.
    pub lot: u64,
}

/// How many ordinary lines, of a hundred thousand, may come to what: of the usual ones, or of all where there are none. Of those that were written to look like
/// the others it may be fifty times as many beside usual ones.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// To what is watched.
    pub watch: usize,
    /// To a concern.
    pub concern: usize,
    /// To danger.
    pub danger: usize,
}

/// What was found of lines that were not learned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// Lines of concern and danger.
    pub said: usize,
    /// Those that came to a concern at least.
    pub found: usize,
    /// Those of their own theme.
    pub as_theme: usize,
    /// Lines of danger.
    pub dangers: usize,
    /// Those that came to danger.
    pub as_danger: usize,
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The lines of a file, from `columns:` on.
    pub text: String,
    /// How many features have a weight.
    pub features: usize,
    /// By theme, of lines that were not learned from.
    pub found: Vec<Found>,
    /// Ordinary lines that were written to look like the others, how many came to a concern, and how many to danger.
    pub ordinary: [usize; 3],
    /// The same of usual lines.
    pub usual: [usize; 3],
    /// From how many points on, in hundredths: watch, concern, danger.
    pub from: [i32; 3],
    /// The points of each example by what was learned from the others: danger, then each theme.
    pub points: Vec<Vec<i32>>,
}

/// What of an example a model learns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Danger,
    Anything,
    Theme(usize),
}

impl Asks {
    /// Whether it is so, where the example says anything of it.
    fn of(self, said: Option<(usize, Grade)>) -> Option<bool> {
        match (self, said) {
            (Self::Danger, said) => Some(said.is_some_and(|(_, grade)| grade == Grade::Danger)),
            (_, None) => Some(false),
            (_, Some((_, Grade::Watch))) => None,
            (Self::Anything, Some(_)) => Some(true),
            (Self::Theme(theme), Some((said, _))) => (said == theme).then_some(true),
        }
    }
}

/// Features by number, with by how much their sum is made smaller or larger.
struct Row {
    features: Vec<u32>,
    scale: f32,
    count: usize,
}

/// One regression.
struct Model {
    sums: Vec<f32>,
    squares: Vec<f32>,
    start: [f32; 2],
}

impl Model {
    fn new(features: usize) -> Self {
        Self { sums: vec![0.0; features], squares: vec![0.0; features], start: [0.0; 2] }
    }

    fn weight(&self, feature: usize) -> f32 {
        let sum = self.sums[feature];
        if sum.abs() <= COST { 0.0 } else { (COST * sum.signum() - sum) / ((1.0 + self.squares[feature].sqrt()) / RATE + SQUARE_COST) }
    }

    fn begins(&self) -> f32 {
        -self.start[0] * RATE / (1.0 + self.start[1].sqrt())
    }

    fn score(&self, row: &Row) -> f32 {
        self.begins() + row.scale * row.features.iter().map(|feature| self.weight(*feature as usize)).sum::<f32>()
    }

    fn learn(&mut self, row: &Row, is_so: bool) {
        let error = 1.0 / (1.0 + (-self.score(row)).exp()) - if is_so { 1.0 } else { 0.0 };
        let step = |square: f32, slope: f32| ((square + slope * slope).sqrt() - square.sqrt()) / RATE;
        self.start[0] += error - step(self.start[1], error) * self.begins();
        self.start[1] += error * error;
        let slope = error * row.scale;
        for feature in row.features.iter().map(|feature| *feature as usize) {
            self.sums[feature] += slope - step(self.squares[feature], slope) * self.weight(feature);
            self.squares[feature] += slope * slope;
        }
    }
}

/// The weights of columns, in hundredths: danger, then each theme; and where texts begin.
struct Weights {
    rows: Vec<Vec<i32>>,
    start: Vec<i32>,
}

impl Weights {
    fn points(&self, row: &Row) -> Vec<i32> {
        let sum = |column: usize| row.features.iter().map(|feature| i64::from(self.rows[*feature as usize][column])).sum::<i64>();
        (0..self.start.len()).map(|column| scaled(sum(column), row.count) + self.start[column]).collect()
    }
}

/// Learns weights for themes. `tell` is told how far it is.
#[must_use]
pub fn learn(examples: &[Ready], themes: &[String], bounds: Bounds, tell: &mut dyn FnMut(&str)) -> Learned {
    let (names, rows) = numbered(examples);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_unstable_by_key(|place| (examples[*place].lot, *place));
    let part = |place: usize| (examples[place].lot % u64::from(FOLDS)) as u8;
    let mut points: Vec<Vec<i32>> = vec![Vec::new(); examples.len()];
    for fold in 0..FOLDS {
        tell(&format!("part {} of {FOLDS}: learning from the others", fold + 1));
        let others: Vec<usize> = order.iter().copied().filter(|place| part(*place) != fold).collect();
        let weights = regress(examples, &rows, &others, (names.len(), themes.len()));
        order.iter().filter(|place| part(**place) == fold).for_each(|place| points[*place] = weights.points(&rows[*place]));
    }
    tell("learning from all");
    let weights = regress(examples, &rows, &order, (names.len(), themes.len()));
    let from = bounds_of(examples, &points, bounds);
    let (found, [ordinary, usual]) = count(examples, &points, themes.len(), from);
    let (text, features) = written(&names, &weights, themes, from);
    Learned { text, features, found, ordinary, usual, from, points }
}

/// The features that are in enough examples, and each example by their numbers.
fn numbered(examples: &[Ready]) -> (Vec<&str>, Vec<Row>) {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    examples.iter().flat_map(|example| &example.features).for_each(|feature| *counts.entry(feature).or_default() += 1);
    let mut names: Vec<&str> = counts.into_iter().filter(|(_, count)| *count >= LEAST_EXAMPLES).map(|(name, _)| name).collect();
    names.sort_unstable();
    let numbers: HashMap<&str, u32> = (0..).zip(&names).map(|(number, name)| (*name, number)).collect();
    let row = |example: &Ready| {
        let count = example.features.len();
        let features = example.features.iter().filter_map(|feature| numbers.get(feature.as_str())).copied().collect();
        Row { features, scale: scaled(1000, count) as f32 / 1000.0, count }
    };
    let rows = examples.iter().map(row).collect();
    (names, rows)
}

fn regress(examples: &[Ready], rows: &[Row], order: &[usize], (features, themes): (usize, usize)) -> Weights {
    let asks: Vec<Asks> = [Asks::Danger, Asks::Anything].into_iter().chain((0..themes).map(Asks::Theme)).collect();
    let one = |asks: Asks| {
        let mut model = Model::new(features);
        for _ in 0..ROUNDS {
            for place in order {
                if let Some(is_so) = asks.of(examples[*place].said) {
                    model.learn(&rows[*place], is_so);
                }
            }
        }
        let weights: Vec<f32> = (0..features).map(|feature| model.weight(feature)).collect();
        (weights, model.begins())
    };
    let hands = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(asks.len());
    let mut learned: Vec<(usize, (Vec<f32>, f32))> = std::thread::scope(|scope| {
        let (one, asks) = (&one, &asks);
        let hand = |hand: usize| scope.spawn(move || (hand..asks.len()).step_by(hands).map(|place| (place, one(asks[place]))).collect::<Vec<_>>());
        let all: Vec<_> = (0..hands).map(hand).collect();
        all.into_iter().flat_map(|hand| hand.join().unwrap_or_default()).collect()
    });
    learned.sort_unstable_by_key(|(place, _)| *place);
    // The columns of what the models say of one thing: danger, and of each theme the mean of that and of anything.
    let columns = |said: &dyn Fn(usize) -> f32| {
        (0..=themes).map(|column| hundredths(if column == 0 { said(0) } else { (said(1) + said(column + 1)) / 2.0 })).collect::<Vec<_>>()
    };
    let row = |feature: usize| {
        let mut row = columns(&|model| learned[model].1.0[feature]);
        row.iter_mut().filter(|weight| weight.abs() < LEAST_WEIGHT).for_each(|weight| *weight = 0);
        row
    };
    Weights { rows: (0..features).map(row).collect(), start: columns(&|model| learned[model].1.1) }
}

/// The points of the theme that a text reads like.
fn best(points: &[i32]) -> (usize, i32) {
    (1..points.len()).map(|column| (column - 1, points[column])).max_by_key(|(theme, points)| (*points, std::cmp::Reverse(*theme))).unwrap_or((0, i32::MIN))
}

fn bounds_of(examples: &[Ready], points: &[Vec<i32>], bounds: Bounds) -> [i32; 3] {
    let of = |is_usual: bool| {
        let is_it = |example: &Ready| example.said.is_none() && example.is_usual == is_usual;
        examples.iter().zip(points).filter(|(example, _)| is_it(example)).map(|(_, points)| points).collect::<Vec<_>>()
    };
    let (usual, alike) = (of(true), of(false));
    let times = if usual.is_empty() { 1 } else { ALIKE };
    let above = |all: &[&Vec<i32>], counts: &dyn Fn(&[i32]) -> i32, share: usize| {
        let mut all: Vec<i32> = all.iter().map(|points| counts(points)).collect();
        all.sort_unstable_by_key(|points| std::cmp::Reverse(*points));
        all.get(all.len() * share / 100_000).map_or(-30_000, |points| points.saturating_add(1).max(-30_000))
    };
    let bound = |counts: &dyn Fn(&[i32]) -> i32, share: usize| above(&usual, counts, share).max(above(&alike, counts, share * times));
    let theme = |points: &[i32]| best(points).1;
    let concern = bound(&theme, bounds.concern);
    let danger = |points: &[i32]| if best(points).1 >= concern { points[0] } else { i32::MIN };
    // Of what no example is, nothing is known.
    let has_danger = examples.iter().any(|example| matches!(example.said, Some((_, Grade::Danger))));
    let danger = if has_danger { bound(&danger, bounds.danger).max(LEAST_DANGER) } else { 30_000 };
    [bound(&theme, bounds.watch), concern, danger]
}

fn count(examples: &[Ready], points: &[Vec<i32>], themes: usize, [_, concern, danger]: [i32; 3]) -> (Vec<Found>, [[usize; 3]; 2]) {
    let (mut found, mut ordinary) = (vec![Found::default(); themes], [[0; 3]; 2]);
    for (example, points) in examples.iter().zip(points) {
        let (theme, best) = best(points);
        let (is_concern, is_danger) = (best >= concern, best >= concern && points[0] >= danger);
        match example.said {
            None => {
                let of_it = &mut ordinary[usize::from(example.is_usual)];
                of_it[0] += 1;
                of_it[1] += usize::from(is_concern);
                of_it[2] += usize::from(is_danger);
            }
            Some((_, Grade::Watch)) => {}
            Some((said, grade)) => {
                let one = &mut found[said];
                one.said += 1;
                one.found += usize::from(is_concern);
                one.as_theme += usize::from(is_concern && theme == said);
                one.dangers += usize::from(grade == Grade::Danger);
                one.as_danger += usize::from(grade == Grade::Danger && is_danger);
            }
        }
    }
    (found, ordinary)
}

fn written(names: &[&str], weights: &Weights, themes: &[String], [watch, concern, danger]: [i32; 3]) -> (String, usize) {
    let points = |points: i32| f64::from(points) / 100.0;
    let mut text =
        format!("columns: danger {}\nlevels: 15 from {}, 40 from {}, danger 60 from {}\n", themes.join(" "), points(watch), points(concern), points(danger));
    let mut features = 0;
    let rows = std::iter::once(("*", &weights.start)).chain(names.iter().copied().zip(&weights.rows));
    for (name, row) in rows {
        let Some(last) = row.iter().rposition(|weight| *weight != 0) else { continue };
        features += 1;
        text.push_str(name);
        for weight in &row[..=last] {
            // Writing into a text cannot fail.
            let _ = write!(text, "\t{weight}");
        }
        text.push('\n');
    }
    (text, features - 1)
}

#[cfg(test)]
mod tests;
