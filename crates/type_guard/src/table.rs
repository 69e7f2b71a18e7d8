//! Which type each field of each measurement has: looked up for every field of every metric.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use wheatstone_metric::{Key, Metric};

use crate::FieldType;

/// A longer name is data that slipped into a name: it is not remembered.
pub(crate) const MAX_NAME: usize = 1024;

/// Where a type comes from. The later ones stand above the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The first value had it.
    Learned,
    /// The database has it.
    Seeded,
    /// The configuration says so.
    Pinned,
}

/// What became of a type that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// It was not known.
    New,
    /// It was known.
    Same,
    /// Another type had been learned; it has given way.
    Replaced(FieldType),
    /// Another type stands in the configuration; it stays.
    Kept(FieldType),
    /// There is no room for it.
    NoRoom,
}

struct Column {
    field: Key,
    kind: FieldType,
    origin: Origin,
}

struct Measurement {
    name: Key,
    /// In the order in which they were learned, which mostly is the order in which they come.
    columns: Vec<Column>,
    by_field: HashMap<Key, usize, RandomState>,
}

#[derive(Default)]
pub(crate) struct Table {
    measurements: Vec<Measurement>,
    by_name: HashMap<Key, usize, RandomState>,
    /// The measurement that was asked for last.
    last: usize,
    len: usize,
}

/// Whether both are the same text in the same place. Keys are interned, so that this seldom misses.
#[inline]
fn same(a: &Key, b: &Key) -> bool {
    std::ptr::eq(a.as_str(), b.as_str())
}

impl Measurement {
    #[inline]
    fn find(&self, field: &Key, hint: usize) -> Option<usize> {
        match self.columns.get(hint) {
            Some(column) if same(&column.field, field) => Some(hint),
            _ => self.by_field.get(field).copied(),
        }
    }
}

impl Table {
    /// How many fields are known.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn measurement(&self, name: &Key) -> Option<usize> {
        match self.measurements.get(self.last) {
            Some(last) if same(&last.name, name) => Some(self.last),
            _ => self.by_name.get(name).copied(),
        }
    }

    /// Whether every field is known and of its type.
    #[inline]
    pub(crate) fn conforms(&self, metric: &Metric) -> bool {
        self.measurement(metric.name())
            .is_some_and(|i| self.conforms_in(i, metric))
    }

    /// The same, and remembers the measurement for the next metric.
    #[inline]
    pub(crate) fn conforms_next(&mut self, metric: &Metric) -> bool {
        let Some(i) = self.measurement(metric.name()) else {
            return false;
        };
        self.last = i;
        self.conforms_in(i, metric)
    }

    #[inline]
    fn conforms_in(&self, measurement: usize, metric: &Metric) -> bool {
        let measurement = &self.measurements[measurement];
        let mut hint = 0;
        metric
            .fields()
            .all(|(key, value)| match measurement.find(key, hint) {
                Some(i) => {
                    hint = i + 1;
                    measurement.columns[i].kind == FieldType::of(value)
                }
                None => false,
            })
    }

    /// A field's type.
    pub(crate) fn get(&self, measurement: &Key, field: &Key) -> Option<FieldType> {
        let measurement = &self.measurements[self.measurement(measurement)?];
        measurement.find(field, 0).map(|i| measurement.columns[i].kind)
    }

    /// Sets a field's type where it is not known, or known from a lesser origin.
    pub(crate) fn set(&mut self, name: &Key, field: &Key, kind: FieldType, origin: Origin) -> Seeded {
        let m = self.measurement(name).unwrap_or_else(|| {
            self.by_name.insert(name.clone(), self.measurements.len());
            let (columns, by_field) = (Vec::new(), HashMap::default());
            self.measurements.push(Measurement {
                name: name.clone(),
                columns,
                by_field,
            });
            self.measurements.len() - 1
        });
        let measurement = &mut self.measurements[m];
        let Some(i) = measurement.find(field, 0) else {
            measurement
                .by_field
                .insert(field.clone(), measurement.columns.len());
            measurement.columns.push(Column {
                field: field.clone(),
                kind,
                origin,
            });
            self.len += 1;
            return Seeded::New;
        };
        let column = &mut measurement.columns[i];
        if origin < column.origin {
            return if column.kind == kind {
                Seeded::Same
            } else {
                Seeded::Kept(column.kind)
            };
        }
        column.origin = origin;
        match std::mem::replace(&mut column.kind, kind) {
            old if old == kind => Seeded::Same,
            old => Seeded::Replaced(old),
        }
    }

    /// What the configuration said is no more than what the database said.
    pub(crate) fn unpin(&mut self) {
        for column in self.measurements.iter_mut().flat_map(|m| &mut m.columns) {
            column.origin = column.origin.min(Origin::Seeded);
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Key, FieldType)> {
        self.measurements
            .iter()
            .flat_map(|m| m.columns.iter().map(|c| (&m.name, &c.field, c.kind)))
    }
}
