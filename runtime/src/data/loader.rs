//! Batches, made in background threads into bounded queues, so that the step finds the next one ready.
//!
//! Each thread makes every so-manieth batch into a queue of its own, and the queues are emptied in turn: the order is the
//! samples' order, whatever the threads do. Dropping [`Batches`] ends them. When the system starts too few, all of them end and
//! the first batch is an error.

use super::{Mix, Pipeline, Samples};
use crate::failure::{failure, fault, note};
use crate::random::Draws;
use crate::threads::LOAD;
use crate::{Error, Result, Tensor, large_pages};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Batches that wait in each thread's queue.
const WAITING: usize = 2;

/// What is to be loaded.
#[derive(Clone)]
pub struct Job {
    /// Where from.
    pub samples: Arc<dyn Samples>,
    /// What is done to each picture.
    pub pipeline: Arc<Pipeline>,
    /// The samples of the epoch in order.
    pub order: Arc<[usize]>,
    /// Samples of a batch; the last may have fewer.
    pub batch_size: usize,
    /// The first batch that is made; those before it are passed over.
    pub first_batch: usize,
    /// What random transforms depend on, with `epoch` and the sample's number.
    pub seed: u64,
    /// The epoch.
    pub epoch: usize,
    /// Whether a sample that cannot be read is left out; else it ends the run.
    pub skip_corrupt: bool,
    /// The sizes of one answer, where that is numbers, or ones and zeros for the classes that a sample may have several of.
    pub target: Option<Vec<usize>>,
    /// How the samples of a batch are mixed; `None` where each stays as it is.
    pub mix: Option<Mix>,
    /// Threads, at least one and at most [`MOST_THREADS`](crate::MOST_THREADS).
    pub workers: usize,
}

/// Samples that go through the network together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[samples, channels, height, width]`, or of arrays as many axes as they have.
    pub inputs: Tensor,
    /// The class of each, where they are mixed the one whose share is named first; none where numbers or several classes are the
    /// answer.
    pub labels: Vec<usize>,
    /// The numbers that should be answered, a sample after the other, ones and zeros where there may be several classes, or the
    /// chance of each class where samples are mixed; `None` where classes are the answer.
    pub targets: Option<Tensor>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// The number of each in its set.
    pub samples: Vec<usize>,
}

impl Batch {
    /// How many samples it has.
    pub fn len(&self) -> usize {
        self.inputs.shape().first().copied().unwrap_or(0)
    }

    /// Whether all of its samples were left out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A sample that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Skipped {
    /// As a note to whoever runs the training.
    pub fn note(&self) -> Diagnostic {
        note(Code::E610, format!("left out: {}", self.reason))
    }
}

/// The batches in order.
pub struct Batches {
    queues: Vec<Receiver<Result<Batch>>>,
    next: usize,
    left: usize,
    /// Why there are no threads.
    failure: Option<Error>,
}

/// Starts the threads.
pub fn load(job: &Job) -> Batches {
    let size = job.batch_size.max(1);
    let left = job.order.len().div_ceil(size).saturating_sub(job.first_batch);
    let workers = job.workers.clamp(1, left.max(1));
    let worker = |number: usize| {
        let (sender, queue) = sync_channel(WAITING);
        let job = job.clone();
        let started = LOAD.spawn(number, move || {
            let batches = job.order.chunks(size).enumerate().skip(job.first_batch + number).step_by(workers);
            // An error of `send` is a reader who wants no more.
            batches.map(|(number, samples)| batch(&job, number, samples)).all(|made| sender.send(made).is_ok());
        });
        started.map(|_| queue).map_err(|error| LOAD.none_left(workers, number, &error))
    };
    let queues = LOAD.check(job.workers).and_then(|()| (0..workers).map(worker).collect());
    match queues {
        Ok(queues) => Batches { queues, next: 0, left, failure: None },
        Err(failure) => Batches { queues: Vec::new(), next: 0, left: 0, failure: Some(failure) },
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        if self.left == 0 {
            return None;
        }
        let queue = &self.queues[self.next % self.queues.len()];
        self.next += 1;
        self.left -= 1;
        Some(queue.recv().unwrap_or_else(|_| Err(fault("a thread that loads pictures ended early"))))
    }
}

