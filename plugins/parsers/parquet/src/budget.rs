//! How much a file may become: a few bytes can stand for any number of equal rows, and for pages of any size.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parquet::errors::{ParquetError, Result};

/// A file of any size may make so much.
const LEAST: usize = 128 << 20;
/// A larger one may make so many times its size.
const TIMES: usize = 128;

/// About what a metric takes, and each of its fields and tags beside their text.
pub(crate) const METRIC: usize = 128;
pub(crate) const ENTRY: usize = 48;

/// The bytes that the pages of a file may have without compression and its metrics in memory, together. All readers of a file
/// share one.
#[derive(Clone)]
pub(crate) struct Budget {
    left: Arc<AtomicUsize>,
    all: usize,
}

impl Budget {
    /// That of a file of so many bytes.
    pub(crate) fn of_file(bytes: usize) -> Budget {
        Budget::new(bytes.saturating_mul(TIMES).max(LEAST))
    }

    pub(crate) fn new(all: usize) -> Budget {
        Budget {
            left: Arc::new(AtomicUsize::new(all)),
            all,
        }
    }

    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    /// Fails where so many are not left.
    pub(crate) fn spend(&self, bytes: usize) -> Result<()> {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .map(drop)
            .map_err(|_| self.spent())
    }

    pub(crate) fn spent(&self) -> ParquetError {
        ParquetError::General(format!(
            "the file would take more than {} MiB of memory",
            self.all >> 20
        ))
    }
}
