//! Plan to program: each step by the family of its kernel, equal entries once.

use super::kernels::{Call, conv, gemm, library, map, pad, reduce, resample, window};
use super::program::{Entry, Launch, Options, Program};
use crate::cpu::{self, Work};
use crate::failure::{Result, fault};
use cnnc_compiler::kernels::Kernel;
use cnnc_compiler::plan::{Plan, Step};
use std::collections::HashMap;

impl Program {
    /// The program of a plan that was made for a target without blocks of channels.
    ///
    /// # Errors
    /// E499 when the plan does not keep the rules of plans, or has more blocks than a device launches.
    pub fn of(plan: &Plan, options: &Options) -> Result<Program> {
        cpu::check(plan)?;
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
            let mut work = cpu::work(step);
            for call in calls(step, self.options)? {
                launches.push(self.launch(call, number, std::mem::take(&mut work))?);
            }
        }
        Ok(launches)
    }

    fn launch(&mut self, call: Call, step: usize, work: Work) -> Result<Launch> {
        let Call { family, text, grid, threads, arguments, workspace } = call;
        self.workspace = self.workspace.max(workspace);
        let fits = [i32::MAX as usize, 65535, 65535].iter().zip(grid).all(|(&most, blocks)| blocks <= most);
        if !fits {
            return Err(fault(format!("step {step}, `{family}`, wants {grid:?} blocks")));
        }
        let next = format!("{family}_{}", self.entries.len());
        let entry = self.names.entry(text).or_insert_with_key(|text| {
            self.entries.push(Entry { name: next.clone(), text: text.replace('@', &next) });
            next
        });
        let grid = grid.map(|blocks| blocks as u32);
        let block = [threads as u32, 1, 1];
        Ok(Launch { entry: entry.clone(), grid, block, shared_bytes: 0, arguments, step, work })
    }
}

/// The launches of a step.
fn calls(step: &Step, options: &Options) -> Result<Vec<Call>> {
    Ok(match &step.kernel {
        Kernel::Conv { window, groups } => conv::conv(step, window, *groups, options),
        Kernel::ConvData { window, groups } => conv::conv_data(step, window, *groups, options),
        Kernel::ConvWeight { window, groups } => conv::conv_weight(step, window, *groups, options),
        Kernel::Gemm { transpose_a, transpose_b } => gemm::gemm(step, *transpose_a, *transpose_b, options),
        Kernel::Window { axes, pooling } => window::window(step, axes, pooling),
        Kernel::WindowGrad { axes, pooling } => window::window_grad(step, axes, pooling),
        Kernel::Reduce { reduction, axes } => reduce::reduce(step, *reduction, axes),
        Kernel::Map(expression) => map::map(step, expression),
        Kernel::Resample(resampling) => resample::resample(step, resampling),
        Kernel::ResampleGrad(resampling) => resample::resample_grad(step, resampling),
        Kernel::Pad { padding } => pad::pad(step, padding),
        Kernel::Input(_)
        | Kernel::Parameter(_)
        | Kernel::Reshape
        | Kernel::Permute { .. }
        | Kernel::Slice { .. }
        | Kernel::Concat { .. }
        | Kernel::Reorder { .. }
        | Kernel::Pack(_) => {
            return Err(fault(format!("`{}` is no step for a CUDA device", step.kernel.name())));
        }
    })
}
