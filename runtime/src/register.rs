//! What is there already, by what it depends on: a value that one plan has prepared need not be made for another.
//!
//! A plan comes in; out goes which of its values are there, and which steps of `prepare` make the others. A register belongs to
//! one set of parameters on one device and in one arithmetic, where equal keys are equal bits. It holds nothing itself: a value
//! goes with the last plan that has it.

use cnnc_compiler::plan::{Plan, Preparation, PreparedKey, Storage};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A hold on a value, by which it stays.
pub(crate) trait Hold: Clone {
    /// What knows of the value without holding it.
    type Weak;

    /// Lets go of it.
    fn let_go(&self) -> Self::Weak;

    /// Holds it again, if somebody still does.
    fn regain(weak: &Self::Weak) -> Option<Self>;
}

impl<T> Hold for Arc<T> {
    type Weak = Weak<T>;

    fn let_go(&self) -> Weak<T> {
        Arc::downgrade(self)
    }

    fn regain(weak: &Weak<T>) -> Option<Arc<T>> {
        weak.upgrade()
    }
}

/// Values by key, as long as somebody holds them.
pub(crate) struct Register<K, H: Hold>(Mutex<HashMap<K, H::Weak>>);

impl<K, H: Hold> Default for Register<K, H> {
    fn default() -> Self {
        Register(Mutex::default())
    }
}

impl<K: Hash + Eq, H: Hold> Register<K, H> {
    /// The value of a key, if it is there.
    pub fn get(&self, key: &K) -> Option<H> {
        self.lock().get(key).and_then(H::regain)
    }

    /// The value that is there, or this one, which is from now on: of two that were made at one time both makers have one.
    pub fn keep(&self, key: K, made: H) -> H {
        let mut values = self.lock();
        if let Some(there) = values.get(&key).and_then(H::regain) {
            return there;
        }
        values.insert(key, made.let_go());
        made
    }

    /// Leaves out what nobody holds any more.
    pub fn tidy(&self) {
        self.lock().retain(|_, value| H::regain(value).is_some());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, H::Weak>> {
        // A panic leaves whole entries.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a plan prepares, as far as it is there.
pub(crate) struct Preparing<H> {
    keys: Vec<PreparedKey>,
    /// By the number of the storage; none of those that have to be made.
    pub values: Vec<Option<H>>,
    /// For each step of `prepare` whether it has to be done to make them.
    pub steps: Vec<bool>,
}

impl<H: Hold> Preparing<H> {
    /// Of a checked plan.
    pub fn of(plan: &Plan, register: &Register<PreparedKey, H>) -> Preparing<H> {
        let preparation = Preparation::of(plan);
        let keys: Vec<PreparedKey> = preparation.keys().collect();
        let values: Vec<Option<H>> = keys.iter().map(|key| register.get(key)).collect();
        let steps = preparation.steps(|value| values[value].is_none());
        Preparing { keys, values, steps }
    }

    /// The values that have to be made: their numbers and sizes in bytes.
    pub fn missing(&self, plan: &Plan) -> impl Iterator<Item = (usize, usize)> {
        let sizes = self.values.iter().zip(&plan.prepared).enumerate();
        sizes.filter(|(_, (value, _))| value.is_none()).map(|(number, (_, &bytes))| (number, bytes))
    }

    /// All values by number, once these were made. Where another plan made one at the same time, it is that one.
    pub fn with(self, made: impl IntoIterator<Item = H>, register: &Register<PreparedKey, H>) -> Vec<H> {
        register.tidy();
        let mut made = made.into_iter();
        let values = self.keys.into_iter().zip(self.values);
        values.filter_map(|(key, value)| value.or_else(|| Some(register.keep(key, made.next()?)))).collect()
    }
}

/// What a GPU asks, where memory is taken for all of a plan at once.
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "only a GPU asks"))]
impl<H: Hold> Preparing<H> {
    /// For each parameter of the plan whether it is read: by the steps that have to be done, by runs, or as an output.
    pub fn parameters(&self, plan: &Plan) -> Vec<bool> {
        let mut read = vec![false; plan.parameters.len()];
        let once = plan.prepare.iter().zip(&self.steps).filter(|(_, is_needed)| **is_needed).map(|(step, _)| step);
        let views = once.chain(&plan.run).flat_map(|step| step.operands.iter().chain([&step.output]));
        for view in views.chain(plan.outputs.iter().map(|port| &port.view)) {
            if let Storage::Parameter(number) = view.storage {
                read[number] = true;
            }
        }
        read
    }

    /// The bytes of all values that have to be made.
    pub fn missing_bytes(&self, plan: &Plan) -> u64 {
        self.missing(plan).map(|(_, bytes)| bytes as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Preparing, Register};
    use crate::cpu::test_plan::{TestPlan, dense};
    use cnnc_compiler::kernels::Expression;
    use cnnc_compiler::plan::{Operation, Storage};

    #[test]
    fn a_value_is_there_as_long_as_somebody_has_it() {
        let register = Register::default();
        assert!(register.get(&1).is_none());
        let one = register.keep(1, Arc::new("one"));
        assert!(Arc::ptr_eq(&one, &register.get(&1).unwrap()));
        let late = register.keep(1, Arc::new("one, made at the same time"));
        assert!(Arc::ptr_eq(&one, &late), "both makers have the first");
        assert!(register.get(&2).is_none());
        drop((one, late));
        assert!(register.get(&1).is_none());
        assert_eq!(*register.keep(1, Arc::new("another")), "another");
        register.tidy();
        assert!(register.lock().is_empty());
    }

    #[test]
    fn parameters_are_read_for_what_is_missing_and_for_runs() {
        let sum = Operation::Map(Expression::operand(0) + Expression::operand(1));
        let parameter = |number: usize| dense(Storage::Parameter(number), 0, &[2]);
        let plan = TestPlan::new(&[&[2]])
            .parameter("a", &[2])
            .parameter("b", &[2])
            .prepare(Operation::Map(Expression::operand(0) * 2.0), &[parameter(0)], &[2])
            .step(sum.clone(), &[dense(Storage::Input(0), 0, &[2]), dense(Storage::Prepared(0), 0, &[2])], &[2])
            .step(sum, &[dense(Storage::Arena, 0, &[2]), parameter(1)], &[2])
            .finish();
        let register = Register::default();
        let preparing = Preparing::of(&plan, &register);
        assert_eq!((preparing.parameters(&plan), preparing.missing_bytes(&plan)), (vec![true, true], 8));
        let made = preparing.with([Arc::new("doubled")], &register);
        let preparing = Preparing::of(&plan, &register);
        assert_eq!((preparing.parameters(&plan), preparing.missing_bytes(&plan)), (vec![false, true], 0));
        assert_eq!(preparing.values, made.into_iter().map(Some).collect::<Vec<_>>());
    }
}
