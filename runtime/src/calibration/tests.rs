use super::{Calibration, Clipping};
use crate::{Device, DeviceName, DeviceOptions, InstructionSet, Model, PrepareOptions, Tensor, Weights, random};

const NET: &str = "
model Net {
    input x [N, 3, H, W]
    Conv2d(16, kernel_size=3, padding=1); BatchNorm2d; ReLU; MaxPool2d(2)
    sum {
        { Conv2d(16, kernel_size=3, padding=1, groups=16); BatchNorm2d; SiLU; Conv2d(16, kernel_size=1); BatchNorm2d }
        Identity
    }
    Conv2d(32, kernel_size=3, stride=2, padding=1); ReLU6
    AdaptiveAvgPool2d(1); Flatten; Linear(24); ReLU; Linear(10)
}
";

fn samples(count: usize, shape: &[usize]) -> Vec<Vec<Tensor>> {
    (0..count).map(|seed| vec![random::input("x", shape, seed as u64)]).collect()
}

/// The first answer of a network to a sample.
fn answer(model: &Model, weights: &Weights, options: &DeviceOptions, sample: &[Tensor]) -> Vec<f32> {
    let device = Device::open(DeviceName::Cpu, options).unwrap();
    let prepared = model.prepare(weights, &device, PrepareOptions::default()).unwrap();
    prepared.session().run(sample).unwrap().at(0).data().to_vec()
}

/// The signal over the noise, in decibels.
fn decibels(exact: &[f32], found: &[f32]) -> f64 {
    let power = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let noise = power(&mut exact.iter().zip(found).map(|(a, b)| a - b));
    10.0 * (power(&mut exact.iter().copied()) / noise).log10()
}

#[test]
fn bytes_answer_nearly_as_floats_and_with_the_same_bits_everywhere() {
    let model = Model::from_text("net.cnn", NET).unwrap();
    let weights = model.init(1).unwrap();
    let samples = samples(4, &[2, 3, 24, 20]);
    let calibration = Calibration::new(&model, &weights, &Device::cpu(1), &samples).unwrap();
    let options = DeviceOptions::default().threads(1);
    let exact = answer(&model, &weights, &options, &samples[0]);
    for clipping in Clipping::ALL {
        let bytes = weights.clone().with_quantisations(calibration.quantisations(clipping));
        let found = answer(&model, &bytes, &options, &samples[0]);
        assert!(decibels(&exact, &found) > 20.0, "{clipping}: {}", decibels(&exact, &found));
        for instructions in InstructionSet::available() {
            for threads in [1, 2] {
                let options = options.clone().threads(threads).instructions(instructions);
                assert_eq!(answer(&model, &bytes, &options, &samples[0]), found, "{instructions:?} {clipping}");
            }
        }
    }
}
