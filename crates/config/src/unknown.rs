//! Options that nobody took: what they were probably meant to be, and where they belong.

use wheatstone_plugin::conf::{Node, Unused};
use wheatstone_plugin::{Kind, Registration, find, registrations};

use crate::deal::IGNORED_KEYS;
use crate::schema::KnownKeys;
use crate::suggest::nearest;
use crate::{PluginConfig, Problem, Source, agent, migrate};

/// The end of Telegraf's sentence about unknown options.
pub(crate) const NOT_USED: &str =
    "but they were not used; this is either a typo or this config option does not exist in this version";

/// The problem of the options of a plugin that neither it nor its parser or serializer took (`Context::unused`); none
/// where the rest belongs to the loader. `known` are the options that there are: [`KnownKeys::of`] the plugin.
pub fn unknown_keys(
    sources: &[Source],
    plugin: &PluginConfig,
    unused: &[Unused],
    known: &KnownKeys,
) -> Option<Problem> {
    let left: Vec<&Unused> = unused.iter().filter(|u| !is_loader_key(&u.path)).collect();
    let first = left.first()?;
    let mut fields: Vec<&str> = Vec::new();
    for name in left.iter().filter_map(|u| u.path.last()) {
        if !fields.contains(&name.as_str()) {
            fields.push(name);
        }
    }
    let fields: Vec<String> = fields.iter().map(|f| format!("{f:?}")).collect();
    let message = format!(
        "plugin {}.{}: line {}: configuration specified the fields [{}], {NOT_USED}",
        plugin.kind.plural(),
        plugin.name,
        plugin.header.group_line,
        fields.join(" ")
    );
    let help: Vec<String> = left
        .iter()
        .filter_map(|u| help(sources, plugin, u, known))
        .collect();
    Some(
        Problem::at(sources, first.span, message)
            .with_help((!help.is_empty()).then(|| help.join("\n        "))),
    )
}

/// Whether a key is the loader's own: accepted on every plugin, used where it means something.
pub fn is_loader_key(path: &[String]) -> bool {
    matches!(path, [key] if IGNORED_KEYS.contains(&key.as_str()))
}

fn help(sources: &[Source], plugin: &PluginConfig, unused: &Unused, known: &KnownKeys) -> Option<String> {
    let (key, parents) = unused.path.split_last()?;
    let line = Problem::at(sources, unused.span, "").place.map(|p| p.line);
    let at = line.map_or_else(String::new, |n| format!(" (line {n})"));
    // An option behind the header of a sub-table belongs to it, whatever was meant.
    let levels: Vec<usize> = (0..parents.len()).filter(|i| !is_index(&parents[*i])).collect();
    for (up, level) in levels.iter().rev().enumerate() {
        let own = known.at(&parents[..*level]);
        if own.contains(&key.as_str()) || (*level == 0 && IGNORED_KEYS.contains(&key.as_str())) {
            let header = header(plugin, parents);
            let above = above(sources, plugin, *level)
                .map_or_else(String::new, |n| format!(", move it above line {n}"));
            let levels = if up == 0 {
                "one level".to_owned()
            } else {
                format!("{} levels", up + 1)
            };
            return Some(format!(
                "`{key}`{at} stands under [{header}]: it belongs {levels} up{above}"
            ));
        }
    }
    let mut candidates = known.at(parents);
    if parents.is_empty() {
        candidates.extend(IGNORED_KEYS);
    }
    let own = format!("{}.{}", plugin.kind.plural(), plugin.name);
    if parents.is_empty() && migrate::knows(&own, key) {
        return Some(format!(
            "`{key}`{at} is gone from Telegraf too: `config migrate` replaces it"
        ));
    }
    if let Some(help) = parents.is_empty().then(|| of_other_format(plugin, key)).flatten() {
        return Some(format!("`{key}`{at} {help}"));
    }
    let of_kin = parents.is_empty().then(|| of_kin(plugin, key)).flatten();
    if let Some(help) = &of_kin
        && REPLACED.iter().any(|r| r.0 == own && r.1 == key)
    {
        return Some(format!("`{key}`{at} {help}"));
    }
    if let Some(meant) = nearest(key, candidates) {
        return Some(format!("`{key}`{at}: did you mean `{meant}`?"));
    }
    if let Some(help) = of_kin {
        return Some(format!("`{key}`{at} {help}"));
    }
    (parents.is_empty() && agent::is_option(key)).then(|| format!("`{key}`{at} is an option of [agent]"))
}

