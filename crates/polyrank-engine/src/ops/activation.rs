//! Activations without parameters.

use crate::exec::context::{Backward, Forward};
use crate::ops::{Kernel, same_width};
use crate::real::Real;

/// An activation without parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// x: a copy.
    Identity,
    /// max(x, 0).
    Relu,
    /// x if positive, else slope·x.
    LeakyRelu {
        /// The slope below zero.
        slope: f64,
    },
    /// 1 / (1 + e^−x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))) (Hendrycks and Gimpel 2016, Section 2).
    Gelu,
    /// x·sigmoid(x) (Elfwing et al. 2018).
    Silu,
    /// factor·x + add.
    Affine {
        /// What x is multiplied by.
        factor: f64,
        /// What is added.
        add: f64,
    },
    /// 1 / max(x, floor), without a gradient below the floor.
    Reciprocal {
        /// The least that is divided by, above 0.
        floor: f64,
    },
    /// ln(1 + e^x).
    Softplus,
    /// 0 up to −width/2, 1 from width/2 on, and −2/width³·x³ + 3/(2·width)·x + 1/2 between them (Hazimeh et al. 2020,
    /// "The Tree Ensemble Layer").
    SmoothStep {
        /// Width of the part that rises, above 0.
        width: f64,
    },
    /// −x·ln(x + 10⁻⁶): what a probability adds to an entropy.
    Entropy,
}

#[derive(Debug, Clone)]
pub(crate) struct Activate {
    pub(crate) function: Function,
}

impl Activate {
    /// The value itself, in a place of its own.
    pub(crate) fn copy() -> Activate {
        Activate { function: Function::Identity }
    }
}

/// Keeps the logarithm of a probability of 0 finite.
const ENTROPY_EPSILON: f64 = 1e-6;
const GELU_SCALE: f64 = 0.797_884_560_802_865_4; // √(2/π)
const GELU_CUBE: f64 = 0.044_715;

#[inline(always)]
fn apply<T: Real>(function: Function, x: &[T], y: &mut [T]) {
    let half = T::of(0.5);
    let (scale, cube) = (T::of(GELU_SCALE), T::of(GELU_CUBE));
    let each = x.iter().zip(y);
    match function {
        Function::Identity => each.for_each(|(&x, y)| *y = x),
        Function::Relu => each.for_each(|(&x, y)| *y = x.relu()),
        Function::LeakyRelu { slope } => {
            let slope = T::of(slope);
            each.for_each(|(&x, y)| *y = if x > T::ZERO { x } else { slope * x });
        }
        Function::Sigmoid => each.for_each(|(&x, y)| *y = x.sigmoid()),
        Function::Tanh => each.for_each(|(&x, y)| *y = x.tanh()),
        Function::Gelu => each.for_each(|(&x, y)| *y = half * x * (T::ONE + (scale * (x + cube * x * x * x)).tanh())),
        Function::Silu => each.for_each(|(&x, y)| *y = x * x.sigmoid()),
        Function::Affine { factor, add } => {
            let (factor, add) = (T::of(factor), T::of(add));
            each.for_each(|(&x, y)| *y = factor * x + add);
        }
        Function::Reciprocal { floor } => {
            let floor = T::of(floor);
            each.for_each(|(&x, y)| *y = T::ONE / x.max(floor));
        }
        Function::Softplus => each.for_each(|(&x, y)| *y = x.relu() + (T::ONE + (-x.abs()).exp()).ln()),
        Function::SmoothStep { width } => {
            let (end, cube, slope) = (T::of(width / 2.0), T::of(-2.0 / width.powi(3)), T::of(1.5 / width));
            each.for_each(|(&x, y)| {
                let inside = (cube * x * x + slope) * x + half;
                *y = if x <= -end {
                    T::ZERO
                } else if x >= end {
                    T::ONE
                } else {
                    inside
                };
            });
        }
        Function::Entropy => {
            let epsilon = T::of(ENTROPY_EPSILON);
            each.for_each(|(&x, y)| *y = -x * (x + epsilon).ln());
        }
    }
}

