//! Values of tags and fields in, what a pattern makes of them out.

use wheatstone_plugin::prelude::*;

use super::ConversionConfig;
use crate::by_key::ByKey;
use crate::goregexp::{Regexp, Template};

/// One conversion of values.
pub(super) struct Replace {
    keys: Keys,
    regexp: Regexp,
    target: Target,
    append: bool,
    /// Keys of the metric at hand that were selected.
    selected: Vec<Key>,
}

enum Keys {
    One(Key),
    Matching(Glob, ByKey<bool>),
}

enum Target {
    /// Each named group becomes a tag or field.
    Groups(Vec<Key>),
    /// The value with its matches replaced goes to this key, or to its own.
    Replacement(Template, Option<Key>),
}

impl Replace {
    pub(super) fn new(section: &str, config: &ConversionConfig, log: &Log) -> Result<Replace> {
        let regexp = Regexp::new(&config.pattern)?;
        if config.key.is_empty() {
            bail!("key required");
        }
        let explicit = !config.result_key.is_empty() || !config.replacement.is_empty();
        let names = regexp.group_names();
        let target = if !explicit && !names.is_empty() && names.iter().all(|name| !name.is_empty()) {
            debug!(log, "{section}: Using named-group mode...");
            Target::Groups(names.iter().map(Key::from).collect())
        } else {
            if explicit {
                debug!(log, "{section}: Using explicit mode...");
            } else {
                warn!(
                    log,
                    "{section}: Neither 'result_key' nor 'replacement' given with unnamed or mixed groups; using \
                     explicit, empty replacement!"
                );
            }
            let result_key = (!config.result_key.is_empty()).then(|| Key::new(&config.result_key));
            Target::Replacement(regexp.template(&config.replacement), result_key)
        };
        let glob = Glob::new(std::slice::from_ref(&config.key), "").map_err(|e| anyhow!(e))?;
        let keys = match glob {
            Some(glob) if glob.plain().is_none() => Keys::Matching(glob, ByKey::default()),
            _ => Keys::One(Key::new(&config.key)),
        };
        Ok(Replace {
            keys,
            regexp,
            target,
            append: config.append,
            selected: Vec::new(),
        })
    }

    pub(super) fn tags(&mut self, m: &mut Metric) {
        self.select(m.tags().map(|(key, _)| key));
        for i in 0..self.selected.len() {
            let key = self.selected[i].clone();
            let Some(value) = m.tag(&key) else { continue };
            match &self.target {
                Target::Groups(names) => {
                    let Some(groups) = self.regexp.groups(value) else {
                        continue;
                    };
                    let found = found(names, groups);
                    for (name, group) in found {
                        let value = joined(self.append.then(|| m.tag(&name)).flatten(), group);
                        m.set_tag(name, value);
                    }
                }
                Target::Replacement(template, result_key) => {
                    if !self.regexp.is_match(value) {
                        continue;
                    }
                    let replaced = CompactString::from(self.regexp.replace_all(value, template));
                    let to = result_key.as_ref().unwrap_or(&key);
                    let replaced = joined(self.append.then(|| m.tag(to)).flatten(), replaced);
                    m.set_tag(to, replaced);
                }
            }
        }
    }

    pub(super) fn fields(&mut self, m: &mut Metric) {
        self.select(
            m.fields()
                .filter(|(_, value)| value.as_str().is_some())
                .map(|(key, _)| key),
        );
        for i in 0..self.selected.len() {
            let key = self.selected[i].clone();
            let Some(Value::Str(value)) = m.field(&key) else {
                continue;
            };
            match &self.target {
                Target::Groups(names) => {
                    let Some(groups) = self.regexp.groups(value) else {
                        continue;
                    };
                    let found = found(names, groups);
                    for (name, group) in found {
                        // It is the tag of that name that Telegraf puts in front here, not the field.
                        let value = joined(self.append.then(|| m.tag(&name)).flatten(), group);
                        m.set_field(name, value);
                    }
                }
                Target::Replacement(template, result_key) => {
                    if !self.regexp.is_match(value) {
                        continue;
                    }
                    let replaced = CompactString::from(self.regexp.replace_all(value, template));
                    m.set_field(result_key.as_ref().unwrap_or(&key), replaced);
                }
            }
        }
    }

    /// Notes the keys that are meant before any is changed: what is added on the way is not converted again.
    fn select<'a>(&mut self, keys: impl Iterator<Item = &'a Key>) {
        self.selected.clear();
        match &mut self.keys {
            Keys::One(one) => self.selected.extend(keys.filter(|key| *key == one).cloned()),
            Keys::Matching(glob, known) => {
                self.selected.extend(
                    keys.filter(|key| *known.get(key, |key| glob.matches(key)))
                        .cloned(),
                );
            }
        }
    }
}

/// The groups that matched something, with their names.
fn found<'a>(names: &[Key], groups: impl Iterator<Item = Option<&'a str>>) -> Vec<(Key, CompactString)> {
    let groups = groups.skip(1).zip(names);
    groups
        .filter_map(|(group, name)| Some((name.clone(), group.filter(|g| !g.is_empty())?.into())))
        .collect()
}

fn joined(before: Option<&str>, value: CompactString) -> CompactString {
    match before {
        Some(before) => CompactString::from(before) + &value,
        None => value,
    }
}
