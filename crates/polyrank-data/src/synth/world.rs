//! Rows of a design: users, items and their tastes fixed by the seed, and rows drawn from them.

use std::ops::Range;

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::Rows;
use super::arrays::Arrays;
use super::cells::{Cells, Drawing, Values};
use super::design::{Content, Design};
use super::history::Topics;
use super::mixing::{Mixing, directions};
use super::outcome::Outcomes;
use super::population::{Cast, Population};
use super::random::mix;
use super::signals::{Raw, Signals};
use crate::DataError;

/// A stream of rows; row i is a function of (design, seed, i) alone.
#[derive(Debug)]
pub struct World {
    design: Design,
    population: Population,
    drawings: Vec<Drawing>,
    signals: Signals,
    topics: Topics,
    mixing: Mixing,
    outcomes: Outcomes,
    seed: u64,
}

/// Rows that levels and correlations are set over.
const SAMPLE: u64 = 262_144;
/// Sampled at a time.
const SAMPLE_BLOCK: u64 = 2048;

impl World {
    /// The world of a design and a seed. Takes a tenth of a second or so, for a sample of rows sets what gives the rates
    /// and correlations asked for.
    ///
    /// # Errors
    /// A design that contradicts itself or is out of bounds.
    pub fn new(design: Design, seed: u64) -> Result<World, DataError> {
        design.check()?;
        // Who is what is one thing, who appears in which row another: the sample has the same users, in other rows.
        let (world, rows, sample) = (mix(seed), mix(seed ^ 1 << 32), mix(seed ^ 1 << 33));
        let drawings = |rows: u64| -> Vec<Drawing> {
            let columns = design.columns.iter().enumerate();
            columns.map(|(index, column)| Drawing::new(column, index, world, rows)).collect()
        };
        let signals = Signals::new(&design, world);
        let (population, sampled) = (Population::new(&design, sample), drawings(sample));
        let blocks: Vec<Vec<f64>> = (0..SAMPLE / SAMPLE_BLOCK)
            .into_par_iter()
            .map(|block| {
                let first = block * SAMPLE_BLOCK;
                let cast = population.cast(first, SAMPLE_BLOCK as usize);
                signals.raw(&cast, &cells(&design, &sampled, first, &cast)).signals
            })
            .collect();
        let raw = blocks.concat();
        let shared: Vec<f64> = design.tasks.iter().flat_map(|task| directions(task.kind.signals())).collect();
        let mixing = Mixing::new(&raw, design.knobs.correlation, &shared);
        let outcomes = Outcomes::new(&design, &mixing.apply(&raw), rows);
        let population = Population::new(&design, rows);
        let drawings = drawings(rows);
        let topics = Topics::new(&design, &drawings);
        Ok(World { design, population, drawings, signals, topics, mixing, outcomes, seed: world })
    }

    /// The design.
    pub fn design(&self) -> &Design {
        &self.design
    }

    fn histories(&self, raw: &Raw, first: u64, cast: &Cast, cells: &mut [Cells]) {
        for ((column, drawing), cells) in self.design.columns.iter().zip(&self.drawings).zip(cells) {
            if matches!(column.content, Content::History { .. }) {
                *cells = self.topics.histories(column, *drawing, &self.population, &self.signals, raw, first, cast);
            }
        }
    }
}

impl Rows for World {
    fn rows(&self, range: Range<u64>, truth: bool) -> RecordBatch {
        let count = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let first = range.start;
        let cast = self.population.cast(first, count);
        let mut cells = cells(&self.design, &self.drawings, first, &cast);
        let raw = self.signals.raw(&cast, &cells);
        self.histories(&raw, first, &cast, &mut cells);
        let labels = self.outcomes.labels(&self.mixing.apply(&raw.signals), first);
        let mut arrays = Arrays::new(&self.design, self.seed);
        for (index, cells) in cells.into_iter().enumerate() {
            arrays.column(index, cells, &raw, &cast);
        }
        arrays.labels(labels, truth);
        arrays.finish()
    }

    fn width(&self) -> u64 {
        self.design.width()
    }
}

fn cells(design: &Design, drawings: &[Drawing], first: u64, cast: &Cast) -> Vec<Cells> {
    let columns = design.columns.iter().zip(drawings);
    columns
        .map(|(column, drawing)| match column.content {
            Content::History { .. } | Content::Vector { .. } => {
                Cells { values: Values::Codes(Vec::new()), offsets: None }
            }
            _ => drawing.cells(column, first, cast),
        })
        .collect()
}
