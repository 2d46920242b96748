//! `cnnc summary FILE --symbolic`: shapes and costs as closed forms, in the sizes that the spec leaves open and in the model's
//! own whole numbers.

use super::lines::{layer, lines, path};
use super::table::{self, Column};
use crate::arguments::{self, Format};
use crate::console::{Console, Outcome};
use crate::model;
use cnnc_compiler::check::Spec;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::summary::symbolic::{Form, Forms, Setting, Symbolic, symbolic};
use cnnc_compiler::summary::{OutlineRow, Summary};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::ast::{Declaration, Expr, ExprKind, ItemKind, Preset, TypeKind};
use cnnc_grammar::span::Files;
use cnnc_runtime::{Disk, Model};
use serde::Serialize;

const COLUMNS: [Column; 5] = [("path", false), ("layer", false), ("output", false), ("params", false), ("MACs", false)];

/// Prints the forms.
pub fn print(model: &Model, arguments: &arguments::Summary, console: &mut Console<'_>) -> Outcome {
    let found = forms(model, arguments, console)?;
    let summary = model.summary(&Bindings::new(), Some(0));
    match arguments.format {
        Format::Json => json(&found, &summary, console),
        Format::Table => table(&found, &summary, arguments.depth, console),
        Format::Torch | Format::Tree | Format::Yaml | Format::Html => {
            let message = "closed forms are written as a table or as JSON";
            let refused = Diagnostic::without_place(Code::E206, message);
            Err(console.fail(&refused.help("leave `--format` out, or give `--format json`"), &Files::default()))
        }
    }
}

