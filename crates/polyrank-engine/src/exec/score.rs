//! Forward only: heads' outputs for any number of rows, the same bits for a row whatever it is batched with.

use std::sync::Mutex;

use rayon::prelude::*;

use crate::exec::MICRO_ROWS;
use crate::exec::feed::{Feed, FeedError};
use crate::exec::input::Input;
use crate::exec::run::Pass;
use crate::exec::workspace::Workspace;
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
        self.run(network, feed, false).map(|(out, _)| out)
    }

    /// As [`Scorer::score`], with the sums of the watched values' columns.
    pub fn score_watched(&self, network: &Network<T>, feed: &Feed<'_, T>) -> Result<(Vec<T>, Watched), FeedError> {
        self.run(network, feed, true)
    }

    fn run(&self, network: &Network<T>, feed: &Feed<'_, T>, watch: bool) -> Result<(Vec<T>, Watched), FeedError> {
        feed.check(&network.graph)?;
        let input = Input::scoring(feed);
        // All threads should have some rows, if there are enough to wake them. What is watched is summed by micro-batch:
        // their number must not depend on threads.
        let most = self.plan.micro_rows;
        let share = feed.rows.div_ceil(rayon::current_num_threads()).max(MICRO_ROWS);
        let most = if watch { most } else { most.min(share) };
        let columns = network.graph.outputs();
        let mut out = vec![T::ZERO; feed.rows * columns];
        let state = network.state();
        let pass = Pass {
            graph: &network.graph,
            plan: &self.plan,
            input: &input,
            state: &state,
            training: None,
            combined: &[],
        };
        let micro = |(i, out): (usize, &mut [T])| {
            let rows = i * most..feed.rows.min((i + 1) * most);
            let pooled = self.workspaces.lock().map_or(None, |mut pool| pool.pop());
            let mut workspace = pooled.unwrap_or_else(|| Workspace::new(&self.plan));
            for action in &self.plan.segments[0].actions {
                if let Action::Forward(node) = action {
                    pass.forward(*node, rows.clone(), &mut workspace, |cx| network.graph.nodes[*node].op.forward(cx));
                }
            }
            let views: Vec<_> = network.graph.heads.iter().map(|h| pass.value(h.output, &rows)).collect();
            let (outputs, _) = workspace.arena.borrow(&views, &[]);
            let mut from = 0;
            for output in &outputs {
                for r in 0..rows.len() {
                    out[r * columns + from..][..output.width()].copy_from_slice(output.row(r));
                }
                from += output.width();
            }
            let mut sums = Vec::new();
            if watch {
                let views: Vec<_> = network.graph.watched.iter().map(|(_, v)| pass.value(*v, &rows)).collect();
                let (values, _) = workspace.arena.borrow(&views, &[]);
                sums = values
                    .iter()
                    .map(|value| column_sums(value.width(), (0..rows.len()).map(|r| value.row(r))))
                    .collect();
            }
            if let Ok(mut pool) = self.workspaces.lock() {
                pool.push(workspace);
            }
            sums
        };
        let per_micro: Vec<Watched> = if feed.rows <= most {
            out.chunks_mut(most * columns.max(1)).enumerate().map(micro).collect()
        } else {
            out.par_chunks_mut(most * columns.max(1)).enumerate().map(micro).collect()
        };
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
