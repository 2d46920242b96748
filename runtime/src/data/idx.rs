//! IDX files, as MNIST and Fashion-MNIST have them: pictures in one file and labels in another, plain or gzipped.

use super::{DataSet, Samples, class_count};
use crate::contained::decoded;
use crate::failure::{broken_file, failure, file_failure};
use crate::idx::Array;
use crate::pictures::{Picture, check_size};
use crate::{Result, files};
use cnnc_compiler::diagnostic::Code;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Grey pictures of one size, and their labels.
struct Pictures {
    file: PathBuf,
    height: usize,
    width: usize,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Samples for Pictures {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn label(&self, index: usize) -> usize {
        usize::from(self.labels[index])
    }

    fn picture(&self, index: usize, _grey: bool) -> Result<Picture> {
        let size = self.height * self.width;
        Ok(Picture::of_bytes([self.height, self.width], &self.pixels[index * size..(index + 1) * size]))
    }

    fn name(&self, index: usize) -> String {
        format!("picture {index} of {}", self.file.display())
    }
}

/// Opens the four files of a folder.
pub fn open(folder: &Path) -> Result<DataSet> {
    let train = pictures(folder, "train")?;
    let validation = pictures(folder, "t10k")?;
    let classes = class_count(&[&train, &validation]);
    Ok(DataSet {
        train: Arc::new(train),
        validation: Arc::new(validation),
        classes,
        class_names: None,
        input: None,
        target: None,
    })
}

fn pictures(folder: &Path, part: &str) -> Result<Pictures> {
    let file = find(folder, part, "images", 3)?;
    let (sizes, pixels) = read(&file)?;
    let &[count, height, width] = sizes.as_slice() else {
        return Err(broken_file(&file, format!("holds an array of {sizes:?}; pictures are [number, height, width]")));
    };
    if let Err(reason) = check_size([height, width]) {
        return Err(broken_file(&file, format!("says that its pictures are {height}×{width}: {reason}")));
    }
    let label_file = find(folder, part, "labels", 1)?;
    let (sizes, labels) = read(&label_file)?;
    if sizes != [count] {
        let message =
            format!("`{}` has {count} pictures, `{}` has {sizes:?} labels", file.display(), label_file.display());
        return Err(failure(Code::E610, message));
    }
    if count == 0 {
        return Err(broken_file(&file, "has no pictures"));
    }
    Ok(Pictures { file, height, width, pixels, labels })
}

/// The file under one of its usual names.
fn find(folder: &Path, part: &str, kind: &str, axes: usize) -> Result<PathBuf> {
    let dashed = format!("{part}-{kind}-idx{axes}-ubyte");
    let names = [format!("{dashed}.gz"), dashed.clone(), format!("{part}-{kind}.idx{axes}-ubyte")];
    if let Some(found) = names.iter().map(|name| folder.join(name)).find(|path| path.exists()) {
        return Ok(found);
    }
    let mut missing = file_failure("read", &folder.join(&dashed), &ErrorKind::NotFound.into());
    missing.notes.push(format!("an IDX data set is four files: {dashed} and its kin, plain or gzipped"));
    missing.help.push(
        "Fashion-MNIST is Debian's package dataset-fashion-mnist, in /usr/share/datasets/fashion-mnist; --data names another folder"
            .into(),
    );
    Err(missing)
}

/// The sizes and bytes of a file, which must be as long as its header says.
fn read(path: &Path) -> Result<(Vec<usize>, Vec<u8>)> {
    decoded(path, "cannot be read", || {
        let array = Array::open(path, files::open(path)?)?;
        let sizes = array.sizes.clone();
        Ok((sizes, array.all(path)?))
    })
}

#[cfg(test)]
mod tests {
    use super::open;
    use cnnc_compiler::diagnostic::Code;
    use flate2::{Compression, write::GzEncoder};
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [&[0, 0, 8, (sizes.len() / 4) as u8], sizes.as_slice(), bytes].concat()
    }

