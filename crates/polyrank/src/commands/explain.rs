//! `polyrank explain`.

use std::path::{Path, PathBuf};

use clap::Args;
use polyrank_data::encode::{Encoders, InputLayout};
use polyrank_data::operate::OperatorSummary;
use polyrank_engine::{Graph, Space};
use polyrank_model::matching::{layer_numbers, match_numbers};
use polyrank_model::multi_task::relations;
use polyrank_model::{ModelError, bundle, network_graph};
use polyrank_schema::Config;
use polyrank_schema::spec::OptionValue;
use polyrank_train::dataset::Dataset;

use crate::failure::Failure;
use crate::table::render;
use crate::{load, output};

/// Shows the network of a configuration or a bundle.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A configuration, or a bundle's folder
    path: PathBuf,
    /// Sets any key of the configuration to a TOML value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Also gives the hidden widths at which the block's layers have as many parameters as those of this configuration
    /// or bundle
    #[arg(long = "match", value_name = "PATH")]
    like: Option<PathBuf>,
}

impl Explain {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (config, encoders) = open(&self.path, &self.set)?;
        let graph = network_graph(&config, encoders.layout()).map_err(ModelError::from)?;
        let mut shown = text(&config, &encoders, &graph);
        if let Some(like) = &self.like {
            shown += &format!("\n\n{}", matched(&config, &encoders, like)?);
        }
        output::data(&shown)
    }
}

/// What a configuration or a bundle describes.
fn open(path: &Path, set: &[String]) -> Result<(Config, Encoders), Failure> {
    if path.is_dir() {
        if !set.is_empty() {
            return Err(Failure::input("--set changes a configuration; a bundle is what it is"));
        }
        let bundle = bundle::load(path)?;
        return Ok((bundle.config, bundle.encoders));
    }
    let loaded = load::config(path, set, &[])?;
    // Cardinalities are the data's: the encoders are fitted as training would.
    let (encoders, _) = Dataset::open(&loaded.config, &loaded.base)?.fit(|_| {})?;
    Ok((loaded.config, encoders))
}

/// The block's widths at which its layers have as many parameters as another network's.
fn matched(config: &Config, encoders: &Encoders, like: &Path) -> Result<String, Failure> {
    let (other, other_encoders) = open(like, &[])?;
    let target = layer_numbers(&network_graph(&other, other_encoders.layout()).map_err(ModelError::from)?);
    let found = match_numbers(config, encoders.layout(), target)?;
    let block = &found.config.model.multi_task;
    let widths = |(key, value): (&String, &OptionValue)| match value {
        OptionValue::Units(units) if block.options.get(key) != config.model.multi_task.options.get(key) => {
            Some(format!("{key} = {units:?}"))
        }
        _ => None,
    };
    let changed: Vec<String> = block.options.iter().filter_map(widths).collect();
    let how = if changed.is_empty() { "as it is".to_owned() } else { format!("with {}", changed.join(", ")) };
    Ok(format!(
        "{} has {target} parameters in layers; `{}` {how} has {} ({:+.2} %)",
        like.display(),
        block.kind,
        found.numbers,
        100.0 * (found.numbers as f64 / target as f64 - 1.0)
    ))
}

fn text(config: &Config, encoders: &Encoders, graph: &Graph) -> String {
    let network = shapes(graph);
    let (layers, tables) = (graph.params().iter().map(|p| p.shape.len()).sum::<usize>(), table_size(graph));
    let flops: u64 = graph.summary().iter().map(|s| s.flops * s.space.each() as u64).sum();
    let mut parts = vec![
        format!("features\n{}", features(encoders, encoders.layout(), graph)),
        format!("network (B rows in, one number a task out)\n{network}"),
        format!(
            "{layers} parameters in layers, {tables} in embedding tables; {:.2} MFLOP a row to score, {:.2} to train",
            flops as f64 / 1e6,
            3.0 * flops as f64 / 1e6
        ),
    ];
    let operators = operators(encoders);
    if !operators.is_empty() {
        parts.insert(0, format!("operators\n{operators}"));
    }
    let tasks = tasks(config);
    if !tasks.is_empty() {
        let place = parts.len() - 2;
        parts.insert(place, format!("tasks\n{tasks}"));
    }
    if !config.in_force.is_empty() {
        let rows: Vec<Vec<String>> =
            config.in_force.iter().map(|c| vec![c.key.clone(), c.value.clone(), c.because.clone()]).collect();
        parts.push(format!("not written, so in force\n{}", left(&["key", "value", "because of"], &rows)));
    }
    parts.join("\n\n")
}

