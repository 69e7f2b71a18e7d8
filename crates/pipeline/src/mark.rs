//! What a plugin was made from, in a form that a reload can compare: who it is, what its own options say, what the core does
//! around it, and what it depends on besides.

use std::fmt::Debug;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::path::Path;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use wheatstone_config::{Config, PluginConfig};
use wheatstone_plugin::conf::{self, Node, NodeKind, Table};
use wheatstone_plugin::{AgentInfo, Context, Kind};

use crate::numbers::Series;

/// Sums are compared within one process only, and shall tell nothing about secrets.
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Builds a plugin once more, where the instance that it follows has put a state since it was built.
pub(crate) type Again<T> = Box<dyn Fn() -> Option<anyhow::Result<T>> + Send + Sync>;

/// A plugin's mark.
#[derive(Clone)]
pub(crate) struct Mark {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) alias: String,
    /// What its log lines call it.
    pub(crate) shown: String,
    /// Its own options, its log level, the files that they name.
    plugin: u64,
    /// What the core does for it: common keys, and what `[agent]` says where it has none.
    core: u64,
    /// What the agent tells it; it matters once it has asked.
    agent: u64,
    cx: Context,
    /// The secrets that its options name, as store and key.
    references: Vec<(String, String)>,
    secrets: u64,
    /// The name under which a server keeps a session for it.
    client_id: Option<String>,
    /// Its numbers in `inputs.internal`.
    pub(crate) series: Series,
}

impl Mark {
    pub(crate) fn new(p: &PluginConfig, config: &Config, agent: &AgentInfo, cx: &Context) -> Mark {
        let mut own = hasher();
        (p.kind, &p.name, &p.common.alias, &p.common.log_level).hash(&mut own);
        hash_table(&p.table, &mut own);
        let mut references = Vec::new();
        each_text(&p.table, &mut |key, text| {
            hash_file(key, text, &mut own);
            references.extend(conf::references(text).map(|(store, key)| (store.to_owned(), key.to_owned())));
        });
        Mark {
            kind: p.kind,
            name: p.name.clone(),
            alias: p.common.alias.clone(),
            shown: cx.log().name().to_owned(),
            plugin: own.finish(),
            core: sum(&core(p, config)),
            agent: sum(&(
                &agent.hostname,
                agent.interval,
                agent.flush_interval,
                agent.metric_batch_size,
                agent.once,
            )),
            cx: cx.clone(),
            references,
            secrets: 0,
            client_id: p
                .table
                .get("client_id")
                .and_then(Node::as_str)
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
            series: Series::of(p),
        }
    }

    /// How this plugin is built again; asked once its predecessor has ended.
    pub(crate) fn again<T: 'static, U: 'static>(
        &self,
        build: fn(&Context) -> anyhow::Result<T>,
        kind: fn(T) -> U,
    ) -> Again<U> {
        let cx = self.cx.clone();
        Box::new(move || cx.is_behind().then(|| build(&cx.again()).map(kind)))
    }

    /// Notes what the plugin's secrets are, by a sum that `of` gives for a store and a key.
    pub(crate) fn note_secrets(&mut self, of: &dyn Fn(&str, &str) -> u64) {
        let mut all = hasher();
        for (store, key) in &self.references {
            all.write_u64(of(store, key));
        }
        self.secrets = all.finish();
    }

    /// Whether the running plugin would be built in just the same way now.
    pub(crate) fn is_same_plugin(&self, new: &Mark) -> bool {
        self.plugin == new.plugin
            && self.secrets == new.secrets
            && (self.agent == new.agent || !self.cx.has_asked_agent())
    }
    /// Whether the core would do the same for it.
    pub(crate) fn is_same_core(&self, new: &Mark) -> bool {
        self.core == new.core
    }
    /// Whether the files mean the same plugin by it: by its alias, or else by its name.
    pub(crate) fn is_same_place(&self, new: &Mark) -> bool {
        self.kind == new.kind && self.alias == new.alias && (!self.alias.is_empty() || self.name == new.name)
    }
    /// Whether a server would take the two for one and throw out the first.
    pub(crate) fn shares_session(&self, new: &Mark) -> bool {
        self.client_id.is_some() && self.client_id == new.client_id
    }
    /// The same plugin goes on in the place of the new one, with its old numbers.
    pub(crate) fn continued_as(&self, new: &Mark) -> Mark {
        Mark {
            cx: self.cx.clone(),
            series: self.series.clone(),
            ..new.clone()
        }
    }
}

