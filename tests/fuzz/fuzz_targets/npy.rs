//! Bytes as an array of NumPy's.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::npy(bytes);
});
