//! Bytes as a PNG or JPEG picture.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::picture(bytes);
});
