//! Products of matrices by cuBLASLt.
//!
//! The library counts by columns: it is asked for the transposed result, `outᵀ = bᵀ aᵀ`, which lies in memory as the result does.

use super::{Owned, owned};
use crate::cuda::handles::Stream;
use crate::cuda::library_operation::Matmul;
use crate::cuda::program::Precision;
use cudarc::cublaslt::result::{self, CublasError};
use cudarc::cublaslt::sys;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

/// Ways to join partial sums that give the same bits in every run: what is added in the order in which it comes is left out.
const IN_ORDER: u32 = 2 | 4;

/// The library's handle.
pub type Handle = Owned<sys::cublasLtHandle_t>;

/// A product that is ready.
pub struct Multiplying {
    handle: Arc<Handle>,
    description: Owned<sys::cublasLtMatmulDesc_t>,
    /// Of `b`, `a` and the result.
    layouts: [Owned<sys::cublasLtMatrixLayout_t>; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
    workspace: usize,
}

/// `CUBLAS_STATUS_NOT_SUPPORTED`
fn in_words(error: CublasError) -> String {
    format!("{:?}", error.0)
}

/// A new handle.
pub fn handle() -> Result<Handle, String> {
    Ok(owned!(result::create_handle().map_err(in_words)?, result::destroy_handle))
}

/// How a factor is stored, by columns: rows, columns, elements from column to column, and whether it is transposed.
type Stored = ([usize; 2], usize, bool);

/// A matrix of `rows` x `columns` as the library stores it; strides are those from row to row and from column to column.
fn stored([rows, columns]: [usize; 2], strides: [usize; 2]) -> Stored {
    match strides {
        [1, apart] => ([rows, columns], apart.max(rows), false),
        [apart, _] => ([columns, rows], apart.max(columns), true),
    }
}

impl Multiplying {
    /// Of parameters whose addresses these numbers of bytes divide.
    pub fn new(
        handle: Arc<Handle>,
        matmul: &Matmul,
        divisors: [u64; 3],
        workspace: u64,
    ) -> Result<Multiplying, String> {
        make(handle, matmul, divisors, workspace).map_err(in_words)
    }

