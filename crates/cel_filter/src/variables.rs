//! A metric as CEL sees it: `name`, `tags`, `fields` and `time`, read where the metric holds them and not copied into maps.

use std::fmt;
use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::{self, Container, Indexer, Iterable, Sizer};
use cel::common::types::{CelBool, CelDouble, CelInt, CelString, CelTimestamp, CelUInt, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use chrono::DateTime;
use wheatstone_metric::{Metric, Value};

/// The variables of one evaluation.
pub(crate) struct Variables<'m> {
    metric: &'m Metric,
    tags: Entries<'m>,
    fields: Entries<'m>,
}

impl<'m> Variables<'m> {
    pub(crate) fn new(metric: &'m Metric) -> Variables<'m> {
        Variables {
            metric,
            tags: Entries::new(metric, Part::Tags),
            fields: Entries::new(metric, Part::Fields),
        }
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(match variable {
            "name" => CowVal::owned(CelString::from(self.metric.name().as_str())),
            "tags" => CowVal::Borrowed(&self.tags),
            "fields" => CowVal::Borrowed(&self.fields),
            "time" => {
                let time = DateTime::from_timestamp_nanos(self.metric.time());
                CowVal::owned(CelTimestamp::from(time.fixed_offset()))
            }
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Tags,
    Fields,
}

/// The metric's tags or fields as a CEL map with texts for keys.
#[derive(Clone)]
struct Entries<'m> {
    metric: &'m Metric,
    part: Part,
    /// Filled when an expression walks over the keys.
    keys: OnceLock<Vec<CelString<'m>>>,
}

impl<'m> Entries<'m> {
    fn new(metric: &'m Metric, part: Part) -> Entries<'m> {
        Entries {
            metric,
            part,
            keys: OnceLock::new(),
        }
    }

    fn find<'v>(&self, key: &dyn Val) -> Result<Option<Box<dyn Val + 'v>>, ExecutionError>
    where
        'm: 'v,
    {
        let Some(key) = key.downcast_ref::<CelString>() else {
            // A number is a key for which no entry is there; cel-go looks at the kind no further either.
            return Ok(None);
        };
        let metric: &'m Metric = self.metric;
        Ok(match self.part {
            Part::Tags => metric
                .tag(key.inner())
                .map(|text| Box::new(CelString::from(text)) as Box<dyn Val + 'v>),
            Part::Fields => metric.field(key.inner()).map(|value| value_of(value)),
        })
    }

    fn keys(&self) -> &[CelString<'m>] {
        let metric: &'m Metric = self.metric;
        self.keys.get_or_init(|| match self.part {
            Part::Tags => metric
                .tags()
                .map(|(key, _)| CelString::from(key.as_str()))
                .collect(),
            Part::Fields => metric
                .fields()
                .map(|(key, _)| CelString::from(key.as_str()))
                .collect(),
        })
    }

    fn get_owned<'v>(&self, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        'm: 'v,
    {
        self.find(key)?.ok_or_else(|| {
            let text = key.downcast_ref::<CelString>().map(|s| s.inner().to_owned());
            ExecutionError::no_such_key(&text.unwrap_or_else(|| format!("{key:?}")))
        })
    }
}

fn value_of<'v>(value: &'v Value) -> Box<dyn Val + 'v> {
    match value {
        Value::Float(v) => Box::new(CelDouble::from(*v)),
        Value::Int(v) => Box::new(CelInt::from(*v)),
        Value::Uint(v) => Box::new(CelUInt::from(*v)),
        Value::Bool(v) => Box::new(CelBool::from(*v)),
        Value::Str(v) => Box::new(CelString::from(v.as_str())),
    }
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Tags => f.debug_map().entries(self.metric.tags()).finish(),
            Part::Fields => f.debug_map().entries(self.metric.fields()).finish(),
        }
    }
}

impl<'m> Val for Entries<'m> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }
    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }
    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }
    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn into_indexer<'v>(self: Box<Self>) -> Option<Box<dyn Indexer + 'v>>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        let (Some(sizer), Some(indexer)) = (other.as_sizer(), other.as_indexer()) else {
            return false;
        };
        sizer.size() == self.size()
            && self
                .keys()
                .iter()
                .all(|key| match (self.find(key), indexer.get(key)) {
                    (Ok(Some(ours)), Ok(theirs)) => ours.equals(theirs.as_ref()),
                    _ => false,
                })
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }
}

impl Container for Entries<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.find(key)?.is_some())
    }
}

impl Indexer for Entries<'_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get_owned(key).map(CowVal::Owned)
    }
    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get_owned(key)
    }
}

impl Sizer for Entries<'_> {
    fn size(&self) -> CelInt {
        let count = match self.part {
            Part::Tags => self.metric.tag_count(),
            Part::Fields => self.metric.field_count(),
        };
        CelInt::from(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl Iterable for Entries<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn traits::Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Keys(self.keys().iter()))
    }
}

struct Keys<'b, 'm>(std::slice::Iter<'b, CelString<'m>>);

impl<'b, 'm: 'v, 'v> traits::Iterator<'b, 'v> for Keys<'b, 'm> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|key| key as &(dyn Val + 'v))
    }
}
