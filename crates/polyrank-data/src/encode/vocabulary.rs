//! `vocabulary`: one row a value seen often enough, by falling frequency; everything else shares out-of-vocabulary rows.
//!
//! Ids: 0 padding, 1 missing, then `oov_buckets` rows that unseen and rare values are spread over by hash, then the
//! values by falling frequency. Ties: integers before other text, integers by size, text by bytes. A vocabulary that is
//! given (`values`, `file`) keeps its own order.

use hashbrown::HashMap;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec};
use rayon::prelude::*;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::categorical::{IdEncoder, table_rows};
use super::counts::Counts;
use super::naturals::Naturals;
use super::row_name::RowName;
use super::value::{Value, quote};
use super::{MAX_ROWS, MISSING};

pub(crate) const SPEC: BlockSpec = BlockSpec {
    name: "vocabulary",
    doc: "one embedding row for each value seen, by frequency; rare and unseen values share rows",
    options: &[
        MIN_COUNT,
        MAX_SIZE,
        OOV_BUCKETS,
        OptionSpec {
            key: VALUES,
            kind: OptionKind::Values,
            default: OptionDefault::Absent,
            doc: "the vocabulary, in this order, instead of what the training rows hold",
        },
        OptionSpec {
            key: FILE,
            kind: OptionKind::Text,
            default: OptionDefault::Absent,
            doc: "a file with the vocabulary: .txt with a value a line, or any other with a column of them",
        },
    ],
    check,
};

/// The option `min_count`.
pub(crate) const MIN_COUNT: OptionSpec = OptionSpec {
    key: "min_count",
    kind: OptionKind::Int { min: 1, max: i64::MAX },
    default: OptionDefault::Always(Literal::Int(1)),
    doc: "values seen less often in the training rows are out of vocabulary",
};

/// The option `max_size`.
pub(crate) const MAX_SIZE: OptionSpec = OptionSpec {
    key: "max_size",
    kind: OptionKind::Int { min: 1, max: MAX_ROWS as i64 },
    default: OptionDefault::Absent,
    doc: "only so many values, the most frequent, have rows of their own",
};

/// The option `oov_buckets`.
pub(crate) const OOV_BUCKETS: OptionSpec = OptionSpec {
    key: "oov_buckets",
    kind: OptionKind::Int { min: 1, max: 1 << 24 },
    default: OptionDefault::Always(Literal::Int(1)),
    doc: "rows that out-of-vocabulary values are spread over by hash",
};

/// The options that give the vocabulary.
pub(crate) const VALUES: &str = "values";
pub(crate) const FILE: &str = "file";

fn check(block: &Block, _: BlockContext<'_>) -> Result<(), String> {
    match (block.has(VALUES), block.has(FILE)) {
        (false, false) => Ok(()),
        (true, true) => Err("both `values` and `file` give the vocabulary; keep one".to_owned()),
        _ if block.has(FILE) && block.text(FILE).is_empty() => Err("`file` names no file".to_owned()),
        _ if block.int("min_count") > 1 || block.has("max_size") => {
            Err("`min_count` and `max_size` choose among values of the training rows; a given vocabulary is kept \
                 whole: leave them out"
                .to_owned())
        }
        _ => Ok(()),
    }
}

/// Seed of the hash that spreads out-of-vocabulary values. Part of the bundle format.
const OOV_SEED: u64 = 0x706f_6c79_7261_6e6b;

/// A value that a vocabulary holds; ordered as ties are broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Negative(i64),
    Natural(u64),
    Text(Box<str>),
}

impl Key {
    /// `None` for a missing value.
    pub(crate) fn of(value: Value<'_>) -> Option<Key> {
        match value {
            Value::Missing => None,
            Value::Natural(n) => Some(Key::Natural(n)),
            Value::Negative(n) => Some(Key::Negative(n)),
            Value::Text(text) => Some(Key::Text(text.into())),
        }
    }

    /// For messages.
    pub(crate) fn show(&self) -> String {
        match self {
            Key::Text(text) => quote(text),
            number => number.to_string(),
        }
    }
}

