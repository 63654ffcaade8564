//! A training run: fit the encoders, train epoch by epoch, keep the best, write bundle, log and report.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use polyrank_data::DataError;
use polyrank_data::encode::Coverage;
use polyrank_data::stream::Shuffle;
use polyrank_engine::{Network, Scorer, TensorError, Trainer};
use polyrank_model::optimizer::optimizer;
use polyrank_model::options::trainer_options;
use polyrank_model::predictor::scores;
use polyrank_model::{ModelError, bundle, feed, memory, network_graph};
use polyrank_schema::Config;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use crate::average::Average;
use crate::checkpoint;
use crate::dataset::Part;
use crate::error::TrainError;
use crate::evaluate::Collected;
use crate::history::{Epoch, History};
use crate::metrics::MetricError;
use crate::origin::Origin;
use crate::pretrained;
use crate::report;
use crate::rows::Rows;
use crate::summary::{self, Facts};

/// Rows scored at a time in validation.
const SCORE_ROWS: usize = 8192;

/// Where and how a run runs.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The run folder: gets `bundle/`, `checkpoints/`, `log.jsonl`, `report.html`.
    pub out: PathBuf,
    /// What paths in the configuration are relative to.
    pub base: PathBuf,
    /// The cache to take encoded rows from, instead of reading and encoding raw ones.
    pub cache: Option<PathBuf>,
    /// Whether to go on from the latest checkpoint in the run folder.
    pub resume: bool,
    /// Set to true to stop after the current step; what was trained is kept.
    pub stop: Arc<AtomicBool>,
}

