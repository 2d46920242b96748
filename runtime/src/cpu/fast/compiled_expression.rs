//! Scalar expressions as short lists of instructions that work on a block of elements at a time.
//!
//! What comes in is an expression tree; what goes out is a list of instructions over registers of [`BLOCK`] elements, each a
//! simple loop. Equal parts of the tree are computed once, and a register is used again as soon as its value is no longer needed.
//! What an expression asks of its elements' places are [`Counter`]s, which whoever walks through the elements counts.

use super::apply::apply;
use super::lane::{Lane, Pattern};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::random::{unit, wide_block};
use cnnc_compiler::kernels::{Binary, Expression, Unary};

/// Elements that an instruction works on: a kilobyte, so that a handful of registers stays in the first cache. A multiple of
/// every vector's lanes, so that blocks of a row begin where patterns do.
pub const BLOCK: usize = 256;

/// Registers that hold gathered or repeated sources: one a source.
pub(super) const SOURCE_REGISTERS: usize = 3;

/// A compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledExpression {
    instructions: Vec<Instruction>,
    /// Where the value is in the end.
    result: Source,
    registers: usize,
    counters: Vec<Counter>,
    /// The operands that hold whole numbers, two floats each.
    counts: Vec<usize>,
    draws: Vec<Draw>,
}

/// A whole number that an element's place says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counter {
    /// The index along an axis.
    Index(usize),
    /// How many elements come before, the last axis fastest.
    Number,
}

/// A counter at an element, and what it grows by from one to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    /// At the first.
    pub first: usize,
    /// The step.
    pub step: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    Unary(Unary),
    Binary(Binary),
    Select,
    /// `1 / (1 + e⁻ˣ)` in one pass.
    Sigmoid,
    /// `a · b + c` in one pass, rounded twice as the two operations are.
    MultiplyAdd,
    /// A random number; the place of what it is drawn with in the expression's list. Operations are copied for every block, so
    /// they are small.
    Uniform(usize),
}

/// What random numbers are drawn with.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Draw {
    stream: u64,
    /// The number of the counter that says which of the stream.
    counter: usize,
    /// Seed and step.
    key: [Whole; 2],
}

