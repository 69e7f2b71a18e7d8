//! One type for every field: what does not fit is turned, renamed, or goes to the dead letters.

use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::{Mutex, MutexGuard};
use wheatstone_plugin::Metric;
use wheatstone_plugin::dead_letter::{self, Letter};
use wheatstone_plugin::time::now;
use wheatstone_type_guard::{TypeGuard, TypeGuardConfig};

/// A type guard and what it was made from.
#[derive(Clone)]
pub(crate) struct Guard {
    config: TypeGuardConfig,
    guard: Arc<Mutex<TypeGuard>>,
}

impl Guard {
    /// Opens the guard's file. `old` goes on where its settings are the same.
    pub(crate) fn open(config: TypeGuardConfig, name: &str, old: Option<&Guard>) -> anyhow::Result<Guard> {
        if let Some(old) = old.filter(|old| old.config == config) {
            return Ok(old.clone());
        }
        let guard = TypeGuard::new(config.clone(), name).context("opening the type guard's file")?;
        Ok(Guard {
            config,
            guard: Arc::new(Mutex::new(guard)),
        })
    }
    /// One that knows what the file holds and keeps nothing: for a replay, beside an agent that may run.
    pub(crate) fn reading(config: TypeGuardConfig, name: &str) -> anyhow::Result<Guard> {
        let guard = TypeGuard::reading(config.clone(), name).context("reading the type guard's file")?;
        Ok(Guard {
            config,
            guard: Arc::new(Mutex::new(guard)),
        })
    }
    /// Whether it is the same one, not an equal one.
    pub(crate) fn is(&self, other: &Guard) -> bool {
        Arc::ptr_eq(&self.guard, &other.guard)
    }
    pub(crate) fn lock(&self) -> MutexGuard<'_, TypeGuard> {
        self.guard.lock()
    }
    /// Passes a batch; what must not be written is taken out, and kept as dead letters of `who` where there are some.
    pub(crate) fn pass(&self, batch: &mut Vec<Metric>, who: &str) {
        for (metric, conflict) in self.lock().check_batch(batch) {
            if dead_letter::enabled() {
                dead_letter::record(
                    Letter::metric(now(), metric, conflict.to_string()).plugin(who),
                    None,
                );
            } else {
                metric.reject();
            }
        }
    }
}
