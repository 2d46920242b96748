//! Plan to program: each step by the family of its kernel, equal entries once.

use super::kernels::product::Problem;
use super::kernels::{LaunchRequest, What, conv, gemm, library, map, pad, pool, product, reduce, resample};
use super::methods::ProductMethod;
use super::program::{Entry, Launch, Options, Program, Task};
use crate::failure::{Result, fault};
use crate::tuning::{Candidate, Choice, Tuning};
use cnnc_compiler::plan::{self, Operation, Plan, Step, Work};
use std::collections::{BTreeSet, HashMap};

impl Program {
    /// The program of a plan that was made for a target without blocks of channels.
    ///
    /// # Errors
    /// E499 when the plan does not keep the rules of plans, or has more blocks than a device launches.
    pub fn of(plan: &Plan, options: &Options) -> Result<Program> {
        plan::verify(plan).map_err(fault)?;
        let mut writer = Writer { options, entries: Vec::new(), names: HashMap::new(), workspace: 0 };
        let prepare = writer.launches(&plan.prepare)?;
        let run = writer.launches(&plan.run)?;
        let Writer { entries, workspace, .. } = writer;
        Ok(Program { library: library(), entries, prepare, run, workspace_elements: workspace })
    }
}

/// What is written so far.
struct Writer<'a> {
    options: &'a Options,
    entries: Vec<Entry>,
    /// Entries by their text without a name.
    names: HashMap<String, String>,
    workspace: usize,
}

impl Writer<'_> {
    fn launches(&mut self, steps: &[Step]) -> Result<Vec<Launch>> {
        let mut launches = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            if step.output.elements() == 0 {
                continue;
            }
            let mut work = plan::work(step);
            for request in requests(step, self.options)? {
                launches.push(self.launch(request, number, std::mem::take(&mut work))?);
            }
        }
        Ok(launches)
    }

    fn launch(&mut self, request: LaunchRequest, step: usize, work: Work) -> Result<Launch> {
        let LaunchRequest { what, arguments, workspace } = request;
        self.workspace = self.workspace.max(workspace);
        let task = match what {
            What::Entry { family, text, grid, threads } => self.entry(step, family, text, grid, threads)?,
            What::Library(operation) => Task::Library(operation),
        };
        Ok(Launch { task, arguments, step, work })
    }

    /// A launch of an entry: of a new one, or of one with the same text.
    fn entry(&mut self, step: usize, family: &str, text: String, grid: [usize; 3], threads: usize) -> Result<Task> {
        let fits = [i32::MAX as usize, 65535, 65535].iter().zip(grid).all(|(&most, blocks)| blocks <= most);
        if !fits {
            return Err(fault(format!("step {step}, `{family}`, wants {grid:?} blocks")));
        }
        let next = format!("{family}_{}", self.entries.len());
        let name = self.names.entry(text).or_insert_with_key(|text| {
            self.entries.push(Entry { name: next.clone(), text: text.replace('@', &next) });
            next
        });
        Ok(Task::Entry { name: name.clone(), grid: grid.map(|blocks| blocks as u32), block: [threads as u32, 1, 1] })
    }
}

/// The steps of `run` that can be computed by more than one method worth measuring.
pub fn choices(plan: &Plan, options: &Options) -> Vec<Choice<ProductMethod>> {
    let choice = |(number, step): (usize, &Step)| {
        let problem = problem(step)?;
        let (key, first, mut all) =
            (problem.key(options.precision), problem.method(options)?, problem.worthwhile(options));
        if !all.contains(&first) {
            all.insert(0, first);
        }
        Some(Choice { step: number, key, first, all }).filter(|choice| choice.all.len() > 1)
    };
    plan.run.iter().enumerate().filter_map(choice).collect()
}

/// What is taken in the place of the first method, as text: a line a kind of product, in order; none where everything is
/// computed as it is unasked.
pub fn tuned(plan: &Plan, options: &Options) -> BTreeSet<String> {
    let unasked = Options { tuning: Tuning::default(), ..options.clone() };
    let taken = |step: &Step| {
        let problem = problem(step)?;
        let method = problem.method(options).filter(|method| problem.method(&unasked) != Some(*method))?;
        Some(format!("{}: {}", problem.key(options.precision), method.name()))
    };
    plan.prepare.iter().chain(&plan.run).filter_map(taken).collect()
}

/// A step as a product; `None` where it is none.
pub fn problem(step: &Step) -> Option<Problem<'_>> {
    match &step.operation {
        Operation::Conv(one) => Some(conv::conv(step, &one.0.window, one.0.groups)),
        Operation::ConvData(one) => Some(conv::conv_data(step, &one.0.window, one.0.groups)),
        Operation::ConvWeight(one) => Some(conv::conv_weight(step, &one.0.window, one.0.groups)),
        Operation::Gemm(one) => Some(gemm::gemm(step, one.transpose_a, one.transpose_b)),
        _ => None,
    }
}

/// The launches of a step.
fn requests(step: &Step, options: &Options) -> Result<Vec<LaunchRequest>> {
    if let Some(problem) = problem(step) {
        return Ok(product::launches(&problem, options));
    }
    Ok(match &step.operation {
        Operation::Pool(one) => pool::pool(step, &one.axes, &one.pooling),
        Operation::PoolGrad(one) => vec![pool::pool_grad(step, &one.axes, &one.pooling)],
        Operation::Reduce(one) => reduce::reduce(step, one.reduction, &one.axes),
        Operation::Map(expression) => map::map(step, expression),
        Operation::Resample(one) => vec![resample::resample(step, &one.0)],
        Operation::ResampleGrad(one) => vec![resample::resample_grad(step, &one.0)],
        Operation::Pad(one) => vec![pad::pad(step, &one.padding)],
        other => return Err(fault(format!("`{}` is no step for a CUDA device", other.name()))),
    })
}
