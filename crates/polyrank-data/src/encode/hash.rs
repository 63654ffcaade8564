//! `hash`: a fixed number of rows that values are spread over by XXH3-64 of their canonical text; nothing is fitted.
//!
//! Ids: 0 padding, 1 missing, then 2 + xxh3_64(text, seed) mod `buckets`.

use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, OptionSpec, no_further_check};
use polyrank_schema::{Block, BlockSpec};

use super::MISSING;
use super::categorical::{IdEncoder, table_rows};
use super::row_name::RowName;
use super::value::Value;

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "hash",
    doc: "a fixed number of embedding rows that values are spread over by a hash",
    options: &[
        OptionSpec {
            key: "buckets",
            kind: OptionKind::Int { min: 1, max: 1 << 31 },
            default: OptionDefault::Required,
            doc: "rows that the values are spread over",
        },
        OptionSpec {
            key: "seed",
            kind: OptionKind::Int { min: 0, max: i64::MAX },
            default: OptionDefault::Always(Literal::Int(0)),
            doc: "seed of the hash",
        },
    ],
    check: no_further_check,
};

/// The encoder; there is nothing to fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hash {
    pub(crate) buckets: u32,
    pub(crate) seed: u64,
}

impl Hash {
    pub(crate) fn new(block: &Block) -> Result<Hash, String> {
        let buckets = u32::try_from(block.int("buckets")).ok().filter(|n| (1..=1 << 31).contains(n));
        let buckets = buckets.ok_or("buckets must be from 1 to 2147483648")?;
        table_rows(2 + buckets as usize)?;
        Ok(Hash { buckets, seed: block.int("seed") as u64 })
    }
}

impl IdEncoder for Hash {
    fn id(&self, value: Value<'_>) -> u32 {
        match value {
            Value::Missing => MISSING,
            value => MISSING + 1 + (value.hash(self.seed) % u64::from(self.buckets)) as u32,
        }
    }

    fn rows(&self) -> usize {
        2 + self.buckets as usize
    }

    fn cardinality(&self) -> usize {
        self.buckets as usize
    }

    fn row_names(&self) -> Box<dyn Iterator<Item = RowName> + '_> {
        Box::new((0..self.buckets).map(RowName::Bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        let golden: [(&str, u64, u64); 8] = [
            ("", 0, 0x2d06_8005_38d3_94c2),
            ("7", 0, 0x06ee_d105_b822_85fa),
            ("-7", 0, 0xb496_414f_dc9a_df38),
            ("16777217", 0, 0x24c7_398b_f9ba_68ac),
            ("18446744073709551615", 0, 0x9131_ab72_96c2_3377),
            ("0.1", 0, 0x8c32_a5fa_76d5_c8a2),
            ("猫", 0, 0x80c5_6709_99aa_4863),
            ("7", 1, 0x36e4_451c_d671_299b),
        ];
        for (text, seed, hash) in golden {
            assert_eq!(Value::from_text(text).hash(seed), hash, "{text:?}, seed {seed}");
        }
    }

    #[test]
    fn ids_are_spread_over_the_buckets() {
        let hash = Hash { buckets: 10, seed: 3 };
        let mut counts = [0; 12];
        (0..10_000).for_each(|n| counts[hash.id(Value::Natural(n)) as usize] += 1);
        assert_eq!(counts[..2], [0, 0]);
        assert!(counts[2..].iter().all(|n| (850..1150).contains(n)), "{counts:?}");
        assert_eq!((hash.id(Value::Missing), hash.rows()), (1, 12));
    }
}
