//! Bytes as the text of a spec.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::spec(bytes);
});
