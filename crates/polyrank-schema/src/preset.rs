//! The presets: named sets of choices on which the field disagrees, and single-task models under their own names.

use serde::{Deserialize, Serialize};

/// A named set of choices; each choice can still be made by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// polyrank's own choices.
    #[default]
    Default,
    /// As in the papers.
    Paper,
    /// As DeepCTR-Torch 0.3.0.
    Deepctr,
    /// As Merlin Models (TensorFlow).
    Merlin,
    /// Wide & Deep (Cheng et al. 2016).
    WideDeep,
    /// Deep & Cross (Wang et al. 2017).
    Dcn,
    /// DCN-v2 (Wang et al. 2021), stacked.
    DcnV2,
    /// Product-based networks (Qu et al. 2016).
    Pnn,
    /// Deep Interest Network (Zhou et al. 2018).
    Din,
    /// Deep Interest Evolution Network (Zhou et al. 2019).
    Dien,
}

impl Preset {
    /// All presets, in the order to print them.
    pub const ALL: [Preset; 10] = [
        Preset::Default,
        Preset::Paper,
        Preset::Deepctr,
        Preset::Merlin,
        Preset::WideDeep,
        Preset::Dcn,
        Preset::DcnV2,
        Preset::Pnn,
        Preset::Din,
        Preset::Dien,
    ];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Paper => "paper",
            Preset::Deepctr => "deepctr",
            Preset::Merlin => "merlin",
            Preset::WideDeep => "wide_deep",
            Preset::Dcn => "dcn",
            Preset::DcnV2 => "dcn_v2",
            Preset::Pnn => "pnn",
            Preset::Din => "din",
            Preset::Dien => "dien",
        }
    }

    /// Whether it is a model under its own name.
    pub fn is_model(self) -> bool {
        !matches!(self, Preset::Default | Preset::Paper | Preset::Deepctr | Preset::Merlin)
    }
}
