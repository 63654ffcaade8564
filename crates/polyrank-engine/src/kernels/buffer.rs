//! Numbers that begin at the start of a cache line.
//!
//! A packed row is one vector or several, and a vector of AVX-512 or a row of an AMX tile is a whole line: from an
//! allocation that begins in the middle of one, every load would read two.

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};

/// Bytes of a cache line.
const LINE: usize = 64;
/// Bytes of a huge page.
const HUGE: usize = 2 << 20;

/// A number of which any bits are a value, those of zeros being 0.
///
/// # Safety
/// What it says.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: so it is with numbers.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}

/// A vector of numbers whose first lies at the start of a cache line, or of a huge page if they are many.
pub(crate) struct Buffer<T> {
    /// Where they lie, from `skip` on.
    bytes: Vec<u8>,
    skip: usize,
    len: usize,
    numbers: PhantomData<T>,
}

impl<T> Buffer<T> {
    /// None.
    pub(crate) const fn new() -> Buffer<T> {
        Buffer { bytes: Vec::new(), skip: 0, len: 0, numbers: PhantomData }
    }

    /// Room for so many, all bytes 0.
    fn room(len: usize) -> Buffer<T> {
        if len == 0 {
            return Buffer::new();
        }
        let bytes = len.checked_mul(size_of::<T>()).expect("numbers of a graph that was checked fit memory");
        let unit = if bytes >= HUGE { HUGE } else { LINE };
        let bytes = bytes.next_multiple_of(unit);
        let mut all = vec![0u8; bytes + unit];
        let address = all.as_ptr().addr();
        let skip = address.next_multiple_of(unit) - address;
        if unit == HUGE {
            advise_huge(&mut all[skip..][..bytes]);
        }
        Buffer { bytes: all, skip, len, numbers: PhantomData }
    }

    /// The bytes of the numbers.
    fn range(&self) -> Range<usize> {
        self.skip..self.skip + self.len * size_of::<T>()
    }
}

impl<T: Plain> Buffer<T> {
    /// So many zeros, in huge pages if they fill one; none of a large buffer's memory is touched yet.
    pub(crate) fn zeros(len: usize) -> Buffer<T> {
        Buffer::room(len)
    }

    /// So many times a number.
    pub(crate) fn of(len: usize, number: T) -> Buffer<T> {
        let mut buffer = Buffer::zeros(len);
        buffer.fill(number);
        buffer
    }

    /// As [`Vec::resize`], with zeros.
    pub(crate) fn resize(&mut self, len: usize) {
        if self.bytes.len() < self.skip + len * size_of::<T>() {
            let mut grown = Buffer::zeros(len);
            grown[..self.len].copy_from_slice(self);
            *self = grown;
        } else if self.len < len {
            let from = self.range().end;
            self.len = len;
            let to = self.range().end;
            self.bytes[from..to].fill(0);
        } else {
            self.len = len;
        }
    }

    /// Makes it so many numbers: those of an earlier use, or zeros.
    pub(crate) fn reuse(&mut self, len: usize) {
        if self.bytes.len() < self.skip + len * size_of::<T>() {
            *self = Buffer::zeros(len);
        } else {
            self.len = len;
        }
    }

    /// As [`Vec::clear`].
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }
}

impl<T: Plain> Deref for Buffer<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: `skip` leads to a whole line, `len` numbers from there lie inside the allocation, and any bytes are numbers.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().add(self.skip).cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buffer<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: as above, and `&mut self` makes it the only slice.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_mut_ptr().add(self.skip).cast(), self.len) }
    }
}

impl<T> Default for Buffer<T> {
    fn default() -> Buffer<T> {
        Buffer::new()
    }
}

impl<T> Clone for Buffer<T> {
    fn clone(&self) -> Buffer<T> {
        let mut copy = Buffer::room(self.len);
        let range = copy.range();
        copy.bytes[range].copy_from_slice(&self.bytes[self.range()]);
        copy
    }
}

impl<T> Debug for Buffer<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers", self.len)
    }
}

/// Asks for huge pages under a stretch of them; only a hint, so a refusal is ignored.
fn advise_huge(bytes: &mut [u8]) {
    #[cfg(target_os = "linux")]
    // SAFETY: the range is one borrowed slice, and the advice changes no contents.
    unsafe {
        libc::madvise(bytes.as_mut_ptr().cast(), bytes.len(), libc::MADV_HUGEPAGE)
    };
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_on_a_line_whatever_their_count() {
        for len in [1, 3, 100, 5000, 300_000, 3_000_000] {
            let mut buffer = Buffer::<f32>::zeros(len);
            assert_eq!(buffer.as_ptr().addr() % LINE, 0, "{len} numbers");
            assert!(buffer.len() == len && buffer.iter().all(|x| *x == 0.0));
            buffer.fill(1.5);
            let copy = buffer.clone();
            assert_eq!(copy.as_ptr().addr() % LINE, 0, "{len} numbers, copied");
            assert_eq!(*copy, *buffer);
        }
    }

    #[test]
    fn resizing_keeps_numbers_and_adds_zeros() {
        let mut buffer = Buffer::<u16>::default();
        assert!(buffer.is_empty());
        buffer.resize(5);
        buffer.fill(7);
        buffer.resize(2);
        buffer.resize(4);
        assert_eq!(*buffer, [7, 7, 0, 0]);
        buffer.resize(9000);
        assert_eq!(buffer[..5], [7, 7, 0, 0, 0]);
        assert!(buffer.len() == 9000 && buffer.as_ptr().addr() % LINE == 0);
        buffer.clear();
        buffer.resize(3);
        assert_eq!(*buffer, [0, 0, 0]);
        buffer[2] = 7;
        buffer.reuse(1);
        buffer.reuse(3);
        assert_eq!(*buffer, [0, 0, 7]);
        buffer.reuse(20_000);
        assert!(buffer.len() == 20_000 && buffer.as_ptr().addr() % LINE == 0);
    }
}
