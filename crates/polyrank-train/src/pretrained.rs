//! Tables that start from pretrained vectors.

use std::path::Path;

use polyrank_data::encode::{Coverage, Encoders};
use polyrank_engine::Network;
use polyrank_model::ModelError;
use polyrank_schema::Config;

use crate::error::TrainError;

/// Writes the vectors that the configuration names into the tables of its features, and says how much of each
/// vocabulary they cover. Rows without a vector keep what they started with.
pub(crate) fn start(
    config: &Config,
    encoders: &Encoders,
    base: &Path,
    network: &mut Network<f32>,
) -> Result<Vec<(String, Coverage)>, TrainError> {
    let mut all = Vec::new();
    for feature in &config.features {
        let Some(spec) = &feature.pretrained else { continue };
        let name = format!("table.{}", feature.name);
        let tables = network.graph().tables().iter().enumerate();
        // One a task, where tasks have tables of their own.
        let own: Vec<usize> =
            tables.filter(|(_, table)| table.name.rsplit('/').next() == Some(&name)).map(|(i, _)| i).collect();
        let mut failed = None;
        let coverage = encoders.visit_pretrained(&feature.name, spec, &config.data.reading, base, |row, vector| {
            for table in &own {
                if let Err(error) = network.set_row(*table, row, vector) {
                    failed.get_or_insert(error);
                }
            }
        })?;
        if let Some(source) = failed {
            return Err(ModelError::Tensor { path: spec.file.clone().into(), source }.into());
        }
        all.push((feature.name.clone(), coverage));
    }
    Ok(all)
}
