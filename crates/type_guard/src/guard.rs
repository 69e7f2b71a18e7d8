//! The guard itself: metrics pass through it one by one or in batches, right before they are handed to an output.

use std::io;
use std::path::{Path, PathBuf};

use wheatstone_metric::{Key, Metric};
use wheatstone_plugin::stats::{Stat, register};
use wheatstone_plugin::{Log, error, warn};

use crate::journal::Journal;
use crate::resolve::{Conflict, Resolver, Step};
use crate::table::{MAX_NAME, Origin, Seeded, Table};
use crate::{FieldType, TypeGuardConfig};

/// What the guard made of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is as it was.
    Pass,
    /// Values were turned into their fields' types, or fields were renamed.
    Changed,
    /// It must not be written. It is as it was, and nothing was learned from it.
    Reject(Conflict),
}

/// Knows the type of each field, and keeps it so. A field's type never changes once a metric with it has passed, over restarts
/// too, but for what the configuration or the database says ([`seed`](TypeGuard::seed)).
pub struct TypeGuard {
    config: TypeGuardConfig,
    table: Table,
    journal: Option<Journal>,
    stats: Stats,
    log: Log,
}

/// The numbers of `internal_type_guard`.
struct Stats {
    coerced: Stat,
    renamed: Stat,
    rejected: Stat,
    unguarded: Stat,
    fields: Stat,
}

impl TypeGuard {
    /// A guard that keeps its types in `<directory>/<name>.types`; `name` is `agent`, or tells the output. An error means that
    /// the file cannot be used; damage in it is told in the log only.
    pub fn new(config: TypeGuardConfig, name: &str) -> io::Result<TypeGuard> {
        let mut guard = TypeGuard::empty(config, name);
        if !guard.config.directory.is_empty() {
            let path = path(&guard.config.directory, name);
            let opened = guard.load(&path);
            guard.journal = Some(opened.map_err(|e| named(&path, &e))?);
        }
        guard.pin();
        Ok(guard)
    }

    /// A guard that knows what the file holds, and keeps nothing that it learns: for a command beside the agent whose file it is.
    pub fn reading(config: TypeGuardConfig, name: &str) -> io::Result<TypeGuard> {
        let mut guard = TypeGuard::empty(config, name);
        if !guard.config.directory.is_empty() {
            let path = path(&guard.config.directory, name);
            for (measurement, field, kind) in Journal::read(&path).map_err(|e| named(&path, &e))?.types {
                guard.table.set(&measurement, &field, kind, Origin::Learned);
            }
        }
        guard.pin();
        Ok(guard)
    }

    fn empty(config: TypeGuardConfig, name: &str) -> TypeGuard {
        let stat = |field| register("type_guard", field, &[("guard", name)]);
        TypeGuard {
            table: Table::default(),
            journal: None,
            stats: Stats {
                coerced: stat("values_coerced"),
                renamed: stat("fields_renamed"),
                rejected: stat("metrics_rejected"),
                unguarded: stat("fields_unguarded"),
                fields: stat("fields"),
            },
            log: Log::new(format!("wheatstone.type_guard::{name}"), None, None),
            config,
        }
    }

    fn load(&mut self, path: &Path) -> io::Result<Journal> {
        let (journal, loaded) = Journal::open(path)?;
        let lines = loaded.types.len();
        for (measurement, field, kind) in loaded.types {
            self.table.set(&measurement, &field, kind, Origin::Learned);
        }
        if loaded.damaged > 0 {
            let (n, path) = (loaded.damaged, path.display());
            warn!(
                self.log,
                "{n} damaged lines in {path}; the types in them will be learned again"
            );
        }
        if loaded.damaged > 0 || lines > self.table.len() {
            return Journal::rewrite(path, self.table.iter());
        }
        Ok(journal)
    }

    /// Takes over a changed configuration; what was learned stays. The folder stays too.
    pub fn reconfigure(&mut self, config: TypeGuardConfig) {
        self.config = config;
        self.table.unpin();
        self.pin();
    }

    fn pin(&mut self) {
        for (measurement, fields) in &self.config.types {
            for (field, kind) in fields {
                let (measurement, field) = (Key::new(measurement), Key::new(field));
                let before = self.table.set(&measurement, &field, *kind, Origin::Pinned);
                if let (Some(journal), true) = (&mut self.journal, before != Seeded::Same) {
                    journal.add(&measurement, &field, *kind);
                }
            }
        }
        self.keep(true);
    }

