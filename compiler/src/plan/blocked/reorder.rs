//! Images brought into blocks of channels, and out of them.

/// An image `[N, C, H, W]` to `[N, C / lanes, H, W, lanes]`, the last block filled up with zeros, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reorder {
    /// Channels; the blocks may have room for more.
    pub channels: usize,
    /// Channels of a block.
    pub lanes: usize,
    /// Whether the result is in blocks.
    pub into_blocks: bool,
}

impl Reorder {
    /// Whether it takes an image of the first shape to one of the second.
    pub fn fits(&self, x: &[usize], output: &[usize]) -> bool {
        let (plain, blocked) = if self.into_blocks { (x, output) } else { (output, x) };
        let &[batch, channels, height, width] = plain else { return false };
        self.lanes > 0
            && channels == self.channels
            && blocked == [batch, channels.div_ceil(self.lanes), height, width, self.lanes]
    }
}
