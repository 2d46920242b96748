//! THE LIST of operators. Adding one is its own file and one line here.
//!
//! The macro yields the enum [`Op`], its delegation to [`Operator`], and the table by which specs call layers. An enum and not a
//! trait object, so that a node can be compared, copied and printed; nobody matches on its variants.

mod argument;
mod broadcast;
mod inputs;
mod operator;
mod shape_error;
mod window;

pub use argument::{Argument, ArgumentSpec, Arguments, BindError, Constant, PadPair, Padding, Pair, Signature};
pub use operator::{Layer, Operator, ParameterDeclaration, Reach};
pub use shape_error::ShapeError;
pub use window::Window;

use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

macro_rules! operators {
    (layers { $($(#[$layer_attr:meta])* $layer_mod:ident::$layer:ident,)* } joins { $($join_mod:ident::$join:ident,)* }) => {
        $(mod $layer_mod;)*
        $(mod $join_mod;)*
        $(pub use $join_mod::$join;)*

        /// Every operator: the layers of the language, then the joins.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant is documented at its type")]
        pub enum Op { $($layer($layer_mod::$layer),)* $($join($join_mod::$join),)* }

        /// The layers that a spec can call, in the manual's order.
        pub const LAYERS: &[LayerEntry] = &[$(LayerEntry {
            signature: <$layer_mod::$layer as Layer>::SIGNATURE,
            parameters: <$layer_mod::$layer as Operator>::PARAMETERS,
            file: stringify!($layer_mod),
            bind: |arguments| {
                let layer = <$layer_mod::$layer as Layer>::bind(arguments)?;
                layer.validate()?;
                Ok(Op::$layer(layer))
            },
        },)*];

        impl Op {
            /// The operator's name: the layer's, or `sum`, `product`, `concat`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Op::$layer(_) => stringify!($layer),)*
                    $(Op::$join(_) => $join_mod::$join::NAME,)*
                }
            }

            /// Whether the operator takes the current value.
            pub fn takes_input(&self) -> bool {
                match self {
                    $(Op::$layer(_) => <$layer_mod::$layer as Operator>::TAKES_INPUT,)*
                    $(Op::$join(_) => <$join_mod::$join as Operator>::TAKES_INPUT,)*
                }
            }
        }

        impl Op {
            /// See [`Operator::infer`].
            pub fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
                match self {
                    $(Op::$layer(operator) => operator.infer(inputs, requirements),)*
                    $(Op::$join(operator) => operator.infer(inputs, requirements),)*
                }
            }

            /// See [`Operator::parameters`].
            pub fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
                match self {
                    $(Op::$layer(operator) => operator.parameters(inputs),)*
                    $(Op::$join(operator) => operator.parameters(inputs),)*
                }
            }

            /// See [`Operator::macs`].
            pub fn macs(&self, inputs: &[Vec<usize>], output: &[usize]) -> u64 {
                match self {
                    $(Op::$layer(operator) => operator.macs(inputs, output),)*
                    $(Op::$join(operator) => operator.macs(inputs, output),)*
                }
            }

            /// See [`Operator::reach`].
            pub fn reach(&self) -> Reach {
                match self {
                    $(Op::$layer(operator) => operator.reach(),)*
                    $(Op::$join(operator) => operator.reach(),)*
                }
            }

            /// See [`Operator::describe`].
            pub fn describe(&self, inputs: &[Shape]) -> String {
                match self {
                    $(Op::$layer(operator) => operator.describe(inputs),)*
                    $(Op::$join(operator) => operator.describe(inputs),)*
                }
            }

            /// See [`Operator::lower`].
            pub fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
                match self {
                    $(Op::$layer(operator) => operator.lower(builder),)*
                    $(Op::$join(operator) => operator.lower(builder),)*
                }
            }
        }
    };
}

/// A layer that a spec can call.
pub struct LayerEntry {
    /// Name, documentation and arguments.
    pub signature: Signature,
    /// Names of its parameters.
    pub parameters: &'static [&'static str],
    /// Its file's name, and its cases'.
    pub file: &'static str,
    /// Makes it.
    pub bind: fn(&Arguments) -> Result<Op, BindError>,
}

/// The layer of that name.
pub fn layer(name: &str) -> Option<&'static LayerEntry> {
    LAYERS.iter().find(|entry| entry.signature.name == name)
}

operators! {
    layers {
        conv2d::Conv2d,
        relu::ReLU,
        dropout::Dropout,
    }
    joins {
        sum::Sum,
    }
}

/// The product of sizes, for counting.
fn product(sizes: &[usize]) -> u64 {
    sizes.iter().fold(1, |product, &size| product.saturating_mul(size as u64))
}
