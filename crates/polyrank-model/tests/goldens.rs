//! Every architecture against its PyTorch twin (`tools/goldens`): logits, loss, every gradient, the first step, and the
//! loss after ten steps; in f64 within 1e-9 of each tensor's largest value, in f32 within 1e-5 (1e-4 after ten steps).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use polyrank_data::encode::{DenseLayout, InputLayout, SlotLayout, TableLayout};
use polyrank_engine::{Feed, Network, Optimizer, Real, Scorer, SlotIds, Targets, Tensor, Trainer};
use polyrank_model::options::trainer_options;
use polyrank_model::{network_graph, registry};
use polyrank_schema::Config;
use polyrank_schema::config::{FeatureKind, Side, Task};
use safetensors::SafeTensors;

struct Golden {
    config: Config,
    tensors: Vec<(String, Vec<usize>, Vec<f64>)>,
}

struct Input<T> {
    a: Vec<u32>,
    b: Vec<u32>,
    offsets: Vec<u32>,
    tags: Vec<u32>,
    dense: Vec<T>,
    labels: Vec<T>,
    /// Empty where the case has none.
    weights: Vec<T>,
}

impl Golden {
    fn load(name: &str) -> Golden {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(format!("{name}.safetensors"));
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let config = header.metadata().as_ref().unwrap()["config"].clone();
        let config = polyrank_schema::parse(&config, name, &registry(), &[]).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let read = |data: &[u8]| data.chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect();
        let tensors = file.iter().map(|(n, v)| (n.to_owned(), v.shape().to_vec(), read(v.data()))).collect();
        Golden { config, tensors }
    }

    fn get(&self, name: &str) -> &[f64] {
        &self.tensors.iter().find(|t| t.0 == name).unwrap_or_else(|| panic!("no tensor {name}")).2
    }

    fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [usize], &'a [f64])> {
        self.tensors.iter().filter_map(move |(n, d, v)| Some((n.strip_prefix(prefix)?, &d[..], &v[..])))
    }

    fn layout(&self) -> InputLayout {
        let dim = |name: &str| match &self.config.features.iter().find(|f| f.name == name).unwrap().kind {
            FeatureKind::Categorical { dim, .. } => *dim,
            other => panic!("{other:?}"),
        };
        let combiner = match &self.config.features.iter().find(|f| f.name == "tags").unwrap().kind {
            FeatureKind::Categorical { list: Some(list), .. } => list.combiner.clone(),
            other => panic!("{other:?}"),
        };
        let slot = |feature: &str, table, combiner| SlotLayout {
            feature: feature.into(),
            table,
            combiner,
            side: Side::Context,
        };
        let dense = |feature: &str| DenseLayout { feature: feature.into(), width: 1, side: Side::Context };
        InputLayout {
            tables: vec![
                TableLayout { name: "a".into(), rows: 11, dim: dim("a") },
                TableLayout { name: "b".into(), rows: 7, dim: dim("b") },
            ],
            slots: vec![slot("a", 0, None), slot("b", 1, None), slot("tags", 0, Some(combiner))],
            dense: vec![dense("d0"), dense("d1")],
        }
    }

    fn input<T: Real>(&self, batch: usize) -> Input<T> {
        let ids = |name: &str| self.get(&format!("batch{batch}.{name}")).iter().map(|v| *v as u32).collect();
        let name = format!("batch{batch}.weights");
        let weights = self.tensors.iter().filter(|t| t.0 == name).flat_map(|t| t.2.iter().map(|v| T::of(*v)));
        let weights = weights.collect();
        let numbers = |name: &str| self.get(&format!("batch{batch}.{name}")).iter().map(|v| T::of(*v)).collect();
        Input {
            a: ids("ids.a"),
            b: ids("ids.b"),
            offsets: ids("tags.offsets"),
            tags: ids("tags.ids"),
            dense: numbers("dense"),
            labels: numbers("labels"),
            weights,
        }
    }

    fn trainer<T: Real>(&self, optimizer: Optimizer) -> Trainer<T> {
        let graph = network_graph(&self.config, &self.layout()).unwrap();
        let mut network = Network::<T>::new(&graph, 1, None);
        let expected: Vec<String> = network
            .tensor_dims()
            .into_iter()
            .map(|t| t.0)
            .filter(|n| !n.ends_with(".mean") && !n.ends_with(".variance"))
            .collect();
        let mut seen = Vec::new();
        for (name, dims, values) in self.with_prefix("w.") {
            network
                .set(&Tensor { name: name.into(), dims: dims.into(), data: values.iter().map(|v| T::of(*v)).collect() })
                .unwrap();
            seen.push(name.to_owned());
        }
        let mut expected = expected;
        expected.sort();
        seen.sort();
        assert_eq!(expected, seen, "the twin and the network have the same parameters");
        let mut options = trainer_options(&self.config, 2);
        (options.optimizer, options.embedding_optimizer) = (optimizer, optimizer);
        Trainer::new(network, options).unwrap()
    }
}

