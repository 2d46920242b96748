//! What TensorBoard reads: epochs come in, a file of its events in the run's folder goes out, added to after every epoch.
//!
//! The form is TensorFlow's: records (`TFRecord`: the length of eight bytes, a checksum of it, the message, a checksum of that),
//! each an `Event` of `event.proto`. Steps are epochs. A run that goes on writes a file of its own, which begins with the mark
//! that takes back what an earlier file says of later epochs.

use cnnc_runtime::train::Record;
use crc::{CRC_32_ISCSI, Crc};
use prost::Message;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the names of the files begin with; TensorBoard knows them by it.
const PREFIX: &str = "events.out.tfevents.";

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    session: Option<Session>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The mark of a beginning: `status` is 1, `START`.
#[derive(Clone, PartialEq, Message)]
struct Session {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// A file of events that is being written.
pub struct EventFile(File);

impl EventFile {
    /// Begins a file, for a run that goes on after these epochs. Files of an earlier run there are removed if it begins anew; if
    /// none is there, the epochs that are over are told too.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(folder: &Path, over: &[Record]) -> io::Result<EventFile> {
        let now = since_1970();
        let earlier = earlier(folder)?;
        if over.is_empty() {
            earlier.iter().try_for_each(fs::remove_file)?;
        }
        // Files are read in the order of their names.
        let name = format!("{PREFIX}{:010}.{:09}.cnnc", now.as_secs(), now.subsec_nanos());
        let mut file = EventFile(File::create(folder.join(name))?);
        file.add(Event { file_version: Some("brain.Event:2".into()), ..event(0, now) })?;
        if earlier.is_empty() {
            over.iter().try_for_each(|record| file.epoch(record))?;
        } else if !over.is_empty() {
            let step = over.len() as i64 + 1;
            file.add(Event { session: Some(Session { status: 1 }), ..event(step, now) })?;
        }
        Ok(file)
    }

    /// Adds what was measured in an epoch.
    ///
    /// # Errors
    /// What the system says.
    pub fn epoch(&mut self, record: &Record) -> io::Result<()> {
        let values = [
            ("loss/train", Some(record.train_loss)),
            ("loss/validation", Some(record.val_loss)),
            ("accuracy/train", record.train_accuracy),
            ("accuracy/validation", record.val_accuracy),
            ("mean_average_precision/validation", record.val_map),
            ("learning_rate", Some(record.learning_rate)),
            ("images_per_second", Some(record.images_per_second)),
        ];
        let value =
            |(tag, number): (&str, Option<f64>)| Some(Value { tag: tag.into(), simple_value: Some(number? as f32) });
        let summary = Some(Summary { values: values.into_iter().filter_map(value).collect() });
        self.add(Event { summary, ..event(record.epoch as i64, since_1970()) })
    }

    fn add(&mut self, event: Event) -> io::Result<()> {
        self.0.write_all(&framed(&event.encode_to_vec()))
    }
}

fn event(step: i64, now: Duration) -> Event {
    Event { wall_time: now.as_secs_f64(), step, file_version: None, summary: None, session: None }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The files of events that a folder holds.
fn earlier(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(".cnnc") {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// A record.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), message, &checksum(message)].concat()
}

/// CRC-32C, masked as TensorFlow does so that a checksum of what holds checksums is none of them.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
    CASTAGNOLI.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize) -> Record {
        let (train_loss, val_loss, learning_rate) = (0.25, 0.75, 0.5);
        let (train_accuracy, val_accuracy, val_map) = (None, Some(0.5), None);
        let (seconds, images_per_second) = (2.0, 64.0);
        Record {
            epoch,
            train_loss,
            train_accuracy,
            val_loss,
            val_accuracy,
            val_map,
            learning_rate,
            seconds,
            images_per_second,
        }
    }

    /// The events of a file: of each its step and what it holds.
    fn events(path: &Path) -> Vec<(i64, String)> {
        let bytes = fs::read(path).expect("a file");
        let (mut rest, mut events) = (bytes.as_slice(), Vec::new());
        while let Some((length, behind)) = rest.split_first_chunk::<8>() {
            let (message, next) = behind[4..].split_at(u64::from_le_bytes(*length) as usize);
            let event = Event::decode(message).expect("an event");
            assert_eq!(framed(message), rest[..rest.len() - next.len() + 4]);
            let values = event.summary.unwrap_or_default().values;
            let told = values.iter().map(|value| format!("{} {}", value.tag, value.simple_value.expect("a number")));
            let told: Vec<String> =
                told.chain(event.file_version).chain(event.session.map(|_| "start".into())).collect();
            events.push((event.step, told.join(", ")));
            rest = &next[4..];
        }
        events
    }

    #[test]
    fn records_are_those_of_tensorboard() {
        // By tensorboard 2.20's own RecordWriter, of events of the time 1.5.
        let theirs = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c0f000000000000006d532b09\
                      09000000000000f83f10033a020801ec8612fc36000000000000004f578cef09000000000000f83f10032a290a110a0a6c6f7373\
                      2f747261696e150000803e0a140a0d6c6561726e696e675f72617465150000003f32e7287f";
        let at = |step| event(step, Duration::from_millis(1500));
        let value = |tag: &str, number| Value { tag: tag.into(), simple_value: Some(number) };
        let ours = [
            Event { file_version: Some("brain.Event:2".into()), ..at(0) },
            Event { session: Some(Session { status: 1 }), ..at(3) },
            Event {
                summary: Some(Summary { values: vec![value("loss/train", 0.25), value("learning_rate", 0.5)] }),
                ..at(3)
            },
        ];
        let ours: Vec<u8> = ours.iter().flat_map(|event| framed(&event.encode_to_vec())).collect();
        assert_eq!(ours.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), theirs);
    }

    #[test]
    fn a_run_that_goes_on_takes_later_epochs_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = || {
            let mut files = earlier(folder.path()).expect("files");
            files.sort();
            files
        };
        let epoch = |number: i64| {
            let told = "loss/train 0.25, loss/validation 0.75, accuracy/validation 0.5, learning_rate 0.5, images_per_second 64";
            (number, told.to_owned())
        };
        let head = || (0, "brain.Event:2".to_owned());
        let mut file = EventFile::begin(folder.path(), &[]).expect("a file");
        for number in [1, 2] {
            file.epoch(&record(number)).expect("written");
        }
        assert_eq!(events(&files()[0]), [head(), epoch(1), epoch(2)]);
        EventFile::begin(folder.path(), &[record(1)]).expect("a file").epoch(&record(2)).expect("written");
        assert_eq!(events(&files()[1]), [head(), (2, "start".into()), epoch(2)]);
        // A run that begins anew has nothing of those before; one that goes on without a file tells all that is over.
        EventFile::begin(folder.path(), &[]).expect("a file");
        assert_eq!(files().len(), 1);
        fs::remove_file(&files()[0]).expect("removed");
        EventFile::begin(folder.path(), &[record(1), record(2)]).expect("a file");
        assert_eq!(events(&files()[0]), [head(), epoch(1), epoch(2)]);
    }
}
