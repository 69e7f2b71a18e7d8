//! Named patterns in, regular expressions out: `%{NAME:field}` becomes a group with what NAME stands for.

use std::collections::{BTreeMap, HashMap};

use regex::{Captures, Regex};

/// The patterns of Logstash, which know no types.
pub(super) const LOGSTASH: &str = include_str!("logstash.patterns");
/// Those of Telegraf; a pattern of the configuration takes the place of one with its name.
pub(super) const TELEGRAF: &str = include_str!("telegraf.patterns");

/// Patterns by their name, and the names of fields that are no names of groups.
pub(super) struct Library {
    patterns: BTreeMap<String, String>,
    reference: Regex,
    valid: Regex,
}

/// Reads lines of a name and a pattern; empty lines and those that begin with `#` are skipped.
pub(super) fn read(text: &str, into: &mut BTreeMap<String, String>) -> Result<(), String> {
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, pattern)) = line.split_once(' ') else {
            return Err(format!("no pattern behind the name {line:?}"));
        };
        into.insert(name.to_owned(), pattern.to_owned());
    }
    Ok(())
}

impl Library {
    /// Takes the patterns together and checks that each one that is named is there.
    pub(super) fn new(custom: BTreeMap<String, String>) -> Result<Library, String> {
        let mut patterns = BTreeMap::new();
        read(LOGSTASH, &mut patterns)?;
        patterns.extend(custom);
        let regex = |source| Regex::new(source).map_err(|error| error.to_string());
        let library = Library {
            reference: regex(r"%\{((?-u:[\w.-]+(?::[\w.-]+(?::[\w.-]+)?)?))\}")?,
            valid: regex(r"(?-u)^\w+([-.]\w+)*(:([-.\w]+)(:(string|float|int))?)?$")?,
            patterns,
        };
        for pattern in library.patterns.values() {
            for found in library.reference.captures_iter(pattern) {
                let reference = &found[1];
                if !library.valid.is_match(reference) {
                    return Err(format!("invalid pattern %{{{reference}}}"));
                }
                let name = reference.split(':').next().unwrap_or_default();
                if !library.patterns.contains_key(name) {
                    return Err(format!("no pattern found for %{{{name}}}"));
                }
            }
        }
        Ok(library)
    }

    /// The regular expression that a pattern stands for; the names of its groups are put into `fields` with the names of
    /// the fields that they mean.
    pub(super) fn expand(&self, name: &str, fields: &mut HashMap<String, String>) -> Result<String, String> {
        let mut open = Vec::new();
        self.expand_within(name, fields, &mut open)
    }

    fn expand_within(
        &self,
        name: &str,
        fields: &mut HashMap<String, String>,
        open: &mut Vec<String>,
    ) -> Result<String, String> {
        let missing = || format!("no pattern found for %{{{name}}}");
        let pattern = self.patterns.get(name).ok_or_else(missing)?;
        if open.iter().any(|outer| outer == name) {
            // A pattern that needs itself.
            let outer = open.last().map_or(name, String::as_str);
            return Err(format!("cannot add pattern {outer:?}: {}", missing()));
        }
        open.push(name.to_owned());
        let mut failed = None;
        let expanded = self.reference.replace_all(pattern, |found: &Captures<'_>| {
            let mut parts = found[1].split(':');
            let inner = parts.next().unwrap_or_default();
            let inner = self.expand_within(inner, fields, open).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                String::new()
            });
            match parts.next() {
                None => format!("({inner})"),
                Some(field) => {
                    let odd = |c: char| c != '_' && !c.is_ascii_alphanumeric();
                    let group = field.replace(odd, "_");
                    fields.insert(group.clone(), field.to_owned());
                    format!("(?P<{group}>{inner})")
                }
            }
        });
        let expanded = expanded.into_owned();
        open.pop();
        failed.map_or(Ok(expanded), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(text: &str) -> Result<Library, String> {
        let mut custom = BTreeMap::new();
        read(text, &mut custom)?;
        Library::new(custom)
    }

    #[test]
    fn patterns_are_put_into_one_another() {
        let mut fields = HashMap::new();
        let library = library("A x%{B:b.c}%{B}\n# nothing\n\nB [0-9]").expect("valid patterns");
        assert_eq!(
            library.expand("A", &mut fields).as_deref(),
            Ok("x(?P<b_c>[0-9])([0-9])")
        );
        assert_eq!(fields.get("b_c").map(String::as_str), Some("b.c"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = |text| library(text).err();
        assert_eq!(
            message("A %{NONE}"),
            Some("no pattern found for %{NONE}".to_owned())
        );
        assert_eq!(
            message("A %{INT:a:date}"),
            Some("invalid pattern %{INT:a:date}".to_owned())
        );
        assert_eq!(message("A"), Some("no pattern behind the name \"A\"".to_owned()));
        let circle = library("A %{B}\nB %{A}").expect("names are there");
        let error = circle.expand("A", &mut HashMap::new());
        assert_eq!(
            error,
            Err("cannot add pattern \"B\": no pattern found for %{A}".to_owned())
        );
    }

    #[test]
    fn every_pattern_compiles() {
        let mut custom = BTreeMap::new();
        read(TELEGRAF, &mut custom).expect("lines of name and pattern");
        let types = Regex::new(r":(tag|int|float|drop|duration|ts-\w+)\}").expect("valid");
        custom
            .values_mut()
            .for_each(|pattern| *pattern = types.replace_all(pattern, "}").into_owned());
        let library = Library::new(custom).expect("valid patterns");
        for name in library.patterns.keys() {
            let source = library.expand(name, &mut HashMap::new()).expect(name);
            assert!(super::super::regex_go::compile(&source).is_ok(), "{name}");
        }
    }
}
