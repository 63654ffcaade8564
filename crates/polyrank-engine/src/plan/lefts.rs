//! Where values lie that are rounded to bf16 for products.

use crate::graph::{Graph, Value};
use crate::kernels::half::Left;

/// Which of a workspace's left operands an op reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftPlace {
    at: usize,
    /// Whether no op before has made it.
    first: bool,
}

impl LeftPlace {
    /// The operand, made by `make` if nothing has made it yet.
    pub(crate) fn of(self, lefts: &mut [Left], make: impl FnOnce(&mut Left)) -> &Left {
        if self.first {
            make(&mut lefts[self.at]);
        }
        &lefts[self.at]
    }
}

/// Where values rounded to bf16 lie.
pub(super) struct LeftPlaces {
    /// By node that multiplies its input rounded: where that lies.
    pub(super) of: Vec<Option<LeftPlace>>,
    /// By such node: where it puts its output for the others.
    pub(super) next: Vec<Option<usize>>,
    /// How many places there are.
    pub(super) count: usize,
}

/// Places for what the nodes of `order`, with their segments, read that multiply their input rounded. What one of them made
/// is put there by itself if they run `forward`, other values by the segment's first reader. A place is used again when the
/// segment's last reader has run: until another segment runs, other micro-batches may use it.
pub(super) fn left_places(graph: &Graph, order: impl Iterator<Item = (usize, usize)>, forward: bool) -> LeftPlaces {
    let readers: Vec<(usize, usize)> = order.filter(|&(i, _)| graph.nodes[i].op.multiplies_rounded()).collect();
    let (mut of, mut next) = (vec![None; graph.nodes.len()], vec![None; graph.nodes.len()]);
    let mut held = Vec::<Option<Value>>::new();
    let place = |held: &mut Vec<Option<Value>>, value: Value| {
        let at = held.iter().position(Option::is_none).unwrap_or(held.len());
        held.resize(held.len().max(at + 1), None);
        held[at] = Some(value);
        at
    };
    for (done, &(i, segment)) in readers.iter().enumerate() {
        let input = graph.nodes[i].inputs[0];
        let read_later = |value: Value| {
            let mut later = readers[done + 1..].iter().take_while(|(_, of)| *of == segment);
            later.any(|&(later, _)| graph.nodes[later].inputs[0] == value)
        };
        let found = held.iter().position(|value| *value == Some(input));
        let at = found.unwrap_or_else(|| place(&mut held, input));
        of[i] = Some(LeftPlace { at, first: found.is_none() });
        if forward && read_later(Value(i)) {
            next[i] = Some(place(&mut held, Value(i)));
        }
        if !read_later(input) {
            held[at] = None;
        }
    }
    LeftPlaces { of, next, count: held.len() }
}