/// The canonical text.
impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Natural(n) => n.fmt(f),
            Key::Negative(n) => n.fmt(f),
            Key::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Key::Negative(n) => serializer.serialize_i64(*n),
            Key::Natural(n) => serializer.serialize_u64(*n),
            Key::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an integer of 64 bits, or a text that is not empty and not an integer")
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Key, E> {
        Ok(if n < 0 { Key::Negative(n) } else { Key::Natural(n as u64) })
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Key, E> {
        Ok(Key::Natural(n))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        match Value::from_text(text) {
            Value::Text(text) => Ok(Key::Text(text.into())),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

/// What is configured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) min_count: u64,
    pub(crate) max_size: usize,
    pub(crate) oov_buckets: u32,
    pub(crate) order: Order,
}

/// Which values a vocabulary has, and in which order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Order {
    /// Those of the training rows, by falling frequency.
    Frequency,
    /// Those of the configuration.
    Listed(Vec<Key>),
    /// Those of a file, which only fitting reads.
    File,
}

impl Options {
    pub(crate) fn new(block: &Block) -> Result<Options, String> {
        let oov_buckets = u32::try_from(block.int("oov_buckets"))
            .ok()
            .filter(|n| (1..=1 << 24).contains(n))
            .ok_or("oov_buckets must be from 1 to 16777216: unseen values need a row")?;
        let max_size = if block.has("max_size") { block.size("max_size") } else { usize::MAX };
        if max_size == 0 {
            return Err("max_size must be at least 1; leave it out for no limit".to_owned());
        }
        let order = if block.has(FILE) {
            Order::File
        } else if block.has(VALUES) {
            Order::Listed(block.names(VALUES).iter().filter_map(|text| Key::of(Value::from_text(text))).collect())
        } else {
            Order::Frequency
        };
        Ok(Options { min_count: block.int("min_count").max(1) as u64, max_size, oov_buckets, order })
    }
}

/// Counts of the values seen so far.
#[derive(Debug)]
pub(crate) struct VocabularyFit {
    options: Options,
    /// Whether values that are seen are added: those of a given vocabulary are not.
    grows: bool,
    naturals: Counts,
    negatives: HashMap<i64, u64>,
    texts: HashMap<Box<str>, u64>,
}

impl VocabularyFit {
    /// `from_file` is the vocabulary of [`Order::File`].
    pub(crate) fn new(mut options: Options, from_file: Option<Vec<Key>>) -> VocabularyFit {
        if let Some(keys) = from_file {
            options.order = Order::Listed(keys);
        }
        let (naturals, negatives, texts) = (Counts::default(), HashMap::new(), HashMap::new());
        let grows = options.order == Order::Frequency;
        let mut fit = VocabularyFit { options, grows, naturals, negatives, texts };
        if let Order::Listed(keys) = &fit.options.order {
            for key in keys {
                match key.clone() {
                    Key::Natural(n) => fit.naturals.know(n),
                    Key::Negative(n) => drop(fit.negatives.insert(n, 0)),
                    Key::Text(text) => drop(fit.texts.insert(text, 0)),
                }
            }
        }
        fit
    }

    pub(crate) fn observe_naturals(&mut self, naturals: &[u64]) {
        if self.grows {
            naturals.iter().for_each(|&n| self.naturals.count(n));
        } else {
            // A given vocabulary does not grow.
            naturals.iter().for_each(|&n| self.naturals.count_known(n));
        }
    }

    pub(crate) fn observe(&mut self, value: Value<'_>) {
        let known = match value {
            Value::Missing => return,
            Value::Natural(n) => return self.observe_naturals(&[n]),
            Value::Negative(n) => self.negatives.get_mut(&n),
            Value::Text(text) => self.texts.get_mut(text),
        };
        match (known, value) {
            (Some(count), _) => *count += 1,
            (None, Value::Negative(n)) if self.grows => drop(self.negatives.insert(n, 1)),
            (None, Value::Text(text)) if self.grows => drop(self.texts.insert(text.into(), 1)),
            (None, _) => {}
        }
    }

    pub(crate) fn merge(&mut self, other: VocabularyFit) {
        self.naturals.merge(&other.naturals);
        other.negatives.into_iter().for_each(|(n, count)| *self.negatives.entry(n).or_insert(0) += count);
        other.texts.into_iter().for_each(|(text, count)| *self.texts.entry(text).or_insert(0) += count);
    }

    fn count(&self, key: &Key) -> u64 {
        match key {
            Key::Natural(n) => self.naturals.get(*n).unwrap_or(0),
            Key::Negative(n) => self.negatives.get(n).copied().unwrap_or(0),
            Key::Text(text) => self.texts.get(text).copied().unwrap_or(0),
        }
    }

    pub(crate) fn finish(mut self) -> Result<Vocabulary, String> {
        if let Order::Listed(keys) = std::mem::replace(&mut self.options.order, Order::Frequency) {
            let counts: Vec<u64> = keys.iter().map(|key| self.count(key)).collect();
            return Vocabulary::new(self.options.oov_buckets, keys.into_iter().zip(counts).collect());
        }
        let (min_count, max_size) = (self.options.min_count, self.options.max_size);
        // Apart from the others, which are seldom any, numbers take half the room.
        let mut naturals: Vec<_> = self.naturals.iter().filter(|(_, count)| *count >= min_count).collect();
        naturals.par_sort_unstable_by(by_frequency);
        naturals.truncate(max_size);
        drop(self.naturals);
        let negatives = self.negatives.into_iter().map(|(n, count)| (Key::Negative(n), count));
        let texts = self.texts.into_iter().map(|(text, count)| (Key::Text(text), count));
        let mut others: Vec<_> = negatives.chain(texts).filter(|(_, count)| *count >= min_count).collect();
        others.par_sort_unstable_by(by_frequency);

        let count = max_size.min(naturals.len() + others.len());
        let room = Naturals::with_room(naturals.len(), naturals.iter().map(|(n, _)| *n).max().unwrap_or(0));
        let mut naturals = naturals.into_iter().map(|(n, count)| (Key::Natural(n), count)).peekable();
        let mut others = others.into_iter().peekable();
        let merged = std::iter::from_fn(|| match (naturals.peek(), others.peek()) {
            (Some(a), Some(b)) if by_frequency(a, b).is_gt() => others.next(),
            (Some(_), _) => naturals.next(),
            (None, _) => others.next(),
        });
        Vocabulary::fill(room, self.options.oov_buckets, count, merged.take(count))
    }
}

fn by_frequency<K: Ord>(a: &(K, u64), b: &(K, u64)) -> std::cmp::Ordering {
    b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0))
}

