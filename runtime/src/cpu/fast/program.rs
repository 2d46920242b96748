//! Scalar expressions as short programs that work on a block of elements at a time.
//!
//! What comes in is an expression tree; what goes out is a list of instructions over registers of [`BLOCK`] elements, each a simple
//! loop. Equal parts of the tree are computed once, and a register is used again as soon as its value is no longer needed.

use super::lane::Lane;
use super::math;
use cnnc_compiler::kernels::{Binary, Expression, Unary};

use super::level::vectorised;

/// Elements that an instruction works on: a kilobyte, so that a handful of registers stays in the first cache.
pub const BLOCK: usize = 256;

/// Registers that hold gathered or repeated sources: one a source.
const SCRATCH: usize = 3;

/// A compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    instructions: Vec<Instruction>,
    /// Where the value is in the end.
    result: Source,
    registers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Unary(Unary),
    Binary(Binary),
    Select,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Register(usize),
    Operand(usize),
    Constant(f32),
}

#[derive(Clone, Debug, PartialEq)]
struct Instruction {
    operation: Operation,
    sources: Vec<Source>,
    /// The register that the value goes to; none of the sources.
    target: usize,
}

/// A source at one block.
#[derive(Clone, Copy)]
enum Value<'a> {
    Row(&'a [f32]),
    Number(f32),
}

impl Program {
    /// Compiles an expression.
    pub fn new(expression: &Expression) -> Program {
        let mut instructions = Vec::new();
        let result = number(expression, &mut instructions);
        let mut program = Program { instructions, result, registers: 0 };
        program.assign_registers();
        program
    }

    /// The number of instructions: the work an element.
    pub fn operations(&self) -> usize {
        self.instructions.len()
    }

    /// The operand that the program only copies, if that is all it does.
    fn copied(&self) -> Option<usize> {
        match self.result {
            Source::Operand(index) => Some(index),
            _ => None,
        }
    }

    /// Evaluates at `count` places and writes them to `output`.
    ///
    /// # Safety
    /// Every operand and the output must be valid for `count` elements, and no element of the output may be one of an operand at another
    /// place. `registers` is memory to work in.
    pub unsafe fn run(&self, operands: &[Lane], output: Lane, count: usize, registers: &mut Vec<f32>) {
        if let Some(operand) = self.copied() {
            // SAFETY: as the caller promises.
            return unsafe { output.copy_from(operands[operand], count) };
        }
        registers.resize(registers.len().max((self.registers + SCRATCH) * BLOCK), 0.0);
        for start in (0..count).step_by(BLOCK) {
            let length = BLOCK.min(count - start);
            // SAFETY: the block lies within the `count` elements that the caller promises.
            unsafe { self.run_block(operands, start, output.at(start), length, registers) };
        }
    }

    unsafe fn run_block(&self, operands: &[Lane], start: usize, output: Lane, length: usize, registers: &mut [f32]) {
        let (scratch, registers) = registers.split_at_mut(SCRATCH * BLOCK);
        for instruction in &self.instructions {
            let mut values = [Value::Number(0.0); SCRATCH];
            let mut scratch = scratch.chunks_exact_mut(BLOCK);
            let (target, others) = Registers::split(registers, instruction.target);
            for (value, source) in values.iter_mut().zip(&instruction.sources) {
                let Some(scratch) = scratch.next() else { continue };
                *value = match *source {
                    Source::Register(index) => Value::Row(&others.get(index)[..length]),
                    Source::Constant(number) => Value::Number(number),
                    // SAFETY: as the caller of `run` promises; nothing is written to operands while this value lives.
                    Source::Operand(index) => unsafe { read(operands[index].at(start), &mut scratch[..length]) },
                };
            }
            apply(instruction.operation, values, &mut target[..length]);
        }
        match self.result {
            // SAFETY: the output is valid for the block, and a register lies elsewhere.
            Source::Register(index) => unsafe { output.write(&registers[index * BLOCK..][..length]) },
            Source::Constant(number) => {
                scratch[..length].fill(number);
                // SAFETY: as above.
                unsafe { output.write(&scratch[..length]) }
            }
            Source::Operand(_) => {}
        }
    }

    /// Gives every value, which so far has its instruction's number, a register that no living value has.
    fn assign_registers(&mut self) {
        let count = self.instructions.len();
        let mut last_use = vec![0; count];
        for (place, instruction) in self.instructions.iter().enumerate() {
            for source in &instruction.sources {
                if let Source::Register(value) = source {
                    last_use[*value] = place;
                }
            }
        }
        if let Source::Register(value) = self.result {
            last_use[value] = count;
        }
        let (mut register_of, mut free) = (vec![0; count], Vec::new());
        for place in 0..count {
            let register = free.pop().unwrap_or_else(|| {
                self.registers += 1;
                self.registers - 1
            });
            register_of[place] = register;
            let instruction = &mut self.instructions[place];
            instruction.target = register;
            for source in &mut instruction.sources {
                let Source::Register(value) = *source else { continue };
                *source = Source::Register(register_of[value]);
                if last_use[value] == place && !free.contains(&register_of[value]) {
                    free.push(register_of[value]);
                }
            }
        }
        if let Source::Register(value) = self.result {
            self.result = Source::Register(register_of[value]);
        }
    }
}

