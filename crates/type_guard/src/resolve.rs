//! A metric that has something new or something wrong: what shall become of each of its fields. All is decided before
//! anything is changed, so that a metric that is refused is as it came, and teaches nothing.

use std::fmt;

use wheatstone_metric::{Key, Metric, Value};

use crate::coerce::coerce;
use crate::table::{MAX_NAME, Table};
use crate::{Action, Fallback, FieldType, PastLimit, TypeGuardConfig};

/// How many suffixes a field gets before its metric is refused.
const MAX_SUFFIXES: usize = 3;

/// Why a metric is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The measurement.
    pub measurement: Key,
    /// The field that cannot be kept.
    pub field: Key,
    /// The type that it must have; none where there is no room to remember it.
    pub expected: Option<FieldType>,
    /// The type that it came with.
    pub found: FieldType,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conflict {
            measurement,
            field,
            expected,
            found,
        } = self;
        let (measurement, field) = (measurement.as_str(), field.as_str());
        match expected {
            Some(expected) => write!(
                f,
                "type guard: field {field:?} of measurement {measurement:?} is of type {expected}, found a value of type {found}"
            ),
            None => write!(
                f,
                "type guard: no room for field {field:?} of measurement {measurement:?}: max_fields is reached, or its \
                 name is too long"
            ),
        }
    }
}

/// What becomes of one field; what is not set stays.
#[derive(Default)]
pub(crate) struct Step {
    pub(crate) name: Option<Key>,
    pub(crate) value: Option<Value>,
    pub(crate) learn: Option<FieldType>,
    /// There is no room for it, and it passes all the same.
    pub(crate) unguarded: bool,
}

/// The plan for a metric, field by field.
pub(crate) struct Resolver<'a> {
    pub(crate) config: &'a TypeGuardConfig,
    pub(crate) table: &'a Table,
    pub(crate) metric: &'a Metric,
    pub(crate) steps: Vec<Step>,
    /// How many fields are still remembered.
    room: usize,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(config: &'a TypeGuardConfig, table: &'a Table, metric: &'a Metric) -> Resolver<'a> {
        let room = config.max_fields.saturating_sub(table.len());
        Resolver {
            config,
            table,
            metric,
            steps: Vec::with_capacity(metric.field_count()),
            room,
        }
    }

    pub(crate) fn plan(mut self) -> Result<Vec<Step>, Conflict> {
        for (field, value) in self.metric.fields() {
            let step = match self.table.get(self.metric.name(), field) {
                None => self.new_field(field, value)?,
                Some(kind) if kind == FieldType::of(value) => Step::default(),
                Some(kind) => self.wrong_type(field, value, kind)?,
            };
            self.steps.push(step);
        }
        Ok(self.steps)
    }

    fn new_field(&mut self, field: &Key, value: &Value) -> Result<Step, Conflict> {
        let found = FieldType::of(value);
        let mut step = self.learn(field, found)?;
        if step.learn.is_some()
            && self.config.integers_as_float
            && matches!(value, Value::Int(_) | Value::Uint(_))
            && let Some(float) = coerce(value, FieldType::Float)
        {
            (step.learn, step.value) = (Some(FieldType::Float), Some(float));
        }
        Ok(step)
    }

    fn learn(&mut self, field: &Key, kind: FieldType) -> Result<Step, Conflict> {
        if self.room > 0 && field.len() <= MAX_NAME && self.metric.name().len() <= MAX_NAME {
            self.room -= 1;
            return Ok(Step {
                learn: Some(kind),
                ..Step::default()
            });
        }
        match self.config.past_limit {
            PastLimit::Pass => Ok(Step {
                unguarded: true,
                ..Step::default()
            }),
            PastLimit::Reject => Err(self.conflict(field, None, kind)),
        }
    }

    fn wrong_type(&mut self, field: &Key, value: &Value, expected: FieldType) -> Result<Step, Conflict> {
        let refused = || Err(self.conflict(field, Some(expected), FieldType::of(value)));
        match self.config.action {
            Action::Reject => return refused(),
            Action::Coerce => match coerce(value, expected) {
                Some(value) => {
                    return Ok(Step {
                        value: Some(value),
                        ..Step::default()
                    });
                }
                None if self.config.fallback == Fallback::Reject => return refused(),
                None => {}
            },
            Action::Rename => {}
        }
        self.rename(field, value, expected)
    }

    /// A name that this type has already or may have, and that no other field of the metric has.
    fn rename(&mut self, field: &Key, value: &Value, expected: FieldType) -> Result<Step, Conflict> {
        let found = FieldType::of(value);
        let mut name = field.to_string();
        for _ in 0..MAX_SUFFIXES {
            name.push_str(found.suffix());
            let key = Key::new(&name);
            if self.metric.has_field(&key) || self.steps.iter().any(|s| s.name.as_ref() == Some(&key)) {
                continue;
            }
            match self.table.get(self.metric.name(), &key) {
                Some(kind) if kind == found => {
                    return Ok(Step {
                        name: Some(key),
                        ..Step::default()
                    });
                }
                Some(_) => {}
                None => {
                    let step = self.learn(&key, found)?;
                    return Ok(Step {
                        name: Some(key),
                        ..step
                    });
                }
            }
        }
        Err(self.conflict(field, Some(expected), found))
    }

    fn conflict(&self, field: &Key, expected: Option<FieldType>, found: FieldType) -> Conflict {
        Conflict {
            measurement: self.metric.name().clone(),
            field: field.clone(),
            expected,
            found,
        }
    }
}
