//! Natural numbers that are looked up together: one after the other in a loop that does nothing else, so that the processor
//! fetches the places of many at once.

/// As many as are looked up together, at most.
const MOST: usize = 64;

/// Numbers that wait for others.
#[derive(Debug)]
pub(crate) struct Together {
    numbers: [u64; MOST],
    waiting: usize,
}

impl Together {
    pub(crate) fn new() -> Together {
        Together { numbers: [0; MOST], waiting: 0 }
    }

    /// Adds a number; whether no other has room, and all must be [taken](Together::take).
    #[inline]
    pub(crate) fn add(&mut self, n: u64) -> bool {
        self.numbers[self.waiting % MOST] = n;
        self.waiting += 1;
        self.waiting == MOST
    }

    /// Those that wait, in their order; then none do.
    pub(crate) fn take(&mut self) -> &[u64] {
        &self.numbers[..std::mem::take(&mut self.waiting)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_leave_as_they_came() {
        let (mut together, mut left) = (Together::new(), Vec::new());
        for n in 0..200 {
            if together.add(n) {
                left.extend_from_slice(together.take());
            }
        }
        assert_eq!(left.len(), 192);
        left.extend_from_slice(together.take());
        assert_eq!(left, (0..200).collect::<Vec<_>>());
        assert!(together.take().is_empty());
    }
}
