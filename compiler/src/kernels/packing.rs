//! Weights packed for channels in blocks: by which method a heavy kernel computes, and how many elements its weights then take.
//!
//! A target with vectors of `lanes` elements holds images as `[N, C / lanes, H, W, lanes]`, the last block filled up. Its heavy
//! kernels read weights in an order of their own, which depends on the method; the planner reserves the memory, and the back end
//! that packs must find that these are the elements it needs.

/// How a convolution or a product is computed over blocks of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Every product of the definition, blocks of input channels to blocks of output channels.
    Direct,
    /// As `Direct`, from an image that is plain, `[N, C, H, W]`: worth it for few channels.
    Stem,
    /// As `Direct`, from plain images to plain images, pixels of a row side by side: worth it for few output channels.
    Rows,
    /// F(m×m, 3×3) for the m given: fewer products, after transforms of input and weights (Winograd 1980; Lavin and Gray 2015).
    Winograd(usize),
    /// Every channel by itself.
    Depthwise,
    /// Fully connected.
    Linear,
}

impl Method {
    /// Its name in plans, profiles and files of tuned choices.
    pub fn name(self) -> &'static str {
        match self {
            Method::Direct => "direct",
            Method::Stem => "stem",
            Method::Rows => "rows",
            Method::Winograd(2) => "winograd_2x2",
            Method::Winograd(4) => "winograd_4x4",
            Method::Winograd(_) => "winograd_6x6",
            Method::Depthwise => "depthwise",
            Method::Linear => "linear",
        }
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Method> {
        let plain = [Method::Direct, Method::Stem, Method::Rows, Method::Depthwise, Method::Linear];
        let methods = plain.into_iter().chain([2, 4, 6].map(Method::Winograd));
        methods.into_iter().find(|method| method.name() == name)
    }
}

/// A method, and the sizes that the blocks do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packing {
    /// The method.
    pub method: Method,
    /// Elements of a vector, channels of a block.
    pub lanes: usize,
    /// Channels that go in, over all groups; for `Linear` those of the image whose pixels are the features.
    pub in_channels: usize,
    /// Channels, or features, that come out, over all groups.
    pub out_channels: usize,
    /// Parts that channels are divided into.
    pub groups: usize,
    /// Elements of a window: rows times columns. For `Linear` the pixels of the image.
    pub area: usize,
}

impl Packing {
    /// The elements of the packed weights; `None` when they are past counting.
    pub fn elements(&self) -> Option<usize> {
        let (lanes, blocks) = (self.lanes, self.out_channels.div_ceil(self.lanes));
        let product = |factors: &[usize]| factors.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        match self.method {
            Method::Winograd(outputs) => product(&[blocks, lanes, self.in_channels, (outputs + 2).pow(2)]),
            Method::Depthwise => product(&[blocks, lanes, self.area]),
            Method::Rows => product(&[self.out_channels, self.in_channels, self.area]),
            Method::Linear if self.area == 1 => product(&[blocks, lanes, self.in_channels]),
            Method::Linear => product(&[blocks, lanes, self.in_channels.next_multiple_of(lanes), self.area]),
            Method::Direct | Method::Stem => {
                let groups = self.merged_groups();
                let (ins, outs) = (self.in_channels / groups, self.out_channels / groups);
                product(&[groups, outs.div_ceil(lanes), lanes, ins, self.area])
            }
        }
    }

    /// The groups of a convolution whose groups are joined, with weights of zero between them, until each fills whole blocks; 1
    /// when none do.
    pub fn merged_groups(&self) -> usize {
        let groups = self.groups.max(1);
        let (ins, outs) = (self.in_channels / groups, self.out_channels / groups);
        let parts = |channels: usize| self.lanes / divisor(channels, self.lanes);
        let (a, b) = (parts(ins), parts(outs));
        let joined = a / divisor(a, b) * b;
        if groups.is_multiple_of(joined) { groups / joined } else { 1 }
    }
}

/// The greatest common divisor; at least 1.
fn divisor(a: usize, b: usize) -> usize {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::{Method, Packing};

    fn packing(method: Method, [in_channels, out_channels]: [usize; 2], groups: usize, area: usize) -> Packing {
        Packing { method, lanes: 16, in_channels, out_channels, groups, area }
    }

    #[test]
    fn methods_are_found_by_their_names() {
        for method in
            [Method::Direct, Method::Stem, Method::Rows, Method::Winograd(4), Method::Depthwise, Method::Linear]
        {
            assert_eq!(Method::named(method.name()), Some(method));
        }
        assert_eq!(Method::named("magic"), None);
    }

    #[test]
    fn what_packed_weights_take() {
        assert_eq!(packing(Method::Direct, [64, 64], 1, 9).elements(), Some(64 * 64 * 9));
        assert_eq!(packing(Method::Direct, [6, 20], 1, 25).elements(), Some(32 * 6 * 25));
        assert_eq!(packing(Method::Winograd(4), [64, 60], 1, 9).elements(), Some(64 * 64 * 36));
        assert_eq!(packing(Method::Depthwise, [20, 20], 20, 9).elements(), Some(32 * 9));
        assert_eq!(packing(Method::Linear, [400, 10], 1, 1).elements(), Some(16 * 400));
        assert_eq!(packing(Method::Linear, [20, 10], 1, 49).elements(), Some(16 * 32 * 49));
        assert_eq!(packing(Method::Direct, [usize::MAX, 2], 1, 9).elements(), None);
    }

    #[test]
    fn narrow_groups_are_joined_to_whole_blocks() {
        assert_eq!(packing(Method::Direct, [128, 128], 32, 9).merged_groups(), 8);
        assert_eq!(packing(Method::Direct, [64, 128], 2, 9).merged_groups(), 2);
        assert_eq!(packing(Method::Direct, [32, 64], 32, 9).merged_groups(), 2);
        assert_eq!(packing(Method::Direct, [6, 6], 3, 9).merged_groups(), 1);
        assert_eq!(packing(Method::Direct, [128, 128], 32, 9).elements(), Some(8 * 16 * 16 * 9));
    }
}
