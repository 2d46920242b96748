//! Upsample: planes enlarged by reading between their elements.

use super::argument_types::words;
use super::{Argument, BindError, Factors, LayerField, Operator, PlaneSize, ShapeError, Taps, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder, Resampling};
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Dim, Relation, Requirements, Shape};

words! {
    /// How a place between elements is read.
    Mode {
        /// The element that it lies on.
        Nearest = "nearest",
        /// Its four neighbours, weighted by distance.
        Bilinear = "bilinear",
        /// Its sixteen neighbours, by cubic curves.
        Bicubic = "bicubic",
        /// The element whose middle is nearest.
        NearestExact = "nearest-exact",
    }
}

crate::layer! {
    /// Makes the plane of `[N, C, H, W]` larger, or smaller, by a factor or to a size.
    ///
    /// # Shape
    /// `size`, whose numbers may be sizes that are open, or `⌊H · scale_factor⌋` and `⌊W · scale_factor⌋`.
    ///
    /// # Errors
    /// E206 both or none of `size` and `scale_factor`, or `align_corners` of a nearest element; E303 an input of another
    /// number of axes; E307 a symbol times a factor that is no multiple of a power of 1/2; E310 a factor that leaves
    /// nothing
    ///
    /// # Source
    /// PyTorch `nn.Upsample`. With `scale_factor`, output element `o` is read at `(o + 0.5) / scale_factor − 0.5`
    /// (bilinear, bicubic), `⌊o / scale_factor⌋` (nearest) or `⌊(o + 0.5) / scale_factor⌋` (nearest-exact); with `size`, the
    /// ratio of the sizes stands for the factor.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 256, H, W]
    /// Upsample(scale_factor=2)
    /// expect [N, 256, 2 * H, 2 * W]
    /// ```
    Upsample {
        /// Height and width of the output.
        size: Option<PlaneSize> = None,
        /// Output elements an input element, along height and width.
        scale_factor: Option<Factors> = None,
        /// How places between elements are read.
        mode: Mode = Mode::Nearest,
        /// Whether the corner elements of input and output lie on each other; bilinear and bicubic only, false when left out.
        align_corners: Option<bool> = None,
    }
}

/// The parameter of the cubic curves, PyTorch's.
const CUBIC: f64 = -0.75;

/// What a neighbour at a distance counts for.
fn cubic(distance: &Expression) -> Expression {
    let d = distance.clone().maximum(-distance.clone());
    let near = (d.clone() * (CUBIC + 2.0) - (CUBIC + 3.0)) * d.clone() * d.clone() + 1.0;
    let far = ((d.clone() * CUBIC - 5.0 * CUBIC) * d.clone() + 8.0 * CUBIC) * d.clone() - 4.0 * CUBIC;
    Expression::from(1.0).greater(d.clone()).select(near, Expression::from(2.0).greater(d).select(far, 0.0))
}

/// What element `Index(0)` of an axis of `size` counts for in element `Index(1)` of the result; those at the borders stand for
/// all that lie beyond.
fn cubic_weights(size: usize, step: f64, align: bool) -> Expression {
    let [from, to] = [0, 1].map(Expression::Index);
    let place = if align { to * step } else { (to + 0.5) * step - 0.5 };
    let distance = place - from.clone();
    let beyond =
        |sign: f64| (1..4).fold(Expression::from(0.0), |sum, k| sum + cubic(&(distance.clone() + sign * f64::from(k))));
    let first = Expression::from(0.5).greater(from.clone()).select(beyond(1.0), 0.0);
    let last = from.greater(size as f64 - 1.5).select(beyond(-1.0), 0.0);
    cubic(&distance) + first + last
}

/// Reading the elements whose middles are nearest: every other element of a plane twice as fine. Where each element becomes so
/// many whole ones, these are the elements that they lie on.
fn nearest_exact(builder: &mut KernelBuilder, x: NodeId, scale: [f64; 2], [height, width]: [usize; 2]) -> NodeId {
    let &[batch, channels, tall, wide] = builder.shape(x).as_slice() else { return x };
    if height.is_multiple_of(tall)
        && width.is_multiple_of(wide)
        && scale == [tall as f64 / height as f64, wide as f64 / width as f64]
    {
        return builder.resample(x, Resampling::Nearest { scale }, [height, width]);
    }
    let finer = Resampling::Nearest { scale: scale.map(|step| step / 2.0) };
    let fine = builder.resample(x, finer, [2 * height, 2 * width]);
    let pairs = builder.reshape(fine, &[batch, channels, height, 2, width, 2]);
    let odd = builder.slice(pairs, 3, 1, 1);
    let odd = builder.slice(odd, 5, 1, 1);
    builder.reshape(odd, &[batch, channels, height, width])
}

