//! Checkpoints: everything that the next epoch depends on, so that resuming equals never having stopped.
//!
//! `checkpoints/epoch-NNNN/` holds the weights, their average if the run has one, the optimizer's state, the run's history
//! so far, and a checksum of each file in `state.json`. The latest and the best are kept.

use std::fs;
use std::path::{Path, PathBuf};

use polyrank_engine::{Network, Precision, Tensor, Trainer};
use polyrank_model::ModelError;
use polyrank_model::bundle::{replace_dir, write_file};
use polyrank_model::tensors;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::average::Average;
use crate::error::TrainError;
use crate::history::History;

/// What names of files with averaged weights begin with.
const AVERAGE: &str = "average-";

/// What a checkpoint says besides numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// Checksum of the configuration and the rows' fingerprint: a checkpoint continues only its own run.
    run: String,
    /// Steps done.
    steps: u64,
    history: History,
    /// (name, bytes, XXH3 in hexadecimal) of every other file.
    files: Vec<(String, u64, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    /// XXH3 of `state` in compact JSON.
    xxh3: String,
    state: State,
}

impl State {
    fn sign(self) -> serde_json::Result<Vec<u8>> {
        let xxh3 = format!("{:016x}", xxh3_64(&serde_json::to_vec(&self)?));
        serde_json::to_vec_pretty(&Signed { xxh3, state: self })
    }

    /// A state whose file is, byte for byte, what signing it gives.
    fn verify(text: &[u8]) -> Result<State, String> {
        let signed: Signed = serde_json::from_slice(text).map_err(|e| format!("is damaged: {e}"))?;
        match signed.state.clone().sign() {
            Ok(whole) if whole == text => Ok(signed.state),
            _ => Err("is damaged: its checksum differs".to_owned()),
        }
    }
}

/// The folder of an epoch's checkpoint, counted from 1.
fn folder(checkpoints: &Path, epoch: usize) -> PathBuf {
    checkpoints.join(format!("epoch-{epoch:04}"))
}

/// Writes the checkpoint of the last epoch in `history`; removes those that are neither the latest nor the best.
pub(crate) fn save(
    checkpoints: &Path,
    run: &str,
    trainer: &Trainer<f32>,
    average: Option<&Network<f32>>,
    history: &History,
) -> Result<(), TrainError> {
    let epoch = history.epochs.len();
    replace_dir(&folder(checkpoints, epoch), |dir| {
        let mut files = Vec::new();
        let mut put = |name: &str, tensors: &[Tensor<f32>], precision: Precision| -> Result<(), ModelError> {
            let bytes = tensors::encode(dir, tensors, precision)?;
            write_file(&dir.join(name), &bytes)?;
            files.push((name.to_owned(), bytes.len() as u64, format!("{:016x}", xxh3_64(&bytes))));
            Ok(())
        };
        for (prefix, network) in [("", Some(trainer.network())), (AVERAGE, average)] {
            let Some(network) = network else { continue };
            put(&format!("{prefix}weights.safetensors"), &network.layers(), Precision::Fp32)?;
            for (i, (table, decl)) in network.tables().zip(network.graph().tables()).enumerate() {
                put(&format!("{prefix}table-{i:04}.safetensors"), &[table], decl.precision)?;
            }
        }
        for (i, state) in trainer.state().iter().enumerate() {
            put(&format!("state-{i:04}.safetensors"), std::slice::from_ref(state), Precision::Fp32)?;
        }
        let state = State { run: run.to_owned(), steps: trainer.steps(), history: history.clone(), files };
        let text = state.sign().map_err(|e| ModelError::bad_file(dir, e.to_string()))?;
        write_file(&dir.join("state.json"), &text)
    })?;
    let keep = [Some(epoch), history.best];
    for other in list(checkpoints)?.into_iter().filter(|e| !keep.contains(&Some(*e))) {
        let path = folder(checkpoints, other);
        fs::remove_dir_all(&path).map_err(|e| TrainError::io(path, e))?;
    }
    Ok(())
}

