//! What poolings share once they know their window, what they make of it, and their text.
//!
//! `pooling! { Name }` implements the layer of a struct with methods `window`, `over` and `text`, and `pooling! { Name,
//! checked }` one that has a method of that name too. `largest! { Name }` is all of a MaxPool, whose arguments alone differ by
//! its axes, and `mean! { Name, axes }` all of an AvgPool with a `divisor_override`.

use super::Window;
use super::dimensions::Over;
use crate::onnx::{Attribute, Nodes, Value};

macro_rules! pooling {
    ($name:ident $(, $checked:ident)?) => {
        impl $crate::ops::Operator for $name {
            fn validate(&self) -> Result<(), $crate::ops::BindError> {
                $(self.$checked()?;)?
                self.window().validate()
            }

            fn infer(
                &self,
                inputs: &[$crate::shape::Shape],
                requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                self.window().pooled(inputs, requirements)
            }

            fn receptive_field(
                &self,
                _inputs: &[$crate::shape::Shape],
                _output: &$crate::shape::Shape,
            ) -> $crate::ops::LayerField {
                self.window().receptive_field()
            }

            fn describe(&self, _inputs: &[$crate::shape::Shape]) -> String {
                self.text()
            }

            fn arithmetic(&self, inputs: &[$crate::shape::Shape]) -> Vec<String> {
                self.window().arithmetic(inputs)
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                let size = builder.output().split_off(2);
                let axes = self.window().pool_axes();
                $crate::ops::dimensions::pool(builder, builder.input(0), &axes, &self.over(), &size)
            }

            fn onnx(&self, nodes: &mut $crate::onnx::Nodes) -> Option<$crate::onnx::Value> {
                $crate::ops::pooling::onnx(nodes, &self.window(), &self.over())
            }
        }
    };
}

macro_rules! largest {
    ($name:ident) => {
        impl $name {
            fn window(&self) -> $crate::ops::Window {
                let dilation = $crate::ops::argument_types::PerAxis::per_axis(&self.dilation);
                $crate::ops::Window::pooling(&self.kernel_size, &self.stride, &self.padding, &dilation, self.ceil_mode)
            }

            fn over(&self) -> $crate::ops::dimensions::Over {
                $crate::ops::dimensions::Over::Max
            }

            fn text(&self) -> String {
                use $crate::ops::Argument;
                format!(
                    "kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
                    self.kernel_size.python(),
                    self.stride.unwrap_or(self.kernel_size).python(),
                    self.padding.python(),
                    self.dilation.python(),
                    self.ceil_mode.python()
                )
            }
        }

        $crate::ops::pooling::pooling! { $name }
    };
}

macro_rules! mean {
    ($name:ident, $axes:literal) => {
        impl $name {
            fn window(&self) -> $crate::ops::Window {
                $crate::ops::Window::pooling(
                    &self.kernel_size,
                    &self.stride,
                    &self.padding,
                    &[1; $axes],
                    self.ceil_mode,
                )
            }

            fn over(&self) -> $crate::ops::dimensions::Over {
                use $crate::ops::dimensions::Over;
                let padding = $crate::ops::argument_types::PerAxis::per_axis(&self.padding);
                match self.divisor_override {
                    Some(number) => Over::SumBy(number as f64),
                    None if self.count_include_pad && padding.iter().any(|&side| side > 0) => {
                        Over::MeanWithPadding(padding)
                    }
                    None => Over::Mean,
                }
            }

            fn text(&self) -> String {
                use $crate::ops::Argument;
                let stride = self.stride.unwrap_or(self.kernel_size);
                let (size, stride, padding) = (self.kernel_size.python(), stride.python(), self.padding.python());
                format!("kernel_size={size}, stride={stride}, padding={padding}")
            }

            fn divides(&self) -> Result<(), $crate::ops::BindError> {
                if self.divisor_override != Some(0) {
                    return Ok(());
                }
                let message = "divisor_override=0 divides by zero".into();
                let mend = Some("1".into());
                Err($crate::ops::BindError::Conflict { argument: "divisor_override", message, mend })
            }
        }

        $crate::ops::pooling::pooling! { $name, divides }
    };
}

pub(super) use {largest, mean, pooling};

/// A pooling as ONNX has it. Where the number of windows rounds up, padding is left to the kernels: which windows there are, and
/// what they divide by, is not the same in every program.
pub(super) fn onnx(nodes: &mut Nodes, window: &Window, over: &Over) -> Option<Value> {
    let is_padded = window.axes.iter().any(|axis| axis.before > 0 || axis.after > 0);
    let is_sparse = window.axes.iter().any(|axis| axis.stride > axis.extent());
    if window.ceil_mode && (is_padded || is_sparse) {
        return None;
    }
    let is_dilated = window.axes.iter().any(|axis| axis.dilation > 1);
    let counts = |padding: bool| ("count_include_pad", Attribute::Int(i64::from(padding)));
    let (operator, more) = match over {
        Over::Max => ("MaxPool", None),
        _ if is_dilated => return None,
        Over::Mean => ("AveragePool", Some(counts(false))),
        Over::MeanWithPadding(_) => ("AveragePool", Some(counts(!window.ceil_mode))),
        Over::SumBy(_) | Over::Softmax => return None,
    };
    let mut attributes = window.onnx();
    if operator == "AveragePool" {
        attributes.retain(|(name, _)| *name != "dilations");
    }
    attributes.extend(window.ceil_mode.then_some(("ceil_mode", Attribute::Int(1))));
    attributes.extend(more);
    Some(nodes.node(operator, &[nodes.input(0)?], attributes))
}
