//! Layers that differ in the types of their arguments alone: one value has what all of them are, and answers for them.
//!
//! `by_common! { Name, ["weight", "bias"] }` implements the layer of a struct whose method `common` makes that value.

macro_rules! by_common {
    ($name:ident, [$($parameter:literal),*]) => {
        impl $crate::ops::Operator for $name {
            const PARAMETERS: &'static [&'static str] = &[$($parameter),*];

            fn validate(&self) -> Result<(), $crate::ops::BindError> {
                self.common().validate()
            }

            fn infer(
                &self,
                inputs: &[$crate::shape::Shape],
                requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                self.common().infer(inputs, requirements)
            }

            fn parameters(
                &self,
                inputs: &[$crate::shape::Shape],
            ) -> Result<Vec<$crate::ops::ParameterDeclaration>, $crate::ops::ShapeError> {
                self.common().parameters(inputs)
            }

            fn macs(&self, inputs: &[Vec<usize>], output: &[usize]) -> u64 {
                self.common().macs(inputs, output)
            }

            fn receptive_field(
                &self,
                inputs: &[$crate::shape::Shape],
                _output: &$crate::shape::Shape,
            ) -> $crate::ops::LayerField {
                self.common().receptive_field(inputs)
            }

            fn describe(&self, inputs: &[$crate::shape::Shape]) -> String {
                self.common().describe(inputs)
            }

            fn arithmetic(&self, inputs: &[$crate::shape::Shape]) -> Vec<String> {
                self.common().arithmetic(inputs)
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                self.common().lower(builder)
            }

            fn onnx(&self, nodes: &mut $crate::onnx::Nodes) -> Option<$crate::onnx::Value> {
                self.common().onnx(nodes)
            }
        }
    };
}

pub(super) use by_common;
