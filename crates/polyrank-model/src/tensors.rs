//! Tensors on disk: safetensors files, nothing but names, shapes and 32-bit floats, or bf16 numbers where a table keeps such.

use std::path::Path;

use polyrank_engine::{Precision, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::ModelError;

/// The bytes of a safetensors file with these tensors, whose numbers are all of this precision.
pub fn encode(path: &Path, tensors: &[Tensor<f32>], precision: Precision) -> Result<Vec<u8>, ModelError> {
    // What no reader would take back must not be written.
    for tensor in tensors {
        if let Some(v) = tensor.data.iter().find(|v| !v.is_finite()) {
            let problem =
                format!("tensor `{}` holds {v}: training diverged; lower train.optimizer.learning_rate", tensor.name);
            return Err(ModelError::bad_file(path, problem));
        }
    }
    let (dtype, bytes): (Dtype, fn(&[f32]) -> Vec<u8>) = match precision {
        Precision::Fp32 => (Dtype::F32, |data| data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        // A bf16 number is the upper half of a 32-bit float whose lower half is 0.
        Precision::Bf16 => (Dtype::BF16, |data| data.iter().flat_map(|v| upper(*v).to_le_bytes()).collect()),
    };
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|t| bytes(&t.data)).collect();
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(dtype, tensor.dims.clone(), bytes)
            .map_err(|e| ModelError::bad_file(path, format!("tensor `{}` cannot be written: {e}", tensor.name)))?;
        views.push((tensor.name.clone(), view));
    }
    safetensors::serialize(views, None).map_err(|e| ModelError::bad_file(path, format!("cannot be written: {e}")))
}

fn upper(v: f32) -> u16 {
    (v.to_bits() >> 16) as u16
}

/// The tensors in the bytes of a safetensors file; `path` names it in errors.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Vec<Tensor<f32>>, ModelError> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        ModelError::bad_file(path, format!("is no safetensors file: {e}; restore it from where it was made"))
    })?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        let data: Vec<f32> = match view.dtype() {
            Dtype::F32 => view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Dtype::BF16 => {
                let full = |bytes: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
                view.data().as_chunks().0.iter().map(full).collect()
            }
            other => {
                let problem = format!("tensor `{name}` is {other:?}, neither 32-bit floats nor bf16");
                return Err(ModelError::bad_file(path, problem));
            }
        };
        if let Some(v) = data.iter().find(|v| !v.is_finite()) {
            return Err(ModelError::bad_file(path, format!("tensor `{name}` holds {v}")));
        }
        tensors.push(Tensor { name: name.to_owned(), dims: view.shape().to_vec(), data });
    }
    Ok(tensors)
}
