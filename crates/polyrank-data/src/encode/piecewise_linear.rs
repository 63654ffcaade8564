//! `piecewise_linear`: how much of each bin lies below a number (Gorishniy, Rubachev and Babenko, *On Embeddings for
//! Numerical Features in Tabular Deep Learning*, NeurIPS 2022, Eq. 1).
//!
//! With edges b_0 < … < b_T, column t of 1 to T is 0 if x < b_{t−1} and t > 1, 1 if x ≥ b_t and t < T, and else
//! (x − b_{t−1}) / (b_t − b_{t−1}). So the outer bins go on beyond the training rows' range, as in the paper. The edges
//! are the quantiles that `bucketize` finds, between the smallest and the largest number. Where equal numbers leave fewer
//! bins than asked for, the columns of the others are 0, so that the number of columns is the configured one.

use arrow_array::Array;
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, OptionSpec, no_further_check};
use polyrank_schema::{Block, BlockSpec};

use super::bucketize::BucketizeFit;
use super::column::{BadCell, each_row};
use super::moments::Moments;
use super::number::visit_numbers;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "piecewise_linear",
    doc: "how much of each of several bins lies below the number, a column a bin; a missing number is the mean",
    options: &[OptionSpec {
        key: "bins",
        kind: OptionKind::Int { min: MIN_BINS, max: MAX_BINS },
        default: OptionDefault::Always(Literal::Int(16)),
        doc: "bins with equal shares of the training rows, as far as equal numbers allow",
    }],
    check: no_further_check,
};

const MIN_BINS: i64 = 2;
const MAX_BINS: i64 = 1024;

fn bins(block: &Block) -> Result<u32, String> {
    let bins = block.int("bins");
    let bins = Some(bins).filter(|bins| (MIN_BINS..=MAX_BINS).contains(bins)).and_then(|bins| u32::try_from(bins).ok());
    bins.ok_or_else(|| format!("bins must be from {MIN_BINS} to {MAX_BINS}"))
}

/// What edges are found from.
pub(crate) fn fit(block: &Block) -> Result<BucketizeFit, String> {
    bins(block).map(BucketizeFit::quantiles)
}

/// Fitted bins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pieces {
    /// b_0 to b_T; none if there were no two different numbers.
    edges: Vec<f64>,
    columns: usize,
    /// The mean, encoded.
    missing: Vec<f32>,
}

impl Pieces {
    pub(crate) fn fitted(block: &Block, fit: BucketizeFit, moments: &Moments) -> Result<Pieces, String> {
        let quantiles = fit.finish()?;
        let inner = quantiles.boundaries().iter().copied().filter(|b| *b > moments.min && *b < moments.max);
        let mut edges: Vec<f64> = std::iter::once(moments.min).chain(inner).collect();
        edges.push(moments.max);
        if moments.min == moments.max {
            edges.clear();
        }
        Pieces::new(block, edges, moments)
    }

    /// From edges, which may come from a file.
    pub(crate) fn new(block: &Block, edges: Vec<f64>, moments: &Moments) -> Result<Pieces, String> {
        let columns = bins(block)? as usize;
        if !edges.iter().all(|b| b.is_finite()) || !edges.array_windows::<2>().all(|[a, b]| a < b) {
            return Err("edges must be finite and strictly rising".to_owned());
        }
        if edges.len() == 1 || edges.len() > columns + 1 {
            return Err(format!("{} edges, which {columns} bins cannot have", edges.len()));
        }
        let mut pieces = Pieces { edges, columns, missing: Vec::new() };
        let mut missing = Vec::with_capacity(columns);
        pieces.encode(moments.mean, &mut missing);
        pieces.missing = missing;
        Ok(pieces)
    }

