//! The bundle: a folder with everything that scoring needs, and nothing that runs.
//!
//! | file | what |
//! |---|---|
//! | `manifest.json` | format version, precision, instruction set; size and checksum of every other file |
//! | `schema.json` | the configuration: columns and how to read them, features, tasks, network |
//! | `operators/` | what operators have fitted, if anything |
//! | `encoders/` | the fitted encoders, readable |
//! | `weights.safetensors` | layers and running statistics |
//! | `tables/` | embedding tables, one file each |
//! | `metrics.json` | what training measured |
//!
//! It is written to a temporary sibling, synced and renamed, so a bundle is whole or absent. A loader checks every
//! length and checksum before it uses a byte, and opens no path that a file names.

mod files;
mod manifest;

use std::path::Path;

use polyrank_data::encode::Encoders;
use polyrank_engine::{Isa, Network, Precision};
use polyrank_schema::Config;

use crate::error::ModelError;
use crate::{build, memory, registry, tensors};

pub use files::{replace_dir, replace_file, write_file};
use manifest::{FORMAT_VERSION, Manifest};

/// Folders of what was fitted on the training rows.
const FITTED: [&str; 2] = ["operators", "encoders"];

/// What a bundle holds.
#[derive(Debug)]
pub struct Bundle {
    /// The configuration.
    pub config: Config,
    /// The fitted encoders.
    pub encoders: Encoders,
    /// The trained network, without optimizer state.
    pub network: Network<f32>,
    /// What training measured, as it wrote it.
    pub metrics: serde_json::Value,
}

fn json<T: serde::Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, ModelError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| ModelError::bad_file(path, format!("cannot be written as JSON: {e}")))?;
    text.push(b'\n');
    Ok(text)
}

/// Whether a file of a bundle holds layers or tables.
fn is_tensors(name: &str) -> bool {
    name == "weights.safetensors" || name.starts_with("tables/")
}

/// Writes a bundle to `dir`, replacing the bundle that is there.
pub fn save(
    dir: &Path,
    config: &Config,
    encoders: &Encoders,
    network: &Network<f32>,
    metrics: &serde_json::Value,
) -> Result<(), ModelError> {
    replace_dir(dir, |dir| {
        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            precision: config.train.precision.name().to_owned(),
            isa: Isa::current().name().to_owned(),
            files: Vec::new(),
        };
        let mut put = |name: String, bytes: &[u8]| -> Result<(), ModelError> {
            write_file(&dir.join(&name), bytes)?;
            manifest.add(name, bytes);
            Ok(())
        };
        put("schema.json".to_owned(), &json(dir, config)?)?;
        put("metrics.json".to_owned(), &json(dir, metrics)?)?;
        put("weights.safetensors".to_owned(), &tensors::encode(dir, &network.layers(), Precision::Fp32)?)?;
        files::make_dir(&dir.join("tables"))?;
        for (i, (table, decl)) in network.tables().zip(network.graph().tables()).enumerate() {
            put(format!("tables/{i:04}.safetensors"), &tensors::encode(dir, &[table], decl.precision)?)?;
        }
        for folder in FITTED {
            files::make_dir(&dir.join(folder))?;
            let save = if folder == "operators" { Encoders::save_operators } else { Encoders::save };
            for name in save(encoders, &dir.join(folder))? {
                let path = dir.join(folder).join(&name);
                let bytes = std::fs::read(&path).map_err(|e| ModelError::io(&path, e))?;
                files::sync(&path)?;
                manifest.add(format!("{folder}/{name}"), &bytes);
            }
        }
        manifest.save(dir)
    })
}

/// Reads a bundle, refusing anything that is not exactly what was written.
pub fn load(dir: &Path) -> Result<Bundle, ModelError> {
    let manifest = Manifest::load(dir)?;
    let found = files::list(dir)?;
    manifest.check_files(dir, &found)?;
    let read = |name: &str| manifest.read(dir, name);
    let text = |name: &str| {
        String::from_utf8(read(name)?).map_err(|_| ModelError::bad_file(dir.join(name), "is not UTF-8 text"))
    };
    let fitted = |name: &&String| name.split_once('/').is_some_and(|(folder, _)| FITTED.contains(&folder));
    for name in found.iter().filter(fitted) {
        read(name)?;
    }
    let config = Config::from_json(&text("schema.json")?, &dir.join("schema.json").display().to_string(), &registry())?;
    if config.train.precision.name() != manifest.precision {
        let problem = format!(
            "is of precision {}, its manifest says {}; restore the bundle from where it was made",
            config.train.precision.name(),
            manifest.precision
        );
        return Err(ModelError::bad_file(dir.join("schema.json"), problem));
    }
    let encoders = Encoders::load(&dir.join("encoders"), &dir.join("operators"), &config)?;
    let graph = build::network_graph(&config, encoders.layout())?;
    // Before anything is allocated that only the configuration asks for.
    let held: u64 = manifest.bytes_of(is_tensors).sum();
    if memory::stored(&graph) > u128::from(held) {
        let problem = format!(
            "its files hold {held} bytes of numbers, the network in schema.json has {}; restore the bundle from where it was made",
            memory::stored(&graph)
        );
        return Err(ModelError::bad_file(dir, problem));
    }
    memory::check_loading(&graph, manifest.bytes_of(is_tensors).max().unwrap_or(0))?;
    let mut network = Network::new(&graph, 0, None);
    let mut missing: Vec<String> = network.tensor_dims().into_iter().map(|(name, _)| name).collect();
    for name in found.iter().filter(|name| is_tensors(name)) {
        let path = dir.join(name);
        for tensor in tensors::decode(&path, &read(name)?)? {
            network.set(&tensor).map_err(|source| ModelError::Tensor { path: path.clone(), source })?;
            missing.retain(|name| *name != tensor.name);
        }
    }
    if let Some(name) = missing.first() {
        return Err(ModelError::bad_file(
            dir,
            format!("tensor `{name}` is missing; restore the bundle from where it was made"),
        ));
    }
    let metrics = serde_json::from_str(&text("metrics.json")?)
        .map_err(|e| ModelError::bad_file(dir.join("metrics.json"), format!("is no JSON: {e}")))?;
    Ok(Bundle { config, encoders, network, metrics })
}
