//! A folder of pictures: `train` and `validation` (or `val`, or `test`) in it, in each a folder for each class, in those PNG and JPEG files.
//!
//! Files are listed when the data set is opened and decoded when they are needed, so that it may be larger than memory.

use super::{DataSet, Samples};
use crate::failure::{failure, file_failure};
use crate::input::{Picture, decode};
use crate::{Result, files};
use cnnc_compiler::diagnostic::{Code, nearest};
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Files with the class of each.
struct Listed {
    files: Vec<(PathBuf, usize)>,
}

impl Samples for Listed {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn label(&self, index: usize) -> usize {
        self.files[index].1
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Picture> {
        let path = &self.files[index].0;
        decode(path, BufReader::new(files::open(path)?), grey)
    }

    fn name(&self, index: usize) -> String {
        self.files[index].0.display().to_string()
    }
}

/// Lists a data set; its classes are the folders for training, by name.
pub fn open(folder: &Path) -> Result<DataSet> {
    let train = folder.join("train");
    let validation = ["validation", "val", "test"].map(|name| folder.join(name)).into_iter().find(|path| path.is_dir());
    let Some(validation) = validation.filter(|_| train.is_dir()) else {
        let message = format!("`{}` lacks a folder `train`, or `validation`", folder.display());
        let mut missing = failure(Code::E610, message);
        missing
            .notes
            .push("a data set of folders is `train/CLASS/picture.png` and `validation/CLASS/picture.png`".into());
        return Err(missing);
    };
    let names: Vec<String> =
        entries(&train)?.into_iter().filter(|path| path.is_dir()).map(|path| name(&path)).collect();
    let train = listed(&train, &names)?;
    let validation = listed(&validation, &names)?;
    let classes = names.len();
    Ok(DataSet { train: Arc::new(train), validation: Arc::new(validation), classes, class_names: Some(names) })
}

fn listed(folder: &Path, names: &[String]) -> Result<Listed> {
    let mut files = Vec::new();
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let Some(label) = names.iter().position(|known| *known == name(&class)) else {
            let message = format!("`{}` is a class that the training set lacks", class.display());
            let mut unknown = failure(Code::E610, message);
            if let Some(near) = nearest(&name(&class), names.iter().map(String::as_str)) {
                unknown.help.push(format!("there is `{near}`"));
            }
            return Err(unknown);
        };
        files.extend(entries(&class)?.into_iter().filter(|path| is_picture(path)).map(|path| (path, label)));
    }
    if files.is_empty() {
        let mut empty = failure(Code::E610, format!("`{}` has no pictures", folder.display()));
        empty.notes.push("pictures end in .png, .jpg or .jpeg, and lie in a folder for each class".into());
        return Err(empty);
    }
    Ok(Listed { files })
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// What is in a folder, by name, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_read = |error| file_failure("read", folder, &error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let path = entry.map_err(cannot_read)?.path();
        if !name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::open;
    use cnnc_compiler::diagnostic::Code;
    use std::fs;
    use std::path::Path;

    fn put(folder: &Path, path: &str, grey: u8) {
        let path = folder.join(path);
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
