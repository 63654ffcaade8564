//! One training step: forward, losses, backward over micro-batches; then the update.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::exec::Cut;
use crate::exec::context::{Combine, Training};
use crate::exec::feed::{Feed, FeedError};
use crate::exec::input::Input;
use crate::exec::micro::{Lane, Micro, MicroSums, run_action};
use crate::exec::run::Pass;
use crate::exec::targets::Targets;
use crate::exec::update::{self, Clip};
use crate::exec::workspace::Workspace;
use crate::graph::{Graph, Param};
use crate::kernels::buffer::Buffer;
use crate::kernels::rows::Parts;
use crate::loss::{Loss, Normaliser};
use crate::network::{Network, Tensor, TensorError};
use crate::ops::Op;
use crate::optim::Optimizer;
use crate::params::Turned;
use crate::plan::{self, Barrier, Plan, Segment};
use crate::real::Real;
use crate::rng::{Purpose, Stream};
use crate::table::gradient::{SlotGradient, SparseGradient};

/// Micro-batches for which weights are not worth transposing at the beginning of a step: each transposes those that it
/// needs, which no other core has to read.
const FEW: usize = 2;

/// Settings of a [`Trainer`].
#[derive(Debug, Clone)]
pub struct TrainerOptions {
    /// Optimizer of the layers.
    pub optimizer: Optimizer,
    /// Optimizer of the embedding tables.
    pub embedding_optimizer: Optimizer,
    /// What a head's summed, weighted loss is divided by.
    pub normaliser: Normaliser,
    /// l1·Σ|w| and l2·Σw² over layer weights.
    pub layer_penalty: (f64, f64),
    /// l1·Σ|w| and l2·Σw² over embedding rows.
    pub embedding_penalty: (f64, f64),
    /// Whether embedding penalties apply to all rows every step, instead of each row that the batch looked up.
    pub penalise_whole_tables: bool,
    /// Largest global norm of the gradient.
    pub clip_norm: Option<f64>,
    /// Seed of dropout.
    pub seed: u64,
    /// Worker threads.
    pub threads: usize,
}

/// What a step computed.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// Σ weight·loss over the rows that have the label, by head.
    pub loss_sums: Vec<f64>,
    /// Rows that have the label, by head.
    pub counts: Vec<usize>,
    /// Σ weight over the rows that have the label, by head.
    pub weight_sums: Vec<f64>,
    /// What the step minimised: weighted, normalised losses plus penalties.
    pub total: f64,
}

/// Trains a network.
pub struct Trainer<T: Real> {
    network: Network<T>,
    options: TrainerOptions,
    plan: Plan,
    pool: Arc<rayon::ThreadPool>,
    transposed: Vec<Turned>,
    /// Where the gradients of parameters lie that no head depends on.
    unreached: Vec<Range<usize>>,
    lanes: Vec<Lane<T>>,
    /// By thread.
    workspaces: Vec<Mutex<Workspace<T>>>,
    /// By micro-batch, where they wait for each other: what stays meanwhile.
    held: Vec<Mutex<Buffer<T>>>,
    /// By node: what batch-wide ops combined.
    combined: Vec<Vec<T>>,
    /// By lookup node: its gradient rows.
    slot_grads: Vec<(usize, Parts<T>)>,
    sparse: Vec<SparseGradient<T>>,
    /// Optimizer state of the layers, laid out like the parameters.
    dense_state: [Buffer<T>; 2],
    step: u64,
    /// By head: what its weight is multiplied by.
    factors: Vec<f64>,
    /// What learning rates are multiplied by.
    rate_factor: f64,
}