/// The forms of a network, which is written out again with other values of its parameters.
fn forms(model: &Model, arguments: &arguments::Summary, console: &mut Console<'_>) -> Outcome<Symbolic> {
    let file = model::name(&arguments.file, console)?;
    let spec = Spec::read(file, &Disk, &mut ());
    let mut settings = settings(&spec, model.name());
    for (name, value) in &arguments.model.set {
        settings.retain(|(known, _)| **known != **name);
        settings.extend(value.parse().ok().map(|value| (name.as_str().into(), value)));
    }
    let with = |values: &[Setting]| -> Option<ShapedGraph> {
        let mut request = model::request(&arguments.model);
        request.model = Some(model.name().to_owned());
        request.settings.retain(|(name, _)| !values.iter().any(|(known, _)| **known == **name));
        request.settings.extend(values.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        Spec::read(file, &Disk, &mut ()).plain_network(&request)
    };
    Ok(console.timed("forms", || symbolic(model.graph(), &settings, &with)))
}

/// The whole numbers that a model has as parameters, with the values that its presets and defaults give as literals.
fn settings(spec: &Spec<'_>, model: &str) -> Vec<Setting> {
    let items = || spec.loaded.trees.iter().flat_map(|(_, tree)| &tree.items);
    let (mut name, mut presets): (&str, Vec<&Preset>) = (model, Vec::new());
    let declaration: &Declaration = loop {
        let found = items().find_map(|item| match &item.kind {
            ItemKind::Declaration(declaration) if declaration.name.text == name => Some(Ok(declaration)),
            ItemKind::Preset(preset) if preset.name.text == name => Some(Err(preset)),
            _ => None,
        });
        match found {
            Some(Ok(declaration)) => break declaration,
            Some(Err(preset)) if presets.len() < MOST_PRESETS => {
                presets.push(preset);
                name = &preset.base.callee.text;
            }
            _ => return Vec::new(),
        }
    };
    let whole = |value: &Expr| if let ExprKind::Int(number) = &value.kind { Some(number.value) } else { None };
    let parameters = declaration.parameters.iter().enumerate().filter_map(|(place, parameter)| {
        let is_int = matches!(&parameter.ty.kind, TypeKind::Named(name) if name == "int");
        let given = presets.iter().find_map(|preset| {
            let mut arguments = preset.base.arguments.iter().flatten().enumerate();
            arguments.find_map(|(at, argument)| match &argument.key {
                Some(key) => (key.text == parameter.name.text).then_some(&argument.value),
                None => (at == place).then_some(&argument.value),
            })
        });
        let value = given.or(parameter.default.as_ref()).filter(|_| is_int)?;
        Some((parameter.name.text.as_str().into(), whole(value)?))
    });
    parameters.collect()
}

/// Presets that stand on each other; more are an error elsewhere.
const MOST_PRESETS: usize = 1000;

fn table(found: &Symbolic, summary: &Summary, depth: Option<usize>, console: &mut Console<'_>) -> Outcome {
    let rows: Vec<OutlineRow> = found.rows.iter().map(|row| row.row.clone()).collect();
    let lines = lines(&rows, depth);
    console.print(&table::title(summary, console))?;
    let cells = |index: usize| {
        let line = &lines[index];
        let first = &found.rows[line.first];
        let cost = first.cost.repeated(line.count);
        let cells =
            [path(&rows, line), layer(&rows, line), shape(&first.output), text(&cost.parameters), text(&cost.macs)];
        (cells, line.is_open)
    };
    table::print(&COLUMNS, lines.len(), &cells, console)?;
    for (name, form) in named(&found.totals) {
        console.print(&format!(" {name:<16}  {}\n", text(form)))?;
    }
    let outputs: Vec<String> = found.outputs.iter().map(|sizes| shape(sizes)).collect();
    console.print(&format!(" {:<16}  {}\n", "output", outputs.join(", ")))?;
    if !found.kept.is_empty() {
        let kept: Vec<String> = found.kept.iter().map(|(name, value)| format!("{name} (here {value})")).collect();
        console.print(&format!(" {:<16}  {}\n", "symbols", kept.join(", ")))?;
    }
    for ((name, value), reason) in &found.bound {
        console.print(&format!(" {:<16}  {name} = {value}: {reason}\n", "bound"))?;
    }
    match super::sizes_in_words(&summary.totals.sizes) {
        Some(words) => console.print(&format!(" {:<16}  {words}\n", "valid sizes")),
        None => Ok(()),
    }
}

fn named(forms: &Forms) -> [(&'static str, &Option<Form>); 4] {
    [
        ("parameters", &forms.parameters),
        ("buffers", &forms.buffers),
        ("MACs", &forms.macs),
        ("activation bytes", &forms.activation_bytes),
    ]
}

/// A question mark where there is no closed form, a dash for none at all.
fn text(form: &Option<Form>) -> String {
    match form.as_ref().map(ToString::to_string) {
        None => "?".into(),
        Some(zero) if zero == "0" => "–".into(),
        Some(text) => text,
    }
}

/// `[N, 2·width, H//2, W//2]`
fn shape(sizes: &[Form]) -> String {
    // Commas part sizes here, and not thousands.
    let size = |form: &Form| form.to_string().replace(',', "");
    format!("[{}]", sizes.iter().map(size).collect::<Vec<_>>().join(", "))
}

#[derive(Serialize)]
struct Data<'a> {
    model: &'a str,
    symbols: Vec<Parameter<'a>>,
    bound: Vec<Parameter<'a>>,
    rows: Vec<RowData<'a>>,
    totals: CostData,
    outputs: Vec<Vec<String>>,
}

#[derive(Serialize)]
struct Parameter<'a> {
    name: &'a str,
    value: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct RowData<'a> {
    path: &'a str,
    layer: &'a str,
    level: usize,
    output_shape: Vec<String>,
    #[serde(flatten)]
    cost: CostData,
}

#[derive(Serialize)]
struct CostData {
    params: Option<String>,
    buffers: Option<String>,
    macs: Option<String>,
    activation_bytes: Option<String>,
}

fn costs(forms: &Forms) -> CostData {
    let [params, buffers, macs, activation_bytes] =
        named(forms).map(|(_, form)| form.as_ref().map(|form| form.to_string().replace(',', "")));
    CostData { params, buffers, macs, activation_bytes }
}

fn json(found: &Symbolic, summary: &Summary, console: &mut Console<'_>) -> Outcome {
    let sizes = |forms: &[Form]| forms.iter().map(|form| form.to_string().replace(',', "")).collect::<Vec<String>>();
    let data = Data {
        model: &summary.model,
        symbols: found.kept.iter().map(|(name, value)| Parameter { name, value: *value, reason: None }).collect(),
        bound: found
            .bound
            .iter()
            .map(|((name, value), reason)| Parameter { name, value: *value, reason: Some(reason) })
            .collect(),
        rows: found
            .rows
            .iter()
            .filter(|row| row.row.level > 0)
            .map(|row| RowData {
                path: &row.row.path,
                layer: &row.row.layer,
                level: row.row.level,
                output_shape: sizes(&row.output),
                cost: costs(&row.cost),
            })
            .collect(),
        totals: costs(&found.totals),
        outputs: found.outputs.iter().map(|output| sizes(output)).collect(),
    };
    console.print_data(|output| {
        serde_json::to_writer_pretty(&mut *output, &data)?;
        output.write_all(b"\n")
    })
}