/// A whole number that random numbers are drawn with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whole {
    Number(u64),
    /// The element of that operand, which holds whole numbers.
    Operand(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Register(usize),
    Operand(usize),
    Constant(f32),
    Counter(usize),
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
pub(super) enum SourceBlock<'a> {
    Row(&'a [f32]),
    Number(f32),
}

impl CompiledExpression {
    /// Compiles an expression that computes in float32, over operands of these types; those that are not listed are float32.
    pub fn new(expression: &Expression, operands: &[ElementType]) -> CompiledExpression {
        let is_count = |&index: &usize| operands[index] == ElementType::Uint64;
        let mut compiled = CompiledExpression {
            instructions: Vec::new(),
            result: Source::Constant(0.0),
            registers: 0,
            counters: Vec::new(),
            counts: (0..operands.len()).filter(is_count).collect(),
            draws: Vec::new(),
        };
        compiled.result = compiled.number(expression);
        compiled.assign_registers();
        compiled
    }

    /// What is asked of places.
    pub fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Adds the instructions of an expression, or finds them, and says where its value is.
    fn number(&mut self, expression: &Expression) -> Source {
        if let Some(x) = sigmoid(expression) {
            return self.instruction(Operation::Sigmoid, vec![x]);
        }
        if let Some(parts) = multiply_add(expression) {
            return self.instruction(Operation::MultiplyAdd, parts.into());
        }
        let (operation, parts) = match expression {
            Expression::Operand(index) => return Source::Operand(*index),
            Expression::Constant(number) => return Source::Constant(*number as f32),
            Expression::Index(axis) => return Source::Counter(self.counter(Counter::Index(*axis))),
            Expression::Unary(Unary::Fixed, x) => return self.number(x),
            Expression::Unary(operation, _) => (Operation::Unary(*operation), expression.children().collect()),
            Expression::Binary(operation, ..) => (Operation::Binary(*operation), expression.children().collect()),
            Expression::Select(..) => (Operation::Select, expression.children().collect()),
            Expression::Uniform(stream, key) => {
                let key = [&key[0], &key[1]].map(|part| match part {
                    Expression::Operand(index) => Whole::Operand(*index),
                    other => Whole::Number(other.whole().unwrap_or_default()),
                });
                let draw = Draw { stream: *stream, counter: self.counter(Counter::Number), key };
                let known = self.draws.iter().position(|other| *other == draw);
                let place = known.unwrap_or_else(|| {
                    self.draws.push(draw);
                    self.draws.len() - 1
                });
                (Operation::Uniform(place), Vec::new())
            }
        };
        self.instruction(operation, parts)
    }

    fn instruction(&mut self, operation: Operation, parts: Vec<&Expression>) -> Source {
        let sources: Vec<Source> = parts.into_iter().map(|part| self.number(part)).collect();
        let same = |known: &Instruction| known.operation == operation && known.sources == sources;
        let place = self.instructions.iter().position(same).unwrap_or_else(|| {
            self.instructions.push(Instruction { operation, sources, target: 0 });
            self.instructions.len() - 1
        });
        Source::Register(place)
    }

    fn counter(&mut self, counter: Counter) -> usize {
        self.counters.iter().position(|&known| known == counter).unwrap_or_else(|| {
            self.counters.push(counter);
            self.counters.len() - 1
        })
    }

    /// The number of instructions: the work an element.
    pub fn operations(&self) -> usize {
        self.instructions.len()
    }

    /// The operand that is only copied, if that is all that is done.
    fn copied(&self) -> Option<usize> {
        match self.result {
            Source::Operand(index) if !self.counts.contains(&index) => Some(index),
            _ => None,
        }
    }

    /// Evaluates at `count` places and writes them to `output`; `counts` are the counters at the first place.
    ///
    /// # Safety
    /// Every operand and the output must be valid for `count` elements, and no element of the output may be one of an operand at
    /// another place. `registers` is memory to work in.
    pub unsafe fn run(
        &self,
        operands: &[Lane],
        counts: &[Count],
        output: Lane,
        count: usize,
        registers: &mut Vec<f32>,
    ) {
        if let Some(operand) = self.copied() {
            // SAFETY: the caller promises `count` elements of operand and output, shared only element for element.
            return unsafe { output.copy_from(operands[operand], count) };
        }
        let length = (self.registers + SOURCE_REGISTERS + operands.len()) * BLOCK;
        registers.resize(registers.len().max(length), 0.0);
        let (repeated, registers) = registers.split_at_mut(operands.len() * BLOCK);
        for (lane, row) in operands.iter().zip(repeated.chunks_exact_mut(BLOCK)) {
            if let Pattern::Cycle(_) = lane.pattern {
                // SAFETY: a cycle is valid for any number of elements.
                unsafe { lane.gather(&mut row[..BLOCK.min(count)]) };
            }
        }
        for start in (0..count).step_by(BLOCK) {
            let length = BLOCK.min(count - start);
            // SAFETY: the block lies within the `count` elements that the caller promises.
            unsafe {
                let (operands, output) = ((operands, &*repeated), output.at(start));
                match self.counts.is_empty() && self.draws.is_empty() {
                    true => self.run_block::<false>(operands, counts, start, output, length, registers),
                    false => self.run_block::<true>(operands, counts, start, output, length, registers),
                }
            };
        }
    }

    /// One block. Expressions that meet no whole numbers, as nearly all, have code of their own: one more kind of source in it
    /// costs short rows a tenth of their time.
    ///
    /// # Safety
    /// As for `run`, of the block's elements; without `WHOLE` no operand holds whole numbers and nothing is drawn.
    unsafe fn run_block<const WHOLE: bool>(
        &self,
        (operands, repeated): (&[Lane], &[f32]),
        counts: &[Count],
        start: usize,
        output: Lane,
        length: usize,
        registers: &mut [f32],
    ) {
        let at =
            |counter: usize| Count { first: counts[counter].first + start * counts[counter].step, ..counts[counter] };
        let (scratch, registers) = registers.split_at_mut(SOURCE_REGISTERS * BLOCK);
        for instruction in &self.instructions {
            let mut values = [SourceBlock::Number(0.0); SOURCE_REGISTERS];
            let mut scratch = scratch.chunks_exact_mut(BLOCK);
            let (target, others) = Registers::split(registers, instruction.target);
            for (value, source) in values.iter_mut().zip(&instruction.sources) {
                let Some(scratch) = scratch.next() else { continue };
                *value = match *source {
                    Source::Register(index) => SourceBlock::Row(&others.get(index)[..length]),
                    Source::Constant(number) => SourceBlock::Number(number),
                    Source::Counter(counter) => SourceBlock::Row(counted(at(counter), &mut scratch[..length])),
                    // SAFETY: the caller promises an operand that is valid for the block, and it is one of whole numbers.
                    Source::Operand(index) if WHOLE && self.counts.contains(&index) => unsafe {
                        read_counts(operands[index].at(start), &mut scratch[..length])
                    },
                    Source::Operand(index) if matches!(operands[index].pattern, Pattern::Cycle(_)) => {
                        SourceBlock::Row(&repeated[index * BLOCK..][..length])
                    }
                    // SAFETY: the caller promises an operand that is valid for the block; nothing is written to operands while
                    // this value lives.
                    Source::Operand(index) => unsafe { read(operands[index].at(start), &mut scratch[..length]) },
                };
            }
            match instruction.operation {
                // SAFETY: the caller promises operands that are valid for the block, those of whole numbers that seed and step
                // are among them.
                Operation::Uniform(place) if WHOLE => unsafe {
                    let draw = self.draws[place];
                    draw.fill(at(draw.counter), operands, start, &mut target[..length]);
                },
                operation => apply(operation, values, &mut target[..length]),
            }
        }
        match self.result {
            // SAFETY: the output is valid for the block, and a register lies elsewhere.
            Source::Register(index) => unsafe { output.write(&registers[index * BLOCK..][..length]) },
            Source::Constant(number) => {
                scratch[..length].fill(number);
                // SAFETY: the output is valid for the block, and the scratch lies elsewhere.
                unsafe { output.write(&scratch[..length]) }
            }
            // SAFETY: the output is valid for the block, and the scratch lies elsewhere.
            Source::Counter(counter) => unsafe { output.write(counted(at(counter), &mut scratch[..length])) },
            // SAFETY: the output and the operand, one of whole numbers, are valid for the block, and the scratch lies elsewhere.
            Source::Operand(index) if WHOLE && self.counts.contains(&index) => unsafe {
                let scratch = &mut scratch[..length];
                match read_counts(operands[index].at(start), scratch) {
                    SourceBlock::Number(number) => scratch.fill(number),
                    SourceBlock::Row(_) => {}
                }
                output.write(scratch);
            },
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
unsafe fn read<'a>(lane: Lane, scratch: &'a mut [f32]) -> SourceBlock<'a> {
    // SAFETY: the caller promises that the lane is valid for as many elements as `scratch` has.
    unsafe {
        match lane.pattern {
            Pattern::Stride(0) => SourceBlock::Number(*lane.pointer),
            Pattern::Stride(1) => SourceBlock::Row(std::slice::from_raw_parts(lane.pointer, scratch.len())),
            _ => {
                lane.gather(scratch);
                SourceBlock::Row(scratch)
            }
        }
    }
}

/// The values of a counter.
fn counted(count: Count, scratch: &mut [f32]) -> &[f32] {
    for (index, value) in scratch.iter_mut().enumerate() {
        *value = (count.first + index * count.step) as f32;
    }
    scratch
}

impl Whole {
    /// The numbers from element `start` on.
    ///
    /// # Safety
    /// The element must be one of the operand.
    unsafe fn at(self, operands: &[Lane], start: usize) -> Counts {
        match self {
            Whole::Number(number) => Counts::Number(number),
            // SAFETY: the caller promises that the element is one of the operand, of whole numbers.
            Whole::Operand(index) => unsafe {
                match operands[index].at(start) {
                    lane if lane.pattern == Pattern::Stride(0) => Counts::Number(lane.count(0)),
                    lane => Counts::Lane(lane),
                }
            },
        }
    }
}

/// Whole numbers, an element each.
#[derive(Clone, Copy)]
enum Counts {
    Number(u64),
    Lane(Lane),
}

impl Counts {
    /// That of an element.
    ///
    /// # Safety
    /// The element must lie in the lane, of whole numbers.
    unsafe fn get(self, index: usize) -> u64 {
        match self {
            Counts::Number(number) => number,
            // SAFETY: the caller promises that the element lies in the lane, of whole numbers.
            Counts::Lane(lane) => unsafe { lane.count(index) },
        }
    }
}

/// An operand's whole numbers at a block as floats.
unsafe fn read_counts<'a>(lane: Lane, scratch: &'a mut [f32]) -> SourceBlock<'a> {
    // SAFETY: the caller promises that the lane is one of whole numbers, valid for as many elements as `scratch` has.
    unsafe {
        if lane.pattern == Pattern::Stride(0) {
            return SourceBlock::Number(lane.count(0) as f32);
        }
        scratch.iter_mut().enumerate().for_each(|(index, value)| *value = lane.count(index) as f32);
        SourceBlock::Row(scratch)
    }
}