/// Makes the batch of that number in its epoch.
fn batch(job: &Job, number: usize, samples: &[usize]) -> Result<Batch> {
    let size = job.pipeline.shape().iter().product::<usize>();
    let mut values = large_pages::zeros(samples.len() * size);
    let (mut count, mut labels, mut targets) = (0, Vec::new(), Vec::new());
    let (mut skipped, mut read) = (Vec::new(), Vec::new());
    for &sample in samples {
        match write(job, sample, &mut values[count * size..(count + 1) * size]) {
            Ok(()) => {
                count += 1;
                read.push(sample);
                match (&job.target, job.samples.labels(sample), job.samples.target(sample)) {
                    (Some(sizes), Some(classes), _) => targets.extend(ones(&classes, sizes.iter().product())),
                    (Some(_), None, Some(target)) => targets.extend(target),
                    _ => labels.push(job.samples.label(sample)),
                }
            }
            Err(failure) if job.skip_corrupt && is_of_the_file(&failure) => {
                skipped.push(Skipped { name: job.samples.name(sample), reason: failure.message.clone() });
            }
            Err(failure) => return Err(with_help(failure)),
        }
    }
    values.truncate(count * size);
    let mix = job.mix.as_ref().filter(|_| count > 0);
    let mut sizes = job.target.clone();
    if let (Some(mix), &[channels, height, width]) = (mix, job.pipeline.shape()) {
        targets.extend(labels.iter().flat_map(|&label| ones(&[label], mix.classes)));
        sizes = Some(vec![mix.classes]);
        let mut draws = Draws::new(job.seed, &format!("mix of batch {number} of epoch {}", job.epoch));
        mix.apply(&mut values, [channels, height, width], &mut targets, &mut draws);
    }
    let of_all = |sizes: &[usize], values| {
        let shape: Vec<usize> = std::iter::once(count).chain(sizes.iter().copied()).collect();
        Tensor::new(&shape, values).ok_or_else(|| failure(Code::E499, "a batch of the wrong size"))
    };
    let inputs = of_all(job.pipeline.shape(), values)?;
    let targets = sizes.map(|sizes| of_all(&sizes, targets)).transpose()?;
    Ok(Batch { inputs, labels, targets, skipped, samples: read })
}

/// Of so many classes ones for these, and zeros.
fn ones(classes: &[usize], count: usize) -> Vec<f32> {
    let mut row = vec![0.0; count];
    classes.iter().for_each(|&class| row[class] = 1.0);
    row
}

fn write(job: &Job, sample: usize, into: &mut [f32]) -> Result<()> {
    if let Some(values) = job.samples.values(sample) {
        let unfit = || failure(Code::E499, "an array of another size than its data set's");
        return (values.len() == into.len()).then(|| into.copy_from_slice(values)).ok_or_else(unfit);
    }
    let picture = job.samples.picture(sample, job.pipeline.is_grey())?;
    let mut draws = Draws::of_sample(job.seed, job.epoch, sample);
    job.pipeline.write(picture, &job.samples.name(sample), &mut draws, into)
}

/// Whether the sample's file is to blame, not the recipe.
fn is_of_the_file(failure: &Error) -> bool {
    matches!(failure.code, Code::E601 | Code::E603)
}

