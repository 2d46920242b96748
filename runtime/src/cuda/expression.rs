//! Scalar expressions as C: each operation a line, parts that occur twice once.

use super::source::{c_type, index_along, number};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::{Binary, Expression, Unary};
use std::collections::HashMap;
use std::fmt::Write;

/// The body of a function of `x0`, `x1`, … and `Index i`, an element's number in a result of that shape, which returns the value,
/// computed in that type; `is_whole` says which operands are whole numbers.
pub fn body(
    expression: &Expression,
    shape: &[usize],
    compute: ElementType,
    is_whole: &dyn Fn(usize) -> bool,
) -> String {
    let mut lines = Lines { shape, compute, is_whole, text: String::new(), names: HashMap::new() };
    let value = lines.value(expression);
    let _ = writeln!(lines.text, "        return {value};");
    lines.text
}

/// The lines so far, and the names of what they compute.
struct Lines<'a> {
    shape: &'a [usize],
    compute: ElementType,
    is_whole: &'a dyn Fn(usize) -> bool,
    text: String,
    names: HashMap<String, String>,
}

impl Lines<'_> {
    /// The name or number of an expression's value.
    fn value(&mut self, expression: &Expression) -> String {
        let computed = match expression {
            Expression::Operand(index) => return self.operand(*index),
            Expression::Constant(value) => return self.constant(*value),
            Expression::Unary(Unary::Fixed, x) => return self.value(x),
            Expression::Unary(operation, x) => unary(*operation, &self.value(x)),
            Expression::Binary(operation, a, b) => binary(*operation, &self.value(a), &self.value(b)),
            Expression::Select(condition, a, b) => {
                format!("{} != 0.0f ? {} : {}", self.value(condition), self.value(a), self.value(b))
            }
            Expression::Index(axis) => format!("(float)({})", index_along(self.shape, *axis)),
            Expression::Uniform(stream, key) => {
                let mut whole =
                    Lines { compute: ElementType::Uint64, text: String::new(), names: HashMap::new(), ..*self };
                let [seed, step] = [&key[0], &key[1]].map(|word| whole.value(word));
                format!("uniform(i, {stream:#x}ull, {seed}, {step})")
            }
        };
        if let Some(name) = self.names.get(&computed) {
            return name.clone();
        }
        let name = format!("t{}", self.names.len());
        let _ = writeln!(self.text, "        const {} {name} = {computed};", c_type(self.compute));
        self.names.insert(computed, name.clone());
        name
    }
}

impl Lines<'_> {
    fn operand(&self, index: usize) -> String {
        let converted = self.compute == ElementType::Float32 && (self.is_whole)(index);
        if converted { format!("(float)x{index}") } else { format!("x{index}") }
    }

    fn constant(&self, value: f64) -> String {
        match self.compute {
            ElementType::Float32 | ElementType::Uint8(_) => number(value as f32),
            ElementType::Uint64 => format!("{}ull", value as u64),
        }
    }
}

fn unary(operation: Unary, x: &str) -> String {
    match operation {
        Unary::Negate => format!("-({x})"),
        Unary::Exp => format!("expf({x})"),
        Unary::ExpM1 => format!("expm1f({x})"),
        Unary::Log => format!("logf({x})"),
        Unary::Log1P => format!("log1pf({x})"),
        Unary::Sqrt => format!("sqrtf({x})"),
        Unary::Tanh => format!("tanhf({x})"),
        Unary::Erf => format!("erff({x})"),
        Unary::Fixed => x.to_owned(),
    }
}

fn binary(operation: Binary, a: &str, b: &str) -> String {
    match operation {
        Binary::Add => format!("{a} + {b}"),
        Binary::Subtract => format!("{a} - {b}"),
        Binary::Multiply => format!("{a} * {b}"),
        Binary::Divide => format!("{a} / {b}"),
        Binary::Maximum => format!("maximum({a}, {b})"),
        Binary::Minimum => format!("minimum({a}, {b})"),
        Binary::Power => format!("powf({a}, {b})"),
        Binary::Greater => format!("{a} > {b} ? 1.0f : 0.0f"),
    }
}

#[cfg(test)]
mod tests {
    use cnnc_compiler::element::ElementType;
    use cnnc_compiler::kernels::{Expression, Unary};

    fn body(expression: &Expression, shape: &[usize]) -> String {
        super::body(expression, shape, ElementType::Float32, &|_| false)
    }

    #[test]
    fn parts_that_occur_twice_are_computed_once() {
        let x = Expression::operand(0);
        let sigmoid = x.clone().sigmoid();
        let text = body(&(sigmoid.clone() * x.clone() - sigmoid), &[4]);
        assert_eq!(text.matches("expf").count(), 1, "{text}");
        let negative = body(&(Expression::Constant(-1.5) - (-Expression::Constant(-2.0))), &[4]);
        assert!(negative.contains("-(-2.0f)") && negative.contains("-1.5f - t0"), "{negative}");
        assert_eq!(body(&x.unary(Unary::Fixed), &[4]), "        return x0;\n");
    }

    #[test]
    fn whole_numbers_are_converted_where_floats_are_computed_of_them() {
        let [seed, step] = [0, 1].map(Expression::operand);
        let uniform = Expression::uniform(7, seed, step.clone());
        let drawn = super::body(&(uniform * step.clone()), &[4], ElementType::Float32, &|_| true);
        assert!(drawn.contains("uniform(i, 0x7ull, x0, x1)") && drawn.contains("t0 * (float)x1"), "{drawn}");
        let counted = super::body(&(step + 1.0), &[], ElementType::Uint64, &|_| true);
        assert_eq!(counted, "        const Whole t0 = x1 + 1ull;\n        return t0;\n");
    }

    #[test]
    fn places_are_taken_out_of_the_number() {
        let text = body(&(Expression::Index(1) + Expression::Index(2) + Expression::Index(0)), &[2, 3, 5]);
        for part in ["(float)(i / 5 % 3)", "(float)(i % 5)", "(float)(i / 15)"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
