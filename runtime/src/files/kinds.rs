//! What the first bytes of a file say that it is, in words for messages.

/// The name of a kind of file that begins so, with its article.
pub fn name(start: &[u8]) -> Option<&'static str> {
    Some(match start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "a NumPy array",
        [0x89, b'P', b'N', b'G', ..] => "a PNG picture",
        [0xFF, 0xD8, 0xFF, ..] => "a JPEG picture",
        [b'G', b'I', b'F', b'8', ..] => "a GIF picture",
        [b'B', b'M', ..] => "a BMP picture",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "a WebP picture",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "a TIFF picture",
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
