//! A fuse for tests: after so many calls, everything that it guards fails, as if the process had died there.

use std::cell::Cell;
use std::rc::Rc;

/// A fuse, shared by whatever it guards.
#[derive(Clone, Default)]
pub struct Fuse(Rc<Cell<Option<usize>>>);

impl Fuse {
    /// Lets so many calls more go through, and none after them.
    pub fn blow_after(&self, calls: usize) {
        self.0.set(Some(calls));
    }

    /// Lets all calls through again; says whether it had blown.
    pub fn mend(&self) -> bool {
        self.0.take() == Some(0)
    }

    /// Whether this call, which counts, does not go through.
    pub fn is_blown(&self) -> bool {
        match self.0.get() {
            None => false,
            Some(0) => true,
            Some(left) => {
                self.0.set(Some(left - 1));
                false
            }
        }
    }
}