/// A fitted vocabulary.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    oov_buckets: u32,
    naturals: Naturals<u32>,
    negatives: HashMap<i64, u32>,
    texts: HashMap<Box<str>, u32>,
    counts: Vec<u64>,
}

impl Vocabulary {
    /// From (value, count), in id order.
    fn new(oov_buckets: u32, values: Vec<(Key, u64)>) -> Result<Vocabulary, String> {
        let naturals = || values.iter().filter_map(|(key, _)| if let Key::Natural(n) = key { Some(*n) } else { None });
        let room = Naturals::with_room(naturals().count(), naturals().max().unwrap_or(0));
        Vocabulary::fill(room, oov_buckets, values.len(), values.into_iter())
    }

    /// Those of `count` values that are natural numbers go to `naturals`, which is empty.
    fn fill(
        mut naturals: Naturals<u32>,
        oov_buckets: u32,
        count: usize,
        values: impl Iterator<Item = (Key, u64)>,
    ) -> Result<Vocabulary, String> {
        table_rows(2 + oov_buckets as usize + count)?;
        let mut counts = Vec::with_capacity(count);
        let (mut negatives, mut texts) = (HashMap::new(), HashMap::new());
        for (id, (key, count)) in (MISSING + 1 + oov_buckets..).zip(values) {
            counts.push(count);
            match key {
                Key::Natural(n) => naturals.insert(n, id),
                Key::Negative(n) => drop(negatives.insert(n, id)),
                Key::Text(text) => drop(texts.insert(text, id)),
            }
        }
        Ok(Vocabulary { oov_buckets, naturals, negatives, texts, counts })
    }

