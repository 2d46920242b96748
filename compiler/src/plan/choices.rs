//! The convolutions of a plan that is there: how each is computed, and how it could be. What measures methods begins here.

use super::method::Convolution;
use super::{Blocks, Plan, Step, Storage};
use crate::kernels::Method;

/// A convolution of a plan over channels in blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its place in the plan's `run`.
    pub step: usize,
    /// Its sizes: what measured choices are kept under.
    pub key: String,
    /// The method that the plan uses.
    pub method: Method,
    /// The methods that can compute it, the plainest first.
    pub methods: Vec<Method>,
}

/// The convolutions of a plan that was made for these blocks, in the order of its run.
pub fn choices(plan: &Plan, blocks: &Blocks) -> Vec<Choice> {
    let choice = |(step, content): (usize, &Step)| {
        let (convolution, method) = (convolution(content)?, content.packing?.method);
        Some(Choice { step, key: convolution.key(), method, methods: convolution.methods(blocks) })
    };
    plan.run.iter().enumerate().filter_map(choice).collect()
}

/// The convolution that a step computes over packed weights.
fn convolution(step: &Step) -> Option<Convolution> {
    let packing = step.packing?;
    let input = &step.operands.first()?.shape;
    let (&[batch, _, height, width, ..], &[_, _, rows, columns, ..]) = (input.as_slice(), step.output.shape.as_slice())
    else {
        return None;
    };
    let channels = [packing.in_channels, packing.out_channels];
    let sizes = [[height, width], [rows, columns]];
    let packs_each_run = step.operands.get(1).is_some_and(|weights| weights.storage == Storage::Arena);
    let convolution = Convolution::new(&step.kernel, batch, channels, sizes, input.len() == 5)?;
    Some(Convolution { packs_each_run, ..convolution })
}

#[cfg(test)]
mod tests {
    use super::choices;
    use crate::kernels::Method;
    use crate::kernels::testing::TestGraph;
    use crate::plan::{Blocks, Target, plan};

    #[test]
    fn a_choice_is_found_again_under_the_planner_s_own_key() {
        let (mut test, x) = TestGraph::new(&[1, 32, 12, 12]);
        let y = test.conv(x, 32, 3, true);
        let last = test.conv(y, 32, 1, true);
        let graph = test.finish(last);
        let mut target = Target::blocked();
        let made = |target: &Target| choices(&plan(&graph, target).unwrap(), &Blocks::reference());
        let before = made(&target);
        let methods = [Method::Direct, Method::Winograd(2), Method::Winograd(4)];
        assert_eq!((before.len(), before[0].methods.as_slice()), (2, methods.as_slice()));
        assert_eq!(before[1].methods, [Method::Direct]);
        for method in methods {
            let blocks = target.blocks.as_mut().unwrap();
            blocks.chosen = before.iter().map(|choice| (choice.key.clone(), method)).collect();
            assert_eq!(made(&target).iter().map(|choice| choice.method).collect::<Vec<_>>(), [method, Method::Direct]);
        }
    }
}
