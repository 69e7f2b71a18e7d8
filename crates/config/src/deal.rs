//! Deals the keys that all plugins of a kind have out of a plugin's table; what is left is the plugin's own.

mod read;

use std::collections::BTreeMap;

use wheatstone_plugin::conf::{Node, NodeKind, Span, Table, deserialize};
use wheatstone_plugin::{Glob, Kind};
use wheatstone_type_guard::TypeGuardConfig;

use crate::load::Report;
use crate::schema::KnownKeys;
use crate::{Common, FilterConfig};

/// Keys of the loader. Telegraf takes them on every plugin, also where it has no use for them.
pub(crate) const IGNORED_KEYS: &[&str] = &[
    "alias",
    "always_include_local_tags",
    "buffer_directory",
    "buffer_disk_sync",
    "buffer_strategy",
    "collection_jitter",
    "collection_offset",
    "data_format",
    "data_type",
    "delay",
    "drop",
    "drop_original",
    "fielddrop",
    "fieldexclude",
    "fieldinclude",
    "fieldpass",
    "flush_interval",
    "flush_jitter",
    "grace",
    "id",
    "influx_parser_type",
    "interval",
    "labels",
    "log_level",
    "lvm",
    "metric_batch_size",
    "metric_buffer_limit",
    "metricpass",
    "name_override",
    "name_prefix",
    "name_suffix",
    "namedrop",
    "namedrop_separator",
    "namepass",
    "namepass_separator",
    "order",
    "pass",
    "period",
    "precision",
    "startup_error_behavior",
    "tagdrop",
    "tagexclude",
    "taginclude",
    "tagpass",
    "tags",
    "time_source",
];

/// A plugin's place, for messages.
pub(crate) struct Dealer<'a, 'r> {
    pub kind: Kind,
    pub name: &'a str,
    pub table: &'a mut Table,
    /// Line and section of the header, as Telegraf prints them.
    pub place: String,
    /// What stands in front of this plugin's problems.
    pub prefix: &'a str,
    pub report: &'a mut Report<'r>,
}

/// The plugin's labels; the first that is none is a problem.
pub(crate) fn labels(table: &Table) -> Result<BTreeMap<String, String>, (Span, String)> {
    let mut labels = BTreeMap::new();
    if let Some(inner) = table.get("labels").and_then(Node::as_table) {
        for entry in &inner.entries {
            if let Some(value) = entry.value.as_str() {
                crate::select::check(&entry.key, value, "").map_err(|e| (entry.value.span, e))?;
                labels.insert(entry.key.clone(), value.to_owned());
            }
        }
    }
    Ok(labels)
}

impl Dealer<'_, '_> {
    pub fn deal(&mut self) -> Common {
        let mut common = Common::default();
        if self.kind == Kind::SecretStore {
            return common;
        }
        if self.table.get("labels").is_some_and(|n| n.as_table().is_some()) {
            self.table.take("labels");
        }
        common.alias = self.string("alias");
        common.log_level = self.string("log_level");
        if self.kind != Kind::Processor {
            common.name_override = self.string("name_override");
            common.name_prefix = self.string("name_prefix");
            common.name_suffix = self.string("name_suffix");
        }
        match self.kind {
            Kind::Input => {
                common.interval = self.duration("interval");
                common.precision = self.duration("precision");
                common.time_source = self.string("time_source");
                common.collection_jitter = self.duration("collection_jitter");
                common.collection_offset = self.duration("collection_offset");
                common.startup_error_behavior = self.string("startup_error_behavior");
                common.tags = self.tags();
            }
            Kind::Output => {
                common.flush_interval = self.duration("flush_interval");
                common.flush_jitter = self.duration("flush_jitter");
                common.metric_batch_size = self.count("metric_batch_size");
                common.metric_buffer_limit = self.count("metric_buffer_limit");
                common.startup_error_behavior = self.string("startup_error_behavior");
                common.buffer_strategy = Some(self.string("buffer_strategy")).filter(|s| !s.is_empty());
                common.buffer_size = self.size("buffer_size");
                common.type_guard = self.type_guard();
                common.buffer_full = Some(self.string("buffer_full")).filter(|s| !s.is_empty());
            }
            Kind::Aggregator => {
                common.period = self.duration("period");
                common.delay = self.duration("delay");
                common.grace = self.duration("grace");
                common.drop_original = self.boolean("drop_original");
                common.tags = self.tags();
            }
            Kind::Processor => common.order = self.order(),
            Kind::Parser | Kind::Serializer | Kind::SecretStore => {}
        }
        common.filter = self.filter();
        common
    }

    fn type_guard(&mut self) -> Option<TypeGuardConfig> {
        let node = self.table.take("type_guard")?.value;
        let NodeKind::Table(table) = &node.kind else {
            self.typed_error(node.span, "expected a table, [outputs.x.type_guard]".into());
            return None;
        };
        match deserialize::<TypeGuardConfig>(table) {
            Err(e) => {
                self.error(e.span.unwrap_or(node.span), e.message);
                None
            }
            Ok((config, unused)) => {
                for key in unused {
                    self.error(
                        key.span,
                        format!("type_guard has no option {:?}", key.path.join(".")),
                    );
                }
                Some(config)
            }
        }
    }

