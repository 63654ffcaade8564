//! Products as tiles of sums that stay in registers: what the instruction sets with vectors have in common.

use std::ops::Range;

use super::arena::MatMut;
use super::buffer::Buffer;
use super::gemm::{Panel, SIDE, Start, panels};
use super::gradient::{Gradient, pack_panel};
use super::half::{BLOCK, Pair};
use super::{arena::Mat, scratch};

/// An instruction set's tiles of products of `E`: 32 bits that are a number, or two of bf16, two steps of a chain.
pub(super) trait Tiles<E: Element> {
    /// Columns of a vector: 16, or less.
    const VECTOR: usize;
    /// Columns of a tile, at most.
    const COLUMNS: usize;
    /// Steps between visits to the output, about: so much of a panel is read again for each tile of rows and should stay in
    /// a near cache beside them.
    const STEPS: usize;

    /// Rows of a tile of so many vectors of columns, at most: as many sums as the registers allow.
    fn rows(vectors: usize) -> usize;

    /// A tile of `rows` rows and `vectors` vectors of columns, no more than there may be.
    ///
    /// # Safety
    /// The processor has the instructions; the rows of a and c, k rows of b, and the vectors of columns lie inside their
    /// buffers, of c's last vector the first `ends.tail` columns.
    unsafe fn run(tile: Tile<E>, rows: usize, vectors: usize);
}

/// What products read, 32 bits.
pub(super) trait Element: Copy {
    /// Where a packed matrix of `k` steps keeps a panel.
    fn lines(panel: Panel, k: usize) -> Lines;
}

/// Where the lines of 16 elements of a packed panel lie.
pub(super) struct Lines {
    /// That of the first step and the first columns.
    start: usize,
    /// From one step to the next.
    step: usize,
    /// From 16 columns to the next 16.
    columns: usize,
    /// Where the next panel's begin.
    end: usize,
}

impl Element for f32 {
    fn lines(panel: Panel, k: usize) -> Lines {
        Lines { start: panel.offset, step: panel.padded, columns: SIDE, end: panel.offset + k * panel.padded }
    }
}

impl Element for Pair {
    fn lines(panel: Panel, pairs: usize) -> Lines {
        let column = pairs.next_multiple_of(BLOCK);
        let start = panel.column * column;
        Lines { start, step: BLOCK, columns: BLOCK * column, end: start + panel.padded * column }
    }
}

/// How a tile begins and ends.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// Bias of the tile's columns, if the chain starts there.
    pub(super) bias: Option<*const f32>,
    /// Whether the chain starts from the output.
    pub(super) from_output: bool,
    /// Whether relu ends the chain.
    pub(super) relu: bool,
    /// Columns of the last vector.
    pub(super) tail: usize,
}

/// `c[i, j] = chain over p of a[i·row + p·step] · b[p·ldb + j / VECTOR·vector + j % VECTOR]`.
#[derive(Clone, Copy)]
pub(super) struct Tile<E> {
    /// Steps of the chain.
    pub(super) k: usize,
    pub(super) a: *const E,
    pub(super) row: usize,
    pub(super) step: usize,
    pub(super) b: *const E,
    pub(super) ldb: usize,
    pub(super) vector: usize,
    pub(super) c: *mut f32,
    pub(super) ldc: usize,
    pub(super) ends: Ends,
    /// Where lines of 64 bytes lie that are due soon: one is asked for at every step.
    pub(super) ahead: *const f32,
}

