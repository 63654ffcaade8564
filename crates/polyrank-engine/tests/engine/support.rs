//! Small graphs with data of their own, and the comparison of gradients with central differences.

use polyrank_engine::{
    Feed, Graph, Init, Layer, Loss, Network, Normaliser, Optimizer, Pooling, Real, SlotIds, Space, Targets, Tensor,
    Trainer, TrainerOptions, Value,
};

/// Random numbers, the same on every machine (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [−1, 1).
    pub(crate) fn number(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub(crate) fn below(&mut self, n: u64) -> u32 {
        (self.bits() % n) as u32
    }
}

/// The ids of a slot, owned.
#[derive(Clone)]
pub(crate) enum Ids {
    One(Vec<u32>),
    Many(Vec<u32>, Vec<u32>),
}

/// A batch, owned.
#[derive(Clone)]
pub(crate) struct Batch<T> {
    pub(crate) rows: usize,
    pub(crate) slots: Vec<Ids>,
    pub(crate) dense: Vec<T>,
    pub(crate) labels: Vec<T>,
    /// Empty where all are 1.
    pub(crate) weights: Vec<T>,
}

impl<T: Real> Batch<T> {
    /// `slots` says the rows of each slot's table, and whether a row may have any number of ids.
    pub(crate) fn random(seed: u64, rows: usize, slots: &[(u64, bool)], dense: usize, heads: usize) -> Batch<T> {
        let mut random = Random(seed);
        let slots = slots.iter().map(|&(table, bag)| {
            if !bag {
                return Ids::One((0..rows).map(|_| random.below(table)).collect());
            }
            let (mut offsets, mut ids) = (vec![0], Vec::new());
            for _ in 0..rows {
                for _ in 0..random.below(5) {
                    ids.push(random.below(table));
                }
                // Repeated ids inside a bag.
                if let (Some(&last), 0) = (ids.last(), random.below(3)) {
                    ids.push(last);
                }
                offsets.push(ids.len() as u32);
            }
            Ids::Many(offsets, ids)
        });
        let slots = slots.collect();
        let dense = (0..rows * dense).map(|_| T::of(random.number())).collect();
        let labels = (0..rows * heads).map(|_| T::of(f64::from(random.below(2)))).collect();
        Batch { rows, slots, dense, labels, weights: Vec::new() }
    }

    pub(crate) fn feed(&self) -> Feed<'_, T> {
        let slots = self.slots.iter().map(|ids| match ids {
            Ids::One(ids) => SlotIds::One(ids),
            Ids::Many(offsets, ids) => SlotIds::Many { offsets, ids },
        });
        Feed { rows: self.rows, slots: slots.collect(), dense: &self.dense }
    }

    pub(crate) fn targets(&self) -> Targets<'_, T> {
        Targets { labels: &self.labels, weights: &self.weights }
    }

    /// The rows named, in this order.
    pub(crate) fn select(&self, rows: &[usize]) -> Batch<T> {
        let slots = self.slots.iter().map(|slot| match slot {
            Ids::One(ids) => Ids::One(rows.iter().map(|&r| ids[r]).collect()),
            Ids::Many(offsets, ids) => {
                let (mut to, mut all) = (vec![0], Vec::new());
                for &r in rows {
                    all.extend_from_slice(&ids[offsets[r] as usize..offsets[r + 1] as usize]);
                    to.push(all.len() as u32);
                }
                Ids::Many(to, all)
            }
        });
        let pick = |values: &[T]| {
            let width = values.len() / self.rows;
            rows.iter().flat_map(|&r| values[r * width..(r + 1) * width].to_vec()).collect()
        };
        let (dense, labels, weights) = (pick(&self.dense), pick(&self.labels), pick(&self.weights));
        Batch { rows: rows.len(), slots: slots.collect(), dense, labels, weights }
    }
}

pub(crate) const SGD: Optimizer = Optimizer::Sgd { learning_rate: 0.1 };

pub(crate) fn options() -> TrainerOptions {
    TrainerOptions {
        optimizer: SGD,
        embedding_optimizer: SGD,
        normaliser: Normaliser::Count,
        layer_penalty: (0.0, 0.0),
        embedding_penalty: (0.0, 0.0),
        penalise_whole_tables: false,
        clip_norm: None,
        seed: 5,
        threads: 2,
    }
}

