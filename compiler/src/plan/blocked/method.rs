//! How a convolution over images in blocks may be computed.

use crate::kernels::AxisWindow;

/// A method. Each reads weights in an order of its own, and all of them answer what the definition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Every product of the definition, blocks of input channels to blocks of output channels.
    Direct,
    /// As `Direct`, from an image that is plain, `[N, C, H, W]`: worth it for few channels.
    Stem,
    /// As `Direct`, from plain images to plain images, pixels of a row side by side: worth it for few output channels.
    Rows,
    /// F(m×m, 3×3): fewer products, after transforms of input and weights (Winograd 1980; Lavin and Gray 2015).
    Winograd(Scheme),
    /// Every channel by itself.
    Depthwise,
    /// As `Direct`, of bytes: four channels are a word, and products of words are summed in whole numbers.
    Int8,
    /// As `Int8`, from an image in blocks of [`Method::WORD`] channels: worth it for few.
    Int8Stem,
    /// As `Depthwise`, of bytes.
    Int8Depthwise,
}

/// Which F(m×m, 3×3) of Winograd's: the outputs m×m that are computed together. F(6×6) would err more than a kernel may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// F(2×2): 2.25 times fewer products.
    F2,
    /// F(4×4): 4 times fewer.
    F4,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 9] = [
        Method::Direct,
        Method::Stem,
        Method::Rows,
        Method::Winograd(Scheme::F2),
        Method::Winograd(Scheme::F4),
        Method::Depthwise,
        Method::Int8,
        Method::Int8Stem,
        Method::Int8Depthwise,
    ];
    /// Bytes whose products are summed at once, channels of the narrowest block.
    pub const WORD: usize = 4;

    /// Its name in plans, profiles and files of tuned choices.
    pub fn name(self) -> &'static str {
        match self {
            Method::Direct => "direct",
            Method::Stem => "stem",
            Method::Rows => "rows",
            Method::Winograd(Scheme::F2) => "winograd_2x2",
            Method::Winograd(Scheme::F4) => "winograd_4x4",
            Method::Depthwise => "depthwise",
            Method::Int8 => "int8",
            Method::Int8Stem => "int8_stem",
            Method::Int8Depthwise => "int8_depthwise",
        }
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether it reads a plain image.
    pub fn reads_planes(self) -> bool {
        matches!(self, Method::Stem | Method::Rows)
    }

    /// Whether it reads bytes; it may add and write both bytes and floats.
    pub fn reads_bytes(self) -> bool {
        matches!(self, Method::Int8 | Method::Int8Stem | Method::Int8Depthwise)
    }

    /// Whether it writes a plain image.
    pub fn writes_planes(self) -> bool {
        self == Method::Rows
    }
}

impl Scheme {
    /// Whether Winograd's method can compute such a convolution: windows of three by three that move by one.
    pub fn computes(groups: usize, window: &[AxisWindow; 2]) -> bool {
        let plain = |axis: &AxisWindow| (axis.kernel, axis.stride, axis.dilation) == (3, 1, 1) && axis.before < 3;
        groups == 1 && window.iter().all(plain)
    }

    /// Outputs of a tile along an axis.
    pub fn outputs(self) -> usize {
        match self {
            Scheme::F2 => 2,
            Scheme::F4 => 4,
        }
    }

    /// Inputs of a tile along an axis: points at which the polynomials are multiplied.
    pub fn points(self) -> usize {
        self.outputs() + 2
    }

    /// Products of a tile for a pair of channels.
    pub fn frequencies(self) -> usize {
        self.points().pow(2)
    }

    /// What the input and the output transform of a tile and a block of channels take, in vector multiply-adds, as measured.
    pub fn transform_cost(self) -> (usize, usize) {
        match self {
            Scheme::F2 => (56, 45),
            Scheme::F4 => (245, 200),
        }
    }

    /// The tiles of so many images of that size.
    pub fn count(self, batch: usize, size: [usize; 2]) -> usize {
        batch * size.iter().map(|size| size.div_ceil(self.outputs())).product::<usize>()
    }

    /// Multiply-adds that transform one tile along one axis: points in pairs of one and its negative, 0 and infinity; two a pair
    /// and two a pair of pairs.
    fn axis(self) -> usize {
        let pairs = self.outputs() / 2;
        2 * pairs * (1 + pairs)
    }

    /// Multiply-adds of so many tiles: the products at the points, and the transform of every tile of input and output once.
    pub fn multiply_adds(self, tiles: usize, [ins, outs]: [usize; 2]) -> usize {
        let (points, outputs) = (self.points(), self.outputs());
        tiles * (self.frequencies() * ins * outs + self.axis() * (2 * points * ins + (points + outputs) * outs))
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, Scheme};

    #[test]
    fn methods_are_found_by_their_names() {
        for method in Method::ALL {
            assert_eq!(Method::named(method.name()), Some(method));
        }
        assert_eq!(Method::named("magic"), None);
    }

    #[test]
    fn winograd_s_smaller_count() {
        // 2 × 2 tiles; 36 products of 4 channels to 6, 12 for an axis of a transform: 12 of the input, 10 of the output.
        let tiles = Scheme::F4.count(1, [8, 8]);
        assert_eq!(Scheme::F4.multiply_adds(tiles, [4, 6]), 4 * (36 * 4 * 6 + 12 * (12 * 4 + 10 * 6)));
        assert_eq!(Scheme::F2.multiply_adds(Scheme::F2.count(1, [8, 8]), [1, 1]), 16 * (16 + 4 * (8 + 6)));
    }
}
