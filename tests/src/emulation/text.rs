//! Programs as one C++ file: the library, a namespace a case, and a table of what to launch; and how storages are numbered in it.

use super::{Case, words};
use cnnc_compiler::plan::{Step, Storage, View};
use cnnc_runtime::cuda::program::{Argument, Launch, Program, Task};
use std::collections::HashMap;
use std::fmt::Write;

/// The steps of a case in order, with their launches.
pub fn steps<'a>(case: &'a Case, program: &'a Program) -> Vec<(&'a Step, Vec<&'a Launch>)> {
    let of = |steps: &'a [Step], launches: &'a [Launch]| {
        let launches_of = move |number: usize| launches.iter().filter(|launch| launch.step == number).collect();
        steps.iter().enumerate().map(move |(number, step)| (step, launches_of(number)))
    };
    of(&case.plan.prepare, &program.prepare).chain(of(&case.plan.run, &program.run)).collect()
}

/// The C++ of all cases: the library, a namespace a case, and a table of launches. What two cases have alike is written once.
pub fn text(cases: &[Case], programs: &[Program]) -> String {
    let mut text = String::from("#include \"shim.h\"\n\n");
    text += &programs.first().map(|program| program.library.clone()).unwrap_or_default();
    let mut known: HashMap<String, String> = HashMap::new();
    let mut tables = String::new();
    for (number, (case, program)) in cases.iter().zip(programs).enumerate() {
        let mut places: HashMap<&str, String> = HashMap::new();
        let mut own = String::new();
        for entry in &program.entries {
            let place = known.entry(entry.text.replace(&entry.name, "@")).or_insert_with(|| {
                own += &entry.text;
                format!("case_{number}::{}", entry.name)
            });
            places.insert(&entry.name, place.clone());
        }
        let _ = write!(text, "namespace case_{number} {{\n{own}}}\n\n");
        let _ = writeln!(tables, "    {{{:?}, {{", case.name);
        let steps = steps(case, program);
        for launch in steps.iter().flat_map(|(_, launches)| launches) {
            tables += &launch_line(case, launch, &places[entry(launch).0]);
        }
        tables += "    }, {\n";
        for (step, launches) in &steps {
            let output = words(&step.output);
            let (offset, View { storage, shape, strides, .. }) = (output.offset(), &output);
            let list = |numbers: &[usize]| format!("{numbers:?}").replace('[', "{").replace(']', "}");
            let storage = storage_number(case, *storage);
            let _ = writeln!(
                tables,
                "        {{{}, {storage}, {offset}, {}, {}}},",
                launches.len(),
                list(shape),
                list(strides)
            );
        }
        tables += "    }},\n";
    }
    let _ = write!(
        text,
        "int main(int, char** words) {{\n    const std::vector<emulation::Case> cases = {{\n{tables}    }};\n    return emulation::run_cases(cases, words[1], words[2]);\n}}\n"
    );
    text
}

/// The name of what is launched, its blocks, and the threads of one.
pub fn entry(launch: &Launch) -> (&str, [u32; 3], u32) {
    match &launch.task {
        Task::Entry { name, grid, block } => (name, *grid, block[0]),
        Task::Library(operation) => panic!("{operation} is no kernel of ours"),
    }
}

fn launch_line(case: &Case, launch: &Launch, place: &str) -> String {
    let argument = |argument: &Argument| match *argument {
        Argument::At { storage, offset } => format!("{{{}, {offset}}}", storage_number(case, storage)),
        Argument::Workspace(offset) => format!("{{{}, {offset}}}", first_own(case) + 2 + case.plan.prepared.len()),
    };
    let arguments: Vec<String> = launch.arguments.iter().map(argument).collect();
    let pointers: Vec<String> = (0..arguments.len()).map(|index| format!("emulation::Address{{p[{index}]}}")).collect();
    let (name, [x, y, z], threads) = entry(launch);
    format!(
        "        {{\"{name}\", [](float* const* p) {{ {place}({}); }}, {{{x}, {y}, {z}}}, {threads}, {{{}}}}},\n",
        pointers.join(", "),
        arguments.join(", ")
    )
}

/// The number of the first storage after inputs and parameters: scratch, then arena, what is prepared and the workspace.
fn first_own(case: &Case) -> usize {
    case.plan.inputs.len() + case.plan.parameters.len()
}

/// The number of a storage.
pub fn storage_number(case: &Case, storage: Storage) -> usize {
    match storage {
        Storage::Input(index) => index,
        Storage::Parameter(index) => case.plan.inputs.len() + index,
        Storage::Scratch => first_own(case),
        Storage::Arena => first_own(case) + 1,
        Storage::Prepared(index) => first_own(case) + 2 + index,
        Storage::Output(_) => unreachable!("plans for a device leave outputs among their values"),
    }
}
