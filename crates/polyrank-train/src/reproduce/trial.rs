//! Networks trained side by side on an endless stream of made-up rows.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use polyrank_data::encode::{DenseLayout, InputLayout};
use polyrank_data::synth::{Law, RegressionPairs};
use polyrank_engine::{Feed, Network, Trainer};
use polyrank_model::{ModelError, network_graph, options::trainer_options, registry};
use polyrank_schema::Config;
use polyrank_schema::config::Side;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Settings;
use crate::TrainError;

/// A stream of rows, which is made once for all networks that are compared on it, and for all correlations of its tasks.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// `towers.units` of every network, as TOML.
    pub(super) towers: &'static str,
    pub(super) batch_rows: usize,
    pub(super) steps: usize,
    /// Steps over which learning rates rise evenly to what they are.
    pub(super) warm_up: usize,
    /// Points of the loss curves.
    pub(super) points: usize,
    /// Of the rows, and of the initial weights: the same for every network.
    pub(super) seed: u64,
}

/// Steps that a network makes before it is the next one's turn, so that its weights and gradients are in cache for all of
/// them.
const TURN: usize = 8;

/// A network and how fast it learns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contender {
    /// `model.multi_task`, as TOML.
    pub(super) block: &'static str,
    pub(super) learning_rate: f64,
}

/// What a trial gave for one network.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// Mean squared error of each task on rows never seen before, averaged over each of the curve's stretches.
    pub(super) curve: Vec<[f64; 2]>,
    /// Numbers in its layers.
    pub(super) parameters: usize,
}

/// One run of an experiment: its seed, the number of its setting (a correlation, a group of tasks), and of its model.
pub(super) type Job = (u64, usize, usize);

/// Every model in every setting with every seed, seed by seed.
pub(super) fn jobs(seeds: Range<u64>, settings: &[usize], models: usize) -> Vec<Job> {
    let of_seed = |seed| settings.iter().flat_map(move |&setting| (0..models).map(move |model| (seed, setting, model)));
    seeds.flat_map(of_seed).collect()
}

/// The results of a model in a setting, seed by seed.
pub(super) fn results_of<'a, R>(results: &'a [R], jobs: &[Job], setting: usize, model: usize) -> Vec<&'a R> {
    results.iter().zip(jobs).filter(|(_, job)| (job.1, job.2) == (setting, model)).map(|(result, _)| result).collect()
}

/// Runs jobs on the settings' threads, one at a time on each and the first ones first, and says how many are done; results in
/// the jobs' order. The first error ends it.
pub(super) fn run_all<J: Sync, R: Send>(
    settings: &Settings,
    progress: &(dyn Fn(String) + Sync),
    jobs: &[J],
    run: impl Fn(&J) -> Result<R, TrainError> + Sync,
) -> Result<Vec<R>, TrainError> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // No pool of workers: one that waits for a network's own threads would begin another job meanwhile, and that one the next.
    let work = || {
        let mut results = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { return Ok(results) };
            // Nobody takes a job after an error.
            results.push((at, run(job).inspect_err(|_| next.store(jobs.len(), Ordering::Relaxed))?));
            progress(format!("{} of {} runs", done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len()));
        }
    };
    let parts: Vec<Result<Vec<(usize, R)>, TrainError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..settings.threads.clamp(1, jobs.len().max(1))).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
    });
    let mut results = Vec::with_capacity(jobs.len());
    for part in parts {
        results.extend(part?);
    }
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

impl Trial {
    fn rate_factor(&self, step: usize) -> f64 {
        ((step + 1) as f64 / self.warm_up.max(1) as f64).min(1.0)
    }

    /// A network's configuration: `inputs` numbers in, two regressions out.
    fn config(&self, contender: &Contender, inputs: usize) -> Result<Config, TrainError> {
        let text = format!(
            "[data]\ntrain = [\"none\"]\n\
             [[features]]\nname = \"x\"\nkind = \"vector\"\nsize = {inputs}\n\
             [[tasks]]\nname = \"first\"\nkind = \"regression\"\n[[tasks]]\nname = \"second\"\nkind = \"regression\"\n\
             [model]\npreset = \"paper\"\nmulti_task = {}\ntowers = {{ units = {} }}\n\
             [train]\nbatch_size = {}\nseed = {}\noptimizer = {{ type = \"adam\", learning_rate = {:?} }}\n",
            contender.block, self.towers, self.batch_rows, self.seed, contender.learning_rate
        );
        polyrank_schema::parse(&text, "the reproduction", &registry(), &[]).map_err(TrainError::from)
    }

    fn trainer(
        &self,
        contender: &Contender,
        inputs: usize,
        pool: &Arc<ThreadPool>,
    ) -> Result<(Trainer<f32>, Outcome), TrainError> {
        let config = self.config(contender, inputs)?;
        let layout = InputLayout {
            tables: Vec::new(),
            slots: Vec::new(),
            dense: vec![DenseLayout { feature: "x".to_owned(), width: inputs, side: Side::Context }],
        };
        let graph = network_graph(&config, &layout).map_err(ModelError::from)?;
        let network = Network::<f32>::new(&graph, self.seed, None);
        let outcome = Outcome { curve: vec![[0.0; 2]; self.points], parameters: network.size().0 };
        Ok((Trainer::sharing(network, trainer_options(&config, 1), Arc::clone(pool)), outcome))
    }

