//! From gradients to new weights: lanes are summed in order, penalties added, the norm clipped, the optimizer stepped.

use std::ops::Range;

use rayon::prelude::*;

use crate::exec::train::TrainerOptions;
use crate::graph::{Graph, Param};
use crate::kernels::buffer::Buffer;
use crate::kernels::elementwise::add_assign;
use crate::kernels::simd;
use crate::optim::{Rule, penalise, step_dense};
use crate::params::Params;
use crate::real::Real;
use crate::table::EmbeddingTable;
use crate::table::gradient::SparseGradient;

/// Numbers of layer parameters that one task handles: a piece of weights, gradients and state that stays in cache.
const PIECE: usize = 8192;

/// What clipping decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clip {
    /// No clipping is asked for; lanes are not summed yet.
    Off,
    /// Lanes are summed into the first; multiply by this.
    By(f64),
}

/// A part of the flat parameter buffer, and whether penalties apply to it.
struct Piece {
    range: Range<usize>,
    penalised: bool,
}

fn pieces<T: Real>(graph: &Graph, params: &Params<T>) -> Vec<Piece> {
    let mut out = Vec::new();
    for (i, decl) in graph.params.iter().enumerate().filter(|(i, _)| params.is_first(Param(*i))) {
        let span = params.span(Param(i));
        let penalised = decl.penalised;
        out.extend(
            span.clone().step_by(PIECE).map(|from| Piece { range: from..span.end.min(from + PIECE), penalised }),
        );
    }
    // Where parameters lie beside each other, the one that stands for them need not be the first declared.
    out.sort_unstable_by_key(|piece| piece.range.start);
    out
}

/// Cuts a buffer at the pieces' ends; an empty buffer gives empty parts.
fn cut<'a, T>(mut buffer: &'a mut [T], pieces: &[Piece]) -> Vec<&'a mut [T]> {
    pieces
        .iter()
        .map(|piece| {
            let (part, rest) = std::mem::take(&mut buffer).split_at_mut_checked(piece.range.len()).unwrap_or_default();
            buffer = rest;
            part
        })
        .collect()
}

/// Adds the embedding penalties to the sparse gradients, those of frozen tables excepted, which name no row; gives the
/// penalty.
pub(crate) fn penalise_tables<T: Real>(
    options: &TrainerOptions,
    graph: &Graph,
    tables: &[EmbeddingTable<T>],
    sparse: &mut [SparseGradient<T>],
) -> f64 {
    let (l1, l2) = options.embedding_penalty;
    if l1 == 0.0 && l2 == 0.0 {
        return 0.0;
    }
    let penalties: Vec<f64> = sparse
        .par_iter_mut()
        .zip(tables)
        .zip(&graph.tables)
        .with_max_len(1)
        .map(|((sparse, table), decl)| {
            if options.penalise_whole_tables && !decl.frozen {
                sparse.cover_all(table);
            }
            sparse.penalise(table, l1, l2)
        })
        .collect();
    penalties.iter().sum()
}

simd! {
    fn add_lane<T: Real>(sum: &mut [T], lane: &[T]) {
        add_assign(sum, lane);
    }
}

/// Sums the lanes of one piece into the first, in order, and adds its penalty's gradient.
fn sum_piece<T: Real>(
    options: &TrainerOptions,
    piece: &Piece,
    first: &mut [T],
    others: &[&mut Buffer<T>],
    w: &[T],
) -> f64 {
    for lane in others {
        add_lane(first, &lane[piece.range.clone()]);
    }
    let (l1, l2) = options.layer_penalty;
    if piece.penalised && (l1 > 0.0 || l2 > 0.0) { penalise(l1, l2, w, first) } else { 0.0 }
}

/// If clipping is on: sums the lanes, adds penalties, and decides the factor from the global norm.
pub(crate) fn reduce<'a, T: Real>(
    options: &TrainerOptions,
    graph: &Graph,
    params: &Params<T>,
    lanes: Vec<&'a mut Buffer<T>>,
    sparse: &[SparseGradient<T>],
) -> (Clip, f64, Vec<&'a mut Buffer<T>>) {
    let Some(most) = options.clip_norm else { return (Clip::Off, 0.0, lanes) };
    let mut penalty = 0.0;
    let first = reduce_all(options, graph, params, lanes, &mut penalty);
    let squares: Vec<f64> =
        first.par_chunks(PIECE).map(|part| part.iter().map(|g| g.f64() * g.f64()).sum::<f64>()).collect();
    let rows: Vec<f64> = sparse.par_iter().map(SparseGradient::square_norm).collect();
    let norm = squares.iter().chain(&rows).sum::<f64>().sqrt();
    // As PyTorch's clip_grad_norm_.
    (Clip::By((most / (norm + 1e-6)).min(1.0)), penalty, vec![first])
}

/// Sums all lanes into the first, with penalties.
pub(crate) fn reduce_all<'a, T: Real>(
    options: &TrainerOptions,
    graph: &Graph,
    params: &Params<T>,
    mut lanes: Vec<&'a mut Buffer<T>>,
    penalty: &mut f64,
) -> &'a mut Buffer<T> {
    let first = lanes.remove(0);
    let pieces = pieces(graph, params);
    let parts = cut(first, &pieces);
    let penalties: Vec<f64> = parts
        .into_par_iter()
        .zip(&pieces)
        .map(|(part, piece)| sum_piece(options, piece, part, &lanes, &params.values[piece.range.clone()]))
        .collect();
    *penalty += penalties.iter().sum::<f64>();
    first
}

/// One optimizer step over all layer parameters.
pub(crate) fn step_layers<T: Real>(
    options: &TrainerOptions,
    graph: &Graph,
    params: &mut Params<T>,
    mut lanes: Vec<&mut Buffer<T>>,
    clip: Clip,
    state: &mut [Buffer<T>; 2],
    rule: Rule<T>,
    penalty: &mut f64,
) {
    let pieces = pieces(graph, params);
    let first = lanes.remove(0);
    let [one, two] = state;
    let (w, g) = (cut(&mut params.values, &pieces), cut(first, &pieces));
    let (one, two) = (cut(one, &pieces), cut(two, &pieces));
    let all = w.into_par_iter().zip(g).zip(one).zip(two).zip(&pieces);
    let penalties: Vec<f64> = all
        .map(|((((w, g), one), two), piece)| {
            let penalty = match clip {
                Clip::Off => sum_piece(options, piece, g, &lanes, w),
                Clip::By(factor) => {
                    let factor = T::of(factor);
                    g.iter_mut().for_each(|g| *g *= factor);
                    0.0
                }
            };
            step_dense(rule, w, g, one, two);
            penalty
        })
        .collect();
    *penalty += penalties.iter().sum::<f64>();
}
