//! The parameters of all layers in one flat buffer, matrices packed into panels.

use std::ops::Range;

use crate::graph::{Init, Param, ParamDecl, Shape};
use crate::kernels::buffer::Buffer;
use crate::kernels::gemm;
use crate::kernels::half::Pair;
use crate::kernels::simd;
use crate::real::Real;
use crate::rng::{Purpose, Stream};

/// All parameters. A matrix lies packed (see [`gemm`]); a vector is padded with zeros like a panel's row. Padding has
/// zero gradient, so it stays zero.
#[derive(Debug, Clone)]
pub(crate) struct Params<T> {
    pub(crate) values: Buffer<T>,
    slots: Vec<Slot>,
    copies: Vec<Copies<T>>,
    /// Whether the transposes are those of the values.
    turned: bool,
}

/// Where a parameter lies: in some columns, mostly all, of a stored matrix or vector.
#[derive(Debug, Clone)]
struct Slot {
    span: Range<usize>,
    stored: Shape,
    columns: Range<usize>,
    /// The first of the parameters that lie there.
    first: usize,
}

impl Slot {
    /// The parameter's numbers, row-major.
    fn read<T: Real>(&self, buffer: &[T]) -> Vec<T> {
        let stored = &buffer[self.span.clone()];
        match self.stored {
            Shape::Matrix(k, n) => gemm::unpack(stored, k, n, &self.columns),
            Shape::Vector(_) => stored[self.columns.clone()].to_vec(),
        }
    }

    fn write<T: Real>(&self, buffer: &mut [T], values: &[T]) {
        let stored = &mut buffer[self.span.clone()];
        match self.stored {
            Shape::Matrix(k, n) => gemm::pack(values, k, n, &self.columns, stored),
            Shape::Vector(_) => stored[self.columns.clone()].copy_from_slice(values),
        }
    }
}

/// Where all parameters lie, one after the other but for those that lie `beside` each other.
fn slots(decls: &[ParamDecl], beside: &[Vec<Param>]) -> Vec<Slot> {
    let mut slots: Vec<Option<Slot>> = vec![None; decls.len()];
    let mut end = 0;
    for i in 0..decls.len() {
        if slots[i].is_some() {
            continue;
        }
        let alone = vec![Param(i)];
        let group = beside.iter().find(|group| group.contains(&Param(i))).unwrap_or(&alone);
        let all = group.iter().map(|param| decls[param.0].shape.columns()).sum();
        let stored = match decls[i].shape {
            Shape::Matrix(k, _) => Shape::Matrix(k, all),
            Shape::Vector(_) => Shape::Vector(all),
        };
        let span = end..end + room(stored);
        end = span.end;
        let mut from = 0;
        for param in group {
            let columns = from..from + decls[param.0].shape.columns();
            from = columns.end;
            slots[param.0] = Some(Slot { span: span.clone(), stored, columns, first: group[0].0 });
        }
    }
    slots.into_iter().flatten().collect()
}

/// What products read instead of a matrix's numbers; made anew when those change.
#[derive(Debug, Clone)]
struct Copies<T> {
    /// Whether products are of numbers rounded to bf16.
    half: bool,
    /// The transpose, packed, of a matrix through which a gradient passes in fp32, as far as one is wanted; empty otherwise.
    transposed: Buffer<T>,
    /// A rounded matrix's pairs; empty in fp32.
    pairs: Buffer<Pair>,
    /// The pairs of the transpose of a rounded matrix through which a gradient passes; empty otherwise.
    transposed_pairs: Buffer<Pair>,
}

impl<T: Real> Copies<T> {
    /// Those of a matrix that only forward products read.
    fn of(half: bool) -> Copies<T> {
        Copies { half, transposed: Buffer::new(), pairs: Buffer::new(), transposed_pairs: Buffer::new() }
    }

