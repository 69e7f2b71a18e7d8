//! What the database knows of its fields, for the type guards that stand before it.

use wheatstone_plugin::{KnownField, Log, Output, info, warn};
use wheatstone_type_guard::{FieldType, Seeded, TypeGuard};

use crate::guard::Guard;
use crate::queue::Queue;
use crate::supervise::guarded;

/// Asks an output for the types of its fields: after the first connect, and once more after the first write where the server
/// could not be asked then.
#[derive(Default)]
pub(crate) struct Seeds {
    /// The guard before all outputs.
    pub(crate) agent_guard: Option<Guard>,
    asked: u8,
}

const TRIES: u8 = 2;

impl Seeds {
    /// The plugin has been asked before.
    pub(crate) fn go_on(&mut self, old: Seeds) {
        let same = |a: &Option<Guard>, b: &Option<Guard>| match (a, b) {
            (Some(a), Some(b)) => a.is(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        if same(&self.agent_guard, &old.agent_guard) {
            self.asked = old.asked;
        }
    }

    pub(crate) async fn ask(&mut self, plugin: &mut dyn Output, queue: &Queue, log: &Log) {
        if self.asked >= TRIES || (self.agent_guard.is_none() && queue.guard.is_none()) {
            return;
        }
        self.asked += 1;
        match guarded(plugin.field_types()).await.and_then(|known| known) {
            Err(e) => warn!(
                log,
                "The types of fields in the database are not known, those seen first count: {e:#}"
            ),
            Ok(known) => {
                self.asked = TRIES;
                for guard in queue.guard.iter().chain(&self.agent_guard) {
                    seed(&mut guard.lock(), &known, log);
                }
            }
        }
    }
}

fn seed(guard: &mut TypeGuard, known: &[KnownField], log: &Log) {
    let (mut taken, mut left) = (0usize, 0usize);
    for field in known {
        let seeded =
            FieldType::parse(&field.kind).map(|kind| guard.seed(&field.measurement, &field.field, kind));
        match seeded {
            Some(Seeded::New | Seeded::Same | Seeded::Replaced(_)) => taken += 1,
            Some(Seeded::Kept(_)) => {}
            Some(Seeded::NoRoom) | None => left += 1,
        }
    }
    if left > 0 {
        warn!(
            log,
            "The database has {left} fields more than the type guard has room for"
        );
    }
    if taken > 0 {
        info!(log, "The type guard knows {taken} fields from the database");
    }
}
