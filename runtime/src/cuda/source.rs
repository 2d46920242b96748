//! The C that is written anew for each step: numbers, index arithmetic, sizes and epilogues.
//!
//! An element is known by its number in the result, the last axis fastest. From it everything is derived with divisions by
//! constants, which compilers turn into multiplications: where it goes, where each operand of an epilogue lies for it, its index
//! along an axis.

use super::expression;
use super::program::{Argument, WORD_BYTES};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::Expression;
use cnnc_compiler::plan::{Step, View};
use std::fmt::Write;

/// A number as a C literal of float32.
pub fn number(value: f32) -> String {
    match value {
        _ if value.is_nan() => "__int_as_float(0x7fc00000)".into(),
        f32::INFINITY => "infinity()".into(),
        f32::NEG_INFINITY => "-infinity()".into(),
        _ => format!("{value:?}f"),
    }
}

/// The index along an axis of element `i` of a dense tensor of that shape.
pub fn index_along(shape: &[usize], axis: usize) -> String {
    let after: usize = shape.iter().skip(axis + 1).product();
    let before: usize = shape.iter().take(axis).product();
    place("i", after, shape.get(axis).copied().unwrap_or(1), before == 1)
}

/// `i / after % size`, as short as it can be.
fn place(i: &str, after: usize, size: usize, is_first: bool) -> String {
    match (after, is_first) {
        (1, true) => i.to_owned(),
        (1, false) => format!("{i} % {size}"),
        (_, true) => format!("{i} / {after}"),
        (_, false) => format!("{i} / {after} % {size}"),
    }
}

/// Axes of a view, (size, stride), without those of size 1, neighbours that lie as one axis made one.
pub fn merged(shape: &[usize], strides: &[usize]) -> Vec<(usize, usize)> {
    let mut axes: Vec<(usize, usize)> = Vec::new();
    for (&size, &stride) in shape.iter().zip(strides).filter(|&(&size, _)| size != 1) {
        match axes.last_mut() {
            Some(last) if last.1 == stride * size => *last = (last.0 * size, stride),
            _ => axes.push((size, stride)),
        }
    }
    axes
}

/// Where element `i` of a strided tensor lies, from its first.
pub fn offset(shape: &[usize], strides: &[usize], i: &str) -> String {
    let axes = merged(shape, strides);
    let mut terms = Vec::new();
    let mut after = 1;
    for (number, &(size, stride)) in axes.iter().enumerate().rev() {
        let index = place(i, after, size, number == 0);
        after *= size;
        match stride {
            0 => {}
            1 => terms.push(index),
            _ => terms.push(format!("{index} * {stride}")),
        }
    }
    terms.reverse();
    if terms.is_empty() { "0".into() } else { terms.join(" + ") }
}

/// The type of indices up to `most`.
pub fn index_type(most: usize) -> &'static str {
    if most < 1 << 31 { "unsigned" } else { "unsigned long long" }
}

/// The index type of a step: of its views' elements and, where blocks share sums, of all their parts.
pub fn index_type_of(step: &Step, parts: usize) -> &'static str {
    let views = step.operands.iter().chain([&step.output]);
    let most = views.map(|view| view.extent().max(view.elements())).max().unwrap_or(0);
    index_type(most.max(step.output.elements().saturating_mul(parts)).saturating_add(1 << 20))
}

/// A struct of constants by name; `more` is further members, a line each.
pub fn sizes(index: &str, ints: &[(&str, usize)], indices: &[(&str, usize)], more: &[String]) -> String {
    let list = |members: &[(&str, usize)]| {
        members.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!("struct @_sizes {{\n    typedef {index} Index;\n");
    for (kind, members) in [("int", ints), ("Index", indices)] {
        if !members.is_empty() {
            let _ = writeln!(text, "    static constexpr {kind} {};", list(members));
        }
    }
    more.iter().for_each(|line| text += &format!("    {line}\n"));
    text + "};\n"
}

/// A function of `Sizes` from an index to where something lies.
pub fn function(name: &str, shape: &[usize], strides: &[usize]) -> String {
    format!("static __device__ Index {name}(Index i) {{ return {}; }}", offset(shape, strides, "i"))
}

/// A pointer to elements that are read.
pub struct Pointer {
    /// Its name.
    pub name: String,
    /// What it points to.
    pub element: ElementType,
    /// To where.
    pub from: Argument,
}

impl Pointer {
    /// Its declaration as a parameter.
    pub fn parameter(&self) -> String {
        format!("const {}* {}", c_type(self.element), self.name)
    }
}

/// The type of an element in C.
pub fn c_type(element: ElementType) -> &'static str {
    match element {
        ElementType::Float32 => "float",
        ElementType::Uint64 => "Whole",
        ElementType::Uint8(_) => "unsigned char",
    }
}

