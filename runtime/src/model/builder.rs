//! Which model of which text, and with which arguments.

use crate::{Disk, Error, Model, Result, spec_name};
use cnnc_compiler::check::{Checked, Spec};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_compiler::watch::Watch;
use std::path::Path;

/// What is asked for. Whatever is said twice, the later counts.
#[derive(Default)]
#[must_use]
pub struct ModelBuilder<'s> {
    request: Request,
    sources: Option<&'s dyn Sources>,
}

/// A spec that is text, as the only file there is.
struct Text<'t> {
    name: &'t str,
    text: &'t str,
}

impl Sources for Text<'_> {
    fn read(&self, path: &str, _importer: Option<&str>) -> std::result::Result<(String, String), String> {
        let Text { name, text } = self;
        let none = || format!("there is no such file: `{name}` is text, and imports nothing");
        (path == *name).then(|| (path.into(), (*text).into())).ok_or_else(none)
    }
}

impl<'s> ModelBuilder<'s> {
    /// The model of this name; without it, the last of the file.
    pub fn model(mut self, name: &str) -> Self {
        self.request.model = Some(name.into());
        self
    }

    /// A parameter of the model, its value in the language's own syntax: `set("num_classes", "10")`.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.request.settings.retain(|(known, _)| known != name);
        self.request.settings.push((name.into(), value.into()));
        self
    }

    /// Sizes of the inputs in the place of those of the spec, one list an input in order.
    pub fn input_shapes(mut self, shapes: &[&[usize]]) -> Self {
        self.request.input_shapes = shapes.iter().map(|shape| shape.to_vec()).collect();
        self
    }

    /// All of that at once, as the compiler is asked.
    pub fn request(self, request: Request) -> Self {
        Self { request, ..self }
    }

    /// Where specs and imports are read from; without it, the disk.
    pub fn sources<'o>(self, sources: &'o dyn Sources) -> ModelBuilder<'o> {
        ModelBuilder { request: self.request, sources: Some(sources) }
    }

    /// The model of a file.
    ///
    /// # Errors
    /// With everything that is wrong with the spec; E601 when there is no such file.
    pub fn file(self, path: impl AsRef<Path>) -> Result<Model> {
        self.named(spec_name(path.as_ref())?, &mut ())
    }

    /// The model of a text, which imports nothing; `name` is what messages call it.
    ///
    /// # Errors
    /// With everything that is wrong with the spec.
    pub fn text(self, name: &str, text: &str) -> Result<Model> {
        self.sources(&Text { name, text }).named(name, &mut ())
    }

    /// The model of the source of that name, while somebody is told how long each stage takes.
    ///
    /// # Errors
    /// With everything that is wrong with the spec.
    pub fn named(&self, name: &str, watch: &mut dyn Watch) -> Result<Model> {
        let sources = self.sources.unwrap_or(&Disk);
        let Checked { files, problems, mut networks, .. } =
            Spec::read(name, sources, watch).network(&self.request, watch);
        match networks.pop() {
            Some(graph) => Ok(Model::of(graph, files, problems)),
            None => Err(Error::of_spec(problems, files)),
        }
    }
}
