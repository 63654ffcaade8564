//! The product kernels without vectors: the reference that every other kernel equals bit for bit in fp32.

use super::arena::{Mat, MatMut};
use super::gemm::{SIDE, Square, Start, panels};
use crate::real::Real;

pub(crate) fn product<T: Real>(a: Mat<'_, T>, b: &[T], start: Start<'_, T>, relu: bool, c: &mut MatMut<'_, T>) {
    let k = a.width();
    for panel in panels(k, c.width()) {
        for r in 0..a.rows() {
            let (x, out) = (a.row(r), &mut c.row_mut(r)[panel.column..][..panel.width]);
            match start {
                Start::Zero => out.fill(T::ZERO),
                Start::Bias(bias) => out.copy_from_slice(&bias[panel.column..][..panel.width]),
                Start::Output => {}
            }
            for (p, &x) in x.iter().enumerate() {
                let line = &b[panel.offset + p * panel.padded..][..panel.width];
                for (out, &w) in out.iter_mut().zip(line) {
                    *out = x.mul_add(w, *out);
                }
            }
            if relu {
                for out in out {
                    *out = out.relu();
                }
            }
        }
    }
}

pub(crate) fn outer<T: Real>(x: Mat<'_, T>, dy: Mat<'_, T>, dw: &mut [T], accumulate: bool) {
    let k = x.width();
    for panel in panels(k, dy.width()) {
        let block = &mut dw[panel.offset..][..k * panel.padded];
        if !accumulate {
            block.fill(T::ZERO);
        }
        for r in 0..x.rows() {
            let line = &dy.row(r)[panel.column..][..panel.width];
            for (i, &x) in x.row(r).iter().enumerate() {
                for (out, &d) in block[i * panel.padded..].iter_mut().zip(line) {
                    *out = x.mul_add(d, *out);
                }
            }
        }
    }
}

pub(crate) fn pack_transpose<T: Real>(packed: &[T], k: usize, n: usize, rows: usize, out: &mut [T]) {
    for to in panels(n, rows) {
        let block = &mut out[to.offset..][..n * to.padded];
        for from in panels(k, n) {
            // 16 columns at a time: the lines written stay in the nearest cache while 64 rows are read.
            for column in (0..from.width).step_by(16) {
                let width = 16.min(from.width - column);
                for row in 0..to.width {
                    let line = &packed[from.offset + (to.column + row) * from.padded + column..][..width];
                    for (j, value) in line.iter().enumerate() {
                        block[(from.column + column + j) * to.padded + row] = *value;
                    }
                }
            }
        }
    }
}

pub(crate) fn turn<T: Copy>(block: &mut Square<T>) {
    for i in 0..SIDE {
        for j in 0..i {
            (block[i][j], block[j][i]) = (block[j][i], block[i][j]);
        }
    }
}