    /// Tells the type that a field has in the database. It stands above what was learned, and below the configuration.
    pub fn seed(&mut self, measurement: &str, field: &str, kind: FieldType) -> Seeded {
        if measurement.len() > MAX_NAME || field.len() > MAX_NAME {
            return Seeded::NoRoom;
        }
        let (measurement, field) = (Key::new(measurement), Key::new(field));
        if self.table.len() >= self.config.max_fields && self.table.get(&measurement, &field).is_none() {
            return Seeded::NoRoom;
        }
        let seeded = self.table.set(&measurement, &field, kind, Origin::Seeded);
        if let (Some(journal), Seeded::New | Seeded::Replaced(_)) = (&mut self.journal, seeded) {
            journal.add(&measurement, &field, kind);
        }
        self.keep(false);
        seeded
    }

    /// Whether a batch would pass as it is, and teach nothing: it may be shared then.
    pub fn conforms(&self, metrics: &[Metric]) -> bool {
        metrics.iter().all(|metric| self.table.conforms(metric))
    }

    /// Passes a metric. What it teaches is written before this returns, so that a kill cannot undo it.
    #[inline]
    pub fn check(&mut self, metric: &mut Metric) -> Verdict {
        if self.table.conforms_next(metric) {
            return Verdict::Pass;
        }
        let verdict = self.resolve(metric);
        self.keep(false);
        verdict
    }

    /// Passes a batch; takes out what must not be written, and gives it with the reasons.
    pub fn check_batch(&mut self, metrics: &mut Vec<Metric>) -> Vec<(Metric, Conflict)> {
        let mut rejected = Vec::new();
        let mut first = None;
        for (i, metric) in metrics.iter_mut().enumerate() {
            if !self.table.conforms_next(metric)
                && let Verdict::Reject(conflict) = self.resolve(metric)
            {
                first.get_or_insert(i);
                rejected.push((i, conflict));
            }
        }
        self.keep(false);
        let Some(first) = first else { return Vec::new() };
        // The order of the others stays.
        let mut rest = metrics.split_off(first).into_iter();
        let mut refused = Vec::with_capacity(rejected.len());
        let mut at = first;
        for (i, conflict) in rejected {
            metrics.extend(rest.by_ref().take(i - at));
            refused.extend(rest.next().map(|metric| (metric, conflict)));
            at = i + 1;
        }
        metrics.extend(rest);
        refused
    }

    #[cold]
    fn resolve(&mut self, metric: &mut Metric) -> Verdict {
        let steps = match Resolver::new(&self.config, &self.table, metric).plan() {
            Ok(steps) => steps,
            Err(conflict) => {
                self.stats.rejected.add(1);
                return Verdict::Reject(conflict);
            }
        };
        let name = metric.name().clone();
        let mut steps = steps.into_iter();
        let mut changed = false;
        metric.for_each_field_mut(|field, value| {
            let Some(Step {
                name: new,
                value: turned,
                learn,
                unguarded,
            }) = steps.next()
            else {
                return;
            };
            changed |= new.is_some() || turned.is_some();
            if let Some(new) = new {
                *field = new;
                self.stats.renamed.add(1);
            }
            if let Some(turned) = turned {
                *value = turned;
                self.stats.coerced.add(1);
            }
            if let Some(kind) = learn {
                let _ = self.table.set(&name, field, kind, Origin::Learned);
                if let Some(journal) = &mut self.journal {
                    journal.add(&name, field, kind);
                }
            }
            self.stats.unguarded.add(i64::from(unguarded));
        });
        if changed { Verdict::Changed } else { Verdict::Pass }
    }

    /// Brings what was learned to the file.
    fn keep(&mut self, sync_now: bool) {
        if let Some(journal) = &mut self.journal
            && journal.is_dirty()
        {
            if let Err(e) = journal.write(sync_now) {
                error!(self.log, "Types cannot be saved: {e}; trying again");
            }
            self.stats.fields.set(self.table.len() as i64);
        }
    }

    /// A field's type, if it is known.
    pub fn type_of(&self, measurement: &str, field: &str) -> Option<FieldType> {
        self.table.get(&Key::new(measurement), &Key::new(field))
    }
    /// All that is known: measurement, field, type.
    pub fn types(&self) -> impl Iterator<Item = (&Key, &Key, FieldType)> {
        self.table.iter()
    }
}

impl Drop for TypeGuard {
    fn drop(&mut self) {
        self.keep(true);
    }
}

fn named(path: &Path, e: &io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("type guard's file {}: {e}", path.display()))
}

/// The file's name is made of letters that every system takes.
fn path(directory: &str, name: &str) -> PathBuf {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') {
            c
        } else {
            '_'
        }
    };
    Path::new(directory).join(name.chars().map(safe).collect::<String>() + ".types")
}
