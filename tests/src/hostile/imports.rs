//! Networks of ONNX and cfgs of Darknet, imported as `cnnc import` does it, both ways.

use super::{Verdict, folder, put, refused_file};
use cnnc_runtime::Model;
use cnnc_runtime::import::{Form, Options, import};

/// Imports a file of ONNX, and compiles what was written.
pub fn onnx(bytes: &[u8]) -> Verdict {
    imported(bytes, "file.onnx")
}

/// Imports a cfg of Darknet, and compiles what was written.
pub fn darknet(bytes: &[u8]) -> Verdict {
    imported(bytes, "file.cfg")
}

fn imported(bytes: &[u8], name: &str) -> Verdict {
    let folder = folder();
    let path = put(&folder, name, bytes);
    let mut verdict = Verdict::Refused;
    for (form, name) in [(Form::Rolled, "rolled.cnn"), (Form::Flat, "flat.cnn")] {
        let spec = folder.path().join(name);
        match import(&path, &spec, &Options { form, ..Options::default() }) {
            Ok(_) => {
                Model::from_file(&spec).expect("a spec that was proved");
                verdict = Verdict::Taken;
            }
            Err(problem) => {
                refused_file(&problem, &path);
                let written = std::fs::read_dir(folder.path()).expect("the folder").count();
                assert_eq!(written, 1, "something of a refused file was written");
            }
        }
    }
    verdict
}