    pub(crate) fn edges(&self) -> &[f64] {
        &self.edges
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    fn encode(&self, x: f64, out: &mut Vec<f32>) {
        let (start, last) = (out.len(), self.edges.len().saturating_sub(2));
        let limit = f64::from(f32::MAX);
        out.extend(self.edges.array_windows::<2>().enumerate().map(|(t, [low, high])| {
            if x < *low && t > 0 {
                0.0
            } else if x >= *high && t < last {
                1.0
            } else {
                // The halves of a bin as wide as all numbers are finite; so is a number far outside a narrow one.
                ((x / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(-limit, limit) as f32
            }
        }));
        out.resize(start + self.columns, 0.0);
    }

    /// The columns of a column, `[B, bins]` row by row.
    pub(crate) fn numbers(&self, array: &dyn Array) -> Result<Vec<f32>, BadCell> {
        let mut out = Vec::with_capacity(array.len() * self.columns);
        visit_numbers(array, each_row(array.len()), |_, x| match x {
            Some(x) => self.encode(x, &mut out),
            None => out.extend_from_slice(&self.missing),
        })?;
        Ok(out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use polyrank_schema::spec::OptionValue;
    use proptest::prelude::*;

    use super::*;

    fn block(bins: i64) -> Block {
        let options = BTreeMap::from([("bins".to_owned(), OptionValue::Int(bins))]);
        Block { kind: SPEC.name.to_owned(), options }
    }

    fn fitted(bins: i64, numbers: &[f64]) -> Pieces {
        let (mut moments, mut fit) = (Moments::default(), fit(&block(bins)).unwrap());
        for x in numbers {
            moments.observe(*x);
            fit.observe(*x);
        }
        Pieces::fitted(&block(bins), fit, &moments).unwrap()
    }

    fn encoded(pieces: &Pieces, x: f64) -> Vec<f32> {
        let mut out = Vec::new();
        pieces.encode(x, &mut out);
        out
    }

    #[test]
    fn how_much_of_each_bin_lies_below() {
        let pieces = fitted(4, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]);
        assert_eq!(pieces.edges(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(encoded(&pieces, 0.0), [0.0; 4]);
        assert_eq!(encoded(&pieces, 1.0), [0.5, 0.0, 0.0, 0.0]);
        assert_eq!(encoded(&pieces, 4.0), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(encoded(&pieces, 7.0), [1.0, 1.0, 1.0, 0.5]);
        assert_eq!(encoded(&pieces, -2.0), [-1.0, 0.0, 0.0, 0.0]);
        assert_eq!(encoded(&pieces, 12.0), [1.0, 1.0, 1.0, 3.0]);
    }

    #[test]
    fn few_numbers_leave_columns_of_zeros() {
        let pieces = fitted(4, &[1.0, 1.0, 1.0, 3.0]);
        assert_eq!(pieces.edges(), [1.0, 3.0]);
        assert_eq!(encoded(&pieces, 2.0), [0.5, 0.0, 0.0, 0.0]);
        for numbers in [&[5.0; 3][..], &[]] {
            assert_eq!(encoded(&fitted(2, numbers), 7.0), [0.0; 2]);
        }
        let wide = fitted(2, &[f64::from(f32::MIN), f64::from(f32::MAX)]);
        assert_eq!(encoded(&wide, 0.0)[0], 0.5);
    }

    #[test]
    fn edges_of_a_file_that_cannot_be_are_refused() {
        let moments = Moments::default();
        for edges in [vec![1.0], vec![2.0, 1.0], vec![0.0, f64::NAN], vec![0.0, 1.0, 2.0, 3.0]] {
            assert!(Pieces::new(&block(2), edges, &moments).is_err());
        }
        assert!(Pieces::new(&block(1), vec![], &moments).is_err());
    }

    proptest! {
        #[test]
        fn every_column_rises_with_the_number(
            numbers in prop::collection::vec(-50i32..50, 1..80),
            bins in 2i64..12,
            mut some in prop::collection::vec(-80.0..80.0f64, 2..20),
        ) {
            let pieces = fitted(bins, &numbers.iter().map(|n| f64::from(*n)).collect::<Vec<_>>());
            prop_assert!(pieces.edges().len() <= bins as usize + 1);
            some.sort_by(f64::total_cmp);
            let rows: Vec<Vec<f32>> = some.iter().map(|x| encoded(&pieces, *x)).collect();
            for pair in rows.windows(2) {
                prop_assert!(pair[0].len() == bins as usize && pair[0].iter().zip(&pair[1]).all(|(a, b)| a <= b));
            }
            // At edge t, the bins below are full and those above are empty, exactly.
            for (t, edge) in pieces.edges().iter().enumerate() {
                let row = encoded(&pieces, *edge);
                prop_assert!(row.iter().enumerate().all(|(i, y)| *y == if i < t { 1.0 } else { 0.0 }), "{:?}", row);
            }
        }
    }
}
