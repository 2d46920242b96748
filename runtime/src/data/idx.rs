//! IDX files, as MNIST and Fashion-MNIST have them: pictures in one file and labels in another, plain or gzipped.

use super::{Samples, Set, SetName, class_count};
use crate::contained::decoded;
use crate::failure::{broken_file, failure, file_failure};
use crate::idx::Array;
use crate::pictures::{Decoded, check_size};
use crate::{Error, Result, files};
use cnnc_compiler::diagnostic::Code;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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

    fn picture(&self, index: usize, _grey: bool) -> Result<Decoded<'_>> {
        let size = self.height * self.width;
        Ok(Decoded::of_planes([self.height, self.width], &self.pixels[index * size..(index + 1) * size]))
    }

    fn name(&self, index: usize) -> String {
        format!("picture {index} of {}", self.file.display())
    }
}

/// Opens the two files of a set.
pub fn open(folder: &Path, name: SetName) -> Result<Set> {
    let [file, label_file] = find(folder, name)?;
    let (sizes, pixels) = read(&file)?;
    let &[count, height, width] = sizes.as_slice() else {
        return Err(broken_file(&file, format!("holds an array of {sizes:?}; pictures are [number, height, width]")));
    };
    if let Err(reason) = check_size([height, width]) {
        return Err(broken_file(&file, format!("says that its pictures are {height}×{width}: {reason}")));
    }
    let (sizes, labels) = read(&label_file)?;
    if sizes != [count] {
        let message =
            format!("`{}` has {count} pictures, `{}` has {sizes:?} labels", file.display(), label_file.display());
        return Err(failure(Code::E610, message));
    }
    if count == 0 {
        return Err(broken_file(&file, "has no pictures"));
    }
    let pictures = Pictures { file, height, width, pixels, labels };
    let classes = class_count(&pictures);
    Ok(Set::of_classes(pictures, classes, None))
}

/// What the names of files of a set have in them.
fn words(name: SetName) -> &'static [&'static str] {
    match name {
        SetName::Train => &["train"],
        SetName::Validation => &["val", "t10k", "test"],
        SetName::Test => &["t10k", "test"],
    }
}

/// The files of pictures and labels of a set: under one of MNIST's usual names, or the only two files whose names say which set
/// they are of and whose heads say what they hold. `folder` may go on with how their names begin.
fn find(folder: &Path, name: SetName) -> Result<[PathBuf; 2]> {
    let part = if name == SetName::Train { "train" } else { "t10k" };
    let usual = |kind: &str, axes: usize| {
        let dashed = format!("{part}-{kind}-idx{axes}-ubyte");
        let names = [format!("{dashed}.gz"), dashed, format!("{part}-{kind}.idx{axes}-ubyte")];
        names.into_iter().map(|name| folder.join(name)).find(|path| path.exists())
    };
    let (pictures, labels) = (usual("images", 3), usual("labels", 1));
    if let (Some(pictures), Some(labels)) = (&pictures, &labels) {
        return Ok([pictures.clone(), labels.clone()]);
    }
    let (place, start) = match (folder.is_dir(), folder.parent(), folder.file_name()) {
        (false, Some(place), Some(start)) if place == Path::new("") => {
            (Path::new("."), start.to_string_lossy().into_owned())
        }
        (false, Some(place), Some(start)) => (place, start.to_string_lossy().into_owned()),
        _ => (folder, String::new()),
    };
    let candidates = candidates(place, &start)?;
    for word in words(name) {
        let of = |axes: u8| -> Vec<&PathBuf> {
            let named = |path: &&PathBuf| file_name(path).to_lowercase().contains(word);
            candidates.iter().filter(|(_, found)| *found == axes).map(|(path, _)| path).filter(named).collect()
        };
        match (of(3).as_slice(), of(1).as_slice()) {
            ([pictures], [labels]) => return Ok([(*pictures).clone(), (*labels).clone()]),
            ([], []) => {}
            (pictures, labels) if pictures.len() > 1 || labels.len() > 1 => {
                return Err(several(place, pictures, labels));
            }
            _ => {}
        }
    }
    let lacking = [(pictures.is_none(), "images", 3), (labels.is_none(), "labels", 1)];
    let (_, kind, axes) = lacking.into_iter().find(|(lacks, ..)| *lacks).unwrap_or((true, "images", 3));
    let dashed = format!("{part}-{kind}-idx{axes}-ubyte");
    let mut missing = file_failure("read", &folder.join(&dashed), &ErrorKind::NotFound.into());
    missing.notes.push(format!("an IDX data set is four files: {dashed} and its kin, plain or gzipped"));
    let found: Vec<String> =
        candidates.iter().take(MOST_NAMED).map(|(path, _)| format!("`{}`", file_name(path))).collect();
    if !found.is_empty() {
        missing.notes.push(format!("IDX files here are {}", found.join(", ")));
        missing.notes.push(format!("files of other names have one of these in them: {}", words(name).join(", ")));
    }
    missing.help.push(
        "Fashion-MNIST is Debian's package dataset-fashion-mnist, in /usr/share/datasets/fashion-mnist; --data names another folder"
            .into(),
    );
    Err(missing)
}

