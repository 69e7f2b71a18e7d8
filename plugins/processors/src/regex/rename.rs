//! Names in, the names that a pattern makes of them out.

use wheatstone_plugin::prelude::*;

use super::ConversionConfig;
use crate::by_key::ByKey;
use crate::goregexp::{Regexp, Template};

/// One renaming.
pub(super) struct Rename {
    regexp: Regexp,
    template: Template,
    overwrite: bool,
    /// What names become; `None` for those that do not match.
    known: ByKey<Option<Key>>,
    /// Old and new names of the metric at hand.
    changes: Vec<(Key, Key)>,
    collisions: Vec<(Key, Key)>,
}

impl Rename {
    /// A renaming that always replaces.
    pub(super) fn new(config: &ConversionConfig) -> Result<Rename> {
        let regexp = Regexp::new(&config.pattern)?;
        Ok(Rename {
            template: regexp.template(&config.replacement),
            regexp,
            overwrite: true,
            known: ByKey::default(),
            changes: Vec::new(),
            collisions: Vec::new(),
        })
    }

    /// One whose `result_key` says what happens to a name that is taken.
    pub(super) fn with_policy(config: &ConversionConfig) -> Result<Rename> {
        let rename = Rename::new(config)?;
        match config.result_key.as_str() {
            "" | "keep" => Ok(Rename {
                overwrite: false,
                ..rename
            }),
            "overwrite" => Ok(rename),
            other => bail!("invalid metrics result_key {other:?}"),
        }
    }

    pub(super) fn name(&mut self, m: &mut Metric) {
        if let Some(new) = self.renamed(m.name()) {
            m.set_name(new);
        }
    }

    pub(super) fn tag_keys(&mut self, m: &mut Metric) {
        self.collect(m.tags().map(|(key, _)| key));
        for (old, new) in self.changes.drain(..) {
            if m.has_tag(&new) {
                self.collisions.push((old, new));
            } else if let Some(value) = m.remove_tag(&old) {
                m.set_tag(new, value);
            }
        }
        for (old, new) in self.collisions.drain(..) {
            // In this order, as in Telegraf: a tag that is "renamed" to its own name is gone.
            if self.overwrite
                && let Some(value) = m.tag(&old).map(CompactString::from)
            {
                m.set_tag(new, value);
                m.remove_tag(&old);
            }
        }
    }

    pub(super) fn field_keys(&mut self, m: &mut Metric) {
        self.collect(m.fields().map(|(key, _)| key));
        for (old, new) in self.changes.drain(..) {
            if m.has_field(&new) {
                self.collisions.push((old, new));
            } else {
                // In place: the order of the fields stays.
                m.for_each_field_mut(|key, _| {
                    if *key == old {
                        *key = new.clone();
                    }
                });
            }
        }
        for (old, new) in self.collisions.drain(..) {
            if self.overwrite
                && let Some(value) = m.field(&old).cloned()
            {
                m.set_field(new, value);
                m.remove_field(&old);
            }
        }
    }

    fn collect<'a>(&mut self, keys: impl Iterator<Item = &'a Key>) {
        self.changes.clear();
        for old in keys {
            if let Some(new) = self.renamed(old) {
                let new = new.clone();
                self.changes.push((old.clone(), new));
            }
        }
    }

    fn renamed(&mut self, name: &Key) -> Option<&Key> {
        let Rename {
            regexp,
            template,
            known,
            ..
        } = self;
        known
            .get(name, |name| {
                regexp
                    .is_match(name)
                    .then(|| Key::new(&regexp.replace_all(name, template)))
            })
            .as_ref()
    }
}
