//! What made-up rows are like: columns, tasks, and how the tasks hang on the columns.

use crate::DataError;

/// A description of rows that [`World`](super::World) makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// The columns, in the order of the file; labels follow them.
    pub columns: Vec<Column>,
    /// The tasks, each one after those that it needs.
    pub tasks: Vec<Task>,
    /// Users that appear from the first row on.
    pub users: u64,
    /// Items that appear from the first row on.
    pub items: u64,
    /// How the rest is set.
    pub knobs: Knobs,
}

/// What every design has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knobs {
    /// Correlation of any two tasks' signals, 0 to 1: what a task likes, another does.
    pub correlation: f64,
    /// Standard deviation of the logits: how much rows differ in their probabilities.
    pub strength: f64,
    /// Part of the labels, 0 to below 1, that are drawn without regard to the row.
    pub noise: f64,
    /// Part of the rows whose user, and part whose item, is new: it appears in a few neighbouring rows only.
    pub cold: f64,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs { correlation: 0.5, strength: 1.5, noise: 0.0, cold: 0.04 }
    }
}

/// A column that is no label.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are a function of.
    pub owner: Owner,
    /// What it holds.
    pub content: Content,
    /// The type in the file.
    pub form: Form,
    /// Shortest and longest list, for a column of lists.
    pub list: Option<(u32, u32)>,
}

/// What a column's values are a function of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The row's user.
    User,
    /// The row's item.
    Item,
    /// The row itself.
    Context,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Content {
    /// The owner's number: of the user, the item, or the session (of [`Owner::Context`]).
    Id {
        /// The smallest.
        first: i64,
        /// So many different ones at most, if there is a limit.
        limit: Option<u64>,
    },
    /// One of `values` codes from `first` on, small ones more often.
    Category {
        /// The smallest code.
        first: i64,
        /// How many.
        values: u64,
    },
    /// A number, uniform from `min` to `max`.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// Seconds since 1970, rising from row to row.
    Time,
    /// Items that the user took to before, the oldest first, numbered as the item's id from `first` on.
    History {
        /// The smallest id.
        first: i64,
    },
    /// So many numbers that tell what the user or item is like.
    Vector {
        /// How many.
        size: u32,
    },
}

/// The type of a column in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// 64-bit integers.
    Int64,
    /// 32-bit integers.
    Int32,
    /// 8-bit integers, of labels of few classes.
    Int8,
    /// 32-bit floats.
    Float32,
    /// 64-bit floats.
    Float64,
    /// Text: the column's name and the number.
    Text,
}

/// A label.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name and column.
    pub name: String,
    /// What it is.
    pub kind: TaskKind,
    /// The binary task before it, whose label must be 1 for this one to be other than 0.
    pub after: Option<String>,
    /// The type in the file.
    pub form: Form,
}

/// What a label is.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskKind {
    /// 0 or 1.
    Binary {
        /// Part of all rows that are 1.
        rate: f64,
    },
    /// A number from 0 up, many small ones and few large ones.
    Amount {
        /// Its mean over all rows.
        mean: f64,
    },
    /// A number within bounds.
    Bounded {
        /// Its mean over all rows.
        mean: f64,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// One of several classes, which are whole numbers.
    Classes {
        /// The smallest.
        first: i64,
        /// By class, the part of all rows that are of it.
        shares: Vec<f64>,
    },
}

impl TaskKind {
    /// The mean over all rows: the rate of a binary label.
    pub fn mean(&self) -> f64 {
        match self {
            TaskKind::Binary { rate } => *rate,
            TaskKind::Amount { mean } | TaskKind::Bounded { mean, .. } => *mean,
            TaskKind::Classes { first, shares } => {
                shares.iter().enumerate().map(|(k, share)| share * (*first as f64 + k as f64)).sum()
            }
        }
    }

