//! A folder of pictures: `train` and `validation` (or `val`, `valid`, `test`) in it, in each a folder for each class, in those
//! and in folders in them the pictures. Where a part is to be split off for validation, the folders of the classes may lie in it
//! at once.
//!
//! Whatever ends as pictures do is one: of a kind that no decoder is here for it is told by name, as a broken one is, and not
//! passed over. What operating systems leave about is.
//!
//! Files are listed when the data set is opened and decoded when they are needed, so that it may be larger than memory.

use super::classes::as_in_training;
use super::{Samples, Set, SetName};
use crate::failure::{failure, file_failure, note};
use crate::pictures::{Decoded, decode};
use crate::{Error, Result, files};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// What files of pictures end in.
const ENDINGS: [&str; 10] = ["png", "jpg", "jpeg", "jfif", "jpe", "bmp", "gif", "webp", "tif", "tiff"];
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
    /// Names of what is no picture, until they are said.
    others: Vec<Box<OsStr>>,
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

    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        let path = self.path(index);
        decode(&path, BufReader::new(files::open(&path)?), grey)
    }

    fn name(&self, index: usize) -> String {
        self.path(index).display().to_string()
    }
}

/// Lists a set; its classes are its folders by name. What is asked alone has the classes of the training set, where that is
/// there.
pub fn open(folder: &Path, name: SetName, is_split: bool) -> Result<Set> {
    let of = |name: SetName| name.names().iter().map(|name| folder.join(name)).find(|path| path.is_dir());
    let path = match (of(name), name) {
        (Some(path), _) => path,
        (None, SetName::Train) if is_split => folder.to_owned(),
        (None, _) => {
            return Err(missing(folder, name, of(SetName::Validation).is_some() || of(SetName::Train).is_some()));
        }
    };
    let (mut listed, names) = listed(&path, name == SetName::Train)?;
    let passed_over = passed_over(&path, std::mem::take(&mut listed.others));
    let set = Set { notes: passed_over.into_iter().collect(), ..Set::of_classes(listed, names.len(), Some(names)) };
    match of(SetName::Train).filter(|_| name != SetName::Train) {
        None => Ok(set),
        Some(train) => as_in_training(set, &class_names(&train)?),
    }
}

/// E610 with what a folder lacks, and what is in it.
fn missing(folder: &Path, name: SetName, has_others: bool) -> Error {
    let lacks = match name {
        SetName::Test => "a folder `test`",
        _ if !has_others => "folders `train` and `validation` (or `val`, `valid`, `test`)",
        SetName::Train => "a folder `train`",
        SetName::Validation => "a folder `validation` (or `val`, `valid`, `test`)",
    };
    let there = match entries(folder, |_| true) {
        Ok(there) => there,
        Err(unreadable) => return unreadable,
    };
    let mut missing = failure(Code::E610, format!("`{}` lacks {lacks}", folder.display()));
    let named = there.iter().take(MOST_NAMED).map(|name| format!("`{}`", name.to_string_lossy()));
    let more = if there.len() > MOST_NAMED { ", …" } else { "" };
    missing.notes.push(match there.is_empty() {
        true => "it is empty".into(),
        false => format!("in it are {}{more}", named.collect::<Vec<_>>().join(", ")),
    });
    missing.notes.push("a data set of folders is `train/CLASS/picture.png` and `validation/CLASS/picture.png`".into());
    if name != SetName::Test && !there.is_empty() {
        missing
            .help
            .push("`split: 0.2` under `data` keeps a fifth of the pictures that there are for validation".into());
    }
    missing
}

/// The classes of a set.
fn class_names(folder: &Path) -> Result<Vec<String>> {
    let classes: Vec<OsString> = entries(folder, |name| folder.join(name).is_dir())?;
    let names: Vec<String> = classes.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if let Some((name, [first, second])) = same_when_shown(&names, &classes) {
        let message =
            format!("`{}` has two classes that are shown as `{name}`: {first:?} and {second:?}", folder.display());
        return Err(failure(Code::E610, message));
    }
    Ok(names)
}

/// Two names that are one once what is no text in them is left out.
fn same_when_shown<'n>(names: &'n [String], classes: &'n [OsString]) -> Option<(&'n str, [&'n OsString; 2])> {
    let mut seen = HashMap::new();
    let twice = |(name, class): (&'n String, &'n OsString)| Some((name.as_str(), [seen.insert(name, class)?, class]));
    names.iter().zip(classes).find_map(twice)
}

