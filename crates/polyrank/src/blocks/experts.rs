//! `MMOEBlock`, `CGCBlock`, `PLEBlock`: mixtures of experts; and any other block by its name.

use toml::{Table, Value};

use super::mlp::ALWAYS_ACTIVATED;
use super::{Body, MlpBlock, whole, wholes};

/// Any block of the configuration, as `adatt`, by its name and options.
#[derive(Debug, Clone)]
pub struct NamedBlock(Table);

impl NamedBlock {
    /// The block of this `type`.
    pub fn new(name: &str) -> NamedBlock {
        NamedBlock(Table::from_iter([("type".to_owned(), Value::String(name.to_owned()))]))
    }

    /// With this option.
    pub fn option(mut self, key: &str, value: impl Into<Value>) -> NamedBlock {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn table(self) -> Table {
        self.0
    }
}

impl From<NamedBlock> for Body {
    fn from(block: NamedBlock) -> Body {
        Body { block: block.0, model: Table::new(), faults: Vec::new() }
    }
}

/// What the three have in common.
fn block(name: &str, expert_block: MlpBlock) -> Body {
    let block = NamedBlock::new(name).option("expert_units", wholes(&expert_block.dimensions));
    let block = if expert_block.last_activation { block } else { block.option("expert_last_activation", false) };
    Body { block: block.table(), model: expert_block.layers, faults: Vec::new() }
}

macro_rules! with_gates {
    ($($block:ident),+) => {
        $(
            impl $block {
                /// With these hidden layers in each gate, before its last one. Its layers are made as the experts' are.
                pub fn gate_block(mut self, gate_block: MlpBlock) -> $block {
                    self.0.block.insert("gate_units".to_owned(), wholes(&gate_block.dimensions));
                    if !gate_block.last_activation {
                        self.0.faults.push(("model.multi_task.gate_units".to_owned(), ALWAYS_ACTIVATED.to_owned()));
                    }
                    for (key, value) in gate_block.layers {
                        if self.0.model.get(&key) != Some(&value) {
                            let message = format!("gates' layers are made as the experts': say {key} = {value} there too");
                            self.0.faults.push((format!("model.{key}"), message));
                        }
                    }
                    self
                }

                /// What gate logits are divided by before the softmax.
                pub fn gate_softmax_temperature(self, temperature: f64) -> $block {
                    self.option("gate_temperature", temperature)
                }

                /// Any other option of the block, as the configuration names it.
                pub fn option(mut self, key: &str, value: impl Into<Value>) -> $block {
                    self.0.block.insert(key.to_owned(), value.into());
                    self
                }
            }

            impl From<$block> for Body {
                fn from(block: $block) -> Body {
                    block.0
                }
            }
        )+
    };
}

/// Experts that all tasks share, and a gate for each task (Ma et al. 2018).
#[derive(Debug, Clone)]
pub struct MmoeBlock(Body);

/// Experts of each task's own beside shared ones (Tang et al. 2020).
#[derive(Debug, Clone)]
pub struct CgcBlock(Body);

/// Levels of [`CgcBlock`]s (Tang et al. 2020).
#[derive(Debug, Clone)]
pub struct PleBlock(Body);

with_gates!(MmoeBlock, CgcBlock, PleBlock);

impl MmoeBlock {
    /// `num_experts` copies of `expert_block`.
    pub fn new(expert_block: MlpBlock, num_experts: usize) -> MmoeBlock {
        MmoeBlock(block("mmoe", expert_block)).option("experts", whole(num_experts))
    }
}

impl CgcBlock {
    /// Copies of `expert_block`: one for each task and a shared one, unless said otherwise.
    pub fn new(expert_block: MlpBlock) -> CgcBlock {
        CgcBlock(block("cgc", expert_block))
    }

    /// With so many experts of each task's own.
    pub fn num_task_experts(self, experts: usize) -> CgcBlock {
        self.option("task_experts", whole(experts))
    }

    /// With so many experts that all tasks share.
    pub fn num_shared_experts(self, experts: usize) -> CgcBlock {
        self.option("shared_experts", whole(experts))
    }
}

impl PleBlock {
    /// `num_layers` levels of copies of `expert_block`. Gates read the level below, as in the paper;
    /// `option("gate_input", "input")` makes them read the input, as Merlin's do.
    pub fn new(num_layers: usize, expert_block: MlpBlock) -> PleBlock {
        PleBlock(block("ple", expert_block)).option("levels", whole(num_layers))
    }

    /// With so many experts of each task's own at each level.
    pub fn num_task_experts(self, experts: usize) -> PleBlock {
        self.option("task_experts", whole(experts))
    }

    /// With so many experts that all tasks share at each level.
    pub fn num_shared_experts(self, experts: usize) -> PleBlock {
        self.option("shared_experts", whole(experts))
    }
}
