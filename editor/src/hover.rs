//! Hover: of a layer what it gives and by what arithmetic, what it costs and sees here, then its page of the manual; of an
//! argument what it means; of a name its declaration, and of a call of a block or model its totals; of a budget what it measures.

use crate::analysis::View;
use crate::cursor::Cursor;
use crate::requests::Answer;
use crate::scan::{Inside, is_word};
use crate::signature::Callable;
use crate::state::State;
use cnnc_compiler::budgets;
use cnnc_compiler::index::Site;
use cnnc_compiler::ops::page;
use cnnc_compiler::summary::{ReceptiveField, Row, Seen, grouped};
use cnnc_grammar::span::Span;
use lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};
use std::fmt::Write;

/// What is to be said of the word there.
pub fn hover(state: &State<'_>, asked: HoverParams) -> Answer<Option<Hover>> {
    let at = asked.text_document_position_params;
    let views = state.views(&at.text_document.uri);
    let Some(view) = views.first() else { return Ok(None) };
    let Some((start, end)) = word(view.text(), view.byte(at.position)) else { return Ok(None) };
    let value = of_argument(view, start, end).unwrap_or_else(|| {
        let parts = [
            measured(&views, start),
            here(&views, start),
            declared(&views, start),
            values(&views, start),
            manual(view, start, end),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n---\n\n")
    });
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    let is_empty = matches!(&contents, HoverContents::Markup(markup) if markup.value.is_empty());
    Ok((!is_empty).then(|| Hover { contents, range: Some(view.analysis.range(view.span(start, end))) }))
}

/// The word around a byte that lies in code.
fn word(text: &str, byte: usize) -> Option<(usize, usize)> {
    let (head, tail) = text.split_at_checked(byte)?;
    let start = head.trim_end_matches(is_word).len();
    let end = text.len() - tail.trim_start_matches(is_word).len();
    let is_code = crate::scan::before(text, 0, start).inside == Inside::Code;
    (start < end && is_code).then_some((start, end))
}

/// Of an argument's name in a call of a layer, what it means.
fn of_argument(view: &View, start: usize, end: usize) -> Option<String> {
    let after = view.text().get(end..)?.trim_start();
    let call = Cursor::new(view, end).call().filter(|_| after.starts_with('=') && !after.starts_with("=="))?;
    let Callable::Layer(entry) = Callable::of(view, call.callee)? else { return None };
    let name = view.text().get(start..end)?;
    let argument = entry.signature.arguments.iter().find(|argument| argument.name == name)?;
    Some(format!("`{}`: {}\n\n{}", argument.with_default(), argument.accepts, argument.meaning()))
}

/// What the innermost item there made, in every network of every view.
fn here(views: &[View], byte: usize) -> Option<String> {
    let sites = views.iter().flat_map(|view| {
        let sites = view.analysis.index().layers_at(view.file, byte as u32);
        sites.iter().filter(|site| is_its_own_word(view, site, byte)).map(move |site| (view, site))
    });
    let mut text = String::new();
    for (view, site) in sites {
        let times = if site.times > 1 { format!(", {} times", grouped(site.times as u64)) } else { String::new() };
        let shapes = site.shapes.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let _ = writeln!(text, "**{}**{times}: `{shapes}`  ", site.network);
        for (network, rows) in view.analysis.rows_of(site.statement) {
            if network.graph.name == site.network {
                // A statement that makes a layer a time says how its sizes follow, the first time of several.
                let first = site.first.filter(|_| site.layers == site.times);
                for line in first.map(|node| network.arithmetic(node)).unwrap_or_default() {
                    let _ = writeln!(text, "{line}  ");
                }
                let rows: Vec<&Row> = rows.into_iter().map(|(_, row)| row).collect();
                text += &costs(&rows);
            }
        }
    }
    (!text.is_empty()).then(|| text.trim_end().to_owned())
}

/// Whether a word belongs to a statement itself, and neither to its arguments nor to its body.
fn is_its_own_word(view: &View, site: &Site, byte: usize) -> bool {
    let Span { start, end, .. } = site.statement;
    let head = view.text().get(start as usize..end as usize).unwrap_or("");
    head.find(['(', '{']).is_none_or(|bracket| byte <= start as usize + bracket)
}

/// What some layers cost together, and what the last of them sees.
fn costs(rows: &[&Row]) -> String {
    let parameters: u64 = rows.iter().map(|row| row.cost.parameters).sum();
    let macs = rows.iter().try_fold(0u64, |sum, row| Some(sum.saturating_add(row.cost.macs?)));
    let macs = macs.map_or_else(|| "MACs open".into(), |macs| format!("{} MACs", grouped(macs)));
    let mut text = match rows {
        [row] => format!("`{}` ", row.path),
        rows => format!("{} layers: ", grouped(rows.len() as u64)),
    };
    let _ = write!(text, "{} parameters, {macs}", grouped(parameters));
    if let Some(field) = rows.last().and_then(|row| row.receptive_field).filter(is_told) {
        let _ = write!(text, ", receptive field {field}");
    }
    text + "  \n"
}

/// Whether a receptive field says something: one element sees one.
fn is_told(field: &ReceptiveField) -> bool {
    (field.height, field.width) != (Seen::Elements(1), Seen::Elements(1))
}

/// What the budget there measures, in every network of every view.
fn measured(views: &[View], byte: usize) -> Option<String> {
    let mut text = String::new();
    for view in views {
        let is_here = |span: Span| span.file == view.file && (span.start as usize..span.end as usize).contains(&byte);
        for network in &view.analysis.checked.networks {
            for budget in network.graph.budgets.iter().filter(|budget| is_here(budget.measure_span)) {
                let told = budgets::told(budget, network).unwrap_or_else(|| "cannot be measured so".into());
                let _ = writeln!(text, "**{}**: {told}  ", network.graph.name);
            }
        }
    }
    (!text.is_empty()).then(|| text.trim_end().to_owned())
}

/// The head of what is declared, with the comment before it.
fn declared(views: &[View], byte: usize) -> Option<String> {
    views.iter().find_map(|view| {
        let declaration = view.analysis.index().declaration_at(view.file, byte as u32)?;
        let text = view.analysis.text(declaration.file);
        let (before, _) = text.split_at_checked(declaration.start as usize)?;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end =
            text.get(declaration.end as usize..)?.find('\n').map_or(text.len(), |end| declaration.end as usize + end);
        let mut comments: Vec<&str> =
            text.get(..start)?.lines().rev().take_while(|line| line.trim_start().starts_with('#')).collect();
        comments.reverse();
        let comments: Vec<&str> =
            comments.iter().map(|line| line.trim_start().trim_start_matches('#').trim()).collect();
        let line = text.get(start..end)?.trim();
        Some(format!("```cnn\n{line}\n```\n{}", comments.join("\n")).trim_end().to_owned())
    })
}

/// What a parameter, or a name that a loop or `let` binds, stands for in all networks of all views, each network once.
fn values(views: &[View], byte: usize) -> Option<String> {
    let mut told = Vec::new();
    for view in views {
        let index = view.analysis.index();
        let declaration = index.declaration_at(view.file, byte as u32).unwrap_or(view.span(byte, byte));
        for (network, bound) in index.values_of(declaration) {
            let times =
                if bound.times > 1 { format!(", {} times", grouped(bound.times as u64)) } else { String::new() };
            let line = format!("**{network}**{times}: `{bound}`  ");
            if !told.contains(&line) {
                told.push(line);
            }
        }
    }
    (!told.is_empty()).then(|| told.join("\n"))
}

/// The page of a layer or join.
fn manual(view: &View, start: usize, end: usize) -> Option<String> {
    let name = view.text().get(start..end)?;
    let after = view.text().get(end..)?.trim_start_matches(' ');
    match Callable::of(view, name)? {
        Callable::Layer(entry) if !after.starts_with(':') => Some(page(entry).trim().to_owned()),
        Callable::Layer(_) | Callable::Declared(..) => None,
    }
}
