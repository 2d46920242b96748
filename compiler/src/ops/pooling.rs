//! What poolings share once they know their window, what they make of it, and their text.
//!
//! `pooling! { Name }` implements the layer of a struct with methods `window`, `over` and `text`, and `pooling! { Name,
//! checked }` one that has a method `check` too.

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

            fn receptive_field(&self, _inputs: &[$crate::shape::Shape]) -> $crate::ops::LayerField {
                self.window().receptive_field()
            }

            fn describe(&self, _inputs: &[$crate::shape::Shape]) -> String {
                self.text()
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                let size = builder.output().split_off(2);
                let axes = self.window().pool_axes();
                $crate::ops::dimensions::pool(builder, builder.input(0), &axes, &self.over(), &size)
            }
        }
    };
}

pub(super) use pooling;