    /// Puts it in.
    ///
    /// # Safety
    /// So much memory as the matrices and the workspace take must lie at the addresses until it is done.
    pub unsafe fn put_in(&self, stream: &Stream, [left, right, out, workspace]: [u64; 4]) -> Result<(), String> {
        let [b, a, result] = self.layouts.each_ref().map(|layout| layout.handle);
        let (one, none) = (1.0f32, 0.0f32);
        let [alpha, beta] = [&one, &none].map(|number| ptr::from_ref(number).cast::<c_void>());
        // SAFETY: the descriptions are held; the rest is the caller's promise.
        unsafe {
            let (handle, description) = (self.handle.handle, self.description.handle);
            let (left, right, out) = (left as *const c_void, right as *const c_void, out as *mut c_void);
            let (workspace, stream) = (workspace as *mut c_void, stream.raw().cast());
            let put = result::matmul(
                handle,
                description,
                alpha,
                beta,
                right,
                b,
                left,
                a,
                out,
                result,
                out,
                result,
                &self.algorithm,
                workspace,
                self.workspace,
                stream,
            );
            put.map_err(in_words)
        }
    }
}

fn make(
    handle: Arc<Handle>,
    matmul: &Matmul,
    [left, right, out]: [u64; 3],
    workspace: u64,
) -> Result<Multiplying, CublasError> {
    let Matmul { rows, columns, depth, .. } = *matmul;
    let factors = [
        stored([columns, depth], [matmul.right[1], matmul.right[0]]),
        stored([depth, rows], [matmul.left[1], matmul.left[0]]),
    ];
    let description = description(matmul.precision, factors.map(|(.., transposed)| transposed))?;
    let [(b, b_apart, _), (a, a_apart, _)] = factors;
    let layouts = [layout(b, b_apart)?, layout(a, a_apart)?, layout([columns, rows], columns)?];
    let preference = preference([right, left, out], workspace)?;
    let [b, a, result] = layouts.each_ref().map(|layout| layout.handle);
    // SAFETY: all of them are held.
    let found = unsafe {
        let (handle, description) = (handle.handle, description.handle);
        result::get_matmul_algo_heuristic(handle, description, b, a, result, result, preference.handle)?
    };
    Ok(Multiplying { handle, description, layouts, algorithm: found.algo, workspace: found.workspaceSize })
}

/// In what is multiplied, and which factors are transposed.
fn description(precision: Precision, transposed: [bool; 2]) -> Result<Owned<sys::cublasLtMatmulDesc_t>, CublasError> {
    use sys::cublasComputeType_t as Compute;
    use sys::cublasLtMatmulDescAttributes_t as Attribute;
    let compute = match precision {
        Precision::Exact | Precision::Int8 => Compute::CUBLAS_COMPUTE_32F,
        Precision::Tf32 => Compute::CUBLAS_COMPUTE_32F_FAST_TF32,
        Precision::Fp16 => Compute::CUBLAS_COMPUTE_32F_FAST_16F,
        Precision::Bf16 => Compute::CUBLAS_COMPUTE_32F_FAST_16BF,
    };
    let handle = result::create_matmul_desc(compute, sys::cudaDataType::CUDA_R_32F)?;
    let description = owned!(handle, result::destroy_matmul_desc);
    let sides = [Attribute::CUBLASLT_MATMUL_DESC_TRANSA, Attribute::CUBLASLT_MATMUL_DESC_TRANSB];
    for (attribute, transposed) in sides.into_iter().zip(transposed) {
        let value = i32::from(transposed);
        // SAFETY: the description is held, and the attribute is an int.
        unsafe {
            result::set_matmul_desc_attribute(handle, attribute, ptr::from_ref(&value).cast(), size_of::<i32>())
        }?;
    }
    Ok(description)
}

fn layout([rows, columns]: [usize; 2], apart: usize) -> Result<Owned<sys::cublasLtMatrixLayout_t>, CublasError> {
    let kind = sys::cudaDataType::CUDA_R_32F;
    let handle = result::create_matrix_layout(kind, rows as u64, columns as u64, apart as i64)?;
    Ok(owned!(handle, result::destroy_matrix_layout))
}

/// What an algorithm may count on: bytes of workspace, and what divides the addresses of `b`, `a` and the result.
fn preference(divisors: [u64; 3], workspace: u64) -> Result<Owned<sys::cublasLtMatmulPreference_t>, CublasError> {
    use sys::cublasLtMatmulPreferenceAttributes_t as Attribute;
    let preference = owned!(result::create_matmul_pref()?, result::destroy_matmul_pref);
    let set = |attribute, value: *const c_void, bytes| {
        // SAFETY: the preference is held, and the attribute has so many bytes.
        unsafe { result::set_matmul_pref_attribute(preference.handle, attribute, value, bytes) }
    };
    set(Attribute::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, ptr::from_ref(&workspace).cast(), size_of::<u64>())?;
    set(Attribute::CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, ptr::from_ref(&IN_ORDER).cast(), size_of::<u32>())?;
    let [b, a, result] = divisors.map(|divisor| divisor as u32);
    for (attribute, divisor) in [
        (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, b),
        (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, a),
        (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, result),
        (Attribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, result),
    ] {
        set(attribute, ptr::from_ref(&divisor).cast(), size_of::<u32>())?;
    }
    Ok(preference)
}

#[cfg(test)]
mod tests {
    use super::stored;

    #[test]
    fn a_matrix_by_rows_is_its_transpose_by_columns() {
        assert_eq!(stored([3, 4], [1, 7]), ([3, 4], 7, false));
        assert_eq!(stored([3, 4], [9, 1]), ([4, 3], 9, true));
        assert_eq!(stored([3, 1], [1, 1]), ([3, 1], 3, false), "of one column, the next would come after it");
    }
}
