//! The options in, what parsing needs of them out: keys interned, formats read, key lists made searchable.

use std::collections::{HashMap, HashSet};

use wheatstone_gotime::{TimeFormat, Zone};
use wheatstone_plugin::prelude::*;

use super::config::{DataSet, ObjectConfig, Section};
use crate::gjson_path::{Kind, Path};
use crate::value::number::quote;

/// A [`Section`] made ready.
pub(super) struct Plan {
    pub(super) name: Key,
    pub(super) name_path: Path,
    pub(super) time_path: Path,
    pub(super) time_format: Option<TimeFormat>,
    pub(super) fields: Vec<Item>,
    pub(super) tags: Vec<Item>,
    pub(super) objects: Vec<Object>,
}

/// A path and what becomes of its value.
pub(super) struct Item {
    pub(super) path: Path,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) key: Key,
    /// The name was asked for.
    pub(super) renamed: bool,
    pub(super) optional: bool,
    pub(super) tag: bool,
}

/// An [`ObjectConfig`] made ready.
pub(super) struct Object {
    pub(super) path: Path,
    pub(super) optional: bool,
    pub(super) time_key: String,
    /// The error is one of the payload: without the key in it the format does not matter.
    pub(super) time_format: Result<TimeFormat, String>,
    pub(super) renames: HashMap<String, String>,
    pub(super) kinds: HashMap<String, String>,
    pub(super) tags: HashSet<String>,
    pub(super) included: Vec<String>,
    pub(super) excluded: HashSet<String>,
    pub(super) prepend_keys: bool,
    pub(super) items: Vec<Item>,
}

impl Plan {
    pub(super) fn new(section: Section, place: usize, default_name: &Key) -> Result<Plan> {
        let zone = Zone::load(&section.timestamp_timezone)
            .with_context(|| format!("invalid timezone in config {place}"))?;
        let items = |sets: Vec<DataSet>, tag| sets.into_iter().map(|set| Item::top(set, tag)).collect();
        Ok(Plan {
            name: match section.measurement_name.as_str() {
                "" => default_name.clone(),
                name => Key::new(name),
            },
            name_path: Path::new(&section.measurement_name_path),
            time_path: Path::new(&section.timestamp_path),
            time_format: (!section.timestamp_format.is_empty())
                .then(|| TimeFormat::with_zone(&section.timestamp_format, zone)),
            fields: items(section.field, false),
            tags: items(section.tag, true),
            objects: section.object.into_iter().map(Object::new).collect(),
        })
    }

    /// The name of a payload's metrics.
    pub(super) fn name(&self, json: &str) -> Key {
        if !self.name_path.as_str().is_empty() {
            let name = self.name_path.get(json);
            if name.kind != Kind::Json {
                return Key::new(&name.string());
            }
        }
        self.name.clone()
    }

    /// The time of a payload's metrics.
    pub(super) fn time(&self, json: &str, now: Timestamp) -> Result<Timestamp> {
        let path = self.time_path.as_str();
        if path.is_empty() {
            return Ok(now);
        }
        let value = self.time_path.get(json);
        match value.kind {
            Kind::Null => bail!("the timestamp path {} returned NULL", quote(path)),
            Kind::Json => return Ok(now),
            _ => {}
        }
        let Some(format) = &self.time_format else {
            bail!("use of 'timestamp_path' requires 'timestamp_format'");
        };
        let text = value.string();
        format
            .parse_str(&text)
            .with_context(|| format!("unable to parse timestamp {}", quote(&text)))
    }
}

impl Item {
    fn new(set: DataSet, tag: bool) -> Item {
        Item {
            renamed: !set.rename.is_empty(),
            path: Path::new(&set.path),
            kind: set.kind,
            key: Key::new(&set.rename),
            name: set.rename,
            optional: set.optional,
            tag,
        }
    }

    /// An item outside of objects, which always has a name.
    fn top(set: DataSet, tag: bool) -> Item {
        let mut item = Item::new(set, tag);
        if !item.renamed {
            item.name = item
                .path
                .as_str()
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_owned();
        }
        item.name = item.name.replace(' ', "_");
        item.key = Key::new(&item.name);
        item
    }
}

impl Object {
    pub(super) fn new(config: ObjectConfig) -> Object {
        let time_format = if config.timestamp_format.is_empty() {
            Err("use of 'timestamp_key' requires 'timestamp_format'".to_owned())
        } else {
            Zone::load(&config.timestamp_timezone)
                .map(|zone| TimeFormat::with_zone(&config.timestamp_format, zone))
                .map_err(|error| format!("invalid timezone: {error}"))
        };
        let fields = config.field.into_iter().map(|set| Item::new(set, false));
        let tags = config.tag.into_iter().map(|set| Item::new(set, true));
        let mut included = config.included_keys;
        if !included.is_empty() {
            included.extend(config.tags.iter().cloned());
        }
        Object {
            path: Path::new(&config.path),
            optional: config.optional,
            time_key: config.timestamp_key,
            time_format,
            renames: config.renames.into_iter().collect(),
            kinds: config.fields.into_iter().collect(),
            tags: config.tags.into_iter().collect(),
            included,
            excluded: config.excluded_keys.into_iter().collect(),
            prepend_keys: !config.disable_prepend_keys,
            items: fields.chain(tags).collect(),
        }
    }

    /// Whether a key is wanted; one that `has_members` also where something in it is.
    pub(super) fn wants(&self, key: &str, has_members: bool) -> bool {
        if self.excluded.contains(key) {
            return false;
        }
        let fits = |included: &String| included == key || (has_members && included.starts_with(key));
        self.included.is_empty() || self.included.iter().any(fits)
    }
}
