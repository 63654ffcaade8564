//! Labels: what the tasks learn. A null, empty or NaN cell is a missing label, NaN, for its task only. The label of one of
//! several classes is its index.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use hashbrown::HashMap;
use polyrank_schema::config::{LabelTransform, Task, TaskKind};

use super::column::{BadCell, each_row};
use super::number::{parse, visit_numbers};
use super::value::{Value, plain, quote, visit, visit_texts};
use super::vocabulary::Key;

/// A task's labels, `[B]`.
pub(crate) fn labels(task: &Task, array: &ArrayRef) -> Result<Vec<f32>, BadCell> {
    let array = plain(array).map_err(|problem| BadCell { row: 0, problem })?;
    let array = array.as_ref();
    let mut out = Vec::with_capacity(array.len());
    match &task.kind {
        TaskKind::Regression { .. } => {
            let mut bad = None;
            visit_numbers(array, each_row(array.len()), |row, x| {
                let label = x.map_or(f32::NAN, |x| x as f32);
                if task.transform == LabelTransform::Log1p && label <= -1.0 && bad.is_none() {
                    let problem = format!("`{label}` has no logarithm of 1 + y; numbers above -1 have one");
                    bad = Some(BadCell { row, problem });
                }
                out.push(label);
            })?;
            if let Some(bad) = bad {
                return Err(bad);
            }
        }
        TaskKind::Binary { positive: Some(positive) } => {
            let positive: Vec<_> = positive.iter().map(|text| Value::from_text(text)).collect();
            visit(array, each_row(array.len()), |_, value| {
                let label = f32::from(u8::from(positive.contains(&value)));
                out.push(if value == Value::Missing { f32::NAN } else { label });
                Ok(())
            })?;
        }
        TaskKind::Binary { positive: None } => binary(array, &mut out)?,
        TaskKind::MultiClass { classes } => multi_class(classes, array, &mut out)?,
    }
    Ok(out)
}

fn binary(array: &dyn Array, out: &mut Vec<f32>) -> Result<(), BadCell> {
    let cells = each_row(array.len());
    let mut text = |_: usize, text: &str| {
        out.push(from_text(text.trim())?);
        Ok(())
    };
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            visit_texts(array, cells, |i| texts.value(i), text)
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            visit_texts(array, cells, |i| texts.value(i), text)
        }
        DataType::Utf8View => {
            let texts = array.as_string_view();
            visit_texts(array, cells, |i| texts.value(i), &mut text)
        }
        _ => {
            let mut bad = None;
            visit_numbers(array, cells, |row, x| {
                if let Some(x) = x.filter(|x| *x != 0.0 && *x != 1.0) {
                    bad.get_or_insert((row, x));
                }
                out.push(x.map_or(f32::NAN, |x| x as f32));
            })?;
            match bad {
                Some((row, x)) => Err(BadCell { row, problem: not_binary(&quote(&x.to_string())) }),
                None => Ok(()),
            }
        }
    }
}

/// The index of each label among the classes.
fn multi_class(classes: &[String], array: &dyn Array, out: &mut Vec<f32>) -> Result<(), BadCell> {
    let keys = classes.iter().filter_map(|class| Key::of(Value::from_text(class)));
    let indices: HashMap<Key, f32> = keys.zip(0u16..).map(|(key, index)| (key, f32::from(index))).collect();
    visit(array, each_row(array.len()), |_, value| {
        out.push(match Key::of(value) {
            None => f32::NAN,
            Some(key) => *indices.get(&key).ok_or_else(|| no_class(&key, classes))?,
        });
        Ok(())
    })
}

fn no_class(key: &Key, classes: &[String]) -> String {
    let shown: Vec<String> = classes.iter().take(10).map(|class| quote(class)).collect();
    let more = if classes.len() > shown.len() { ", …" } else { "" };
    format!(
        "label {} is none of the {} classes ({}{more}); add it to `classes`, or leave the cell empty",
        key.show(),
        classes.len(),
        shown.join(", ")
    )
}

fn from_text(text: &str) -> Result<f32, String> {
    if text.eq_ignore_ascii_case("true") {
        return Ok(1.0);
    }
    if text.eq_ignore_ascii_case("false") {
        return Ok(0.0);
    }
    match parse(text) {
        Ok(None) => Ok(f32::NAN),
        Ok(Some(0.0)) => Ok(0.0),
        Ok(Some(1.0)) => Ok(1.0),
        _ => Err(not_binary(&quote(text))),
    }
}

fn not_binary(value: &str) -> String {
    format!("label {value} is neither 0 nor 1 (nor true nor false); name the positive values with `positive`")
}
