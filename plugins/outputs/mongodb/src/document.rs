//! One metric to one document: in Telegraf's form, or in one that the configuration draws.

mod form;

pub use form::{Form, Source};

use mongodb::bson::oid::ObjectId;
use mongodb::bson::raw::{CString, RawBinaryRef, RawBsonRef, RawDocumentBuf};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{DateTime, raw::CStr, raw::cstr};
use wheatstone_plugin::prelude::{Glob, Metric, Result, Value, bail};

use crate::MongodbConfig;
use crate::id::id;

/// How metrics become documents.
pub struct Layout {
    shape: Shape,
    idempotent: bool,
}

enum Shape {
    /// `{timestamp, [metadata], tags, field, field, …}`.
    Telegraf {
        metadata: Option<Glob>,
        strategy: Strategy,
    },
    /// Key and source, in order.
    Own(Vec<(CString, Source)>),
}

/// What becomes of `tags` beside `metadata`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Keep,
    Move,
    Clear,
}

impl Layout {
    /// Reads the options that shape documents.
    pub fn new(config: &MongodbConfig) -> Result<Layout> {
        let strategy = match config.metadata_tag_strategy.as_str() {
            "" | "keep" => Strategy::Keep,
            "move" => Strategy::Move,
            "clear" => Strategy::Clear,
            other => bail!("invalid 'metadata_tag_strategy' {other:?}"),
        };
        let metadata = Glob::new(&config.metadata_keys, "")
            .map_err(|e| wheatstone_plugin::anyhow::anyhow!("creating metadata filter failed: {e}"))?;
        let entries = config.document.sources()?;
        if entries.is_empty() {
            return Ok(Layout {
                shape: Shape::Telegraf { metadata, strategy },
                idempotent: config.idempotent,
            });
        }
        if metadata.is_some() {
            bail!("metadata_keys and document exclude each other: name the tags in the document");
        }
        if config.idempotent && entries.iter().any(|(key, _)| key.as_str() == "_id") {
            bail!("idempotent makes _id, so the document must not name it");
        }
        Ok(Layout {
            shape: Shape::Own(entries),
            idempotent: config.idempotent,
        })
    }

    /// Whether documents have Telegraf's form.
    pub fn is_telegrafs(&self) -> bool {
        matches!(self.shape, Shape::Telegraf { .. })
    }

    /// The key that holds the time as a date.
    pub fn time_key(&self) -> Option<&str> {
        match &self.shape {
            Shape::Telegraf { .. } => Some("timestamp"),
            Shape::Own(entries) => find(entries, &Source::Date),
        }
    }

    /// The key of the sub-document that tells series apart.
    pub fn meta_key(&self) -> Option<&str> {
        match &self.shape {
            Shape::Telegraf { metadata, .. } => Some(if metadata.is_some() { "metadata" } else { "tags" }),
            Shape::Own(entries) => find(entries, &Source::Tags),
        }
    }

    /// The document, or why there can be none.
    pub fn document(&self, metric: &Metric) -> Result<RawDocumentBuf, String> {
        let mut doc = RawDocumentBuf::new();
        let has_own_id = match &self.shape {
            Shape::Telegraf { .. } => metric.has_field("_id"),
            Shape::Own(entries) => entries.iter().any(|(key, _)| key.as_str() == "_id"),
        };
        if self.idempotent {
            let bytes = id(metric);
            doc.append(
                cstr!("_id"),
                RawBinaryRef {
                    subtype: BinarySubtype::Generic,
                    bytes: &bytes,
                },
            );
        } else if !has_own_id {
            // The driver would put it in front later, at the price of moving the document.
            doc.append(cstr!("_id"), ObjectId::new());
        }
        match &self.shape {
            Shape::Telegraf { metadata, strategy } => {
                self.telegrafs(metric, metadata.as_ref(), *strategy, &mut doc)?
            }
            Shape::Own(entries) => own(metric, entries, &mut doc)?,
        }
        Ok(doc)
    }