    /// A folder with two training pictures of 2×3 and one for validation.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).expect("a file");
        put("train-images-idx3-ubyte", idx(&[2, 2, 3], &(0..12).collect::<Vec<u8>>()));
        put("train-labels-idx1-ubyte", idx(&[2], &[7, 3]));
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&idx(&[1, 2, 3], &[255; 6])).expect("packed");
        put("t10k-images-idx3-ubyte.gz", packed.finish().expect("packed"));
        put("t10k-labels.idx1-ubyte", idx(&[1], &[1]));
        folder
    }

    fn refused(folder: &Path) -> (Code, String) {
        let failure = open(folder).err().expect("a failure");
        (failure.code, failure.message.clone())
    }

    #[test]
    fn plain_and_gzipped_files_under_their_usual_names() {
        let folder = folder();
        let data = open(folder.path()).expect("a data set");
        assert_eq!((data.train.len(), data.validation.len(), data.classes), (2, 1, 8));
        assert_eq!((data.train.label(0), data.train.label(1)), (7, 3));
        let picture = data.train.picture(1, true).expect("a picture");
        assert_eq!((picture.height, picture.width), (2, 3));
        assert_eq!(picture.planes, [vec![6.0, 7.0, 8.0, 9.0, 10.0, 11.0]]);
        assert_eq!(data.validation.picture(0, true).expect("a picture").planes, [vec![255.0; 6]]);
    }

    #[test]
    fn headers_are_held_against_lengths() {
        let folder = folder();
        let images = folder.path().join("train-images-idx3-ubyte");
        for (bytes, words) in [
            (idx(&[2, 2, 3], &[0; 11]), "12 bytes, and has 11"),
            (idx(&[2, 2, 3], &[0; 13]), "12 bytes, and has 13"),
            (idx(&[u32::MAX, u32::MAX, 3], &[0; 12]), "says that it holds"),
            (idx(&[2, 6], &[0; 12]), "pictures are [number, height, width]"),
            (idx(&[3, 2, 2], &[0; 12]), "has 3 pictures"),
            (idx(&[2, 0, 3], &[]), "pictures are 0×3"),
            (b"\x00\x00\x0d\x03".to_vec(), "no IDX file of bytes"),
            (idx(&[1, 100_000, 100_000], &[0; 12]), "10000000000 bytes, and has 12"),
            (idx(&[1, 1, 70_000], &[0; 70_000]), "a side of a picture may have 65536 pixels"),
            (b"\x89PNG\r\n\x1a\n".to_vec(), "as a PNG picture does"),
            (vec![0, 0], "cut off within its header"),
        ] {
            fs::write(&images, &bytes).expect("a file");
            let (_, message) = refused(folder.path());
            assert!(message.contains(words), "{message}");
        }
        fs::remove_file(&images).expect("gone");
        assert_eq!(refused(folder.path()).0, Code::E601);
    }

    #[test]
    fn a_packed_file_is_known_by_its_bytes_and_read_as_far_as_its_header_says() {
        let folder = folder();
        let images = folder.path().join("train-images-idx3-ubyte");
        let pack = |bytes: &[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(bytes).expect("packed");
            packed.finish().expect("packed")
        };
        fs::write(&images, pack(&idx(&[2, 2, 3], &[7; 12]))).expect("a file");
        assert_eq!(open(folder.path()).expect("a data set").train.len(), 2);
        fs::write(&images, pack(&idx(&[2, 2, 3], &vec![7; 64 << 20]))).expect("a file");
        assert!(refused(folder.path()).1.contains("12 bytes, and has more"));
        fs::write(&images, pack(&idx(&[1000, 1000, 1000], &[7; 12]))).expect("a file");
        assert!(refused(folder.path()).1.contains("1000000000 bytes, and has at most"));
        fs::write(&images, pack(b"text")).expect("a file");
        assert!(refused(folder.path()).1.contains("what is in it is no IDX file"));
        fs::write(&images, [pack(&idx(&[2, 2, 3], &[7; 12])), b"garbage".to_vec()].concat()).expect("a file");
        assert!(refused(folder.path()).1.contains("train-images"));
    }

    #[test]
    fn a_packed_file_that_is_cut_off_is_named() {
        let folder = folder();
        let images = folder.path().join("t10k-images-idx3-ubyte.gz");
        let whole = fs::read(&images).expect("the file");
        for length in [4, 12, whole.len() - 9, whole.len() - 1] {
            fs::write(&images, &whole[..length]).expect("a file");
            let (code, message) = refused(folder.path());
            assert!(code == Code::E603 && message.contains("t10k-images"), "{message}");
        }
    }
}