/// The sum of a plugin's own options: equal within one process where they are equal, wherever they stand.
pub fn options_sum(table: &Table) -> u64 {
    let mut state = hasher();
    hash_table(table, &mut state);
    state.finish()
}

/// A sum of any bytes, such as a secret's: equal within one process where they are.
pub fn bytes_sum(bytes: &[u8]) -> u64 {
    KEYS.hash_one(bytes)
}

fn hasher() -> impl Hasher {
    KEYS.build_hasher()
}

fn sum(value: &dyn Debug) -> u64 {
    KEYS.hash_one(format!("{value:?}"))
}

/// All that the core takes from the files for a plugin, as text.
fn core(p: &PluginConfig, config: &Config) -> String {
    let mut common = p.common.clone();
    // Only where it stands.
    common.filter.metricpass_span = None;
    let a = &config.agent;
    let of_agent = match p.kind {
        Kind::Input => format!(
            "{:?}",
            (
                (
                    a.interval,
                    a.round_interval,
                    a.precision,
                    a.collection_jitter,
                    a.collection_offset
                ),
                (
                    a.always_include_local_tags,
                    a.always_include_global_tags,
                    &config.global_tags
                ),
            )
        ),
        Kind::Aggregator => format!("{:?}", (a.interval, a.round_interval, a.precision)),
        Kind::Output => format!(
            "{:?}",
            (
                (
                    a.flush_interval,
                    a.flush_jitter,
                    a.metric_batch_size,
                    a.metric_buffer_limit
                ),
                (&a.buffer_strategy, &a.buffer_directory, a.buffer_disk_sync),
                config.wheatstone.alarm_after,
            )
        ),
        _ => String::new(),
    };
    format!("{common:?} {of_agent}")
}

/// Without the places in the file, and in an order of its own.
fn hash_table(table: &Table, state: &mut impl Hasher) {
    let mut entries: Vec<_> = table.entries.iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    state.write_usize(entries.len());
    for entry in entries {
        entry.key.hash(state);
        hash_node(&entry.value, state);
    }
}

fn hash_node(node: &Node, state: &mut impl Hasher) {
    (node.type_name(), node.from_env).hash(state);
    match &node.kind {
        NodeKind::String(text) | NodeKind::Datetime(text) => text.hash(state),
        NodeKind::Integer(n) => n.hash(state),
        NodeKind::Float(x) => x.to_bits().hash(state),
        NodeKind::Boolean(b) => b.hash(state),
        NodeKind::Array(list) => {
            state.write_usize(list.len());
            list.iter().for_each(|node| hash_node(node, state));
        }
        NodeKind::Table(table) => hash_table(table, state),
    }
}

/// Every text of a table with the key that it stands under.
fn each_text(table: &Table, see: &mut dyn FnMut(&str, &str)) {
    fn of_node(key: &str, node: &Node, see: &mut dyn FnMut(&str, &str)) {
        match &node.kind {
            NodeKind::String(text) => see(key, text),
            NodeKind::Array(list) => list.iter().for_each(|node| of_node(key, node, see)),
            NodeKind::Table(table) => each_text(table, see),
            _ => {}
        }
    }
    for entry in &table.entries {
        of_node(&entry.key, &entry.value, see);
    }
}

/// A file that a plugin reads when it is built (certificates, keys, scripts, tokens) is a part of its options: a new one under
/// the old name makes a new plugin. Files that plugins read or write all the time are not.
fn hash_file(key: &str, text: &str, state: &mut impl Hasher) {
    let read_once = matches!(key, "tls_ca" | "tls_cert" | "tls_key" | "script")
        || key.ends_with("_file")
        || key.ends_with("_files");
    if !read_once || text.is_empty() {
        return;
    }
    let Ok(file) = std::fs::metadata(Path::new(text)) else {
        return;
    };
    let changed = file
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    (file.len(), changed).hash(state);
    #[cfg(unix)]
    std::os::unix::fs::MetadataExt::ino(&file).hash(state);
}

#[cfg(test)]
mod tests;
