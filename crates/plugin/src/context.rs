//! A plugin's place in the agent: its name, its table, its log, and the parts that the core makes for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use crate::conf::{
    ConfigError, Duration, NodeKind, Reference, Secret, Table, Unused, deserialize_with_references,
    split_reference,
};
use crate::dead_letter::{self, Letter};
use crate::registry::{self, Build, Kind};
use crate::{Ack, Key, Log, Parser, Result, Serializer, State, States};

/// What `[agent]` says that plugins may want to know.
#[derive(Clone, Debug)]
pub struct AgentInfo {
    /// The program's version.
    pub version: String,
    /// The value of the tag `host`, unless it is omitted.
    pub hostname: Option<String>,
    /// The agent's gather interval.
    pub interval: Duration,
    /// The agent's flush interval.
    pub flush_interval: Duration,
    /// The metrics of one write call.
    pub metric_batch_size: usize,
    /// `--test` or `--once`.
    pub once: bool,
    /// The agent starts: what Telegraf would start with, failing at each gather, is no reason not to. It is one for a check and
    /// for a reload.
    pub starting: bool,
    /// What plugins keep over a restart: `statefile`.
    pub states: States,
}

impl Default for AgentInfo {
    fn default() -> AgentInfo {
        AgentInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            hostname: None,
            interval: Duration::from_secs(10),
            flush_interval: Duration::from_secs(10),
            metric_batch_size: 1000,
            once: false,
            starting: false,
            states: States::default(),
        }
    }
}

/// Resolves references to secret stores.
#[async_trait]
pub trait Revealer: Send + Sync {
    /// The text behind `@{store:key}`.
    async fn reveal(&self, store: &str, key: &str) -> Result<String>;
    /// Notes that an option refers to `@{store:key}`; false where there is no such store. Asked when the configuration is
    /// loaded.
    fn link(&self, store: &str, key: &str) -> bool;
}

/// A plugin's place in the agent. Cloning shares it.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    kind: Kind,
    name: String,
    /// The plugin's ID, or nothing for a part of one.
    id: String,
    alias: String,
    table: Table,
    log: Log,
    agent: Arc<AgentInfo>,
    agent_asked: Arc<AtomicBool>,
    /// What the plugin and its parts have asked for.
    states: Arc<Mutex<Vec<State>>>,
    revealer: Option<Arc<dyn Revealer>>,
    /// A parser's default measurement.
    metric_name: Key,
    /// What every struct that read the table left: a key is unknown where nobody took it.
    reads: Mutex<Vec<Vec<Unused>>>,
}