/// The tiles of one kind of element: the processor's features, a vector of it, a load, a broadcast, a step, and the sizes:
/// vectors and rows. Sums begin and end by the functions `zero`, `load`, `load_tail`, `relu`, `store`
/// and `store_tail` of the place of use. All is written out here, as sums that leave through a function lie in memory.
macro_rules! tiles {
    ($isa:ty, $kind:ty, $run:ident, $features:literal, $vector:ty, columns: $width:literal times $most:literal,
     steps: $steps:literal, $load:expr, $broadcast:expr, $step:expr, $($v:literal: $($r:literal)*;)*) => {
        impl $crate::kernels::tiles::Tiles<$kind> for $isa {
            const VECTOR: usize = $width;
            const COLUMNS: usize = $width * $most;
            const STEPS: usize = $steps;

            fn rows(vectors: usize) -> usize {
                match vectors {
                    $($v => [$($r),*].len(),)*
                    _ => unreachable!("no tile of {vectors} vectors"),
                }
            }

            unsafe fn run(tile: Tile<$kind>, rows: usize, vectors: usize) {
                match (rows, vectors) {
                    // SAFETY: the caller's promise, with the tile's size spelled out.
                    $($(($r, $v) => unsafe { $run::<$r, $v>(tile) },)*)*
                    _ => unreachable!("no tile of {rows} rows and {vectors} vectors"),
                }
            }
        }

        #[target_feature(enable = $features)]
        unsafe fn $run<const R: usize, const V: usize>(tile: Tile<$kind>) {
            let Tile { k, a, row, step, b, ldb, vector, c, ldc, ends, ahead } = tile;
            // SAFETY: the caller promises R rows of a and c, k rows of b, and V vectors of columns, the last one's tail.
            unsafe {
                let mut acc = [[zero(); V]; R];
                if let Some(bias) = ends.bias {
                    for v in 0..V {
                        let bias = load(bias.add($width * v));
                        for i in 0..R {
                            acc[i][v] = bias;
                        }
                    }
                } else if ends.from_output {
                    for i in 0..R {
                        for v in 0..V {
                            let at = c.add(i * ldc + $width * v).cast_const();
                            acc[i][v] = if v + 1 == V { load_tail(at, ends.tail) } else { load(at) };
                        }
                    }
                }
                for p in 0..k {
                    _mm_prefetch::<_MM_HINT_T1>(ahead.wrapping_add(16 * p).cast());
                    let mut line: [$vector; V] = [$load(b.add(p * ldb)); V];
                    for v in 1..V {
                        line[v] = $load(b.add(p * ldb + vector * v));
                    }
                    for i in 0..R {
                        let x = $broadcast(a.add(i * row + p * step));
                        for v in 0..V {
                            acc[i][v] = $step(acc[i][v], x, line[v]);
                        }
                    }
                }
                for i in 0..R {
                    for v in 0..V {
                        let y = if ends.relu { relu(acc[i][v]) } else { acc[i][v] };
                        let at = c.add(i * ldc + $width * v);
                        if v + 1 == V { store_tail(at, y, ends.tail) } else { store(at, y) }
                    }
                }
            }
        }
    };
}

pub(super) use tiles;

/// The vectors that so many columns of a tile take, and the last one's columns.
fn cut(columns: usize, vector: usize) -> (usize, usize) {
    let vectors = columns.div_ceil(vector);
    (vectors, columns - (vectors - 1) * vector)
}

/// Part `i` of `parts`: all of almost equal length, as a lone last row would run at a fraction of the speed.
fn stretch(i: usize, parts: usize, rows: usize) -> Range<usize> {
    i * rows / parts..(i + 1) * rows / parts
}