impl<T: Real> Input<T> {
    fn feed(&self) -> Feed<'_, T> {
        let slots = vec![
            SlotIds::One(&self.a),
            SlotIds::One(&self.b),
            SlotIds::Many { offsets: &self.offsets, ids: &self.tags },
        ];
        Feed { rows: self.a.len(), slots, dense: &self.dense }
    }

    fn targets(&self) -> Targets<'_, T> {
        Targets { labels: &self.labels, weights: &self.weights }
    }
}

const ADAGRAD: Optimizer = Optimizer::Adagrad { learning_rate: 0.01, initial_accumulator: 0.0, epsilon: 1e-10 };
const ADAM: Optimizer =
    Optimizer::Adam { learning_rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };

fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |most, v| v.abs().max(most))
}

fn close<T: Real>(what: &str, ours: &[T], theirs: &[f64], tolerance: f64) {
    close_beside(what, ours, theirs, tolerance, 0.0);
}

/// As [`close`], where numbers of size `beside` made them: what is left of their difference has their rounding.
fn close_beside<T: Real>(what: &str, ours: &[T], theirs: &[f64], tolerance: f64, beside: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = largest(theirs).max(beside);
    // What is 0 by the equations is compared with the size of the things around it, which is 1.
    let largest = if largest == 0.0 { 1.0 } else { largest };
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a.f64() - b).abs()).fold(0.0f64, f64::max);
    assert!(worst <= tolerance * largest, "{what}: off by {worst:e}, largest {largest:e}");
}

fn check<T: Real>(name: &str, tolerance: f64, tolerance_after_ten: f64) {
    let golden = Golden::load(name);
    let first = golden.input::<T>(0);

    // Gradients, loss and (with batch norm: training-mode) first step.
    for (kind, optimizer) in [("adagrad", ADAGRAD), ("adam", ADAM)] {
        let mut trainer = golden.trainer::<T>(optimizer);
        let (loss, gradients) = trainer.inspect(&first.feed(), first.targets()).unwrap();
        close(&format!("{name} loss"), &[T::of(loss)], golden.get("loss"), tolerance);
        for (param, _, expected) in golden.with_prefix("g.") {
            let ours = gradients.iter().find(|t| t.name == param).unwrap();
            close(&format!("{name} gradient of {param}"), &ours.data, expected, tolerance);
        }
        // `inspect` moved running statistics, so the step starts from a fresh trainer.
        let mut trainer = golden.trainer::<T>(optimizer);
        trainer.step(&first.feed(), first.targets()).unwrap();
        let weights: Vec<Tensor<T>> =
            trainer.network().layers().into_iter().chain(trainer.network().tables()).collect();
        for (param, _, expected) in golden.with_prefix(&format!("{kind}1.")) {
            // A bias below a norm has no effect: its gradient is 0 by the equations and rounding in practice, which
            // these optimizers turn into a full step.
            if golden.get(&format!("g.{param}")).iter().all(|g| *g == 0.0) {
                continue;
            }
            let ours = weights.iter().find(|t| t.name == param).unwrap();
            let before = largest(golden.get(&format!("w.{param}")));
            close_beside(&format!("{name} {param} after a step of {kind}"), &ours.data, expected, tolerance, before);
        }
        for (stats, _, expected) in golden.with_prefix("stats1.") {
            let ours = weights.iter().find(|t| t.name == stats).unwrap();
            close(&format!("{name} {stats}"), &ours.data, expected, tolerance);
        }
        let mut trainer = golden.trainer::<T>(optimizer);
        for batch in 0..10 {
            let input = golden.input::<T>(batch);
            trainer.step(&input.feed(), input.targets()).unwrap();
        }
        let last = golden.input::<T>(10);
        let (loss, _) = trainer.inspect(&last.feed(), last.targets()).unwrap();
        close(
            &format!("{name} loss after ten steps of {kind}"),
            &[T::of(loss)],
            golden.get(&format!("loss10.{kind}")),
            tolerance_after_ten,
        );
    }

    // Logits when scoring, with the running statistics of one step.
    let mut trainer = golden.trainer::<T>(ADAGRAD);
    for (stats, dims, values) in golden.with_prefix("stats1.") {
        let data = values.iter().map(|v| T::of(*v)).collect();
        trainer.set(&Tensor { name: stats.into(), dims: dims.into(), data }).unwrap();
    }
    let second = golden.input::<T>(1);
    let logits = Scorer::new(trainer.network()).score(trainer.network(), &second.feed()).unwrap();
    let columns: usize = golden.config.tasks.iter().map(Task::outputs).sum();
    let mut from = 0;
    for task in &golden.config.tasks {
        let own = from..from + task.outputs();
        from = own.end;
        let ours: Vec<T> = logits.chunks_exact(columns).flat_map(|row| &row[own.clone()]).copied().collect();
        close(
            &format!("{name} logits of {}", task.name),
            &ours,
            golden.get(&format!("infer.{}", task.name)),
            tolerance,
        );
    }
}