/// The most halvings of a factor that symbols are multiplied with: 1.5 has one.
const MOST_HALVINGS: u32 = 20;

impl Upsample {
    /// `⌊size · factor⌋`. PyTorch multiplies floats, which is exact for a symbol only where the factor is a whole
    /// number over a power of two.
    fn scaled(
        &self,
        name: &'static str,
        size: &Dim,
        factor: f64,
        requirements: &mut Requirements,
    ) -> Result<Dim, ShapeError> {
        if let Some(number) = size.number() {
            let scaled = (number as f64 * factor).floor();
            return if scaled < 1.0 {
                Err(self.nothing_left(name, number, factor))
            } else if scaled < i64::MAX as f64 {
                Ok(Dim::Number(scaled as i64))
            } else {
                Err(ShapeError::TooLarge)
            };
        }
        let whole = |halvings: &u32| (factor * f64::from(1u32 << halvings)).fract() == 0.0;
        let Some(halvings) = (0..=MOST_HALVINGS).find(whole) else {
            return Err(ShapeError::Unknown { axis: name, size: size.clone() });
        };
        let divisor = 1i64 << halvings;
        let scaled = size.times_number((factor * divisor as f64) as i64)?.floor_divided(divisor)?;
        if factor < 1.0 {
            requirements.require(&scaled, Relation::AtLeast, &Dim::Number(1), "shrinking must leave an element")?;
        }
        Ok(scaled)
    }

    fn nothing_left(&self, name: &'static str, size: i64, factor: f64) -> ShapeError {
        ShapeError::Other {
            code: Code::E310,
            message: format!("scale_factor={} leaves nothing of the {name}", factor.write()),
            argument: Some("scale_factor"),
            note: Some(format!("{name}: ⌊{size} · {}⌋ = 0", factor.write())),
            mend: None,
        }
    }

    /// Input elements an output element along height and width, as PyTorch computes them: where the size
    /// stays, and where `nearest` doubles it, the factor itself plays no part.
    fn steps(&self, input: [usize; 2], output: [usize; 2]) -> [f64; 2] {
        let step = |axis: usize| {
            let (size, length) = (input.get(axis).copied().unwrap_or(1), output.get(axis).copied().unwrap_or(1));
            match self.factor(axis) {
                _ if length == size => 1.0,
                _ if self.mode == Mode::Nearest && length == 2 * size => 0.5,
                _ if self.align_corners == Some(true) && length > 1 => (size - 1) as f64 / (length - 1) as f64,
                _ if self.align_corners == Some(true) => 0.0,
                Some(factor) => 1.0 / factor,
                None => size as f64 / length as f64,
            }
        };
        [step(0), step(1)]
    }

    /// The factor along height (0) or width (1), when factors are given.
    fn factor(&self, axis: usize) -> Option<f64> {
        self.scale_factor.map(|Factors(height, width)| if axis == 0 { height } else { width })
    }

    /// A product with a matrix an axis, which depends on nothing and is made once.
    fn bicubic(
        &self,
        builder: &mut KernelBuilder,
        x: NodeId,
        [down, across]: [f64; 2],
        [height, width]: [usize; 2],
    ) -> NodeId {
        let &[batch, channels, tall, wide] = builder.shape(x).as_slice() else { return x };
        let align = self.align_corners == Some(true);
        let along = |builder: &mut KernelBuilder, x, rows: usize, [size, length]: [usize; 2], step| {
            let weights = builder.map_to(&[size, length], &[], cubic_weights(size, step, align));
            let x = builder.reshape(x, &[rows, size]);
            builder.gemm(x, false, weights, false)
        };
        let y = along(builder, x, batch * channels * tall, [wide, width], across);
        let y = builder.reshape(y, &[batch, channels, tall, width]);
        let y = builder.permute(y, &[0, 1, 3, 2]);
        let y = along(builder, y, batch * channels * width, [tall, height], down);
        let y = builder.reshape(y, &[batch, channels, width, height]);
        builder.permute(y, &[0, 1, 3, 2])
    }

