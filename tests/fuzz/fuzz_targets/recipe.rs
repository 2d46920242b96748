//! Bytes as a recipe.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    cnnc_tests::hostile::recipe(bytes);
});
