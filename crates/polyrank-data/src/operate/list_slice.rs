//! `list_slice`: the items of a list from one place to another, and with `pad` lists of one length.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, StringArray, UInt64Array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use arrow_select::concat::concat;
use arrow_select::take::take;
use polyrank_schema::operator::never;
use polyrank_schema::spec::{BlockContext, Literal, OptionDefault, OptionKind, OptionSpec};
use polyrank_schema::{Block, BlockSpec, OperatorSpec, Step};

use super::input::{Input, is_list};
use super::operator::{Operator, Output, Setting, Stage, Transform};
use super::options::{COLUMNS, INTO, SUFFIX, check_columns, each_column};
use super::output::{list_of, one, scalar_text};
use crate::encode::column::bad_column;
use crate::encode::plan::plain_column;
use crate::error::DataError;

/// Items that a padded list can have.
const MOST: i64 = 65_536;

const PLACE: OptionKind = OptionKind::Int { min: -MOST, max: MOST };

pub(super) const OPERATOR: Operator = Operator {
    spec: OperatorSpec {
        block: BlockSpec {
            name: "list_slice",
            doc: "the items of a list from one place to another",
            options: &[
                COLUMNS,
                OptionSpec {
                    key: "start",
                    kind: PLACE,
                    default: OptionDefault::Always(Literal::Int(0)),
                    doc: "the first item that is kept, from 0; below 0 counted from the end",
                },
                OptionSpec {
                    key: "end",
                    kind: PLACE,
                    default: OptionDefault::Absent,
                    doc: "the first item that is no longer kept, likewise; the list's end if left out",
                },
                OptionSpec {
                    key: "pad",
                    kind: OptionKind::Scalar,
                    default: OptionDefault::Absent,
                    doc: "what is appended to lists that have fewer items than `start` and `end` allow",
                },
                INTO,
                SUFFIX,
            ],
            check,
        },
        steps: each_column,
        fits: never,
        hides_labels: never,
    },
    new,
    load: None,
};

fn check(block: &Block, context: BlockContext<'_>) -> Result<(), String> {
    let ordered = !block.has("end")
        || (block.int("start") < 0) != (block.int("end") < 0)
        || block.int("start") < block.int("end");
    if !ordered {
        return Err("`end` is not beyond `start`: nothing would be kept".to_owned());
    }
    if block.has("pad") && length(block).is_none() {
        return Err(
            "`pad` needs lists of one length: give `start` and `end` of one sign, or a `start` below 0 alone".into()
        );
    }
    check_columns(block, context)
}

/// How many items a long list keeps, where that does not depend on it.
fn length(block: &Block) -> Option<usize> {
    let (start, end) = (block.int("start"), block.has("end").then(|| block.int("end")));
    let length = match end {
        Some(end) if (start < 0) == (end < 0) => end - start,
        None if start < 0 => -start,
        _ => return None,
    };
    usize::try_from(length).ok()
}

#[derive(Debug)]
struct ListSlice {
    start: i64,
    end: Option<i64>,
    /// What lists are filled up with, and to how many items.
    pad: Option<(String, usize)>,
}

fn new(block: &Block, _: &Step, _: &Setting<'_>) -> Result<Stage, DataError> {
    let pad = block.options.get("pad").map(scalar_text);
    let end = block.has("end").then(|| block.int("end"));
    Stage::ready(ListSlice { start: block.int("start"), end, pad: pad.zip(length(block)) })
}

impl ListSlice {
    /// The places that are kept of so many.
    fn kept(&self, span: &Range<usize>) -> Range<usize> {
        let length = span.len() as i64;
        let place = |at: i64| (if at < 0 { length + at } else { at }).clamp(0, length);
        let start = place(self.start);
        let end = self.end.map_or(length, place).max(start);
        span.start + start as usize..span.start + end as usize
    }
}

impl Transform for ListSlice {
    fn transform(&self, rows: &Input<'_>) -> Result<Output, DataError> {
        let bad = |problem: String| bad_column(rows.name(0), problem);
        let array = rows.read(0);
        if !is_list(array) {
            return Err(bad(format!("holds {}, not lists; `split` makes lists of texts", array.data_type())));
        }
        let (spans, items) = spans(array);
        let mut items = plain_column(items, rows.name(0))?;
        let padding = items.len() as u64;
        if let Some((pad, _)) = &self.pad {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            let pad = cast_with_options(&StringArray::from(vec![pad.as_str()]), items.data_type(), &options)
                .map_err(|_| bad(format!("`pad` = {pad} is no {}, as the items are", items.data_type())))?;
            items = concat(&[items.as_ref(), pad.as_ref()]).map_err(|e| bad(e.to_string()))?;
        }
        let (mut lengths, mut places) = (Vec::with_capacity(spans.len()), Vec::new());
        for span in &spans {
            let kept = self.kept(span);
            let missing = self.pad.as_ref().map_or(0, |(_, length)| length.saturating_sub(kept.len()));
            lengths.push(kept.len() + missing);
            places.extend(kept.map(|i| i as u64).chain(std::iter::repeat_n(padding, missing)));
        }
        let items = take(items.as_ref(), &UInt64Array::from(places), None).map_err(|e| bad(e.to_string()))?;
        one(list_of(lengths, items))
    }
}

/// Where each row's items stand, none for a null row, and the items; of a column of lists.
pub(super) fn spans(array: &ArrayRef) -> (Vec<Range<usize>>, &ArrayRef) {
    fn of<O: OffsetSizeTrait>(array: &ArrayRef) -> (Vec<Range<usize>>, &ArrayRef) {
        let lists = array.as_list::<O>();
        let offsets = lists.value_offsets();
        let span = |row: usize| offsets[row].as_usize()..offsets[row + 1].as_usize();
        ((0..lists.len()).map(|row| if lists.is_null(row) { 0..0 } else { span(row) }).collect(), lists.values())
    }
    match array.data_type() {
        DataType::LargeList(_) => of::<i64>(array),
        DataType::FixedSizeList(_, size) => {
            let (lists, size) = (array.as_fixed_size_list(), usize::try_from(*size).unwrap_or(0));
            let span = |row: usize| if lists.is_null(row) { 0..0 } else { row * size..(row + 1) * size };
            ((0..lists.len()).map(span).collect(), lists.values())
        }
        _ => of::<i32>(array),
    }
}
