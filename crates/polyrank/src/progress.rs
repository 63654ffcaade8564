//! How a run shows itself: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use polyrank_data::encode::Coverage;
use polyrank_schema::Config;
use polyrank_train::Event;
use polyrank_train::history::Epoch;

use crate::output;
use crate::table::figure;

/// Shows the events of a run.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    tasks: Vec<String>,
    /// When the last plain line was printed.
    last: Instant,
    begin: Instant,
    total: u64,
}

impl Progress {
    pub(crate) fn new(config: &Config) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style =
                ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} rows, {per_sec}, {eta} left  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let tasks = config.tasks.iter().map(|t| t.name.clone()).collect();
        Progress { bar, tasks, last: Instant::now(), begin: Instant::now(), total: 0 }
    }

    pub(crate) fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Fitting(rows) => {
                if let Some(bar) = &self.bar {
                    bar.set_prefix("reading");
                    bar.set_position(rows);
                }
            }
            Event::Fitted(rows, skipped) => {
                self.line(&format!("fitted the encoders on {rows} rows{}", left_out(skipped)));
            }
            Event::Opened(rows, skipped) => {
                self.line(&format!("opened the cache of {rows} rows{}", left_out(skipped)));
            }
            Event::Built(layers, tables) => {
                self.line(&format!("network: {layers} parameters in layers, {tables} in embedding tables"));
            }
            Event::Pretrained(feature, coverage) => {
                let Coverage { found, values, unknown } = coverage;
                self.line(&format!(
                    "`{feature}`: pretrained vectors for {found} of {values} values; {unknown} vectors of other values"
                ));
            }
            Event::Resumed(epochs) => self.line(&format!("resumed after epoch {epochs}")),
            Event::EpochBegins(epoch, of, rows) => {
                (self.begin, self.last, self.total) = (Instant::now(), Instant::now(), rows);
                if let Some(bar) = &self.bar {
                    bar.reset();
                    bar.set_length(rows);
                    bar.set_prefix(format!("epoch {epoch}/{of}"));
                }
            }
            Event::Step(rows, loss) => self.step(rows, loss),
            Event::Validating => {
                if let Some(bar) = &self.bar {
                    bar.set_message("validating");
                }
            }
            Event::EpochDone(epoch, best) => {
                self.line(&self.epoch_line(epoch, best));
            }
            Event::Stopping(why) => self.line(&why),
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn step(&mut self, rows: u64, loss: f64) {
        if let Some(bar) = &self.bar {
            bar.set_position(rows);
            if self.last.elapsed() > Duration::from_millis(200) {
                self.last = Instant::now();
                bar.set_message(format!("loss {loss:.4}"));
            }
        } else if self.last.elapsed() > Duration::from_secs(30) {
            self.last = Instant::now();
            let rate = rows as f64 / self.begin.elapsed().as_secs_f64().max(1e-9);
            let left = self.total.saturating_sub(rows) as f64 / rate.max(1e-9);
            output::message(&format!(
                "  {rows}/{} rows, {rate:.0} rows/s, {left:.0} s left, loss {loss:.4}",
                self.total
            ));
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::message(text)),
            None => output::message(text),
        }
    }

    fn epoch_line(&self, epoch: &Epoch, best: bool) -> String {
        let rate = epoch.rows as f64 / epoch.seconds.max(1e-9);
        let mut line =
            format!("epoch {}: {:.1} s, {rate:.0} rows/s, loss {:.4}", epoch.epoch, epoch.seconds, epoch.train_loss);
        let Some(valid) = &epoch.valid else { return line };
        for (name, task) in self.tasks.iter().zip(&valid.tasks) {
            let ranked = task.metrics.iter().any(|(name, _)| name == "auc");
            let shown: Vec<String> = ["auc", "logloss", "accuracy", "rmse", "mae"]
                .iter()
                // Where AUC says more, as for rare labels.
                .filter(|metric| **metric != "accuracy" || !ranked)
                .filter(|metric| task.metrics.iter().any(|(name, _)| name == **metric))
                .map(|metric| format!("{metric} {}", figure(task.metrics.get(metric))))
                .collect();
            line += &format!(" | {name} {}", shown.join(" "));
        }
        if best { line + " *" } else { line }
    }
}

/// One line that is replaced as work goes on; elsewhere than on a terminal a line now and then.
pub(crate) struct Line {
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
}

impl Line {
    pub(crate) fn new() -> Line {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{elapsed} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Line { bar, last: Mutex::new(Instant::now()) }
    }

    pub(crate) fn set(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        } else if let Ok(mut last) = self.last.lock()
            && last.elapsed() > Duration::from_secs(30)
        {
            *last = Instant::now();
            output::message(&text);
        }
    }

    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn left_out(rows: u64) -> String {
    if rows > 0 { format!(", {rows} malformed rows left out") } else { String::new() }
}
