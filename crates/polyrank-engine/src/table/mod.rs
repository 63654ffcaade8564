//! Embedding tables: rows with their optimizer state beside them.

pub(crate) mod gradient;
mod half;

use half::Half;

use crate::graph::{Precision, TableDecl};
use crate::kernels::buffer::{Buffer, Plain};
use crate::kernels::rows::{AHEAD, copy_row, prefetch};
use crate::optim::{Optimizer, Rule, step_rows};
use crate::params::draw;
use crate::real::Real;
use crate::rng::{Purpose, Stream};

/// A table of `rows` × (`dim` weights, the optimizer's state).
#[derive(Debug, Clone)]
pub(crate) struct EmbeddingTable<T> {
    pub(crate) rows: usize,
    pub(crate) dim: usize,
    /// Numbers of `data` a row.
    stride: usize,
    /// By row: its weights, unless they are in bf16, then its state.
    data: Buffer<T>,
    /// `[rows, dim]` if the weights are in bf16.
    half: Option<Buffer<Half>>,
}

/// The weights of a row, as its table keeps them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row<'a, T> {
    Full(&'a [T]),
    Half(&'a [Half]),
}

impl<T: Real> Row<'_, T> {
    /// Calls `f` with each column and its weight.
    #[inline]
    pub(crate) fn each(self, mut f: impl FnMut(usize, T)) {
        match self {
            Row::Full(row) => row.iter().enumerate().for_each(|(c, w)| f(c, *w)),
            Row::Half(row) => row.iter().enumerate().for_each(|(c, w)| f(c, half::full(*w))),
        }
    }

    /// The weight in a column.
    #[inline]
    pub(crate) fn at(self, column: usize) -> T {
        match self {
            Row::Full(row) => row[column],
            Row::Half(row) => half::full(row[column]),
        }
    }

    #[inline]
    pub(crate) fn copy_to(self, to: &mut [T]) {
        match self {
            Row::Full(row) => copy_row(to, row),
            Row::Half(row) => half::widen(row, to),
        }
    }
}

/// Rows that one task fills.
const PIECE: usize = 1024;

/// Numbers that are not touched unless they must be.
fn allocate<N: Plain + Default + PartialEq>(numbers: usize, fill: N) -> Buffer<N> {
    let mut data = Buffer::zeros(numbers);
    if fill != N::default() {
        data.fill(fill);
    }
    data
}

impl<T: Real> EmbeddingTable<T> {
    /// A table at its initial values with `state` state numbers a row.
    pub(crate) fn new(decl: &TableDecl, seed: u64, thing: u64, state: usize, initial_state: f64) -> Self {
        use rayon::prelude::*;
        // Streams of tables and of layers must differ.
        let stream = Stream::new(seed, Purpose::Init, 1 << 40 | thing, 0);
        let (rows, dim, initial_state) = (decl.rows, decl.dim, T::of(initial_state));
        let weights = |row: usize, to: &mut [T]| draw(decl.init, stream, (row * dim) as u64, to);
        if decl.precision == Precision::Bf16 {
            let mut half = allocate(rows * dim, 0);
            half.par_chunks_mut(dim * PIECE).enumerate().for_each(|(piece, to)| {
                let mut full = vec![T::ZERO; dim];
                for (i, to) in to.chunks_exact_mut(dim).enumerate() {
                    weights(piece * PIECE + i, &mut full);
                    half::round(&full, to);
                }
            });
            return EmbeddingTable {
                rows,
                dim,
                stride: state,
                data: allocate(rows * state, initial_state),
                half: Some(half),
            };
        }
        let stride = dim + state;
        let mut data = allocate(rows * stride, T::ZERO);
        data.par_chunks_mut(stride * PIECE).enumerate().for_each(|(piece, to)| {
            for (i, to) in to.chunks_exact_mut(stride).enumerate() {
                weights(piece * PIECE + i, &mut to[..dim]);
                to[dim..].fill(initial_state);
            }
        });
        EmbeddingTable { rows, dim, stride, data, half: None }
    }