/// What operators make of which columns, a line a step; empty without operators.
fn operators(encoders: &Encoders) -> String {
    let steps = encoders.operators().describe();
    let row = |step: &OperatorSummary| {
        let fitted = if step.used { step.fitted.clone() } else { "not used".to_owned() };
        vec![step.operator.clone(), step.reads.join(", "), step.writes.join(", "), fitted]
    };
    let rows: Vec<Vec<String>> = steps.iter().map(row).collect();
    if rows.is_empty() { String::new() } else { left(&["operator", "reads", "makes", "fitted"], &rows) }
}

/// Which task depends on which: `click ──product──► conversion`, a line a chain. Empty where tasks share layers alone.
fn tasks(config: &Config) -> String {
    let name = |task: usize| config.tasks[task].name.as_str();
    let mut chains: Vec<(usize, String)> = Vec::new();
    for relation in relations(config) {
        let arrow = format!(" ──{}──► {}", relation.how, name(relation.to));
        match chains.last_mut() {
            Some((end, chain)) if *end == relation.from => {
                chain.push_str(&arrow);
                *end = relation.to;
            }
            _ => chains.push((relation.to, format!("{}{arrow}", name(relation.from)))),
        }
    }
    chains.into_iter().map(|(_, chain)| chain).collect::<Vec<_>>().join("\n")
}

fn table_size(graph: &Graph) -> u128 {
    graph.tables().iter().map(|t| t.rows as u128 * t.dim as u128).sum()
}

fn features(encoders: &Encoders, layout: &InputLayout, graph: &Graph) -> String {
    let rows: Vec<Vec<String>> = encoders
        .describe()
        .into_iter()
        .map(|feature| {
            let slot = layout.slots.iter().find(|s| s.feature == feature.name);
            let table = slot.and_then(|s| {
                let name = format!("table.{}", layout.tables[s.table].name);
                graph.tables().iter().find(|t| t.name.rsplit('/').next() == Some(&name))
            });
            let dense = layout.dense.iter().find(|d| d.feature == feature.name).map(|d| d.width);
            vec![
                feature.name.clone(),
                if feature.omitted { "left out: too few values".to_owned() } else { feature.encoder.clone() },
                table.map_or(String::new(), |t| t.rows.to_string()),
                table.map(|t| t.dim).or(dense).map_or(String::new(), |w| w.to_string()),
                format!("{:.2} %", 100.0 * feature.missing),
            ]
        })
        .collect();
    render(&["feature", "encoder", "table rows", "width", "missing"], &rows)
}

/// One line a value: how it is made, its shape, its parameters.
fn shapes(graph: &Graph) -> String {
    let rows: Vec<Vec<String>> = graph
        .summary()
        .into_iter()
        .map(|node| {
            let inputs = if node.inputs.len() > 4 {
                format!("{}, … {} values", node.inputs[0], node.inputs.len())
            } else {
                node.inputs.join(", ")
            };
            let params = if node.params > 0 { node.params.to_string() } else { String::new() };
            vec![node.name, node.op.to_owned(), shape(node.space, node.width), params, inputs]
        })
        .collect();
    left(&["value", "op", "shape", "parameters", "reads"], &rows)
}

/// A value's shape; where a row's list varies in length, its largest.
fn shape(space: Space, width: usize) -> String {
    match space {
        Space::Rows => format!("[B, {width}]"),
        Space::Once => format!("[1, {width}]"),
        Space::Fields(fields) => format!("[B, {fields}, {width}]"),
        Space::List { .. } => format!("[B, ≤ {}, {width}]", space.most()),
    }
}

/// A table whose columns are all left-aligned.
fn left(header: &[&str], rows: &[Vec<String>]) -> String {
    let width =
        |c: usize| rows.iter().map(|r| r[c].chars().count()).chain([header[c].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, &w)| format!("{cell:<w$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut out = vec![line(header.to_vec())];
    out.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    out.join("\n")
}