    /// From a file's (value, count), which must be as [`VocabularyFit::finish`] leaves them.
    pub(crate) fn restore(options: &Options, values: Vec<(Key, u64)>) -> Result<Vocabulary, String> {
        match &options.order {
            Order::File => {}
            Order::Listed(keys) => {
                if !keys.iter().eq(values.iter().map(|(key, _)| key)) {
                    return Err("the values are not those that the configuration lists".to_owned());
                }
            }
            Order::Frequency => check_frequencies(options, &values)?,
        }
        let n = values.len();
        let vocabulary = Vocabulary::new(options.oov_buckets, values)?;
        if vocabulary.naturals.len() + vocabulary.negatives.len() + vocabulary.texts.len() != n {
            return Err("a value is listed twice".to_owned());
        }
        Ok(vocabulary)
    }

    /// (value, count) in id order.
    pub(crate) fn values(&self) -> Vec<(Key, u64)> {
        let naturals = self.naturals.iter().map(|(n, id)| (id, Key::Natural(n)));
        let negatives = self.negatives.iter().map(|(n, id)| (*id, Key::Negative(*n)));
        let texts = self.texts.iter().map(|(text, id)| (*id, Key::Text(text.clone())));
        let mut keys: Vec<_> = naturals.chain(negatives).chain(texts).collect();
        keys.sort_unstable_by_key(|(id, _)| *id);
        keys.into_iter().map(|(_, key)| key).zip(self.counts.iter().copied()).collect()
    }

    pub(crate) fn oov_buckets(&self) -> u32 {
        self.oov_buckets
    }

    /// The row of what is not a natural number, or may be spread over several rows.
    fn id_of_other(&self, value: Value<'_>) -> u32 {
        let known = match value {
            Value::Missing => return MISSING,
            Value::Natural(n) => self.naturals.get(n),
            Value::Negative(n) => self.negatives.get(&n).copied(),
            Value::Text(text) => self.texts.get(text).copied(),
        };
        match known {
            Some(id) => id,
            None if self.oov_buckets == 1 => MISSING + 1,
            None => MISSING + 1 + (value.hash(OOV_SEED) % u64::from(self.oov_buckets)) as u32,
        }
    }
}

fn check_frequencies(options: &Options, values: &[(Key, u64)]) -> Result<(), String> {
    if values.len() > options.max_size {
        return Err(format!("{} values, but max_size is {}", values.len(), options.max_size));
    }
    if let Some((key, count)) = values.iter().find(|(_, count)| *count < options.min_count) {
        return Err(format!("{} has count {count}, below min_count = {}", key.show(), options.min_count));
    }
    if let Some([_, (key, _)]) =
        values.array_windows::<2>().find(|[a, b]| by_frequency(a, b) != std::cmp::Ordering::Less)
    {
        return Err(format!("{} is not in its place: values go by falling count, then by value", key.show()));
    }
    Ok(())
}

impl IdEncoder for Vocabulary {
    #[inline]
    fn id(&self, value: Value<'_>) -> u32 {
        match value {
            Value::Natural(n) if self.oov_buckets == 1 => self.naturals.get_or(n, MISSING + 1),
            value => self.id_of_other(value),
        }
    }

    fn rows(&self) -> usize {
        2 + self.oov_buckets as usize + self.counts.len()
    }

    fn cardinality(&self) -> usize {
        self.counts.len()
    }

    fn row_names(&self) -> Box<dyn Iterator<Item = RowName> + '_> {
        let values = self.values().into_iter().map(|(key, _)| RowName::Value(key.to_string()));
        Box::new((0..self.oov_buckets).map(RowName::Unseen).chain(values))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn options(min_count: u64, max_size: usize, oov_buckets: u32) -> Options {
        Options { min_count, max_size, oov_buckets, order: Order::Frequency }
    }

