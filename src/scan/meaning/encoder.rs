//! Numbers for pieces in, numbers for what was said out: a small transformer encoder (Vaswani and others, "Attention is all you need", 2017; in the form of
//! BERT, Devlin and others, 2019). Pure: the same pieces give the same numbers.
//!
//! ```text
//! pieces ─▶ a row for each, and one for its place ─▶ layers: what each takes from all others, then what it makes of that ─▶ their mean ─▶ columns
//! ```
//!
//! Weights are bytes with a scale a row in the file. Those of pieces stay so, as a text needs few of them; those of layers become floats when they are read, for all of
//! them are needed for each text. There is no state between texts.

use super::bytes::Bytes;
use ndarray::{Array1, Array2, ArrayViewMut1, Axis, s};

/// What keeps a norm from dividing by nothing, as the weights were learned with.
const LEAST_SPREAD: f32 = 1e-12;

/// How large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) struct Size {
    /// Numbers for a piece.
    pub(super) width: usize,
    /// How many look at all pieces beside one another, in a layer.
    pub(super) heads: usize,
    /// Numbers between the two halves of a layer's second part.
    pub(super) inner: usize,
    pub(super) layers: usize,
    /// The most pieces of a text.
    pub(super) places: usize,
}

impl Size {
    /// Whether anything so large is made, and its parts fit one another.
    pub(super) fn is_sound(self) -> bool {
        let Self { width, heads, inner, layers, places } = self;
        (1..=1024).contains(&width)
            && (1..=64).contains(&heads)
            && width % heads == 0
            && (1..=4096).contains(&inner)
            && (1..=12).contains(&layers)
            && (3..=512).contains(&places)
    }
}

/// Rows of bytes, each with what they are multiplied by.
struct Matrix {
    columns: usize,
    scales: Vec<f32>,
    cells: Vec<i8>,
}

impl Matrix {
    fn read(bytes: &mut Bytes<'_>, rows: usize, columns: usize) -> Option<Self> {
        let scales = bytes.floats(rows)?;
        Some(Self { columns, scales, cells: bytes.signed(rows * columns)? })
    }

    fn row(&self, row: usize, mut to: ArrayViewMut1<'_, f32>) {
        let scale = self.scales[row];
        let cells = &self.cells[row * self.columns..][..self.columns];
        to.iter_mut().zip(cells).for_each(|(to, cell)| *to = f32::from(*cell) * scale);
    }
}

/// A matrix, and what is added.
struct Dense {
    weights: Array2<f32>,
    added: Array1<f32>,
}

impl Dense {
    fn read(bytes: &mut Bytes<'_>, rows: usize, columns: usize) -> Option<Self> {
        let matrix = Matrix::read(bytes, rows, columns)?;
        let mut weights = Array2::zeros((rows, columns));
        weights.outer_iter_mut().enumerate().for_each(|(row, to)| matrix.row(row, to));
        Some(Self { weights, added: bytes.floats(rows)?.into() })
    }

    /// For each of several rows of numbers: one row.
    fn of(&self, rows: &Array2<f32>) -> Array2<f32> {
        rows.dot(&self.weights.t()) + &self.added
    }
}

/// Makes a row of numbers have a mean and a spread of its own.
struct Norm {
    times: Array1<f32>,
    added: Array1<f32>,
}

impl Norm {
    fn read(bytes: &mut Bytes<'_>, width: usize) -> Option<Self> {
        Some(Self { times: bytes.floats(width)?.into(), added: bytes.floats(width)?.into() })
    }

    fn apply(&self, rows: &mut Array2<f32>) {
        for mut row in rows.outer_iter_mut() {
            let count = row.len() as f32;
            row -= row.sum() / count;
            let spread = row.dot(&row) / count;
            row *= 1.0 / (spread + LEAST_SPREAD).sqrt();
            row *= &self.times;
            row += &self.added;
        }
    }
}

struct Layer {
    asks: Dense,
    answers: Dense,
    tells: Dense,
    taken: Dense,
    first: Norm,
    wide: Dense,
    narrow: Dense,
    second: Norm,
}