    fn telegrafs(
        &self,
        metric: &Metric,
        metadata: Option<&Glob>,
        strategy: Strategy,
        doc: &mut RawDocumentBuf,
    ) -> Result<(), String> {
        doc.append(cstr!("timestamp"), date(metric));
        let is_metadata = |key: &str| metadata.is_some_and(|filter| filter.matches(key));
        if metadata.is_some() {
            let mut sub = RawDocumentBuf::new();
            for (tag, value) in metric.tags().filter(|(tag, _)| is_metadata(tag)) {
                sub.append(key(tag)?, value);
            }
            doc.append(cstr!("metadata"), &sub);
        }
        if metadata.is_none() || strategy != Strategy::Clear {
            let mut sub = RawDocumentBuf::new();
            for (tag, value) in metric.tags() {
                let stays = match strategy {
                    Strategy::Keep => true,
                    Strategy::Move => !is_metadata(tag),
                    // Without metadata_keys there is nothing to clear for.
                    Strategy::Clear => true,
                };
                if stays {
                    sub.append(key(tag)?, value);
                }
            }
            doc.append(cstr!("tags"), &sub);
        }
        for (name, field) in metric.fields() {
            let taken = match name.as_str() {
                "timestamp" | "tags" => true,
                "metadata" => metadata.is_some(),
                "_id" => self.idempotent,
                _ => false,
            };
            if taken {
                // A document must not hold a key twice.
                append(doc, key(&format!("_{name}"))?, name, field)?;
            } else {
                append(doc, key(name)?, name, field)?;
            }
        }
        Ok(())
    }
}

fn find<'a>(entries: &'a [(CString, Source)], source: &Source) -> Option<&'a str> {
    entries
        .iter()
        .find(|(_, s)| s == source)
        .map(|(key, _)| key.as_str())
}

fn own(metric: &Metric, entries: &[(CString, Source)], doc: &mut RawDocumentBuf) -> Result<(), String> {
    let (mut asked, mut found) = (false, false);
    for (name, source) in entries {
        match source {
            Source::Date => doc.append(name, date(metric)),
            Source::Number(unit) => doc.append(name, unit.count(metric.time())),
            Source::Name => doc.append(name, metric.name().as_str()),
            Source::Literal(text) => doc.append(name, text.as_str()),
            Source::Tag(tag) => {
                if let Some(value) = metric.tag(tag) {
                    doc.append(name, value);
                }
            }
            Source::Tags => {
                let mut sub = RawDocumentBuf::new();
                for (tag, value) in metric.tags() {
                    sub.append(key(tag)?, value);
                }
                doc.append(name, &sub);
            }
            Source::Field(field) => {
                asked = true;
                if let Some(value) = metric.field(field) {
                    found = true;
                    append(doc, name, field, value)?;
                }
            }
            Source::Fields => {
                (asked, found) = (true, true);
                let mut sub = RawDocumentBuf::new();
                for (field, value) in metric.fields() {
                    append(&mut sub, key(field)?, field, value)?;
                }
                doc.append(name, &sub);
            }
        }
    }
    if asked && !found {
        return Err(format!(
            "metric {:?} has none of the fields that the document asks for",
            metric.name()
        ));
    }
    Ok(())
}

fn append(doc: &mut RawDocumentBuf, key: &CStr, field: &str, value: &Value) -> Result<(), String> {
    let value = match value {
        Value::Float(v) => RawBsonRef::Double(*v),
        Value::Int(v) => RawBsonRef::Int64(*v),
        Value::Uint(v) => match i64::try_from(*v) {
            Ok(v) => RawBsonRef::Int64(v),
            Err(_) => {
                return Err(format!(
                    "field {field:?}: {v} is larger than BSON's largest integer, {}",
                    i64::MAX
                ));
            }
        },
        Value::Bool(v) => RawBsonRef::Boolean(*v),
        Value::Str(v) => RawBsonRef::String(v),
    };
    doc.append(key, value);
    Ok(())
}

fn key(name: &str) -> Result<&CStr, String> {
    <&CStr>::try_from(name)
        .map_err(|_| format!("the key {name:?} holds a zero byte, which BSON does not allow"))
}

/// BSON dates count milliseconds.
fn date(metric: &Metric) -> DateTime {
    DateTime::from_millis(metric.time().div_euclid(1_000_000))
}

#[cfg(test)]
mod tests;
