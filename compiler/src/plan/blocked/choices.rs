//! The convolutions of a plan that is there: how each is computed, and how it could be. What measures methods begins here.

use super::{Blocks, Method, PackedConv};
use crate::plan::operation::Operation;
use crate::plan::{Plan, Step};

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
    let choice = |(number, step): (usize, &Step)| {
        let Operation::PackedConv(PackedConv { convolution, method, .. }) = &step.operation else { return None };
        let input_is_blocked = step.operands.first()?.shape.len() == 5;
        let methods = convolution.methods(blocks, input_is_blocked);
        Some(Choice { step: number, key: convolution.key(), method: *method, methods })
    };
    plan.run.iter().enumerate().filter_map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::{Blocks, Method, choices};
    use crate::kernels::test_graph::TestGraph;
    use crate::plan::{Scheme, Target, plan};

    #[test]
    fn a_choice_is_found_again_under_the_planner_s_own_key() {
        let (mut test, x) = TestGraph::new(&[1, 32, 12, 12]);
        let y = test.conv(x, 32, 3, true);
        let last = test.conv(y, 32, 1, true);
        let graph = test.finish(last);
        let mut target = Target::blocked();
        let made = |target: &Target| choices(&plan(&graph, target).unwrap(), &Blocks::reference());
        let before = made(&target);
        let methods = [Method::Direct, Method::Winograd(Scheme::F2), Method::Winograd(Scheme::F4)];
        assert_eq!((before.len(), before[0].methods.as_slice()), (2, methods.as_slice()));
        assert_eq!(before[1].methods, [Method::Direct]);
        for method in methods {
            let blocks = target.blocks.as_mut().unwrap();
            blocks.chosen = before.iter().map(|choice| (choice.key.clone(), method)).collect();
            assert_eq!(made(&target).iter().map(|choice| choice.method).collect::<Vec<_>>(), [method, Method::Direct]);
        }
    }
}
