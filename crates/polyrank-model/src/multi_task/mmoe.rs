//! MMoE, multi-gate mixture of experts: each task weighs the experts by a gate of its own (Ma et al. 2018, Section 4.2).
//!
//! # Equations
//! `y_k = tower_k( Σ_i g_k(x)_i · f_i(x) )` (Eq. 6, 7), `g_k(x) = softmax(W_gk·x / τ)` (Eq. 8).
//!
//! With L levels (ML-MMOE, a baseline of Tang et al. 2020): expert e of level j > 1 reads a mixture of its
//! own of the level below, `f_e^j( Σ_i g_e^{j−1}(x)_i · f_i^{j−1} )`, and the tasks' gates weigh the experts of level L.
//!
//! # Shapes
//! x `[B, W]`, g `[B, E]`, f_i `[B, expert_units.last]`.
//!
//! # Compared with the paper
//! No deviation by default; other kinds of gates, their hidden layers, bias and temperature are options (`gate.rs`).
//! Tang et al. give no equations of ML-MMOE: gates that all read x, one an expert between levels, are those of the
//! baseline in AdaTT's code (Li et al. 2023).

use polyrank_engine::GraphError;
use polyrank_schema::{Block, BlockSpec};

use super::{TaskOutput, experts, gate};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "mmoe",
    doc: "experts mixed by one gate a task (Ma et al. 2018)",
    options: experts::OPTIONS_WITH_LEVELS,
    check: experts::check,
};

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let (count, levels) = (block.size("experts"), block.size("levels"));
    let mut inputs = vec![x; count]; // what each expert reads
    for level in 0..levels {
        let prefix = if levels == 1 { String::new() } else { format!("levels.{level}.") };
        let mut experts = Vec::new(); // E × [B, d]
        for (e, &input) in inputs.iter().enumerate() {
            experts.push(experts::expert(b, block, &format!("{prefix}experts.{e}"), input)?);
        }
        let last = level + 1 == levels;
        let readers = if last { b.tasks() } else { (0..count).map(|e| e.to_string()).collect() };
        let mut mixtures = Vec::new();
        for reader in readers {
            let watch = if last { reader.clone() } else { format!("level {} expert {reader}", level + 2) };
            let gate = gate::gate(b, block, &format!("{prefix}gates.{reader}"), &watch, x, count)?; // [B, E]
            mixtures.push(b.graph.mixture(&format!("{prefix}mixture.{reader}"), gate, &experts)?); // [B, d]
        }
        inputs = mixtures;
    }
    Ok(inputs.into_iter().map(TaskOutput::from).collect())
}
