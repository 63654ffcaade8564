//! The ops: one file each, one line each in the registry below.
//!
//! An op states its output's width, its forward and backward kernels over the rows of a micro-batch, its parameters and
//! its cost. Nothing outside its file knows its mathematics.

pub mod activation;
pub(crate) mod append;
pub(crate) mod attention;
pub(crate) mod batch_norm;
pub(crate) mod blend;
pub(crate) mod codes;
pub mod collect;
pub(crate) mod concat;
pub(crate) mod conjunction;
pub(crate) mod dense;
pub(crate) mod dice;
pub(crate) mod dot;
pub(crate) mod dropout;
pub(crate) mod flatten;
pub(crate) mod fm;
pub mod fold;
pub mod gru;
pub(crate) mod hard_concrete;
pub(crate) mod label;
pub(crate) mod layer_norm;
pub(crate) mod linear;
pub(crate) mod list_softmax;
pub(crate) mod lookup;
pub(crate) mod mixture;
pub(crate) mod multiply;
pub mod neighbour;
pub(crate) mod noise;
pub(crate) mod outer;
pub(crate) mod overlay;
pub(crate) mod pair_products;
pub(crate) mod pairs;
pub(crate) mod part;
pub(crate) mod periodic;
pub(crate) mod places;
pub(crate) mod pointwise_loss;
pub(crate) mod prelu;
pub(crate) mod routes;
pub(crate) mod shift;
pub(crate) mod softmax;
pub(crate) mod spread;
pub(crate) mod stop;
pub(crate) mod sum;
pub(crate) mod top_softmax;
pub(crate) mod trained;

use crate::exec::context::{Backward, Combine, Forward};
use crate::graph::{Param, Space};
use crate::kernels::simd;
use crate::real::Real;

/// What an op must say of itself.
pub(crate) trait Kernel {
    /// The name in summaries.
    const NAME: &'static str;

    /// Width of the output for inputs of these widths, or why they do not fit.
    fn width(&self, inputs: &[usize]) -> Result<usize, String>;

    /// What the output has one row for; the inputs' space unless the op leads from one to another.
    fn space(&self, inputs: &[Space]) -> Result<Space, String> {
        let first = inputs.first().copied().unwrap_or(Space::Rows);
        match inputs.iter().find(|space| **space != first) {
            None => Ok(first),
            Some(other) => Err(format!("takes inputs of one kind of rows, got {} and {}", first.name(), other.name())),
        }
    }

    /// Whether gradients end here.
    fn stops(&self) -> bool {
        false
    }

    /// Floating-point operations a row, forward.
    fn flops(&self, inputs: &[usize], width: usize) -> u64;

    /// The parameters that it trains.
    fn params(&self) -> Vec<Param> {
        Vec::new()
    }

    /// Whether it needs the whole batch before it can go on (batch statistics). Then `reduce` runs over every
    /// micro-batch and `combine` once, before `forward` resp. `backward`.
    fn batch_wide(&self) -> bool {
        false
    }

    /// Whether it multiplies its input rounded to bf16 by its first parameter, rounded too.
    fn multiplies_rounded(&self) -> bool {
        false
    }

    /// Numbers that `reduce` gathers a micro-batch.
    fn reduced(&self, _width: usize) -> usize {
        0
    }

