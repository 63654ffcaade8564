//! `bucketize`: a number becomes the bucket that it falls in, with an embedding row of its own.
//!
//! Ids: 0 padding, 1 missing, then 2 + the number of boundaries that are ≤ x: a boundary begins a bucket.

use arrow_array::Array;
use polyrank_schema::spec::{BlockContext, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec};

use super::MISSING;
use super::categorical::table_rows;
use super::column::{BadCell, each_row};
use super::number::visit_numbers;
use super::ranks::Ranks;
use super::row_name::RowName;
use crate::batch::Ids;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "bucketize",
    doc: "cut into buckets, each with an embedding row; a missing number has its own",
    options: &[
        OptionSpec {
            key: "boundaries",
            kind: OptionKind::Rising,
            default: OptionDefault::Absent,
            doc: "where buckets begin; numbers below the first boundary have a bucket too",
        },
        OptionSpec {
            key: "quantiles",
            kind: OptionKind::Int { min: 2, max: 1 << 16 },
            default: OptionDefault::Absent,
            doc: "so many buckets with equal shares of the training rows, as far as equal numbers allow",
        },
    ],
    check,
};

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    match (block.has("boundaries"), block.has("quantiles")) {
        (true, true) => Err("give `boundaries` or `quantiles`, not both".to_owned()),
        (false, false) => Err("give `boundaries` (where buckets begin) or `quantiles` (how many buckets)".to_owned()),
        _ => Ok(()),
    }
}

/// Boundaries given, or what quantiles are found from.
#[derive(Debug)]
pub(crate) enum BucketizeFit {
    Boundaries(Buckets),
    Quantiles { buckets: u32, numbers: Ranks },
}

impl BucketizeFit {
    /// So many equal shares of the rows.
    pub(crate) fn quantiles(buckets: u32) -> BucketizeFit {
        BucketizeFit::Quantiles { buckets, numbers: Ranks::new() }
    }

    pub(crate) fn new(block: &Block) -> Result<BucketizeFit, String> {
        check(block, BlockContext::NONE)?;
        match block.numbers("boundaries") {
            Some(boundaries) => Buckets::new(boundaries.to_vec()).map(BucketizeFit::Boundaries),
            None => {
                let buckets = u32::try_from(block.int("quantiles")).ok().filter(|n| (2..=1 << 16).contains(n));
                let buckets = buckets.ok_or("quantiles must be from 2 to 65536")?;
                Ok(BucketizeFit::quantiles(buckets))
            }
        }
    }

    pub(crate) fn observe(&mut self, x: f64) {
        if let BucketizeFit::Quantiles { numbers, .. } = self {
            numbers.observe(x, 1);
        }
    }

    pub(crate) fn merge(&mut self, other: BucketizeFit) {
        if let (BucketizeFit::Quantiles { numbers, .. }, BucketizeFit::Quantiles { numbers: others, .. }) =
            (self, other)
        {
            numbers.merge(others);
        }
    }

    pub(crate) fn finish(self) -> Result<Buckets, String> {
        match self {
            BucketizeFit::Boundaries(buckets) => Ok(buckets),
            BucketizeFit::Quantiles { buckets, numbers } => Buckets::new(quantiles(&numbers.finish(), buckets)),
        }
    }
}

/// The numbers at which `buckets` equal shares of (number, count) begin. A number that would begin several, begins one;
/// the smallest begins none, because nothing lies below it.
fn quantiles(sorted: &[(f64, u64)], buckets: u32) -> Vec<f64> {
    let total: u128 = sorted.iter().map(|(_, n)| u128::from(*n)).sum();
    let mut boundaries = Vec::new();
    let (mut below, mut k) = (0u128, 1u128);
    for (i, (x, n)) in sorted.iter().enumerate() {
        // Bucket k begins at the number that has place ceil(k · total / buckets), counted from 0.
        let place = |k: u128| (k * total).div_ceil(u128::from(buckets));
        below += u128::from(*n);
        let first = k;
        while k < u128::from(buckets) && place(k) < below {
            k += 1;
        }
        if k > first && i > 0 {
            boundaries.push(*x);
        }
    }
    boundaries
}

/// Fitted buckets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Buckets {
    boundaries: Vec<f64>,
}

impl Buckets {
    pub(crate) fn new(boundaries: Vec<f64>) -> Result<Buckets, String> {
        if !boundaries.iter().all(|b| b.is_finite()) || !boundaries.array_windows::<2>().all(|[a, b]| a < b) {
            return Err("boundaries must be finite and strictly rising".to_owned());
        }
        table_rows(3 + boundaries.len())?;
        Ok(Buckets { boundaries })
    }

