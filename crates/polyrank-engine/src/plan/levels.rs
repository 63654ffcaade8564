//! Which batch-wide ops wait for each other.

use crate::graph::Graph;

/// Nodes that run between two barriers: batch-wide ones, which the first barrier was for, then the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) wide: Vec<usize>,
    pub(super) others: Vec<usize>,
}

impl Level {
    /// Its nodes as they run forward; backward they run the other way about.
    pub(super) fn nodes(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.wide.iter().chain(&self.others).copied()
    }
}

/// All nodes by the number of barriers that they wait for: of two batch norms that do not read each other neither waits
/// for the other, so the batch's values go to memory and come back once for both.
pub(super) fn levels(graph: &Graph) -> Vec<Level> {
    let mut levels = vec![Level::default()];
    let mut of = Vec::with_capacity(graph.nodes.len());
    for (i, node) in graph.nodes.iter().enumerate() {
        let wide = node.op.batch_wide();
        let level = node.inputs.iter().map(|input| of[input.0]).max().unwrap_or(0) + usize::from(wide);
        levels.resize_with(levels.len().max(level + 1), Level::default);
        let Level { wide: batch_wide, others } = &mut levels[level];
        if wide {
            batch_wide.push(i)
        } else {
            others.push(i)
        }
        of.push(level);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Init, Layer};

    #[test]
    fn batch_norms_that_do_not_read_each_other_share_a_barrier() {
        let mut g = Graph::default();
        let x = g.dense("x", 0, 3).unwrap();
        let layer = Layer { units: 4, weight: Init::Constant(0.1), bias: None, relu: false };
        let mut normalised = Vec::new();
        for name in ["a", "b"] {
            let hidden = g.linear(name, x, layer).unwrap();
            normalised.push(g.batch_norm(name, hidden).unwrap());
        }
        let sum = g.sum("sum", &[(1.0, normalised[0]), (1.0, normalised[1])]).unwrap();
        let last = g.batch_norm("last", sum).unwrap();

        let levels = levels(&g);
        let wide: Vec<&[usize]> = levels.iter().map(|level| &level.wide[..]).collect();
        assert_eq!(wide, [&[][..], &[normalised[0].0, normalised[1].0], &[last.0]]);
        let order: Vec<usize> = levels.iter().flat_map(Level::nodes).collect();
        let at = |i: usize| order.iter().position(|&node| node == i).unwrap();
        for (i, node) in g.nodes.iter().enumerate() {
            assert!(node.inputs.iter().all(|input| at(input.0) < at(i)), "{} runs before what it reads", node.name);
        }
        assert_eq!(order.len(), g.nodes.len());
    }
}