/// What happens in a run, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// Encoders are being fitted: rows seen.
    Fitting(u64),
    /// Encoders are fitted: training rows, rows left out as malformed.
    Fitted(u64, u64),
    /// A cache was opened: training rows, rows left out as malformed when it was written.
    Opened(u64, u64),
    /// The network is built: numbers in layers and in tables.
    Built(usize, usize),
    /// A feature's table starts from pretrained vectors.
    Pretrained(&'a str, Coverage),
    /// Training goes on after this many epochs.
    Resumed(usize),
    /// An epoch begins: its number from 1, epochs in all, training rows.
    EpochBegins(usize, usize, u64),
    /// Rows trained on in this epoch, mean loss so far.
    Step(u64, f64),
    /// Validation begins.
    Validating,
    /// An epoch is done, and whether it is the best so far.
    EpochDone(&'a Epoch, bool),
    /// Training ends early: why.
    Stopping(String),
}

/// What a run leaves.
#[derive(Debug)]
pub struct RunResult {
    /// Its epochs.
    pub history: History,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// The bundle's folder.
    pub bundle: PathBuf,
}

/// Worker threads of a configuration.
pub fn threads(config: &Config) -> usize {
    config.train.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Is told what happens while a run trains.
pub type Watch<'a> = dyn FnMut(Event<'_>) + Send + 'a;

/// Trains a configuration.
pub fn run(config: &Config, options: &RunOptions, watch: &mut Watch<'_>) -> Result<RunResult, TrainError> {
    if options.out.exists() && !options.out.is_dir() {
        let problem = "is a file, a run needs a folder; name another with --out".to_owned();
        return Err(TrainError::Run { path: options.out.clone(), problem });
    }
    let origin = Origin::open(config, &options.base, options.cache.as_deref(), |rows| watch(Event::Fitting(rows)))?;
    let (encoders, rows, skipped) = (origin.encoders().clone(), origin.train_rows(), origin.skipped());
    watch(match origin {
        Origin::Raw(..) => Event::Fitted(rows, skipped),
        Origin::Cache(_) => Event::Opened(rows, skipped),
    });
    let graph = network_graph(config, encoders.layout()).map_err(ModelError::from)?;
    let settings = trainer_options(config, threads(config));
    memory::check_training(&graph, &settings, config.train.batch_size, config.train.average_from.is_some())?;
    let mut network = Network::new(&graph, config.train.seed, Some(optimizer(&config.train.embedding_optimizer)));
    let pretrained = pretrained::start(config, &encoders, &options.base, &mut network)?;
    for (feature, coverage) in &pretrained {
        watch(Event::Pretrained(feature, *coverage));
    }
    let (layers, tables) = network.size();
    watch(Event::Built(layers, tables));
    let trainer = Trainer::new(network, settings).map_err(|e| TrainError::io("thread", e))?;

    fs::create_dir_all(&options.out).map_err(|e| TrainError::io(&options.out, e))?;
    let most = config.data.shuffle_buffer as u64;
    let mut run = Run {
        config,
        options,
        train: Rows::new(&origin, Part::Train, most),
        valid: origin.has_valid().then(|| Rows::new(&origin, Part::Valid, most)),
        scorer: Scorer::new(trainer.network()),
        trainer,
        average: config.train.average_from.map(Average::new),
        history: History::default(),
        rows,
        pretrained,
        identity: identity(config, &origin)?,
    };
    run.check_valid()?;
    let checkpoints = options.out.join("checkpoints");
    if options.resume {
        if let Some(history) = checkpoint::resume(&checkpoints, &run.identity, &mut run.trainer, run.average.as_mut())?
        {
            watch(Event::Resumed(history.epochs.len()));
            run.history = history;
        }
    } else {
        checkpoint::clear(&checkpoints)?;
    }
    // On a worker: none is woken for each step.
    let pool = Arc::clone(run.trainer.pool());
    let interrupted = pool.install(|| run.epochs(&checkpoints, watch))?;
    run.finish(&origin, &checkpoints, interrupted, skipped)
}

/// What makes a run this run: its configuration (threads and number of epochs aside) and its training rows.
fn identity(config: &Config, origin: &Origin) -> Result<String, TrainError> {
    let mut config = config.clone();
    config.train.threads = None;
    config.train.epochs = 0;
    config.in_force.clear();
    let text = serde_json::to_string(&config)
        .map_err(|e| TrainError::Run { path: PathBuf::from("configuration"), problem: e.to_string() })?;
    // Rows that were only changed leave their number and much of what encoders know; rarely the files' lengths too.
    let (lengths, rows, encoders) = (origin.raw_bytes()?, origin.train_rows(), origin.encoders());
    let layout = format!("{text}\n{rows}\n{lengths:?}\n{:?}\n{:?}", encoders.layout(), encoders.describe());
    Ok(format!("{:016x}", xxh3_64(layout.as_bytes())))
}

/// A tensor that holds something else than finite numbers.
fn diverged(network: &Network<f32>) -> Option<String> {
    let mut all = network.layers().into_iter().chain(network.tables());
    all.find(|tensor| !tensor.data.iter().all(|v| v.is_finite())).map(|tensor| tensor.name)
}

/// Averaged weights that are not the network's.
fn no_average(checkpoints: &Path, source: TensorError) -> TrainError {
    ModelError::Tensor { path: checkpoints.to_owned(), source }.into()
}

struct Run<'a> {
    config: &'a Config,
    options: &'a RunOptions,
    train: Rows,
    valid: Option<Rows>,
    trainer: Trainer<f32>,
    average: Option<Average>,
    scorer: Scorer<f32>,
    history: History,
    rows: u64,
    pretrained: Vec<(String, Coverage)>,
    identity: String,
}

