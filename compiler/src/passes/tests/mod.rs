//! All passes together, on networks by hand and by chance. Each pass alone is tested in its file.

mod quantised;
pub(crate) mod random_networks;
mod small_networks;
