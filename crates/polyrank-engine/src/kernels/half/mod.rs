//! Products of numbers rounded to bf16, summed in fp32.
//!
//! A bf16 number is the upper half of an fp32 number: 8 bits of exponent, 7 of mantissa. Rounding is to the nearest, ties to
//! even; what is too small for a normal number becomes 0, as in the processors' instructions.
//!
//! Two steps of a chain of multiply-adds share 32 bits, a [`Pair`]: the first step's number above, the second's below. The
//! left operand of a product is rows of pairs ([`left`]), the right one blocks of 16 pairs × 16 columns ([`right`]), which
//! is what a tile register of AMX holds; both are padded with zeros to whole blocks of 32 steps.
//!
//! The order of sums. AVX-512's `vdpbf16ps` adds the upper products first, so its sums are those of the fp32 chain over
//! the rounded numbers, bit for bit (but for results too small for a normal number); every instruction set but AMX gives
//! the same. AMX's `tdpbf16ps` sums a block's upper products in one chain and its lower ones in another, and adds their
//! sum to the output's: other bits, equally near the truth.

pub(crate) mod left;
pub(crate) mod right;

use std::cell::RefCell;

use super::arena::{Mat, MatMut};
#[cfg(vectors)]
use super::avx512::pairs;
use super::buffer::Buffer;
use super::gemm::{Start, padded_columns, panels};
use super::gradient::Gradient;
use super::{Isa, simd};
use crate::real::Real;
pub(crate) use left::Left;

/// Two bf16 numbers of one row or column, of consecutive steps: the first above, the second (0 past the end) below.
pub(crate) type Pair = u32;

/// Pairs and columns of a block.
pub(crate) const BLOCK: usize = 16;

/// Blocks that `steps` steps of a chain take.
pub(crate) fn blocks(steps: usize) -> usize {
    steps.div_ceil(2 * BLOCK)
}

/// The nearest bf16 number, as the upper half of an fp32 number's bits.
#[inline(always)]
pub(crate) fn rounded_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    let exponent = bits & 0x7f80_0000;
    let nearest = if exponent == 0 { bits & 0x8000_0000 } else { nearest };
    if bits & 0x7fff_ffff > 0x7f80_0000 { bits & 0xffff_0000 | 0x0040_0000 } else { nearest }
}

/// The pair of two steps.
#[inline(always)]
pub(crate) fn pair(first: f32, second: f32) -> Pair {
    rounded_bits(first) | rounded_bits(second) >> 16
}

/// The number of the first step.
#[inline(always)]
pub(crate) fn first<T: Real>(pair: Pair) -> T {
    T::of_f32(f32::from_bits(pair & 0xffff_0000))
}

/// The number of the second step.
#[inline(always)]
pub(crate) fn second<T: Real>(pair: Pair) -> T {
    T::of_f32(f32::from_bits(pair << 16))
}

