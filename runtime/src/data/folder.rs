//! A folder of pictures: `train` and `validation` (or `val`, `valid`, `test`) in it, in each a folder for each class, in those
//! and in folders in them the pictures.
//!
//! Whatever ends as pictures do is one: of a kind that no decoder is here for it is told by name, as a broken one is, and not
//! passed over. What operating systems leave about is.
//!
//! Files are listed when the data set is opened and decoded when they are needed, so that it may be larger than memory.

use super::{DataSet, Samples};
use crate::failure::{failure, file_failure};
use crate::pictures::{Picture, decode};
use crate::{Result, files};
use cnnc_compiler::diagnostic::{Code, nearest};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What files of pictures end in.
const ENDINGS: [&str; 10] = ["png", "jpg", "jpeg", "jfif", "jpe", "bmp", "gif", "webp", "tif", "tiff"];
/// The folders that a set to ask may lie in, the first that is there counts.
const VALIDATION: [&str; 4] = ["validation", "val", "valid", "test"];
/// Folders that archives and operating systems leave about; those whose names begin with a dot are known by it.
const RUBBISH: [&str; 4] = ["__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found"];
/// The most folders within each other.
const MOST_DEPTH: usize = 32;
/// Names that a note has; of more, some are.
const MOST_NAMED: usize = 8;

/// Files with the class of each. Of a file its name alone is held, since there may be millions.
#[derive(Default)]
struct Listed {
    /// The folders of the classes, in the order of their files.
    classes: Vec<Class>,
    files: Vec<Box<OsStr>>,
}

struct Class {
    folder: PathBuf,
    label: usize,
    /// The number of its first file.
    first: usize,
}

impl Listed {
    fn class(&self, index: usize) -> &Class {
        &self.classes[self.classes.partition_point(|class| class.first <= index) - 1]
    }

    fn path(&self, index: usize) -> PathBuf {
        self.class(index).folder.join(&*self.files[index])
    }
}

impl Samples for Listed {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn label(&self, index: usize) -> usize {
        self.class(index).label
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Picture> {
        let path = self.path(index);
        decode(&path, BufReader::new(files::open(&path)?), grey)
    }

