//! `polyrank bench`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Subcommand};
use polyrank_data::Batch;
use polyrank_data::stream::Batches;
use polyrank_engine::{Isa, Lying, Network, NodeSummary, Precision, Scorer, Trainer, copying, peak};
use polyrank_model::feed::{feed, learned, targets};
use polyrank_model::optimizer::optimizer;
use polyrank_model::options::trainer_options;
use polyrank_model::{ModelError, memory, network_graph};
use polyrank_schema::config::Validation;
use polyrank_train::dataset::Part;
use polyrank_train::origin::Origin;
use polyrank_train::run::threads;

use crate::failure::Failure;
use crate::load::{self, Loaded};
use crate::output;

/// Measures throughput.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Rows trained on per second
    Train(Options),
    /// Rows scored per second
    Predict(Options),
    /// How fast the processor multiplies, what the others' GFLOP/s can be at most, and how fast it copies
    Peak {
        /// Worker threads; all cores if absent
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
    },
}

#[derive(Debug, Args)]
struct Options {
    /// The rows, instead of data.train
    #[arg(required_unless_present = "cache")]
    file: Option<String>,
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Sets any key of the configuration to a TOML value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Reads, encodes and batches inside the measured time, instead of from memory
    #[arg(long)]
    from_disk: bool,
    /// Takes the training rows of a folder that `polyrank prepare --cache` wrote, read inside the measured time
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "from_disk"])]
    cache: Option<PathBuf>,
    /// At least this many seconds are measured
    #[arg(long, default_value_t = 3.0, value_parser = seconds)]
    seconds: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s));
    seconds.ok_or_else(|| "expected a number of seconds from 0 to 86400".to_owned())
}

impl Bench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (train, options) = match self.what {
            What::Train(options) => (true, options),
            What::Predict(options) => (false, options),
            What::Peak { threads } => return multiply(threads.map(usize::from)),
        };
        let files = options.file.as_slice();
        let mut loaded = load::config(&options.config, &options.set, &[("train", files)])?;
        if options.cache.is_none() {
            // All rows of the file are measured: none is held out.
            loaded.config.data.valid = Validation::None;
        }
        let mut measure = Measure::new(&loaded, options.cache.as_deref())?;
        let from = match (&options.cache, options.from_disk) {
            (Some(_), _) => "from the cache",
            (None, true) => "from disk",
            (None, false) => "from memory",
        };
        let held = options.cache.is_none() && !options.from_disk;
        // On a worker: who scores calls from a thread of its own, and none is woken for each batch.
        let pool = Arc::clone(measure.trainer.pool());
        let rate = pool.install(|| match held {
            true => measure.held(train, options.seconds),
            false => measure.reading(train, options.seconds),
        })?;
        let config = &loaded.config;
        let what = if train { "train" } else { "predict" };
        output::data(&format!(
            "bench {what}: {}, batch {}, {} threads, {} on {}, {}: {:.1} GFLOP/s, {:.1} kB a row besides products in {}, {:.0} rows/s",
            config.model.multi_task.kind,
            config.train.batch_size,
            threads(config),
            config.train.precision.name(),
            Isa::current().name(),
            from,
            rate * measure.flops(train) / 1e9,
            measure.bytes(train) / 1e3,
            if train && measure.batch_wide() { "memory" } else { "cache" },
            rate
        ))
    }
}

/// Every thread multiplies at once, as in training.
fn multiply(threads: Option<usize>) -> Result<(), Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    let pool = pool.map_err(|e| Failure::io("threads", std::io::Error::other(e)))?;
    let rate = |precision| pool.broadcast(|_| peak(precision, 0.5)).iter().sum::<f64>() / 1e9;
    let copied = |lying| pool.broadcast(|_| copying(lying, 0.5)).iter().sum::<f64>() / 1e9;
    output::data(&format!(
        "bench peak: {} threads, {}: fp32 {:.1} GFLOP/s, bf16 {:.1} GFLOP/s; copying reads and writes {:.1} GB/s in cache, {:.1} GB/s in memory",
        pool.current_num_threads(),
        Isa::current().name(),
        rate(Precision::Fp32),
        rate(Precision::Bf16),
        copied(Lying::InCache),
        copied(Lying::InMemory)
    ))
}

/// A trainer and its rows.
struct Measure<'a> {
    loaded: &'a Loaded,
    origin: Origin,
    trainer: Trainer<f32>,
    scorer: Scorer<f32>,
}

