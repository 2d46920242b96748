//! Bytes as a network of ONNX.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::onnx(bytes);
});
