//! Bytes as a cfg of Darknet.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::darknet(bytes);
});
