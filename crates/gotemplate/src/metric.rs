//! Metrics as templates see them: `.Name`, `.Tag "x"`, `.Field "x"`, `.Tags`, `.Fields`, `.Time` and their kin.

use std::rc::Rc;

use wheatstone_metric::{CompactString, Metric, Value as FieldValue, ValueType};

use crate::call::{Fault, Out, Param, Signature, string};
use crate::format;
use crate::members::local;
use crate::value::{Elem, IntType, List, Map, Member, Object, UintType, Value};

impl<'a> From<&'a Metric> for Value<'a> {
    fn from(metric: &'a Metric) -> Value<'a> {
        Value::Object(Rc::new(Seen(metric)))
    }
}

struct Seen<'a>(&'a Metric);

/// A field's value in a template.
pub fn field_value<'a>(value: &FieldValue) -> Value<'a> {
    match value {
        FieldValue::Float(x) => Value::Float(*x),
        FieldValue::Int(n) => Value::int64(*n),
        FieldValue::Uint(n) => Value::Uint(*n, UintType::Uint64),
        FieldValue::Bool(b) => Value::Bool(*b),
        FieldValue::Str(s) => Value::Str(s.clone()),
    }
}

impl<'a> Seen<'a> {
    fn tags(&self) -> Value<'a> {
        let entry =
            |(k, v): (&wheatstone_metric::Key, &str)| (CompactString::from(k.as_str()), Value::str(v));
        Value::Map(Map::new(self.0.tags().map(entry), Elem::Str))
    }
    fn fields(&self) -> Value<'a> {
        let entry = |(k, v): (&wheatstone_metric::Key, &FieldValue)| {
            (CompactString::from(k.as_str()), field_value(v))
        };
        Value::Map(Map::dict(self.0.fields().map(entry)))
    }
    fn tag_list(&self) -> Value<'a> {
        let pair = |(k, v): (&wheatstone_metric::Key, &str)| pair("*telegraf.Tag", k, Value::str(v));
        let items = self.0.tags().map(pair).collect();
        Value::List(List::new(items, Elem::Named("*telegraf.Tag")))
    }
    fn field_list(&self) -> Value<'a> {
        let pair =
            |(k, v): (&wheatstone_metric::Key, &FieldValue)| pair("*telegraf.Field", k, field_value(v));
        let items = self.0.fields().map(pair).collect();
        Value::List(List::new(items, Elem::Named("*telegraf.Field")))
    }
    fn time(&self) -> Value<'a> {
        let ns = self.0.time();
        let nanos = ns.rem_euclid(1_000_000_000) as u32;
        Value::time(ns.div_euclid(1_000_000_000), nanos, local())
    }
    fn kind(&self) -> Value<'a> {
        let number = match self.0.kind() {
            ValueType::Counter => 1,
            ValueType::Gauge => 2,
            ValueType::Untyped => 3,
            ValueType::Summary => 4,
            ValueType::Histogram => 5,
        };
        Value::Int(number, IntType::ValueType)
    }
    /// Telegraf's hash of the series: FNV-1a over name and tags, each followed by a line feed.
    fn hash(&self) -> u64 {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let tags = self.0.tags().flat_map(|(k, v)| [k.as_str(), v]);
        std::iter::once(self.0.name().as_str())
            .chain(tags)
            .flat_map(|text| text.as_bytes().iter().chain(b"\n"))
            .fold(0xcbf2_9ce4_8422_2325, step)
    }
}

impl<'a> Object<'a> for Seen<'a> {
    fn type_name(&self) -> &'static str {
        "*telegraf.TemplateMetric"
    }

    fn text(&self) -> String {
        let tags = format::display(&self.tags());
        let fields = format::display(&self.fields());
        format!("{} {tags} {fields} {}", self.0.name(), self.0.time())
    }

    fn member(&self, name: &str) -> Option<Member> {
        const STR: &[Param] = &[Param::Str];
        Some(match name {
            "Name" | "Tags" | "Fields" | "TagList" | "FieldList" | "Time" | "Type" | "String" | "HashID"
            | "Copy" => Member::Method(Signature::of(&[])),
            "Tag" | "Field" | "HasTag" | "HasField" => Member::Method(Signature::of(STR)),
            "MetricName" | "MetricTags" | "MetricFields" | "MetricTime" | "MetricType" => Member::Field,
            // A template looks at a metric; it changes nothing.
            "GetTag" | "GetField" => Member::Uncallable("second return value should be error; is bool"),
            "SetName" | "AddPrefix" | "AddSuffix" | "AddTag" | "RemoveTag" | "AddField" | "RemoveField"
            | "SetTime" | "SetType" | "Accept" | "Reject" | "Drop" => {
                Member::Uncallable("a template changes no metric")
            }
            _ => return None,
        })
    }

    fn get(&self, name: &str, args: &[Value<'a>]) -> Out<'a> {
        let key = || string(args, 0);
        Ok(match name {
            "Name" | "MetricName" => Value::str(self.0.name().as_str()),
            "Tags" => self.tags(),
            "Fields" => self.fields(),
            "TagList" | "MetricTags" => self.tag_list(),
            "FieldList" | "MetricFields" => self.field_list(),
            "Time" | "MetricTime" => self.time(),
            "Type" | "MetricType" => self.kind(),
            "String" => self.text().into(),
            "HashID" => Value::Uint(self.hash(), UintType::Uint64),
            "Copy" => Value::from(self.0),
            "Tag" => Value::str(self.0.tag(key()).unwrap_or_default()),
            "Field" => self.0.field(key()).map_or(Value::Nil, field_value),
            "HasTag" => self.0.has_tag(key()).into(),
            "HasField" => self.0.has_field(key()).into(),
            _ => return Err(Fault(format!("no member {name}"))),
        })
    }

    fn fields(&self) -> &'static [&'static str] {
        &[
            "MetricName",
            "MetricTags",
            "MetricFields",
            "MetricTime",
            "MetricType",
        ]
    }
}

/// A tag or a field in a list.
struct Pair<'a> {
    type_name: &'static str,
    key: CompactString,
    value: Value<'a>,
}

fn pair<'a>(type_name: &'static str, key: &str, value: Value<'a>) -> Value<'a> {
    let key = CompactString::from(key);
    Value::Object(Rc::new(Pair {
        type_name,
        key,
        value,
    }))
}

impl<'a> Object<'a> for Pair<'a> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }
    fn text(&self) -> String {
        format!("&{{{} {}}}", self.key, format::display(&self.value))
    }
    fn member(&self, name: &str) -> Option<Member> {
        matches!(name, "Key" | "Value").then_some(Member::Field)
    }
    fn get(&self, name: &str, _: &[Value<'a>]) -> Out<'a> {
        Ok(match name {
            "Key" => Value::Str(self.key.clone()),
            _ => self.value.clone(),
        })
    }
    fn fields(&self) -> &'static [&'static str] {
        &["Key", "Value"]
    }
}