/// What is done to an element before it is stored, as a struct `@_epilogue`; `@` stands for the entry's name.
pub struct EpilogueText {
    /// The struct.
    pub text: String,
    /// The pointers it holds, as parameters of the entry.
    pub pointers: Vec<Pointer>,
    /// Whether it can store four elements at a time.
    pub is_vector: bool,
}

impl EpilogueText {
    /// That of a kernel with a result `x0`.
    pub fn of(step: &Step, index: &str) -> EpilogueText {
        let plain = Expression::operand(0);
        let expression = step.epilogue.as_ref().unwrap_or(&plain);
        let others = step.operands.get(step.own_operands..).unwrap_or_default();
        let operands: Vec<(usize, &View)> = (1..).zip(others).collect();
        write(expression, step.compute, &operands, &step.output, index, &["float x0"])
    }

    /// A map: all its operands are read.
    pub fn of_map(step: &Step, expression: &Expression, index: &str) -> EpilogueText {
        let operands: Vec<(usize, &View)> = step.operands.iter().enumerate().collect();
        write(expression, step.compute, &operands, &step.output, index, &[])
    }

    /// How it is made in the entry.
    pub fn made(&self) -> String {
        let names: Vec<&str> = self.pointers.iter().map(|pointer| pointer.name.as_str()).collect();
        format!("@_epilogue{{{}}}", names.join(", "))
    }
}

fn write(
    expression: &Expression,
    compute: ElementType,
    operands: &[(usize, &View)],
    output: &View,
    index: &str,
    given: &[&str],
) -> EpilogueText {
    let used = expression.operands();
    let operands: Vec<_> = operands.iter().filter(|(number, _)| used.contains(number)).collect();
    let pointer = |&&(number, view): &&(usize, &View)| Pointer {
        name: format!("x{number}"),
        element: view.element,
        from: argument(view),
    };
    let pointers: Vec<Pointer> = operands.iter().map(pointer).collect();
    let parameters = |more: &[&str]| [&["Index i"], more].concat().join(", ");
    let all: Vec<String> = {
        let read = pointers.iter().map(|Pointer { name, element, .. }| format!("{} {name}", c_type(*element)));
        given.iter().map(|&name| name.to_owned()).chain(read).collect()
    };
    let mut text = format!(
        "struct @_epilogue {{\n    typedef {index} Index;\n    static constexpr Index count = {};\n",
        output.elements()
    );
    let is_whole =
        |number: usize| operands.iter().any(|&&(other, view)| other == number && view.element == ElementType::Uint64);
    for alike in pointers.chunk_by(|one, other| one.element == other.element) {
        let names: Vec<&str> = alike.iter().map(|pointer| pointer.name.as_str()).collect();
        let _ = writeln!(text, "    const {} *{};", c_type(alike[0].element), names.join(", *"));
    }
    let result = c_type(compute);
    let _ = writeln!(
        text,
        "    static __device__ {result} value({}) {{\n{}    }}",
        parameters(&all.iter().map(String::as_str).collect::<Vec<_>>()),
        expression::body(expression, &output.shape, compute, &is_whole)
    );
    let place = |view: &View| offset(&output.shape, &view.strides, "i");
    let own = given.iter().map(|_| "x0".to_owned());
    let read = operands.iter().map(|(number, view)| format!("x{number}[{}]", place(view)));
    let values: Vec<String> = ["i".to_owned()].into_iter().chain(own).chain(read).collect();
    let _ = writeln!(
        text,
        "    __device__ void store({}) const {{ out[{}] = value({}); }}",
        [&[format!("{result}* out").as_str(), "Index i"], given].concat().join(", "),
        place(output),
        values.join(", ")
    );
    let views: Vec<(usize, &View)> = operands.iter().map(|&&(number, view)| (number, view)).collect();
    let is_vector = given.is_empty() && lies_by_fours(output) && views.iter().all(|(_, view)| has_fours(view));
    if is_vector {
        text += &store_four(&views, output);
    }
    text += "};\n";
    EpilogueText { text, pointers, is_vector }
}

