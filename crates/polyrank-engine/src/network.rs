//! A graph with its numbers: what training changes and scoring reads.

use crate::exec::context::{RunningStats, State};
use crate::graph::{Graph, Param, ParamDecl, Shape};
use crate::ops::Op;
use crate::optim::Optimizer;
use crate::params::{Params, Turned};
use crate::plan::{self, PlanNode};
use crate::real::Real;
use crate::table::EmbeddingTable;

/// A graph and its numbers.
#[derive(Debug, Clone)]
pub struct Network<T: Real> {
    /// As the executor runs it: mixtures of the same experts are one, and narrow layers of one value, and concats own their
    /// inputs.
    pub(crate) graph: Graph,
    pub(crate) params: Params<T>,
    pub(crate) tables: Vec<EmbeddingTable<T>>,
    pub(crate) running: Vec<RunningStats<T>>,
}

/// A named array of numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor<T> {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub dims: Vec<usize>,
    /// Its numbers.
    pub data: Vec<T>,
}

/// A tensor that does not belong to the network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tensor `{name}`: {problem}")]
pub struct TensorError {
    /// The tensor.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

impl<T: Real> Network<T> {
    /// The graph at its initial values, drawn by `seed`; tables get state for `embedding_optimizer` if one is named.
    pub fn new(graph: &Graph, seed: u64, embedding_optimizer: Option<Optimizer>) -> Network<T> {
        let graph = plan::own_concat_inputs(&plan::merge(graph));
        let tables = graph
            .tables
            .iter()
            .enumerate()
            .map(|(i, decl)| {
                let optimizer = embedding_optimizer.filter(|_| !decl.frozen);
                let state = optimizer.map_or(0, |o| o.row_state(decl.dim));
                let initial = embedding_optimizer.map_or(0.0, Optimizer::initial_state);
                EmbeddingTable::new(decl, seed, i as u64, state, initial)
            })
            .collect();
        let running = graph
            .running
            .iter()
            .map(|(_, width)| RunningStats { mean: vec![T::ZERO; *width], variance: vec![T::ONE; *width] })
            .collect();
        let rounded = graph.nodes.iter().filter_map(|node| match &node.op {
            Op::Linear(linear) => linear.half.then_some(linear.weight),
            _ => None,
        });
        let rounded: Vec<Param> = rounded.collect();
        Network { params: Params::new(&graph.params, &graph.beside, &rounded, seed), tables, running, graph }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn state(&self) -> State<'_, T> {
        State { params: &self.params, tables: &self.tables, running: &self.running }
    }

    /// All layer parameters and running statistics.
    pub fn layers(&self) -> Vec<Tensor<T>> {
        let params = self.graph.params.iter().enumerate().map(|(i, decl)| Tensor {
            name: decl.name.clone(),
            dims: decl.shape.dims(),
            data: self.params.export(Param(i)),
        });
        let running = self.graph.running.iter().zip(&self.running).flat_map(|((name, width), stats)| {
            [("mean", &stats.mean), ("variance", &stats.variance)].map(|(kind, data)| Tensor {
                name: format!("{name}.{kind}"),
                dims: vec![*width],
                data: data.clone(),
            })
        });
        params.chain(running).collect()
    }

    /// All embedding tables' weights, `[rows, D]` each.
    pub fn tables(&self) -> impl Iterator<Item = Tensor<T>> {
        (0..self.tables.len()).filter_map(|table| self.table(table))
    }

    /// The weights of one embedding table, `[rows, D]`; `None` if there is none of this number.
    pub fn table(&self, number: usize) -> Option<Tensor<T>> {
        let (decl, table) = (self.graph.tables.get(number)?, self.tables.get(number)?);
        Some(Tensor { name: decl.name.clone(), dims: vec![decl.rows, decl.dim], data: table.export() })
    }

    /// Sets one row of the table of that number among [`Network::tables`].
    ///
    /// # Errors
    /// No such table, no such row, or another number of weights than the table's dimension.
    pub fn set_row(&mut self, table: usize, row: u32, weights: &[T]) -> Result<(), TensorError> {
        let name = self.graph.tables.get(table).map_or_else(|| format!("table {table}"), |decl| decl.name.clone());
        let fail = |problem: String| TensorError { name, problem };
        let Some(found) = self.tables.get_mut(table) else { return Err(fail("there is none".to_owned())) };
        if row as usize >= found.rows || weights.len() != found.dim {
            let problem = format!("row {row} of {} weights, it has {} rows × {}", weights.len(), found.rows, found.dim);
            return Err(fail(problem));
        }
        found.set_row(row, weights);
        Ok(())
    }

    /// The names and dimensions of all tensors that [`Network::set`] takes.
    pub fn tensor_dims(&self) -> Vec<(String, Vec<usize>)> {
        let params = self.graph.params.iter().map(|p: &ParamDecl| (p.name.clone(), p.shape.dims()));
        let tables = self.graph.tables.iter().map(|t| (t.name.clone(), vec![t.rows, t.dim]));
        let running = self
            .graph
            .running
            .iter()
            .flat_map(|(name, width)| ["mean", "variance"].map(|kind| (format!("{name}.{kind}"), vec![*width])));
        params.chain(tables).chain(running).collect()
    }

    /// Sets a layer parameter, running statistics or a table's weights.
    pub fn set(&mut self, tensor: &Tensor<T>) -> Result<(), TensorError> {
        let fail = |problem: String| Err(TensorError { name: tensor.name.clone(), problem });
        let Some((_, dims)) = self.tensor_dims().into_iter().find(|(name, _)| *name == tensor.name) else {
            return fail("the network has none of this name".to_owned());
        };
        if dims != tensor.dims || tensor.data.len() != dims.iter().product::<usize>() {
            return fail(format!(
                "has shape {:?} and {} numbers, the network's is {dims:?}",
                tensor.dims,
                tensor.data.len()
            ));
        }
        if let Some(i) = self.graph.params.iter().position(|p| p.name == tensor.name) {
            self.params.set(Param(i), &tensor.data);
        } else if let Some(i) = self.graph.tables.iter().position(|t| t.name == tensor.name) {
            self.tables[i].set(&tensor.data);
        } else {
            for ((name, _), stats) in self.graph.running.iter().zip(&mut self.running) {
                if tensor.name == format!("{name}.mean") {
                    stats.mean.clone_from(&tensor.data);
                } else if tensor.name == format!("{name}.variance") {
                    stats.variance.clone_from(&tensor.data);
                }
            }
        }
        Ok(())
    }

    /// The matrices through which a gradient passes back to an input.
    pub(crate) fn transposed_params(&self, plan: &plan::Plan) -> Vec<Turned> {
        let linears =
            self.graph.nodes.iter().zip(&plan.nodes).filter_map(|(node, planned)| match (&node.op, planned) {
                (Op::Linear(linear), PlanNode { dx_width: Some(rows), .. }) if planned.dx[0].is_some() => {
                    Some(Turned { matrix: linear.weight, rows: *rows })
                }
                _ => None,
            });
        linears.collect()
    }

    /// The same network without optimizer state, for scoring.
    pub fn without_state(mut self) -> Network<T> {
        self.tables = self.tables.into_iter().map(|t| t.with_state(None)).collect();
        self
    }

    /// Numbers in layers and in tables.
    pub fn size(&self) -> (usize, usize) {
        let layers = self.graph.params.iter().map(|p: &ParamDecl| Shape::len(p.shape)).sum();
        (layers, self.graph.tables.iter().map(|t| t.rows * t.dim).sum())
    }
}
