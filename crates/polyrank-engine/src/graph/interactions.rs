//! Building a graph: what lets fields, or the things of a list, meet each other.

use super::{Graph, GraphError, Value};
use crate::ops;
use crate::ops::activation::Function;
use crate::ops::attention::attend::Attend;
use crate::ops::attention::padded;
use crate::ops::attention::weights::AttentionWeights;
use crate::ops::attention::whole::Attention;

/// Most attention weights that are kept of a row: 64 KiB, of a short micro-batch's rows what a core's cache holds.
const KEPT: usize = 1 << 14;

impl Graph {
    /// Multi-head attention among each row's fields or list: queries, keys and values `[.., heads·d]` of one space,
    /// other than the rows of the batch. `scaled` divides scores by √d.
    pub fn attention(
        &mut self,
        name: &str,
        q: Value,
        k: Value,
        v: Value,
        heads: usize,
        scaled: bool,
    ) -> Result<Value, GraphError> {
        let over = self.space(q);
        if !self.keeps_weights(q, heads) {
            return self.add(name, Attention { over, heads, scaled }, &[q, k, v]);
        }
        let weights = self.add(&format!("{name}.weights"), AttentionWeights { over, heads, scaled }, &[q, k])?;
        self.add(name, Attend { over, heads }, &[weights, v])
    }

    /// `relu(attention + residual)`, with scores as they are; else as [`Graph::attention`].
    pub fn attention_relu(
        &mut self,
        name: &str,
        q: Value,
        k: Value,
        v: Value,
        residual: Value,
        heads: usize,
    ) -> Result<Value, GraphError> {
        let over = self.space(q);
        if !self.keeps_weights(q, heads) {
            let attended = self.attention(&format!("{name}.attention"), q, k, v, heads, false)?;
            let sum = self.sum(&format!("{name}.sum"), &[(1.0, attended), (1.0, residual)])?;
            return self.activate(name, sum, Function::Relu);
        }
        let weights = self.add(&format!("{name}.weights"), AttentionWeights { over, heads, scaled: false }, &[q, k])?;
        self.add(name, Attend { over, heads }, &[weights, v, residual])
    }

    /// Whether a row's attention weights are worth keeping for the backward pass.
    fn keeps_weights(&self, q: Value, heads: usize) -> bool {
        let most = self.space(q).most();
        most.saturating_mul(padded(most)).saturating_mul(heads) <= KEPT
    }

    /// `Σ_{i<j} ⟨x_i, x_j⟩` over values `[.., D]`: `[.., 1]` (Rendle 2010, Eq. 1).
    pub fn fm(&mut self, name: &str, values: &[Value]) -> Result<Value, GraphError> {
        self.add(name, ops::fm::Fm, values)
    }

    /// The inner products of all pairs of F values `[.., D]`, and with `own` of each with itself:
    /// `[.., F·(F − 1)/2]` or `[.., F·(F + 1)/2]`.
    pub fn pairs(&mut self, name: &str, values: &[Value], own: bool) -> Result<Value, GraphError> {
        self.add(name, ops::pairs::Pairs { own }, values)
    }

    /// `a_i ⊙ b_j` for all i ≤ j of G groups of D columns, `[.., G·(G + 1)/2·D]`: b `[.., G·D]`, a the same, or with
    /// one group a pair `[.., G·(G + 1)/2·D]`.
    pub fn pair_products(&mut self, name: &str, a: Value, b: Value, groups: usize) -> Result<Value, GraphError> {
        self.add(name, ops::pair_products::PairProducts { groups }, &[a, b])
    }

    /// `a_i · b_j` for all columns i of a `[.., N]` and j of b `[.., M]`: `[.., N·M]`.
    pub fn outer(&mut self, name: &str, a: Value, b: Value) -> Result<Value, GraphError> {
        self.add(name, ops::outer::Outer, &[a, b])
    }
}