/// Builds a [`Context`]; the core and the test kit do.
impl Context {
    /// The place of the plugin `name` with its dealt `table`.
    pub fn new(
        kind: Kind,
        name: &str,
        alias: &str,
        table: Table,
        log: Log,
        agent: Arc<AgentInfo>,
    ) -> Context {
        Context(Arc::new(Inner {
            kind,
            name: name.to_owned(),
            id: String::new(),
            alias: alias.to_owned(),
            table,
            log,
            agent,
            agent_asked: Arc::default(),
            states: Arc::default(),
            revealer: None,
            metric_name: Key::new(name),
            reads: Mutex::default(),
        }))
    }
    /// The same with secret stores.
    pub fn with_revealer(self, revealer: Arc<dyn Revealer>) -> Context {
        self.with(|inner| inner.revealer = Some(revealer))
    }
    /// The same with the plugin's ID, under which its state is kept.
    pub fn with_id(self, id: &str) -> Context {
        self.with(|inner| inner.id = id.to_owned())
    }
    fn with(mut self, set: impl FnOnce(&mut Inner)) -> Context {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            set(inner);
        }
        self
    }

    /// Input, processor and so on.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
    /// The name in the configuration, such as `mqtt_consumer`.
    pub fn name(&self) -> &str {
        &self.0.name
    }
    /// The alias, or nothing.
    pub fn alias(&self) -> &str {
        &self.0.alias
    }
    /// The plugin's logger.
    pub fn log(&self) -> &Log {
        &self.0.log
    }
    /// What `[agent]` says. A plugin that asks is built anew when a reload changes it.
    pub fn agent(&self) -> &AgentInfo {
        self.0.agent_asked.store(true, Ordering::Relaxed);
        &self.0.agent
    }
    /// Whether the plugin, or a part of it, has asked what `[agent]` says.
    pub fn has_asked_agent(&self) -> bool {
        self.0.agent_asked.load(Ordering::Relaxed)
    }
    /// The plugin's table, common keys taken out.
    pub fn table(&self) -> &Table {
        &self.0.table
    }
    /// What the plugin keeps over a restart. Asked for once, when the plugin is built; a plugin whose options are the same as
    /// another's cannot have one.
    pub fn state(&self) -> Result<State> {
        let state = match self.0.id.as_str() {
            "" => States::default().of(""),
            id => self.0.agent.states.of(id),
        }?;
        if state.is_kept() {
            self.0.states.lock().push(state.clone());
        }
        Ok(state)
    }
    /// Whether the instance that this one follows in a reload has put something since this one was built.
    pub fn is_behind(&self) -> bool {
        self.0.states.lock().iter().any(State::is_behind)
    }
    /// The same place for one more instance of the plugin, in the place of the first: it finds the states of now.
    pub fn again(&self) -> Context {
        let inner = &self.0;
        let agent = AgentInfo {
            states: inner.agent.states.restarted(),
            ..AgentInfo::clone(&inner.agent)
        };
        Context(Arc::new(Inner {
            kind: inner.kind,
            name: inner.name.clone(),
            id: inner.id.clone(),
            alias: inner.alias.clone(),
            table: inner.table.clone(),
            log: inner.log.clone(),
            agent: Arc::new(agent),
            agent_asked: inner.agent_asked.clone(),
            states: Arc::default(),
            revealer: inner.revealer.clone(),
            metric_name: inner.metric_name.clone(),
            reads: Mutex::default(),
        }))
    }
    /// A parser's default measurement: the name of the plugin that reads.
    pub fn metric_name(&self) -> &Key {
        &self.0.metric_name
    }

    /// Reads the plugin's table into a struct; the core does it for [`Plugin::Config`](crate::Plugin::Config). A secret
    /// that refers to a store that is not there is an error.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let (config, unused, references) = deserialize_with_references(&self.0.table)?;
        self.0.reads.lock().push(unused);
        for Reference { store, key, span } in references {
            if !self.0.revealer.as_ref().is_some_and(|r| r.link(&store, &key)) {
                return Err(ConfigError::at(
                    span,
                    format!("unknown secret store for \"@{{{store}:{key}}}\""),
                ));
            }
        }
        Ok(config)
    }

    /// Keys of the table that no struct took.
    pub fn unused(&self) -> Vec<Unused> {
        let reads = self.0.reads.lock();
        let mut all: Vec<&Unused> = reads.iter().flatten().collect();
        all.sort_by(|a, b| (a.span, &a.path).cmp(&(b.span, &b.path)));
        all.dedup_by_key(|u| &u.path);
        let left = |unused: &&Unused| {
            reads
                .iter()
                .all(|read| read.iter().any(|u| unused.path.starts_with(&u.path)))
        };
        let mut left: Vec<Unused> = all.into_iter().filter(left).cloned().collect();
        // Of a table that nobody took its head is enough.
        let heads = left.clone();
        left.retain(|u| {
            !heads
                .iter()
                .any(|h| h.path.len() < u.path.len() && u.path.starts_with(&h.path))
        });
        left
    }

    /// The parser that the plugin's `data_format` names, built from the plugin's own table; `default` where it names none.
    pub fn parser(&self, default: &str) -> Result<Box<dyn Parser>> {
        self.parser_from(&self.0.table, default, self.0.metric_name.clone())
    }

    /// Tries whether [`parser`](Context::parser) can be built, for an input that builds one anew at each gather. At the agent's start
    /// only a format that is not there and options of the wrong type are errors; the rest is left to the gathers, as in Telegraf.
    pub fn try_parser(&self, default: &str) -> Result<()> {
        let Err(error) = self.parser(default) else {
            return Ok(());
        };
        let format = self.data_format(&self.0.table, default)?;
        let wrong = error.is::<ConfigError>() || registry::find(Kind::Parser, &format).is_none();
        if wrong || !self.0.agent.starting {
            return Err(error);
        }
        Ok(())
    }

    /// A parser built from a table of its own (an adapter, a processor's options), with its default measurement.
    pub fn parser_from(&self, table: &Table, default: &str, metric_name: Key) -> Result<Box<dyn Parser>> {
        let format = self.data_format(table, default)?;
        let Some(Build::Parser(build)) = registry::find(Kind::Parser, &format).map(|r| r.build) else {
            return Err(registry::not_found(Kind::Parser, &format));
        };
        let cx = self.part(Kind::Parser, &format, table, metric_name);
        let parser = build(&cx);
        self.note_part(table, &cx);
        parser
    }

    /// A parser whose options stand in a table within the plugin's own, such as `["adapter", "0"]` (keys, and indexes as
    /// text). What neither it nor the plugin takes of that table is unknown, like any other option.
    pub fn parser_within(&self, path: &[&str], default: &str, metric_name: Key) -> Result<Box<dyn Parser>> {
        let (table, beside) = within(&self.0.table, path)
            .ok_or_else(|| anyhow::anyhow!("there is no table {:?}", path.join(".")))?;
        let format = self.data_format(table, default)?;
        let Some(Build::Parser(build)) = registry::find(Kind::Parser, &format).map(|r| r.build) else {
            return Err(registry::not_found(Kind::Parser, &format));
        };
        let cx = self.part(Kind::Parser, &format, table, metric_name);
        let parser = build(&cx);
        for mut read in cx.0.reads.lock().drain(..) {
            read.retain(|u| u.path[0] != "data_format");
            for unused in &mut read {
                let front = path.iter().map(|&step| step.to_owned());
                unused.path.splice(0..0, front);
            }
            // What stands elsewhere was not this parser's to take.
            read.extend(beside.iter().cloned());
            self.0.reads.lock().push(read);
        }
        parser
    }

    /// The serializer that the plugin's `data_format` names, built from the plugin's own table.
    pub fn serializer(&self, default: &str) -> Result<Box<dyn Serializer>> {
        let table = &self.0.table;
        let format = self.data_format(table, default)?;
        let Some(Build::Serializer(build)) = registry::find(Kind::Serializer, &format).map(|r| r.build)
        else {
            return Err(registry::not_found(Kind::Serializer, &format));
        };
        let cx = self.part(Kind::Serializer, &format, table, self.0.metric_name.clone());
        let serializer = build(&cx);
        self.note_part(table, &cx);
        serializer
    }

    fn data_format(&self, table: &Table, default: &str) -> Result<String, ConfigError> {
        match table.get("data_format") {
            None => Ok(default.to_owned()),
            Some(node) => match &node.kind {
                NodeKind::String(s) if s.is_empty() => Ok(default.to_owned()),
                NodeKind::String(s) => Ok(s.clone()),
                _ => Err(ConfigError::at(
                    node.span,
                    "option \"data_format\": expected a string",
                )),
            },
        }
    }

    fn part(&self, kind: Kind, name: &str, table: &Table, metric_name: Key) -> Context {
        Context(Arc::new(Inner {
            kind,
            name: name.to_owned(),
            // The first parser of a plugin may keep something, too; where there are several, the others cannot.
            id: match self.0.id.as_str() {
                "" => String::new(),
                id => format!("{id}/{}.{name}", kind.plural()),
            },
            alias: self.0.alias.clone(),
            table: table.clone(),
            log: self
                .0
                .log
                .part(format!("{}.{name}::{}", kind.plural(), self.0.name)),
            agent: self.0.agent.clone(),
            agent_asked: self.0.agent_asked.clone(),
            states: self.0.states.clone(),
            revealer: self.0.revealer.clone(),
            metric_name,
            reads: Mutex::default(),
        }))
    }

    /// What a part left of the plugin's own table, `data_format` excepted, is left by the plugin too.
    fn note_part(&self, table: &Table, cx: &Context) {
        if std::ptr::eq(table, &self.0.table) {
            for mut read in cx.0.reads.lock().drain(..) {
                read.retain(|u| u.path[0] != "data_format");
                self.0.reads.lock().push(read);
            }
        }
    }

    /// Hands something over that can never be delivered, under the plugin's name. `keep` is dropped once it is safe. Where no
    /// dead letters are kept it does nothing; ask [`dead_letter::enabled`](crate::dead_letter::enabled) before copying a payload.
    pub fn dead_letter(&self, letter: Letter, keep: Option<Ack>) {
        dead_letter::record(letter.plugin(self.log().name()), keep);
    }

    /// The text behind a secret, references to stores resolved. Asked anew each time it is used: stores may renew it.
    pub async fn reveal(&self, secret: &Secret) -> Result<String> {
        let mut out = String::new();
        let mut rest = secret.template();
        while let Some((before, store, key, after)) = split_reference(rest) {
            out.push_str(before);
            let Some(revealer) = &self.0.revealer else {
                anyhow::bail!("unknown secret store for \"@{{{store}:{key}}}\"");
            };
            let text = revealer.reveal(store, key).await;
            out.push_str(&text.with_context(|| format!("resolving \"@{{{store}:{key}}}\" failed"))?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The table at a path of keys and indexes, and all that stands beside the path.
fn within<'a>(table: &'a Table, path: &[&str]) -> Option<(&'a Table, Vec<Unused>)> {
    let (mut table, mut beside, mut steps) = (table, Vec::new(), path.iter().enumerate());
    while let Some((depth, step)) = steps.next() {
        let mut aside = |depth: usize, key: &str, span| {
            let front = path[..depth].iter().map(|&s| s.to_owned());
            beside.push(Unused {
                path: front.chain([key.to_owned()]).collect(),
                span,
            });
        };
        for entry in table.entries.iter().filter(|e| e.key != *step) {
            aside(depth, &entry.key, entry.key_span);
        }
        table = match &table.get(step)?.kind {
            NodeKind::Table(table) => table,
            NodeKind::Array(list) => {
                let (depth, index) = steps.next()?;
                for (i, other) in list.iter().enumerate().filter(|(i, _)| i.to_string() != *index) {
                    aside(depth, &i.to_string(), other.span);
                }
                list.get(index.parse::<usize>().ok()?)?.as_table()?
            }
            _ => return None,
        };
    }
    Some((table, beside))
}

#[cfg(test)]
mod tests;
