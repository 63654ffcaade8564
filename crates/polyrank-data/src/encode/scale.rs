//! The encoders of dense features that stay numbers, behind one face.

use arrow_array::Array;
use polyrank_schema::Block;

use super::column::{BadCell, each_row};
use super::moments::Moments;
use super::number::visit_numbers;
use super::{log, min_max, none, standard};

/// A fitted scaling: number in, number out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    kind: Kind,
    missing: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    None,
    MinMax { min: f64, max: f64 },
    Standard { mean: f64, std: f64 },
    Log,
}

impl Scale {
    /// The encoder that a configuration names, fitted. A missing number is encoded as the mean is, by `none` as 0.
    pub(crate) fn new(block: &Block, moments: &Moments) -> Result<Scale, String> {
        let kind = match block.kind.as_str() {
            name if name == none::SPEC.name => Kind::None,
            name if name == min_max::SPEC.name => Kind::MinMax { min: moments.min, max: moments.max },
            name if name == standard::SPEC.name => Kind::Standard { mean: moments.mean, std: moments.std() },
            name if name == log::SPEC.name => Kind::Log,
            name => return Err(format!("no encoder `{name}` for numbers")),
        };
        let missing = if kind == Kind::None { 0.0 } else { kind.encode(moments.mean) };
        Ok(Scale { kind, missing })
    }

    /// The numbers of a column, `[B]`.
    pub(crate) fn numbers(&self, array: &dyn Array) -> Result<Vec<f32>, BadCell> {
        let mut out = Vec::with_capacity(array.len());
        visit_numbers(array, each_row(array.len()), |_, x| {
            out.push(x.map_or(self.missing, |x| self.kind.encode(x)));
        })?;
        Ok(out)
    }
}

impl Kind {
    fn encode(self, x: f64) -> f32 {
        match self {
            Kind::None => none::encode(x),
            Kind::MinMax { min, max } => min_max::encode(x, min, max),
            Kind::Standard { mean, std } => standard::encode(x, mean, std),
            Kind::Log => log::encode(x),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use arrow_array::Float64Array;

    use super::*;

    fn scaled(kind: &str, fit: &[f64], column: Vec<Option<f64>>) -> Vec<f32> {
        let mut moments = Moments::default();
        fit.iter().for_each(|x| moments.observe(*x));
        let block = Block { kind: kind.to_owned(), options: BTreeMap::new() };
        Scale::new(&block, &moments).unwrap().numbers(&Float64Array::from(column)).unwrap()
    }

    #[test]
    fn a_missing_number_is_encoded_as_the_mean() {
        for kind in ["min_max", "standard", "log"] {
            let out = scaled(kind, &[1.0, 3.0, 8.0], vec![None, Some(f64::NAN), Some(4.0)]);
            assert_eq!(out, [out[2]; 3], "{kind}");
        }
        assert_eq!(scaled("none", &[1.0, 3.0], vec![None, Some(0.0), Some(-0.0)]), [0.0; 3]);
    }

    #[test]
    fn a_constant_column_and_an_empty_one_give_zeros() {
        for kind in ["min_max", "standard"] {
            assert_eq!(scaled(kind, &[5.0; 4], vec![Some(5.0), None]), [0.0; 2], "{kind}");
            assert_eq!(scaled(kind, &[], vec![Some(5.0), None]), [0.0; 2], "{kind}");
        }
    }
}