/// A view's first element as an argument.
pub fn argument(view: &View) -> Argument {
    Argument::At { storage: view.storage, offset: view.offset_bytes / WORD_BYTES }
}

/// The last of a view's merged axes: four neighbours, counted from a multiple of four, lie along it.
fn last_axis(view: &View) -> Option<(usize, usize)> {
    merged(&view.shape, &view.strides).last().copied()
}

/// Whether any four neighbours lie on a line of the view.
fn has_fours(view: &View) -> bool {
    last_axis(view).is_some_and(|(size, _)| size.is_multiple_of(4))
}

/// Whether any four neighbours lie together on 16 bytes, when the first element does.
pub fn runs_of_four(shape: &[usize], strides: &[usize]) -> bool {
    let axes = merged(shape, strides);
    let Some(((size, 1), outer)) = axes.split_last() else { return false };
    size.is_multiple_of(4) && outer.iter().all(|(_, stride)| stride.is_multiple_of(4))
}

/// Whether any four neighbours of a view lie together on 16 bytes.
fn lies_by_fours(view: &View) -> bool {
    let is_float = view.element == ElementType::Float32;
    is_float && view.offset().is_multiple_of(4) && runs_of_four(&view.shape, &view.strides)
}

/// The function that stores elements `i` to `i + 3`, `i` a multiple of four: what lies together is read at once.
fn store_four(operands: &[(usize, &View)], output: &View) -> String {
    let place = |view: &View| offset(&output.shape, &view.strides, "i");
    let mut text = String::from("    __device__ void store4(float* out, Index i) const {\n        Four result;\n");
    let mut values = vec!["i + j".to_owned()];
    for (number, view) in operands {
        let stride = last_axis(view).map_or(0, |(_, stride)| stride);
        let element = c_type(view.element);
        if stride == 0 {
            let _ = writeln!(text, "        const {element} f{number} = x{number}[{}];", place(view));
            values.push(format!("f{number}"));
        } else if lies_by_fours(view) {
            let _ = writeln!(text, "        const Four f{number} = load4(x{number} + {});", place(view));
            values.push(format!("f{number}.at[j]"));
        } else {
            let _ = writeln!(text, "        const {element}* f{number} = x{number} + {};", place(view));
            values.push(if stride == 1 { format!("f{number}[j]") } else { format!("f{number}[j * {stride}]") });
        }
    }
    let _ = writeln!(
        text,
        "        #pragma unroll\n        for (int j = 0; j < 4; j++) result.at[j] = value({});",
        values.join(", ")
    );
    let _ = writeln!(text, "        ::store4(out + {}, result);\n    }}", place(output));
    text
}

#[cfg(test)]
mod tests {
    use super::{index_type, merged, number, offset};

    #[test]
    fn numbers_are_those_of_float32() {
        assert_eq!([0.1, 1.0, 1e-5, -3e20].map(number), ["0.1f", "1.0f", "1e-5f", "-3e20f"]);
        assert_eq!(number(f32::NEG_INFINITY), "-infinity()");
    }

    #[test]
    fn axes_that_lie_as_one_are_one() {
        assert_eq!(merged(&[2, 3, 4, 5], &[60, 20, 5, 1]), [(120, 1)]);
        assert_eq!(merged(&[2, 3, 4, 5], &[0, 1, 0, 0]), [(2, 0), (3, 1), (20, 0)]);
        assert_eq!(merged(&[1, 1], &[7, 9]), []);
    }

    #[test]
    fn offsets_are_as_short_as_they_can_be() {
        assert_eq!(offset(&[2, 3, 4, 5], &[60, 20, 5, 1], "i"), "i");
        assert_eq!(offset(&[2, 3, 4, 5], &[0, 1, 0, 0], "i"), "i / 20 % 3");
        assert_eq!(offset(&[2, 3, 4, 5], &[100, 20, 5, 1], "i"), "i / 60 * 100 + i % 60");
        assert_eq!(offset(&[3, 4], &[0, 0], "i"), "0");
        assert_eq!([index_type(1 << 31), index_type(9)], ["unsigned long long", "unsigned"]);
    }
}