/// Rows of `a`, of k elements, `lda` apart, times the panels of a packed matrix.
///
/// # Safety
/// `a` has c's rows, b is packed for `[k, c.width()]`, a bias is padded likewise, and the processor has the tiles'
/// instructions.
pub(super) unsafe fn across<I: Tiles<E>, E: Element>(
    a: *const E,
    lda: usize,
    k: usize,
    b: &[E],
    start: Start<'_, f32>,
    relu: bool,
    c: &mut MatMut<'_, f32>,
) {
    // Of a tile of several vectors each is 16 columns, or all are within 16.
    const { assert!(I::VECTOR == SIDE || I::COLUMNS <= SIDE) };
    let (rows, ldc) = (c.rows(), c.ld());
    if rows == 0 {
        return;
    }
    for panel in panels(k, c.width()) {
        let lines = E::lines(panel, k);
        // The first tiles ask for the panel after this one, a line a step: it comes while this one is worked on. After a
        // matrix's last panel that is what lies behind it: in the flat buffer of parameters, the next layer.
        let behind: *const f32 = b.as_ptr().wrapping_add(lines.end).cast();
        let tiles = rows.div_ceil(I::rows(cut(I::COLUMNS.min(panel.width), I::VECTOR).0));
        // Blocks of about so many steps: a lone last step would read and write the output for little.
        let blocks = ((k + I::STEPS / 2) / I::STEPS).max(1);
        for steps in (0..blocks).map(|i| stretch(i, blocks, k)) {
            let mut asked = 0;
            for r in (0..tiles).map(|i| stretch(i, tiles, rows)) {
                for column in (0..panel.width).step_by(I::COLUMNS) {
                    let (vectors, tail) = cut(I::COLUMNS.min(panel.width - column), I::VECTOR);
                    let ends = Ends {
                        bias: match start {
                            Start::Bias(bias) if steps.start == 0 => Some(bias[panel.column + column..].as_ptr()),
                            _ => None,
                        },
                        from_output: steps.start > 0 || matches!(start, Start::Output),
                        relu: relu && steps.end == k,
                        tail,
                    };
                    // SAFETY: the caller's promise: the rows and the panel's columns lie inside a and c, the steps
                    // inside the packed panel.
                    unsafe {
                        let tile = Tile {
                            k: steps.len(),
                            a: a.add(r.start * lda + steps.start),
                            row: lda,
                            step: 1,
                            b: b.as_ptr()
                                .wrapping_add(lines.start + steps.start * lines.step + column / SIDE * lines.columns),
                            ldb: lines.step,
                            vector: if I::VECTOR < SIDE { I::VECTOR } else { lines.columns },
                            c: c.as_mut_ptr().add(r.start * ldc + panel.column + column),
                            ldc,
                            ends,
                            ahead: behind.wrapping_add(if asked < panel.padded / SIDE {
                                SIDE * (asked * k + steps.start)
                            } else {
                                0
                            }),
                        };
                        I::run(tile, r.len(), vectors);
                    }
                    asked += 1;
                }
            }
        }
    }
}

/// As [`Products::outer`](super::gemm::Products::outer).
///
/// # Safety
/// x and dy have as many rows, dw is packed for `[x.width(), dy.width()]`, and the processor has the tiles' instructions.
pub(super) unsafe fn down<I: Tiles<f32>>(
    x: Mat<'_, f32>,
    dy: &mut Gradient<'_, f32>,
    dw: &mut [f32],
    accumulate: bool,
) {
    let (rows, k, n) = (x.rows(), x.width(), dy.dy.width());
    let ends = Ends { bias: None, from_output: accumulate, relu: false, tail: I::VECTOR };
    scratch::with(|packed: &mut Buffer<f32>| {
        for panel in panels(k, n) {
            // The panel of dy is read once a tile of k: packed, it costs one stream instead of a page a row, and its last
            // columns become zeros.
            packed.reuse(rows * panel.padded);
            pack_panel(dy, panel, packed);
            let tiles = k.div_ceil(I::rows(cut(I::COLUMNS.min(panel.padded), I::VECTOR).0));
            for i in (0..tiles).map(|i| stretch(i, tiles, k)) {
                for column in (0..panel.padded).step_by(I::COLUMNS) {
                    let (vectors, _) = cut(I::COLUMNS.min(panel.padded - column), I::VECTOR);
                    // SAFETY: the caller's promise: columns i lie inside every row of x, the packed panel has `rows` rows,
                    // and rows i of dw's panel lie inside dw.
                    unsafe {
                        let tile = Tile {
                            k: rows,
                            a: x.as_ptr().add(i.start),
                            row: 1,
                            step: x.ld(),
                            b: packed.as_ptr().wrapping_add(column),
                            ldb: panel.padded,
                            vector: I::VECTOR,
                            c: dw.as_mut_ptr().add(panel.offset + i.start * panel.padded + column),
                            ldc: panel.padded,
                            ends,
                            // The gradients of the next tile of rows.
                            ahead: dw.as_ptr().wrapping_add(panel.offset + i.end * panel.padded),
                        };
                        I::run(tile, i.len(), vectors);
                    }
                }
            }
        }
    });
}
