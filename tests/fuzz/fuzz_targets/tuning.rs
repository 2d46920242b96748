//! Bytes as a file of measured choices.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::tuning(bytes);
});
