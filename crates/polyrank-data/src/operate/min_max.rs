//! `min_max`: the range of the training rows becomes 0 to 1, and numbers outside are clipped to it; a constant column gives
//! 0, and a missing number stays missing.

use polyrank_schema::operator::{always, never};
use polyrank_schema::{BlockSpec, OperatorSpec};

use super::by_moments::{self, Scaling};
use super::operator::Operator;
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use crate::encode::moments::Moments;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "min_max",
            doc: "the range of the training rows becomes 0 to 1",
            options: &[COLUMNS, INTO, SUFFIX],
            check: check_columns,
        },
        steps: each_column,
        fits: always,
        hides_labels: never,
    },
    new: by_moments::new::<MinMax>,
    load: Some(by_moments::load::<MinMax>),
};

#[derive(Debug)]
struct MinMax;

impl Scaling for MinMax {
    fn function(moments: &Moments) -> impl Fn(f64) -> f64 {
        let (min, max) = (moments.min, moments.max);
        move |x| if max > min { ((x - min) / (max - min)).clamp(0.0, 1.0) } else { 0.0 }
    }

    fn describe(moments: &Moments) -> String {
        format!("from {} to {}", moments.min, moments.max)
    }
}
