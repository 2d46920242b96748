//! Packed weights that plans for several batches share, and those that they do not.

use crate::cpu::blocked::pool::Pool;
use crate::cpu::fast::blocks::Blocked;
use crate::cpu::fast::stock::{PreparedValue, Stock};
use crate::cpu::fast::{Fast, Packed};
use crate::cpu::{CpuOptions, InstructionSet};
use crate::parameters::{Make, Parts, Room, TensorSource as Parameter};
use crate::{Cancel, Model, Parameters, Result, Tensor, random};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::{Method, PackedConv, PackedLinear, Packing, Plan, Preparation, SizedConvolution};
use cnnc_compiler::write_kernels::Bindings;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

const SPEC: &str = "model Small {\n    input [N, 3, 12, 12]\n    Conv2d(20, kernel_size=3, padding=1); BatchNorm2d; ReLU\n    \
                    Conv2d(24, kernel_size=3, padding=1); BatchNorm2d; ReLU; MaxPool2d(2)\n    Flatten; Linear(10)\n}\n";

fn options() -> CpuOptions {
    CpuOptions { threads: 1, ..CpuOptions::default() }
}

fn model() -> Model {
    Model::from_text("small.cnn", SPEC).expect("a model")
}

fn drawn() -> Parameters {
    Parameters::draw(&model().graph().graph, 0).expect("parameters")
}

fn plan(batch: usize) -> Arc<Plan> {
    let bindings = Bindings::from([("N".to_owned(), batch)]);
    model().compile(&bindings, &options().target(), &mut ()).expect("a plan").0
}

fn packed(plan: &Arc<Plan>, parameters: &Parameters, stock: &Stock) -> Packed {
    let pool = Pool::new(1).map(Arc::new).expect("a thread");
    Packed::new(plan.clone(), parameters, stock, options().instructions, pool, &Cancel::default())
        .expect("a packed plan")
}

fn answer(packed: Packed, plan: &Plan) -> Tensor {
    let port = &plan.outputs[0].view;
    let mut answers = vec![Tensor::zeros(&port.shape, port.element)];
    let input = random::input("input", &plan.inputs[0].view.shape, 0);
    assert!(Fast::new(Arc::new(packed)).run(&[input], &mut answers, &Cancel::default()));
    answers.remove(0)
}

#[test]
fn equal_keys_are_one_buffer_and_unequal_ones_are_not() {
    let (parameters, stock) = (drawn(), Stock::default());
    let (mut alike, mut apart) = (0, 0);
    let kept: Vec<(Arc<Plan>, Packed)> =
        [1, 2, 64].map(|batch| (plan(batch), packed(&plan(batch), &parameters, &stock))).into();
    for ((one, of_one), (other, of_other)) in kept.iter().flat_map(|one| kept.iter().map(move |other| (one, other))) {
        for (key, value) in Preparation::of(one).keys().zip(&of_one.prepared) {
            for (other, seen) in Preparation::of(other).keys().zip(&of_other.prepared) {
                assert_eq!(key == other, value.as_ptr() == seen.as_ptr(), "{key:?} and {other:?}");
                *if key == other { &mut alike } else { &mut apart } += 1;
            }
        }
    }
    assert!(alike > 9 * 4 && apart > alike, "{alike} are alike, {apart} are not");
    for (plan, shared) in kept {
        let alone = answer(packed(&plan, &parameters, &Stock::default()), &plan);
        assert_eq!(answer(shared, &plan), alone, "the same bits");
    }
}

#[test]
fn what_no_plan_has_any_more_goes() {
    let (parameters, stock) = (drawn(), Stock::default());
    let all = |plan: &Plan| stock.look_up(plan).floats();
    let (one, two) = (plan(1), plan(2));
    let wanted = all(&one);
    let (first, second) = (packed(&one, &parameters, &stock), packed(&two, &parameters, &stock));
    assert_eq!(all(&one), 0);
    drop(first);
    assert_eq!(all(&one), 0, "the other plan has some of it, which lies with the rest");
    drop(second);
    assert_eq!(all(&one), wanted);
}

/// A parameter that counts how often it was made, in parts or whole.
struct Counted(Arc<Tensor>, Arc<AtomicUsize>);

impl Make for Counted {
    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn element(&self) -> ElementType {
        self.0.element()
    }

    fn make(&self, _room: Room<'_>) -> Result<Tensor> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok((*self.0).clone())
    }

    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>> {
        None
    }
}

