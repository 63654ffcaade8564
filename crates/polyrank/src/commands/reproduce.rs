//! `polyrank reproduce`: a paper's experiment, run again.

use std::path::PathBuf;

use clap::Args;
use polyrank_train::reproduce::{self, ALL, Settings, Study};

use crate::failure::Failure;
use crate::table::render;
use crate::{output, progress};

/// Runs a paper's experiment again and compares.
#[derive(Debug, Args)]
pub(crate) struct Reproduce {
    /// The experiment
    #[arg(value_parser = ALL.iter().map(|one| one.name).collect::<Vec<_>>(), long_help = long_help())]
    name: String,
    /// With the paper's counts of runs and rows
    #[arg(long)]
    full: bool,
    /// Runs of each kind, each with a seed of its own
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: Option<u64>,
    /// Where the report goes [default: reproduce-NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The folder of the rows, for experiments on real ones
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Worker threads [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

fn long_help() -> String {
    let lines = ALL.iter().map(|one| format!("\n{:16} {}", one.name, one.doc));
    format!("The experiment:{}", lines.collect::<String>())
}

impl Reproduce {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Some(found) = ALL.iter().find(|one| one.name == self.name) else {
            return Err(Failure::input(format!("no experiment is named `{}`", self.name)));
        };
        let out = self.out.unwrap_or_else(|| PathBuf::from(format!("reproduce-{}", self.name)));
        std::fs::create_dir_all(&out).map_err(|e| Failure::io(&out, e))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let settings = Settings {
            full: self.full,
            seeds: self.seeds.and_then(|n| usize::try_from(n).ok()),
            threads: self.threads.map_or(cores, usize::from),
            data: self.data,
            out: out.clone(),
        };
        let line = progress::Line::new();
        let study = (found.run)(&settings, &|message| line.set(message))?;
        line.clear();
        let page = out.join("report.html");
        std::fs::write(&page, reproduce::html(&study)).map_err(|e| Failure::io(&page, e))?;
        output::data(&text(&study))?;
        output::message(&format!("\nwrote {}", page.display()));
        Ok(())
    }
}

fn text(study: &Study) -> String {
    let mut parts = vec![study.title.clone()];
    parts.push(study.notes.iter().map(|note| format!("- {note}")).collect::<Vec<_>>().join("\n"));
    for table in &study.tables {
        let header: Vec<&str> = table.header.iter().map(String::as_str).collect();
        parts.push(format!("{}\n{}", table.caption, render(&header, &table.rows)));
    }
    let claims: Vec<Vec<String>> = (study.claims.iter())
        .map(|claim| {
            let found = if claim.holds { "found" } else { "not found" };
            vec![claim.text.clone(), claim.evidence.clone(), found.to_owned()]
        })
        .collect();
    if !claims.is_empty() {
        parts.push(render(&["claim of the paper", "measured", "here"], &claims));
    }
    parts.join("\n\n")
}