    fn name(&self, index: usize) -> String {
        self.path(index).display().to_string()
    }
}

/// Lists a data set; its classes are the folders for training, by name.
pub fn open(folder: &Path) -> Result<DataSet> {
    let train = folder.join("train");
    let validation = VALIDATION.map(|name| folder.join(name)).into_iter().find(|path| path.is_dir());
    let Some(validation) = validation.filter(|_| train.is_dir()) else {
        let lacks = match (train.is_dir(), VALIDATION.iter().any(|name| folder.join(name).is_dir())) {
            (true, _) => "a folder `validation` (or `val`, `valid`, `test`)",
            (false, true) => "a folder `train`",
            (false, false) => "folders `train` and `validation` (or `val`, `valid`, `test`)",
        };
        let mut missing = failure(Code::E610, format!("`{}` lacks {lacks}", folder.display()));
        let there = entries(folder, |_| true)?;
        let named = there.iter().take(MOST_NAMED).map(|name| format!("`{}`", name.to_string_lossy()));
        let more = if there.len() > MOST_NAMED { ", …" } else { "" };
        missing.notes.push(match there.is_empty() {
            true => "it is empty".into(),
            false => format!("in it are {}{more}", named.collect::<Vec<_>>().join(", ")),
        });
        missing
            .notes
            .push("a data set of folders is `train/CLASS/picture.png` and `validation/CLASS/picture.png`".into());
        return Err(missing);
    };
    let classes: Vec<OsString> = entries(&train, |name| train.join(name).is_dir())?;
    let names: Vec<String> = classes.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if let Some((name, [first, second])) = same_when_shown(&names, &classes) {
        let message =
            format!("`{}` has two classes that are shown as `{name}`: {first:?} and {second:?}", train.display());
        return Err(failure(Code::E610, message));
    }
    let train = listed(&train, &classes, true)?;
    let validation = listed(&validation, &classes, false)?;
    let classes = names.len();
    Ok(DataSet {
        train: Arc::new(train),
        validation: Arc::new(validation),
        classes,
        class_names: Some(names),
        input: None,
        target: None,
    })
}

/// Two names that are one once what is no text in them is left out.
fn same_when_shown<'n>(names: &'n [String], classes: &'n [OsString]) -> Option<(&'n str, [&'n OsString; 2])> {
    let mut seen = HashMap::new();
    let twice = |(name, class): (&'n String, &'n OsString)| Some((name.as_str(), [seen.insert(name, class)?, class]));
    names.iter().zip(classes).find_map(twice)
}

/// The files of a set, whose classes are known. A class without pictures is an error in the one that is learnt from.
fn listed(folder: &Path, classes: &[OsString], is_training: bool) -> Result<Listed> {
    let (mut listed, mut empty) = (Listed::default(), Vec::new());
    for class in entries(folder, |name| folder.join(name).is_dir())? {
        let path = folder.join(&class);
        let Ok(label) = classes.binary_search(&class) else {
            let message = format!("`{}` is a class that the training set lacks", path.display());
            let mut unknown = failure(Code::E610, message);
            let names: Vec<String> = classes.iter().map(|name| name.to_string_lossy().into_owned()).collect();
            if let Some(near) = nearest(&class.to_string_lossy(), names.iter().map(String::as_str)) {
                unknown.help.push(format!("there is `{near}`"));
            }
            return Err(unknown);
        };
        let before = listed.files.len();
        pictures(&path, Path::new(""), 0, &mut listed.files)?;
        if listed.files.len() == before && is_training {
            empty.push(class.to_string_lossy().into_owned());
        }
        listed.classes.push(Class { folder: path, label, first: before });
    }
    if !empty.is_empty() && !listed.files.is_empty() {
        let folder = folder.display();
        let message = match empty.as_slice() {
            [one] => format!("the class `{one}` has no picture in `{folder}`"),
            several => format!("{} classes have no picture in `{folder}`: {}", several.len(), several.join(", ")),
        };
        let nothing = failure(Code::E610, message);
        return Err(nothing.help("put pictures into it, or take its folder away"));
    }
    if listed.files.is_empty() {
        let mut empty = failure(Code::E610, format!("`{}` has no pictures", folder.display()));
        empty.notes.push(format!("pictures end in .{}, and lie in a folder for each class", ENDINGS.join(", .")));
        return Err(empty);
    }
    Ok(listed)
}

/// Adds the pictures of a folder and of those in it, relative to the class's.
fn pictures(class: &Path, within: &Path, depth: usize, files: &mut Vec<Box<OsStr>>) -> Result<()> {
    let folder = class.join(within);
    if depth > MOST_DEPTH {
        let message = format!("`{}` lies in more than {MOST_DEPTH} folders of its class", folder.display());
        return Err(failure(Code::E610, message).help("is a link among them that leads back?"));
    }
    for name in entries(&folder, |name| is_picture(name) || folder.join(name).is_dir())? {
        match is_picture(&name) {
            true => files.push(within.join(name).into_os_string().into_boxed_os_str()),
            false => pictures(class, &within.join(name), depth + 1, files)?,
        }
    }
    Ok(())
}

fn is_picture(name: &OsStr) -> bool {
    let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// The names in a folder that are `wanted`, in order, without what is hidden and what systems leave about.
fn entries(folder: &Path, wanted: impl Fn(&OsStr) -> bool) -> Result<Vec<OsString>> {
    let cannot_read = |error| file_failure("read", folder, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let name = entry.map_err(cannot_read)?.file_name();
        let is_rubbish = name.as_encoded_bytes().starts_with(b".") || RUBBISH.iter().any(|rubbish| name == *rubbish);
        if !is_rubbish && wanted(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(all(test, feature = "pictures"))]
mod tests {
    use super::open;
    use crate::data::{Job, Pipeline, Resize, Transform, in_order, load};
    use cnnc_compiler::diagnostic::Code;
    use cnnc_compiler::graph::Interpolation;
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    fn put(folder: &Path, path: &str, grey: u8) {
        put_at(&folder.join(path), grey);
    }

    fn put_at(path: &Path, grey: u8) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        image::GrayImage::from_pixel(3, 2, image::Luma([grey])).save(path).expect("a picture");
    }

    #[test]
    fn classes_are_folders_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, grey) in
            [("train/dog/b.png", 2), ("train/cat/a.png", 1), ("train/dog/a.PNG", 3), ("val/dog/x.png", 9)]
        {
            put(folder.path(), path, grey);
        }
        fs::write(folder.path().join("train/dog/readme.txt"), "no picture").expect("a file");
        let data = open(folder.path()).expect("a data set");
        assert_eq!(data.class_names, Some(vec!["cat".into(), "dog".into()]));
        let labels: Vec<usize> = (0..data.train.len()).map(|index| data.train.label(index)).collect();
        assert_eq!(labels, [0, 1, 1]);
        assert_eq!(data.train.picture(1, true).expect("a picture").planes, [vec![3.0; 6]]);
        assert_eq!(data.train.picture(1, false).expect("a picture").planes.len(), 3);
        assert_eq!((data.validation.len(), data.validation.label(0)), (1, 1));

        fs::write(folder.path().join("train/cat/a.png"), "no picture").expect("a file");
        let data = open(folder.path()).expect("files are opened when they are needed");
        assert!(data.train.picture(0, true).expect_err("a failure").message.contains("a.png"));
    }

    #[test]
    fn names_that_are_no_text_are_names() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().expect("a folder");
        let class = |name: &[u8]| std::path::PathBuf::from(std::ffi::OsStr::from_bytes(name));
        for (path, grey) in [("train", 1), ("val", 2)] {
            for (name, more) in [(&b"a\xFF"[..], 0), (b"b", 10)] {
                let path = Path::new(path).join(class(name)).join(class(b"x\xFE.png"));
                put_at(&folder.path().join(path), grey + more);
            }
        }
        let data = open(folder.path()).expect("a data set");
        assert_eq!(data.train.picture(1, true).expect("a picture").planes, [vec![11.0; 6]]);
        assert_eq!((data.train.len(), data.classes, data.validation.label(1)), (2, 2, 1));
        put_at(&folder.path().join("train").join(class(b"a\xFE")).join("x.png"), 1);
        let refused = open(folder.path()).err().expect("two classes under one name").message.clone();
        assert!(refused.contains(r#""a\xFE" and "a\xFF""#), "{refused}");
    }

    #[test]
    fn what_is_no_picture_is_named_for_what_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        put(folder.path(), "train/a/whole.png", 1);
        put(folder.path(), "val/a/x.png", 1);
        for (name, content) in [
            ("0.png", &b""[..]),
            ("1.png", b"\x93NUMPY\x01\x00"),
            ("2.jpg", b"GIF89a"),
            ("3.png", b"\0\0\0\x20ftypavif"),
            ("4.png", b"hello"),
        ] {
            fs::write(folder.path().join("train/a").join(name), content).expect("a file");
        }
        fs::create_dir(folder.path().join("train/a/5.png")).expect("a folder");
        let pipe = folder.path().join("train/a/6.png");
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().expect("mkfifo").success());
        let data = open(folder.path()).expect("a data set");
        let words =
            ["empty", "a NumPy array", "a GIF picture", "an AVIF picture", "neither a PNG nor a JPEG", "a folder"];
        for (index, words) in words.into_iter().chain(["no regular file"]).enumerate() {
            let message = data.train.picture(index, false).expect_err("no picture").message.clone();
            assert!(message.contains(words) && message.contains(&format!("train/a/{index}.")), "{message}");
        }
        assert!(data.train.picture(7, false).is_ok());
    }