    /// The same with another mean; `None` of several classes, of which a mean does not tell how many are of each.
    pub fn with_mean(&self, mean: f64) -> Option<TaskKind> {
        match self {
            TaskKind::Binary { .. } => Some(TaskKind::Binary { rate: mean }),
            TaskKind::Amount { .. } => Some(TaskKind::Amount { mean }),
            TaskKind::Bounded { min, max, .. } => Some(TaskKind::Bounded { mean, min: *min, max: *max }),
            TaskKind::Classes { .. } => None,
        }
    }

    /// Signals that its label hangs on: one, or one a class.
    pub(super) fn signals(&self) -> usize {
        if let TaskKind::Classes { shares, .. } = self { shares.len() } else { 1 }
    }
}

/// Bounds of what is described, so that no description takes unbounded memory.
const MOST_COLUMNS: usize = 4096;
/// Tasks, where one of C classes counts C times.
const MOST_TASKS: usize = 64;
const MOST_VALUES: u64 = 1 << 40;
/// Numbers of a row, those of lists and vectors included.
const WIDEST_ROW: u64 = 65_536;

impl Task {
    /// The names of the columns with what its label is drawn from: `NAME_probability`, `NAME_mean` where it is a number,
    /// `NAME_probability_CLASS` for each of several classes.
    pub fn truths(&self) -> Vec<String> {
        let name = &self.name;
        match &self.kind {
            TaskKind::Binary { .. } => vec![format!("{name}_probability")],
            TaskKind::Amount { .. } | TaskKind::Bounded { .. } => vec![format!("{name}_mean")],
            TaskKind::Classes { first, shares } => {
                let class = |k: usize| first.saturating_add_unsigned(k as u64);
                (0..shares.len()).map(|k| format!("{name}_probability_{}", class(k))).collect()
            }
        }
    }

    /// The columns with the same given that the task before it has label 1; none without one.
    pub fn truths_after(&self) -> Vec<String> {
        let given = self.after.iter().flat_map(|after| self.truths().into_iter().map(move |truth| (truth, after)));
        given.map(|(truth, after)| format!("{truth}_after_{after}")).collect()
    }
}

impl Design {
    /// Checks bounds and what must hold between the parts.
    pub(super) fn check(&self) -> Result<(), DataError> {
        let bad = |problem: String| Err(DataError::Synth(problem));
        self.knobs.check()?;
        if self.columns.is_empty() || self.tasks.is_empty() {
            return bad("rows need a column and a task at least".to_owned());
        }
        if self.columns.len() > MOST_COLUMNS || self.signals() > MOST_TASKS {
            let tasks = "tasks, one of several classes counted once a class,";
            return bad(format!("at most {MOST_COLUMNS} columns and {MOST_TASKS} {tasks} can be made up"));
        }
        for (what, count) in [("users", self.users), ("items", self.items)] {
            if !(1..=MOST_VALUES).contains(&count) {
                return bad(format!("{count} {what}: from 1 to {MOST_VALUES} are possible"));
            }
        }
        let mut names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        for (t, task) in self.tasks.iter().enumerate() {
            names.push(task.name.clone());
            names.extend(task.truths().into_iter().chain(task.truths_after()));
            task.check(&self.tasks[..t])?;
        }
        names.sort();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return bad(format!("column `{}` would be there twice; rename one", twice[0]));
        }
        self.columns.iter().try_for_each(Column::check)?;
        match self.width() {
            ..=WIDEST_ROW => Ok(()),
            width => bad(format!("a row would have up to {width} numbers; at most {WIDEST_ROW} are possible")),
        }
    }

    /// Signals of all tasks.
    pub(super) fn signals(&self) -> usize {
        self.tasks.iter().map(|task| task.kind.signals()).sum()
    }

    /// Numbers in a row, at most.
    pub(super) fn width(&self) -> u64 {
        self.columns.iter().map(Column::width).sum::<u64>() + self.tasks.len() as u64
    }
}

