//! Named values in, a metric out: each value goes where the options want it.

use std::collections::HashMap;

use wheatstone_gotime::TimeFormat;
use wheatstone_gotime::civil::Civil;
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::prelude::*;

use super::columns::{Columns, Duty, Rules};
use super::flatten::{Leaf, Sink, Stop};
use super::number::Number;

/// What all metrics of a parser have in common, and what it remembers from one to the next.
pub(super) struct Assembler {
    rules: Rules,
    columns: Columns,
    format: Option<TimeFormat>,
    name: Key,
    names: KeyCache,
    /// How many tags and fields the last metric had: the next one has room for as many.
    entries: usize,
}

impl Assembler {
    pub(super) fn new(rules: Rules, format: Option<TimeFormat>, name: Key) -> Assembler {
        let (columns, names) = (Columns::default(), KeyCache::default());
        Assembler {
            rules,
            columns,
            format,
            name,
            names,
            entries: 0,
        }
    }

    /// Begins a metric whose time is `now` unless the options and the object say another.
    #[inline]
    pub(super) fn begin<'p>(&'p mut self, now: Timestamp) -> Object<'p> {
        self.columns.next_object();
        // One more than the payload has: nearly every input adds a tag of its own.
        let metric = Metric::with_capacity(self.name.clone(), now, self.entries + 1);
        Object {
            at: 0,
            metric,
            time: Time::Unknown,
            parts: self,
        }
    }
}

/// What is known of an object's time.
enum Time {
    Unknown,
    Known(Timestamp),
    Wrong(Error),
}

/// A metric in the making.
pub(super) struct Object<'p> {
    parts: &'p mut Assembler,
    metric: Metric,
    time: Time,
    /// The column of the present name.
    at: usize,
}

impl<'a> Sink<'a> for Object<'_> {
    #[inline]
    fn scope(&mut self, _begins: bool) {}

    #[inline]
    fn key(&mut self, path: &str) -> Result<(), Stop> {
        self.at = self
            .parts
            .columns
            .find(path, &self.parts.rules)
            .ok_or(Stop::Twice)?;
        Ok(())
    }

    #[inline]
    fn element(&mut self, path: &str) -> Result<(), Stop> {
        self.key(path)
    }

    #[inline]
    fn guess_key(&mut self, around: usize, rest: &[u8]) -> Result<Option<usize>, Stop> {
        match self.parts.columns.guess_key(around, rest) {
            None => Ok(None),
            Some(Ok((at, len))) => {
                self.at = at;
                Ok(Some(len))
            }
            Some(Err(())) => Err(Stop::Twice),
        }
    }

    #[inline]
    fn guess_element(&mut self, around: usize, index: usize) -> Result<bool, Stop> {
        match self.parts.columns.guess_element(around, index) {
            None => Ok(false),
            Some(Ok(at)) => {
                self.at = at;
                Ok(true)
            }
            Some(Err(())) => Err(Stop::Twice),
        }
    }

    fn learn_key(&mut self, around: usize, written: Option<&[u8]>) {
        self.parts.columns.learn_key(self.at, around, written);
    }

    fn learn_element(&mut self, around: usize, index: usize) {
        self.parts.columns.learn_element(self.at, around, index);
    }

    #[inline]
    fn number(&self) -> usize {
        self.parts.columns.number(self.at)
    }

    #[inline]
    fn name(&self) -> &str {
        self.parts.columns.key(self.at)
    }

    #[inline(always)]
    fn leaf(&mut self, leaf: Leaf<'a>) {
        let (key, duty) = self.parts.columns.key_and_duty(self.at);
        match (duty, leaf) {
            (Duty::Field, Leaf::Number(number)) => {
                self.metric.push_field(key.clone(), Value::Float(number.value));
            }
            (Duty::Field, _) => {}
            (Duty::Tag, Leaf::Str(text)) if !text.escaped => self.metric.set_tag(key.clone(), text.text),
            (Duty::Time, Leaf::Number(_)) => self.time = self.read_time(leaf),
            _ => self.leaf_with_role(leaf),
        }
    }
}

