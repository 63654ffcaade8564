//! y_t = Σ_k gate_t[k]·expert_c(t,k) (Ma et al. 2018, Eq. 6) for G gates, each over some of E experts, side by side `[B, G·D]`: a
//! row's experts are read once for all gates. Inputs: G gates, `[B, experts chosen]` each, then E experts `[B, D]`.

use crate::exec::context::{Backward, Forward};
use crate::kernels::by_row::{mixture_gradients, mixtures};
use crate::ops::Kernel;
use crate::real::Real;

#[derive(Debug, Clone)]
pub(crate) struct Mixture {
    /// By gate and column of it: which expert.
    choices: Vec<Vec<usize>>,
    /// As the choices: whether no later gate has chosen the expert. Backward passes go from the last gate to the first.
    last: Vec<Vec<bool>>,
}

impl Mixture {
    /// One gate over so many experts.
    pub(crate) fn one(experts: usize) -> Mixture {
        Mixture::of(vec![(0..experts).collect()])
    }

    /// Several gates, each over those experts.
    pub(crate) fn of(choices: Vec<Vec<usize>>) -> Mixture {
        let chosen_later = |t: usize, e: &usize| choices[t + 1..].iter().any(|later| later.contains(e));
        let of_gate = |(t, chosen): (usize, &Vec<usize>)| chosen.iter().map(|e| !chosen_later(t, e)).collect();
        Mixture { last: choices.iter().enumerate().map(of_gate).collect(), choices }
    }
}

impl Kernel for Mixture {
    const NAME: &'static str = "mixture";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        let (gates, experts) = inputs.split_at_checked(self.choices.len()).ok_or("has no gate")?;
        let [first, ..] = experts else { return Err("has no experts".to_owned()) };
        if let Some((gate, chosen)) = gates.iter().zip(&self.choices).find(|(gate, chosen)| **gate != chosen.len()) {
            return Err(format!("the gate has {gate} columns for {} experts", chosen.len()));
        }
        if experts.iter().any(|e| e != first) {
            return Err(format!("experts differ in width: {experts:?}"));
        }
        Ok(gates.len() * first)
    }

    fn flops(&self, inputs: &[usize], width: usize) -> u64 {
        let gates = self.choices.len();
        2 * (inputs[..gates].iter().sum::<usize>() * width / gates) as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        let (gates, experts) = cx.x.split_at(self.choices.len());
        mixtures(&mut cx.y, gates, experts, &self.choices);
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let (gates, experts) = cx.x.split_at(self.choices.len());
        let (to_gates, to_experts) = cx.dx.split_at_mut(self.choices.len());
        mixture_gradients(to_gates, to_experts, cx.dy.as_mat(), gates, experts, &self.choices, &self.last);
    }
}