/// The files of a set, and its classes. A class without pictures is an error in the set that is learnt from; in another one it is
/// none.
fn listed(folder: &Path, is_training: bool) -> Result<(Listed, Vec<String>)> {
    let (mut listed, mut names, mut empty) = (Listed::default(), Vec::new(), Vec::new());
    let classes = entries_beside(folder, |name| folder.join(name).is_dir(), &mut listed.others)?;
    for (class, name) in classes.into_iter().zip(class_names(folder)?) {
        let path = folder.join(&class);
        let before = listed.files.len();
        pictures(&path, Path::new(""), 0, &mut listed)?;
        match listed.files.len() == before {
            true if is_training => empty.push(name),
            true => {}
            false => {
                listed.classes.push(Class { folder: path, label: names.len(), first: before });
                names.push(name);
            }
        }
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
    Ok((listed, names))
}

/// Adds the pictures of a folder and of those in it, relative to the class's.
fn pictures(class: &Path, within: &Path, depth: usize, listed: &mut Listed) -> Result<()> {
    let folder = class.join(within);
    if depth > MOST_DEPTH {
        let message = format!("`{}` lies in more than {MOST_DEPTH} folders of its class", folder.display());
        return Err(failure(Code::E610, message).help("is a link among them that leads back?"));
    }
    let is_wanted = |name: &OsStr| is_picture(name) || folder.join(name).is_dir();
    for name in entries_beside(&folder, is_wanted, &mut listed.others)? {
        match is_picture(&name) {
            true => listed.files.push(within.join(name).into_os_string().into_boxed_os_str()),
            false => pictures(class, &within.join(name), depth + 1, listed)?,
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
    entries_beside(folder, wanted, &mut Vec::new())
}

/// As [`entries`]; `others` takes in the rest.
fn entries_beside(
    folder: &Path,
    wanted: impl Fn(&OsStr) -> bool,
    others: &mut Vec<Box<OsStr>>,
) -> Result<Vec<OsString>> {
    let cannot_read = |error| file_failure("read", folder, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let name = entry.map_err(cannot_read)?.file_name();
        let is_rubbish = name.as_encoded_bytes().starts_with(b".") || RUBBISH.iter().any(|rubbish| name == *rubbish);
        match !is_rubbish && wanted(&name) {
            true => names.push(name),
            false => others.push(name.into_boxed_os_str()),
        }
    }
    names.sort();
    Ok(names)
}

/// `3 entries of `data/train` are no pictures and passed over: `.DS_Store`, `readme.txt`, …`
fn passed_over(folder: &Path, mut others: Vec<Box<OsStr>>) -> Option<Diagnostic> {
    let count = others.len();
    others.sort();
    others.dedup();
    let named = others.iter().take(MOST_NAMED).map(|name| format!("`{}`", name.to_string_lossy()));
    let more = if others.len() > MOST_NAMED { ", …" } else { "" };
    let are = if count == 1 { "entry of" } else { "entries of" };
    let named = named.collect::<Vec<_>>().join(", ");
    let is = if count == 1 { "is no picture" } else { "are no pictures" };
    (count > 0)
        .then(|| note(Code::E610, format!("{count} {are} `{}` {is}, passed over: {named}{more}", folder.display())))
}

#[cfg(all(test, feature = "pictures"))]
mod tests {
    use crate::data::transforms::Resize;
    use crate::data::{DataSet, Format, Job, Pipeline, SetName, Size, Source, in_order, load};
    use crate::pictures::Picture;
    use cnnc_compiler::diagnostic::Code;
    use cnnc_compiler::graph::Interpolation;
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    fn open(folder: &Path) -> crate::Result<DataSet> {
        crate::data::open(Format::Folder, folder)
    }

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
        let picture = |number: usize, grey: bool| data.train.picture(number, grey).expect("a picture");
        assert_eq!(Picture::from(picture(1, true)).planes, [vec![3.0; 6]]);
        assert_eq!(picture(1, false).channels(), 3);
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
        let picture = Picture::from(data.train.picture(1, true).expect("a picture"));
        assert_eq!(picture.planes, [vec![11.0; 6]]);
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
            ("2.jpg", b"%PDF-1.7"),
            ("3.png", b"\0\0\0\x20ftypavif"),
            ("4.png", b"hello"),
        ] {
            fs::write(folder.path().join("train/a").join(name), content).expect("a file");
        }
        fs::create_dir(folder.path().join("train/a/5.png")).expect("a folder");
        let pipe = folder.path().join("train/a/6.png");
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().expect("mkfifo").success());
        let data = open(folder.path()).expect("a data set");
        let words = ["empty", "a NumPy array", "a PDF document", "an AVIF picture", "no picture of a kind", "a folder"];
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
        let steps = [Resize { size: Size::To([2, 2]), interpolation: Interpolation::Bilinear }.into()];
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
            mix: None,
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

    #[test]
    fn a_flat_folder_is_split_and_a_set_is_asked_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..10 {
            put(folder.path(), &format!("cat/{number}.png"), number);
            put(folder.path(), &format!("dog/{number}.png"), number);
        }
        assert!(open(folder.path()).err().expect("a failure").help[0].contains("split: 0.2"));
        let source = Source { split: Some(0.2), ..Source::new(Format::Folder, folder.path()) };
        let data = source.open().expect("a data set");
        assert_eq!((data.train.len(), data.validation.len(), data.classes), (16, 4, 2));
        assert_eq!((0..4).map(|index| data.validation.label(index)).sum::<usize>(), 2);
        let alone = source.open_alone(SetName::Validation).expect("a set");
        let names = |data: &DataSet| (0..4).map(|index| data.validation.name(index)).collect::<Vec<_>>();
        assert_eq!(names(&alone), names(&data));

        let other = tempfile::tempdir().expect("a folder");
        put(other.path(), "test/dog/a.png", 1);
        let source = Source::new(Format::Folder, other.path());
        assert_eq!(source.open_alone(SetName::Test).expect("a set").class_names, Some(vec!["dog".into()]));
        put(other.path(), "train/cat/a.png", 1);
        put(other.path(), "train/dog/a.png", 1);
        let test = source.open_alone(SetName::Test).expect("a set");
        assert_eq!((test.validation.label(0), test.classes), (1, 2));
        assert!(source.open_alone(SetName::Train).expect("a set").train.len() == 2);
    }
}