#[test]
fn a_parameter_that_nobody_needs_is_not_read() {
    let count = Arc::new(AtomicUsize::new(0));
    let mut parameters = Parameters::default();
    for (path, tensor) in drawn().iter() {
        parameters.put(path.clone(), Parameter::made(Counted(tensor.expect("a tensor"), count.clone())));
    }
    let stock = Stock::default();
    let first = packed(&plan(1), &parameters, &stock);
    let made = count.swap(0, Ordering::SeqCst);
    assert!(made >= 10, "{made}");
    let again = packed(&plan(1), &parameters, &stock);
    assert_eq!(count.swap(0, Ordering::SeqCst), 0);
    drop((first, again));
    packed(&plan(1), &parameters, &stock);
    assert_eq!(count.load(Ordering::SeqCst), made);
}

#[test]
fn threads_that_pack_at_one_time_have_the_same_in_the_end() {
    let (parameters, stock, plan, start) = (drawn(), Stock::default(), plan(1), Barrier::new(4));
    let pack = || {
        start.wait();
        packed(&plan, &parameters, &stock)
    };
    let all: Vec<Packed> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(pack)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a packed plan")).collect()
    });
    let same = |one: &PreparedValue, other: &PreparedValue| one.as_ptr() == other.as_ptr();
    for other in &all[1..] {
        assert!(all[0].prepared.iter().zip(&other.prepared).all(|(one, other)| same(one, other)));
    }
}

/// Packings of the same weights for images of several sizes and numbers.
fn packings(lanes: usize, method: Method, channels: [usize; 2], groups: usize, transposed: bool) -> Vec<Packing> {
    let (kernel, stride) = match (method, transposed) {
        (Method::Winograd(_), _) => (3, 1),
        (_, true) => (4, 3),
        _ => (3, 1),
    };
    let axis = AxisWindow { kernel, stride, dilation: 1, before: 1 };
    let images = [(1, [7, 7]), (2, [7, 9]), (33, [28, 30]), (1, [1, 1]), (5, [1, 2]), (1, [64, 3])];
    let packing = |(batch, size): (usize, [usize; 2])| {
        let made = size.map(|size| {
            let reach = if transposed { (size - 1) * stride + kernel } else { size + 3 - kernel };
            if transposed { reach - 2 } else { reach }
        });
        let convolution =
            SizedConvolution { batch, channels, groups, sizes: [size, made], window: [axis; 2], transposed };
        Packing::Conv(PackedConv { convolution, method, lanes })
    };
    images.map(packing).into()
}

/// Every packing of the same order gives the same bits, whatever a kernel decides by sizes.
#[test]
fn weights_of_one_order_are_packed_alike() {
    let pool = Pool::new(1).expect("a thread");
    for set in InstructionSet::available() {
        let lanes = set.lanes();
        let of = |method, channels, groups, transposed| packings(lanes, method, channels, groups, transposed);
        let mut cases: Vec<Vec<Packing>> = Vec::new();
        for method in Method::ALL {
            match method {
                Method::Depthwise | Method::Int8Depthwise => cases.push(of(method, [20, 20], 20, false)),
                Method::Rows | Method::Stem | Method::Int8Stem => cases.push(of(method, [3, 6], 1, false)),
                Method::Direct => {
                    cases.extend([of(method, [64, 80], 4, false), of(method, [20, 70], 1, false)]);
                    cases.extend([of(method, [20, 70], 1, true), of(method, [8, 8], 4, true)]);
                }
                Method::Int8 => cases.extend([of(method, [64, 80], 4, false), of(method, [20, 70], 1, false)]),
                Method::Winograd(_) => cases.extend([false, true].map(|turned| of(method, [24, 130], 1, turned))),
            }
        }
        let linear = |rows| PackedLinear { rows, in_channels: 20, pixels: 9, out_features: 70, lanes, of_bytes: false };
        cases.push([1, 2, 7, 300].map(linear).map(Packing::Linear).into());
        let bytes = |rows| Packing::Linear(PackedLinear { of_bytes: true, ..linear(rows) });
        cases.push([1, 2, 7, 300].map(bytes).into());
        for case in cases {
            let weights: Vec<f32> =
                (0..case[0].weights().expect("a count")).map(|index| (index as f32).sin()).collect();
            let pack = |packing: &Packing| {
                let kernel = Blocked::new(set, packing, &[]).unwrap_or_else(|error| panic!("{packing:?}: {error:?}"));
                let mut packed = vec![0.0; packing.elements().expect("a count")];
                kernel.pack(&pool, &weights, &mut packed);
                packed
            };
            let all: Vec<Vec<f32>> = case.iter().map(pack).collect();
            for (index, packing) in case.iter().enumerate() {
                let first = case.iter().position(|other| other.order() == packing.order()).expect("itself");
                let bits = |packed: &[f32]| packed.iter().map(|word| word.to_bits()).collect::<Vec<_>>();
                assert!(bits(&all[first]) == bits(&all[index]), "{set:?}: {:?} and {packing:?}", case[first]);
            }
            let orders = case.iter().filter(|packing| packing.order() == case[0].order()).count();
            assert!(orders >= 3, "{orders} are of the first one's order");
        }
    }
}
