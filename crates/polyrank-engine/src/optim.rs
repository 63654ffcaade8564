//! Optimizers: one rule, applied to the flat layer parameters and to the touched rows of embedding tables alike.

use crate::kernels::rows::{AHEAD, prefetch};
use crate::kernels::simd;
use crate::real::Real;

/// An optimizer and its settings. Formulas are PyTorch's; g is the gradient with its penalties, t the step from 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// w −= lr·g.
    Sgd {
        /// Learning rate.
        learning_rate: f64,
    },
    /// v = momentum·v + g; w −= lr·v.
    Momentum {
        /// Learning rate.
        learning_rate: f64,
        /// Share of the last step's velocity.
        momentum: f64,
    },
    /// s += g²; w −= lr·g / (√s + eps) (Duchi et al. 2011).
    Adagrad {
        /// Learning rate.
        learning_rate: f64,
        /// What s starts at.
        initial_accumulator: f64,
        /// Keeps the division finite.
        epsilon: f64,
    },
    /// Adagrad with one s an embedding row, of the mean g² over its columns; plain Adagrad on layers.
    RowWiseAdagrad {
        /// Learning rate.
        learning_rate: f64,
        /// What s starts at.
        initial_accumulator: f64,
        /// Keeps the division finite.
        epsilon: f64,
    },
    /// Adam (Kingma and Ba 2015, Algorithm 1), with AdamW's decoupled decay (Loshchilov and Hutter 2019) if it is above
    /// 0. On embedding rows it is lazy: only touched rows move, t counts all steps.
    Adam {
        /// Learning rate.
        learning_rate: f64,
        /// Decay of the mean of g.
        beta1: f64,
        /// Decay of the mean of g².
        beta2: f64,
        /// Keeps the division finite.
        epsilon: f64,
        /// w −= lr·decay·w before the step.
        weight_decay: f64,
    },
    /// s = decay·s + (1 − decay)·g²; w −= lr·g / (√s + eps) (Tieleman and Hinton 2012).
    RmsProp {
        /// Learning rate.
        learning_rate: f64,
        /// Decay of s.
        decay: f64,
        /// Keeps the division finite.
        epsilon: f64,
    },
}

impl Optimizer {
    /// State numbers a weight of a layer.
    pub(crate) fn dense_state(self) -> usize {
        match self {
            Optimizer::Sgd { .. } => 0,
            Optimizer::Adam { .. } => 2,
            _ => 1,
        }
    }

    /// State numbers a row of a table with `dim` columns.
    pub(crate) fn row_state(self, dim: usize) -> usize {
        match self {
            Optimizer::RowWiseAdagrad { .. } => 1,
            other => other.dense_state() * dim,
        }
    }

    /// What state starts at.
    pub(crate) fn initial_state(self) -> f64 {
        match self {
            Optimizer::Adagrad { initial_accumulator, .. } | Optimizer::RowWiseAdagrad { initial_accumulator, .. } => {
                initial_accumulator
            }
            _ => 0.0,
        }
    }

    /// The same with `factor` times its learning rate.
    fn faster(mut self, factor: f64) -> Optimizer {
        let (Optimizer::Sgd { learning_rate }
        | Optimizer::Momentum { learning_rate, .. }
        | Optimizer::Adagrad { learning_rate, .. }
        | Optimizer::RowWiseAdagrad { learning_rate, .. }
        | Optimizer::Adam { learning_rate, .. }
        | Optimizer::RmsProp { learning_rate, .. }) = &mut self;
        *learning_rate *= factor;
        self
    }

    /// The rule of step `t`, counted from 1, with `factor` times the learning rate.
    pub(crate) fn rule<T: Real>(self, t: u64, factor: f64) -> Rule<T> {
        let of = T::of;
        match self.faster(factor) {
            Optimizer::Sgd { learning_rate } => Rule::Sgd { lr: of(learning_rate) },
            Optimizer::Momentum { learning_rate, momentum } => {
                Rule::Momentum { lr: of(learning_rate), momentum: of(momentum) }
            }
            Optimizer::Adagrad { learning_rate, epsilon, .. } => {
                Rule::Adagrad { lr: of(learning_rate), eps: of(epsilon), by_row: false }
            }
            Optimizer::RowWiseAdagrad { learning_rate, epsilon, .. } => {
                Rule::Adagrad { lr: of(learning_rate), eps: of(epsilon), by_row: true }
            }
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
                Rule::Adam {
                    step: of(learning_rate / (1.0 - power(beta1, t))),
                    beta1: of(beta1),
                    beta2: of(beta2),
                    // √(s / (1 − β2^t)) as a factor on √s.
                    root: of(1.0 / (1.0 - power(beta2, t)).sqrt()),
                    eps: of(epsilon),
                    keep: of(1.0 - learning_rate * weight_decay),
                }
            }
            Optimizer::RmsProp { learning_rate, decay, epsilon } => {
                Rule::RmsProp { lr: of(learning_rate), decay: of(decay), eps: of(epsilon) }
            }
        }
    }
}