    /// Gathers from this micro-batch what the whole batch must know before `forward` (training only).
    fn reduce_forward<T: Real>(&self, _cx: &Forward<'_, T>, _sums: &mut [f64]) {}

    /// Gathers from this micro-batch what the whole batch must know before `backward`.
    fn reduce_backward<T: Real>(&self, _cx: &Backward<'_, T>, _sums: &mut [f64]) {}

    /// Turns the sums over the batch into what `forward` reads, and updates running statistics.
    fn combine_forward<T: Real>(&self, _cx: &mut Combine<'_, T>) {}

    /// Computes the output.
    fn forward<T: Real>(&self, cx: &mut Forward<'_, T>);

    /// Adds the gradients of inputs and parameters.
    fn backward<T: Real>(&self, cx: &mut Backward<'_, T>);
}

macro_rules! ops {
    ($($variant:ident = $path:path),* $(,)?) => {
        /// Any op.
        #[derive(Debug, Clone)]
        pub(crate) enum Op {
            $($variant($path)),*
        }

        $(impl From<$path> for Op {
            fn from(op: $path) -> Op {
                Op::$variant(op)
            }
        })*

        // Whole passes are compiled for every instruction set, so an op's loops are plain ones.
        simd! {
            fn forward<T: Real>(op: &Op, cx: &mut Forward<'_, T>) {
                match op { $(Op::$variant(op) => op.forward(cx)),* }
            }
        }
        simd! {
            fn backward<T: Real>(op: &Op, cx: &mut Backward<'_, T>) {
                match op { $(Op::$variant(op) => op.backward(cx)),* }
            }
        }
        simd! {
            fn reduce_forward<T: Real>(op: &Op, cx: &Forward<'_, T>, sums: &mut [f64]) {
                match op { $(Op::$variant(op) => op.reduce_forward(cx, sums)),* }
            }
        }
        simd! {
            fn reduce_backward<T: Real>(op: &Op, cx: &Backward<'_, T>, sums: &mut [f64]) {
                match op { $(Op::$variant(op) => op.reduce_backward(cx, sums)),* }
            }
        }

        impl Op {
            pub(crate) fn name(&self) -> &'static str {
                match self { $(Op::$variant(_) => <$path as Kernel>::NAME),* }
            }
            pub(crate) fn width(&self, inputs: &[usize]) -> Result<usize, String> {
                match self { $(Op::$variant(op) => op.width(inputs)),* }
            }
            pub(crate) fn space(&self, inputs: &[Space]) -> Result<Space, String> {
                match self { $(Op::$variant(op) => op.space(inputs)),* }
            }
            pub(crate) fn stops(&self) -> bool {
                match self { $(Op::$variant(op) => op.stops()),* }
            }
            pub(crate) fn flops(&self, inputs: &[usize], width: usize) -> u64 {
                match self { $(Op::$variant(op) => op.flops(inputs, width)),* }
            }
            pub(crate) fn params(&self) -> Vec<Param> {
                match self { $(Op::$variant(op) => op.params()),* }
            }
            pub(crate) fn batch_wide(&self) -> bool {
                match self { $(Op::$variant(op) => op.batch_wide()),* }
            }

            pub(crate) fn multiplies_rounded(&self) -> bool {
                match self { $(Op::$variant(op) => op.multiplies_rounded()),* }
            }
            pub(crate) fn reduced(&self, width: usize) -> usize {
                match self { $(Op::$variant(op) => op.reduced(width)),* }
            }
            pub(crate) fn reduce_forward<T: Real>(&self, cx: &Forward<'_, T>, sums: &mut [f64]) {
                reduce_forward(self, cx, sums);
            }
            pub(crate) fn reduce_backward<T: Real>(&self, cx: &Backward<'_, T>, sums: &mut [f64]) {
                reduce_backward(self, cx, sums);
            }
            pub(crate) fn combine_forward<T: Real>(&self, cx: &mut Combine<'_, T>) {
                match self { $(Op::$variant(op) => op.combine_forward(cx)),* }
            }
            pub(crate) fn forward<T: Real>(&self, cx: &mut Forward<'_, T>) {
                forward(self, cx);
            }
            pub(crate) fn backward<T: Real>(&self, cx: &mut Backward<'_, T>) {
                backward(self, cx);
            }
        }
    };
}

ops! {
    Activate = activation::Activate,
    Append = append::Append,
    Attend = attention::attend::Attend,
    Attention = attention::whole::Attention,
    AttentionWeights = attention::weights::AttentionWeights,
    BatchNorm = batch_norm::BatchNorm,
    Blend = blend::Blend,
    Codes = codes::Codes,
    Collect = collect::Collect,
    Concat = concat::Concat,
    Conjunction = conjunction::Conjunction,
    Dense = dense::Dense,
    Dice = dice::Dice,
    Dot = dot::Dot,
    Dropout = dropout::Dropout,
    Flatten = flatten::Flatten,
    Fm = fm::Fm,
    Fold = fold::Fold,
    Gru = gru::Gru,
    HardConcrete = hard_concrete::HardConcrete,
    Label = label::Label,
    LayerNorm = layer_norm::LayerNorm,
    Linear = linear::Linear,
    ListSoftmax = list_softmax::ListSoftmax,
    Lookup = lookup::Lookup,
    Mixture = mixture::Mixture,
    Multiply = multiply::Multiply,
    Neighbours = neighbour::Neighbours,
    Outer = outer::Outer,
    Overlay = overlay::Overlay,
    PairProducts = pair_products::PairProducts,
    Pairs = pairs::Pairs,
    Noise = noise::Noise,
    Part = part::Part,
    Periodic = periodic::Periodic,
    Places = places::Places,
    PointwiseLoss = pointwise_loss::PointwiseLoss,
    Prelu = prelu::Prelu,
    Routes = routes::Routes,
    Shift = shift::Shift,
    Softmax = softmax::Softmax,
    Spread = spread::Spread,
    Stop = stop::Stop,
    Sum = sum::Sum,
    Trained = trained::Trained,
    TopSoftmax = top_softmax::TopSoftmax,
    Unfold = fold::Unfold,
}

/// The width of the only input.
pub(crate) fn same_width(inputs: &[usize]) -> Result<usize, String> {
    match inputs {
        [width] => Ok(*width),
        _ => Err(format!("takes one input, got {}", inputs.len())),
    }
}

/// The width of inputs that meet in pairs.
pub(crate) fn several_of_one_width(inputs: &[usize]) -> Result<usize, String> {
    match inputs {
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|w| w == first) => Ok(*first),
        _ => Err(format!("takes two or more inputs of one width, got {inputs:?}")),
    }
}
