//! A tensor in a file of its own, `input_0.pb`: what ONNX's tests keep beside a network.

use super::external::NoExternalData;
use super::model;
use super::scan::scan_tensor;
use super::tensor::Tensor;
use prost::Message;

/// The sizes of a tensor and its values as float32, from the bytes of such a file.
///
/// # Errors
/// What is wrong with them, in words that go on after the file's name.
pub fn stored_tensor(bytes: &bytes::Bytes) -> Result<(Vec<usize>, Vec<f32>), String> {
    scan_tensor(bytes).map_err(|reason| format!("is no tensor of ONNX: it {reason}"))?;
    let tensor = model::Tensor::decode(bytes.clone()).map_err(|error| format!("is no tensor of ONNX: {error}"))?;
    let tensor = Tensor::of_file(&tensor, &NoExternalData)?;
    Ok((tensor.shape().to_vec(), tensor.floats(&NoExternalData)?))
}