impl Draw {
    /// The numbers of the elements that are counted, by seed and step from element `start` of the operands on. Both are the same
    /// for all of them but in theory.
    ///
    /// # Safety
    /// Seed and step must be valid for as many elements as there are in `output`.
    unsafe fn fill(self, count: Count, operands: &[Lane], start: usize, output: &mut [f32]) {
        // SAFETY: the caller promises seed and step for as many elements as there are in `output`.
        let [seed, step] = self.key.map(|whole| unsafe { whole.at(operands, start) });
        let (mut known, mut words, mut key) = (None, [0; 4], [0; 2]);
        for (index, value) in output.iter_mut().enumerate() {
            let number = count.first + index * count.step;
            // SAFETY: the caller promises seed and step for as many elements as there are in `output`.
            let now = unsafe { [seed.get(index), step.get(index)] };
            if known != Some(number / 4) || key != now {
                (known, key) = (Some(number / 4), now);
                words = wide_block((number / 4) as u64, self.stream, key);
            }
            *value = unit(words[number % 4]) as f32;
        }
    }
}

/// What an expression is the sigmoid of, if it is one.
fn sigmoid(expression: &Expression) -> Option<&Expression> {
    let is_one = |part: &Expression| *part == Expression::Constant(1.0);
    let Expression::Binary(Binary::Divide, one, below) = expression else { return None };
    let Expression::Binary(Binary::Add, also_one, power) = below.as_ref() else { return None };
    let Expression::Unary(Unary::Exp, exponent) = power.as_ref() else { return None };
    let Expression::Unary(Unary::Negate, x) = exponent.as_ref() else { return None };
    (is_one(one) && is_one(also_one)).then_some(x)
}

/// The factors and the summand of an expression, if it is a product and a sum.
fn multiply_add(expression: &Expression) -> Option<[&Expression; 3]> {
    let Expression::Binary(Binary::Add, a, b) = expression else { return None };
    match (a.as_ref(), b.as_ref()) {
        (Expression::Binary(Binary::Multiply, x, y), summand) => Some([x, y, summand]),
        (summand, Expression::Binary(Binary::Multiply, x, y)) => Some([x, y, summand]),
        _ => None,
    }
}
