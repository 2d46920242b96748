//! Zeros around a tensor: where element `i` comes from is written out axis by axis.

use super::{LaunchRequest, elementwise};
use crate::cuda::source::{index_along, index_type_of, sizes};
use cnnc_compiler::plan::Step;

/// `Pad`.
pub fn pad(step: &Step, padding: &[(isize, isize)]) -> LaunchRequest {
    let index = index_type_of(step, 1);
    let (x, shape) = (&step.operands[0], &step.output.shape);
    let mut find = vec!["static __device__ bool find(Index i, Index& place) {".to_owned()];
    for (axis, (&(before, after), (&size, &stride))) in padding.iter().zip(x.shape.iter().zip(&x.strides)).enumerate() {
        let at = index_along(shape, axis);
        if (before, after) == (0, 0) {
            if size > 1 {
                find.push(format!("    place += ({at}) * {stride};"));
            }
            continue;
        }
        // Below the first element the difference wraps round, past all sizes.
        let moved = if before < 0 { format!("{at} + {}", -before) } else { format!("{at} - {before}") };
        find.push(format!("    const Index at{axis} = {moved};"));
        find.push(format!("    if (at{axis} >= {size}) return false;"));
        find.push(format!("    place += at{axis} * {stride};"));
    }
    find.extend(["    return true;".to_owned(), "}".to_owned()]);
    let structs = sizes(index, &[], &[("count", step.output.elements())], &find);
    elementwise("pad", structs, &["x"], step, index, |sink| format!("pad<@_sizes>(x, {sink})"))
}