macro_rules! goldens {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[test]
            fn in_f64() {
                super::check::<f64>(stringify!($name), 1e-9, 1e-9);
            }

            #[test]
            fn in_f32() {
                super::check::<f32>(stringify!($name), 1e-5, 1e-4);
            }
        })*
    };
}

goldens!(
    sequence_din,
    sequence_din_softmax,
    sequence_dien,
    sequence_dien_agru,
    sequence_dien_aigru,
    sequence_dien_gru,
    sequence_bst,
    sequence_bst_blocks,
    number_linear,
    number_linear_shared,
    number_periodic,
    number_periodic_shared,
    number_autodis,
    number_autodis_shared,
    esmm_default,
    esmm_three_tasks,
    aitm_default,
    aitm_three_tasks,
    cross_stitch_default,
    cross_stitch_three_tasks,
    snr_trans_default,
    snr_trans_one_level,
    escm2_default,
    escm2_ips,
    escm2_propensity_gradient,
    pepnet_default,
    pepnet_personal,
    single_default,
    single_deepctr,
    shared_bottom_default,
    shared_bottom_deepctr,
    omoe_default,
    omoe_deepctr,
    mmoe_default,
    mmoe_deepctr,
    mmoe_batch_norm,
    mmoe_prelu_merlin,
    shared_bottom_regression,
    shared_bottom_weighted_weight_sum,
    shared_bottom_weighted_count,
    shared_bottom_weighted_batch,
    shared_bottom_weighted_sum,
    mmoe_wide,
    mmoe_fm,
    single_fm,
    mmoe_dcn,
    mmoe_dcn_v2,
    shared_bottom_dcn_v2_mixture,
    shared_bottom_dcn_v2_low_rank,
    mmoe_pnn,
    shared_bottom_pnn_both,
    mmoe_dlrm,
    shared_bottom_dlrm_replace,
    mmoe_masknet,
    shared_bottom_masknet_serial,
    mmoe_fibinet,
    shared_bottom_fibinet_each,
    shared_bottom_fibinet_all,
    mmoe_autoint,
    shared_bottom_xdeepfm,
    single_xdeepfm,
    mmoe_levels,
    mmoe_top_k,
    mmoe_top_k_quiet,
    mmoe_dselect_k,
    cgc_default,
    cgc_unequal,
    cgc_dselect_k,
    ple_default,
    ple_unequal,
    ple_by_level,
    ple_top_k,
    adatt_default,
    adatt_shared,
    adatt_single,
    adatt_plain,
    stem_default,
    stem_levels,
    home_default,
    home_groups,
    home_ungated,
    mmoe_classes,
    shared_bottom_classes_wide,
    single_classes_dcn,
);
