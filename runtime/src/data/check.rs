//! Whether every picture of a set can be read, found out before anything is trained.

use super::split::Chosen;
use super::{Samples, Skipped};
use crate::failure::failure;
use crate::{Result, threads};
use cnnc_compiler::diagnostic::Code;
use std::sync::{Arc, Mutex, PoisonError};

/// Samples that a thread looks at before it takes others.
const AT_ONCE: usize = 64;
/// Files that are named; of more, their number is.
const MOST_NAMED: usize = 20;

/// The samples that can be read, and those that cannot, which are left out where `skip` says so.
///
/// # Errors
/// E610 with those that cannot be read, unless they are left out; or where no other is left.
pub fn check(samples: Arc<dyn Samples>, skip: bool) -> Result<(Arc<dyn Samples>, Vec<Skipped>)> {
    let broken = Mutex::new(Vec::new());
    threads::for_each((0..samples.len()).step_by(AT_ONCE), |start| {
        for index in start..samples.len().min(start + AT_ONCE) {
            if samples.values(index).is_none()
                && let Err(failure) = samples.picture(index, false)
            {
                let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
                broken.push((index, Skipped { name: samples.name(index), reason: failure.message.clone() }));
            }
        }
    });
    let mut broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort_by_key(|(index, _)| *index);
    let (count, of) = (broken.len(), samples.len());
    if count > 0 && (!skip || count == of) {
        let mut unread = failure(Code::E610, format!("{count} of {of} pictures cannot be read"));
        unread.notes.extend(broken.iter().take(MOST_NAMED).map(|(_, one)| one.reason.clone()));
        if count > MOST_NAMED {
            unread.notes.push(format!("and {} more", count - MOST_NAMED));
        }
        unread.help.push("`corrupt: skip` under `data` leaves such files out, and names them".into());
        return Err(unread);
    }
    if count == 0 {
        return Ok((samples, Vec::new()));
    }
    let numbers = (0..of).filter(|index| broken.binary_search_by_key(index, |(index, _)| *index).is_err()).collect();
    Ok((Arc::new(Chosen { samples, numbers }), broken.into_iter().map(|(_, one)| one).collect()))
}