    fn filter(&mut self) -> FilterConfig {
        let mut filter = FilterConfig {
            namepass: self.strings("namepass"),
            namepass_separator: self.string("namepass_separator"),
            namedrop: self.strings("namedrop"),
            namedrop_separator: self.string("namedrop_separator"),
            ..FilterConfig::default()
        };
        for (key, since, removal) in [("pass", "0.10.4", "1.35.0"), ("fieldpass", "1.29.0", "1.40.0")] {
            filter
                .fieldinclude
                .extend(self.renamed(key, since, removal, "fieldinclude"));
        }
        filter.fieldinclude.extend(self.strings("fieldinclude"));
        for (key, since, removal) in [("drop", "0.10.4", "1.35.0"), ("fielddrop", "1.29.0", "1.40.0")] {
            filter
                .fieldexclude
                .extend(self.renamed(key, since, removal, "fieldexclude"));
        }
        filter.fieldexclude.extend(self.strings("fieldexclude"));
        filter.tagpass = self.tag_filter("tagpass");
        filter.tagdrop = self.tag_filter("tagdrop");
        filter.tagexclude = self.strings("tagexclude");
        filter.taginclude = self.strings("taginclude");
        filter.metricpass_span = self.table.get("metricpass").map(|n| n.span);
        filter.metricpass = self.string("metricpass");
        filter
    }

    fn renamed(&mut self, key: &str, since: &str, removal: &str, new: &str) -> Vec<String> {
        let span = self.key_span(key);
        let list = self.strings(key);
        if !list.is_empty() {
            self.report.deprecated(
                span,
                &format!(
                    "Option {key:?} of plugin \"{}.{}\" deprecated since version {since} and will be removed in \
                     {removal}: use '{new}' instead",
                    self.kind.plural(),
                    self.name
                ),
            );
        }
        list
    }

    /// The patterns; none where one is wrong, which is said here and not once more when the filter is built.
    fn checked_patterns(&mut self, key: &str, span: Span, list: Vec<String>) -> Vec<String> {
        match Glob::new(&list, "") {
            Ok(_) => list,
            Err(why) => {
                self.error(span, format!("error compiling '{key}', {why}"));
                Vec::new()
            }
        }
    }

    fn tag_filter(&mut self, key: &str) -> BTreeMap<String, Vec<String>> {
        let Some(node) = self.table.take(key).map(|e| e.value) else {
            return BTreeMap::new();
        };
        let span = node.span;
        let NodeKind::Table(table) = node.kind else {
            let message = format!("invalid syntax for {key:?}: expected a table of key=[values]");
            let help = format!(
                "a table of its own: [{}.{}.{key}], and in it tag = [\"value\"]",
                self.kind.plural(),
                self.name
            );
            self.typed_help(span, message, help);
            return BTreeMap::new();
        };
        let mut filter = BTreeMap::new();
        for entry in table.entries {
            let span = entry.value.span;
            match entry.value.kind {
                NodeKind::Array(items) => {
                    let list = self.texts(key, items);
                    let list = self.checked_patterns(key, span, list);
                    filter.insert(entry.key, list);
                }
                kind => {
                    let help = list_help(&entry.key, &kind);
                    let message = unexpected_format(key, "string array/slice format on each entry");
                    self.typed_help(span, message, help);
                }
            }
        }
        filter
    }

    fn tags(&mut self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        // A plugin may have an option `tags` of another form.
        if self.table.get("tags").is_none_or(|n| n.as_table().is_none()) {
            return tags;
        }
        let entries = match self.table.take("tags").map(|e| e.value.kind) {
            Some(NodeKind::Table(table)) => table.entries,
            _ => return tags,
        };
        for entry in entries {
            match entry.value.kind {
                NodeKind::String(value) => {
                    if self.is_option(&entry.key) {
                        let message = format!(
                            "{0:?} under [{1}.{2}.tags] becomes a tag; the option of that name stands above that header",
                            entry.key,
                            self.kind.plural(),
                            self.name
                        );
                        self.report.warn(entry.key_span, message);
                    }
                    tags.insert(entry.key, value);
                }
                _ => {
                    let help = if self.is_option(&entry.key) {
                        format!("the option `{}` stands above the header of the tags", entry.key)
                    } else {
                        "the values of tags are texts, in quotes".into()
                    };
                    let message = format!("{}, could not parse tags for input {}", self.prefix, self.name);
                    self.report.help(entry.value.span, message, help);
                }
            }
        }
        tags
    }

    /// Whether a key of a sub-table is an option of the plugin that it does not set: it has probably slid there.
    fn is_option(&self, key: &str) -> bool {
        let own = KnownKeys::of(self.kind, self.name, self.table);
        self.table.get(key).is_none()
            && (own.at(&[]).contains(&key) || matches!(key, "data_format" | "name_override"))
    }
    fn key_span(&self, key: &str) -> Span {
        let entry = self.table.entries.iter().find(|e| e.key == key);
        entry.map_or(self.table.span, |e| e.key_span)
    }
    fn typed_error(&mut self, span: Span, message: String) {
        let message = format!("{}: {message}", self.place);
        self.error(span, message);
    }
    fn typed_help(&mut self, span: Span, message: String, help: String) {
        let message = format!("{}, {}: {message}", self.prefix, self.place);
        self.report.help(span, message, help);
    }
    fn error(&mut self, span: Span, message: String) {
        self.report.problem(span, format!("{}, {message}", self.prefix));
    }
    fn ignored(&mut self, key: &str, node: &Node, expected: &str) {
        let message = format!(
            "option {key:?} of plugin {}.{} is passed over: expected {expected}, found {}",
            self.kind.plural(),
            self.name,
            node.type_name()
        );
        self.report.warn(node.span, message);
    }
}

/// How a list is written that was none.
fn list_help(key: &str, found: &NodeKind) -> String {
    match found {
        NodeKind::String(text) => format!("write a list: {key} = [{text:?}]"),
        _ => format!("write a list of texts: {key} = [\"…\"]"),
    }
}

fn unexpected_format(key: &str, expected: &str) -> String {
    format!("found unexpected format while parsing {key:?}, expecting {expected}")
}
