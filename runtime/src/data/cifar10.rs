//! CIFAR-10's binary batches: records of a label and 3072 bytes, the red, green and blue planes of 32×32 pixels.

use super::{DataSet, Picture, Samples};
use crate::failure::{broken_file, file_failure};
use crate::{Result, available_memory_bytes, files};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;
const CLASSES: usize = 10;
/// Records that a file may have; the real ones have 10,000.
const MOST_RECORDS: u64 = 1_000_000;
/// Bytes that the names of the classes may have.
const LONGEST_NAMES: u64 = 1 << 16;

/// Records of several files, one after another.
struct Records {
    /// Each file, and the number of its first record.
    files: Vec<(PathBuf, usize)>,
    bytes: Vec<u8>,
}

impl Samples for Records {
    fn len(&self) -> usize {
        self.bytes.len() / RECORD
    }

    fn label(&self, index: usize) -> usize {
        usize::from(self.bytes[index * RECORD])
    }

    fn picture(&self, index: usize, _grey: bool) -> Result<Picture> {
        let pixels = &self.bytes[index * RECORD + 1..(index + 1) * RECORD];
        Ok(Picture::of_bytes([SIDE; 2], pixels))
    }

    fn name(&self, index: usize) -> String {
        let file = self.files.iter().rev().find(|(_, first)| *first <= index);
        file.map_or_else(String::new, |(file, first)| format!("picture {} of {}", index - first, file.display()))
    }
}

/// Opens the six files of a folder, or of `cifar-10-batches-bin` in it.
pub fn open(folder: &Path) -> Result<DataSet> {
    let inside = folder.join("cifar-10-batches-bin");
    let folder = if inside.is_dir() { inside.as_path() } else { folder };
    let names: Vec<String> = (1..=5).map(|number| format!("data_batch_{number}.bin")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let train = records(folder, &names)?;
    let validation = records(folder, &["test_batch.bin"])?;
    let class_names = class_names(&folder.join("batches.meta.txt"))?;
    Ok(DataSet {
        train: Arc::new(train),
        validation: Arc::new(validation),
        classes: CLASSES,
        class_names,
        input: None,
        target: None,
    })
}

/// The names in a file of ten lines; `None` where there is no such file, or it has other lines.
fn class_names(path: &Path) -> Result<Option<Vec<String>>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut text = String::new();
    let read = files::open(path)?.take(LONGEST_NAMES).read_to_string(&mut text);
    read.map_err(|error| file_failure("read", path, &error))?;
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    Ok((names.len() == CLASSES).then_some(names))
}

fn records(folder: &Path, names: &[&str]) -> Result<Records> {
    let mut records = Records { files: Vec::new(), bytes: Vec::new() };
    for name in names {
        let path = folder.join(name);
        if !path.exists() {
            let mut missing = file_failure("read", &path, &ErrorKind::NotFound.into());
            missing.notes.push("CIFAR-10 is data_batch_1.bin to data_batch_5.bin and test_batch.bin".into());
            missing.help.push("take the binary version, cifar-10-binary.tar.gz, and unpack it".into());
            return Err(missing);
        }
        let first = records.len();
        append(&path, &mut records.bytes)?;
        records.files.push((path, first));
    }
    Ok(records)
}

/// Adds a file's records.
fn append(path: &Path, bytes: &mut Vec<u8>) -> Result<()> {
    let cannot_read = |error| file_failure("read", path, &error);
    let file = files::open(path)?;
    let length = file.metadata().map_err(cannot_read)?.len();
    if length == 0 || !length.is_multiple_of(RECORD as u64) || length / RECORD as u64 > MOST_RECORDS {
        return Err(broken_file(path, format!("has {length} bytes; a file of CIFAR-10 is records of {RECORD} bytes")));
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
    let wrong = bytes[start..].chunks_exact(RECORD).position(|record| usize::from(record[0]) >= CLASSES);
    match wrong {
        Some(record) => {
            let label = bytes[start + record * RECORD];
            Err(broken_file(
                path,
                format!("is not CIFAR-10: the label of record {record} is {label}, and 9 is the last"),
            ))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{RECORD, open};
    use std::fs;

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
        let picture = data.train.picture(4, false).expect("a picture");
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
}
