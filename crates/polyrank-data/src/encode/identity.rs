//! `identity`: values that are row numbers already, non-negative integers below `size`.
//!
//! Ids: 0 padding, 1 missing, 2 out of range, then 3 + value.

use polyrank_schema::spec::{OptionDefault, OptionKind, OptionSpec, no_further_check};
use polyrank_schema::{Block, BlockSpec};

use super::MISSING;
use super::categorical::IdEncoder;
use super::row_name::RowName;
use super::value::{Value, quote};

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "identity",
    doc: "values that are row numbers already, from 0",
    options: &[OptionSpec {
        key: "size",
        kind: OptionKind::Int { min: 1, max: MAX_SIZE as i64 },
        default: OptionDefault::Absent,
        doc: "values are below it, others share one row; the largest value of the training rows + 1 if left out",
    }],
    check: no_further_check,
};

/// The most rows that values can have.
const MAX_SIZE: u64 = 1 << 31;

/// The largest value seen so far.
#[derive(Debug)]
pub(crate) struct IdentityFit {
    given: Option<u32>,
    seen: u32,
}

impl IdentityFit {
    pub(crate) fn new(block: &Block) -> Result<IdentityFit, String> {
        Ok(IdentityFit { given: given(block)?, seen: 0 })
    }

    pub(crate) fn observe(&mut self, value: Value<'_>) -> Result<(), String> {
        match value {
            Value::Missing => Ok(()),
            Value::Natural(n) if n < MAX_SIZE => {
                self.seen = self.seen.max(n as u32 + 1);
                Ok(())
            }
            Value::Natural(_) if self.given.is_some() => Ok(()),
            Value::Natural(n) => {
                Err(format!("{n} is too large for encoder `identity` (below {MAX_SIZE}); use `vocabulary` or `hash`"))
            }
            Value::Negative(n) => Err(not_an_index(&n.to_string())),
            Value::Text(text) => Err(not_an_index(&quote(text))),
        }
    }

    pub(crate) fn merge(&mut self, other: IdentityFit) {
        self.seen = self.seen.max(other.seen);
    }

    pub(crate) fn finish(self) -> Identity {
        Identity { size: self.given.unwrap_or(self.seen) }
    }
}

fn not_an_index(value: &str) -> String {
    format!("{value} is not an integer from 0, which encoder `identity` needs; use `vocabulary` or `hash`")
}

fn given(block: &Block) -> Result<Option<u32>, String> {
    if !block.has("size") {
        return Ok(None);
    }
    let size = u32::try_from(block.int("size")).ok().filter(|n| (1..=MAX_SIZE).contains(&u64::from(*n)));
    size.map(Some).ok_or_else(|| format!("size must be from 1 to {MAX_SIZE}"))
}

/// The fitted encoder.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) size: u32,
}

impl Identity {
    /// From a file's size, which must agree with the configured one.
    pub(crate) fn restore(block: &Block, size: u32) -> Result<Identity, String> {
        if u64::from(size) > MAX_SIZE {
            return Err(format!("size {size} is above {MAX_SIZE}"));
        }
        match given(block)? {
            Some(given) if given != size => Err(format!("size {size}, but the configuration says {given}")),
            _ => Ok(Identity { size }),
        }
    }
}

impl IdEncoder for Identity {
    /// No value is an error here: what cannot be an index is out of range, as any value not seen in training.
    fn id(&self, value: Value<'_>) -> u32 {
        match value {
            Value::Missing => MISSING,
            Value::Natural(n) if n < u64::from(self.size) => MISSING + 2 + n as u32,
            _ => MISSING + 1,
        }
    }

    fn rows(&self) -> usize {
        3 + self.size as usize
    }

    fn cardinality(&self) -> usize {
        self.size as usize
    }

    fn row_names(&self) -> Box<dyn Iterator<Item = RowName> + '_> {
        Box::new(std::iter::once(RowName::Unseen(0)).chain((0..self.size).map(|n| RowName::Value(n.to_string()))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn values_are_rows_shifted_by_three() {
        let mut fit = IdentityFit { given: None, seen: 0 };
        [0, 41, 7].into_iter().for_each(|n| fit.observe(Value::Natural(n)).unwrap());
        let identity = fit.finish();
        assert_eq!((identity.size, identity.rows()), (42, 45));
        let ids = [Value::Missing, Value::Natural(0), Value::Natural(41), Value::Natural(42), Value::Natural(u64::MAX)];
        assert_eq!(ids.map(|v| identity.id(v)), [1, 3, 44, 2, 2]);
        assert_eq!([Value::Negative(-1), Value::Text("x")].map(|v| identity.id(v)), [2, 2]);
    }

    #[test]
    fn what_cannot_be_an_index_is_refused_when_fitting() {
        let mut fit = IdentityFit { given: None, seen: 0 };
        for value in [Value::Negative(-1), Value::Text("x"), Value::Natural(1 << 31), Value::Natural(u64::MAX)] {
            assert!(fit.observe(value).unwrap_err().contains("vocabulary"), "{value:?}");
        }
        let mut fit = IdentityFit { given: Some(5), seen: 0 };
        fit.observe(Value::Natural(u64::MAX)).unwrap();
        assert_eq!(fit.finish().size, 5);
    }
}
