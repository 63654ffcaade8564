//! Every vector kernel against its portable twin, bit for bit, and against plain loops in f64.

use proptest::prelude::*;

use super::arena::{Area, Arena, Mat, MatMut, Place, View};
use super::buffer::Buffer;
use super::gemm::whole::{pack, unpack};
use super::gemm::{self, Products, SIDE, Square, Start, padded_columns};
use super::gradient::Gradient;
use super::half::{HalfProducts, Left};
use super::{Isa, half, portable};
use crate::real::Real;
use crate::rng::{Purpose, Stream};

/// What lies around a matrix in its buffer: a kernel that writes outside its columns is caught.
const GUARD: f32 = 77.0;

fn numbers(seed: u64, thing: u64, n: usize) -> Vec<f32> {
    let stream = Stream::new(seed, Purpose::Init, thing, 0);
    (0..n as u64).map(|i| (2.0 * stream.uniform(i) - 1.0) as f32).collect()
}

/// A matrix inside a wider buffer, as a concat's input is.
struct Strided {
    arena: Arena<f32>,
    whole: Place,
    place: Place,
    rows: usize,
}

impl Strided {
    fn new(rows: usize, width: usize, column: usize, values: &[f32]) -> Strided {
        let ld = (column + width + 3).div_ceil(16) * 16;
        let mut arena = Arena::new(rows + 2, [0, ld]);
        let whole = Place { area: Area::Passing, start: 0, ld, column: 0, width: ld, most: 1 };
        let place = Place { area: Area::Passing, start: 0, ld, column, width, most: 1 };
        {
            let (_, mut writes) = arena.borrow([], [View { place: whole, rows: rows + 2 }]);
            for r in 0..rows + 2 {
                writes[0].row_mut(r).fill(GUARD);
            }
            for r in 0..rows {
                writes[0].row_mut(r)[column..column + width].copy_from_slice(&values[r * width..][..width]);
            }
        }
        Strided { arena, whole, place, rows }
    }