    /// The pairs of the packed matrix `[k, n]`, if products are of those, and of the transpose of its first `turned` rows.
    fn round(&mut self, matrix: &[T], k: usize, n: usize, turned: Option<usize>) {
        if self.half {
            T::right_packed(matrix, k, n, &mut self.pairs);
            if let Some(rows) = turned {
                T::right_packed_turned(matrix, k, n, rows, &mut self.transposed_pairs);
            }
        }
    }
}

/// A matrix through which a gradient passes back, and how many of its rows that takes: columns of the input's gradient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turned {
    pub(crate) matrix: Param,
    pub(crate) rows: usize,
}

/// The transpose of the first `rows` rows of a packed matrix `[k, n]`, packed.
fn transpose<T: Real>(matrix: &[T], k: usize, n: usize, rows: usize, out: &mut Buffer<T>) {
    out.resize(n * gemm::padded_columns(rows));
    T::pack_transpose(matrix, k, n, rows, out);
}

/// How many rows of a parameter are turned, if any.
fn turned(all: &[Turned], param: Param) -> Option<usize> {
    all.iter().find(|turned| turned.matrix == param).map(|turned| turned.rows)
}

/// Numbers that a stored parameter takes.
fn room(shape: Shape) -> usize {
    match shape {
        Shape::Matrix(k, n) => k * gemm::padded_columns(n),
        Shape::Vector(n) => gemm::padded_columns(n),
    }
}

impl<T: Real> Params<T> {
    /// Parameters at their initial values; those of each list in `beside` lie side by side in one matrix or vector, and
    /// products of those in `rounded` are of bf16.
    pub(crate) fn new(decls: &[ParamDecl], beside: &[Vec<Param>], rounded: &[Param], seed: u64) -> Params<T> {
        let slots = slots(decls, beside);
        let end = slots.iter().map(|slot| slot.span.end).max().unwrap_or(0);
        let copies = (0..decls.len()).map(|i| Copies::of(rounded.contains(&Param(i)))).collect();
        let mut params = Params { values: Buffer::zeros(end), slots, copies, turned: false };
        for (i, decl) in decls.iter().enumerate() {
            let mut values = vec![T::ZERO; decl.shape.len()];
            draw(decl.init, Stream::new(seed, Purpose::Init, i as u64, 0), 0, &mut values);
            params.set(Param(i), &values);
        }
        params
    }

    /// Where a parameter lies, with those beside it.
    pub(crate) fn span(&self, param: Param) -> Range<usize> {
        self.slots[param.0].span.clone()
    }

    /// Whether a parameter is the one that stands for all that lie where it does.
    pub(crate) fn is_first(&self, param: Param) -> bool {
        self.slots[param.0].first == param.0
    }

