//! Building a graph along lists: recurrence, neighbours, places; and numbers as embeddings.

use super::{Graph, GraphError, Init, Shape, Value};
use crate::ops::{self, gru::Update, neighbour::Neighbour};

impl Graph {
    /// A gated recurrent unit along each row's list, with the projections of its inputs `[.., 3D]` (reset gate,
    /// candidate, update gate; for [`Update::Score`] without the last) and, unless it is a plain one, an attention score
    /// `[.., 1]`; parameter `NAME.recurrent.weight` `[D, 3D]` or `[D, 2D]`. Gives each step's state `[.., D]`.
    pub fn gru(
        &mut self,
        name: &str,
        projected: Value,
        score: Option<Value>,
        update: Update,
        init: Init,
    ) -> Result<Value, GraphError> {
        let (width, over) = (self.width(projected), self.space(projected));
        let dim = width / update.blocks();
        let recurrent = self.param(format!("{name}.recurrent.weight"), Shape::Matrix(dim, width), init, true)?;
        let inputs: Vec<Value> = std::iter::once(projected).chain(score).collect();
        self.add(name, ops::gru::Gru { over, update, recurrent }, &inputs)
    }

    /// What stands before or after each thing in its row's list, zeros where nothing does.
    pub fn neighbour(&mut self, name: &str, x: Value, which: Neighbour) -> Result<Value, GraphError> {
        let over = self.space(x);
        self.add(name, ops::neighbour::Neighbours { over, which }, &[x])
    }

    /// Each row's list with one more at its end, the row's `[B, D]`.
    pub fn append(&mut self, name: &str, list: Value, one: Value) -> Result<Value, GraphError> {
        let from = self.space(list);
        self.add(name, ops::append::Append { from }, &[list, one])
    }

    /// A list plus a trained vector for each place, counted from the end of the list; parameter `NAME.places`
    /// `[most, D]`.
    pub fn places(&mut self, name: &str, list: Value, init: Init) -> Result<Value, GraphError> {
        let over = self.space(list);
        let shape = Shape::Matrix(over.most(), self.width(list));
        let places = self.param(format!("{name}.places"), shape, init, false)?;
        self.add(name, ops::places::Places { over, places }, &[list])
    }

    /// Each row's list side by side, the last first, padded with zeros: `[B, most·D]`.
    pub fn flatten(&mut self, name: &str, list: Value) -> Result<Value, GraphError> {
        let from = self.space(list);
        self.add(name, ops::flatten::Flatten { from }, &[list])
    }

    /// `concat[sin(2π·c·x), cos(2π·c·x)]` of a number, `[.., 2·count]`; parameter `NAME.frequencies`, c.
    pub fn periodic(&mut self, name: &str, x: Value, count: usize, init: Init) -> Result<Value, GraphError> {
        let frequencies = self.param(format!("{name}.frequencies"), Shape::Vector(count), init, false)?;
        self.add(name, ops::periodic::Periodic { frequencies, count }, &[x])
    }

    /// Says whether from now on a parameter of a name that there is already is that one, instead of an error; gives what
    /// held before.
    pub fn share(&mut self, sharing: bool) -> bool {
        std::mem::replace(&mut self.sharing, sharing)
    }
}