/// The epochs that have a checkpoint, rising.
fn list(checkpoints: &Path) -> Result<Vec<usize>, TrainError> {
    let mut epochs = Vec::new();
    if checkpoints.is_dir() {
        for entry in fs::read_dir(checkpoints).map_err(|e| TrainError::io(checkpoints, e))? {
            let entry = entry.map_err(|e| TrainError::io(checkpoints, e))?;
            let name = entry.file_name();
            if let Some(epoch) = name.to_str().and_then(|n| n.strip_prefix("epoch-")).and_then(|n| n.parse().ok()) {
                epochs.push(epoch);
            }
        }
    }
    epochs.sort_unstable();
    Ok(epochs)
}

/// Removes all checkpoints: a fresh run begins.
pub(crate) fn clear(checkpoints: &Path) -> Result<(), TrainError> {
    if checkpoints.is_dir() {
        fs::remove_dir_all(checkpoints).map_err(|e| TrainError::io(checkpoints, e))?;
    }
    Ok(())
}

/// Restores the latest checkpoint of this run; `None` if there is none.
pub(crate) fn resume(
    checkpoints: &Path,
    run: &str,
    trainer: &mut Trainer<f32>,
    average: Option<&mut Average>,
) -> Result<Option<History>, TrainError> {
    let Some(latest) = list(checkpoints)?.pop() else { return Ok(None) };
    restore(&folder(checkpoints, latest), run, trainer, average, true).map(Some)
}

/// Restores the weights of an epoch and their average, not the optimizer.
pub(crate) fn restore_weights(
    checkpoints: &Path,
    run: &str,
    epoch: usize,
    trainer: &mut Trainer<f32>,
    average: Option<&mut Average>,
) -> Result<(), TrainError> {
    restore(&folder(checkpoints, epoch), run, trainer, average, false).map(|_| ())
}

fn restore(
    dir: &Path,
    run: &str,
    trainer: &mut Trainer<f32>,
    mut average: Option<&mut Average>,
    with_state: bool,
) -> Result<History, TrainError> {
    let path = dir.join("state.json");
    let damaged = |path: &Path, what: String| TrainError::Run {
        path: path.to_owned(),
        problem: format!("{what}; remove this checkpoint to resume from another, or train without --resume"),
    };
    let text = fs::read(&path).map_err(|e| TrainError::io(&path, e))?;
    let state = State::verify(&text).map_err(|what| damaged(&path, what))?;
    if state.run != run {
        return Err(TrainError::Run {
            path,
            problem: "belongs to another configuration or other rows; train without --resume, or into another folder"
                .to_owned(),
        });
    }
    let mut optimizer = Vec::new();
    if let Some(average) = &mut average {
        average.clear();
    }
    for name in fs::read_dir(dir).map_err(|e| TrainError::io(dir, e))? {
        let entry = name.map_err(|e| TrainError::io(dir, e))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name == "state.json" || (!with_state && name.starts_with("state-")) {
            continue;
        }
        let Some((_, bytes, sum)) = state.files.iter().find(|f| f.0 == name) else {
            return Err(damaged(&path, "does not belong to the checkpoint".to_owned()));
        };
        let length = entry.metadata().map_err(|e| TrainError::io(&path, e))?.len();
        let contents =
            if length == *bytes { fs::read(&path).map_err(|e| TrainError::io(&path, e))? } else { Vec::new() };
        if length != *bytes || format!("{:016x}", xxh3_64(&contents)) != *sum {
            return Err(damaged(&path, "is damaged: size or checksum differ".to_owned()));
        }
        for tensor in tensors::decode(&path, &contents)? {
            let set = match &mut average {
                _ if name.starts_with("state-") => {
                    optimizer.push(tensor);
                    continue;
                }
                Some(average) if name.starts_with(AVERAGE) => average.set(&tensor, trainer.network()),
                None if name.starts_with(AVERAGE) => return Err(damaged(&path, "has no place in this run".to_owned())),
                _ => trainer.set(&tensor),
            };
            set.map_err(|source| ModelError::Tensor { path: path.clone(), source })?;
        }
    }
    for (name, _, _) in &state.files {
        if !dir.join(name).is_file() {
            return Err(damaged(dir, format!("`{name}` is missing")));
        }
    }
    if with_state {
        trainer.set_state(&optimizer, state.steps).map_err(|source| ModelError::Tensor { path, source })?;
    }
    Ok(state.history)
}
