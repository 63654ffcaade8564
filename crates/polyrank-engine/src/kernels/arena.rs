//! Matrices as strided views into one allocation.
//!
//! A network's values of one micro-batch lie in one [`Arena`]; an op reads some and writes others. [`Arena::borrow`]
//! hands out the views of one op after checking that nothing written overlaps anything else, so the views are sound
//! whatever the plan says.
//!
//! Where micro-batches wait for each other, each has values that must stay meanwhile, and others that pass: those can lie
//! where the last micro-batch's did, and are in cache. So an arena has two [`Area`]s, of which one can be changed for
//! another micro-batch's.

use std::marker::PhantomData;
use std::ptr::NonNull;

use smallvec::SmallVec;

use super::buffer::{Buffer, Plain};

/// The views of one op: as many as most ops have lie on the stack, so that scoring a few rows allocates nothing.
pub(crate) type Few<T> = SmallVec<[T; 12]>;

/// A matrix that is read: `rows` × `width`, rows `ld` apart.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a, T> {
    data: NonNull<T>,
    rows: usize,
    width: usize,
    ld: usize,
    life: PhantomData<&'a [T]>,
}

/// A matrix that is written: `rows` × `width`, rows `ld` apart.
pub(crate) struct MatMut<'a, T> {
    data: NonNull<T>,
    rows: usize,
    width: usize,
    ld: usize,
    life: PhantomData<&'a mut [T]>,
}

impl<'a, T: Copy> Mat<'a, T> {
    /// A matrix over a slice, rows `width` apart.
    pub(crate) fn of(data: &'a [T], rows: usize, width: usize) -> Self {
        assert_eq!(data.len(), rows * width);
        Mat { data: NonNull::from(data).cast(), rows, width, ld: width, life: PhantomData }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn ld(&self) -> usize {
        self.ld
    }

    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }

    /// Row `r`.
    #[inline]
    pub(crate) fn row(&self, r: usize) -> &'a [T] {
        assert!(r < self.rows);
        // SAFETY: the row lies inside the borrowed region, which nothing writes while this view lives.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr().add(r * self.ld), self.width) }
    }
}

impl<'a, T: Copy> MatMut<'a, T> {
    /// A matrix over a slice, rows `width` apart.
    pub(crate) fn of(data: &'a mut [T], rows: usize, width: usize) -> Self {
        assert_eq!(data.len(), rows * width);
        MatMut { data: NonNull::from(data).cast(), rows, width, ld: width, life: PhantomData }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn ld(&self) -> usize {
        self.ld
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.data.as_ptr()
    }

    /// Row `r`.
    #[inline]
    pub(crate) fn row(&self, r: usize) -> &[T] {
        assert!(r < self.rows);
        // SAFETY: the row lies inside the borrowed region, which only this view may write.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr().add(r * self.ld), self.width) }
    }

    /// Row `r`, to write.
    #[inline]
    pub(crate) fn row_mut(&mut self, r: usize) -> &mut [T] {
        assert!(r < self.rows);
        // SAFETY: as in `row`, and `&mut self` makes it the only slice.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr().add(r * self.ld), self.width) }
    }

    /// The same matrix, to write, for a while.
    pub(crate) fn again(&mut self) -> MatMut<'_, T> {
        MatMut { data: self.data, rows: self.rows, width: self.width, ld: self.ld, life: PhantomData }
    }

    /// The same matrix, to read.
    pub(crate) fn as_mat(&self) -> Mat<'_, T> {
        Mat { data: self.data, rows: self.rows, width: self.width, ld: self.ld, life: PhantomData }
    }
}

/// A part of an arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// Of values that stay while other micro-batches run.
    Held,
    /// Of values that nothing reads any more once another micro-batch runs.
    Passing,
}

/// Where a value lies in an arena sized for some number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) area: Area,
    /// Start of its buffer, in numbers a row: row 0 is at `start · rows`.
    pub(crate) start: usize,
    /// Numbers from one row of the buffer to the next.
    pub(crate) ld: usize,
    /// First column within the buffer.
    pub(crate) column: usize,
    /// Columns.
    pub(crate) width: usize,
    /// Rows of the buffer for each of the arena's, at most.
    pub(crate) most: usize,
}

/// A value's rows in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) place: Place,
    pub(crate) rows: usize,
}

impl Place {
    /// Where its buffer ends, in numbers a row of the arena.
    fn end(&self) -> usize {
        self.start + self.ld * self.most
    }

    fn overlaps(&self, other: &Place) -> bool {
        if self.area != other.area || self.end() <= other.start || other.end() <= self.start {
            return false;
        }
        let same_buffer = self.start == other.start && self.ld == other.ld && self.most == other.most;
        !same_buffer || (self.column < other.column + other.width && other.column < self.column + self.width)
    }
}

/// The values of a micro-batch of at most `rows` rows.
pub(crate) struct Arena<T> {
    /// By area.
    data: [Buffer<T>; 2],
    rows: usize,
    widths: [usize; 2],
}

impl<T: Plain> Arena<T> {
    /// An arena of so many numbers a row by area, zeroed.
    pub(crate) fn new(rows: usize, widths: [usize; 2]) -> Arena<T> {
        // In huge pages a whole micro-batch is few of them, which saves a TLB miss a row in strided reads.
        Arena { data: widths.map(|width| Buffer::zeros(rows * width)), rows, widths }
    }

    /// Changes the held area for another micro-batch's, made like it.
    pub(crate) fn swap_held(&mut self, held: &mut Buffer<T>) {
        let own = &mut self.data[Area::Held as usize];
        assert_eq!(held.len(), own.len(), "an area of another arena");
        std::mem::swap(held, own);
    }

    /// The views of one op: `reads` to read, `writes` to write. Panics if a write overlaps anything.
    pub(crate) fn borrow<'a>(
        &'a mut self,
        reads: impl IntoIterator<Item = View, IntoIter: Clone>,
        writes: impl IntoIterator<Item = View, IntoIter: Clone>,
    ) -> (Few<Mat<'a, T>>, Few<MatMut<'a, T>>) {
        let (reads, writes) = (reads.into_iter(), writes.into_iter());
        for (i, w) in writes.clone().enumerate() {
            assert!(!reads.clone().any(|r| r.place.overlaps(&w.place)), "an op would read what it writes");
            assert!(!writes.clone().take(i).any(|o| o.place.overlaps(&w.place)), "an op would write a value twice");
        }
        let data = self.data.each_mut().map(|data| NonNull::from(&mut **data).cast());
        // SAFETY (both): `at` checks that the region lies inside the allocation; no written region overlaps another.
        let reads = reads.map(|view| {
            let (place, rows) = (view.place, view.rows);
            Mat { data: self.at(data, &view), rows, width: place.width, ld: place.ld, life: PhantomData }
        });
        let writes = writes.map(|view| {
            let (place, rows) = (view.place, view.rows);
            MatMut { data: self.at(data, &view), rows, width: place.width, ld: place.ld, life: PhantomData }
        });
        (reads.collect(), writes.collect())
    }

    /// Where a view's first number lies from its area's first on, after a check that all of them lie inside.
    fn at(&self, data: [NonNull<T>; 2], view: &View) -> NonNull<T> {
        let (place, area) = (&view.place, view.place.area as usize);
        assert!(view.rows <= self.rows * place.most, "an op's rows exceed its arena");
        assert!(
            place.end() <= self.widths[area] && place.column + place.width <= place.ld,
            "a place outside its arena"
        );
        // SAFETY: start·rows + column < width·rows, the area's length; so is the end of the view's last row.
        unsafe { data[area].add(place.start * self.rows + place.column) }
    }
}
