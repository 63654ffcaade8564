//! Rows with a name: one line a kind.

use std::sync::Arc;

use super::design::Design;
use super::{ByteRec, Law, RegressionPair, Rows, World, funnel, tenrec};
use crate::DataError;

/// A kind of made-up rows.
#[derive(Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// One line for the reference.
    pub doc: &'static str,
    make: Make,
}

#[derive(Debug)]
enum Make {
    Design(fn() -> Design),
    ByteRec,
    Pair(fn(f64) -> Law),
}

/// Every kind that has a name.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "byterec",
        doc: "a short-video feed as in the ICME 2019 challenge: finish, like; the rows of `polyrank demo`",
        make: Make::ByteRec,
    },
    Kind {
        name: "tenrec",
        doc: "a video feed as in TenRec: click; like, share, follow and watching_times after a click",
        make: Make::Design(tenrec::design),
    },
    Kind {
        name: "funnel",
        doc: "a shop: click; like and buy after a click; with sessions and the user's recent items",
        make: Make::Design(funnel::design),
    },
    Kind {
        name: "mmoe-paper",
        doc: "two regressions of 100 inputs (Ma et al. 2018, Section 3.2)",
        make: Make::Pair(Law::mmoe),
    },
    Kind {
        name: "ple-paper",
        doc: "two regressions of 512 inputs (Tang et al. 2020, Section 5.2)",
        make: Make::Pair(Law::ple),
    },
];

/// Correlation of the papers' tasks where none is asked for.
const PAIR_CORRELATION: f64 = 0.5;

/// What is asked for other than the kind has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// By task: the part of the rows with label 1, of another label its mean.
    pub rates: Vec<(String, f64)>,
    /// As in [`Knobs`](super::Knobs); of the papers' pairs the cosine of the angle between the tasks' weights.
    pub correlation: Option<f64>,
    /// As in [`Knobs`](super::Knobs).
    pub strength: Option<f64>,
    /// As in [`Knobs`](super::Knobs).
    pub noise: Option<f64>,
    /// As in [`Knobs`](super::Knobs).
    pub cold: Option<f64>,
    /// As in [`Design`].
    pub users: Option<u64>,
    /// As in [`Design`].
    pub items: Option<u64>,
}

impl Kind {
    /// The kind with a name.
    ///
    /// # Errors
    /// There is none; the message names the nearest.
    pub fn named(name: &str) -> Result<&'static Kind, DataError> {
        KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            DataError::Synth(match nearest(name, names.iter().copied()) {
                Some(near) => format!("no kind is named `{name}`; did you mean `{near}`?"),
                None => format!("no kind is named `{name}`; there are {}", names.join(", ")),
            })
        })
    }

    /// Its rows.
    ///
    /// # Errors
    /// A wish that has no effect on this kind, or is out of bounds.
    pub fn rows(&self, wishes: &Wishes, seed: u64) -> Result<Arc<dyn Rows>, DataError> {
        match self.make {
            Make::Design(design) => Ok(Arc::new(World::new(wishes.applied(design())?, seed)?)),
            Make::ByteRec => {
                wishes.none_but(&[], self.name)?;
                Ok(Arc::new(ByteRec::new(seed)))
            }
            Make::Pair(law) => {
                wishes.none_but(&["correlation"], self.name)?;
                let correlation = wishes.correlation.unwrap_or(PAIR_CORRELATION);
                if !(0.0..=1.0).contains(&correlation) {
                    return Err(DataError::Synth(format!("correlation {correlation}: it is from 0 to 1")));
                }
                Ok(Arc::new(RegressionPair::new(law(correlation), seed)))
            }
        }
    }
}

impl Wishes {
    /// A design with what is asked for.
    ///
    /// # Errors
    /// A rate of a task that is not there. Bounds are checked by [`World::new`].
    pub fn applied(&self, mut design: Design) -> Result<Design, DataError> {
        for (name, mean) in &self.rates {
            let names: Vec<String> = design.tasks.iter().map(|task| task.name.clone()).collect();
            let Some(task) = design.tasks.iter_mut().find(|task| task.name == *name) else {
                let near = nearest(name, names.iter().map(String::as_str));
                let hint = near.map_or_else(|| names.join(", "), |near| format!("did you mean `{near}`?"));
                return Err(DataError::Synth(format!("rate of `{name}`, which is no task; {hint}")));
            };
            task.kind = task.kind.with_mean(*mean).ok_or_else(|| {
                let problem = "has several classes; say how many rows are of each by the schema's property `rates`";
                DataError::Synth(format!("rate of `{name}`, which {problem}"))
            })?;
        }
        let knobs = &mut design.knobs;
        for (wish, knob) in [
            (self.correlation, &mut knobs.correlation),
            (self.strength, &mut knobs.strength),
            (self.noise, &mut knobs.noise),
            (self.cold, &mut knobs.cold),
        ] {
            *knob = wish.unwrap_or(*knob);
        }
        design.users = self.users.unwrap_or(design.users);
        design.items = self.items.unwrap_or(design.items);
        Ok(design)
    }

    /// Refuses wishes that a kind cannot grant.
    fn none_but(&self, granted: &[&str], kind: &str) -> Result<(), DataError> {
        let wished = [
            ("rate", !self.rates.is_empty()),
            ("correlation", self.correlation.is_some()),
            ("strength", self.strength.is_some()),
            ("noise", self.noise.is_some()),
            ("cold", self.cold.is_some()),
            ("users", self.users.is_some()),
            ("items", self.items.is_some()),
        ];
        match wished.iter().find(|(name, wished)| *wished && !granted.contains(name)) {
            None => Ok(()),
            Some((name, _)) => Err(DataError::Synth(format!("`{kind}` has no {name} to choose; leave it out"))),
        }
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let close = known.map(|known| (strsim::jaro_winkler(name, known), known)).filter(|(likeness, _)| *likeness > 0.75);
    close.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
