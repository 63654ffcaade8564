//! y = Σ_e gate[e]·expert_e (Ma et al. 2018, Eq. 6). Inputs: gate `[B, E]`, then E experts `[B, D]`.

use crate::exec::context::{Backward, Forward};
use crate::kernels::by_row::{mixture_gradients, mixtures};
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

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        mixtures(&mut cx.y, cx.x[0], &cx.x[1..]);
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (to_gate, to_experts) = cx.dx.split_at_mut(1);
        mixture_gradients(&mut to_gate[0], to_experts, cx.dy.as_mat(), cx.x[0], &cx.x[1..]);
    }
}
