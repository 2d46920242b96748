//! The binary files of CIFAR-10 and CIFAR-100: records of labels and 3072 bytes, the red, green and blue planes of 32×32 pixels.
//! Of CIFAR-100 the finer label counts, the second of a record's two.

use super::{Decoded, Samples, Set, SetName};
use crate::failure::{broken_file, failure, file_failure};
use crate::{Result, available_memory_bytes, files};
use cnnc_compiler::diagnostic::Code;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

const SIDE: usize = 32;
const PLANES: usize = 3 * SIDE * SIDE;
/// Records that a file may have; the real ones have 50,000.
const MOST_RECORDS: u64 = 1_000_000;
/// Bytes that the names of the classes may have.
const LONGEST_NAMES: u64 = 1 << 16;

/// Which of the two.
pub struct Kind {
    name: &'static str,
    /// The folder that its archive unpacks to.
    folder: &'static str,
    archive: &'static str,
    /// Labels before the planes of a record; the last counts.
    labels: usize,
    classes: usize,
    train: &'static [&'static str],
    test: &'static str,
    /// The names of the classes, a line each.
    names: &'static str,
}

pub const TEN: Kind = Kind {
    name: "CIFAR-10",
    folder: "cifar-10-batches-bin",
    archive: "cifar-10-binary.tar.gz",
    labels: 1,
    classes: 10,
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test: "test_batch.bin",
    names: "batches.meta.txt",
};

pub const HUNDRED: Kind = Kind {
    name: "CIFAR-100",
    folder: "cifar-100-binary",
    archive: "cifar-100-binary.tar.gz",
    labels: 2,
    classes: 100,
    train: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
};

impl Kind {
    fn record(&self) -> usize {
        self.labels + PLANES
    }
}

/// Records of several files, one after another.
struct Records {
    kind: &'static Kind,
    /// Each file, and the number of its first record.
    files: Vec<(PathBuf, usize)>,
    bytes: Vec<u8>,
}

impl Samples for Records {
    fn len(&self) -> usize {
        self.bytes.len() / self.kind.record()
    }

    fn label(&self, index: usize) -> usize {
        usize::from(self.bytes[index * self.kind.record() + self.kind.labels - 1])
    }

    fn picture(&self, index: usize, _grey: bool) -> Result<Decoded<'_>> {
        let record = self.kind.record();
        Ok(Decoded::of_planes([SIDE; 2], &self.bytes[index * record + self.kind.labels..(index + 1) * record]))
    }

    fn name(&self, index: usize) -> String {
        let file = self.files.iter().rev().find(|(_, first)| *first <= index);
        file.map_or_else(String::new, |(file, first)| format!("picture {} of {}", index - first, file.display()))
    }
}

/// Opens a set of a folder, or of the archive's own folder in it.
pub fn open(kind: &'static Kind, folder: &Path, name: SetName) -> Result<Set> {
    let inside = folder.join(kind.folder);
    let folder = if inside.is_dir() { inside.as_path() } else { folder };
    let names = if name == SetName::Train { kind.train } else { std::slice::from_ref(&kind.test) };
    let records = records(kind, folder, names)?;
    let class_names = class_names(kind, &folder.join(kind.names))?;
    Ok(Set::of_classes(records, kind.classes, class_names))
}

/// The names in a file of as many lines as there are classes; `None` where there is no such file, or it has other lines.
fn class_names(kind: &Kind, path: &Path) -> Result<Option<Vec<String>>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut text = String::new();
    let read = files::open(path)?.take(LONGEST_NAMES).read_to_string(&mut text);
    read.map_err(|error| file_failure("read", path, &error))?;
    let text = text.trim_start_matches('\u{feff}');
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    Ok((names.len() == kind.classes).then_some(names))
}

fn records(kind: &'static Kind, folder: &Path, names: &[&str]) -> Result<Records> {
    let mut records = Records { kind, files: Vec::new(), bytes: Vec::new() };
    for name in names {
        let path = folder.join(name);
        if !path.exists() {
            let mut missing = file_failure("read", &path, &ErrorKind::NotFound.into());
            let all: Vec<&str> = kind.train.iter().copied().chain([kind.test]).collect();
            missing.notes.push(format!("{} is {}", kind.name, all.join(", ")));
            missing.help.push(format!("take the binary version, {}, and unpack it", kind.archive));
            return Err(missing);
        }
        let first = records.len();
        append(kind, &path, &mut records.bytes)?;
        records.files.push((path, first));
    }
    if records.is_empty() {
        return Err(failure(Code::E610, format!("`{}` has no pictures", folder.display())));
    }
    Ok(records)
}

