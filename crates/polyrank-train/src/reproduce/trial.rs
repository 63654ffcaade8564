//! One network trained on an endless stream of made-up rows.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use polyrank_data::encode::{DenseLayout, InputLayout};
use polyrank_data::synth::RegressionPair;
use polyrank_engine::{Feed, Network, Trainer};
use polyrank_model::{ModelError, network_graph, options::trainer_options, registry};
use polyrank_schema::Config;
use polyrank_schema::config::Side;
use rayon::prelude::*;

use super::Settings;
use crate::TrainError;

/// How long and with what a network is trained.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// `model.multi_task`, as TOML.
    pub(super) block: String,
    /// `towers.units`, as TOML.
    pub(super) towers: &'static str,
    pub(super) learning_rate: f64,
    pub(super) batch_rows: usize,
    pub(super) steps: usize,
    /// Points of the loss curve.
    pub(super) points: usize,
    pub(super) seed: u64,
}

/// What a trial gave.
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

/// Runs jobs on the settings' threads, in parallel, and says how many are done; results in the jobs' order.
pub(super) fn run_all<J: Sync, R: Send>(
    settings: &Settings,
    progress: &(dyn Fn(String) + Sync),
    jobs: &[J],
    run: impl Fn(&J) -> Result<R, TrainError> + Sync,
) -> Result<Vec<R>, TrainError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(settings.threads).build();
    let pool = pool.map_err(|e| TrainError::io("threads", std::io::Error::other(e)))?;
    let done = AtomicUsize::new(0);
    let job = |job: &J| {
        let result = run(job)?;
        progress(format!("{} of {} runs", done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len()));
        Ok(result)
    };
    pool.install(|| jobs.par_iter().with_max_len(1).map(job).collect())
}

impl Trial {
    /// The network's configuration: `inputs` numbers in, two regressions out.
    pub(super) fn config(&self, inputs: usize) -> Result<Config, TrainError> {
        let text = format!(
            "[data]\ntrain = [\"none\"]\n\
             [[features]]\nname = \"x\"\nkind = \"vector\"\nsize = {inputs}\n\
             [[tasks]]\nname = \"first\"\nkind = \"regression\"\n[[tasks]]\nname = \"second\"\nkind = \"regression\"\n\
             [model]\npreset = \"paper\"\nmulti_task = {}\ntowers = {{ units = {} }}\n\
             [train]\nbatch_size = {}\nseed = {}\noptimizer = {{ type = \"adam\", learning_rate = {:?} }}\n",
            self.block, self.towers, self.batch_rows, self.seed, self.learning_rate
        );
        polyrank_schema::parse(&text, "the reproduction", &registry(), &[]).map_err(TrainError::from)
    }

    /// Trains on rows that are new in every step, so that the loss before each step is a test loss.
    pub(super) fn run(&self, rows: &RegressionPair, inputs: usize) -> Result<Outcome, TrainError> {
        let config = self.config(inputs)?;
        let layout = InputLayout {
            tables: Vec::new(),
            slots: Vec::new(),
            dense: vec![DenseLayout { feature: "x".to_owned(), width: inputs, side: Side::Context }],
        };
        let graph = network_graph(&config, &layout).map_err(ModelError::from)?;
        let network = Network::<f32>::new(&graph, self.seed, None);
        let parameters = network.size().0;
        let mut trainer =
            Trainer::new(network, trainer_options(&config, 1)).map_err(|e| TrainError::io("threads", e))?;
        let mut curve = vec![[0.0; 2]; self.points];
        for step in 0..self.steps {
            let first = (step * self.batch_rows) as u64;
            let (x, labels) = rows.rows(first..first + self.batch_rows as u64);
            let feed = Feed { rows: self.batch_rows, slots: Vec::new(), dense: &x };
            let report = trainer.step(&feed, &labels).map_err(ModelError::from)?;
            let point = step * self.points / self.steps;
            for (sum, loss) in curve[point].iter_mut().zip(&report.loss_sums) {
                *sum += loss / self.batch_rows as f64;
            }
        }
        for (point, losses) in curve.iter_mut().enumerate() {
            let steps = (0..self.steps).filter(|step| step * self.points / self.steps == point).count();
            losses.iter_mut().for_each(|loss| *loss /= steps.max(1) as f64);
        }
        Ok(Outcome { curve, parameters })
    }
}

#[cfg(test)]
mod tests {
    use polyrank_data::synth::{Law, Sines};

    use super::*;

    #[test]
    fn a_trial_learns_and_is_repeatable() {
        let sines = Sines::Given(&[(0.5, 1.0)]);
        let law = Law { inputs: 20, correlation: 0.9, length: 1.0, sines, noise: 0.01 };
        let trial = Trial {
            block: "{ type = \"mmoe\", experts = 3, expert_units = [8] }".to_owned(),
            towers: "[4]",
            learning_rate: 0.01,
            batch_rows: 64,
            steps: 200,
            points: 4,
            seed: 3,
        };
        let run = || trial.run(&RegressionPair::new(law, 3), law.inputs).unwrap().curve;
        let curve = run();
        assert_eq!(curve, run());
        assert!(curve[3].iter().zip(curve[0]).all(|(last, first)| *last < 0.7 * first), "{curve:?}");
    }

    #[test]
    fn results_are_in_the_jobs_order_and_errors_are_kept() {
        let settings = Settings { full: false, seeds: None, threads: 2, data: None, out: "out".into() };
        let jobs: Vec<usize> = (0..50).collect();
        let twice = run_all(&settings, &|_| {}, &jobs, |job| Ok(2 * job)).unwrap();
        assert_eq!(twice, (0..50).map(|job| 2 * job).collect::<Vec<_>>());
        let broken =
            |job: &usize| if *job == 7 { Err(TrainError::io("x", std::io::Error::other("no"))) } else { Ok(()) };
        assert!(run_all(&settings, &|_| {}, &jobs, broken).is_err());
    }
}