/// Operands that serve one product and are made anew for the next.
#[derive(Default)]
pub(crate) struct Buffers {
    pub(crate) left: Left,
    pub(crate) right: Buffer<Pair>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Runs `f` with this thread's buffers.
pub(crate) fn with<R>(f: impl FnOnce(&mut Buffers) -> R) -> R {
    BUFFERS.with_borrow_mut(f)
}

/// A number type with its products of numbers rounded to bf16.
pub(crate) trait HalfProducts: Copy + Sized {
    /// The rows of `a`: its columns are the steps.
    fn left(a: Mat<'_, Self>, out: &mut Left);

    /// The columns of `x`: its rows are the steps.
    fn left_turned(x: Mat<'_, Self>, out: &mut Left);

    /// Finishes the gradient and puts it as both products read it: the right operand of a weight's gradient and, if asked,
    /// the left one of the input's.
    fn gradient(dy: &mut Gradient<'_, Self>, left: Option<&mut Left>, right: &mut Buffer<Pair>);

    /// The columns of a packed matrix `[k, n]`: its rows are the steps.
    fn right_packed(packed: &[Self], k: usize, n: usize, out: &mut Buffer<Pair>);

    /// The first `rows` rows of a packed matrix `[k, n]`: its columns are the steps.
    fn right_packed_turned(packed: &[Self], k: usize, n: usize, rows: usize, out: &mut Buffer<Pair>);

    /// `c[r, j] = start + Σ a[r, p]·b[p, j]` over the steps p, then relu if asked; b has n = `c.width()` columns. Puts the
    /// rows of c as the next product reads them, if asked, as [`HalfProducts::left`] does.
    fn product_half(
        a: &Left,
        b: &[Pair],
        start: Start<'_, Self>,
        relu: bool,
        c: &mut MatMut<'_, Self>,
        next: Option<&mut Left>,
    );
}

/// `dw[i, j] (+)= Σ_r x[r, i]·dy[r, j]`: x from [`HalfProducts::left_turned`], dy, of n columns, from
/// [`HalfProducts::gradient`]; dw is packed.
pub(crate) fn outer<T: Real>(x: &Left, dy: &[Pair], n: usize, dw: &mut [T], accumulate: bool) {
    let (rows, start) = (x.rows(), if accumulate { Start::Output } else { Start::Zero });
    assert_eq!(dw.len(), rows * padded_columns(n), "packed gradient of an outer product");
    let column = blocks(x.steps()) * BLOCK;
    for panel in panels(rows, n) {
        let block = &mut dw[panel.offset..][..rows * panel.padded];
        let right = &dy[panel.column * column..][..panel.padded * column];
        T::product_half(x, right, start, false, &mut MatMut::of(block, rows, panel.padded), None);
    }
}

/// As [`HalfProducts::gradient`], one thing after the other.
pub(crate) fn gradient<T: Real>(dy: &mut Gradient<'_, T>, left: Option<&mut Left>, right: &mut Buffer<Pair>) {
    let dy = dy.finish();
    right::of_columns(dy, right);
    if let Some(left) = left {
        left::of_rows(dy, left);
    }
}

/// By the number type's own products, of rounded numbers. What pads an odd chain counts, as in every kernel: it makes +0
/// of a sum of −0.
pub(crate) fn product<T: Real>(a: &Left, b: &[Pair], start: Start<'_, T>, relu: bool, c: &mut MatMut<'_, T>) {
    let k = a.steps().next_multiple_of(2);
    let (numbers, weights) = (left::spread(a, k), right::spread(b, k, c.width()));
    T::product(Mat::of(&numbers, a.rows(), k), &weights, start, relu, c);
}

impl HalfProducts for f32 {
    fn left(a: Mat<'_, f32>, out: &mut Left) {
        match Isa::current() {
            // SAFETY: the processor has AVX-512 with bf16.
            #[cfg(vectors)]
            Isa::Avx512Bf16 | Isa::Amx => unsafe { pairs::left(a, out) },
            _ => left::of_rows(a, out),
        }
    }

    fn left_turned(x: Mat<'_, f32>, out: &mut Left) {
        match Isa::current() {
            // SAFETY: the processor has AVX-512 with bf16.
            #[cfg(vectors)]
            Isa::Avx512Bf16 | Isa::Amx => unsafe { pairs::left_turned(x, out) },
            _ => left::of_columns(x, out),
        }
    }

    fn gradient(dy: &mut Gradient<'_, f32>, left: Option<&mut Left>, right: &mut Buffer<Pair>) {
        match Isa::current() {
            // SAFETY: the processor has AVX-512 with bf16.
            #[cfg(vectors)]
            Isa::Avx512Bf16 | Isa::Amx => unsafe { pairs::gradient(dy, left, right) },
            _ => gradient(dy, left, right),
        }
    }

    fn right_packed(packed: &[f32], k: usize, n: usize, out: &mut Buffer<Pair>) {
        match Isa::current() {
            // SAFETY: the processor has AVX-512 with bf16.
            #[cfg(vectors)]
            Isa::Avx512Bf16 | Isa::Amx => unsafe { pairs::right_packed(packed, k, n, out) },
            _ => right::of_packed(packed, k, n, out),
        }
    }

    fn right_packed_turned(packed: &[f32], k: usize, n: usize, rows: usize, out: &mut Buffer<Pair>) {
        match Isa::current() {
            // SAFETY: the processor has AVX-512 with bf16.
            #[cfg(vectors)]
            Isa::Avx512Bf16 | Isa::Amx => unsafe { pairs::right_packed_turned(packed, k, n, rows, out) },
            _ => right::of_packed_turned(packed, k, n, rows, out),
        }
    }

    fn product_half(
        a: &Left,
        b: &[Pair],
        start: Start<'_, f32>,
        relu: bool,
        c: &mut MatMut<'_, f32>,
        next: Option<&mut Left>,
    ) {
        check(a, b.len(), &start, c);
        match Isa::current() {
            #[cfg(vectors)]
            Isa::Amx => return super::amx::product(a, b, start, relu, c, next),
            #[cfg(vectors)]
            Isa::Avx512Bf16 => super::avx512::product_half(a, b, start, relu, c),
            #[cfg(vectors)]
            Isa::Avx2 => super::avx2::product_half(a, b, start, relu, c),
            _ => product(a, b, start, relu, c),
        }
        if let Some(next) = next {
            f32::left(c.as_mat(), next);
        }
    }
}

impl HalfProducts for f64 {
    fn left(a: Mat<'_, f64>, out: &mut Left) {
        left::of_rows(a, out);
    }

    fn left_turned(x: Mat<'_, f64>, out: &mut Left) {
        left::of_columns(x, out);
    }

    fn gradient(dy: &mut Gradient<'_, f64>, left: Option<&mut Left>, right: &mut Buffer<Pair>) {
        gradient(dy, left, right);
    }

    fn right_packed(packed: &[f64], k: usize, n: usize, out: &mut Buffer<Pair>) {
        right::of_packed(packed, k, n, out);
    }

    fn right_packed_turned(packed: &[f64], k: usize, n: usize, rows: usize, out: &mut Buffer<Pair>) {
        right::of_packed_turned(packed, k, n, rows, out);
    }

    fn product_half(
        a: &Left,
        b: &[Pair],
        start: Start<'_, f64>,
        relu: bool,
        c: &mut MatMut<'_, f64>,
        next: Option<&mut Left>,
    ) {
        check(a, b.len(), &start, c);
        product(a, b, start, relu, c);
        if let Some(next) = next {
            f64::left(c.as_mat(), next);
        }
    }
}

// The vector kernels read through raw pointers: these checks are what makes them sound.
fn check<T: Copy>(a: &Left, b_len: usize, start: &Start<'_, T>, c: &MatMut<'_, T>) {
    assert_eq!(b_len, right::pairs(a.steps(), c.width()), "packed pairs of a product");
    assert_eq!(a.rows(), c.rows(), "rows of a product");
    if let Start::Bias(bias) = start {
        assert!(bias.len() >= padded_columns(c.width()), "bias of a product");
    }
}

simd! {
    /// The pairs of two lines of numbers, the second's past its end being 0.
    fn pair_lines<T: Real>(above: &[T], below: &[T], out: &mut [Pair]) {
        let (both, rest) = out.split_at_mut(below.len().min(above.len()));
        for ((out, above), below) in both.iter_mut().zip(above).zip(below) {
            *out = pair(above.f32(), below.f32());
        }
        for (out, above) in rest.iter_mut().zip(above.iter().skip(below.len())) {
            *out = rounded_bits(above.f32());
        }
    }
}

/// The pairs of rows 2p and 2p + 1 of `rows`, which `row` gives; zeros where there are none.
fn pair_rows<'a, T: Real>(rows: usize, p: usize, row: impl Fn(usize) -> &'a [T], out: &mut [Pair]) {
    match (2 * p < rows, 2 * p + 1 < rows) {
        (true, true) => pair_lines(row(2 * p), row(2 * p + 1), out),
        (true, false) => pair_lines(row(2 * p), &[], out),
        _ => out.fill(0),
    }
}

simd! {
    /// The pairs of neighbours of a line.
    fn pair_neighbours<T: Real>(line: &[T], out: &mut [Pair]) {
        // Blocks of a fixed length become shuffles of vectors.
        let (blocks, rest) = line.as_chunks::<{ 2 * BLOCK }>();
        let (whole, _) = out.as_chunks_mut::<BLOCK>();
        for (out, block) in whole.iter_mut().zip(blocks) {
            for i in 0..BLOCK {
                out[i] = pair(block[2 * i].f32(), block[2 * i + 1].f32());
            }
        }
        for (out, two) in out[blocks.len() * BLOCK..].iter_mut().zip(rest.chunks(2)) {
            *out = pair(two[0].f32(), two.get(1).map_or(0.0, |x| x.f32()));
        }
    }
}
