//! Mixtures of the same experts become one op, whose columns they are: a row's experts are read once for all of them, and so is
//! each expert's gradient written.

use super::Merged;
use crate::graph::{Graph, Value};
use crate::ops::Op;
use crate::ops::mixture::Mixture;

/// Mixtures that share experts, computed where the last of them stood.
pub(super) fn groups(graph: &Graph) -> Vec<Merged> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in (0..graph.nodes.len()).filter(|&i| matches!(graph.nodes[i].op, Op::Mixture(_))) {
        match groups.last_mut() {
            Some(group) if joins(graph, group, i) => group.push(i),
            _ => groups.push(vec![i]),
        }
    }
    groups.iter().filter(|group| group.len() > 1).map(|group| merged(graph, group)).collect()
}

/// Whether mixture `i` can be computed with a group's: it shares an expert, and nothing up to it reads one of theirs.
fn joins(graph: &Graph, group: &[usize], i: usize) -> bool {
    let (node, first) = (&graph.nodes[i], &graph.nodes[group[0]]);
    let experts = &node.inputs[1..];
    let distinct = || (1..experts.len()).all(|e| !experts[..e].contains(&experts[e]));
    let mut theirs = group.iter().flat_map(|&member| &graph.nodes[member].inputs[1..]);
    let mut read = graph.nodes[group[0]..=i].iter().flat_map(|node| &node.inputs);
    (node.width, node.space) == (first.width, first.space)
        && distinct()
        && theirs.any(|expert| experts.contains(expert))
        && !read.any(|input| group.contains(&input.0))
}

fn merged(graph: &Graph, group: &[usize]) -> Merged {
    let nodes = || group.iter().map(|&member| &graph.nodes[member]);
    let mut experts = Vec::new();
    for expert in nodes().flat_map(|node| &node.inputs[1..]) {
        if !experts.contains(expert) {
            experts.push(*expert);
        }
    }
    let place = |expert: &Value| experts.iter().position(|e| e == expert).unwrap_or(0);
    let choices = nodes().map(|node| node.inputs[1..].iter().map(place).collect()).collect();
    let inputs = nodes().map(|node| node.inputs[0]).chain(experts.iter().copied()).collect();
    let width = graph.nodes[group[0]].width;
    let members = group.iter().enumerate().map(|(at, &member)| (member, at * width)).collect();
    Merged { members, at: group[group.len() - 1], op: Mixture::of(choices).into(), inputs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Init, Layer, Node};
    use crate::plan::merge::merge;

    const LAYER: Layer = Layer { units: 4, weight: Init::Constant(0.1), bias: None, relu: false };

    #[test]
    fn mixtures_of_the_same_experts_are_one_where_the_last_stood() {
        let mut g = Graph::default();
        let x = g.dense("x", 0, 3).unwrap();
        let experts: Vec<Value> = (0..3).map(|e| g.linear(&format!("expert{e}"), x, LAYER).unwrap()).collect();
        let gate = |g: &mut Graph, name: &str, experts: &[Value]| {
            let gate = g.linear(name, x, Layer { units: experts.len(), ..LAYER }).unwrap();
            g.mixture(&format!("{name}.mixture"), gate, experts).unwrap()
        };
        let a = gate(&mut g, "a", &experts[..2]);
        let b = gate(&mut g, "b", &[experts[2], experts[1]]);
        // Shares no expert with them, then one that reads another's mixture.
        let other = g.linear("other", x, LAYER).unwrap();
        gate(&mut g, "c", &[other]);
        let d = gate(&mut g, "d", &[a, experts[0]]);
        let e = gate(&mut g, "e", &[experts[0], d]);
        g.watch("b", b);
        g.watch("e", e);

        let merged = merge(&g);
        let mixtures: Vec<&Node> = merged.nodes.iter().filter(|node| matches!(node.op, Op::Mixture(_))).collect();
        let names: Vec<&str> = mixtures.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["a.mixture.merged", "c.mixture", "d.mixture", "e.mixture"]);
        let inputs: Vec<&str> = mixtures[0].inputs.iter().map(|v| merged.nodes[v.0].name.as_str()).collect();
        assert_eq!(inputs, ["a", "b", "expert0", "expert1", "expert2"]);
        let watched: Vec<&str> = merged.watched.iter().map(|(_, v)| merged.nodes[v.0].name.as_str()).collect();
        assert_eq!(watched, ["b.mixture", "e.mixture"]);
        for (i, node) in merged.nodes.iter().enumerate() {
            assert!(node.inputs.iter().all(|input| input.0 < i), "{} comes before what it reads", node.name);
        }
    }
}
