//! Where the executor is compiled.
//!
//! A generic function is compiled by every crate that calls it, and below these three lies every op for every instruction
//! set. As functions of one type of numbers they are compiled here, once.

use std::ops::Range;

use crate::exec::feed::{Feed, FeedError};
use crate::exec::run::Pass;
use crate::exec::score::Scorer;
use crate::exec::targets::Targets;
use crate::exec::train::{StepReport, Trainer};
use crate::exec::workspace::Workspace;
use crate::real::Real;

/// The executor for one type of numbers.
pub(crate) trait Compiled: Sized {
    /// The first half of a step.
    fn gradients(
        trainer: &mut Trainer<Self>,
        feed: &Feed<'_, Self>,
        targets: Targets<'_, Self>,
    ) -> Result<StepReport, FeedError>
    where
        Self: Real;

    /// The second half of a step.
    fn update(trainer: &mut Trainer<Self>) -> f64
    where
        Self: Real;

    /// The scores of one micro-batch.
    fn micro(
        scorer: &Scorer<Self>,
        pass: &Pass<'_, Self>,
        rows: Range<usize>,
        workspace: &mut Workspace<Self>,
        out: &mut [Self],
    ) where
        Self: Real;
}

macro_rules! compiled {
    ($t:ty $(, #[$inline:meta])?) => {
        impl Compiled for $t {
            $(#[$inline])?
            fn gradients(
                trainer: &mut Trainer<$t>,
                feed: &Feed<'_, $t>,
                targets: Targets<'_, $t>,
            ) -> Result<StepReport, FeedError> {
                trainer.gradients(feed, targets)
            }

            $(#[$inline])?
            fn update(trainer: &mut Trainer<$t>) -> f64 {
                trainer.update()
            }

            $(#[$inline])?
            fn micro(
                scorer: &Scorer<$t>,
                pass: &Pass<'_, $t>,
                rows: Range<usize>,
                workspace: &mut Workspace<$t>,
                out: &mut [$t],
            ) {
                scorer.micro(pass, rows, workspace, out);
            }
        }
    };
}

compiled!(f32);
// Only tests compute in f64: inlined, it is compiled where they ask for it.
compiled!(f64, #[inline]);