// What goes back to x: dy · dy/dx.
#[inline(always)]
fn chain<T: Real>(function: Function, x: &[T], y: &[T], dy: &[T], to: &mut Share<'_, T>) {
    let half = T::of(0.5);
    let (scale, cube, three) = (T::of(GELU_SCALE), T::of(GELU_CUBE), T::of(3.0));
    match function {
        Function::Identity => to.each(dy, x, |g, _| g),
        Function::Relu => to.each(dy, y, |g, y| if y > T::ZERO { g } else { T::ZERO }),
        Function::LeakyRelu { slope } => {
            let slope = T::of(slope);
            to.each(dy, x, |g, x| if x > T::ZERO { g } else { slope * g });
        }
        Function::Sigmoid => to.each(dy, y, |g, y| g * y * (T::ONE - y)),
        Function::Tanh => to.each(dy, y, |g, y| g * (T::ONE - y * y)),
        Function::Gelu => to.each(dy, x, |g, x| {
            let t = (scale * (x + cube * x * x * x)).tanh();
            let inner = scale * (T::ONE + three * cube * x * x);
            g * (half * (T::ONE + t) + half * x * (T::ONE - t * t) * inner)
        }),
        Function::Silu => to.each(dy, x, |g, x| {
            let s = x.sigmoid();
            g * (s * (T::ONE + x * (T::ONE - s)))
        }),
        Function::Affine { factor, .. } => {
            let factor = T::of(factor);
            to.each(dy, x, |g, _| g * factor);
        }
        Function::Reciprocal { floor } => {
            let floor = T::of(floor);
            to.each(dy, x, |g, x| {
                let y = T::ONE / x;
                if x > floor { -g * y * y } else { T::ZERO }
            });
        }
        Function::Softplus => to.each(dy, x, |g, x| g * x.sigmoid()),
        Function::SmoothStep { width } => {
            let (end, cube, slope) = (T::of(width / 2.0), T::of(-6.0 / width.powi(3)), T::of(1.5 / width));
            to.each(dy, x, |g, x| if x <= -end || x >= end { T::ZERO } else { g * (cube * x * x + slope) });
        }
        Function::Entropy => {
            let epsilon = T::of(ENTROPY_EPSILON);
            to.each(dy, x, |g, x| -g * ((x + epsilon).ln() + x / (x + epsilon)));
        }
    }
}

/// A row of an input's gradient, and whether to add to what is there.
struct Share<'a, T> {
    dx: &'a mut [T],
    accumulate: bool,
}

impl<T: Real> Share<'_, T> {
    /// Gives every number `f` of the output's gradient and of the input or output.
    #[inline(always)]
    fn each(&mut self, dy: &[T], of: &[T], f: impl Fn(T, T) -> T) {
        let n = self.dx.len();
        let (dx, dy, of) = (&mut self.dx[..n], &dy[..n], &of[..n]);
        if self.accumulate {
            for i in 0..n {
                dx[i] += f(dy[i], of[i]);
            }
        } else {
            for i in 0..n {
                dx[i] = f(dy[i], of[i]);
            }
        }
    }
}

impl Kernel for Activate {
    const NAME: &'static str = "activation";

    fn width(&self, inputs: &[usize]) -> Result<usize, String> {
        same_width(inputs)
    }

    fn flops(&self, _: &[usize], width: usize) -> u64 {
        width as u64
    }

    #[inline(always)]
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
        for r in 0..cx.rows.len() {
            apply(self.function, cx.x[0].row(r), cx.y.row_mut(r));
        }
    }

    #[inline(always)]
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
        let Some((dx, accumulate)) = &mut cx.dx[0] else { return };
        for r in 0..cx.rows.len() {
            let mut to = Share { dx: dx.row_mut(r), accumulate: *accumulate };
            chain(self.function, cx.x[0].row(r), cx.y.row(r), cx.dy.row(r), &mut to);
        }
    }
}

/// Hands a gradient row on: adds it or replaces what is there.
#[inline(always)]
pub(crate) fn give<T: Real>(to: &mut [T], from: &[T], accumulate: bool) {
    if accumulate {
        crate::kernels::elementwise::add_assign(to, from);
    } else {
        to.copy_from_slice(from);
    }
}
