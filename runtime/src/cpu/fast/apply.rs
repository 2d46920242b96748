//! One instruction of a compiled expression over a block of elements: each operation is a simple loop, written once for every
//! instruction set.

use super::compiled_expression::{Operation, SOURCE_REGISTERS, SourceBlock};
use super::math;
use crate::level::vectorised;
use cnnc_compiler::kernels::{Binary, Unary};

vectorised! {
    /// Does an operation to rows or numbers, of which those are looked at that it has.
    pub fn apply(operation: Operation, values: [SourceBlock<'_>; SOURCE_REGISTERS], output: &mut [f32]) {
        let [a, b, c] = values;
        match operation {
            // Neither comes here: the one is written as its argument, the other drawn apart.
            Operation::Unary(Unary::Fixed) | Operation::Uniform(..) => {}
            Operation::Unary(Unary::Negate) => unary(a, output, |x| -x),
            Operation::Unary(Unary::Exp) => unary(a, output, math::exp),
            Operation::Unary(Unary::ExpM1) => unary(a, output, f32::exp_m1),
            Operation::Unary(Unary::Log) => unary(a, output, f32::ln),
            Operation::Unary(Unary::Log1P) => unary(a, output, f32::ln_1p),
            Operation::Unary(Unary::Sqrt) => unary(a, output, f32::sqrt),
            Operation::Unary(Unary::Tanh) => unary(a, output, math::tanh),
            Operation::Unary(Unary::Erf) => unary(a, output, libm::erff),
            Operation::Binary(Binary::Add) => binary(a, b, output, |a, b| a + b),
            Operation::Binary(Binary::Subtract) => binary(a, b, output, |a, b| a - b),
            Operation::Binary(Binary::Multiply) => binary(a, b, output, |a, b| a * b),
            Operation::Binary(Binary::Divide) => binary(a, b, output, |a, b| a / b),
            Operation::Binary(Binary::Maximum) => binary(a, b, output, math::larger),
            Operation::Binary(Binary::Minimum) => binary(a, b, output, math::smaller),
            Operation::Binary(Binary::Power) => binary(a, b, output, f32::powf),
            Operation::Binary(Binary::Greater) => binary(a, b, output, |a, b| if a > b { 1.0 } else { 0.0 }),
            Operation::Select => select(a, b, c, output),
            Operation::Sigmoid => unary(a, output, math::sigmoid),
            Operation::MultiplyAdd => ternary(a, b, c, output),
        }
    }
}

#[inline(always)]
fn unary(x: SourceBlock, output: &mut [f32], f: impl Fn(f32) -> f32) {
    match x {
        SourceBlock::Number(x) => output.fill(f(x)),
        SourceBlock::Row(row) => output.iter_mut().zip(row).for_each(|(out, &x)| *out = f(x)),
    }
}

#[inline(always)]
fn binary(a: SourceBlock, b: SourceBlock, output: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    match (a, b) {
        (SourceBlock::Number(a), b) => unary(b, output, |b| f(a, b)),
        (a, SourceBlock::Number(b)) => unary(a, output, |a| f(a, b)),
        (SourceBlock::Row(a), SourceBlock::Row(b)) => {
            output.iter_mut().zip(a).zip(b).for_each(|((out, &a), &b)| *out = f(a, b));
        }
    }
}

/// Of three rows at once; numbers are rare enough to be taken apart.
#[inline(always)]
fn ternary(a: SourceBlock, b: SourceBlock, c: SourceBlock, output: &mut [f32]) {
    match (a, b, c) {
        (SourceBlock::Row(a), SourceBlock::Row(b), SourceBlock::Row(c)) => {
            for (((out, &a), &b), &c) in output.iter_mut().zip(a).zip(b).zip(c) {
                *out = a * b + c;
            }
        }
        (a, b, SourceBlock::Number(c)) => binary(a, b, output, |a, b| a * b + c),
        (a, SourceBlock::Number(b), c) => binary(a, c, output, |a, c| a * b + c),
        (SourceBlock::Number(a), b, c) => binary(b, c, output, |b, c| a * b + c),
    }
}

#[inline(always)]
fn select(condition: SourceBlock, a: SourceBlock, b: SourceBlock, output: &mut [f32]) {
    let choose = |condition: f32, a: f32, b: f32| if condition != 0.0 { a } else { b };
    match (condition, a, b) {
        (SourceBlock::Number(condition), a, b) => unary(if condition != 0.0 { a } else { b }, output, |x| x),
        (condition, SourceBlock::Number(a), b) => binary(condition, b, output, |condition, b| choose(condition, a, b)),
        (condition, a, SourceBlock::Number(b)) => binary(condition, a, output, |condition, a| choose(condition, a, b)),
        (SourceBlock::Row(condition), SourceBlock::Row(a), SourceBlock::Row(b)) => {
            for (((out, &condition), &a), &b) in output.iter_mut().zip(condition).zip(a).zip(b) {
                *out = choose(condition, a, b);
            }
        }
    }
}