/// `base` to the power of `t`, by squaring: libm's differs between machines.
fn power(base: f64, mut t: u64) -> f64 {
    let (mut out, mut square) = (1.0, base);
    while t > 0 {
        if t & 1 == 1 {
            out *= square;
        }
        square *= square;
        t >>= 1;
    }
    out
}

/// An optimizer's numbers at one step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule<T> {
    Sgd { lr: T },
    Momentum { lr: T, momentum: T },
    Adagrad { lr: T, eps: T, by_row: bool },
    Adam { step: T, beta1: T, beta2: T, root: T, eps: T, keep: T },
    RmsProp { lr: T, decay: T, eps: T },
}

impl<T: Real> Rule<T> {
    /// Moves `w` along `g`; `state` is as long as [`Optimizer::dense_state`] times `w`, one kind after the other.
    #[inline(always)]
    fn apply(self, w: &mut [T], g: &[T], state: &mut [T]) {
        let n = w.len();
        match self {
            Rule::Sgd { lr } => {
                for (w, &g) in w.iter_mut().zip(g) {
                    *w -= lr * g;
                }
            }
            Rule::Momentum { lr, momentum } => {
                for ((w, &g), v) in w.iter_mut().zip(g).zip(state) {
                    *v = momentum * *v + g;
                    *w -= lr * *v;
                }
            }
            Rule::Adagrad { lr, eps, .. } => {
                for ((w, &g), s) in w.iter_mut().zip(g).zip(state) {
                    *s += g * g;
                    *w -= lr * g / (s.sqrt() + eps);
                }
            }
            Rule::Adam { step, beta1, beta2, root, eps, keep } => {
                let (m, v) = state.split_at_mut(n);
                for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
                    *m = beta1 * *m + (T::ONE - beta1) * g;
                    *v = beta2 * *v + (T::ONE - beta2) * g * g;
                    *w = *w * keep - step * *m / (v.sqrt() * root + eps);
                }
            }
            Rule::RmsProp { lr, decay, eps } => {
                for ((w, &g), s) in w.iter_mut().zip(g).zip(state) {
                    *s = decay * *s + (T::ONE - decay) * g * g;
                    *w -= lr * g / (s.sqrt() + eps);
                }
            }
        }
    }

    /// Moves a table's row; `state` is as long as [`Optimizer::row_state`].
    #[inline(always)]
    pub(crate) fn apply_row(self, w: &mut [T], g: &[T], state: &mut [T]) {
        match self {
            Rule::Adagrad { lr, eps, by_row: true } => {
                let square = g.iter().fold(T::ZERO, |s, &g| s + g * g);
                state[0] += square / T::of(w.len() as f64);
                let lr = lr / (state[0].sqrt() + eps);
                for (w, &g) in w.iter_mut().zip(g) {
                    *w -= lr * g;
                }
            }
            _ => self.apply(w, g, state),
        }
    }
}

simd! {
    /// One step over a piece of the layer parameters.
    pub(crate) fn step_dense<T: Real>(rule: Rule<T>, w: &mut [T], g: &[T], first: &mut [T], second: &mut [T]) {
        match rule {
            // The two halves of Adam's state are buffers of their own here: same arithmetic, other addressing.
            Rule::Adam { step, beta1, beta2, root, eps, keep } => {
                for (((w, &g), m), v) in w.iter_mut().zip(g).zip(first).zip(second) {
                    *m = beta1 * *m + (T::ONE - beta1) * g;
                    *v = beta2 * *v + (T::ONE - beta2) * g * g;
                    *w = *w * keep - step * *m / (v.sqrt() * root + eps);
                }
            }
            _ => rule.apply(w, g, first),
        }
    }
}

simd! {
    /// One step over rows of a table: row i of `grads` moves row `rows[i]`. A table row is its weights, then its state.
    pub(crate) fn step_rows<T: Real>(rule: Rule<T>, data: &mut [T], stride: usize, dim: usize, rows: &[u32], grads: &[T]) {
        for (i, (&row, g)) in rows.iter().zip(grads.chunks_exact(dim)).enumerate() {
            if let Some(&next) = rows.get(i + AHEAD) {
                prefetch(&data[next as usize * stride..][..stride]);
            }
            let (w, state) = data[row as usize * stride..][..stride].split_at_mut(dim);
            rule.apply_row(w, g, state);
        }
    }
}

simd! {
    /// `g += 2·l2·w + l1·sign(w)`, the gradient of l2·Σw² + l1·Σ|w|; gives the penalty itself.
    pub(crate) fn penalise<T: Real>(l1: f64, l2: f64, w: &[T], g: &mut [T]) -> f64 {
        let (one, two) = (T::of(l1), T::of(2.0 * l2));
        let (mut square, mut absolute) = (0.0f64, 0.0f64);
        for (&w, g) in w.iter().zip(g) {
            let sign = if w > T::ZERO { T::ONE } else if w < T::ZERO { -T::ONE } else { T::ZERO };
            *g += two * w + one * sign;
            square += w.f64() * w.f64();
            absolute += w.abs().f64();
        }
        l2 * square + l1 * absolute
    }
}
