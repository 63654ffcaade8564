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

/// Where column `c` of the `t`th of `rows` rows of `width` columns lies in the one row.
fn column(along: Along, rows: usize, width: usize, t: usize, c: usize) -> usize {
    match along {
        Along::Fields => t * width + c,
        Along::Dimensions => c * rows + t,
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

    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let width = cx.y.width();
        for r in 0..cx.samples.len() {
            let x = cx.x[0].row(r);
            for t in 0..self.rows {
                for (c, y) in cx.y.row_mut(r * self.rows + t).iter_mut().enumerate() {
                    *y = x[column(self.along, self.rows, width, t, c)];
                }
            }
        }
    }

    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let width = cx.y.width();
        for r in 0..cx.samples.len() {
            let dx = dx.row_mut(r);
            for t in 0..self.rows {
                for (c, &dy) in cx.dy.row(r * self.rows + t).iter().enumerate() {
                    let dx = &mut dx[column(self.along, self.rows, width, t, c)];
                    *dx = if *accumulate { *dx + dy } else { dy };
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

    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let width = cx.x[0].width();
        for r in 0..cx.samples.len() {
            let y = cx.y.row_mut(r);
            for t in 0..self.rows {
                for (c, &x) in cx.x[0].row(r * self.rows + t).iter().enumerate() {
                    y[column(self.along, self.rows, width, t, c)] = x;
                }
            }
        }
    }

    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        let width = cx.x[0].width();
        for r in 0..cx.samples.len() {
            let dy = cx.dy.row(r);
            for t in 0..self.rows {
                for (c, dx) in dx.row_mut(r * self.rows + t).iter_mut().enumerate() {
                    let d = dy[column(self.along, self.rows, width, t, c)];
                    *dx = if *accumulate { *dx + d } else { d };
                }
            }
        }
    }
}
