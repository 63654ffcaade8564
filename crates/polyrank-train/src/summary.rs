//! From a run's figures to what its report shows.

use polyrank_data::encode::Coverage;
use polyrank_engine::Trainer;
use polyrank_schema::Config;
use polyrank_schema::config::{FeatureKind, TaskKind};

use crate::error::TrainError;
use crate::evaluate::{Collected, Measured};
use crate::history::History;
use crate::origin::Origin;
use crate::report::{Entry, EpochReport, EpochTask, FeatureReport, GateReport, RunReport, TaskReport};
use crate::run::threads;

/// What a run knows at its end.
pub(crate) struct Facts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) origin: &'a Origin,
    pub(crate) history: &'a History,
    pub(crate) rows: u64,
    pub(crate) skipped: u64,
    pub(crate) interrupted: bool,
    /// By feature: what its pretrained vectors covered.
    pub(crate) pretrained: &'a [(String, Coverage)],
}

fn entry(key: &str, value: impl ToString) -> Entry {
    Entry { key: key.to_owned(), value: value.to_string() }
}

/// The report of a run.
pub(crate) fn report(
    facts: &Facts<'_>,
    trainer: &Trainer<f32>,
    collected: &Collected,
    measured: &Measured,
) -> Result<RunReport, TrainError> {
    let config = facts.config;
    let names: Vec<&str> = config.tasks.iter().map(|t| t.name.as_str()).collect();
    let files: Vec<String> = facts.origin.files().iter().map(|f| f.display().to_string()).collect();
    let (layers, tables) = trainer.network().size();
    let seconds: f64 = facts.history.epochs.iter().map(|e| e.seconds).sum();
    let trained_rows: u64 = facts.history.epochs.iter().map(|e| e.rows).sum();
    let mut dataset = vec![
        entry("files", files.join(", ")),
        entry("training rows", facts.rows),
        entry("validation rows", measured.rows),
    ];
    if facts.skipped > 0 {
        dataset.push(entry("malformed rows left out", facts.skipped));
    }
    for (feature, Coverage { found, values, .. }) in facts.pretrained {
        dataset.push(entry(&format!("pretrained vectors of {feature}"), format!("{found} of {values} values")));
    }
    let mut trained = vec![
        entry("multi-task block", &config.model.multi_task.kind),
        entry("preset", config.model.preset.name()),
        entry("tasks", names.join(", ")),
        entry("parameters in layers", layers),
        entry("parameters in embedding tables", tables),
        entry("optimizer", &config.train.optimizer.kind),
        entry("batch size", config.train.batch_size),
        entry("epochs", facts.history.epochs.len()),
        entry("seed", config.train.seed),
        entry("threads", threads(config)),
        entry("precision", config.train.precision.name()),
        entry("precision of embedding tables", config.train.table_precision.name()),
        entry("instruction set", polyrank_engine::Isa::current().name()),
    ];
    if seconds > 0.0 {
        trained.push(entry("training time", format!("{seconds:.1} s, {:.0} rows/s", trained_rows as f64 / seconds)));
    }
    if facts.interrupted {
        trained.push(entry("interrupted", "yes"));
    }
    let epochs = facts.history.epochs.iter().map(|epoch| EpochReport {
        train_loss: Some(epoch.train_loss),
        tasks: (0..config.tasks.len())
            .map(|t| {
                let valid = epoch.valid.as_ref().map(|v| &v.tasks[t]);
                EpochTask {
                    train_loss: epoch.task_train_loss.get(t).copied().flatten(),
                    valid_loss: valid.and_then(|v| v.loss),
                    metrics: valid.map(|v| v.metrics.clone()).unwrap_or_default(),
                }
            })
            .collect(),
    });
    let mut tasks = Vec::new();
    for (t, task) in config.tasks.iter().enumerate() {
        let (roc, histogram) = collected.curves(config, t)?;
        let kind = match task.kind {
            TaskKind::Binary { .. } => "binary",
            TaskKind::Regression { .. } => "regression",
            TaskKind::MultiClass { .. } => "multi-class",
        };
        let metrics = measured.tasks[t].metrics.clone();
        tasks.push(TaskReport { name: task.name.clone(), kind: kind.to_owned(), metrics, roc, histogram });
    }
    Ok(RunReport {
        title: format!("{}: {}", config.model.multi_task.kind, names.join(", ")),
        dataset,
        trained,
        epochs: epochs.collect(),
        best_epoch: facts.history.best,
        tasks,
        gates: gates(trainer, measured),
        features: features(facts, trainer),
    })
}

fn gates(trainer: &Trainer<f32>, measured: &Measured) -> Vec<GateReport> {
    let watched: Vec<(&str, usize)> = trainer.graph().watched().collect();
    if measured.gates.len() != watched.len() {
        return Vec::new();
    }
    // Gates over equally many experts make a table.
    let mut reports: Vec<GateReport> = Vec::new();
    for ((gate, experts), weights) in watched.iter().zip(&measured.gates) {
        let name = format!("gates over {experts} experts");
        let report = match reports.iter_mut().find(|report| report.experts.len() == *experts) {
            Some(report) => report,
            None => {
                let experts = (1..=*experts).map(|e| format!("expert {e}")).collect();
                reports.push(GateReport { name, experts, ..GateReport::default() });
                let last = reports.len() - 1;
                &mut reports[last]
            }
        };
        report.gates.push((*gate).to_owned());
        report.weights.push(weights.clone());
    }
    if let [only] = &mut reports[..] {
        only.name = "gates".to_owned();
    }
    reports
}

fn features(facts: &Facts<'_>, trainer: &Trainer<f32>) -> Vec<FeatureReport> {
    let layout = facts.origin.encoders().layout();
    let dims: Vec<(String, usize)> = trainer.graph().tables().iter().map(|t| (t.name.clone(), t.dim)).collect();
    let summaries = facts.origin.encoders().describe();
    facts
        .config
        .features
        .iter()
        .zip(summaries)
        .map(|(feature, summary)| {
            let kind = match &feature.kind {
                FeatureKind::Categorical { list: Some(_), .. } => "categorical list",
                FeatureKind::Categorical { .. } => "categorical",
                FeatureKind::Dense { .. } => "dense",
                FeatureKind::Bucketized { .. } => "bucketized",
                FeatureKind::Vector { .. } => "vector",
            };
            let slot = layout.slots.iter().find(|s| s.feature == feature.name);
            let table = slot.map(|s| format!("table.{}", layout.tables[s.table].name));
            let dim =
                table.and_then(|name| dims.iter().find(|(n, _)| n.rsplit('/').next() == Some(&name)).map(|(_, d)| *d));
            let width = dim.or_else(|| layout.dense.iter().find(|d| d.feature == feature.name).map(|d| d.width));
            FeatureReport {
                name: feature.name.clone(),
                kind: kind.to_owned(),
                encoder: summary.encoder,
                rows: summary.table_rows.map(|r| r as u64),
                width: width.map(|w| w as u64),
            }
        })
        .collect()
}
