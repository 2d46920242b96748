//! Bytes as an IDX file.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::idx(bytes);
});