    /// Trains every network at every correlation on rows that are new in every step, so that the loss before each step is
    /// a test loss; an outcome each, correlation by correlation in the contenders' order.
    pub(super) fn run(
        &self,
        contenders: &[Contender],
        law: Law,
        correlations: &[f64],
    ) -> Result<Vec<Outcome>, TrainError> {
        // One thread makes the rows and all steps: none waits for another to wake.
        let pool = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "trial".to_owned()).build();
        let pool = Arc::new(pool.map_err(|e| TrainError::io("threads", std::io::Error::other(e)))?);
        pool.install(|| self.run_in(&pool, contenders, law, correlations))
    }

    fn run_in(
        &self,
        pool: &Arc<ThreadPool>,
        contenders: &[Contender],
        law: Law,
        correlations: &[f64],
    ) -> Result<Vec<Outcome>, TrainError> {
        let rows = RegressionPairs::new(law, correlations, self.seed);
        let networks =
            correlations.iter().flat_map(|_| contenders).map(|contender| self.trainer(contender, law.inputs, pool));
        let (mut trainers, mut outcomes): (Vec<_>, Vec<_>) =
            networks.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let point = |step: usize| step * self.points / self.steps;
        for turn in (0..self.steps).step_by(TURN) {
            let steps = turn..self.steps.min(turn + TURN);
            let (x, labels) = rows.rows((steps.start * self.batch_rows) as u64..(steps.end * self.batch_rows) as u64);
            let labels = labels.iter().flat_map(|labels| std::iter::repeat_n(labels, contenders.len()));
            for ((trainer, outcome), labels) in trainers.iter_mut().zip(&mut outcomes).zip(labels) {
                let batches = x.chunks(self.batch_rows * law.inputs).zip(labels.chunks(self.batch_rows * 2));
                for (step, (dense, labels)) in steps.clone().zip(batches) {
                    let feed = Feed { rows: self.batch_rows, slots: Vec::new(), dense };
                    trainer.set_rate_factor(self.rate_factor(step));
                    let report = trainer.step(&feed, labels).map_err(ModelError::from)?;
                    for (sum, loss) in outcome.curve[point(step)].iter_mut().zip(&report.loss_sums) {
                        *sum += loss / self.batch_rows as f64;
                    }
                }
            }
        }
        for at in 0..self.points {
            let steps = (0..self.steps).filter(|step| point(*step) == at).count().max(1) as f64;
            outcomes.iter_mut().for_each(|outcome| outcome.curve[at].iter_mut().for_each(|loss| *loss /= steps));
        }
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use polyrank_data::synth::Sines;

    use super::*;

    #[test]
    fn a_trial_learns_and_is_repeatable() {
        let sines = Sines::Given(&[(0.5, 1.0)]);
        let law = Law { inputs: 20, correlation: 0.9, length: 1.0, sines, noise: 0.01 };
        let trial = Trial { towers: "[4]", batch_rows: 64, steps: 200, warm_up: 20, points: 4, seed: 3 };
        let mmoe = Contender { block: "{ type = \"mmoe\", experts = 3, expert_units = [8] }", learning_rate: 0.01 };
        let slow = Contender { learning_rate: 1e-5, ..mmoe };
        let run = |contenders: &[Contender]| {
            let outcomes = trial.run(contenders, law, &[0.9]).unwrap();
            outcomes.into_iter().map(|outcome| outcome.curve).collect::<Vec<_>>()
        };
        let curves = run(&[mmoe, slow]);
        let learns = |curve: &[[f64; 2]]| curve[3].iter().zip(curve[0]).all(|(last, first)| *last < 0.7 * first);
        assert!(learns(&curves[0]) && !learns(&curves[1]), "{curves:?}");
        // Who else is on the stream does not matter.
        assert_eq!(curves, [run(&[mmoe]), run(&[slow])].concat());
        // Nor does which correlations are.
        let all = trial.run(&[slow, mmoe], law, &[0.5, 0.9]).unwrap();
        assert_eq!([&all[3].curve, &all[2].curve], [&curves[0], &curves[1]]);
        assert_ne!(all[1].curve, all[3].curve);
    }

    #[test]
    fn rates_rise_to_what_they_are() {
        let trial = Trial { towers: "[4]", batch_rows: 64, steps: 200, warm_up: 20, points: 4, seed: 3 };
        assert_eq!([0, 9, 19, 20, 199].map(|step| trial.rate_factor(step)), [0.05, 0.5, 1.0, 1.0, 1.0]);
        let at_once = Trial { warm_up: 0, ..trial };
        assert_eq!([0, 1, 199].map(|step| at_once.rate_factor(step)), [1.0; 3]);
    }

    #[test]
    fn results_are_in_the_jobs_order_and_errors_are_kept() {
        let settings = Settings { full: false, seeds: None, threads: 2, data: None, out: "out".into() };
        let jobs: Vec<usize> = (0..50).collect();
        let twice = run_all(&settings, &|_| {}, &jobs, |job| Ok(2 * job)).unwrap();
        assert_eq!(twice, (0..50).map(|job| 2 * job).collect::<Vec<_>>());
        // As many at a time as there are threads, though each waits for workers of its own.
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let waits = |_: &usize| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let workers = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            workers.install(|| std::thread::sleep(std::time::Duration::from_millis(2)));
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        run_all(&settings, &|_| {}, &jobs[..10], waits).unwrap();
        assert!(most.into_inner() <= 2);
        let broken =
            |job: &usize| if *job == 7 { Err(TrainError::io("x", std::io::Error::other("no"))) } else { Ok(()) };
        assert!(run_all(&settings, &|_| {}, &jobs, broken).is_err());
    }
}
