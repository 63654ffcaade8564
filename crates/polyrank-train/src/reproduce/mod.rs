//! Experiments of papers, run again: one file each, one line each below.
//!
//! Each says what the paper found, runs it over several seeds, and compares: means with 95 % confidence intervals over
//! the seeds, and the paper's claims with whether they hold here.

mod mmoe_census;
mod mmoe_synthetic;
mod page;
mod ple_synthetic;
mod statistics;
mod trial;

pub use page::html;

use std::path::PathBuf;

use crate::TrainError;

/// How an experiment is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// With the paper's counts of runs and rows, whatever that takes.
    pub full: bool,
    /// Seeds (runs of each kind); the experiment's own number if absent.
    pub seeds: Option<usize>,
    /// Worker threads.
    pub threads: usize,
    /// The folder of the rows, for experiments on real ones.
    pub data: Option<PathBuf>,
    /// Where runs leave what they must keep.
    pub out: PathBuf,
}

/// An experiment.
pub struct Reproduction {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line.
    pub doc: &'static str,
    /// Runs it; progress goes to the second argument.
    pub run: fn(&Settings, &(dyn Fn(String) + Sync)) -> Result<Study, TrainError>,
}

macro_rules! reproductions {
    ($($module:ident),* $(,)?) => {
        /// All experiments.
        pub const ALL: &[Reproduction] = &[$(Reproduction { name: $module::NAME, doc: $module::DOC, run: $module::run }),*];
    };
}

reproductions! {
    mmoe_synthetic,
    mmoe_census,
    ple_synthetic,
}

/// What an experiment found.
#[derive(Debug, Clone, Default)]
pub struct Study {
    /// What was run, in words.
    pub title: String,
    /// How it was run, and where that differs from the paper.
    pub notes: Vec<String>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Curves.
    pub curves: Vec<Curves>,
    /// Intervals side by side.
    pub intervals: Vec<Intervals>,
    /// The paper's claims.
    pub claims: Vec<Claim>,
}

/// A table of texts.
#[derive(Debug, Clone)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// One a column.
    pub header: Vec<String>,
    /// As many cells as columns each.
    pub rows: Vec<Vec<String>>,
}

/// Lines over the course of training.
#[derive(Debug, Clone)]
pub struct Curves {
    /// What they show.
    pub caption: String,
    /// Name and values, evenly over the run.
    pub lines: Vec<(String, Vec<f64>)>,
}

/// Means with confidence intervals, and the paper's figures.
#[derive(Debug, Clone)]
pub struct Intervals {
    /// What they show.
    pub caption: String,
    /// One a mean.
    pub bars: Vec<Interval>,
}

/// A mean, its interval, and the paper's figure.
#[derive(Debug, Clone)]
pub struct Interval {
    /// Of what.
    pub name: String,
    /// Over the seeds.
    pub mean: f64,
    /// Half the width of the 95 % confidence interval.
    pub half: f64,
    /// What the paper says, if it does.
    pub paper: Option<f64>,
}

/// Something that a paper claims.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The claim.
    pub text: String,
    /// What was measured.
    pub evidence: String,
    /// Whether it was found here, with an interval that excludes the contrary.
    pub holds: bool,
}