impl Run<'_> {
    fn stopped(&self) -> bool {
        self.options.stop.load(Ordering::Relaxed)
    }

    /// Trains what is left; says whether it was interrupted.
    fn epochs(&mut self, checkpoints: &Path, watch: &mut Watch<'_>) -> Result<bool, TrainError> {
        let patience = self.config.train.early_stopping.as_ref().map(|s| s.patience);
        if patience.is_some_and(|patience| self.history.waited >= patience) {
            return Ok(false);
        }
        for number in self.history.epochs.len() + 1..=self.config.train.epochs {
            watch(Event::EpochBegins(number, self.config.train.epochs, self.rows));
            let mut epoch = self.epoch(number, watch)?;
            if self.stopped() {
                watch(Event::Stopping("interrupted: writing the bundle with what was learned".to_owned()));
                return Ok(true);
            }
            if let Some(average) = &mut self.average {
                average.add(number, self.trainer.network()).map_err(|e| no_average(checkpoints, e))?;
            }
            if self.valid.is_some() {
                watch(Event::Validating);
                let measured = self.validate()?.measure(self.config).map_err(|error| match error {
                    TrainError::Metric { task, source: MetricError::Score { score, .. } } => {
                        let what = format!("task `{task}` scores a validation row {score}");
                        TrainError::Diverged { what, epoch: number, step: epoch.steps }
                    }
                    other => other,
                })?;
                epoch.valid = Some(measured);
            }
            let stop = self.history.add(epoch, self.config);
            let average = self.average.as_ref().and_then(Average::network);
            checkpoint::save(checkpoints, &self.identity, &self.trainer, average, &self.history)?;
            self.log()?;
            if let Some(epoch) = self.history.epochs.last() {
                watch(Event::EpochDone(epoch, self.history.best == Some(number)));
            }
            if stop {
                let metric = self.config.train.early_stopping.as_ref().map_or("", |s| &s.metric);
                let waited = self.history.waited;
                watch(Event::Stopping(format!("{metric} has not improved for {waited} epochs")));
                break;
            }
            if self.stopped() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn epoch(&mut self, number: usize, watch: &mut Watch<'_>) -> Result<Epoch, TrainError> {
        let train = &self.config.train;
        let shuffle = train.shuffle.then_some(Shuffle {
            buffer_rows: self.config.data.shuffle_buffer,
            seed: train.seed,
            epoch: number as u64,
        });
        let factors: Vec<f64> = self.config.tasks.iter().map(|task| task.weight_schedule.factor(number)).collect();
        self.trainer.set_factors(&factors).map_err(ModelError::from)?;
        let tasks = self.config.tasks.len();
        let (mut sums, mut weights) = (vec![0.0; tasks], vec![0.0; tasks]);
        let (mut total, mut steps, mut rows) = (0.0, 0u64, 0u64);
        let begin = Instant::now();
        // By multiplication: libm's powers differ between machines.
        self.trainer.set_rate_factor((1..number).fold(1.0, |factor, _| factor * train.learning_rate_decay));
        for batch in self.train.pass(train.batch_size, shuffle)? {
            let batch = batch?;
            let labels = feed::learned(&self.config.tasks, &batch);
            let targets = feed::targets(&labels, &batch);
            let report = self.trainer.step(&feed::feed(&batch), targets).map_err(ModelError::from)?;
            steps += 1;
            rows += batch.rows as u64;
            total += report.total;
            if !report.total.is_finite() {
                let what = format!("the loss became {}", report.total);
                return Err(TrainError::Diverged { what, epoch: number, step: steps });
            }
            for task in 0..tasks {
                sums[task] += report.loss_sums[task];
                weights[task] += report.weight_sums[task];
            }
            watch(Event::Step(rows, total / steps as f64));
            if self.stopped() {
                break;
            }
        }
        // A loss is computed before its step: the last step's weights have not been looked at.
        if let Some(name) = diverged(self.trainer.network()) {
            let what = format!("`{name}` is no longer finite");
            return Err(TrainError::Diverged { what, epoch: number, step: steps });
        }
        let task_train_loss =
            sums.iter().zip(&weights).map(|(sum, &weight)| (weight > 0.0).then(|| sum / weight)).collect();
        let seconds = begin.elapsed().as_secs_f64();
        Ok(Epoch {
            epoch: number,
            rows,
            steps,
            seconds,
            train_loss: total / steps.max(1) as f64,
            task_train_loss,
            valid: None,
        })
    }

    /// Scores the validation rows.
    fn validate(&mut self) -> Result<Collected, TrainError> {
        let mut collected = Collected::new(self.config.tasks.len());
        let Some(valid) = &mut self.valid else { return Ok(collected) };
        let average = self.average.as_ref().and_then(Average::network);
        let (network, scorer, config) = (average.unwrap_or(self.trainer.network()), &self.scorer, self.config);
        for batch in valid.pass(SCORE_ROWS, None)? {
            let batch = batch?;
            let scored = self.trainer.pool().install(|| scorer.score_watched(network, &feed::feed(&batch)));
            let (outputs, watched) = scored.map_err(ModelError::from)?;
            collected.add(&batch, &scores(config, outputs), watched);
        }
        Ok(collected)
    }

    /// Refuses a run whose validation rows are none, before hours of training.
    fn check_valid(&mut self) -> Result<(), TrainError> {
        let Some(valid) = &mut self.valid else { return Ok(()) };
        if valid.pass(1, None)?.next().transpose()?.is_none() {
            let problem =
                "there are no validation rows; name files with rows in data.valid, or raise data.valid_fraction";
            return Err(DataError::Empty(problem.to_owned()).into());
        }
        Ok(())
    }

    /// Writes `log.jsonl`, one line an epoch. Always the whole of it: what an interrupted run left must not pile up.
    fn log(&self) -> Result<(), TrainError> {
        let path = self.options.out.join("log.jsonl");
        let mut text = Vec::new();
        for epoch in &self.history.epochs {
            serde_json::to_writer(&mut text, epoch).map_err(|e| TrainError::io(&path, e.into()))?;
            text.push(b'\n');
        }
        Ok(bundle::replace_file(&path, &text)?)
    }

    /// Replaces the trained weights by their average, if the run has one.
    fn settle(&mut self, checkpoints: &Path) -> Result<(), TrainError> {
        let Some(average) = self.average.take() else { return Ok(()) };
        let Some(mean) = average.network() else { return Ok(()) };
        for tensor in mean.layers().into_iter().chain(mean.tables()) {
            self.trainer.set(&tensor).map_err(|e| no_average(checkpoints, e))?;
        }
        Ok(())
    }

    /// Restores the best epoch and writes bundle and report.
    fn finish(
        mut self,
        origin: &Origin,
        checkpoints: &Path,
        interrupted: bool,
        skipped: u64,
    ) -> Result<RunResult, TrainError> {
        let latest = self.history.epochs.len();
        if let Some(best) = self.history.best
            && (best != latest || interrupted)
            && self.valid.is_some()
        {
            let average = self.average.as_mut();
            checkpoint::restore_weights(checkpoints, &self.identity, best, &mut self.trainer, average)?;
        }
        self.settle(checkpoints)?;
        let collected = self.validate()?;
        let measured = collected.measure(self.config)?;
        let facts = Facts {
            config: self.config,
            origin,
            history: &self.history,
            rows: self.rows,
            skipped,
            interrupted,
            pretrained: &self.pretrained,
        };
        let metrics = json!({
            "best_epoch": self.history.best,
            "epochs": self.history.epochs.len(),
            "interrupted": interrupted,
            "train_rows": self.rows,
            "valid": self.valid.is_some().then_some(&measured),
        });
        let page = report::html(&summary::report(&facts, &self.trainer, &collected, &measured)?);
        let out = &self.options.out;
        let (config, network) = (self.config, self.trainer.into_network());
        bundle::save(&out.join("bundle"), config, origin.encoders(), &network, &metrics)?;
        bundle::replace_file(&out.join("report.html"), page.as_bytes())?;
        Ok(RunResult { history: self.history, interrupted, bundle: out.join("bundle") })
    }
}
