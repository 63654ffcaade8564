//! What each preset puts in force where nothing is written.
//!
//! Options of blocks are not here: whoever owns a block states their defaults, preset by preset.

use crate::config::{Activation, AutoDim, LayerOrder, Normaliser, PenaltyScope};
use crate::named::{EmbeddingInitName, LayerInitName};
use crate::preset::Preset;

/// A preset's choices outside blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choices {
    pub(crate) layer_order: LayerOrder,
    pub(crate) layer_init: LayerInitName,
    pub(crate) embedding_init: EmbeddingInitName,
    /// Of `embedding_init = "normal"`.
    pub(crate) embedding_init_std: f64,
    pub(crate) l2_embedding: f64,
    pub(crate) embedding_penalty: PenaltyScope,
    pub(crate) auto_dim: AutoDim,
    pub(crate) normaliser: Normaliser,
    pub(crate) batch_size: usize,
    pub(crate) epochs: usize,
    /// The type of `model.interaction`.
    pub(crate) interaction: &'static str,
    /// The type of `model.multi_task` where there are several tasks; with one it is `single`.
    pub(crate) multi_task: &'static str,
    pub(crate) tower_units: &'static [usize],
    pub(crate) activation: Activation,
    /// The encoder of lists that name none; they are pooled if there is none.
    pub(crate) sequence: Option<&'static str>,
}

/// Standard deviation of `layer_init = "normal"`: DeepCTR-Torch's, the one peer that has it.
pub(crate) const INIT_STD: f64 = 1e-4;

/// Limit of `embedding_init = "uniform"`: Merlin's, the one peer that has it.
pub(crate) const EMBEDDING_INIT_LIMIT: f64 = 0.05;

const DEFAULT: Choices = Choices {
    layer_order: LayerOrder::NormActivationDropout,
    layer_init: LayerInitName::Auto,
    embedding_init: EmbeddingInitName::Normal,
    embedding_init_std: 0.01,
    l2_embedding: 0.0,
    embedding_penalty: PenaltyScope::Batch,
    auto_dim: AutoDim::Root,
    normaliser: Normaliser::WeightSum,
    batch_size: 4096,
    epochs: 3,
    interaction: "none",
    multi_task: "mmoe",
    tower_units: &[64],
    activation: Activation::Relu,
    sequence: None,
};

/// A model under its own name: the network is one MLP below each task's logit, whose widths the block states.
const MODEL: Choices = Choices { multi_task: "single", tower_units: &[], ..DEFAULT };

/// What `preset` puts in force.
pub(crate) fn choices(preset: Preset) -> Choices {
    match preset {
        Preset::Default => DEFAULT,
        Preset::Paper => Choices { layer_init: LayerInitName::Glorot, ..DEFAULT },
        Preset::Deepctr => Choices {
            layer_init: LayerInitName::Normal,
            embedding_init_std: 1e-4,
            l2_embedding: 1e-5,
            embedding_penalty: PenaltyScope::Table,
            auto_dim: AutoDim::Four,
            normaliser: Normaliser::Sum,
            batch_size: 256,
            epochs: 1,
            ..DEFAULT
        },
        Preset::Merlin => Choices {
            layer_order: LayerOrder::ActivationDropoutNorm,
            layer_init: LayerInitName::Glorot,
            embedding_init: EmbeddingInitName::Uniform,
            normaliser: Normaliser::Batch,
            ..DEFAULT
        },
        Preset::WideDeep => Choices { interaction: "wide", ..MODEL },
        Preset::Dcn => Choices { interaction: "dcn", ..MODEL },
        Preset::DcnV2 => Choices { interaction: "dcn_v2", ..MODEL },
        Preset::Pnn => Choices { interaction: "pnn", ..MODEL },
        Preset::Din => Choices { activation: Activation::Dice, sequence: Some("din"), ..MODEL },
        Preset::Dien => Choices { activation: Activation::Dice, sequence: Some("dien"), ..MODEL },
    }
}