impl Knobs {
    fn check(&self) -> Result<(), DataError> {
        let within = [
            ("correlation", self.correlation, (0.0..=1.0).contains(&self.correlation), "from 0 to 1"),
            ("strength", self.strength, (0.0..=8.0).contains(&self.strength), "from 0 to 8"),
            ("noise", self.noise, (0.0..1.0).contains(&self.noise), "from 0 to below 1"),
            ("cold", self.cold, (0.0..=1.0).contains(&self.cold), "from 0 to 1"),
        ];
        match within.iter().find(|(_, _, right, _)| !right) {
            None => Ok(()),
            Some((name, value, _, bounds)) => Err(DataError::Synth(format!("{name} {value}: it is {bounds}"))),
        }
    }
}

impl Column {
    fn check(&self) -> Result<(), DataError> {
        let bad = |problem: String| Err(DataError::Synth(format!("column `{}`: {problem}", self.name)));
        match self.content {
            Content::Category { values, .. } if !(1..=MOST_VALUES).contains(&values) => {
                return bad(format!("{values} values: from 1 to {MOST_VALUES} are possible"));
            }
            Content::Number { min, max } if !(min.is_finite() && max.is_finite() && min <= max) => {
                return bad(format!("no numbers lie from {min} to {max}"));
            }
            Content::Vector { size: 0 } => return bad("a vector has a number at least".to_owned()),
            Content::Vector { .. } if self.owner == Owner::Context => {
                return bad("a vector tells what a user or an item is like; tag it `user` or `item`".to_owned());
            }
            _ => {}
        }
        match self.list {
            Some((shortest, longest)) if shortest > longest => {
                bad(format!("no list has {shortest} values at least and {longest} at most"))
            }
            _ => Ok(()),
        }
    }

    /// Numbers in a row, at most.
    fn width(&self) -> u64 {
        match (self.content, self.list) {
            (Content::Vector { size }, _) => u64::from(size),
            (_, list) => list.map_or(1, |(_, longest)| u64::from(longest.max(1))),
        }
    }
}

impl Task {
    fn check(&self, before: &[Task]) -> Result<(), DataError> {
        let bad = |problem: String| Err(DataError::Synth(format!("task `{}`: {problem}", self.name)));
        let mean = self.kind.mean();
        match &self.kind {
            TaskKind::Binary { .. } if !(mean > 0.0 && mean < 1.0) => {
                return bad(format!("rate {mean}: it is above 0 and below 1"));
            }
            TaskKind::Amount { .. } if !(mean > 0.0 && mean <= 1e9) => {
                return bad(format!("mean {mean}: it is above 0 and at most 1e9"));
            }
            TaskKind::Bounded { min, max, .. }
                if !(min.is_finite() && max.is_finite() && *min < mean && mean < *max) =>
            {
                return bad(format!("mean {mean}: it lies between {min} and {max}"));
            }
            TaskKind::Classes { first, shares } => {
                let sum: f64 = shares.iter().sum();
                if shares.len() < 2 || first.checked_add_unsigned(shares.len() as u64).is_none() {
                    return bad("several classes are two at least".to_owned());
                }
                if !shares.iter().all(|share| *share > 0.0) || (sum - 1.0).abs() > 1e-6 {
                    return bad(format!("rates {shares:?}: each is above 0, and they sum to 1"));
                }
            }
            _ => {}
        }
        let Some(after) = &self.after else { return Ok(()) };
        let Some(parent) = before.iter().find(|task| task.name == *after) else {
            return bad(format!("comes after `{after}`, which is no task before it"));
        };
        match (&parent.kind, &self.kind) {
            (TaskKind::Binary { rate }, TaskKind::Binary { .. }) if mean >= *rate => {
                bad(format!("rate {mean}: it comes after `{after}` and must be below that rate, {rate}"))
            }
            (TaskKind::Binary { .. }, TaskKind::Binary { .. } | TaskKind::Amount { .. }) => Ok(()),
            _ => bad(format!("cannot come after `{after}`: only a yes or an amount follows a yes")),
        }
    }
}