/// Adds the instructions of an expression, or finds them, and says where its value is.
fn number(expression: &Expression, instructions: &mut Vec<Instruction>) -> Source {
    let (operation, parts) = match expression {
        Expression::Operand(index) => return Source::Operand(*index),
        Expression::Constant(number) => return Source::Constant(*number as f32),
        Expression::Unary(operation, x) => (Operation::Unary(*operation), vec![x]),
        Expression::Binary(operation, a, b) => (Operation::Binary(*operation), vec![a, b]),
        Expression::Select(condition, a, b) => (Operation::Select, vec![condition, a, b]),
    };
    let sources: Vec<Source> = parts.into_iter().map(|part| number(part, instructions)).collect();
    let same = |known: &Instruction| known.operation == operation && known.sources == sources;
    let place = instructions.iter().position(same).unwrap_or_else(|| {
        instructions.push(Instruction { operation, sources, target: 0 });
        instructions.len() - 1
    });
    Source::Register(place)
}

/// The registers but one.
struct Registers<'a> {
    before: &'a [f32],
    after: &'a [f32],
}

impl<'a> Registers<'a> {
    /// One register to write to and the others to read from.
    fn split(registers: &'a mut [f32], target: usize) -> (&'a mut [f32], Registers<'a>) {
        let (before, rest) = registers.split_at_mut(target * BLOCK);
        let (target, after) = rest.split_at_mut(BLOCK);
        (target, Registers { before, after })
    }

    fn get(&self, index: usize) -> &'a [f32] {
        match self.before.get(index * BLOCK..) {
            Some(from) if from.len() >= BLOCK => from,
            _ => &self.after[index * BLOCK - self.before.len() - BLOCK..],
        }
    }
}

/// An operand's elements at a block: as they lie if they lie together, else gathered into `scratch`.
unsafe fn read<'a>(lane: Lane, scratch: &'a mut [f32]) -> Value<'a> {
    // SAFETY: the caller promises that the lane is valid for as many elements as `scratch` has.
    unsafe {
        match lane.stride {
            0 => Value::Number(*lane.pointer),
            1 => Value::Row(std::slice::from_raw_parts(lane.pointer, scratch.len())),
            _ => {
                lane.gather(scratch);
                Value::Row(scratch)
            }
        }
    }
}

vectorised! {
    fn apply(operation: Operation, values: [Value<'_>; SCRATCH], output: &mut [f32]) {
        let [a, b, c] = values;
        match operation {
            Operation::Unary(Unary::Negate) => unary(a, output, |x| -x),
            Operation::Unary(Unary::Exp) => unary(a, output, math::exp),
            Operation::Unary(Unary::ExpM1) => unary(a, output, f32::exp_m1),
            Operation::Unary(Unary::Log) => unary(a, output, f32::ln),
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
        }
    }
}

#[inline(always)]
fn unary(x: Value, output: &mut [f32], f: impl Fn(f32) -> f32) {
    match x {
        Value::Number(x) => output.fill(f(x)),
        Value::Row(row) => output.iter_mut().zip(row).for_each(|(out, &x)| *out = f(x)),
    }
}

#[inline(always)]
fn binary(a: Value, b: Value, output: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    match (a, b) {
        (Value::Number(a), b) => unary(b, output, |b| f(a, b)),
        (a, Value::Number(b)) => unary(a, output, |a| f(a, b)),
        (Value::Row(a), Value::Row(b)) => {
            output.iter_mut().zip(a).zip(b).for_each(|((out, &a), &b)| *out = f(a, b));
        }
    }
}

#[inline(always)]
fn select(condition: Value, a: Value, b: Value, output: &mut [f32]) {
    let choose = |condition: f32, a: f32, b: f32| if condition != 0.0 { a } else { b };
    match (condition, a, b) {
        (Value::Number(condition), a, b) => unary(if condition != 0.0 { a } else { b }, output, |x| x),
        (condition, Value::Number(a), b) => binary(condition, b, output, |condition, b| choose(condition, a, b)),
        (condition, a, Value::Number(b)) => binary(condition, a, output, |condition, a| choose(condition, a, b)),
        (Value::Row(condition), Value::Row(a), Value::Row(b)) => {
            for (((out, &condition), &a), &b) in output.iter_mut().zip(condition).zip(a).zip(b) {
                *out = choose(condition, a, b);
            }
        }
    }
}
