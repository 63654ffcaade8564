//! A row's columns as rows of their own, and back: F fields of D columns side by side become F rows of D columns, or, the
//! other way about, D rows of F columns.

use crate::exec::context::{Backward, Forward};
use crate::graph::Space;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

/// Which columns make a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Neighbouring columns: a field's embedding.
    Fields,
    /// Columns of the same place in each field: one dimension of every embedding.
    Dimensions,
}

/// Rows of the batch to fields.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    /// Rows that a row becomes.
    pub(crate) rows: usize,
    pub(crate) along: Along,
}

/// Fields to rows of the batch.
#[derive(Debug, Clone)]
pub(crate) struct Unfold {
    pub(crate) rows: usize,
    pub(crate) along: Along,
}

/// Calls `f` with each number of the `t`th of `rows` rows of a value, `part`, and the one in its place among `one`, the row's.
#[inline(always)]
fn each<A, B>(
    along: Along,
    rows: usize,
    t: usize,
    part: impl ExactSizeIterator<Item = A>,
    one: impl ExactSizeIterator<Item = B>,
    mut f: impl FnMut(A, B),
) {
    let width = part.len();
    match along {
        Along::Fields => part.zip(one.skip(t * width)).for_each(|(part, one)| f(part, one)),
        Along::Dimensions => part.zip(one.skip(t).step_by(rows)).for_each(|(part, one)| f(part, one)),
    }
}

impl Kernel for Fold {
    const NAME: &'static str = "fold";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        match same_width(inputs)? {
            width if self.rows > 0 && width % self.rows == 0 => Ok(width / self.rows),
            width => Err(format!("{width} columns cannot be cut into {} equal parts", self.rows)),
        }
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        if inputs == [Space::Rows] { Ok(Space::Fields(self.rows)) } else { Err(format!("cuts rows, got {inputs:?}")) }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.samples.len() {
            let x = cx.x[0].row(r);
            for t in 0..self.rows {
                let y = cx.y.row_mut(r * self.rows + t).iter_mut();
                each(self.along, self.rows, t, y, x.iter(), |y, &x| *y = x);
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for r in 0..cx.samples.len() {
            for t in 0..self.rows {
                let (dy, dx) = (cx.dy.row(r * self.rows + t).iter(), dx.row_mut(r).iter_mut());
                match *accumulate {
                    true => each(self.along, self.rows, t, dy, dx, |dy, dx| *dx += *dy),
                    false => each(self.along, self.rows, t, dy, dx, |dy, dx| *dx = *dy),
                }
            }
        }
    }
}

impl Kernel for Unfold {
    const NAME: &'static str = "unfold";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs).map(|width| width * self.rows)
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        if inputs == [Space::Fields(self.rows)] {
            Ok(Space::Rows)
        } else {
            Err(format!("takes {} fields, got {inputs:?}", self.rows))
        }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.samples.len() {
            for t in 0..self.rows {
                let (x, y) = (cx.x[0].row(r * self.rows + t).iter(), cx.y.row_mut(r).iter_mut());
                each(self.along, self.rows, t, x, y, |x, y| *y = *x);
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for r in 0..cx.samples.len() {
            for t in 0..self.rows {
                let (dx, dy) = (dx.row_mut(r * self.rows + t).iter_mut(), cx.dy.row(r).iter());
                match *accumulate {
                    true => each(self.along, self.rows, t, dx, dy, |dx, dy| *dx += *dy),
                    false => each(self.along, self.rows, t, dx, dy, |dx, dy| *dx = *dy),
                }
            }
        }
    }
}
