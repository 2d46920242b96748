//! What stands in the place of `decode.rs` in a build without the feature `pictures`: an error that says so.

use super::Decoded;
use crate::Result;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;
use std::io::{BufRead, Seek};
use std::path::Path;

/// The kinds of files that are read as inputs.
pub const INPUTS: &str = "NumPy's .npy and IDX files";

/// Decodes a picture.
///
/// # Errors
/// E604, always: no fault of the file, so that none is left out as one that is broken.
pub fn decode(path: &Path, _file: impl BufRead + Seek, _grey: bool) -> Result<Decoded<'static>> {
    let message =
        format!("`{}` is to be decoded as a picture, and this build of cnnc-runtime decodes none", path.display());
    Err(failure(Code::E604, message).help("build cnnc-runtime with its feature `pictures`"))
}

/// As [`decode`].
///
/// # Errors
/// As [`decode`].
pub fn decode_noted(
    path: &Path,
    file: impl BufRead + Seek,
    grey: bool,
) -> Result<(Decoded<'static>, Vec<&'static str>)> {
    decode(path, file, grey).map(|picture| (picture, Vec::new()))
}

#[cfg(test)]
mod tests {
    use crate::input::read_picture;
    use crate::{Model, Preprocess, Rgb8};
    use cnnc_compiler::diagnostic::Code;
    use std::path::Path;

    /// A model of grey pictures of 2×2.
    fn model() -> Model {
        Model::from_text("grey.cnn", "model M { input [N, 1, 2, 2]; ReLU }").unwrap()
    }

    #[test]
    fn a_picture_is_refused_by_every_road_and_says_which_feature_is_left_out() {
        const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, PICTURE).unwrap();
        let wanted = crate::input::Wanted::new(&model().inputs()[0], &Default::default());
        for refused in [
            model().input(&path).unwrap_err(),
            Preprocess::of(&model(), 0).unwrap().encoded(&[PICTURE]).unwrap_err(),
            read_picture(Path::new("a.png"), PICTURE, &wanted).unwrap_err(),
        ] {
            assert_eq!(refused.code(), Code::E604);
            assert!(refused.message.ends_with("a picture, and this build of cnnc-runtime decodes none"), "{refused}");
            assert_eq!(refused.help, ["build cnnc-runtime with its feature `pictures`"]);
        }
        std::fs::write(&path, "hello").unwrap();
        let unknown = model().input(&path).unwrap_err();
        assert_eq!(unknown.notes, ["it reads NumPy's .npy and IDX files, also gzipped"]);
    }

    #[test]
    fn pixels_and_idx_files_are_read() {
        let pixels = Rgb8 { width: 2, height: 2, pixels: &[255; 12] };
        assert_eq!(Preprocess::of(&model(), 0).unwrap().rgb8(&[pixels]).unwrap().data(), [1.0; 4]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("idx");
        std::fs::write(&path, [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 255, 255, 255, 255]).unwrap();
        assert_eq!(model().input(&path).unwrap().data(), [1.0; 4]);
    }
}