pub(crate) fn layer(units: usize) -> Layer {
    Layer { units, weight: Init::Uniform(0.6), bias: Some(Init::Uniform(0.3)), relu: false }
}

pub(crate) fn linear(g: &mut Graph, name: &str, x: Value, units: usize) -> Value {
    g.linear(name, x, layer(units)).unwrap()
}

pub(crate) fn relu(g: &mut Graph, name: &str, x: Value, units: usize) -> Value {
    g.linear(name, x, Layer { relu: true, ..layer(units) }).unwrap()
}

pub(crate) fn trainer<T: Real>(g: &Graph, options: TrainerOptions) -> Trainer<T> {
    Trainer::new(Network::new(g, 3, Some(options.embedding_optimizer)), options).unwrap()
}

/// All weights by name: layers and tables.
pub(crate) fn weights<T: Real>(network: &Network<T>) -> Vec<Tensor<T>> {
    network.layers().into_iter().chain(network.tables()).collect()
}

pub(crate) fn find<'a, T>(tensors: &'a [Tensor<T>], name: &str) -> &'a [T] {
    &tensors.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no tensor {name}")).data
}

/// Fails unless the gradient of every parameter and table equals a central difference. Every tensor must have some
/// gradient, or the comparison would prove nothing, except those that `idle` names.
pub(crate) fn check_gradients(g: &Graph, options: TrainerOptions, batch: &Batch<f64>, idle: &[&str]) {
    let mut trainer = trainer::<f64>(g, options);
    for grad in compare_gradients(&mut trainer, batch) {
        let some = grad.data.iter().any(|g| *g != 0.0);
        assert_eq!(some, !idle.contains(&grad.name.as_str()), "{}: whether it has a gradient", grad.name);
    }
}

/// Fails unless the gradient of every parameter and table equals a central difference; gives the gradients.
pub(crate) fn compare_gradients(trainer: &mut Trainer<f64>, batch: &Batch<f64>) -> Vec<Tensor<f64>> {
    let (_, grads) = trainer.inspect(&batch.feed(), batch.targets()).unwrap();
    let start = weights(trainer.network());
    for grad in &grads {
        let mut tensor = start.iter().find(|t| t.name == grad.name).unwrap().clone();
        // An odd stride visits all columns of a large tensor without visiting every number.
        let stride = (grad.data.len() / 24) | 1;
        for i in (0..grad.data.len()).step_by(stride) {
            let (at, h) = (tensor.data[i], 1e-6);
            let mut loss = |w: f64| {
                tensor.data[i] = w;
                trainer.set(&tensor).unwrap();
                trainer.inspect(&batch.feed(), batch.targets()).unwrap().0
            };
            let numeric = (loss(at + h) - loss(at - h)) / (2.0 * h);
            tensor.data[i] = at;
            let error = (grad.data[i] - numeric).abs();
            assert!(error < 2e-6 * (1.0 + numeric.abs()), "{}[{i}]: {} for {numeric}", grad.name, grad.data[i]);
        }
        trainer.set(&tensor).unwrap();
    }
    let (_, again) = trainer.inspect(&batch.feed(), batch.targets()).unwrap();
    assert!(again == grads, "what earlier passes left in the buffers shows");
    grads
}

/// Lists have at most this many ids in the tests' batches.
pub(crate) const MOST: usize = 6;
/// A table of 7 rows read one id a row, and lists of the same table's ids.
pub(crate) const SLOTS: [(u64, bool); 2] = [(7, false), (7, true)];

/// A list's embeddings `[.., 3]`, and a row's value `[B, 3]`.
pub(crate) fn list_and_target(g: &mut Graph) -> (Value, Value) {
    let table = g.table("t", 7, 3, Init::Normal(0.7)).unwrap();
    let space = Space::List { slot: 1, most: MOST, extra: 0 };
    let target = g.lookup("target", 0, table, Pooling::One).unwrap();
    (g.lookup_each("list", 1, table, space).unwrap(), target)
}

pub(crate) fn join_and_head(g: &mut Graph, parts: &[Value]) {
    let x = g.concat("joined", parts).unwrap();
    let z = linear(g, "out", x, 1);
    g.head("task", z, Loss::Mse, 1.0).unwrap();
}
