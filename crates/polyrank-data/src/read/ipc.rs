//! Arrow IPC files, with a footer or as a stream: one record batch is decoded at a time.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader as ArrowFileReader, StreamReader, read_footer_length};
use arrow_schema::{ArrowError, DataType, SchemaRef};

use super::files::{DataFile, Format};
use super::guard::guarded;
use super::normal::{normalise, plain_type, readable};
use super::{Chunk, FileReader, positions};
use crate::error::DataError;

const KIND: &str = "an Arrow file";

/// Bytes that one record batch or dictionary may take once decompressed, whatever its size in the file.
const DECOMPRESSED_FREE: u64 = 256 << 20;

/// Bytes beyond that which each byte in the file may become; data of more than one value stay far below.
const DECOMPRESSED_RATIO: u64 = 1024;

/// Rows that one record batch may have.
const MAX_ROWS: i64 = i32::MAX as i64;

/// A reader of either form.
enum Reader {
    File(ArrowFileReader<BufReader<File>>),
    Stream(StreamReader<BufReader<File>>),
}

impl Reader {
    /// Opens a checked file; `columns` by their place in the schema, all if `None`.
    fn open(file: &DataFile, columns: Option<Vec<usize>>) -> Result<Reader, DataError> {
        let input = File::open(&file.path).map_err(|error| DataError::io(&*file.path, error))?;
        let input = BufReader::new(input);
        guarded(&file.path, KIND, || match file.format {
            Format::ArrowFile => ArrowFileReader::try_new(input, columns).map(Reader::File),
            _ => StreamReader::try_new(input, columns).map(Reader::Stream),
        })
    }

    fn schema(&self) -> SchemaRef {
        match self {
            Reader::File(reader) => reader.schema(),
            Reader::Stream(reader) => reader.schema(),
        }
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        match self {
            Reader::File(reader) => reader.next().transpose(),
            Reader::Stream(reader) => reader.next().transpose(),
        }
    }
}

/// Names and types of a file's columns.
pub(super) fn columns(file: &DataFile) -> Result<Vec<(String, DataType)>, DataError> {
    check(file)?;
    let schema = Reader::open(file, None)?.schema();
    let kind = |from: &DataType| plain_type(from).unwrap_or_else(|| from.clone());
    Ok(schema.fields().iter().map(|field| (field.name().clone(), kind(field.data_type()))).collect())
}

/// Number of rows, by the record batches' headers.
pub(super) fn count_rows(file: &DataFile) -> Result<u64, DataError> {
    check(file)
}

/// Reads columns of one Arrow file.
pub(super) struct Ipc {
    path: Arc<Path>,
    columns: Vec<String>,
    /// Where each column of the output stands in a decoded batch.
    order: Vec<usize>,
    reader: Reader,
    batch_rows: usize,
    /// What is left of the record batch decoded last.
    rest: Option<RecordBatch>,
    next_row: u64,
}

impl Ipc {
    pub(super) fn open(file: &DataFile, columns: &[String], batch_rows: usize) -> Result<Ipc, DataError> {
        check(file)?;
        let schema = Reader::open(file, None)?.schema();
        let present: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let wanted = positions(&file.path, columns, &present)?;
        for (name, &position) in columns.iter().zip(&wanted) {
            readable(&file.path, name, schema.field(position).data_type())?;
        }
        // A decoded batch has the wanted columns in the file's order.
        let order = wanted.iter().map(|at| wanted.iter().filter(|other| *other < at).count()).collect();
        let mut projection = wanted;
        projection.sort_unstable();
        let reader = Reader::open(file, Some(projection))?;
        Ok(Ipc {
            path: file.path.clone(),
            columns: columns.to_vec(),
            order,
            reader,
            batch_rows,
            rest: None,
            next_row: 1,
        })
    }
}

impl FileReader for Ipc {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DataError> {
        let batch = loop {
            let reader = &mut self.reader;
            let next = match self.rest.take() {
                Some(rest) => Some(rest),
                None => guarded(&self.path, KIND, || reader.read())?,
            };
            match next {
                None => return Ok(None),
                Some(batch) if batch.num_rows() > 0 => break batch,
                Some(_) => {}
            }
        };
        let rows = batch.num_rows().min(self.batch_rows);
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        let first_line = self.next_row;
        self.next_row += rows as u64;
        let batch = normalise(&self.path, &batch.slice(0, rows), &self.columns, &self.order, first_line)?;
        Ok(Some(Chunk { batch, first_line, lines: None }))
    }
}

/// Walks the headers of all messages and gives the number of rows. What a header claims is held against the file's
/// size before the Arrow library makes room for it.
fn check(file: &DataFile) -> Result<u64, DataError> {
    let path = &*file.path;
    let opened = File::open(path).map_err(|error| DataError::io(path, error))?;
    guarded(path, KIND, || {
        let mut walk = Walk::new(opened)?;
        if matches!(file.format, Format::ArrowFile) { walk.file() } else { walk.stream() }
    })
}

struct Walk {
    input: BufReader<File>,
    size: u64,
}

/// Where a message's parts lie, in bytes from the start of the file.
struct Place {
    header: u64,
    header_length: u64,
    body: u64,
}

impl Walk {
    fn new(mut file: File) -> Result<Walk, String> {
        let size = file.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
        Ok(Walk { input: BufReader::new(file), size })
    }

    fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>, String> {
        if at.checked_add(length).is_none_or(|end| end > self.size) {
            return Err("a part lies beyond the end of the file".into());
        }
        let mut bytes = Vec::new();
        self.seek(at)?;
        (&mut self.input).take(length).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// Moves within what is already buffered where it can.
    fn seek(&mut self, at: u64) -> Result<(), String> {
        let now = self.input.stream_position().map_err(|error| error.to_string())?;
        let by = i64::try_from(at).unwrap_or(i64::MAX) - i64::try_from(now).unwrap_or(i64::MAX);
        self.input.seek_relative(by).map_err(|error| error.to_string())
    }

    fn number(&mut self, at: u64) -> Result<i32, String> {
        let bytes = self.bytes(at, 4)?;
        Ok(i32::from_le_bytes(bytes.try_into().map_err(|_| "it is cut short")?))
    }

    fn file(&mut self) -> Result<u64, String> {
        // The file starts with the magic and two bytes of padding, and ends with the footer's length and the magic.
        const START: u64 = 8;
        const END: u64 = 10;
        let end = self.size.checked_sub(END).filter(|end| *end >= START).ok_or("it is cut short")?;
        let tail: [u8; 10] = self.bytes(end, END)?.try_into().map_err(|_| "it is cut short")?;
        let length = read_footer_length(tail).map_err(|error| error.to_string())? as u64;
        let start = end.checked_sub(length).filter(|at| *at >= START).ok_or("its footer is longer than the file")?;
        let footer = self.bytes(start, length)?;
        let footer = arrow_ipc::root_as_footer(&footer).map_err(|error| error.to_string())?;
        for block in footer.dictionaries().iter().flatten() {
            self.block(block, start)?;
        }
        let mut rows = 0u64;
        for block in footer.recordBatches().iter().flatten() {
            rows = rows.saturating_add(self.block(block, start)?);
        }
        Ok(rows)
    }

    fn block(&mut self, block: &arrow_ipc::Block, end: u64) -> Result<u64, String> {
        let part = |value: i64| u64::try_from(value).map_err(|_| "a part has a negative size");
        let (at, header, body) =
            (part(block.offset())?, part(block.metaDataLength().into())?, part(block.bodyLength())?);
        let lengths = header.checked_add(body).and_then(|length| length.checked_add(at));
        if lengths.is_none_or(|stop| stop > end) {
            return Err("a record batch lies beyond the end of the file".into());
        }
        // Before Arrow 0.15 the header's length came first, without a marker.
        let prefix = if self.number(at)? == -1 { 8 } else { 4 };
        let header_length = header.checked_sub(prefix).ok_or("a record batch has no header")?;
        self.message(&Place { header: at + prefix, header_length, body: at + header }, Some(body)).map(|(rows, _)| rows)
    }

    fn stream(&mut self) -> Result<u64, String> {
        let (mut at, mut rows) = (0u64, 0u64);
        while at < self.size {
            let mut length = self.number(at)?;
            at += 4;
            if length == -1 {
                length = self.number(at)?;
                at += 4;
            }
            if length == 0 {
                break;
            }
            let header_length = u64::try_from(length).map_err(|_| "a header has a negative size")?;
            let body = at.saturating_add(header_length);
            let (more, body_length) = self.message(&Place { header: at, header_length, body }, None)?;
            rows = rows.saturating_add(more);
            at = body.saturating_add(body_length);
        }
        Ok(rows)
    }

    /// Checks one message; gives its rows (none for a schema or dictionary) and the length of its body.
    fn message(&mut self, place: &Place, body_length: Option<u64>) -> Result<(u64, u64), String> {
        let header = self.bytes(place.header, place.header_length)?;
        let message = arrow_ipc::root_as_message(&header).map_err(|error| error.to_string())?;
        let claimed = u64::try_from(message.bodyLength()).map_err(|_| "a body has a negative size")?;
        if body_length.is_some_and(|length| length != claimed) {
            return Err("a record batch is not as long as the footer says".into());
        }
        if place.body.checked_add(claimed).is_none_or(|end| end > self.size) {
            return Err("it is cut short".into());
        }
        let (batch, counts) = match (message.header_as_record_batch(), message.header_as_dictionary_batch()) {
            (Some(batch), _) => (batch, true),
            (None, Some(dictionary)) => (dictionary.data().ok_or("a dictionary has no data")?, false),
            (None, None) => return Ok((0, claimed)),
        };
        let rows = batch.length();
        let nodes = batch.nodes().into_iter().flatten().map(arrow_ipc::FieldNode::length);
        if nodes.chain([rows]).any(|length| !(0..=MAX_ROWS).contains(&length)) {
            return Err(format!("a record batch claims more than {MAX_ROWS} rows"));
        }
        if batch.compression().is_some() {
            self.decompressed(&batch, place.body, claimed)?;
        }
        Ok((if counts { rows as u64 } else { 0 }, claimed))
    }

    /// Bounds what the compressed buffers of a record batch claim to hold: each begins with that as an `i64`.
    fn decompressed(&mut self, batch: &arrow_ipc::RecordBatch<'_>, body: u64, length: u64) -> Result<(), String> {
        let limit = DECOMPRESSED_FREE.saturating_add(length.saturating_mul(DECOMPRESSED_RATIO));
        let mut total = 0u64;
        for buffer in batch.buffers().iter().flatten() {
            let (Ok(offset), Ok(size)) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length())) else {
                return Err("a buffer has a negative size".into());
            };
            if offset.checked_add(size).is_none_or(|end| end > length) {
                return Err("a buffer lies beyond its record batch".into());
            }
            if size < 8 {
                continue;
            }
            let claim = self.bytes(body + offset, 8)?;
            let claim = i64::from_le_bytes(claim.try_into().map_err(|_| "it is cut short")?);
            // -1 marks a buffer that was left as it is.
            total = total.saturating_add(u64::try_from(claim).unwrap_or(size));
            if total > limit {
                return Err(format!("{length} bytes claim to hold more than {limit}; write smaller record batches"));
            }
        }
        Ok(())
    }
}