    /// What a copy that was broken off leaves, and what no decoder expects: neither is trained on, and neither ends a training.
    #[test]
    fn pictures_that_end_early_or_break_their_decoder_are_left_out_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        put(folder.path(), "train/a/2.png", 1);
        put(folder.path(), "val/a/x.png", 1);
        let whole = include_bytes!("../../tests/pictures/progressive.jpg");
        let palette = include_bytes!("../../tests/pictures/broken_palette.png");
        for (name, content) in [("0.jpg", &whole[..whole.len() / 2]), ("1.png", palette), ("3.jpg", whole)] {
            fs::write(folder.path().join("train/a").join(name), content).expect("a file");
        }
        let steps = [Transform::Resize(Resize::To([2, 2]), Interpolation::Bilinear)];
        let job = Job {
            samples: open(folder.path()).expect("a data set").train,
            pipeline: Arc::new(Pipeline::new(Some(&steps), None, [3, 2, 2]).expect("a pipeline")),
            order: in_order(4).into(),
            batch_size: 4,
            first_batch: 0,
            seed: 0,
            epoch: 0,
            skip_corrupt: true,
            target: None,
            workers: 1,
        };
        let batch = load(&job).next().expect("a batch").expect("two pictures");
        let skipped: Vec<&str> = batch.skipped.iter().map(|one| one.reason.as_str()).collect();
        assert!(skipped[0].contains("0.jpg") && skipped[0].contains("cut off"), "{skipped:?}");
        assert!(skipped[1].contains("1.png") && skipped[1].contains("cannot be decoded"), "{skipped:?}");
        assert_eq!((batch.inputs.shape(), skipped.len()), (&[2, 3, 2, 2][..], 2));
        let stopped = load(&Job { skip_corrupt: false, ..job }).next().expect("a batch").expect_err("a failure");
        assert!(stopped.message.contains("0.jpg") && stopped.help[0].contains("corrupt: skip"));
    }

    #[test]
    fn what_does_not_go_together_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = || open(folder.path()).err().expect("a failure");
        assert_eq!(refused().code, Code::E610);
        put(folder.path(), "train/cat/a.png", 1);
        put(folder.path(), "validation/cats/a.png", 1);
        assert_eq!(refused().help, ["there is `cat`"]);
        fs::remove_dir_all(folder.path().join("validation/cats")).expect("gone");
        assert!(refused().message.contains("has no pictures"));
    }
}