/// Adds a file's records.
fn append(kind: &Kind, path: &Path, bytes: &mut Vec<u8>) -> Result<()> {
    let cannot_read = |error| file_failure("read", path, &error);
    let file = files::open(path)?;
    let length = file.metadata().map_err(cannot_read)?.len();
    let (name, record) = (kind.name, kind.record());
    if length == 0 || !length.is_multiple_of(record as u64) || length / record as u64 > MOST_RECORDS {
        return Err(broken_file(path, format!("has {length} bytes; a file of {name} is records of {record} bytes")));
    }
    let memory = available_memory_bytes();
    if length > memory {
        return Err(broken_file(path, format!("has {length} bytes, and {memory} bytes of memory are free")));
    }
    let start = bytes.len();
    file.take(length).read_to_end(bytes).map_err(cannot_read)?;
    if bytes.len() - start != length as usize {
        return Err(broken_file(path, "became shorter while it was read"));
    }
    let label = |record: &[u8]| usize::from(record[kind.labels - 1]);
    let mut labels = bytes[start..].chunks_exact(record).map(label);
    match labels.clone().position(|label| label >= kind.classes) {
        Some(number) => {
            let (label, last) = (labels.nth(number).unwrap_or(0), kind.classes - 1);
            Err(broken_file(
                path,
                format!("is not {name}: the label of record {number} is {label}, and {last} is the last"),
            ))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{DataSet, Format};
    use crate::pictures::Picture;
    use std::fs;
    use std::path::Path;

    const RECORD: usize = 3073;

    fn open(folder: &Path) -> crate::Result<DataSet> {
        crate::data::open(Format::Cifar10, folder)
    }

    fn record(label: u8, red: u8) -> Vec<u8> {
        let mut record = vec![label];
        for colour in [red, 2, 3] {
            record.extend(std::iter::repeat_n(colour, 1024));
        }
        record
    }

    #[test]
    fn records_are_read_and_held_against_lengths() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
        for number in 1..=5 {
            put(&format!("data_batch_{number}.bin"), &[record(number, 10 * number), record(0, 1)].concat());
        }
        assert!(open(folder.path()).err().expect("a failure").message.contains("test_batch.bin"));
        put("test_batch.bin", &record(9, 0));
        let data = open(folder.path()).expect("a data set");
        assert_eq!((data.train.len(), data.validation.len(), data.classes), (10, 1, 10));
        assert_eq!((data.train.label(4), data.train.label(5), data.validation.label(0)), (3, 0, 9));
        let picture = Picture::from(data.train.picture(4, false).expect("a picture"));
        assert_eq!(picture.planes.iter().map(|plane| plane[1023]).collect::<Vec<f32>>(), [30.0, 2.0, 3.0]);
        assert!(data.train.name(5).starts_with("picture 1 of") && data.train.name(5).ends_with("data_batch_3.bin"));

        put("batches.meta.txt", b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
        assert_eq!(open(folder.path()).expect("a data set").class_names.expect("names")[9], "j");
        put("batches.meta.txt", b"a\nb\n");
        assert!(open(folder.path()).expect("a data set").class_names.is_none());
        let names = folder.path().join("batches.meta.txt");
        fs::remove_file(&names).expect("gone");
        assert!(std::process::Command::new("mkfifo").arg(&names).status().expect("mkfifo").success());
        assert!(open(folder.path()).err().expect("a failure").message.contains("batches.meta.txt"));
        fs::remove_file(&names).expect("gone");

        put("test_batch.bin", &record(9, 0)[..RECORD - 1]);
        assert!(open(folder.path()).err().expect("a failure").message.contains("3072 bytes"));
        put("test_batch.bin", &record(10, 0));
        assert!(open(folder.path()).err().expect("a failure").message.contains("label of record 0 is 10"));
    }

    #[test]
    fn of_a_hundred_the_finer_label_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, labels: [u8; 2]| {
            let record = [&labels[..], &record(0, 7)[1..]].concat();
            fs::write(folder.path().join(name), record).expect("a file");
        };
        put("train.bin", [3, 99]);
        put("test.bin", [19, 0]);
        let open = || crate::data::open(Format::Cifar100, folder.path());
        let data = open().expect("a data set");
        assert_eq!((data.train.label(0), data.validation.label(0), data.classes), (99, 0, 100));
        let picture = Picture::from(data.train.picture(0, false).expect("a picture"));
        assert_eq!(picture.planes[0], [7.0; 1024]);
        put("test.bin", [19, 100]);
        assert!(open().err().expect("a failure").message.contains("label of record 0 is 100, and 99 is the last"));
    }
}
