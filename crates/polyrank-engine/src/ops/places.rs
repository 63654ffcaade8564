//! y[t] = x[t] + P[k] with k being how far t lies from the end of its list: the last has place 0. P `[most, D]` is
//! trained.

use crate::exec::context::{Backward, Forward, local};
use crate::graph::{Param, Space};
use crate::kernels::elementwise::add_assign;
use crate::kernels::gemm::panels;
use crate::ops::activation::give;
use crate::ops::{Kernel, same_width};
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) over: Space,
    /// P.
    pub(crate) places: Param,
}

impl Kernel for Places {
    const NAME: &'static str = "places";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        match inputs {
            [space @ Space::List { .. }] if *space == self.over => Ok(*space),
            _ => Err(format!("counts along a list, got {inputs:?}")),
        }
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    fn params(&self) -> Vec<Param> {
        vec![self.places]
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let (places, most, width) = (cx.state.params.get(self.places), self.over.most(), cx.y.width());
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for t in all.clone() {
                let y = cx.y.row_mut(t);
                y.copy_from_slice(cx.x[0].row(t));
                for panel in panels(most, width) {
                    let at = panel.offset + (all.end - 1 - t) * panel.padded;
                    add_assign(&mut y[panel.column..][..panel.width], &places[at..][..panel.width]);
                }
            }
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (most, width) = (self.over.most(), cx.y.width());
        let span = cx.state.params.span(self.places);
        let grad = &mut cx.grads[span];
        if !cx.accumulate[0] {
            grad.fill(T::ZERO);
        }
        for row in cx.samples.clone() {
            let all = local(cx.input, &cx.samples, self.over, row);
            for t in all.clone() {
                let dy = cx.dy.row(t);
                for panel in panels(most, width) {
                    let at = panel.offset + (all.end - 1 - t) * panel.padded;
                    add_assign(&mut grad[at..][..panel.width], &dy[panel.column..][..panel.width]);
                }
                if let Some((dx, accumulate)) = &mut cx.dx[0] {
                    give(dx.row_mut(t), dy, *accumulate);
                }
            }
        }
    }
}