impl Object<'_> {
    fn leaf_with_role(&mut self, leaf: Leaf<'_>) {
        let role = self.parts.columns.role(self.at);
        if matches!(leaf, Leaf::Null) {
            return;
        }
        if role.name
            && let Leaf::Str(name) = leaf
        {
            let name = self.parts.names.get(&name.unescape());
            self.metric.set_name(name);
        }
        if role.time {
            self.time = self.read_time(leaf);
            return;
        }
        let key = |object: &Self| object.parts.columns.key(object.at).clone();
        match leaf {
            Leaf::Number(Number { value, .. }) if role.tag => {
                let mut text = CompactString::const_new("");
                // Writing to a string cannot fail.
                let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{value}"));
                self.metric.set_tag(key(self), text);
            }
            Leaf::Number(number) => self.metric.push_field(key(self), Value::from(number.value)),
            Leaf::Str(text) if role.tag => self
                .metric
                .set_tag(key(self), CompactString::from(text.unescape())),
            Leaf::Str(text) if role.string_field => {
                self.metric
                    .push_field(key(self), Value::Str(CompactString::from(text.unescape())));
            }
            Leaf::Bool(value) if role.tag => self
                .metric
                .set_tag(key(self), if value { "true" } else { "false" }),
            Leaf::Bool(value) if role.string_field => self.metric.push_field(key(self), Value::from(value)),
            Leaf::Str(_) | Leaf::Bool(_) | Leaf::Null => {}
        }
    }

    fn read_time(&self, leaf: Leaf<'_>) -> Time {
        let Some(format) = &self.parts.format else {
            return Time::Unknown;
        };
        // A layout without a year means this one.
        let this_year = || Civil::from_seconds(self.metric.time().div_euclid(1_000_000_000)).year;
        let read = match leaf {
            // Telegraf has every number as a float. A fraction is taken for that float, so that a point keeps its place
            // in the database; whole numbers, which a float rounds from 2^53 on, are taken by their digits.
            Leaf::Number(number) => match number.integer() {
                Some(count) => format.parse_int(count),
                None if number.text().contains(['.', 'e', 'E']) => format.parse_float(number.value),
                None => format.parse_number(number.text()),
            },
            Leaf::Str(text) => format.parse_str_in(&text.unescape(), this_year),
            Leaf::Bool(_) | Leaf::Null => Err(wheatstone_gotime::TimeError::UnsupportedType),
        };
        match read {
            Ok(time) => Time::Known(time),
            Err(error) => Time::Wrong(error.into()),
        }
    }

    /// The metric, if the options have what they ask for.
    #[inline]
    pub(super) fn finish(mut self) -> Result<Metric> {
        if !self.parts.rules.time.is_empty() {
            if self.parts.format.is_none() {
                bail!("use of 'json_time_key' requires 'json_time_format'");
            }
            match self.time {
                Time::Known(time) => self.metric.set_time(time),
                Time::Wrong(error) => return Err(error),
                Time::Unknown => bail!("'json_time_key' could not be found"),
            }
        }
        self.parts.entries = self.metric.tag_count() + self.metric.field_count();
        Ok(self.metric)
    }
}

/// The values of an object in which a name comes twice: the last one counts, with all that is in it.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    /// Nothing for one that a later one has replaced.
    leaves: Vec<Option<(String, Leaf<'a>)>>,
    scopes: Vec<Scope>,
    path: String,
}

/// The keys of one object, with the leaves that stand under each.
#[derive(Default)]
struct Scope {
    keys: HashMap<String, std::ops::Range<usize>>,
    last: Option<(String, usize)>,
}

impl Scope {
    fn close_key(&mut self, leaves: usize) {
        if let Some((path, start)) = self.last.take() {
            self.keys.insert(path, start..leaves);
        }
    }
}

impl<'a> Sink<'a> for Gathered<'a> {
    fn scope(&mut self, begins: bool) {
        if begins {
            self.scopes.push(Scope::default());
        } else {
            self.scopes.pop();
        }
    }

    fn key(&mut self, path: &str) -> Result<(), Stop> {
        if let Some(scope) = self.scopes.last_mut() {
            scope.close_key(self.leaves.len());
            if let Some(replaced) = scope.keys.get(path) {
                self.leaves[replaced.clone()].fill_with(|| None);
            }
            scope.last = Some((path.to_owned(), self.leaves.len()));
        }
        self.element(path)
    }

    fn element(&mut self, path: &str) -> Result<(), Stop> {
        path.clone_into(&mut self.path);
        Ok(())
    }

    fn leaf(&mut self, leaf: Leaf<'a>) {
        if !matches!(leaf, Leaf::Null) {
            self.leaves.push(Some((self.path.clone(), leaf)));
        }
    }
}

impl Gathered<'_> {
    pub(super) fn assemble(self, parts: &mut Assembler, now: Timestamp) -> Result<Metric> {
        // Different keys can still be joined to one name, as in {"a":{"b":1},"a_b":2}.
        let mut last: HashMap<&str, usize> = HashMap::new();
        for (at, (path, _)) in self
            .leaves
            .iter()
            .enumerate()
            .filter_map(|(at, leaf)| Some((at, leaf.as_ref()?)))
        {
            last.insert(path, at);
        }
        let mut object = parts.begin(now);
        for (at, (path, leaf)) in self
            .leaves
            .iter()
            .enumerate()
            .filter_map(|(at, leaf)| Some((at, leaf.as_ref()?)))
        {
            if last.get(path.as_str()) == Some(&at) && object.key(path).is_ok() {
                object.leaf(*leaf);
            }
        }
        object.finish()
    }
}
