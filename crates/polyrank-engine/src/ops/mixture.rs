//! y = Σ_e gate[e]·expert_e (Ma et al. 2018, Eq. 6). Inputs: gate `[B, E]`, then E experts `[B, D]`.

use crate::exec::context::{Backward, Forward};
use crate::kernels::by_row::{expert_gradients, gate_gradients, mixtures};
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
        mixtures(&mut cx.y, cx.x[0], &cx.x[1..]);
    }

    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (gate, experts, dy) = (cx.x[0], &cx.x[1..], cx.dy.as_mat());
        let (to_gate, to_experts) = cx.dx.split_at_mut(1);
        if let Some((to, accumulate)) = &mut to_gate[0] {
            for (e, expert) in experts.iter().enumerate() {
                gate_gradients(to, e, *accumulate, dy, *expert);
            }
        }
        for (e, to) in to_experts.iter_mut().enumerate() {
            if let Some((to, accumulate)) = to {
                expert_gradients(to, e, *accumulate, dy, gate);
            }
        }
    }
}
