//! Tensors on disk: safetensors files, nothing but names, shapes and 32-bit floats.

use std::collections::HashMap;
use std::path::Path;

use polyrank_engine::Tensor;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::ModelError;

/// The bytes of a safetensors file with these tensors and this metadata.
pub fn encode(path: &Path, tensors: &[Tensor<f32>], metadata: HashMap<String, String>) -> Result<Vec<u8>, ModelError> {
    // What no reader would take back must not be written.
    for tensor in tensors {
        if let Some(v) = tensor.data.iter().find(|v| !v.is_finite()) {
            let problem =
                format!("tensor `{}` holds {v}: training diverged; lower train.optimizer.learning_rate", tensor.name);
            return Err(ModelError::bad_file(path, problem));
        }
    }
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|t| t.data.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, tensor.dims.clone(), bytes)
            .map_err(|e| ModelError::bad_file(path, format!("tensor `{}` cannot be written: {e}", tensor.name)))?;
        views.push((tensor.name.clone(), view));
    }
    safetensors::serialize(views, Some(metadata))
        .map_err(|e| ModelError::bad_file(path, format!("cannot be written: {e}")))
}

/// The tensors in the bytes of a safetensors file; `path` names it in errors.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Vec<Tensor<f32>>, ModelError> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        ModelError::bad_file(path, format!("is no safetensors file: {e}; restore it from where it was made"))
    })?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(ModelError::bad_file(
                path,
                format!("tensor `{name}` is {:?}, not 32-bit floats", view.dtype()),
            ));
        }
        let data: Vec<f32> = view.data().as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
        if let Some(v) = data.iter().find(|v| !v.is_finite()) {
            return Err(ModelError::bad_file(path, format!("tensor `{name}` holds {v}")));
        }
        tensors.push(Tensor { name: name.to_owned(), dims: view.shape().to_vec(), data });
    }
    Ok(tensors)
}
