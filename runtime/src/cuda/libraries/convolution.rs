//! Convolutions and their gradients by cuDNN.
//!
//! Of the algorithms that it offers, the first is taken that gives the same bits in every run, fits into the workspace, and errs
//! no more than a kernel may: Fourier transforms and Winograd's method in large tiles do.

use super::{Owned, owned};
use crate::cuda::handles::Stream;
use crate::cuda::library_operation::{Convolution, Image, Part};
use crate::cuda::program::Precision;
use cudarc::cudnn::result::{self, CudnnError};
use cudarc::cudnn::sys;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

/// Algorithms that are asked for: more than there are.
const OFFERS: usize = 16;

/// The library's handle.
pub type Handle = Owned<sys::cudnnHandle_t>;

/// A convolution that is ready.
pub struct Convolving {
    handle: Arc<Handle>,
    x: Owned<sys::cudnnTensorDescriptor_t>,
    y: Owned<sys::cudnnTensorDescriptor_t>,
    weight: Owned<sys::cudnnFilterDescriptor_t>,
    window: Owned<sys::cudnnConvolutionDescriptor_t>,
    algorithm: Algorithm,
    workspace: usize,
}

/// `CUDNN_STATUS_NOT_SUPPORTED`
fn in_words(error: CudnnError) -> String {
    format!("{:?}", error.0)
}

/// A new handle.
pub fn handle() -> Result<Handle, String> {
    Ok(owned!(result::create_handle().map_err(in_words)?, result::destroy_handle))
}

/// The algorithm, of what is computed.
#[derive(Clone, Copy)]
enum Algorithm {
    X(sys::cudnnConvolutionBwdDataAlgo_t),
    Weight(sys::cudnnConvolutionBwdFilterAlgo_t),
    Y(sys::cudnnConvolutionFwdAlgo_t),
}

/// An algorithm that cuDNN offers.
struct Offer {
    algorithm: Algorithm,
    math: sys::cudnnMathType_t,
    bytes: usize,
}

/// Those of so many answers that can be taken. Unsafe: so many must have been written.
macro_rules! offers {
    ($answers:expr, $count:expr, $kind:path, [$($unfit:path),*]) => {
        $answers.iter().take($count as usize).filter_map(|answer| {
            let answer = answer.assume_init();
            let is_done = answer.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS;
            let is_same = answer.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC;
            let is_exact = ![$($unfit),*].contains(&answer.algo);
            let offer = Offer { algorithm: $kind(answer.algo), math: answer.mathType, bytes: answer.memory };
            (is_done && is_same && is_exact).then_some(offer)
        }).collect()
    };
}

impl Convolving {
    /// With so many bytes of workspace at the most.
    pub fn new(handle: Arc<Handle>, convolution: &Convolution, workspace: u64) -> Result<Convolving, String> {
        let mut work = described(handle, convolution).map_err(in_words)?;
        let offers = work.offers(convolution.result).map_err(in_words)?;
        for Offer { algorithm, math, bytes } in offers {
            work.algorithm = algorithm;
            // In float32 nothing is rounded, whatever an algorithm would like.
            let is_set = convolution.precision == Precision::Exact || work.set_math(math).is_ok();
            let bytes = work.workspace_bytes().unwrap_or(bytes);
            if is_set && bytes as u64 <= workspace {
                work.workspace = bytes;
                return Ok(work);
            }
        }
        Err("no algorithm that gives the same bits in every run fits".into())
    }

    /// Puts it in.
    ///
    /// # Safety
    /// So much memory as the images, the weight and the workspace take must lie at the addresses until it is done.
    pub unsafe fn put_in(&self, stream: &Stream, [first, second, out, workspace]: [u64; 4]) -> Result<(), String> {
        let (one, none) = (1.0f32, 0.0f32);
        let [alpha, beta] = [&one, &none].map(|number| ptr::from_ref(number).cast::<c_void>());
        let [first, second] = [first, second].map(|address| address as *const c_void);
        let [out, workspace] = [out, workspace].map(|address| address as *mut c_void);
        let Convolving { handle, x, y, weight, window, workspace: bytes, .. } = self;
        let (handle, x, y, weight, window) = (handle.handle, x.handle, y.handle, weight.handle, window.handle);
        // SAFETY: the descriptions are held; the rest is the caller's promise.
        let put = unsafe {
            result::set_stream(handle, stream.raw().cast()).and_then(|()| match self.algorithm {
                Algorithm::X(algorithm) => result::convolution_backward_data(
                    handle, alpha, weight, second, y, first, window, algorithm, workspace, *bytes, beta, x, out,
                ),
                Algorithm::Weight(algorithm) => result::convolution_backward_filter(
                    handle, alpha, x, first, y, second, window, algorithm, workspace, *bytes, beta, weight, out,
                ),
                Algorithm::Y(algorithm) => result::convolution_forward(
                    handle, alpha, x, first, weight, second, window, algorithm, workspace, *bytes, beta, y, out,
                ),
            })
        };
        put.map_err(in_words)
    }

    fn set_math(&self, math: sys::cudnnMathType_t) -> Result<(), CudnnError> {
        // SAFETY: the description is held.
        unsafe { result::set_convolution_math_type(self.window.handle, math) }
    }

    /// Bytes of workspace that the algorithm takes.
    fn workspace_bytes(&self) -> Result<usize, CudnnError> {
        let Convolving { handle, x, y, weight, window, .. } = self;
        let (handle, x, y, weight, window) = (handle.handle, x.handle, y.handle, weight.handle, window.handle);
        // SAFETY: the descriptions are held.
        unsafe {
            match self.algorithm {
                Algorithm::X(algorithm) => {
                    result::get_convolution_backward_data_workspace_size(handle, weight, y, window, x, algorithm)
                }
                Algorithm::Weight(algorithm) => {
                    result::get_convolution_backward_filter_workspace_size(handle, x, y, window, weight, algorithm)
                }
                Algorithm::Y(algorithm) => {
                    result::get_convolution_forward_workspace_size(handle, x, weight, window, y, algorithm)
                }
            }
        }
    }