    /// What an element sees of an axis with so many elements, to so many; `None` where that depends on a size that is open.
    fn taps(&self, axis: usize, [size, length]: [Option<usize>; 2]) -> Option<Taps> {
        let align = self.align_corners == Some(true);
        let step = match size.zip(length) {
            Some((size, length)) => self.steps([size; 2], [length; 2]).get(axis).copied()?,
            None if align => return None,
            None => 1.0 / self.factor(axis)?,
        };
        match self.mode {
            Mode::Nearest => Taps::below(step),
            Mode::Bilinear => Taps::around(step, !align),
            // Of these the whole is said to be seen.
            Mode::Bicubic | Mode::NearestExact => None,
        }
    }
}

impl Operator for Upsample {
    fn validate(&self) -> Result<(), BindError> {
        let conflict = |argument, message: &str, mend: Option<&str>| {
            Err(BindError::Conflict { argument, message: message.into(), mend: mend.map(String::from) })
        };
        match (&self.size, self.scale_factor) {
            (None, None) => return conflict("scale_factor", "either size or scale_factor has to be given", Some("2")),
            (Some(_), Some(_)) => return conflict("size", "size and scale_factor cannot both be given", None),
            _ => {}
        }
        if self.align_corners.is_some() && matches!(self.mode, Mode::Nearest | Mode::NearestExact) {
            return conflict("mode", "align_corners has a meaning for mode=\"bilinear\" only", Some("\"bilinear\""));
        }
        Ok(())
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, channels, height, width] = inputs::planes(inputs)?;
        let (height, width) = match (&self.size, self.scale_factor) {
            (Some(PlaneSize(rows, columns)), _) => {
                for size in [rows, columns].into_iter().filter(|size| !size.is_plain()) {
                    requirements.require(size, Relation::AtLeast, &Dim::Number(1), "a size is at least 1")?;
                }
                (rows.clone(), columns.clone())
            }
            (None, Some(Factors(rows, columns))) => (
                self.scaled("height", height, rows, requirements)?,
                self.scaled("width", width, columns, requirements)?,
            ),
            (None, None) => (height.clone(), width.clone()),
        };
        Ok(Shape::from(vec![batch.clone(), channels.clone(), height, width]))
    }

    fn receptive_field(&self, inputs: &[Shape], output: &Shape) -> LayerField {
        let known = |shape: Option<&Shape>, axis: usize| usize::try_from(shape?.get(axis + 2)?.number()?).ok();
        let taps = |axis: usize| self.taps(axis, [known(inputs.first(), axis), known(Some(output), axis)]);
        taps(0)
            .zip(taps(1))
            .map_or_else(|| LayerField::whole_from(2, 4), |(rows, columns)| LayerField::Plane([rows, columns]))
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        let mode = self.mode.python();
        match (&self.size, self.scale_factor) {
            (Some(size), _) => format!("size={}, mode={mode}", size.python()),
            (None, factors) => format!("scale_factor={}, mode={mode}", factors.python()),
        }
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output_size());
        let input = match builder.shape(x).as_slice() {
            [.., height, width] => [*height, *width],
            _ => return x,
        };
        let scale = self.steps(input, output);
        let resampling = match self.mode {
            Mode::Nearest => Resampling::Nearest { scale },
            Mode::Bilinear => Resampling::Bilinear { scale, align_corners: self.align_corners == Some(true) },
            Mode::NearestExact => return nearest_exact(builder, x, scale, output),
            Mode::Bicubic => return self.bicubic(builder, x, scale, output),
        };
        builder.resample(x, resampling, output)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let (x, output) = (nodes.input(0)?, nodes.output());
        let align = self.align_corners == Some(true);
        let corners = if align { "align_corners" } else { "half_pixel" };
        let (mode, places, nearest) = match self.mode {
            Mode::Nearest => ("nearest", "asymmetric", Some("floor")),
            Mode::NearestExact => ("nearest", "half_pixel", Some("round_prefer_ceil")),
            Mode::Bilinear => ("linear", corners, None),
            Mode::Bicubic => ("cubic", corners, None),
        };
        let mut attributes =
            vec![("mode", Attribute::Text(mode)), ("coordinate_transformation_mode", Attribute::Text(places))];
        attributes.extend(nearest.map(|nearest| ("nearest_mode", Attribute::Text(nearest))));
        attributes.extend((mode == "cubic").then_some(("cubic_coeff_a", Attribute::Float(CUBIC))));
        // A factor that makes no whole size is counted by, and ONNX would count by the sizes or round otherwise.
        let is_whole = |factor: f64| factor.fract() == 0.0;
        let inputs = match self.scale_factor {
            Some(Factors(down, across)) if is_whole(down) && is_whole(across) => {
                let scales = nodes.floats(vec![1.0, 1.0, down as f32, across as f32], &[4]);
                vec![Some(x), None, Some(scales)]
            }
            Some(_) => return None,
            None => vec![Some(x), None, None, Some(nodes.dims(&output))],
        };
        Some(nodes.results("Resize", inputs, attributes, &[true]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn by_a_factor_or_to_a_size() {
        let twice = on("Upsample(scale_factor=2)", &["[N, 256, H, W]"]);
        assert_eq!(twice.shape.to_string(), "[N, 256, 2*H, 2*W]");
        assert_eq!(twice.describe(), "scale_factor=2.0, mode='nearest'");
        let half = on("Upsample(scale_factor=(1.5, 0.5), mode=\"bilinear\")", &["[N, 2, H, W]"]);
        assert_eq!(half.shape.to_string(), "[N, 2, H + H//2, W//2]");
        assert_eq!(half.requirements, ["W//2 AtLeast 1"]);
        let open = on("Upsample(9)", &["[N, 2, H, 6]"]);
        assert_eq!(
            (open.shape.to_string().as_str(), open.receptive_field()),
            ("[N, 2, 9, 9]", LayerField::whole_from(2, 4))
        );
        let sized = on("Upsample((7, 4), mode=\"bilinear\", align_corners=true)", &["[N, 2, 5, 6]"]);
        assert_eq!(sized.shape.to_string(), "[N, 2, 7, 4]");
        assert_eq!(sized.describe(), "size=(7, 4), mode='bilinear'");
        assert_eq!(on("Upsample(scale_factor=1.3)", &["[N, 2, 5, 6]"]).shape.to_string(), "[N, 2, 6, 7]");
    }

    #[test]
    fn cubic_curves_are_products_with_matrices() {
        let layer = on("Upsample(scale_factor=2, mode=\"bicubic\")", &["[N, 2, 5, 6]"]);
        assert_eq!(layer.shape.to_string(), "[N, 2, 10, 12]");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "gemm").count(), 2);
        let exact = on("Upsample((7, 4), mode=\"nearest-exact\")", &["[N, 2, 5, 6]"]);
        assert_eq!(exact.describe(), "size=(7, 4), mode='nearest-exact'");
        assert!(exact.kernels.len() > 2);
        // Every element three times: nothing finer is made first.
        let whole = on("Upsample(scale_factor=3, mode=\"nearest-exact\")", &["[N, 2, 5, 6]"]);
        assert_eq!(whole.kernels.iter().filter(|kernel| *kernel != "input").count(), 1);
    }

    #[test]
    fn steps_are_those_of_pytorch() {
        let steps = |text: &str, input, output| match bind(text) {
            Ok(super::super::Op::Upsample(layer)) => layer.steps(input, output),
            other => panic!("{other:?}"),
        };
        assert_eq!(steps("Upsample(scale_factor=1.25)", [5, 6], [6, 7]), [0.8, 0.8]);
        assert_eq!(steps("Upsample(size=(6, 4))", [5, 1], [6, 4]), [5.0 / 6.0, 0.25]);
        assert_eq!(steps("Upsample(scale_factor=(2.1, 1.1))", [3, 3], [6, 3]), [0.5, 1.0]);
        let aligned = "Upsample(scale_factor=1.25, mode=\"bilinear\", align_corners=true)";
        assert_eq!(steps(aligned, [5, 2], [6, 1]), [0.8, 0.0]);
        assert_eq!(steps("Upsample(scale_factor=(2.5, 1.1), mode=\"bilinear\")", [3, 3], [7, 3]), [0.4, 1.0]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(matches!(bind("Upsample"), Err(BindError::Conflict { argument: "scale_factor", .. })));
        assert!(matches!(bind("Upsample(2, 2)"), Err(BindError::Conflict { argument: "size", .. })));
        assert!(bind("Upsample(2, align_corners=true)").is_err());
        assert!(bind("Upsample(scale_factor=0)").is_err());
        assert!(matches!(refusal("Upsample(scale_factor=1.3)", &["[N, 2, H, 6]"]), ShapeError::Unknown { .. }));
        assert!(matches!(refusal("Upsample(scale_factor=0.1)", &["[N, 2, 5, 6]"]), ShapeError::Other { .. }));
        let vast = "Upsample(scale_factor=1000000000000)";
        assert_eq!(refusal(vast, &["[N, 2, 1000000000000, 6]"]), ShapeError::TooLarge);
    }
}