    /// The parts of a matrix and of a vector, without its padding, of a buffer of the same layout.
    pub(crate) fn parts<'b>(
        &self,
        buffer: &'b mut [T],
        matrix: Param,
        vector: Option<Param>,
    ) -> (&'b mut [T], Option<&'b mut [T]>) {
        let Some(vector) = vector else { return (&mut buffer[self.span(matrix)], None) };
        let columns = self.slots[vector.0].stored.len();
        match buffer.get_disjoint_mut([self.span(matrix), self.span(vector)]) {
            Ok([matrix, vector]) => (matrix, Some(&mut vector[..columns])),
            Err(_) => unreachable!("parameters lie beside each other"),
        }
    }

    /// A parameter as stored, with those beside it: packed or padded.
    pub(crate) fn get(&self, param: Param) -> &[T] {
        &self.values[self.span(param)]
    }

    /// A vector parameter without its padding.
    pub(crate) fn vector(&self, param: Param) -> &[T] {
        let Slot { span, columns, .. } = &self.slots[param.0];
        &self.values[span.start + columns.start..][..columns.len()]
    }

    /// The packed transpose of a matrix's first `rows` rows: that of [`Params::turn`], or made now in `own`.
    pub(crate) fn transposed<'a>(&'a self, param: Param, rows: usize, own: &'a mut Buffer<T>) -> &'a [T] {
        let Slot { span, stored: Shape::Matrix(k, n), .. } = &self.slots[param.0] else { return &[] };
        if self.turned {
            return &self.copies[param.0].transposed;
        }
        // The buffer has seen other matrices: what pads the columns must be zeros.
        own.clear();
        transpose(&self.values[span.clone()], *k, *n, rows, own);
        own
    }

    /// The pairs of a matrix whose products are of bf16.
    pub(crate) fn pairs(&self, param: Param) -> &[Pair] {
        &self.copies[param.0].pairs
    }

    /// The pairs of its transpose.
    pub(crate) fn transposed_pairs(&self, param: Param) -> &[Pair] {
        &self.copies[param.0].transposed_pairs
    }

    /// Rounds all matrices anew that are multiplied rounded, the given ones transposed too, after numbers changed.
    pub(crate) fn refresh(&mut self, transposed: &[Turned]) {
        self.turned = false;
        self.each_matrix(|i, copies, matrix, k, n| copies.round(matrix, k, n, turned(transposed, Param(i))));
    }

    /// Transposes the given matrices that are not multiplied rounded, unless that is done.
    pub(crate) fn turn(&mut self, transposed: &[Turned]) {
        if !std::mem::replace(&mut self.turned, true) {
            self.each_matrix(|i, copies, matrix, k, n| match turned(transposed, Param(i)) {
                Some(rows) if !copies.half => transpose(matrix, k, n, rows, &mut copies.transposed),
                _ => {}
            });
        }
    }

    /// Calls `f` with every matrix `[k, n]`, its first parameter's number and its copies, on the current rayon pool.
    fn each_matrix(&mut self, f: impl Fn(usize, &mut Copies<T>, &[T], usize, usize) + Sync) {
        use rayon::prelude::*;
        let Params { values, slots, copies, .. } = self;
        let (values, slots) = (&*values, &*slots);
        copies.par_iter_mut().enumerate().for_each(|(i, copies)| match &slots[i] {
            Slot { span, stored: Shape::Matrix(k, n), first, .. } if *first == i => {
                f(i, copies, &values[span.clone()], *k, *n);
            }
            _ => {}
        });
    }

    /// A parameter as a file states it: row-major, no padding.
    pub(crate) fn export(&self, param: Param) -> Vec<T> {
        self.slots[param.0].read(&self.values)
    }

    /// Sets a parameter from row-major numbers; the caller has checked their count.
    pub(crate) fn set(&mut self, param: Param, values: &[T]) {
        self.turned = false;
        let slot = &self.slots[param.0];
        slot.write(&mut self.values, values);
        if let Shape::Matrix(k, n) = slot.stored {
            self.copies[slot.first].round(&self.values[slot.span.clone()], k, n, None);
        }
    }

    /// The gradient or state that corresponds to a parameter, from a buffer of the same layout, row-major.
    pub(crate) fn export_from(&self, buffer: &[T], param: Param) -> Vec<T> {
        self.slots[param.0].read(buffer)
    }

    /// Sets what corresponds to a parameter in a buffer of the same layout.
    pub(crate) fn set_in(&self, buffer: &mut [T], param: Param, values: &[T]) {
        self.slots[param.0].write(buffer, values);
    }
}

simd! {
    /// The initial values from a position on.
    pub(crate) fn draw<T: Real>(init: Init, stream: Stream, first: u64, out: &mut [T]) {
        let places = (first..).zip(out);
        match init {
            Init::Constant(v) => places.for_each(|(_, out)| *out = T::of(v)),
            Init::Uniform(limit) => {
                places.for_each(|(i, out)| *out = T::of((2.0 * stream.uniform(i) - 1.0) * limit));
            }
            Init::Normal(std) => places.for_each(|(i, out)| *out = T::of(f64::from(stream.normal(i)) * std)),
            Init::Apart { at, value, others } => {
                places.for_each(|(i, out)| *out = T::of(if i == at as u64 { value } else { others }));
            }
        }
    }
}