/// Files that a message names.
const MOST_NAMED: usize = 8;

/// E610: which of several files, the recipe has to say.
fn several(place: &Path, pictures: &[&PathBuf], labels: &[&PathBuf]) -> Error {
    let all = pictures.iter().chain(labels);
    let named: Vec<String> = all.clone().take(MOST_NAMED).map(|path| format!("`{}`", file_name(path))).collect();
    let message = format!("`{}` has several IDX files that could be meant: {}", place.display(), named.join(", "));
    let start = all.map(|path| file_name(path)).next().unwrap_or_default();
    let start: String = start.split('-').take(2).collect::<Vec<_>>().join("-");
    failure(Code::E610, message)
        .help(format!("give the beginning of their names: `path: {}`", place.join(start).display()))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a folder whose names begin so and whose heads are those of IDX files of bytes, with their axes.
fn candidates(folder: &Path, start: &str) -> Result<Vec<(PathBuf, u8)>> {
    let cannot_read = |error| file_failure("read", folder, &error);
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let path = entry.map_err(cannot_read)?.path();
        if !path.is_file() || !file_name(&path).starts_with(start) {
            continue;
        }
        let array = decoded(&path, "cannot be read", || Array::open(&path, files::open(&path)?));
        if let Ok(axes @ (1 | 3)) = array.map(|array| array.sizes.len()) {
            found.push((path, axes as u8));
        }
    }
    found.sort();
    Ok(found)
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
    use crate::data::{DataSet, Format, SetName, Source};
    use crate::pictures::Decoded;
    use cnnc_compiler::diagnostic::Code;
    use flate2::{Compression, write::GzEncoder};
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    fn open(folder: &Path) -> crate::Result<DataSet> {
        crate::data::open(Format::Idx, folder)
    }

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
        let grey = |bytes: [u8; 6]| Decoded::new([2, 3], 1, bytes.to_vec()).expect("a picture");
        assert_eq!(data.train.picture(1, true).expect("a picture"), grey([6, 7, 8, 9, 10, 11]));
        assert_eq!(data.validation.picture(0, true).expect("a picture"), grey([255; 6]));
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

    /// EMNIST has several data sets in a folder, whose labels count from 1.
    #[test]
    fn files_of_other_names_are_known_by_their_heads() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).expect("a file");
        put("emnist-letters-train-images-idx3-ubyte", idx(&[2, 1, 1], &[1, 2]));
        put("emnist-letters-train-labels-idx1-ubyte", idx(&[2], &[1, 2]));
        put("emnist-letters-test-images-idx3-ubyte", idx(&[1, 1, 1], &[3]));
        put("emnist-letters-test-labels-idx1-ubyte", idx(&[1], &[2]));
        put("emnist-letters-mapping.txt", b"1 65 97".to_vec());
        let source = Source { first_label: 1, ..Source::new(Format::Idx, folder.path()) };
        let data = source.open().expect("a data set");
        assert_eq!((data.train.label(0), data.train.label(1), data.validation.label(0), data.classes), (0, 1, 1, 2));
        assert_eq!(source.open_alone(SetName::Test).expect("a set").validation.len(), 1);
        let wrong = Source { first_label: 2, ..source.clone() }.open().err().expect("a failure");
        assert!(wrong.message.ends_with("has the label 1, and `first_label` is 2"), "{wrong}");
        put("emnist-digits-train-images-idx3-ubyte", idx(&[1, 1, 1], &[9]));
        put("emnist-digits-train-labels-idx1-ubyte", idx(&[1], &[9]));
        let several = source.open().err().expect("a failure");
        assert!(
            several.message.contains("several IDX files") && several.help[0].ends_with("emnist-digits`"),
            "{several}"
        );
        let of_one = Source { path: folder.path().join("emnist-letters"), ..source };
        assert_eq!(of_one.open().expect("a data set").train.len(), 2);
    }
}
