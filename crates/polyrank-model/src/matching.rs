//! Comparing architectures at equal size: the width at which one has as many numbers as another.

use polyrank_data::encode::InputLayout;
use polyrank_engine::Graph;
use polyrank_schema::Config;
use polyrank_schema::spec::{OptionKind, OptionValue};

use crate::error::ModelError;
use crate::{multi_task, network_graph};

/// A configuration whose block has been widened or narrowed.
#[derive(Debug, Clone)]
pub struct Matched {
    /// With the block's hidden layers at the width found.
    pub config: Config,
    /// Numbers in its layers.
    pub numbers: usize,
    /// What every width was multiplied by.
    pub factor: f64,
}

/// Numbers in a network's layers; embedding tables are not counted, for they follow from the features.
pub fn layer_numbers(graph: &Graph) -> usize {
    graph.params().iter().map(|param| param.shape.len()).sum()
}

/// The configuration with the block's hidden layers (`units`, `expert_units`; not gates') as many times as wide as makes
/// its layers hold nearest to `numbers` numbers. Towers, features and all else stay as they are.
pub fn match_numbers(config: &Config, layout: &InputLayout, numbers: usize) -> Result<Matched, ModelError> {
    let at = |factor: f64| -> Result<Matched, ModelError> {
        let config = scaled(config, factor);
        let numbers = layer_numbers(&network_graph(&config, layout)?);
        Ok(Matched { config, numbers, factor })
    };
    let (mut low, mut high) = (1.0 / 1024.0, 1.0);
    let mut best = at(1.0)?;
    if widths(config).is_empty() {
        let kind = &config.model.multi_task.kind;
        return Err(ModelError::Matching(format!("`{kind}` has no hidden layers whose width could be chosen")));
    }
    while at(high)?.numbers < numbers && high < 1024.0 {
        high *= 2.0;
    }
    // Numbers rise with the factor, in steps of one unit.
    for _ in 0..40 {
        let middle = f64::sqrt(low * high);
        let tried = at(middle)?;
        if tried.numbers < numbers {
            low = middle;
        } else {
            high = middle;
        }
        if tried.numbers.abs_diff(numbers) < best.numbers.abs_diff(numbers) {
            best = tried;
        }
    }
    Ok(best)
}

/// The keys of the block's hidden layers.
fn widths(config: &Config) -> Vec<&'static str> {
    let block = &config.model.multi_task;
    let spec = multi_task::SPECS.iter().find(|spec| spec.name == block.kind);
    let options = spec.map(|spec| spec.options).unwrap_or_default().iter();
    let hidden = options.filter(|option| option.kind == OptionKind::Units && option.key.ends_with("units"));
    hidden.map(|option| option.key).filter(|key| *key != "gate_units" && !block.units(key).is_empty()).collect()
}

fn scaled(config: &Config, factor: f64) -> Config {
    let mut config = config.clone();
    for key in widths(&config) {
        let units = config.model.multi_task.units(key).iter();
        let units = units.map(|width| ((*width as f64 * factor).round() as usize).clamp(1, 65_536)).collect();
        config.model.multi_task.options.insert(key.to_owned(), OptionValue::Units(units));
    }
    config
}
