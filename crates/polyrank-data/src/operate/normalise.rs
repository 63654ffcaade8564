//! `normalise`: (x − mean) / population standard deviation over the training rows; a constant column gives 0, and a
//! missing number stays missing.

use polyrank_schema::operator::{always, never};
use polyrank_schema::{BlockSpec, OperatorSpec};

use super::by_moments::{self, Scaling};
use super::operator::Operator;
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use crate::encode::moments::Moments;

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "normalise",
            doc: "mean 0 and standard deviation 1 over the training rows",
            options: &[COLUMNS, INTO, SUFFIX],
            check: check_columns,
        },
        steps: each_column,
        fits: always,
        hides_labels: never,
    },
    new: by_moments::new::<Normalise>,
    load: Some(by_moments::load::<Normalise>),
};

#[derive(Debug)]
struct Normalise;

impl Scaling for Normalise {
    fn function(moments: &Moments) -> impl Fn(f64) -> f64 {
        let (mean, std) = (moments.mean, moments.std());
        // Later readers take what a 32-bit float holds; a tiny deviation must not make more of a number.
        let limit = f64::from(f32::MAX);
        move |x| if std > 0.0 { ((x - mean) / std).clamp(-limit, limit) } else { 0.0 }
    }

    fn describe(moments: &Moments) -> String {
        format!("mean {}, standard deviation {}", moments.mean, moments.std())
    }
}