impl Layer {
    fn read(bytes: &mut Bytes<'_>, Size { width, inner, .. }: Size) -> Option<Self> {
        let mut square = || Dense::read(bytes, width, width);
        let (asks, answers, tells, taken) = (square()?, square()?, square()?, square()?);
        let first = Norm::read(bytes, width)?;
        let (wide, narrow) = (Dense::read(bytes, inner, width)?, Dense::read(bytes, width, inner)?);
        Some(Self { asks, answers, tells, taken, first, wide, narrow, second: Norm::read(bytes, width)? })
    }

    fn apply(&self, rows: &mut Array2<f32>, Size { width, heads, .. }: Size) {
        let (asks, answers, tells) = (self.asks.of(rows), self.answers.of(rows), self.tells.of(rows));
        let mut taken = Array2::zeros(rows.raw_dim());
        let of_head = width / heads;
        let by = 1.0 / (of_head as f32).sqrt();
        for from in (0..width).step_by(of_head) {
            let head = s![.., from..from + of_head];
            let mut shares = asks.slice(head).dot(&answers.slice(head).t()) * by;
            shares.outer_iter_mut().for_each(to_shares);
            taken.slice_mut(head).assign(&shares.dot(&tells.slice(head)));
        }
        *rows += &self.taken.of(&taken);
        self.first.apply(rows);
        let wide = self.wide.of(rows).mapv_into(gelu);
        *rows += &self.narrow.of(&wide);
        self.second.apply(rows);
    }
}

/// The weights of one.
pub(super) struct Encoder {
    size: Size,
    pieces: Matrix,
    places: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    columns: Dense,
}

impl Encoder {
    /// Reads the weights, for so many pieces and columns.
    pub(super) fn read(bytes: &mut Bytes<'_>, size: Size, pieces: usize, columns: usize) -> Option<Self> {
        let known = Matrix::read(bytes, pieces, size.width)?;
        let places = Array2::from_shape_vec((size.places, size.width), bytes.floats(size.places * size.width)?).ok()?;
        let norm = Norm::read(bytes, size.width)?;
        let layers = (0..size.layers).map(|_| Layer::read(bytes, size)).collect::<Option<Vec<_>>>()?;
        Some(Self { size, pieces: known, places, norm, layers, columns: Dense::read(bytes, columns, size.width)? })
    }

    /// The numbers of each column. Of pieces behind the last place nothing is read.
    pub(super) fn columns(&self, pieces: &[u32]) -> Vec<f32> {
        let pieces = &pieces[..pieces.len().min(self.size.places)];
        let mut rows = Array2::zeros((pieces.len(), self.size.width));
        rows.outer_iter_mut().zip(pieces).for_each(|(row, piece)| self.pieces.row(*piece as usize, row));
        rows += &self.places.slice(s![..pieces.len(), ..]);
        self.norm.apply(&mut rows);
        self.layers.iter().for_each(|layer| layer.apply(&mut rows, self.size));
        let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(self.size.width));
        self.columns.of(&mean.insert_axis(Axis(0))).into_iter().collect()
    }
}

/// Numbers as shares of one (softmax).
fn to_shares(mut numbers: ArrayViewMut1<'_, f32>) {
    let most = numbers.fold(f32::NEG_INFINITY, |most, number| most.max(*number));
    numbers.mapv_inplace(|number| (number - most).exp());
    numbers /= numbers.sum();
}

/// The Gaussian error linear unit, with the error function by Abramowitz and Stegun, 7.1.26.
fn gelu(number: f32) -> f32 {
    let at = number.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let step = 1.0 / (1.0 + 0.327_591_1 * at);
    let sum = step * (0.254_829_6 + step * (-0.284_496_74 + step * (1.421_413_7 + step * (-1.453_152 + step * 1.061_405_4))));
    let error = (1.0 - sum * (-at * at).exp()).copysign(number);
    0.5 * number * (1.0 + error)
}
