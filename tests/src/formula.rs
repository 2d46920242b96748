//! The numbers of the fixtures: every input and every parameter as a pure function of its name and shape.
//!
//! The twin of `reference/formula.py`, whose docstring is the rule and holds the test vectors: no fixture has to carry weights.

use cnnc_compiler::graph::Graph;
use cnnc_runtime::random::{self, Stream};
use cnnc_runtime::{Parameters, Tensor};

/// A factor for every tensor whose name ends so.
pub type Factors = [(String, f64)];

/// The values of a tensor.
pub fn tensor(name: &str, shape: &[usize], factors: &Factors) -> Tensor {
    let fan_in: usize = shape.iter().skip(1).product();
    let (offset, scale) = match name {
        "input" => (0.0, 1.0),
        _ if name.ends_with("running_var") => (1.0, 0.5),
        _ if name.ends_with("running_mean") => (0.0, 0.1),
        _ if name.ends_with("num_batches_tracked") => (0.0, 0.0),
        _ if shape.len() >= 2 => (0.0, (6.0 / fan_in as f64).sqrt()),
        _ if name.rsplit('.').next() == Some("weight") => (1.0, 0.1),
        _ => (0.0, 0.1),
    };
    let factors: Vec<f64> = factors.iter().filter(|(end, _)| name.ends_with(end)).map(|(_, factor)| *factor).collect();
    // The numbers are multiples of 2^-23 below 1, so float32 holds them exactly.
    let mut tensor = random::input(name, shape, 0);
    for value in tensor.data_mut() {
        let plain = offset + scale * f64::from(*value);
        *value = factors.iter().fold(plain, |value, factor| value * factor) as f32;
    }
    tensor
}

/// A tensor's inner product with the symmetric numbers of a name.
pub fn inner_product(values: &[f64], name: &str) -> f64 {
    let stream = Stream::new(0, name);
    let blocks = values.chunks(4).enumerate();
    blocks
        .map(|(block, values)| values.iter().zip(stream.symmetric(block as u64)).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

/// All parameters and buffers of a network.
pub fn parameters(graph: &Graph, factors: &Factors) -> Parameters {
    let entry = |parameter: &cnnc_compiler::graph::Parameter| {
        let value = tensor(&parameter.path, &parameter.shape, factors);
        (parameter.path.clone(), value.converted(parameter.element()).expect("counters are whole"))
    };
    graph.parameters.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::tensor;

    #[test]
    fn the_vectors_of_the_python_twin() {
        let first = [0.6082406, -0.954752, 0.25082105, 0.623658, -0.20240289, -0.26655528, -0.6005119, -0.33314514];
        assert_eq!(tensor("0.weight", &[2, 4], &[]).data(), first);
        let scale = [1.0496626, 0.9220448, 1.0204794, 1.0509214, 0.9834739, 0.97823584, 0.9509684, 0.9727988];
        assert_eq!(tensor("0.weight", &[8], &[]).data(), scale);
        let bias = [-0.05400338, 0.09849282, 0.010101521, 0.04614694, 0.025746953, 0.08326341, 0.033279885, 0.04689008];
        assert_eq!(tensor("0.bias", &[8], &[]).data(), bias);
        assert_eq!(tensor("0.running_var", &[4], &[]).data(), [1.0349431, 1.2456415, 0.63974476, 0.7363274]);
        let input = [-0.6005682, 0.8429111, -0.48626757, 0.85695183, 0.23033988, -0.2525519, -0.7364023, 0.3233391];
        assert_eq!(tensor("input", &[8], &[]).data(), input);
    }

    #[test]
    fn factors_go_by_the_end_of_a_name() {
        let half = [("bn2.weight".to_string(), 0.5)];
        let [plain, scaled] = [&[][..], &half].map(|factors| tensor("layer1.bn2.weight", &[3], factors));
        assert!(plain.data().iter().zip(scaled.data()).all(|(a, b)| *b == a * 0.5));
        assert_eq!(tensor("layer1.bn1.weight", &[3], &half), tensor("layer1.bn1.weight", &[3], &[]));
    }
}
