//! The four presets: named sets of choices on which the field disagrees.

use serde::{Deserialize, Serialize};

/// A named set of choices; each choice can still be made by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
}

impl Preset {
    /// All presets, in the order to print them.
    pub const ALL: [Preset; 4] = [Preset::Default, Preset::Paper, Preset::Deepctr, Preset::Merlin];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Paper => "paper",
            Preset::Deepctr => "deepctr",
            Preset::Merlin => "merlin",
        }
    }
}
