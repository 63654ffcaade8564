//! Numbers of the feed: y = dense[:, from .. from + width].

use crate::exec::context::{Backward, Forward};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub(crate) from: usize,
    pub(crate) width: usize,
}

impl Kernel for Dense {
    const NAME: &'static str = "dense";

    fn width(&self, _: &[usize]) -> Result<usize, String> {
        if self.width == 0 { Err("has no columns".to_owned()) } else { Ok(self.width) }
    }

    fn flops(&self, _: &[usize], _: usize) -> u64 {
        0
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let feed = cx.input.feed;
        let all = feed.dense.len() / feed.rows.max(1);
        for (r, row) in cx.rows.clone().enumerate() {
            cx.y.row_mut(r).copy_from_slice(&feed.dense[row * all + self.from..][..self.width]);
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, _: &mut Backward<'_, T>) {}
}