    fn fitted(options: Options, values: &[Value<'_>]) -> Vocabulary {
        let mut fit = VocabularyFit::new(options, None);
        values.iter().for_each(|v| fit.observe(*v));
        fit.finish().unwrap()
    }

    #[test]
    fn ids_go_by_frequency_then_value() {
        let [a, b] = [Value::Text("a"), Value::Text("b")];
        let [n7, n10, neg] = [Value::Natural(7), Value::Natural(10), Value::Negative(-3)];
        let v = fitted(options(1, usize::MAX, 2), &[b, b, a, n10, n7, neg, b, Value::Missing, a]);
        assert_eq!([b, a, neg, n7, n10].map(|x| v.id(x)), [4, 5, 6, 7, 8]);
        assert_eq!((v.rows(), v.cardinality(), v.id(Value::Missing)), (9, 5, 1));
        assert!((2..4).contains(&v.id(Value::Text("c"))));
    }

    #[test]
    fn rare_values_and_those_beyond_max_size_are_out_of_vocabulary() {
        let values: Vec<_> = [1, 1, 1, 2, 2, 3, 3, 4].map(Value::Natural).to_vec();
        let v = fitted(options(2, usize::MAX, 1), &values);
        assert_eq!([1, 2, 3, 4].map(|n| v.id(Value::Natural(n))), [3, 4, 5, 2]);
        let v = fitted(options(1, 2, 1), &values);
        assert_eq!([1, 2, 3, 4].map(|n| v.id(Value::Natural(n))), [3, 4, 2, 2]);
    }

    #[test]
    fn the_spread_of_unseen_values_never_changes() {
        let v = fitted(options(1, usize::MAX, 1000), &[]);
        let ids =
            [Value::Natural(7), Value::Natural(1 << 40), Value::Text("cat"), Value::Negative(-1)].map(|x| v.id(x));
        assert_eq!(ids, [3, 852, 359, 53]);
    }

    #[test]
    fn a_given_vocabulary_keeps_its_order_and_counts_what_is_seen() {
        let keys = [Value::Text("c"), Value::Natural(7), Value::Text("a")].map(|v| Key::of(v).unwrap()).to_vec();
        let listed = Options { order: Order::Listed(keys.clone()), ..options(1, usize::MAX, 1) };
        let seen = ["a", "b", "b", "a", "7"].map(Value::from_text);
        let v = fitted(listed.clone(), &seen);
        assert_eq!(["c", "7", "a", "b"].map(|x| v.id(Value::from_text(x))), [3, 4, 5, 2]);
        let counts = || keys.iter().cloned().zip([0, 1, 2]).collect::<Vec<_>>();
        assert_eq!(v.values(), counts());
        assert!(Vocabulary::restore(&listed, counts()).is_ok());
        let other = counts().into_iter().rev().collect();
        assert!(Vocabulary::restore(&listed, other).unwrap_err().contains("not those that the configuration lists"));
        let of_file = Options { order: Order::File, ..options(1, usize::MAX, 1) };
        let mut fit = VocabularyFit::new(of_file.clone(), Some(keys.clone()));
        seen.iter().for_each(|v| fit.observe(*v));
        assert_eq!(fit.finish().unwrap().values(), counts());
        let twice = vec![(keys[0].clone(), 1), (keys[1].clone(), 0), (keys[0].clone(), 1)];
        assert!(Vocabulary::restore(&of_file, twice).unwrap_err().contains("twice"));
    }

    #[test]
    fn a_listing_that_was_tampered_with_is_refused() {
        let (a, b) = (Key::Text("a".into()), Key::Natural(1));
        let ok = options(2, 10, 1);
        assert!(Vocabulary::restore(&ok, vec![(a.clone(), 5), (b.clone(), 3)]).is_ok());
        for (values, what) in [
            (vec![(a.clone(), 3), (b.clone(), 5)], "not in its place"),
            (vec![(a.clone(), 3), (a.clone(), 3)], "not in its place"),
            (vec![(a.clone(), 5), (b.clone(), 4), (a.clone(), 3)], "twice"),
            (vec![(a.clone(), 1)], "min_count"),
            (vec![(b, 2); 11], "max_size"),
        ] {
            assert!(Vocabulary::restore(&ok, values).unwrap_err().contains(what), "{what}");
        }
    }
}
