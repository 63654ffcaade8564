//! From a configuration and an input layout to a graph.

use polyrank_data::encode::InputLayout;
use polyrank_engine::{Graph, GraphError, Precision, Value};
use polyrank_schema::Config;
use polyrank_schema::config::Precision as Configured;

use crate::layer::Layers;
use crate::multi_task::{self, TaskOutput};

/// What an architecture builds with: the graph so far, and what it is to be.
pub struct Builder<'a> {
    /// The graph so far.
    pub graph: Graph,
    /// The configuration.
    pub config: &'a Config,
    /// What the encoders give.
    pub layout: &'a InputLayout,
    /// How hidden layers are made at present.
    pub(crate) layers: Layers,
    /// By task: what interactions add to its logit or logits, `[B, 1]` or `[B, C]` each.
    pub(crate) logits: Vec<Vec<Value>>,
}

impl Builder<'_> {
    /// The names of the tasks (T of them).
    pub fn tasks(&self) -> Vec<String> {
        self.config.tasks.iter().map(|t| t.name.clone()).collect()
    }
}

/// The graph of a configuration: input → interaction → multi-task block → towers → heads.
pub fn network_graph(config: &Config, layout: &InputLayout) -> Result<Graph, GraphError> {
    let block = &config.model.multi_task;
    let architecture = multi_task::find(&block.kind)?;
    compose(config, layout, |builder| (architecture.build)(builder, block))
}

/// As [`network_graph`], with a multi-task block of your own in the place of the configured one: `block` gives an output
/// a task, in the tasks' order.
pub fn compose(
    config: &Config,
    layout: &InputLayout,
    block: impl FnOnce(&mut Builder<'_>) -> Result<Vec<TaskOutput>, GraphError>,
) -> Result<Graph, GraphError> {
    let tasks = config.tasks.len();
    let layers = Layers::of(&config.model);
    let precision = |configured| match configured {
        Configured::Fp32 => Precision::Fp32,
        Configured::Bf16 => Precision::Bf16,
    };
    let (layers_in, tables_in) = (precision(config.train.precision), precision(config.train.table_precision));
    let graph = Graph::in_precision(layers_in).with_tables_in(tables_in);
    let mut builder = Builder { graph, config, layout, layers, logits: vec![Vec::new(); tasks] };
    let outputs = block(&mut builder)?;
    if outputs.len() != tasks {
        let problem = format!("gives {} outputs for {tasks} tasks; give one a task", outputs.len());
        return Err(GraphError { block: "multi-task block".to_owned(), problem });
    }
    for (task, output) in outputs.into_iter().enumerate() {
        let output = match output {
            TaskOutput::Hidden { value, prefix } => builder.tower(&prefix, task, value)?,
            TaskOutput::Output(output) => output,
        };
        builder.head(task, output)?;
    }
    Ok(builder.graph)
}