impl Measure<'_> {
    fn new<'a>(loaded: &'a Loaded, cache: Option<&Path>) -> Result<Measure<'a>, Failure> {
        let config = &loaded.config;
        let origin = Origin::open(config, &loaded.base, cache, |_| ())?;
        let graph = network_graph(config, origin.encoders().layout()).map_err(ModelError::from)?;
        let settings = trainer_options(config, threads(config));
        memory::check_training(&graph, &settings, config.train.batch_size, false)?;
        let network = Network::new(&graph, config.train.seed, Some(optimizer(&config.train.embedding_optimizer)));
        let trainer = Trainer::new(network, settings).map_err(|e| Failure::io("thread", e))?;
        let scorer = Scorer::new(trainer.network());
        Ok(Measure { loaded, origin, trainer, scorer })
    }

    /// Operations a row, with the backward pass counted as two forward ones.
    fn flops(&self, train: bool) -> f64 {
        let summary = self.trainer.network().graph().summary();
        let forward: u64 = summary.iter().map(|s| s.flops * s.space.each() as u64).sum();
        forward as f64 * if train { 3.0 } else { 1.0 }
    }

    /// Bytes a row that all but linear layers read and write: an op's inputs and output, and in the backward pass both again
    /// and the inputs' gradients.
    fn bytes(&self, train: bool) -> f64 {
        let summary = self.trainer.network().graph().summary();
        let size = |s: &NodeSummary| (s.width * s.space.each()) as f64;
        let sizes: HashMap<&str, f64> = summary.iter().map(|s| (s.name.as_str(), size(s))).collect();
        let moved = |s: &NodeSummary| {
            let read: f64 = s.inputs.iter().filter_map(|name| sizes.get(name.as_str())).sum();
            if train { 3.0 * read + 2.0 * size(s) } else { read + size(s) }
        };
        // What is put side by side is written there in the first place.
        4.0 * summary.iter().filter(|s| !["linear", "routes", "concat", "part"].contains(&s.op)).map(moved).sum::<f64>()
    }

    /// Whether a step holds the values of all rows of a batch: they do not stay in a core's cache.
    fn batch_wide(&self) -> bool {
        self.trainer.network().graph().summary().iter().any(|s| s.batch_wide)
    }

    fn one(&mut self, train: bool, batch: &Batch) -> Result<(), Failure> {
        if train {
            let labels = learned(&self.loaded.config.tasks, batch);
            self.trainer.step(&feed(batch), targets(&labels, batch)).map_err(ModelError::from)?;
        } else {
            let (scorer, network) = (&self.scorer, self.trainer.network());
            std::hint::black_box(scorer.score(network, &feed(batch)).map_err(ModelError::from)?);
        }
        Ok(())
    }

    /// Whole batches, encoded beforehand: passes over them until the time is up, after one step to warm up.
    fn held(&mut self, train: bool, seconds: f64) -> Result<f64, Failure> {
        let size = self.loaded.config.train.batch_size;
        let encoded = self.origin.encoded(Part::Train)?;
        let mut batches = Batches::new(encoded, size, None).collect::<Result<Vec<_>, _>>()?;
        if batches.len() > 1 {
            batches.retain(|b| b.rows == size);
        }
        for batch in batches.iter().take(3) {
            self.one(train, batch)?;
        }
        let (begin, mut rows) = (Instant::now(), 0);
        for batch in batches.iter().cycle() {
            self.one(train, batch)?;
            rows += batch.rows;
            if begin.elapsed().as_secs_f64() >= seconds {
                break;
            }
        }
        Ok(rows as f64 / begin.elapsed().as_secs_f64())
    }

    /// Reading, decoding, batching and, of raw rows, encoding included: whole passes over the files until the time is up.
    fn reading(&mut self, train: bool, seconds: f64) -> Result<f64, Failure> {
        let size = self.loaded.config.train.batch_size;
        let (begin, mut rows) = (Instant::now(), 0);
        while begin.elapsed().as_secs_f64() < seconds {
            let encoded = self.origin.encoded(Part::Train)?;
            let ahead = polyrank_data::stream::Prefetch::new(Batches::new(encoded, size, None), 4)
                .map_err(|e| Failure::io("thread", e))?;
            for batch in ahead {
                let batch = batch?;
                self.one(train, &batch)?;
                rows += batch.rows;
            }
        }
        Ok(rows as f64 / begin.elapsed().as_secs_f64())
    }
}