    /// The weights of a row; ids were checked with the feed.
    #[inline]
    pub(crate) fn row(&self, id: u32) -> Row<'_, T> {
        match &self.half {
            None => Row::Full(&self.data[id as usize * self.stride..][..self.dim]),
            Some(half) => Row::Half(&half[id as usize * self.dim..][..self.dim]),
        }
    }

    /// Calls `f` with each row, asked for some time before it is due.
    #[inline]
    pub(crate) fn each(&self, ids: &[u32], mut f: impl FnMut(usize, Row<'_, T>)) {
        for (r, &id) in ids.iter().enumerate() {
            match ids.get(r + AHEAD).map(|&next| self.row(next)) {
                Some(Row::Full(next)) => prefetch(next),
                Some(Row::Half(next)) => prefetch(next),
                None => {}
            }
            f(r, self.row(id));
        }
    }

    /// Sets the weights of a row; the caller has checked number and length.
    pub(crate) fn set_row(&mut self, row: u32, weights: &[T]) {
        let (row, dim) = (row as usize, self.dim);
        match &mut self.half {
            None => self.data[row * self.stride..][..dim].copy_from_slice(weights),
            Some(half) => half::round(weights, &mut half[row * dim..][..dim]),
        }
    }

    /// Weights at the head of a row of `data`.
    fn head(&self) -> usize {
        if self.half.is_some() { 0 } else { self.dim }
    }

    /// All weights, `[rows, dim]`.
    pub(crate) fn export(&self) -> Vec<T> {
        match &self.half {
            None => self.part(0, self.dim),
            Some(half) => half.iter().map(|w| half::full(*w)).collect(),
        }
    }

    /// All state, `[rows, state]`.
    pub(crate) fn export_state(&self) -> Vec<T> {
        self.part(self.head(), self.stride)
    }

    fn part(&self, from: usize, to: usize) -> Vec<T> {
        let mut out = Vec::with_capacity(self.rows * (to - from));
        // A table in bf16 without state has rows of no numbers.
        for row in self.data.chunks_exact(self.stride.max(1)) {
            out.extend_from_slice(&row[from..to]);
        }
        out
    }

    /// Sets all weights from `[rows, dim]`; the caller has checked the length.
    pub(crate) fn set(&mut self, weights: &[T]) {
        match &mut self.half {
            None => self.set_part(0, self.dim, weights),
            Some(half) => half::round(weights, half),
        }
    }

    /// Sets all state from `[rows, state]`; the caller has checked the length.
    pub(crate) fn set_state(&mut self, state: &[T]) {
        self.set_part(self.head(), self.stride, state);
    }

    fn set_part(&mut self, from: usize, to: usize, values: &[T]) {
        if to > from {
            for (row, values) in self.data.chunks_exact_mut(self.stride).zip(values.chunks_exact(to - from)) {
                row[from..to].copy_from_slice(values);
            }
        }
    }

    /// State numbers a row.
    pub(crate) fn state_width(&self) -> usize {
        self.stride - self.head()
    }

    /// Gives the rows another optimizer's state.
    pub(crate) fn with_state(self, optimizer: Option<Optimizer>) -> Self {
        let state = optimizer.map_or(0, |o| o.row_state(self.dim));
        if state == 0 && self.state_width() == 0 {
            return self;
        }
        let (head, fill) = (self.head(), T::of(optimizer.map_or(0.0, Optimizer::initial_state)));
        let stride = head + state;
        let mut data = allocate(self.rows * stride, fill);
        if head > 0 {
            for (to, from) in data.chunks_exact_mut(stride).zip(self.data.chunks_exact(self.stride)) {
                to[..head].copy_from_slice(&from[..head]);
            }
        }
        EmbeddingTable { stride, data, ..self }
    }

    /// One optimizer step on rows: row i of `grads` moves row `rows[i]`. What is kept in bf16 is rounded with `random`.
    pub(crate) fn step(&mut self, rule: Rule<T>, rows: &[u32], grads: &[T], random: Stream) {
        match &mut self.half {
            None => step_rows(rule, &mut self.data, self.stride, self.dim, rows, grads),
            Some(half) => half::step(rule, half, &mut self.data, self.stride, self.dim, rows, grads, random),
        }
    }
}
