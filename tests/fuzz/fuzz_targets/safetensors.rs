//! Bytes as a file of weights.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::safetensors(bytes);
});
