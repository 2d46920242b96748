//! Bytes as a checkpoint of PyTorch.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::pytorch(bytes);
});
