//! y = Σ_e gate[e]·expert_e (Ma et al. 2018, Eq. 6). Inputs: gate `[B, E]`, then E experts `[B, D]`.

use crate::exec::context::{Backward, Forward};
use crate::kernels::elementwise::{axpy, dot, scale_to};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Mixture;

impl Kernel for Mixture {
    const NAME: &'static str = "mixture";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        let [gate, experts @ ..] = inputs else { return Err("has no gate".to_owned()) };
        let [first, ..] = experts else { return Err("has no experts".to_owned()) };
        if *gate != experts.len() {
            return Err(format!("the gate has {gate} columns for {} experts", experts.len()));
        }
        if experts.iter().any(|e| e != first) {
            return Err(format!("experts differ in width: {experts:?}"));
        }
        Ok(*first)
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        2 * (inputs[0] * width) as u64
    }

    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let (gate, experts) = (cx.x[0], &cx.x[1..]);
        for r in 0..cx.rows.len() {
            let (gate, y) = (gate.row(r), cx.y.row_mut(r));
            scale_to(y, gate[0], experts[0].row(r));
            for (e, expert) in experts.iter().enumerate().skip(1) {
                axpy(y, gate[e], expert.row(r));
            }
        }
    }

    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (gate, experts) = (cx.x[0], &cx.x[1..]);
        let (to_gate, to_experts) = cx.dx.split_at_mut(1);
        for r in 0..cx.rows.len() {
            let (gate, dy) = (gate.row(r), cx.dy.row(r));
            if let Some((dgate, accumulate)) = &mut to_gate[0] {
                let dgate = dgate.row_mut(r);
                for (e, expert) in experts.iter().enumerate() {
                    let d = dot(dy, expert.row(r));
                    dgate[e] = if *accumulate { dgate[e] + d } else { d };
                }
            }
            for (e, to) in to_experts.iter_mut().enumerate() {
                if let Some((dx, accumulate)) = to {
                    if *accumulate {
                        axpy(dx.row_mut(r), gate[e], dy);
                    } else {
                        scale_to(dx.row_mut(r), gate[e], dy);
                    }
                }
            }
        }
    }
}
