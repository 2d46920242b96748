//! Other parameters frozen than before: the same network comes in, and the training goes on where it was.

use super::Trainer;
use crate::{Model, Result, state};

impl Trainer {
    /// Goes on with a model that is the same network with other parameters frozen: its steps are compiled anew, first for the
    /// sizes that came first. What was learnt stays; what becomes free has the optimiser's first state, as in PyTorch, and a
    /// running mean that begins with the parameter itself, which was its mean as long as nothing changed it.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub(crate) fn relearn(&mut self, model: &Model) -> Result<()> {
        self.model = model.clone();
        let Some(first) = self.plans.first().map(|compiled| compiled.sizes.clone()) else { return Ok(()) };
        let before = self.state()?;
        (self.running, self.staged, self.begun) = (None, None, 0);
        self.plans.clear();
        if let Some(parts) = &mut self.parts {
            parts.forget();
        }
        self.initial = state::parameters(&before);
        self.ready_for(&first.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        let begun = self.state()?;
        self.load(&state::carried(&before, begun)?)
    }
}