    /// What cuDNN offers and may be taken, the fastest first.
    fn offers(&self, of: Part) -> Result<Vec<Offer>, CudnnError> {
        use sys::cudnnConvolutionBwdDataAlgo_t as Data;
        use sys::cudnnConvolutionBwdFilterAlgo_t as Filter;
        use sys::cudnnConvolutionFwdAlgo_t as Forward;
        let Convolving { handle, x, y, weight, window, .. } = self;
        let (handle, x, y, weight, window) = (handle.handle, x.handle, y.handle, weight.handle, window.handle);
        let (most, mut count) = (OFFERS as c_int, 0);
        // SAFETY: the descriptions are held, there is room for so many answers, and cuDNN counts those that it wrote.
        Ok(unsafe {
            match of {
                Part::X => {
                    let mut answers =
                        [const { MaybeUninit::<sys::cudnnConvolutionBwdDataAlgoPerf_t>::uninit() }; OFFERS];
                    let to = answers.as_mut_ptr().cast();
                    result::get_convolution_backward_data_algorithm(
                        handle, weight, y, window, x, most, &mut count, to,
                    )?;
                    offers!(
                        answers,
                        count,
                        Algorithm::X,
                        [
                            Data::CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT,
                            Data::CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING,
                            Data::CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED
                        ]
                    )
                }
                Part::Weight => {
                    let mut answers =
                        [const { MaybeUninit::<sys::cudnnConvolutionBwdFilterAlgoPerf_t>::uninit() }; OFFERS];
                    let to = answers.as_mut_ptr().cast();
                    result::get_convolution_backward_filter_algorithm(
                        handle, x, y, window, weight, most, &mut count, to,
                    )?;
                    offers!(
                        answers,
                        count,
                        Algorithm::Weight,
                        [
                            Filter::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT,
                            Filter::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING,
                            Filter::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED
                        ]
                    )
                }
                Part::Y => {
                    let mut answers = [const { MaybeUninit::<sys::cudnnConvolutionFwdAlgoPerf_t>::uninit() }; OFFERS];
                    let to = answers.as_mut_ptr().cast();
                    result::get_convolution_forward_algorithm(handle, x, weight, window, y, most, &mut count, to)?;
                    offers!(
                        answers,
                        count,
                        Algorithm::Y,
                        [
                            Forward::CUDNN_CONVOLUTION_FWD_ALGO_FFT,
                            Forward::CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING,
                            Forward::CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED
                        ]
                    )
                }
            }
        })
    }
}

/// The descriptions of a convolution, with an algorithm that still has to be chosen.
fn described(handle: Arc<Handle>, convolution: &Convolution) -> Result<Convolving, CudnnError> {
    let algorithm = Algorithm::Y(sys::cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM);
    let (x, y) = (image(&convolution.x)?, image(&convolution.y)?);
    let (weight, window) = (filter(convolution.weight)?, window(convolution)?);
    Ok(Convolving { handle, x, y, weight, window, algorithm, workspace: 0 })
}

fn image(image: &Image) -> Result<Owned<sys::cudnnTensorDescriptor_t>, CudnnError> {
    let description = owned!(result::create_tensor_descriptor()?, result::destroy_tensor_descriptor);
    let [_, _, height, width] = image.sizes;
    let strides = [image.apart, height * width, width, 1].map(|stride| stride as c_int);
    let sizes = image.sizes.map(|size| size as c_int);
    // SAFETY: the description is held.
    unsafe {
        result::set_tensor4d_descriptor_ex(description.handle, sys::cudnnDataType_t::CUDNN_DATA_FLOAT, sizes, strides)
    }?;
    Ok(description)
}

fn filter(sizes: [usize; 4]) -> Result<Owned<sys::cudnnFilterDescriptor_t>, CudnnError> {
    let description = owned!(result::create_filter_descriptor()?, result::destroy_filter_descriptor);
    let (kind, order) = (sys::cudnnDataType_t::CUDNN_DATA_FLOAT, sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW);
    // SAFETY: the description is held.
    unsafe { result::set_filter4d_descriptor(description.handle, kind, order, sizes.map(|size| size as c_int)) }?;
    Ok(description)
}

/// Padding, strides, dilation and groups, and in what is multiplied.
fn window(convolution: &Convolution) -> Result<Owned<sys::cudnnConvolutionDescriptor_t>, CudnnError> {
    let description = owned!(result::create_convolution_descriptor()?, result::destroy_convolution_descriptor);
    let math = match convolution.precision {
        Precision::Exact | Precision::Int8 => sys::cudnnMathType_t::CUDNN_FMA_MATH,
        // It rounds to bfloat16 nowhere; what it rounds to instead is more exact.
        Precision::Tf32 | Precision::Bf16 => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
        Precision::Fp16 => sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION,
    };
    let [[top, down, tall], [left, right, wide]] = convolution.window.map(|axis| axis.map(|number| number as c_int));
    let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
    let kind = sys::cudnnDataType_t::CUDNN_DATA_FLOAT;
    // SAFETY: the description is held.
    unsafe {
        result::set_convolution2d_descriptor(description.handle, top, left, down, right, tall, wide, mode, kind)?;
        result::set_convolution_group_count(description.handle, convolution.groups as c_int)?;
        result::set_convolution_math_type(description.handle, math)?;
    }
    Ok(description)
}