    fn read<R>(&mut self, f: impl FnOnce(Mat<'_, f32>) -> R) -> R {
        let (reads, _) = self.arena.borrow([View { place: self.place, rows: self.rows }], []);
        f(reads[0])
    }

    fn write(&mut self, f: impl FnOnce(&mut MatMut<'_, f32>)) {
        let (_, mut writes) = self.arena.borrow([], [View { place: self.place, rows: self.rows }]);
        f(&mut writes[0]);
    }

    /// The matrix; fails if anything around it has changed.
    fn checked(&mut self) -> Vec<f32> {
        let (reads, _) = self.arena.borrow([View { place: self.whole, rows: self.rows + 2 }], []);
        let mut out = Vec::new();
        for r in 0..self.rows + 2 {
            let row = reads[0].row(r);
            let (from, to) = (self.place.column, self.place.column + self.place.width);
            let outside = if r < self.rows { [&row[..from], &row[to..]] } else { [row, &[]] };
            assert!(outside.iter().all(|part| part.iter().all(|&v| v == GUARD)), "wrote outside the matrix in row {r}");
            if r < self.rows {
                out.extend_from_slice(&row[from..to]);
            }
        }
        out
    }
}

type ProductFn = fn(Mat<'_, f32>, &[f32], Start<'_, f32>, bool, &mut MatMut<'_, f32>);
type HalfProductFn = fn(&Left, &[half::Pair], Start<'_, f32>, bool, &mut MatMut<'_, f32>);
type OuterFn = fn(Mat<'_, f32>, &mut Gradient<'_, f32>, &mut [f32], bool);

/// The kernels that this machine can run, the portable ones first.
fn kernels() -> Vec<(Isa, ProductFn, OuterFn)> {
    #[allow(unused_mut, reason = "other processors have the portable kernels alone")]
    let mut all: Vec<(Isa, ProductFn, OuterFn)> = vec![(Isa::Portable, portable::product, |x, dy, dw, accumulate| {
        portable::outer(x, dy.finish(), dw, accumulate);
    })];
    #[cfg(vectors)]
    {
        if Isa::detect() >= Isa::Avx2 {
            all.push((Isa::Avx2, super::avx2::product, super::avx2::outer));
        }
        if Isa::detect() >= Isa::Avx512 {
            all.push((Isa::Avx512, super::avx512::product, super::avx512::outer));
        }
    }
    all
}

/// [`kernels`] of numbers rounded to bf16, each beside the plain loops whose bits it must give.
fn half_kernels() -> Vec<(Isa, HalfProductFn, HalfProductFn)> {
    #[allow(unused_mut, reason = "other processors have the portable kernels alone")]
    let mut all: Vec<(Isa, HalfProductFn, HalfProductFn)> = vec![(Isa::Portable, half::product, in_one_chain)];
    #[cfg(vectors)]
    {
        if Isa::detect() >= Isa::Avx2 {
            all.push((Isa::Avx2, super::avx2::product_half, in_one_chain));
        }
        if Isa::detect() >= Isa::Avx512Bf16 {
            all.push((Isa::Avx512Bf16, super::avx512::product_half, in_one_chain));
        }
        if Isa::detect() >= Isa::Amx {
            all.push((Isa::Amx, |a, b, start, relu, c| super::amx::product(a, b, start, relu, c, None), in_blocks));
        }
    }
    all
}

/// Each sum in one chain of fused multiply-adds.
fn in_one_chain(a: &Left, b: &[half::Pair], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    plain(a, b, start, relu, c, |sum, pairs| {
        pairs.fold(sum, |sum, ((x, x_below), (y, y_below))| x_below.mul_add(y_below, x.mul_add(y, sum)))
    });
}

/// Each block's upper numbers in one chain, its lower ones in another, and their sum added: what AMX does.
fn in_blocks(a: &Left, b: &[half::Pair], start: Start<'_, f32>, relu: bool, c: &mut MatMut<'_, f32>) {
    plain(a, b, start, relu, c, |sum, pairs| {
        let all: Vec<_> = pairs.collect();
        all.chunks(half::BLOCK).fold(sum, |sum, block| {
            let upper = block.iter().fold(0.0f32, |sum, ((x, _), (y, _))| x.mul_add(*y, sum));
            let lower = block.iter().fold(0.0f32, |sum, ((_, x), (_, y))| x.mul_add(*y, sum));
            sum + (upper + lower)
        })
    });
}

/// Both numbers of a pair.
fn both(pair: half::Pair) -> (f32, f32) {
    (half::first(pair), half::second(pair))
}

type BothPairs = ((f32, f32), (f32, f32));

/// A product of which `chain` adds all pairs of one sum.
fn plain(
    a: &Left,
    b: &[half::Pair],
    start: Start<'_, f32>,
    relu: bool,
    c: &mut MatMut<'_, f32>,
    chain: impl Fn(f32, &mut dyn Iterator<Item = BothPairs>) -> f32,
) {
    let height = half::blocks(a.steps()) * half::BLOCK;
    for r in 0..c.rows() {
        for j in 0..c.width() {
            let begin = match start {
                Start::Zero => 0.0,
                Start::Bias(bias) => bias[j],
                Start::Output => c.row(r)[j],
            };
            let column = b[j / half::BLOCK * half::BLOCK * height..].iter().skip(j % half::BLOCK).step_by(half::BLOCK);
            let sum = chain(begin, &mut a.row(r).iter().zip(column).map(|(x, y)| (both(*x), both(*y))));
            c.row_mut(r)[j] = if relu { sum.relu() } else { sum };
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn check_product(rows: usize, k: usize, n: usize, columns: (usize, usize), start: u8, relu: bool, seed: u64) {
    let (a, b) = (numbers(seed, 0, rows * k), numbers(seed, 1, k * n));
    let (mut bias, before) = (numbers(seed, 2, n), numbers(seed, 3, rows * n));
    bias.resize(padded_columns(n), 0.0);
    let mut packed = vec![0.0; k * padded_columns(n)];
    pack(&b, k, n, &mut packed);
    let chosen = || match start {
        0 => Start::Zero,
        1 => Start::Bias(&bias),
        _ => Start::Output,
    };
    let mut x = Strided::new(rows, k, columns.0, &a);
    let mut outputs = Vec::new();
    for (isa, product, _) in kernels() {
        let mut y = Strided::new(rows, n, columns.1, &before);
        x.read(|x| y.write(|y| product(x, &packed, chosen(), relu, y)));
        outputs.push((isa, y.checked()));
    }
    for (isa, output) in &outputs {
        assert_eq!(bits(output), bits(&outputs[0].1), "{isa:?} [{rows}, {k}] x [{k}, {n}]");
    }
    for r in 0..rows {
        for j in 0..n {
            let mut sum = match start {
                0 => 0.0,
                1 => f64::from(bias[j]),
                _ => f64::from(before[r * n + j]),
            };
            for p in 0..k {
                sum += f64::from(a[r * k + p]) * f64::from(b[p * n + j]);
            }
            let expected = if relu { sum.max(0.0) } else { sum };
            let got = f64::from(outputs[0].1[r * n + j]);
            assert!((got - expected).abs() < 1e-5 * (1.0 + k as f64 / 8.0), "[{r}, {j}]: {got} for {expected}");
        }
    }
}

fn check_outer(rows: usize, k: usize, n: usize, columns: (usize, usize), accumulate: bool, seed: u64) {
    let (x, dy) = (numbers(seed, 0, rows * k), numbers(seed, 1, rows * n));
    let before = numbers(seed, 2, k * n);
    let mut packed = vec![0.0; k * padded_columns(n)];
    pack(&before, k, n, &mut packed);
    let (mut xs, mut dys) = (Strided::new(rows, k, columns.0, &x), Strided::new(rows, n, columns.1, &dy));
    let mut outputs = Vec::new();
    for (isa, _, outer) in kernels() {
        let mut dw = packed.clone();
        if !accumulate {
            // What an earlier batch left must not show.
            dw.fill(3.0);
        }
        xs.read(|x| dys.write(|dy| outer(x, &mut Gradient::plain(dy), &mut dw, accumulate)));
        outputs.push((isa, dw));
    }
    for (isa, output) in &outputs {
        assert_eq!(bits(output), bits(&outputs[0].1), "{isa:?} [{rows}, {k}]' x [{rows}, {n}]");
    }
    // Padding stays zero: clipping norms and optimizers walk over it.
    let plain = unpack(&outputs[0].1, k, n);
    let mut repacked = vec![0.0; packed.len()];
    pack(&plain, k, n, &mut repacked);
    assert_eq!(bits(&repacked), bits(&outputs[0].1), "padding of [{k}, {n}]");
    for i in 0..k {
        for j in 0..n {
            let mut sum = if accumulate { f64::from(before[i * n + j]) } else { 0.0 };
            for r in 0..rows {
                sum += f64::from(x[r * k + i]) * f64::from(dy[r * n + j]);
            }
            let got = f64::from(plain[i * n + j]);
            assert!((got - sum).abs() < 1e-5 * (1.0 + rows as f64 / 8.0), "[{i}, {j}]: {got} for {sum}");
        }
    }
}

/// The nearest bf16 number, found by comparing distances.
fn nearest_half(x: f32) -> f32 {
    let below = f32::from_bits(x.to_bits() & 0xffff_0000);
    let above = f32::from_bits((x.to_bits() & 0xffff_0000).wrapping_add(0x1_0000));
    let (down, up) = (f64::from(x) - f64::from(below), f64::from(above) - f64::from(x));
    let even = below.to_bits() >> 16 & 1 == 0;
    let nearest = if down.abs() < up.abs() || (down.abs() == up.abs() && even) { below } else { above };
    if x.abs() < f32::MIN_POSITIVE { 0.0f32.copysign(x) } else { nearest }
}

/// In bf16: every kernel gives the bits of its plain loops, which are near the sums of rounded numbers in f64.
fn check_half_product(rows: usize, k: usize, n: usize, columns: (usize, usize), start: u8, relu: bool, seed: u64) {
    let (a, b) = (numbers(seed, 0, rows * k), numbers(seed, 1, k * n));
    let (mut bias, before) = (numbers(seed, 2, n), numbers(seed, 3, rows * n));
    bias.resize(padded_columns(n), 0.0);
    let mut packed = vec![0.0; k * padded_columns(n)];
    pack(&b, k, n, &mut packed);
    let (mut left, mut right) = (Left::default(), Buffer::new());
    Strided::new(rows, k, columns.0, &a).read(|a| f32::left(a, &mut left));
    f32::right_packed(&packed, k, n, &mut right);
    let chosen = || match start {
        0 => Start::Zero,
        1 => Start::Bias(&bias),
        _ => Start::Output,
    };
    // Beside the output, what the next product reads of it.
    let (mut next, mut expected) = (Left::default(), Left::default());
    let mut y = Strided::new(rows, n, columns.1, &before);
    y.write(|y| f32::product_half(&left, &right, chosen(), relu, y, Some(&mut next)));
    y.read(|y| f32::left(y, &mut expected));
    let lines = |left: &Left| (0..rows).map(|r| left.row(r).to_vec()).collect::<Vec<_>>();
    assert_eq!((next.rows(), next.steps(), lines(&next)), (rows, n, lines(&expected)), "[{rows}, {k}] x [{k}, {n}]");
    let rounded = y.checked();
    for (isa, product, twin) in half_kernels() {
        let mut y = Strided::new(rows, n, columns.1, &before);
        y.write(|y| product(&left, &right, chosen(), relu, y));
        let mut expected = before.clone();
        twin(&left, &right, chosen(), relu, &mut MatMut::of(&mut expected, rows, n));
        let y = y.checked();
        assert_eq!(bits(&y), bits(&expected), "{isa:?} [{rows}, {k}] x [{k}, {n}] in bf16");
        if isa == Isa::current() {
            assert_eq!(bits(&y), bits(&rounded), "{isa:?} [{rows}, {k}] x [{k}, {n}] in bf16, and rounded");
        }
        for (i, got) in y.iter().enumerate() {
            let (r, j) = (i / n, i % n);
            let begin = [0.0, bias[j], before[i]][usize::from(start)];
            let each = (0..k).map(|p| f64::from(nearest_half(a[r * k + p])) * f64::from(nearest_half(b[p * n + j])));
            let sum = f64::from(begin) + each.sum::<f64>();
            let near = if relu { sum.max(0.0) } else { sum };
            assert!(
                (f64::from(*got) - near).abs() < 1e-5 * (1.0 + k as f64 / 8.0),
                "{isa:?} [{r}, {j}]: {got} for {near}"
            );
        }
    }
}

fn check_half_outer(rows: usize, k: usize, n: usize, columns: (usize, usize), accumulate: bool, seed: u64) {
    let (x, dy) = (numbers(seed, 0, rows * k), numbers(seed, 1, rows * n));
    let mut before = vec![0.0; k * padded_columns(n)];
    pack(&numbers(seed, 2, k * n), k, n, &mut before);
    let (mut left, mut right) = (Left::default(), Buffer::new());
    Strided::new(rows, k, columns.0, &x).read(|x| f32::left_turned(x, &mut left));
    Strided::new(rows, n, columns.1, &dy).write(|dy| f32::gradient(&mut Gradient::plain(dy), None, &mut right));
    let mut dw = before.clone();
    half::outer(&left, &right, n, &mut dw, accumulate);
    let (_, _, twin) = half_kernels().into_iter().rfind(|(isa, ..)| *isa <= Isa::current()).unwrap();
    let mut expected = if accumulate { unpack(&before, k, n) } else { vec![0.0; k * n] };
    twin(&left, &right, Start::Output, false, &mut MatMut::of(&mut expected, k, n));
    assert_eq!(bits(&unpack(&dw, k, n)), bits(&expected), "[{rows}, {k}]' x [{rows}, {n}] in bf16");
    let mut repacked = vec![0.0; dw.len()];
    pack(&expected, k, n, &mut repacked);
    assert_eq!(bits(&repacked), bits(&dw), "padding of [{k}, {n}]");
}

/// Rounded operands are the same whoever makes them, and what their layout says.
fn check_operands(rows: usize, width: usize, column: usize, seed: u64) {
    let x = numbers(seed, 0, rows * width);
    let mut packed = vec![0.0; rows * padded_columns(width)];
    pack(&x, rows, width, &mut packed);
    let at = |r: usize, c: usize| if r < rows && c < width { x[r * width + c] } else { 0.0 };
    let across = |r: usize, p: usize| half::pair(at(r, 2 * p), at(r, 2 * p + 1));
    let down = |c: usize, p: usize| half::pair(at(2 * p, c), at(2 * p + 1, c));
    let mut strided = Strided::new(rows, width, column, &x);
    strided.read(|x| {
        type LeftFn = fn(Mat<'_, f32>, &mut Left);
        let each: [(LeftFn, usize, &dyn Fn(usize, usize) -> half::Pair); 4] = [
            (f32::left, rows, &across),
            (half::left::of_rows, rows, &across),
            (f32::left_turned, width, &down),
            (half::left::of_columns, width, &down),
        ];
        for (make, lines, expected) in each {
            let mut left = Left::default();
            // What an earlier use left must not show.
            make(Mat::of(&[GUARD; 40 * 40], 40, 40), &mut left);
            make(x, &mut left);
            assert_eq!((left.rows(), left.steps()), (lines, rows + width - lines));
            for line in 0..lines {
                for (p, pair) in left.row(line).iter().enumerate() {
                    assert_eq!(*pair, expected(line, p), "row {line}, pair {p}");
                }
            }
        }
        let check_right = |right: &[half::Pair], k: usize, expected: &dyn Fn(usize, usize) -> half::Pair| {
            let height = half::blocks(k) * half::BLOCK;
            assert_eq!(right.len(), half::right::pairs(k, rows + width - k));
            for (i, pair) in right.iter().enumerate() {
                let (block, p, c) = (i / (half::BLOCK * height), i / half::BLOCK % height, i % half::BLOCK);
                assert_eq!(*pair, expected(block * half::BLOCK + c, p), "pair {i}");
            }
        };
        let mut right = Buffer::of(5000, 7);
        half::right::of_columns(x, &mut right);
        check_right(&right, rows, &down);
        for make in [f32::right_packed, half::right::of_packed] {
            let mut right = Buffer::of(5000, 7);
            make(&packed, rows, width, &mut right);
            check_right(&right, rows, &down);
        }
        for make in [f32::right_packed_turned, half::right::of_packed_turned] {
            let mut right = Buffer::of(5000, 7);
            make(&packed, rows, width, rows, &mut right);
            check_right(&right, width, &across);
            // Those of the first rows alone: the operand of a matrix that ends there.
            let few = rows.div_ceil(2);
            let (mut part, mut expected) = (Buffer::of(5000, 7), Buffer::of(5000, 9));
            make(&packed, rows, width, few, &mut part);
            let mut shorter = vec![GUARD; few * padded_columns(width)];
            pack(&unpack(&packed, rows, width)[..few * width], few, width, &mut shorter);
            half::right::of_packed_turned(&shorter, few, width, few, &mut expected);
            assert_eq!(part[..], expected[..], "the first {few} rows");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_agree(
        rows in 1usize..70, k in 1usize..300, n in 1usize..200, from in 0usize..20, to in 0usize..20,
        start in 0u8..3, relu: bool, seed: u64,
    ) {
        check_product(rows, k, n, (from, to), start, relu, seed);
    }

    #[test]
    fn outers_agree(
        rows in 1usize..70, k in 1usize..300, n in 1usize..200, from in 0usize..20, to in 0usize..20,
        accumulate: bool, seed: u64,
    ) {
        check_outer(rows, k, n, (from, to), accumulate, seed);
    }

    #[test]
    fn products_of_few_columns_agree(
        rows in 1usize..70, k in 1usize..300, n in 1usize..6, from in 0usize..20, to in 0usize..20,
        start in 0u8..3, relu: bool, accumulate: bool, seed: u64,
    ) {
        check_product(rows, k, n, (from, to), start, relu, seed);
        check_outer(rows, k, n, (from, to), accumulate, seed);
    }

    #[test]
    fn products_in_bf16_agree(
        rows in 1usize..70, k in 1usize..300, n in 1usize..200, from in 0usize..20, to in 0usize..20,
        start in 0u8..3, relu: bool, seed: u64,
    ) {
        check_half_product(rows, k, n, (from, to), start, relu, seed);
    }

    #[test]
    fn outers_in_bf16_agree(
        rows in 1usize..70, k in 1usize..300, n in 1usize..200, from in 0usize..20, to in 0usize..20,
        accumulate: bool, seed: u64,
    ) {
        check_half_outer(rows, k, n, (from, to), accumulate, seed);
    }

    #[test]
    fn rounding_to_bf16_is_to_the_nearest(bits: u32) {
        let x = f32::from_bits(bits);
        let rounded = f32::from_bits(half::rounded_bits(x));
        if x.is_nan() {
            prop_assert!(rounded.is_nan());
        } else {
            prop_assert_eq!(rounded.to_bits(), nearest_half(x).to_bits());
        }
    }

    #[test]
    fn operands_in_bf16_agree(rows in 1usize..150, width in 1usize..150, column in 0usize..20, seed: u64) {
        check_operands(rows, width, column, seed);
    }

    #[test]
    fn packing_round_trips(k in 1usize..150, n in 1usize..150, share in 0.0..1.0, seed: u64) {
        let matrix = numbers(seed, 0, k * n);
        let mut packed = vec![GUARD; k * padded_columns(n)];
        pack(&matrix, k, n, &mut packed);
        assert_eq!(unpack(&packed, k, n), matrix);
        assert_eq!(packed.iter().filter(|&&v| v == GUARD).count(), 0, "every number is written");
        // Columns by themselves: nothing else changes.
        let (from, to) = ((share * n as f64) as usize / 2, n - (share * n as f64) as usize / 3);
        let part: Vec<f32> = (0..k).flat_map(|row| matrix[row * n + from..row * n + to].to_vec()).collect();
        assert_eq!(gemm::unpack(&packed, k, n, &(from..to)), part);
        let before = packed.clone();
        gemm::pack(&vec![GUARD; part.len()], k, n, &(from..to), &mut packed);
        assert_eq!(packed.iter().filter(|&&v| v == GUARD).count(), part.len(), "only the columns are written");
        gemm::pack(&part, k, n, &(from..to), &mut packed);
        assert_eq!(packed, before);

        for rows in [k, 1 + (share * k as f64) as usize] {
            let turned: Vec<f32> = (0..n * rows).map(|i| matrix[i % rows * n + i / rows]).collect();
            let mut expected = vec![0.0; n * padded_columns(rows)];
            pack(&turned, n, rows, &mut expected);
            for pack_transpose in [f32::pack_transpose, portable::pack_transpose] {
                let mut transposed = vec![0.0; n * padded_columns(rows)];
                pack_transpose(&packed, k, n, rows, &mut transposed);
                assert_eq!(transposed, expected);
            }
        }
    }
}

#[test]
fn a_turned_block_has_lines_for_columns() {
    let block: Square<f32> = std::array::from_fn(|i| std::array::from_fn(|j| (i * SIDE + j) as f32));
    let turned: Square<f32> = std::array::from_fn(|i| std::array::from_fn(|j| block[j][i]));
    for turn in [f32::turn, portable::turn] {
        let mut found = block;
        turn(&mut found);
        assert_eq!(found, turned);
    }
}

#[test]
fn every_width_of_a_panel() {
    for n in 1..=130 {
        for (start, relu) in [(0, false), (1, true), (2, false)] {
            check_product(7, 5, n, (3, 1), start, relu, n as u64);
        }
        check_outer(5, 7, n, (3, 1), n % 2 == 0, n as u64);
    }
}

#[test]
fn every_height_of_a_tile() {
    for rows in 1..=30 {
        for n in [1, 16, 30, 40, 64, 70] {
            check_product(rows, 9, n, (0, 0), 1, true, rows as u64);
            check_outer(9, rows, n, (0, 0), true, rows as u64);
        }
    }
}

#[test]
fn chains_longer_than_a_block() {
    // Blocks of 64 steps (AVX2) and 256 (AVX-512) become two from one and a half on.
    for k in [0, 1, 95, 96, 97, 160, 255, 256, 383, 384, 385, 700] {
        for (start, relu) in [(0, true), (1, false), (1, true), (2, true)] {
            check_product(13, k, 70, (0, 5), start, relu, k as u64);
        }
    }
}

/// No rows, or gradients of no inputs: nothing is read or written.
#[test]
fn products_of_nothing() {
    for n in [1, 16, 40, 70] {
        check_product(0, 5, n, (0, 0), 1, true, n as u64);
        check_outer(0, 5, n, (0, 0), false, n as u64);
        check_outer(7, 0, n, (0, 0), true, n as u64);
        check_half_product(0, 5, n, (0, 0), 1, true, n as u64);
    }
}

/// What pads an odd chain is added everywhere or nowhere.
#[test]
fn zeros_have_one_sign_in_bf16() {
    for k in [1, 2, 3] {
        let (mut left, mut right) = (Left::default(), Buffer::new());
        f32::left(Mat::of(&vec![-1.0; k], 1, k), &mut left);
        f32::right_packed(&vec![0.0; k * padded_columns(1)], k, 1, &mut right);
        let sums = half_kernels().into_iter().map(|(_, product, _)| {
            let mut c = [-0.0];
            product(&left, &right, Start::Output, false, &mut MatMut::of(&mut c, 1, 1));
            c[0].to_bits()
        });
        let sums: Vec<_> = sums.collect();
        let chained = half_kernels().iter().filter(|(isa, ..)| *isa < Isa::Amx).count();
        assert!(sums[..chained].iter().all(|sum| *sum == sums[0]), "{k} steps: {sums:x?}");
    }
}

#[test]
fn every_width_and_height_in_bf16() {
    for n in 1..=130 {
        check_half_product(7, 5, n, (3, 1), (n % 3) as u8, n % 2 == 0, n as u64);
        check_half_outer(5, 7, n, (3, 1), n % 2 == 0, n as u64);
    }
    for rows in 1..=30 {
        for n in [16, 30, 40, 64] {
            check_half_product(rows, 9, n, (0, 0), 1, true, rows as u64);
            check_half_outer(9, rows, n, (0, 0), true, rows as u64);
        }
    }
    for k in [0, 1, 191, 192, 193, 320, 767, 768, 769, 1100] {
        for (start, relu) in [(0, true), (1, true), (2, false)] {
            check_half_product(13, k, 70, (0, 5), start, relu, k as u64);
            check_half_product(48, k, 64, (0, 0), start, relu, k as u64);
        }
    }
}

#[test]
fn relu_of_not_a_number_is_the_same_everywhere() {
    let mut outputs = Vec::new();
    for (_, product, _) in kernels() {
        let mut y = [GUARD; 2];
        let mut packed = vec![0.0; padded_columns(2)];
        packed[..2].copy_from_slice(&[1.0, f32::NAN]);
        product(Mat::of(&[-1.0], 1, 1), &packed, Start::Zero, true, &mut MatMut::of(&mut y, 1, 2));
        outputs.push(bits(&y));
    }
    assert!(outputs.iter().all(|o| *o == outputs[0]), "{outputs:?}");
}

/// Whether Linux says that the processor has all of these and lets processes use them.
#[cfg(vectors)]
fn linux_lists(features: &[&str]) -> bool {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = text.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    features.iter().all(|feature| flags.split(' ').any(|flag| flag == *feature))
}

// The speed of everything rests on this; the test says which one ran when it fails.
#[test]
fn the_best_instruction_set_is_used() {
    let cap = std::env::var("POLYRANK_ISA").ok();
    let cap = Isa::ALL.into_iter().find(|isa| cap.as_deref() == Some(isa.name())).unwrap_or(Isa::Amx);
    #[cfg(vectors)]
    let best = if linux_lists(&["amx_tile", "amx_bf16", "avx512_bf16"]) {
        Isa::Amx
    } else if is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512bf16") {
        Isa::Avx512Bf16
    } else if is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq") {
        Isa::Avx512
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        Isa::Avx2
    } else {
        Isa::Portable
    };
    #[cfg(not(vectors))]
    let best = Isa::Portable;
    #[allow(clippy::print_stderr, reason = "which kernels were tested is worth a line")]
    {
        eprintln!("kernels: {} (this machine's best: {})", Isa::current().name(), best.name());
    }
    assert_eq!(Isa::current(), best.min(cap));
}

#[test]
fn dot_is_sixteen_partial_sums() {
    for n in [0, 1, 15, 16, 17, 33, 100] {
        let (x, y) = (numbers(1, 0, n), numbers(1, 1, n));
        let mut sums = [0.0f32; 16];
        for i in 0..n {
            sums[i % 16] = x[i].mul_add(y[i], sums[i % 16]);
        }
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                sums[i] += sums[i + half];
            }
        }
        assert_eq!(super::elementwise::dot(&x, &y).to_bits(), sums[0].to_bits());
    }
}

#[test]
#[should_panic(expected = "an op would read what it writes")]
fn an_arena_refuses_overlapping_views() {
    let mut arena = Arena::<f32>::new(4, [64, 64]);
    let read = Place { area: Area::Passing, start: 16, ld: 16, column: 0, width: 16, most: 1 };
    let write = Place { area: Area::Passing, start: 0, ld: 48, column: 20, width: 4, most: 1 };
    arena.borrow([View { place: read, rows: 4 }], [View { place: write, rows: 4 }]);
}

#[test]
fn areas_of_an_arena_do_not_overlap_and_one_can_be_changed() {
    let mut arena = Arena::<f32>::new(4, [64, 64]);
    let passing = Place { area: Area::Passing, start: 0, ld: 48, column: 20, width: 4, most: 1 };
    let held = Place { area: Area::Held, ..passing };
    let views = [passing, held].map(|place| View { place, rows: 4 });
    let fill = |arena: &mut Arena<f32>, number: f32| {
        let (_, mut writes) = arena.borrow([], views);
        writes.iter_mut().for_each(|view| view.row_mut(3).fill(number));
    };
    let read = |arena: &mut Arena<f32>| arena.borrow(views, []).0.iter().map(|view| view.row(3)[0]).collect::<Vec<_>>();
    fill(&mut arena, 1.0);
    let mut other = Buffer::zeros(4 * 64);
    arena.swap_held(&mut other);
    assert_eq!(read(&mut arena), [1.0, 0.0]);
    fill(&mut arena, 2.0);
    arena.swap_held(&mut other);
    assert_eq!(read(&mut arena), [2.0, 1.0]);
}

#[test]
#[should_panic(expected = "a place outside its arena")]
fn an_arena_refuses_places_outside() {
    let mut arena = Arena::<f32>::new(4, [64, 64]);
    let place = Place { area: Area::Passing, start: 48, ld: 32, column: 0, width: 4, most: 1 };
    arena.borrow([View { place, rows: 4 }], []);
}
