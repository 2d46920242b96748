//! The grammar comes in, the parser goes out to `src/`, and what holds it to its word: every text of the corpus has the tree that
//! is written below it, every spec of the folders that are named has no error in its tree, and every query names nodes that
//! there are.
//!
//! `cargo run --manifest-path editor/tree-sitter/check/Cargo.toml -- models tests/cases/valid`

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tree_sitter::{Language, Node, Parser, Query};
use tree_sitter_generate::generate_parser_in_directory;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let grammar = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match checked(&grammar, &folders) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn checked(grammar: &Path, folders: &[PathBuf]) -> Outcome<String> {
    let language = made(grammar)?;
    let mut parser = Parser::new();
    parser.set_language(&language)?;
    let mut wrong = Vec::new();
    let cases = corpus(&grammar.join("test/corpus"))?;
    for Case { name, text, tree } in &cases {
        let found = parser.parse(text, None).ok_or("nothing was parsed")?.root_node().to_sexp();
        if found != *tree {
            wrong.push(format!("{name}:\n  expected {tree}\n  found    {found}"));
        }
    }
    let mut specs = Vec::new();
    folders.iter().try_for_each(|folder| gather(folder, &mut specs))?;
    for path in &specs {
        let text = fs::read_to_string(path)?;
        let tree = parser.parse(&text, None).ok_or("nothing was parsed")?;
        wrong.extend(error_in(tree.root_node()).map(|place| format!("{}:{place}", path.display())));
    }
    let mut queries = 0;
    for entry in fs::read_dir(grammar.join("queries"))? {
        let path = entry?.path();
        queries += 1;
        if let Err(error) = Query::new(&language, &fs::read_to_string(&path)?) {
            wrong.push(format!("{}: {error}", path.display()));
        }
    }
    if cases.is_empty() || queries == 0 || (specs.is_empty() && !folders.is_empty()) {
        return Err("there are no texts in the corpus, no queries or no specs".into());
    }
    match wrong.is_empty() {
        true => Ok(format!("{} texts, {} specs and {queries} queries are right", cases.len(), specs.len())),
        false => Err(wrong.join("\n").into()),
    }
}

/// The parser, made from the grammar, compiled and loaded.
fn made(grammar: &Path) -> Outcome<Language> {
    const ABI: usize = 15;
    let source = grammar.join("src");
    fs::create_dir_all(&source)?;
    let file = grammar.join("grammar.js");
    let (level, mut told) = (Default::default(), Vec::new());
    generate_parser_in_directory(grammar, Some(&source), Some(&file), ABI, None, None, true, level, &mut told)?;
    let library = source.join("cnn.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let mut command = Command::new(compiler);
    command.args(["-shared", "-fPIC", "-O1", "-I"]).arg(&source).arg(source.join("parser.c")).arg("-o").arg(&library);
    if !command.status()?.success() {
        return Err("the parser does not compile".into());
    }
    // It lives as long as the program.
    let library: &'static libloading::Library = Box::leak(Box::new(unsafe { libloading::Library::new(&library)? }));
    let function: libloading::Symbol<'_, unsafe extern "C" fn() -> *const ()> =
        unsafe { library.get(b"tree_sitter_cnn")? };
    Ok(Language::new(unsafe { tree_sitter_language::LanguageFn::from_raw(*function) }))
}

/// A text with its tree.
struct Case {
    name: String,
    text: String,
    tree: String,
}

/// The files of the corpus, in the form of tree-sitter's own tests: a name between lines of `=`, a text, `---`, a tree.
fn corpus(folder: &Path) -> Outcome<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder)? {
        let text = fs::read_to_string(entry?.path())?;
        let mut parts = text.split("==================\n").skip(1);
        while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
            let (text, tree) = rest.split_once("\n---\n").ok_or_else(|| format!("{name} has no tree"))?;
            // Trees are written over many lines, and told on one.
            let tree = tree.split_whitespace().collect::<Vec<_>>().join(" ").replace(" )", ")");
            cases.push(Case { name: name.trim().into(), text: text.trim_start_matches('\n').into(), tree });
        }
    }
    Ok(cases)
}

/// All specs of a folder and of those in it.
fn gather(folder: &Path, specs: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, specs)?;
        } else if path.extension().is_some_and(|ending| ending == "cnn") {
            specs.push(path);
        }
    }
    Ok(())
}

/// Where the first error of a tree is: line, column and what stands there.
fn error_in(node: Node<'_>) -> Option<String> {
    if !node.has_error() {
        return None;
    }
    let mut cursor = node.walk();
    let inner = node.children(&mut cursor).find_map(error_in);
    inner.or_else(|| {
        let (place, kind) = (node.start_position(), if node.is_missing() { "missing" } else { "error" });
        Some(format!("{}:{}: {kind} {}", place.row + 1, place.column + 1, node.kind()))
    })
}
