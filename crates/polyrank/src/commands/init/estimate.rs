//! How many rows the files have in all.

use polyrank_data::read::Source;

use super::scan::Column;
use crate::failure::Failure;

/// Rows in all files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total {
    pub(super) rows: u64,
    pub(super) exact: bool,
    /// Rows in all for each row looked at, at least 1.
    pub(super) grown: f64,
}

/// How many times larger compressed text is when unpacked, about.
const UNPACKED: u64 = 4;

/// Whether a file keeps its number of rows where it can be looked up, and its nulls apart from its texts.
pub(super) fn is_binary(path: &std::path::Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    matches!(extension.as_deref(), Some("parquet" | "arrow" | "ipc" | "feather"))
}

/// Counts where that costs nothing; text is weighed instead of read.
pub(super) fn total(source: &Source, columns: &[Column], seen: u64, ended: bool) -> Result<Total, Failure> {
    let of = |rows: u64, exact| {
        let rows = rows.max(seen);
        Total { rows, exact, grown: rows as f64 / seen.max(1) as f64 }
    };
    if ended {
        return Ok(of(seen, true));
    }
    if source.files().all(is_binary) {
        return Ok(of(source.count_rows()?, true));
    }
    let mut bytes = 0u64;
    for path in source.files() {
        let size = std::fs::metadata(path).map_err(|e| Failure::io(path, e))?.len();
        let packed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz") || e.eq_ignore_ascii_case("zst"));
        bytes = bytes.saturating_add(if packed { size.saturating_mul(UNPACKED) } else { size });
    }
    let a_row = columns.iter().map(|c| 1 + c.bytes / seen.max(1)).sum::<u64>().max(1);
    Ok(of(bytes / a_row, false))
}
