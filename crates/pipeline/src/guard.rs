//! One type for every field: what does not fit is turned, renamed, or goes to the dead letters.

use parking_lot::Mutex;
use wheatstone_plugin::Metric;
use wheatstone_plugin::dead_letter::{self, Letter};
use wheatstone_plugin::time::now;
use wheatstone_type_guard::TypeGuard;

/// Passes a batch; what must not be written is taken out, and kept as dead letters of `who` where there are some.
pub(crate) fn pass(guard: &Mutex<TypeGuard>, batch: &mut Vec<Metric>, who: &str) {
    for (metric, conflict) in guard.lock().check_batch(batch) {
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