fn with_help(mut failure: Error) -> Error {
    if is_of_the_file(&failure) {
        failure.help.push("`corrupt: skip` under `data` leaves such files out, and names them".into());
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shuffled;
    use crate::data::transforms::{RandomCrop, RandomHorizontalFlip};
    use crate::failure::broken_file;
    use crate::pictures::Decoded;
    use std::path::Path;

    /// A hundred samples of 4×4; every tenth is broken when asked for.
    struct Counted {
        broken: bool,
    }

    impl Samples for Counted {
        fn len(&self) -> usize {
            100
        }

        fn label(&self, index: usize) -> usize {
            index
        }

        fn picture(&self, index: usize, _grey: bool) -> Result<Decoded<'_>> {
            if self.broken && index.is_multiple_of(10) {
                return Err(broken_file(Path::new(&self.name(index)), "is broken"));
            }
            let pixels: Vec<u8> = (0..16).map(|pixel| (index + pixel) as u8).collect();
            Ok(Decoded::new([4, 4], 1, pixels).expect("a picture"))
        }

        fn name(&self, index: usize) -> String {
            format!("sample {index}")
        }
    }

    fn job(workers: usize) -> Job {
        let transforms = [RandomCrop { size: [4, 4], padding: 1 }.into(), RandomHorizontalFlip { p: 0.5 }.into()];
        Job {
            samples: Arc::new(Counted { broken: false }),
            pipeline: Arc::new(Pipeline::new(Some(&transforms), None, [1, 4, 4]).expect("a pipeline")),
            order: shuffled(100, 5, 2).into(),
            batch_size: 8,
            first_batch: 0,
            seed: 5,
            epoch: 2,
            skip_corrupt: false,
            target: None,
            mix: None,
            workers,
        }
    }

    fn all(job: &Job) -> Vec<(Vec<usize>, Tensor)> {
        load(job).map(|batch| batch.expect("a batch")).map(|batch| (batch.labels, batch.inputs)).collect()
    }

    #[test]
    fn batches_do_not_depend_on_threads_or_on_where_loading_starts() {
        let one = all(&job(1));
        assert_eq!(one.len(), 13);
        assert_eq!(one[12].1.shape(), [4, 1, 4, 4]);
        assert!(one.iter().flat_map(|(labels, _)| labels).copied().eq(shuffled(100, 5, 2)));
        for workers in [2, 3, 50] {
            assert_eq!(all(&job(workers)), one);
            assert_eq!(all(&Job { first_batch: 5, ..job(workers) }), one[5..]);
        }
        assert_ne!(all(&Job { epoch: 3, ..job(1) })[0].1, one[0].1, "other transforms in another epoch");
        assert_eq!(all(&Job { first_batch: 13, ..job(2) }), []);
    }

    #[test]
    fn batches_are_mixed_alike_by_any_number_of_threads_and_from_any_batch_on() {
        let mix = Some(Mix { mixup: Some(0.2), cutmix: Some(1.0), classes: 100 });
        let targets = |job: &Job| -> Vec<Tensor> {
            load(job).map(|batch| batch.expect("a batch").targets.expect("chances")).collect()
        };
        let mixed = |workers| Job { mix, ..job(workers) };
        let (one, numbers) = (targets(&mixed(1)), all(&mixed(1)));
        assert_eq!((one.len(), one[12].shape()), (13, &[4, 100][..]));
        assert_ne!(numbers, all(&job(1)));
        assert_eq!((targets(&mixed(3)), all(&mixed(3))), (one.clone(), numbers.clone()));
        let later = Job { first_batch: 5, ..mixed(2) };
        assert_eq!((targets(&later), all(&later)), (one[5..].to_vec(), numbers[5..].to_vec()));
    }

    #[test]
    fn a_reader_may_stop_early() {
        let mut batches = load(&job(2));
        assert!(batches.next().is_some());
        drop(batches);
    }

    #[test]
    fn too_many_workers_are_refused_by_name() {
        let failure = load(&job(5000)).next().expect("an answer").expect_err("an error");
        assert_eq!(failure.message, "5000 threads are wanted, and 1024 is the most");
        assert!(failure.help[0].contains("`workers`"), "{failure:?}");
        assert_eq!(load(&job(5000)).count(), 1);
    }

    #[test]
    fn a_broken_file_stops_the_run_or_is_named_and_left_out() {
        let broken = Job { samples: Arc::new(Counted { broken: true }), order: (0..100).collect(), ..job(2) };
        let failure = load(&broken).find_map(Result::err).expect("a failure");
        assert!(failure.message.contains("sample 0") && failure.help[0].contains("corrupt: skip"), "{failure:?}");
        let batches: Vec<Batch> =
            load(&Job { skip_corrupt: true, ..broken }).map(|batch| batch.expect("a batch")).collect();
        assert_eq!(batches[0].labels, [1, 2, 3, 4, 5, 6, 7]);
        assert!(batches.iter().all(|batch| batch.samples == batch.labels), "a sample's label is its number");
        assert_eq!(batches[0].inputs.shape(), [7, 1, 4, 4]);
        let names: Vec<String> = batches.into_iter().flat_map(|batch| batch.skipped).map(|one| one.name).collect();
        assert_eq!(names.len(), 10);
        assert_eq!(names[1], "sample 10");
    }
}
