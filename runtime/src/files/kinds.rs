//! What the first bytes of a file say that it is: which kind of picture, or in words for messages.

/// The most bytes that are looked at.
pub const START: usize = 16;

/// A kind of picture that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureKind {
    Png,
    Jpeg,
    WebP,
    Gif,
    Bmp,
    Tiff,
}

impl PictureKind {
    /// The kind of a file that begins so.
    pub fn of(start: &[u8]) -> Option<PictureKind> {
        Some(match start {
            [0x89, b'P', b'N', b'G', ..] => PictureKind::Png,
            [0xFF, 0xD8, 0xFF, ..] => PictureKind::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => PictureKind::WebP,
            [b'G', b'I', b'F', b'8', ..] => PictureKind::Gif,
            // Two letters are too few: the size of the header behind the first 14 bytes is one byte as well.
            [b'B', b'M', _, _, _, _, _, _, _, _, _, _, _, _, 12..=124, 0, ..] => PictureKind::Bmp,
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => PictureKind::Tiff,
            _ => return None,
        })
    }

    /// In words, with its article.
    pub fn name(self) -> &'static str {
        match self {
            PictureKind::Png => "a PNG picture",
            PictureKind::Jpeg => "a JPEG picture",
            PictureKind::WebP => "a WebP picture",
            PictureKind::Gif => "a GIF picture",
            PictureKind::Bmp => "a BMP picture",
            PictureKind::Tiff => "a TIFF picture",
        }
    }
}

/// The name of a kind of file that begins so, with its article.
pub fn name(start: &[u8]) -> Option<&'static str> {
    if let Some(picture) = PictureKind::of(start) {
        return Some(picture.name());
    }
    Some(match start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => "an AVIF picture",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "a HEIF picture or a film",
        [0x1F, 0x8B, ..] => "a gzipped file",
        [b'P', b'K', ..] => "a zip archive",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [b'<', ..] => "a page of HTML or XML",
        [0, 0, 0x08..=0x0E, _, ..] => "an IDX file",
        _ => return None,
    })
}