    /// From a file's boundaries, which must agree with the configured ones.
    pub(crate) fn restore(block: &Block, boundaries: Vec<f64>) -> Result<Buckets, String> {
        let agrees = match BucketizeFit::new(block)? {
            BucketizeFit::Boundaries(given) => given.boundaries == boundaries,
            BucketizeFit::Quantiles { buckets, .. } => boundaries.len() < buckets as usize,
        };
        if !agrees {
            return Err("boundaries that the configuration does not have".to_owned());
        }
        Buckets::new(boundaries)
    }

    pub(crate) fn boundaries(&self) -> &[f64] {
        &self.boundaries
    }

    pub(crate) fn rows(&self) -> usize {
        2 + self.cardinality()
    }

    pub(crate) fn cardinality(&self) -> usize {
        self.boundaries.len() + 1
    }

    /// What each row from 2 on stands for.
    pub(crate) fn row_names(&self) -> impl Iterator<Item = RowName> + '_ {
        (0..self.cardinality()).map(|i| RowName::Interval {
            from: i.checked_sub(1).map(|i| self.boundaries[i]),
            to: self.boundaries.get(i).copied(),
        })
    }

    /// The bucket that a number falls in, from 0.
    pub(crate) fn bucket(&self, x: f64) -> usize {
        self.boundaries.partition_point(|b| *b <= x)
    }

    fn id(&self, x: Option<f64>) -> u32 {
        match x {
            None => MISSING,
            Some(x) => MISSING + 1 + self.bucket(x) as u32,
        }
    }

    /// The ids of a column.
    pub(crate) fn ids(&self, array: &dyn Array) -> Result<Ids, BadCell> {
        let mut ids = Vec::with_capacity(array.len());
        visit_numbers(array, each_row(array.len()), |_, x| ids.push(self.id(x)))?;
        Ok(Ids::One(ids))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_boundary_begins_a_bucket() {
        let buckets = Buckets::new(vec![0.0, 10.0]).unwrap();
        let ids = [None, Some(-1.0), Some(-0.0), Some(9.9), Some(10.0), Some(1e30)].map(|x| buckets.id(x));
        assert_eq!(ids, [1, 2, 3, 3, 4, 4]);
        assert_eq!((buckets.rows(), buckets.cardinality()), (5, 3));
    }

    #[test]
    fn quantiles_share_the_rows_equally() {
        let even: Vec<_> = (0..8).map(|i| (f64::from(i), 1)).collect();
        assert_eq!(quantiles(&even, 4), [2.0, 4.0, 6.0]);
        assert_eq!(quantiles(&[(1.0, 90), (2.0, 5), (3.0, 5)], 4), [] as [f64; 0]);
        assert_eq!(quantiles(&[(1.0, 50), (2.0, 30), (3.0, 20)], 4), [2.0]);
        assert_eq!(quantiles(&[(5.0, 7)], 3), [] as [f64; 0]);
        assert_eq!(quantiles(&[], 3), [] as [f64; 0]);
    }

    #[test]
    fn boundaries_that_do_not_rise_are_refused() {
        for boundaries in [vec![1.0, 1.0], vec![2.0, 1.0], vec![f64::NAN], vec![f64::INFINITY]] {
            assert!(Buckets::new(boundaries).unwrap_err().contains("rising"));
        }
    }

    /// Beyond a million distinct numbers, whether seen in one go or merged.
    #[test]
    fn quantiles_of_many_numbers_are_right_to_a_tenth_of_a_percent() {
        let n = 2_100_000u32;
        let observed = |from: u32, to: u32| {
            let mut fit = BucketizeFit::quantiles(100);
            // 7 has no common divisor with n: each number once, scattered.
            (from..to).for_each(|i| fit.observe((u64::from(i) * 7 % u64::from(n)) as f64));
            fit
        };
        let mut counted_first = observed(0, 700_000);
        counted_first.merge(observed(700_000, n));
        let mut sketched_first = observed(0, 1_400_000);
        sketched_first.merge(observed(1_400_000, n));
        for fit in [observed(0, n), counted_first, sketched_first] {
            let boundaries = fit.finish().unwrap().boundaries;
            assert_eq!(boundaries.len(), 99);
            for (k, boundary) in (1..).zip(boundaries) {
                assert!((boundary / f64::from(n) - f64::from(k) / 100.0).abs() <= 0.001, "{k}: {boundary}");
            }
        }
    }

    proptest! {
        #[test]
        fn distinct_numbers_fall_into_buckets_of_equal_size(n in 2usize..300, buckets in 2u32..20) {
            let sorted: Vec<_> = (0..n).map(|i| (i as f64, 1)).collect();
            let fitted = Buckets::new(quantiles(&sorted, buckets)).unwrap();
            let mut sizes = vec![0usize; fitted.cardinality()];
            sorted.iter().for_each(|(x, _)| sizes[fitted.id(Some(*x)) as usize - 2] += 1);
            let (low, high) = (n / buckets as usize, n.div_ceil(buckets as usize));
            prop_assert!(sizes.iter().all(|s| (low.max(1)..=high).contains(s)), "{sizes:?}");
        }
    }
}
