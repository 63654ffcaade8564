//! Ops that run as one: each one's value becomes a part of the merged op's.

mod layers;
mod mixtures;

use super::remap;
use crate::graph::{Graph, Node, Value};
use crate::ops::Op;
use crate::ops::part::Part;

/// Ops of one space that become one op, whose columns are theirs.
struct Merged {
    /// The nodes, and the first column of each in the merged value.
    members: Vec<(usize, usize)>,
    /// The node in whose place the merged op stands: all that it reads comes before, all that reads a member after.
    at: usize,
    op: Op,
    inputs: Vec<Value>,
}

/// The same network with what can run at once as one op.
pub(crate) fn merge(graph: &Graph) -> Graph {
    let (groups, beside) = layers::groups(graph);
    let mut merged = rebuilt(graph, &groups);
    merged.beside = beside;
    rebuilt(&merged, &mixtures::groups(&merged))
}

fn rebuilt(graph: &Graph, groups: &[Merged]) -> Graph {
    let mut out = graph.clone();
    out.nodes.clear();
    let mut moved = vec![Value(usize::MAX); graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        if let Some(group) = groups.iter().find(|group| group.at == i) {
            add(graph, group, &mut out, &mut moved);
        } else if !groups.iter().any(|group| group.members.iter().any(|(member, _)| *member == i)) {
            let inputs = node.inputs.iter().map(|input| moved[input.0]).collect();
            out.nodes.push(Node { inputs, ..node.clone() });
            moved[i] = Value(out.nodes.len() - 1);
        }
    }
    remap(&mut out, &moved);
    out
}

/// Adds a group as one op and its parts.
fn add(graph: &Graph, group: &Merged, out: &mut Graph, moved: &mut [Value]) {
    let nodes = || group.members.iter().map(|(member, _)| &graph.nodes[*member]);
    let Some(first) = group.members.iter().map(|(member, _)| *member).min().map(|first| &graph.nodes[first]) else {
        return;
    };
    let inputs = group.inputs.iter().map(|input| moved[input.0]).collect();
    let width = nodes().map(|node| node.width).sum();
    let name = format!("{}.merged", first.name);
    out.nodes.push(Node { name, op: group.op.clone(), inputs, width, space: first.space });
    let all = Value(out.nodes.len() - 1);
    for &(member, from) in &group.members {
        let node = &graph.nodes[member];
        let part = Part { from, width: node.width };
        out.nodes.push(Node { op: part.into(), inputs: vec![all], ..node.clone() });
        moved[member] = Value(out.nodes.len() - 1);
    }
}
