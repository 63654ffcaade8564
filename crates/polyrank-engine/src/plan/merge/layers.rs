//! Narrow layers of one value become one layer, whose columns they are: the value is read once for all of them, and its
//! gradient is one product that is written once.

use super::Merged;
use crate::graph::{Graph, Param};
use crate::kernels::gemm::PANEL;
use crate::ops::Op;
use crate::ops::linear::Linear;

/// Columns of a layer that is narrow, at most: half a panel. Whole ones gained nothing side by side.
const NARROW: usize = PANEL / 2;
/// Columns of a merged layer, at most: its gradient, as both products read it, should stay in a near cache.
const MOST: usize = 2 * PANEL;

/// Layers that become one.
struct Group {
    members: Vec<usize>,
    units: usize,
}

/// The groups, and the parameters that lie beside each other for them.
pub(super) fn groups(graph: &Graph) -> (Vec<Merged>, Vec<Vec<Param>>) {
    let mut uses = vec![0; graph.params.len()];
    graph.nodes.iter().flat_map(|node| node.op.params()).for_each(|param| uses[param.0] += 1);
    // What a concat reads is written where the concat's value lies.
    let mut side_by_side = vec![false; graph.nodes.len()];
    let concats = graph.nodes.iter().filter(|node| matches!(node.op, Op::Concat(_)));
    concats.flat_map(|node| &node.inputs).for_each(|input| side_by_side[input.0] = true);
    let mut groups: Vec<Group> = Vec::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        let Op::Linear(layer) = &node.op else { continue };
        let shared = node.op.params().iter().any(|param| uses[param.0] > 1);
        if layer.units > NARROW || shared || side_by_side[i] {
            continue;
        }
        let fits = |group: &&mut Group| alike(graph, group.members[0], i) && group.units + layer.units <= MOST;
        match groups.iter_mut().find(fits) {
            Some(group) => {
                group.members.push(i);
                group.units += layer.units;
            }
            None => groups.push(Group { members: vec![i], units: layer.units }),
        }
    }
    groups.retain(|group| group.members.len() > 1);
    let mut beside = Vec::new();
    let merged = groups.iter().map(|group| merged(graph, group, &mut beside)).collect();
    (merged, beside)
}

fn layer(graph: &Graph, node: usize) -> Option<&Linear> {
    match &graph.nodes[node].op {
        Op::Linear(layer) => Some(layer),
        _ => None,
    }
}

/// Whether two layers differ in nothing but their weights and their number of columns.
fn alike(graph: &Graph, a: usize, b: usize) -> bool {
    let kind = |node: usize| {
        let layer = layer(graph, node)?;
        let penalised = |param: Param| graph.params[param.0].penalised;
        let (weight, bias) = (penalised(layer.weight), layer.bias.map(penalised));
        Some((&graph.nodes[node].inputs, layer.relu, layer.half, weight, bias))
    };
    kind(a) == kind(b)
}

fn merged(graph: &Graph, group: &Group, beside: &mut Vec<Vec<Param>>) -> Merged {
    // The last layer first: backward passes of layers on their own go from the last to the first, so the chain of
    // multiply-adds that is the value's gradient stays the same.
    let order = || group.members.iter().rev().filter_map(|&member| Some((member, layer(graph, member)?)));
    let (mut members, mut from) = (Vec::new(), 0);
    for (member, layer) in order() {
        members.push((member, from));
        from += layer.units;
    }
    let weights: Vec<Param> = order().map(|(_, layer)| layer.weight).collect();
    let biases: Vec<Param> = order().filter_map(|(_, layer)| layer.bias).collect();
    let at = group.members[0];
    let (relu, half) = layer(graph, at).map_or((false, false), |layer| (layer.relu, layer.half));
    let op = Linear {
        weight: weights[0],
        bias: biases.first().copied(),
        beside: weights[1..].iter().chain(biases.iter().skip(1)).copied().collect(),
        units: from,
        relu,
        half,
    };
    beside.extend([weights, biases].into_iter().filter(|params| !params.is_empty()));
    Merged { members, at, op: op.into(), inputs: graph.nodes[at].inputs.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Init, Layer, Node, Value};
    use crate::plan::merge::merge;

    const LAYER: Layer = Layer { units: 4, weight: Init::Constant(0.1), bias: None, relu: false };

    fn names(graph: &Graph, values: &[Value]) -> Vec<String> {
        values.iter().map(|value| graph.nodes[value.0].name.clone()).collect()
    }

    #[test]
    fn narrow_layers_of_one_value_are_one_where_the_first_stood() {
        let mut g = Graph::default();
        let x = g.dense("x", 0, 3).unwrap();
        let with = |units, bias: Option<f64>, relu| Layer { units, bias: bias.map(Init::Constant), relu, ..LAYER };
        let a = g.linear("a", x, with(2, None, false)).unwrap();
        let biased = g.linear("biased", x, with(3, Some(0.0), false)).unwrap();
        g.linear("wide", x, with(33, None, false)).unwrap();
        g.linear("relu", x, with(2, None, true)).unwrap();
        let b = g.linear("b", a, with(2, None, false)).unwrap();
        let c = g.linear("c", x, with(5, None, false)).unwrap();
        let inside = g.linear("inside", x, with(5, None, false)).unwrap();
        g.concat("all", &[inside, biased]).unwrap();
        g.linear("other", x, with(4, Some(0.0), false)).unwrap();
        g.share(true);
        for name in ["first", "second"] {
            let shared = g.linear("shared", x, with(4, None, false)).unwrap();
            g.watch(name, shared);
        }
        g.watch("c", c);
        g.watch("b", b);

        let merged = merge(&g);
        let layers: Vec<&Node> = merged.nodes.iter().filter(|node| matches!(node.op, Op::Linear(_))).collect();
        let found: Vec<(&str, usize)> = layers.iter().map(|node| (node.name.as_str(), node.width)).collect();
        let alone = [("biased", 3), ("wide", 33), ("relu", 2), ("b", 2), ("inside", 5), ("other", 4), ("shared", 4)];
        assert_eq!(found[0], ("a.merged", 7));
        assert_eq!(found[1..8], alone);
        assert_eq!(layers.len(), 9);
        let params = |group: &Vec<Param>| group.iter().map(|p| merged.params[p.0].name.clone()).collect::<Vec<_>>();
        assert_eq!(merged.beside.iter().map(params).collect::<Vec<_>>(), [["c.weight", "a.weight"]]);
        assert_eq!(names(&merged, &layers[4].inputs), ["a"]);
        let watched: Vec<Value> = merged.watched.iter().map(|(_, value)| *value).collect();
        assert_eq!(names(&merged, &watched), ["shared", "shared", "c", "b"]);
    }

    #[test]
    fn no_merged_layer_is_wider_than_its_gradient_may_be() {
        let mut g = Graph::default();
        let x = g.dense("x", 0, 3).unwrap();
        for i in 0..10 {
            g.linear(&format!("layer{i}"), x, Layer { units: 30, ..LAYER }).unwrap();
        }
        let widths: Vec<usize> = merge(&g).nodes[1..].iter().map(|node| node.width).filter(|w| *w > 30).collect();
        assert_eq!(widths, [120, 120, 60]);
    }
}
