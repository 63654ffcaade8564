//! Files that an operator reads besides the rows.

use arrow_array::RecordBatch;
use polyrank_schema::config::Reading;

use super::operator::Setting;
use crate::error::DataError;
use crate::read::Source;

/// Rows read at a time.
const BATCH_ROWS: usize = 1 << 16;

/// Calls `f` with all rows of some files; an error names the file and the line.
///
/// Text is read as that of the rows, except that `data.columns` names the columns of those alone.
pub(super) fn each_batch(
    files: &[String],
    setting: &Setting<'_>,
    columns: &[String],
    mut f: impl FnMut(&RecordBatch) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let reading = Reading { columns: None, ..setting.reading.clone() };
    let source = Source::open(files, setting.base, &reading)?;
    source.check_columns(columns)?;
    for raw in source.rows(columns, BATCH_ROWS)? {
        let raw = raw?;
        f(&raw.batch).map_err(|error| raw.locate(error))?;
    }
    Ok(())
}