impl<T: Real> Trainer<T> {
    /// A trainer for `network` with worker threads of its own; fails only if they cannot be started.
    pub fn new(network: Network<T>, options: TrainerOptions) -> Result<Trainer<T>, std::io::Error> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads.max(1))
            .thread_name(|i| format!("train-{i}"))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Trainer::sharing(network, options, Arc::new(pool)))
    }

    /// As [`Trainer::new`], with worker threads that others may use too, instead of [`TrainerOptions::threads`].
    pub fn sharing(network: Network<T>, options: TrainerOptions, pool: Arc<rayon::ThreadPool>) -> Trainer<T> {
        let plan = plan::train(&network.graph);
        let transposed = network.transposed_params(&plan);
        let passes = network.graph.nodes.iter().zip(&plan.nodes).filter(|(_, planned)| planned.grad.is_some());
        let reached: Vec<Param> = passes.flat_map(|(node, _)| node.op.params()).collect();
        let all = (0..network.graph.params.len()).map(Param);
        let unreached = all.filter(|param| !reached.contains(param)).map(|param| network.params.span(param)).collect();
        let size = network.params.values.len();
        let state = options.optimizer.dense_state();
        let initial = T::of(options.optimizer.initial_state());
        let dense_state = [0, 1].map(|i| if i < state { Buffer::of(size, initial) } else { Buffer::new() });
        let lookups = network.graph.nodes.iter().enumerate().filter_map(|(i, node)| match &node.op {
            // A frozen table's lookup may lie in a concat that has a gradient.
            Op::Lookup(lookup) if plan.nodes[i].grad.is_some() && !network.graph.tables[lookup.table.0].frozen => {
                Some((i, Parts::new(lookup.dim)))
            }
            _ => None,
        });
        let mut trainer = Trainer {
            slot_grads: lookups.collect(),
            sparse: network.tables.iter().map(|_| SparseGradient::default()).collect(),
            combined: vec![Vec::new(); network.graph.nodes.len()],
            lanes: Vec::new(),
            workspaces: Vec::new(),
            held: Vec::new(),
            step: 0,
            factors: vec![1.0; network.graph.heads.len()],
            rate_factor: 1.0,
            network,
            options,
            plan,
            pool,
            transposed,
            unreached,
            dense_state,
        };
        let frozen: Vec<bool> = trainer.network.graph.tables.iter().map(|decl| decl.frozen).collect();
        trainer.network.tables = std::mem::take(&mut trainer.network.tables)
            .into_iter()
            .zip(frozen)
            .map(|(table, frozen)| {
                let optimizer = Some(trainer.options.embedding_optimizer).filter(|_| !frozen);
                if table.state_width() == optimizer.map_or(0, |o| o.row_state(table.dim)) {
                    table
                } else {
                    table.with_state(optimizer)
                }
            })
            .collect();
        trainer.refresh();
        trainer
    }

    /// The network as trained so far.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// The network as trained.
    pub fn into_network(self) -> Network<T> {
        self.network.without_state()
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// From the next step on, both optimizers' learning rates are `factor` times the options'. It is no part of
    /// [`Trainer::state`]: who resumes sets it again.
    pub fn set_rate_factor(&mut self, factor: f64) {
        self.rate_factor = factor;
    }

    /// The worker threads: to score beside training, or to share them with another trainer ([`Trainer::sharing`]). Many
    /// small steps are best made within them: each would else wake them anew.
    pub fn pool(&self) -> &Arc<rayon::ThreadPool> {
        &self.pool
    }

    /// Changes the network's numbers (a checkpoint, golden weights).
    pub fn set(&mut self, tensor: &Tensor<T>) -> Result<(), TensorError> {
        self.network.set(tensor)?;
        self.refresh();
        Ok(())
    }

    /// Multiplies the heads' weights from the next step on, `[T]`; a factor is finite and not negative. Not part of the
    /// state that a checkpoint holds.
    pub fn set_factors(&mut self, factors: &[f64]) -> Result<(), FeedError> {
        let heads = self.factors.len();
        if factors.len() != heads || factors.iter().any(|factor| !(0.0..f64::INFINITY).contains(factor)) {
            return Err(FeedError(format!("{factors:?} as factors of the losses of {heads} tasks")));
        }
        self.factors.copy_from_slice(factors);
        Ok(())
    }

    fn refresh(&mut self) {
        let Trainer { network, transposed, pool, .. } = self;
        pool.install(|| network.params.refresh(transposed));
    }

    /// One step on a batch: its labels, `[B, T]` row by row, NaN where one is missing, the class's index for a head of
    /// several, or [`Targets`] with weights too.
    pub fn step<'t>(
        &mut self,
        feed: &Feed<'_, T>,
        targets: impl Into<Targets<'t, T>>,
    ) -> Result<StepReport, FeedError> {
        let targets = targets.into();
        // Once for the whole step: each entry wakes a worker.
        let pool = Arc::clone(&self.pool);
        pool.install(|| {
            let report = T::gradients(self, feed, targets)?;
            let penalty = T::update(self);
            Ok(StepReport { total: report.total + penalty, ..report })
        })
    }

    /// Forward, losses and backward, on the current rayon pool; leaves the gradients in the lanes and the slots.
    pub(super) fn gradients(&mut self, feed: &Feed<'_, T>, targets: Targets<'_, T>) -> Result<StepReport, FeedError> {
        let heads = self.network.graph.heads.len();
        feed.check(&self.network.graph)?;
        targets.check(feed.rows, heads)?;
        self.check_classes(targets.labels)?;
        let cut = Cut::of(feed.rows, self.plan.micro_rows);
        let (counts, weight_sums): (Vec<usize>, Vec<f64>) = (0..heads).map(|h| targets.space(h, heads)).unzip();
        let scales = self.network.graph.heads.iter().zip(&self.factors).enumerate().map(|(h, (head, factor))| {
            let divisor = match self.options.normaliser {
                // Where all weights are 0 there is nothing to divide.
                Normaliser::WeightSum if weight_sums[h] > 0.0 => weight_sums[h],
                Normaliser::WeightSum | Normaliser::Sum => 1.0,
                Normaliser::Count => counts[h].max(1) as f64,
                Normaliser::Batch => feed.rows as f64,
            };
            head.weight * factor / divisor
        });
        let share = if self.options.normaliser == Normaliser::Sum { 1.0 } else { 1.0 / feed.rows as f64 };
        let objectives = self.network.graph.objectives.iter().map(|objective| objective.weight * share);
        let scales: Vec<f64> = scales.chain(objectives).collect();
        let training = Training { seed: self.options.seed, step: self.step };
        let input = Input::training(&self.network.graph, feed, targets, training);
        self.prepare(&cut, &input);
        if cut.bounds.len() - 1 > FEW {
            self.network.params.turn(&self.transposed);
        }
        let segments = self.plan.segments.clone();
        let mut sums = Vec::new();
        for segment in &segments {
            let micro = Micro { input: &input, scales: &scales, cut: &cut, training, sums: &sums };
            self.run_segment(segment, &micro);
            sums = self.combine(&segment.then, &input);
        }
        let mut loss_sums = vec![0.0; scales.len()];
        for sums in self.lanes.iter().flat_map(|lane| &lane.micros) {
            for (total, loss) in loss_sums.iter_mut().zip(&sums.losses) {
                *total += loss;
            }
        }
        let total = loss_sums.iter().zip(&scales).map(|(sum, scale)| sum * scale).sum();
        loss_sums.truncate(heads);
        self.gather(&input);
        Ok(StepReport { loss_sums, counts, weight_sums, total })
    }

    /// Every label of a head of several classes is one of them, or missing.
    fn check_classes(&self, labels: &[T]) -> Result<(), FeedError> {
        let graph = &self.network.graph;
        for (h, head) in graph.heads.iter().enumerate().filter(|(_, head)| head.loss == Loss::CrossEntropy) {
            let classes = graph.width(head.output);
            let mut all = labels.iter().skip(h).step_by(graph.heads.len()).map(|y| y.f64());
            let known = |y: f64| y.is_nan() || (y >= 0.0 && y < classes as f64 && y.fract() == 0.0);
            if let Some(y) = all.find(|y| !known(*y)) {
                let name = &head.name;
                return Err(FeedError(format!("label {y} of `{name}`, which has the classes 0 to {}", classes - 1)));
            }
        }
        Ok(())
    }

    /// Buffers for a batch cut so.
    fn prepare(&mut self, cut: &Cut, input: &Input<'_, T>) {
        let (micros, lanes) = (cut.bounds.len() - 1, cut.lanes.len() - 1);
        let size = self.network.params.values.len();
        while self.lanes.len() < lanes {
            self.lanes.push(Lane { grads: Buffer::zeros(size), micros: Vec::new() });
        }
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            // Lanes that only a larger batch needs must leave nothing to sum.
            let micros = if i < lanes { cut.lanes[i + 1] - cut.lanes[i] } else { 0 };
            lane.micros.resize_with(micros, MicroSums::default);
        }
        // No backward pass replaces these, so the last step's penalties would pile up.
        for span in &self.unreached {
            self.lanes[0].grads[span.clone()].fill(T::ZERO);
        }
        // A thread's workspace serves one micro-batch after the other and stays in its cache. With batch-wide ops a
        // micro-batch waits for the others, so some of its values must stay.
        while self.workspaces.len() < self.pool.current_num_threads() {
            self.workspaces.push(Mutex::new(Workspace::new(&self.plan)));
        }
        while self.waits() && self.held.len() < micros {
            let [held, _] = self.plan.widths;
            self.held.push(Mutex::new(Buffer::zeros(self.plan.micro_rows * held)));
        }
        for (node, parts) in &mut self.slot_grads {
            let space = self.network.graph.nodes[*node].space;
            let bounds: Vec<usize> = cut.bounds.iter().map(|&bound| input.range(space, 0..bound).end).collect();
            parts.reset(&bounds);
        }
    }

    /// Whether micro-batches wait for each other.
    fn waits(&self) -> bool {
        self.plan.segments.len() > 1
    }

    fn run_segment(&mut self, segment: &Segment, micro: &Micro<'_, T>) {
        let waits = self.waits();
        let Trainer { network, plan, lanes, workspaces, held, combined, slot_grads, .. } = self;
        let state = network.state();
        let graph = &network.graph;
        let pass = Pass { graph, plan, input: micro.input, state: &state, training: Some(micro.training), combined };
        let (workspaces, held, slot_grads) = (&*workspaces, &*held, &*slot_grads);
        let count = micro.cut.lanes.len() - 1;
        let run_lane = |(l, lane): (usize, &mut Lane<T>)| {
            let mut workspace = lock(&workspaces[rayon::current_thread_index().unwrap_or(0)]);
            for m in micro.cut.lanes[l]..micro.cut.lanes[l + 1] {
                let (first, at) = (m == micro.cut.lanes[l], m - micro.cut.lanes[l]);
                let mut run = |workspace: &mut Workspace<T>| {
                    for action in &segment.actions {
                        run_action(*action, &pass, micro, m, first, lane, at, workspace, slot_grads);
                    }
                };
                if waits { workspace.with_held(&mut lock(&held[m]), run) } else { run(&mut workspace) }
            }
        };
        lanes[..count].par_iter_mut().enumerate().with_max_len(1).for_each(run_lane);
    }

    /// What happens between segments: sums over the batch, in micro-batch order; gives them by node.
    fn combine(&mut self, barrier: &Barrier, input: &Input<'_, T>) -> Vec<(usize, Vec<f64>)> {
        let (Barrier::CombineForward(nodes) | Barrier::CombineBackward(nodes)) = barrier else { return Vec::new() };
        let mut all = Vec::with_capacity(nodes.len());
        for (at, &node) in nodes.iter().enumerate() {
            let op = &self.network.graph.nodes[node].op;
            let mut sums = vec![0.0; op.reduced(self.network.graph.nodes[node].width)];
            for micro in self.lanes.iter().flat_map(|lane| &lane.micros) {
                for (sum, part) in sums.iter_mut().zip(&micro.reduced[at]) {
                    *sum += part;
                }
            }
            if let Barrier::CombineForward(_) = barrier {
                let space = self.network.graph.nodes[node].space;
                let mut cx = Combine {
                    sums: &sums,
                    batch_rows: input.range(space, 0..input.feed.rows).len(),
                    combined: &mut self.combined[node],
                    running: &mut self.network.running,
                };
                op.combine_forward(&mut cx);
            }
            all.push((node, sums));
        }
        all
    }

    /// Sums the slots' gradients by embedding row.
    fn gather(&mut self, input: &Input<'_, T>) {
        let Trainer { network, slot_grads, sparse, .. } = self;
        let mut by_table: Vec<Vec<SlotGradient<'_, T>>> = network.tables.iter().map(|_| Vec::new()).collect();
        for (node, parts) in slot_grads.iter_mut() {
            if let Op::Lookup(lookup) = &network.graph.nodes[*node].op {
                let grads = &*parts.all();
                by_table[lookup.table.0].push(SlotGradient {
                    ids: input.ids(lookup.ids),
                    pooling: lookup.pooling,
                    grads,
                });
            }
        }
        let tables = &network.tables;
        let all = sparse.par_iter_mut().zip(tables).zip(by_table).with_max_len(1);
        all.for_each(|((sparse, table), slots)| sparse.gather(table, &slots));
    }

    /// Penalties, clipping and the optimizers, on the current rayon pool; gives the penalty.
    pub(super) fn update(&mut self) -> f64 {
        self.step += 1;
        let Trainer { network, options, lanes, sparse, dense_state, transposed, .. } = self;
        let (rule, row_rule) = (
            options.optimizer.rule(self.step, self.rate_factor),
            options.embedding_optimizer.rule(self.step, self.rate_factor),
        );
        let lanes: Vec<&mut Buffer<T>> =
            lanes.iter_mut().filter(|l| !l.micros.is_empty()).map(|l| &mut l.grads).collect();
        let mut penalty = update::penalise_tables(options, &network.graph, &network.tables, sparse);
        let (clip, dense_penalty, lanes) = update::reduce(options, &network.graph, &network.params, lanes, sparse);
        penalty += dense_penalty;
        if let Clip::By(factor) = clip {
            sparse.par_iter_mut().for_each(|s| s.scale(T::of(factor)));
        }
        let random = |table: usize| Stream::new(options.seed, Purpose::Rounding, table as u64, self.step);
        let Network { graph, params, tables, .. } = network;
        rayon::join(
            || {
                update::step_layers(options, graph, params, lanes, clip, dense_state, rule, &mut penalty);
                params.refresh(transposed);
            },
            || {
                let rows = sparse.par_iter().zip(tables).enumerate().with_max_len(1);
                rows.for_each(|(i, (sparse, table))| sparse.update(table, row_rule, random(i)));
            },
        );
        penalty
    }

    /// Everything but the network's numbers that the next step depends on: optimizer state.
    pub fn state(&self) -> Vec<Tensor<T>> {
        let mut out = Vec::new();
        for (k, buffer) in self.dense_state.iter().enumerate().filter(|(_, b)| !b.is_empty()) {
            for (i, decl) in self.network.graph.params.iter().enumerate() {
                let data = self.network.params.export_from(buffer, Param(i));
                out.push(Tensor { name: format!("state{k}/{}", decl.name), dims: decl.shape.dims(), data });
            }
        }
        for (decl, table) in self.network.graph.tables.iter().zip(&self.network.tables) {
            if table.state_width() > 0 {
                let dims = vec![decl.rows, table.state_width()];
                out.push(Tensor { name: format!("state/{}", decl.name), dims, data: table.export_state() });
            }
        }
        out
    }

    /// Restores what [`Trainer::state`] gave, and the number of steps done.
    pub fn set_state(&mut self, tensors: &[Tensor<T>], steps: u64) -> Result<(), TensorError> {
        let mut found = Vec::new();
        for (name, dims) in self.state_dims() {
            let fail = |problem: &str| TensorError { name: name.clone(), problem: problem.to_owned() };
            let tensor = tensors.iter().find(|t| t.name == name).ok_or_else(|| fail("is missing"))?;
            if tensor.dims != dims || tensor.data.len() != dims.iter().product::<usize>() {
                return Err(fail("has another shape"));
            }
            found.push(tensor);
        }
        for tensor in found {
            let (kind, name) = tensor.name.split_once('/').unwrap_or(("", &tensor.name));
            if let Some(k) = kind.strip_prefix("state").and_then(|k| k.parse::<usize>().ok()) {
                if let Some(i) = self.network.graph.params.iter().position(|p| p.name == name) {
                    self.network.params.set_in(&mut self.dense_state[k], Param(i), &tensor.data);
                }
            } else if let Some(i) = self.network.graph.tables.iter().position(|t| t.name == name) {
                self.network.tables[i].set_state(&tensor.data);
            }
        }
        self.step = steps;
        Ok(())
    }

    fn state_dims(&self) -> Vec<(String, Vec<usize>)> {
        let dense = self.dense_state.iter().enumerate().filter(|(_, b)| !b.is_empty());
        let mut out: Vec<_> = dense
            .flat_map(|(k, _)| {
                self.network.graph.params.iter().map(move |p| (format!("state{k}/{}", p.name), p.shape.dims()))
            })
            .collect();
        for (decl, table) in self.network.graph.tables.iter().zip(&self.network.tables) {
            if table.state_width() > 0 {
                out.push((format!("state/{}", decl.name), vec![decl.rows, table.state_width()]));
            }
        }
        out
    }

    /// The loss on a batch in training mode and every gradient, penalties included. Changes no weight, but running
    /// statistics take in the batch as in a step. For tests.
    pub fn inspect<'t>(
        &mut self,
        feed: &Feed<'_, T>,
        targets: impl Into<Targets<'t, T>>,
    ) -> Result<(f64, Vec<Tensor<T>>), FeedError> {
        let (targets, pool) = (targets.into(), Arc::clone(&self.pool));
        pool.install(|| {
            let report = T::gradients(self, feed, targets)?;
            let Trainer { network, options, lanes, sparse, .. } = self;
            let lanes = lanes.iter_mut().filter(|l| !l.micros.is_empty()).map(|l| &mut l.grads).collect();
            let mut penalty = update::penalise_tables(options, &network.graph, &network.tables, sparse);
            let sum = update::reduce_all(options, &network.graph, &network.params, lanes, &mut penalty);
            let layers = network.graph.params.iter().enumerate().map(|(i, decl)| Tensor {
                name: decl.name.clone(),
                dims: decl.shape.dims(),
                data: network.params.export_from(sum, Param(i)),
            });
            let tables =
                network.graph.tables.iter().zip(&network.tables).zip(sparse.iter()).map(|((decl, table), sparse)| {
                    Tensor { name: decl.name.clone(), dims: vec![decl.rows, decl.dim], data: sparse.to_dense(table) }
                });
            Ok((report.total + penalty, layers.chain(tables).collect()))
        })
    }

    /// The graph that is trained.
    pub fn graph(&self) -> &Graph {
        &self.network.graph
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
