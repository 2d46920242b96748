//! Layers that do one thing to each element by itself: their documentation, their arguments and an expression are all
//! there is.
//!
//! `pointwise! { /// doc  Name { fields } layer, x => expression }` declares one. What PyTorch prints of it are its
//! arguments, unless `; describe …` follows. `layer, builder = …` says instead of the expression how it is written in kernels;
//! `; validate …` refuses arguments that do not go together, and after that, where kernels are given, `; onnx nodes => …` writes
//! operators of ONNX: an expression has its own there. `; chances …` in the end says that it gives chances.

macro_rules! pointwise {
    (
        $(#[doc = $doc:literal])* $name:ident { $($fields:tt)* }
        $layer:ident, $x:ident => $expression:expr $(; describe $text:expr)? $(; validate $check:expr)?
        $(; chances $chances:expr)?
    ) => {
        $crate::ops::pointwise::pointwise! {
            $(#[doc = $doc])* $name { $($fields)* }
            $layer, builder = {
                let $x = $crate::kernels::Expression::operand(0);
                builder.map(&[builder.input(0)], $expression)
            } $(; describe $text)? $(; validate $check)? $(; chances $chances)?
        }
    };
    (
        $(#[doc = $doc:literal])* $name:ident { $($fields:tt)* }
        $layer:ident, $builder:ident = $kernels:expr $(; describe $text:expr)? $(; validate $check:expr)?
        $(; onnx $nodes:ident => $written:expr)? $(; chances $chances:expr)?
    ) => {
        $crate::layer! { $(#[doc = $doc])* $name { $($fields)* } }

        impl $crate::ops::Operator for $name {
            $(const CHANCES: Option<$crate::ops::Chances> = Some($chances);)?

            $(fn validate(&self) -> Result<(), $crate::ops::BindError> {
                let $layer = self;
                $check
            })?

            fn infer(
                &self,
                inputs: &[$crate::shape::Shape],
                _requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                $crate::ops::inputs::single(inputs)
            }

            fn describe(&self, _inputs: &[$crate::shape::Shape]) -> String {
                #[allow(unused_variables, reason = "not every description has arguments")]
                let $layer = self;
                $crate::ops::pointwise::described!($layer $(, $text)?)
            }

            fn lower(&self, $builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                #[allow(unused_variables, reason = "not every expression has arguments")]
                let $layer = self;
                $kernels
            }

            $(fn onnx(&self, $nodes: &mut $crate::onnx::Nodes) -> Option<$crate::onnx::Value> {
                #[allow(unused_variables, reason = "not every operator has arguments")]
                let $layer = self;
                $written
            })?
        }
    };
}

macro_rules! described {
    ($layer:ident) => {
        $crate::ops::Layer::keywords($layer)
    };
    ($layer:ident, $text:expr) => {
        $text
    };
}

pub(super) use {described, pointwise};

/// Zero, and not-a-number where that is what `x` is: what stands for an element that is left out must not hide it.
pub(super) fn zero_of(x: crate::kernels::Expression) -> crate::kernels::Expression {
    x.minimum(0.0).maximum(0.0)
}
