//! Batch-sized rows that workers fill side by side, each its own range.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use super::buffer::{Buffer, Plain};

/// `[rows, width]` numbers, cut into parts of consecutive rows that may be written from different threads.
///
/// A part is handed out once at a time: taking it while it is taken panics, which makes the type sound by itself.
pub(crate) struct Parts<T> {
    data: UnsafeCell<Buffer<T>>,
    width: usize,
    bounds: Vec<usize>,
    taken: Vec<AtomicBool>,
}

// SAFETY: the flags in `taken` give each part to one thread at a time.
unsafe impl<T: Send> Sync for Parts<T> {}

/// One part, to write; gives itself back when dropped.
pub(crate) struct Part<'a, T> {
    /// The part's rows, one after the other.
    pub(crate) data: &'a mut [T],
    flag: &'a AtomicBool,
}

impl<T: Plain> Parts<T> {
    /// Empty.
    pub(crate) fn new(width: usize) -> Self {
        Parts { data: UnsafeCell::new(Buffer::new()), width, bounds: vec![0], taken: Vec::new() }
    }

    /// Resizes to parts that begin and end at `bounds` (from 0, rising).
    pub(crate) fn reset(&mut self, bounds: &[usize]) {
        let rows = bounds.last().copied().unwrap_or(0);
        self.data.get_mut().resize(rows * self.width);
        self.bounds.clear();
        self.bounds.extend_from_slice(bounds);
        self.taken.resize_with(bounds.len().saturating_sub(1), || AtomicBool::new(false));
    }

    /// All rows.
    pub(crate) fn all(&mut self) -> &mut [T] {
        self.data.get_mut()
    }

    /// Part `i`.
    pub(crate) fn part(&self, i: usize) -> Part<'_, T> {
        assert!(!self.taken[i].swap(true, Ordering::Acquire), "a part is written by one worker at a time");
        let (from, to) = (self.bounds[i] * self.width, self.bounds[i + 1] * self.width);
        // SAFETY: the flag makes this the only reference to the part, parts do not overlap, and `&self` keeps the
        // buffer from being resized; the slice is checked against its length.
        let data = unsafe {
            let whole: &Buffer<T> = &*self.data.get();
            assert!(from <= to && to <= whole.len());
            std::slice::from_raw_parts_mut(whole.as_ptr().cast_mut().add(from), to - from)
        };
        Part { data, flag: &self.taken[i] }
    }
}

impl<T> Drop for Part<'_, T> {
    fn drop(&mut self) {
        self.flag.store(false, Ordering::Release);
    }
}

/// Copies a row. A width that most tables have is known to the compiler, which saves a call a row.
#[inline]
pub(crate) fn copy_row<T: Copy>(to: &mut [T], from: &[T]) {
    macro_rules! of_width {
        ($($width:literal),*) => {
            match from.len() {
                $($width => to[..$width].copy_from_slice(&from[..$width]),)*
                _ => to.copy_from_slice(from),
            }
        };
    }
    of_width!(4, 8, 16, 32, 64);
}

/// Asks for a row's cache lines some time before it is read.
#[inline]
pub(crate) fn prefetch<T>(row: &[T]) {
    #[cfg(vectors)]
    for byte in (0..size_of_val(row)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address lies inside the row, and a prefetch changes nothing but caches.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().cast::<i8>().add(byte)) };
    }
    #[cfg(not(vectors))]
    let _ = row;
}

/// Rows between asking for one and using it: enough to hide a miss, few enough for a core's line buffers.
pub(crate) const AHEAD: usize = 8;
