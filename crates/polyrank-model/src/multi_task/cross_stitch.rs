//! Cross-stitch networks: one network a task, and after every hidden layer each task reads a trained blend of all tasks'
//! activations (Misra et al. 2016, CVPR, Section 3.1), between layers of MLPs as in Ma et al. 2018, KDD, Section 5.
//!
//! # Equations
//! `x_t^(l) = Σ_s α_ts^(l) · h_s^(l)` (Eq. 1), `h_t^(l+1) = layer_t^(l+1)( x_t^(l) )`, `y_t = tower_t( x_t^(L) )`
//!
//! # Shapes
//! h_t^(l), x_t^(l) `[B, units.l]`, α^(l) `[T, T]`, one number for all columns.
//!
//! # Compared with the paper
//! One α for a whole layer, where the paper has one a channel of a convolution: a hidden layer has no channels. α starts
//! at `own` for t = s and (1 − own)/(T − 1) elsewhere, within the paper's convex combinations (Section 3.3). The paper
//! trains α faster than the rest; here all layers have one learning rate.

use polyrank_engine::{GraphError, Init, Value};
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, BlockSpec, OptionSpec};

use super::{BOTTOM_UNITS, TaskOutput};
use crate::build::Builder;

pub(super) const SPEC: BlockSpec = BlockSpec {
    name: "cross_stitch",
    doc: "one network a task, blended after every layer (Misra et al. 2016)",
    options: &[
        BOTTOM_UNITS,
        OptionSpec {
            key: "own",
            kind: OptionKind::Float { min: 0.0, max: 1.0 },
            default: OptionDefault::Always(Literal::Float(0.9)),
            doc: "initial weight of a task's own activations; the others share the rest",
        },
    ],
    check,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    if context.tasks.len() < 2 {
        return Err(format!(
            "`cross_stitch` needs at least 2 tasks, there is {}; use `single` for one task",
            context.tasks.len()
        ));
    }
    if block.units("units").is_empty() {
        return Err("`cross_stitch` blends hidden layers and has none; give `units` at least one".to_owned());
    }
    Ok(())
}

pub(super) fn build(b: &mut Builder<'_>, block: &Block) -> Result<Vec<TaskOutput>, GraphError> {
    let x = b.input(&b.everyone())?; // [B, W]
    let (tasks, own) = (b.tasks(), block.float("own"));
    let others = (1.0 - own) / (tasks.len() as f64 - 1.0);
    let mut values: Vec<Value> = vec![x; tasks.len()];
    for (l, &units) in block.units("units").iter().enumerate() {
        for (value, task) in values.iter_mut().zip(&tasks) {
            *value = b.layer(&format!("networks.{task}.{l}"), *value, units)?; // [B, units]
        }
        let hidden = values.clone();
        for (t, task) in tasks.iter().enumerate() {
            let init = Init::Apart { at: t, value: own, others };
            values[t] = b.graph.blend(&format!("stitches.{task}.{l}"), &hidden, init)?; // [B, units]
        }
    }
    Ok(values.into_iter().map(TaskOutput::from).collect())
}
