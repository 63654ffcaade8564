//! Made-up values as Arrow columns.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    ArrayRef, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{Field, FieldRef};

use super::cells::{Cells, Values};
use super::design::{Content, Design, Form, Owner};
use super::outcome::Labels;
use super::population::Cast;
use super::random::Stream;
use super::signals::{FACTORS, Raw};

/// Columns of some rows, as they are made.
pub(super) struct Arrays<'a> {
    design: &'a Design,
    seed: u64,
    columns: Vec<(FieldRef, ArrayRef)>,
}

/// How far a vector's numbers are off what they tell, in standard deviations.
const BLUR: f64 = 0.5;

impl<'a> Arrays<'a> {
    pub(super) fn new(design: &'a Design, seed: u64) -> Arrays<'a> {
        Arrays { design, seed, columns: Vec::with_capacity(design.columns.len() + 2 * design.tasks.len()) }
    }

    /// Adds a column.
    pub(super) fn column(&mut self, index: usize, cells: Cells, raw: &Raw, cast: &Cast) {
        let column = &self.design.columns[index];
        let (values, offsets) = match column.content {
            Content::Vector { size } => self.vectors(index, size, column.owner, raw, cast),
            Content::Number { min, max } => {
                let whole = !matches!(column.form, Form::Float32 | Form::Float64 | Form::Text);
                let of = |unit: &f64| match whole {
                    true => (min + unit * (max - min + 1.0)).floor().min(max),
                    false => min + unit * (max - min),
                };
                let Values::Units(units) = cells.values else { return };
                let numbers: Vec<f64> = units.iter().map(of).collect();
                (numbers_as(column.form, &numbers), cells.offsets)
            }
            Content::Id { first, .. } | Content::Category { first, .. } | Content::History { first } => {
                let Values::Codes(codes) = cells.values else { return };
                let name = self.item_name(index);
                (
                    codes_as(column.form, name, codes.into_iter().map(|code| first.wrapping_add(code as i64))),
                    cells.offsets,
                )
            }
            Content::Time => {
                let Values::Codes(codes) = cells.values else { return };
                (codes_as(column.form, &column.name, codes.into_iter().map(|code| code as i64)), cells.offsets)
            }
        };
        let array = match offsets {
            None => values,
            Some(offsets) => lists(values, offsets),
        };
        self.push(&column.name, array);
    }

    /// Adds the labels and, if asked for, what they are drawn from.
    pub(super) fn labels(&mut self, labels: Labels, truth: bool) {
        let design = self.design;
        for (task, labels) in design.tasks.iter().zip(&labels.labels) {
            self.push(&task.name, numbers_as(task.form, labels));
        }
        if !truth {
            return;
        }
        for ((task, truths), after) in design.tasks.iter().zip(labels.truths).zip(labels.truths_after) {
            for (names, truths) in [(task.truths(), truths), (task.truths_after(), after)] {
                for (k, name) in names.iter().enumerate() {
                    let class = truths.iter().skip(k).step_by(names.len()).copied();
                    self.push(name, Arc::new(Float64Array::from_iter_values(class)));
                }
            }
        }
    }

    pub(super) fn finish(self) -> RecordBatch {
        RecordBatch::from(StructArray::from(self.columns))
    }

    fn push(&mut self, name: &str, array: ArrayRef) {
        self.columns.push((Arc::new(Field::new(name, array.data_type().clone(), false)), array));
    }

    /// What a text's name begins with: a history names items as their id's column does.
    fn item_name(&self, index: usize) -> &'a str {
        let columns = &self.design.columns;
        let is_id = |content: &Content| matches!(content, Content::Id { .. });
        let column = match columns[index].content {
            Content::History { .. } => {
                columns.iter().find(|column| column.owner == Owner::Item && is_id(&column.content))
            }
            _ => None,
        };
        &column.unwrap_or(&columns[index]).name
    }

    /// Tastes or topics, again and again until a vector is full, each number with a blur of its own.
    fn vectors(&self, index: usize, size: u32, owner: Owner, raw: &Raw, cast: &Cast) -> (ArrayRef, Option<Vec<u32>>) {
        let (owners, factors) = match owner {
            Owner::Item => (&cast.items, &raw.topics),
            _ => (&cast.users, &raw.tastes),
        };
        let stream = Stream::new(self.seed, 64 << 32 | index as u64);
        let width = FACTORS * (self.design.signals() + 1);
        let numbers = owners.iter().enumerate().flat_map(|(row, owner)| {
            let (shown, place) = (&factors[row * width..][..width], owner.wrapping_mul(u64::from(size)));
            (0..size).map(move |k| {
                let blur = BLUR * stream.normal(place.wrapping_add(u64::from(k)));
                (shown[k as usize % width] + blur) as f32
            })
        });
        let numbers: ArrayRef = Arc::new(Float32Array::from_iter_values(numbers));
        (numbers, Some((0..=owners.len() as u32).map(|row| row * size).collect()))
    }
}

fn lists(values: ArrayRef, offsets: Vec<u32>) -> ArrayRef {
    let item = Arc::new(Field::new("item", values.data_type().clone(), false));
    let lengths = offsets.windows(2).map(|ends| (ends[1] - ends[0]) as usize);
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), values, None))
}

fn codes_as(form: Form, name: &str, codes: impl Iterator<Item = i64>) -> ArrayRef {
    match form {
        Form::Int64 => Arc::new(Int64Array::from_iter_values(codes)),
        Form::Int32 => Arc::new(Int32Array::from_iter_values(codes.map(|x| x as i32))),
        Form::Int8 => Arc::new(Int8Array::from_iter_values(codes.map(|x| x as i8))),
        Form::Float32 => Arc::new(Float32Array::from_iter_values(codes.map(|x| x as f32))),
        Form::Float64 => Arc::new(Float64Array::from_iter_values(codes.map(|x| x as f64))),
        Form::Text => {
            let mut texts = StringBuilder::new();
            codes.for_each(|code| texts.append_value(format!("{name}_{code}")));
            Arc::new(texts.finish())
        }
    }
}

fn numbers_as(form: Form, numbers: &[f64]) -> ArrayRef {
    match form {
        Form::Int64 => Arc::new(Int64Array::from_iter_values(numbers.iter().map(|x| *x as i64))),
        Form::Int32 => Arc::new(Int32Array::from_iter_values(numbers.iter().map(|x| *x as i32))),
        Form::Int8 => Arc::new(Int8Array::from_iter_values(numbers.iter().map(|x| *x as i8))),
        Form::Float32 => Arc::new(Float32Array::from_iter_values(numbers.iter().map(|x| *x as f32))),
        Form::Float64 => Arc::new(Float64Array::from_iter_values(numbers.iter().copied())),
        Form::Text => {
            let mut texts = StringBuilder::new();
            numbers.iter().for_each(|x| texts.append_value(x.to_string()));
            Arc::new(texts.finish())
        }
    }
}
