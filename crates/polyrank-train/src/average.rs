//! The mean of the weights at the ends of epochs: stochastic weight averaging (Izmailov et al. 2018, "Averaging Weights
//! Leads to Wider Optima and Better Generalization", Algorithm 1 with cycles of one epoch).
//!
//! Training goes on from its own weights; the mean is what is validated and kept. Running statistics of batch norm are
//! averaged like weights, where the paper passes over the rows once more. Rows of tables in bf16 are rounded to the nearest
//! after each epoch, as the bundle will have them.

use polyrank_engine::{Network, Tensor, TensorError};

/// A mean of weights, once its first epoch is done.
#[derive(Debug)]
pub(crate) struct Average {
    /// The first epoch whose weights are in it, from 1.
    from: usize,
    mean: Option<Network<f32>>,
}

impl Average {
    pub(crate) fn new(from: usize) -> Average {
        Average { from, mean: None }
    }

    pub(crate) fn network(&self) -> Option<&Network<f32>> {
        self.mean.as_ref()
    }

    /// Takes in the weights at the end of an epoch, counted from 1; epochs come one after the other.
    pub(crate) fn add(&mut self, epoch: usize, network: &Network<f32>) -> Result<(), TensorError> {
        let Some(before) = epoch.checked_sub(self.from) else { return Ok(()) };
        let Some(mean) = &mut self.mean else {
            self.mean = Some(network.clone().without_state());
            return Ok(());
        };
        let share = 1.0 / (before as f32 + 1.0);
        for (of_mean, of_epoch) in mean.layers().into_iter().zip(network.layers()) {
            mean.set(&nearer(of_mean, &of_epoch, share))?;
        }
        // Tables are large: one at a time.
        let tables = mean.graph().tables().len();
        for table in 0..tables {
            if let (Some(of_mean), Some(of_epoch)) = (mean.table(table), network.table(table)) {
                mean.set(&nearer(of_mean, &of_epoch, share))?;
            }
        }
        Ok(())
    }

    /// Forgets what was averaged.
    pub(crate) fn clear(&mut self) {
        self.mean = None;
    }

    /// Sets a tensor of the mean, as a checkpoint has it; `like` is the network that is averaged.
    pub(crate) fn set(&mut self, tensor: &Tensor<f32>, like: &Network<f32>) -> Result<(), TensorError> {
        self.mean.get_or_insert_with(|| like.clone().without_state()).set(tensor)
    }
}

/// `tensor`, moved by `share` of the way to `to`.
fn nearer(mut tensor: Tensor<f32>, to: &Tensor<f32>, share: f32) -> Tensor<f32> {
    for (mean, value) in tensor.data.iter_mut().zip(&to.data) {
        *mean += (value - *mean) * share;
    }
    tensor
}