/// Options that a plugin's kin has under another name: the plugin, the kin's option, its own.
const REPLACED: &[(&str, &str, &str)] = &[
    ("outputs.influxdb_v2", "database", "`bucket`"),
    ("outputs.influxdb_v2", "username", "`token`"),
    ("outputs.influxdb_v2", "password", "`token`"),
    ("outputs.influxdb_v2", "retention_policy", "`bucket`"),
    ("outputs.influxdb", "bucket", "`database`"),
    ("outputs.influxdb", "token", "`username` and `password`"),
    ("outputs.influxdb", "organization", "`database` alone"),
];

/// An option of a plugin of the same kind whose name begins alike, such as influxdb and influxdb_v2.
fn of_kin(plugin: &PluginConfig, key: &str) -> Option<String> {
    let (name, own) = (
        plugin.name.as_str(),
        format!("{}.{}", plugin.kind.plural(), plugin.name),
    );
    let kin = registrations()
        .filter(|r| r.kind == plugin.kind && r.name != name)
        .filter(|r| r.name.starts_with(name) || name.starts_with(r.name))
        .find(|r| (r.schema)()["properties"].get(key).is_some())?;
    let belongs = format!("is an option of {}.{}", plugin.kind.plural(), kin.name);
    let here = REPLACED.iter().find(|r| r.0 == own && r.1 == key);
    Some(here.map_or(belongs.clone(), |r| format!("{belongs}; {own} has {}", r.2)))
}

/// An option of a data format that is not the table's.
fn of_other_format(plugin: &PluginConfig, key: &str) -> Option<String> {
    let has = |r: &Registration| (r.schema)()["properties"].get(key).is_some();
    let own = find(plugin.kind, &plugin.name)?.data_format;
    let kind = own.map(|(kind, _)| kind);
    let mut formats: Vec<&str> = registrations()
        .filter(|r| kind.map_or(matches!(r.kind, Kind::Parser | Kind::Serializer), |k| k == r.kind))
        .filter(|r| has(r))
        .map(|r| r.name)
        .collect();
    formats.sort_unstable();
    formats.dedup();
    let belongs = format!("belongs to data_format = {:?}", formats.first()?);
    match (
        own,
        plugin
            .table
            .get("data_format")
            .and_then(Node::as_str)
            .filter(|f| !f.is_empty()),
    ) {
        (None, _) => None,
        (Some(_), Some(format)) => Some(format!("{belongs}, and this table has {format:?}")),
        (Some((_, default)), None) => Some(format!(
            "{belongs}, and this table has none, which means {default:?}"
        )),
    }
}

fn is_index(key: &str) -> bool {
    key.bytes().all(|b| b.is_ascii_digit())
}

fn header(plugin: &PluginConfig, parents: &[String]) -> String {
    let mut header = format!("{}.{}", plugin.kind.plural(), plugin.name);
    for part in parents.iter().filter(|p| !is_index(p)) {
        header.push('.');
        header.push_str(part);
    }
    header
}

/// The line above which an option of the plugin's own table must stand.
fn above(sources: &[Source], plugin: &PluginConfig, level: usize) -> Option<usize> {
    let span = plugin.header.inner.filter(|_| level == 0)?;
    Problem::at(sources, span, "").place.map(|p| p.line)
}

#[cfg(test)]
mod tests;
