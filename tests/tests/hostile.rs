//! Hostile files: the seeds of the fuzz targets, damaged copies of them, and all that was found, through what the targets run.
//!
//! `CONTRIBUTING.md` says how to fuzz, and where a finding goes. `UPDATE_SEEDS=1 cargo test --test hostile` writes the seeds that
//! are cnnc's own files.

use cnnc_tests::hostile::{FORMATS, Reader, Verdict, checkpoint_of_a_run, tuning_of_a_network, weights_of_a_network};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Damaged copies of each seed.
const DAMAGES: u64 = 8;

/// The files of a folder by path; none where there is no folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect()
}

/// Reads a file; a panic names it.
fn verdict(read: Reader, path: &Path, bytes: &[u8]) -> Verdict {
    let read = std::panic::catch_unwind(|| read(bytes));
    read.unwrap_or_else(|_| panic!("{} is a fault of cnnc's: see the panic above", path.display()))
}

#[test]
fn every_seed_is_read_or_refused_as_its_name_says_and_every_finding_somehow() {
    let mut wrong = Vec::new();
    for (format, read) in FORMATS {
        let seeds = files(&Path::new("fuzz/seeds").join(format));
        assert!(
            seeds.keys().any(|path| !is_refused(path)),
            "{format} has no seed that is read: only the doorstep is fuzzed"
        );
        for (path, bytes) in seeds {
            let expected = if is_refused(&path) { Verdict::Refused } else { Verdict::Taken };
            let found = verdict(read, &path, &bytes);
            if found != expected {
                wrong.push(format!("{} is {found:?}", path.display()));
            }
        }
        for (path, bytes) in files(&Path::new("fuzz/findings").join(format)) {
            verdict(read, &path, &bytes);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a seed is one that must be refused: `refused_cut_off.png`.
fn is_refused(seed: &Path) -> bool {
    seed.file_name().is_some_and(|name| name.to_string_lossy().starts_with("refused_"))
}

#[test]
fn damaged_seeds_are_read_or_refused() {
    for (format, read) in FORMATS {
        for (path, bytes) in files(&Path::new("fuzz/seeds").join(format)) {
            for number in 0..DAMAGES {
                let damaged = damaged(&bytes, number);
                verdict(read, Path::new(&format!("{}, damage {number}", path.display())), &damaged);
            }
        }
    }
}

/// The bytes with some changed, cut off or repeated; the same for the same number.
fn damaged(bytes: &[u8], number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ bytes.len() as u64;
    let mut below = |most: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % most.max(1)
    };
    let mut bytes = bytes.to_vec();
    for _ in 0..=number / 2 {
        let place = below(bytes.len());
        match below(4) {
            0 => bytes.truncate(place),
            1 => bytes.extend_from_within(place..),
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = [0, 0xff, b'9', b'{', b'"', b'-', below(256) as u8][below(7)];
                }
            }
        }
    }
    bytes
}

#[test]
fn what_cnnc_writes_it_takes() {
    for (format, name, bytes) in [
        ("safetensors", "written.safetensors", weights_of_a_network()),
        ("checkpoint", "written.safetensors", checkpoint_of_a_run()),
        ("tuning", "written.json", tuning_of_a_network()),
    ] {
        let (_, read) = FORMATS.into_iter().find(|(known, _)| *known == format).expect("a format");
        let path = Path::new("fuzz/seeds").join(format).join(name);
        assert_eq!(verdict(read, &path, &bytes), Verdict::Taken, "{format}");
        if std::env::var_os("UPDATE_SEEDS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, bytes).expect("a seed");
        }
    }
}

#[test]
fn every_target_has_its_folder_and_every_folder_its_target() {
    let manifest: toml::Table = fs::read_to_string("fuzz/Cargo.toml").expect("Cargo.toml").parse().expect("TOML");
    let targets = manifest["bin"].as_array().expect("targets").iter();
    let mut targets: Vec<&str> = targets.map(|target| target["name"].as_str().expect("a name")).collect();
    let mut formats = FORMATS.map(|(format, _)| format).to_vec();
    targets.sort_unstable();
    formats.sort_unstable();
    assert_eq!(targets, formats);
    for folder in ["fuzz/seeds", "fuzz/findings"] {
        for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").file_name()) {
            assert!(formats.iter().any(|format| entry == *format), "{folder}/{} has no target", entry.display());
        }
    }
}
