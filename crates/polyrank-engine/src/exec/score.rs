//! Forward only: heads' outputs for any number of rows, the same bits for a row whatever it is batched with.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::exec::MICRO_ROWS;
use crate::exec::context::State;
use crate::exec::feed::{Feed, FeedError};
use crate::exec::input::Input;
use crate::exec::run::Pass;
use crate::exec::workspace::Workspace;
use crate::graph::Space;
use crate::network::Network;
use crate::plan::{self, Action, Plan};
use crate::real::Real;

/// Scores rows with a network; shareable between threads.
pub struct Scorer<T: Real> {
    plan: Plan,
    workspaces: Mutex<Vec<Workspace<T>>>,
}

/// Sums over rows of the watched values' columns.
pub type Watched = Vec<Vec<f64>>;

impl<T: Real> Scorer<T> {
    /// A scorer for networks with this network's graph.
    pub fn new(network: &Network<T>) -> Scorer<T> {
        Scorer { plan: plan::infer(&network.graph), workspaces: Mutex::new(Vec::new()) }
    }

    /// Heads' outputs side by side, `[B, O]` row by row, O as [`Graph::outputs`](crate::Graph::outputs): a logit for a
    /// binary head, C logits for one of C classes, a prediction for regression. Runs on the current rayon pool.
    pub fn score(&self, network: &Network<T>, feed: &Feed<'_, T>) -> Result<Vec<T>, FeedError> {
        // Before anything is allocated for rows that may not be there.
        feed.check(&network.graph)?;
        let mut out = vec![T::ZERO; feed.rows * network.graph.outputs()];
        self.fill(network, feed, &mut out);
        Ok(out)
    }

    /// As [`Scorer::score`], into `out`, `[B, O]`. On one thread nothing is allocated once a call of as many rows was made,
    /// unless an op has more than a dozen inputs, rows have lists, or products are in bf16 on a processor without
    /// instructions for it.
    pub fn score_into(&self, network: &Network<T>, feed: &Feed<'_, T>, out: &mut [T]) -> Result<(), FeedError> {
        feed.check(&network.graph)?;
        let columns = network.graph.outputs();
        if feed.rows.checked_mul(columns) != Some(out.len()) {
            return Err(FeedError(format!("{} places for {} rows of {columns} outputs", out.len(), feed.rows)));
        }
        self.fill(network, feed, out);
        Ok(())
    }

    /// Scores a feed that was checked into `out`, which has its size.
    fn fill(&self, network: &Network<T>, feed: &Feed<'_, T>, out: &mut [T]) {
        let (columns, threads) = (network.graph.outputs(), rayon::current_num_threads());
        // All threads should have some rows, if there are enough to wake them.
        let most = self.plan.micro_rows.min(feed.rows.div_ceil(threads).max(MICRO_ROWS));
        let (input, state) = (Input::scoring(feed), network.state());
        let pass = self.pass(network, &input, &state);
        let size = most * columns.max(1);
        let micro = |(i, out): (usize, &mut [T])| {
            let rows = i * most..feed.rows.min((i + 1) * most);
            self.with_workspace(|workspace| T::micro(self, &pass, rows, workspace, out));
        };
        if feed.rows <= most || threads == 1 {
            out.chunks_mut(size).enumerate().for_each(micro);
        } else {
            out.par_chunks_mut(size).enumerate().for_each(micro);
        }
    }

    /// As [`Scorer::score`], with the sums of the watched values' columns.
    pub fn score_watched(&self, network: &Network<T>, feed: &Feed<'_, T>) -> Result<(Vec<T>, Watched), FeedError> {
        feed.check(&network.graph)?;
        // What is watched is summed by micro-batch: their number must not depend on threads.
        let (most, columns) = (self.plan.micro_rows, network.graph.outputs());
        let mut out = vec![T::ZERO; feed.rows * columns];
        let (input, state) = (Input::scoring(feed), network.state());
        let pass = self.pass(network, &input, &state);
        let micro = |(i, out): (usize, &mut [T])| {
            let rows = i * most..feed.rows.min((i + 1) * most);
            self.with_workspace(|workspace| {
                T::micro(self, &pass, rows.clone(), workspace, out);
                let sums = network.graph.watched.iter().map(|(_, watched)| {
                    let (values, _) = workspace.arena.borrow([pass.value(*watched, &rows)], []);
                    let once = network.graph.space(*watched) == Space::Once;
                    column_sums(values[0].width(), (0..rows.len()).map(|r| values[0].row(if once { 0 } else { r })))
                });
                sums.collect()
            })
        };
        let per_micro: Vec<Watched> = out.par_chunks_mut(most * columns.max(1)).enumerate().map(micro).collect();
        let mut total: Watched = Vec::new();
        for sums in per_micro {
            if total.is_empty() {
                total = sums;
            } else {
                for (total, sums) in total.iter_mut().zip(sums) {
                    total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
                }
            }
        }
        Ok((out, total))
    }

    fn pass<'a>(&'a self, network: &'a Network<T>, input: &'a Input<'a, T>, state: &'a State<'a, T>) -> Pass<'a, T> {
        Pass { graph: &network.graph, plan: &self.plan, input, state, training: None, combined: &[] }
    }

    /// One micro-batch forward; its heads' outputs go to `out`.
    pub(super) fn micro(&self, pass: &Pass<'_, T>, rows: Range<usize>, workspace: &mut Workspace<T>, out: &mut [T]) {
        for action in &self.plan.segments[0].actions {
            if let Action::Forward(node) = action {
                pass.forward(*node, rows.clone(), workspace, |cx| pass.graph.nodes[*node].op.forward(cx));
            }
        }
        let (columns, mut from) = (pass.graph.outputs(), 0);
        for head in &pass.graph.heads {
            let (outputs, _) = workspace.arena.borrow([pass.value(head.output, &rows)], []);
            let output = outputs[0];
            for r in 0..rows.len() {
                out[r * columns + from..][..output.width()].copy_from_slice(output.row(r));
            }
            from += output.width();
        }
    }

    /// Calls `f` with a workspace that nobody else uses.
    fn with_workspace<R>(&self, f: impl FnOnce(&mut Workspace<T>) -> R) -> R {
        let pooled = self.workspaces.lock().map_or(None, |mut pool| pool.pop());
        let mut workspace = pooled.unwrap_or_else(|| Workspace::new(&self.plan));
        let result = f(&mut workspace);
        if let Ok(mut pool) = self.workspaces.lock() {
            pool.push(workspace);
        }
        result
    }
}

fn column_sums<'a, T: Real>(width: usize, rows: impl Iterator<Item = &'a [T]>) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in rows {
        for (sum, v) in sums.iter_mut().zip(row) {
            *sum += v.f64();
        }
    }
    sums
}
