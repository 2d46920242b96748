//! Softmax pooling: `Σ x·eˣ / Σ eˣ` over a window, against its largest element so that nothing overflows.

use super::rows::RowArguments;
use crate::cpu::blocked::vector::{Kernel, Vector, exp};

/// Rows of output of one block of channels, pixel by pixel.
pub(super) struct Softmax;

impl Kernel for Softmax {
    type Arguments = RowArguments<'static>;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &RowArguments<'static>) {
        let [all_rows, all_columns] = a.clipped;
        // SAFETY: a clipped window lies in the image; the caller promises the rest.
        unsafe {
            let epilogue = a.epilogue.load::<V>();
            for row in a.rows.clone() {
                let rows = &all_rows.windows[row];
                for (column, columns) in all_columns.windows.iter().enumerate() {
                    let element = |y: usize, x: usize| {
                        let (y, x) = (rows.first + y * all_rows.dilation, columns.first + x * all_columns.dilation);
                        V::load(a.image.add((y * a.image_width + x) * V::LANES))
                    };
                    let mut largest = V::splat(f32::NEG_INFINITY);
                    for y in 0..rows.count {
                        for x in 0..columns.count {
                            largest = largest.max_or_nan(element(y, x));
                        }
                    }
                    let (mut top, mut bottom) = (V::zero(), V::zero());
                    for y in 0..rows.count {
                        for x in 0..columns.count {
                            let value = element(y, x);
                            let weight = exp(value.sub(largest));
                            top = value.mul_add(weight, top);
                            bottom = bottom.add(weight);
                        }
                    }
                    let at = ((row - a.rows.start) * all_columns.windows.len() + column) * V::LANES;
                    let residual = if a.residual.is_null() { a.residual } else { a.residual.add(at) };
                    epilogue.store(top.div(bottom), V::splat(1.0), residual, a.output.add(at));
                }
            }
        }
    }
}
