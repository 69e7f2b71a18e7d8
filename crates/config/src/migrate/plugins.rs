//! Plugins that are gone or have another name: the tables that take their places.

use super::jolokia;
use super::options::unexpected;
use super::value::{Map, Val};

/// What takes the place of a table.
pub(crate) struct Replaced {
    /// Tables with the names of their plugins; none where only a person can decide.
    pub tables: Vec<(&'static str, Map)>,
    /// A word to the user.
    pub message: String,
}

type Migration = fn(&Map) -> Result<Option<Replaced>, String>;

/// The plugins, and what their options become.
const MIGRATIONS: &[(&str, Migration)] = &[
    ("inputs.KNXListener", |map| {
        renamed("inputs.knx_listener", map, "")
    }),
    ("inputs.aerospike", |_| {
        by_hand("use 'inputs.prometheus' with the Aerospike Prometheus Exporter instead")
    }),
    ("inputs.cassandra", jolokia::cassandra),
    ("inputs.cisco_telemetry_gnmi", |map| {
        renamed(
            "inputs.gnmi",
            map,
            "migrated from deprecated 'cisco_telemetry_gnmi' to 'gnmi'",
        )
    }),
    ("inputs.http_listener", |map| {
        renamed(
            "inputs.influxdb_listener",
            map,
            "migrated from deprecated 'http_listener' to 'influxdb_listener'",
        )
    }),
    ("inputs.httpjson", httpjson),
    ("inputs.io", |map| renamed("inputs.diskio", map, "")),
    ("inputs.jolokia", jolokia::jolokia),
    ("inputs.kafka_consumer_legacy", |_| {
        by_hand("use 'inputs.kafka_consumer' instead")
    }),
    ("inputs.logparser", logparser),
    ("inputs.sflow", sflow),
    ("inputs.snmp_legacy", |_| by_hand("use 'inputs.snmp' instead")),
    ("inputs.tcp_listener", |map| {
        listener(map, "tcp", "max_tcp_connections", "max_connections")
    }),
    ("inputs.udp_listener", |map| {
        listener(map, "udp", "udp_buffer_size", "read_buffer_size")
    }),
    ("outputs.amon", |_| {
        by_hand("the Amon service no longer exists and nothing replaces it")
    }),
    ("outputs.amqp", amqp),
    ("outputs.riemann_legacy", riemann),
];

/// For how many plugins there is a replacement.
pub(crate) const COUNT: usize = MIGRATIONS.len();

/// What takes the place of a plugin's table; none where it stays.
pub(crate) fn apply(plugin: &str, map: &Map) -> Result<Option<Replaced>, String> {
    MIGRATIONS
        .iter()
        .find(|(name, _)| *name == plugin)
        .map_or(Ok(None), |(_, migrate)| migrate(map))
}

fn renamed(plugin: &'static str, map: &Map, message: &str) -> Result<Option<Replaced>, String> {
    replaced(vec![(plugin, map.clone())], message)
}

fn replaced(tables: Vec<(&'static str, Map)>, message: &str) -> Result<Option<Replaced>, String> {
    Ok(Some(Replaced {
        tables,
        message: message.into(),
    }))
}

fn by_hand(instead: &str) -> Result<Option<Replaced>, String> {
    replaced(
        Vec::new(),
        &format!("this plugin cannot be migrated automatically: {instead}"),
    )
}

/// Keys of every input that a replacement keeps.
const INPUT_KEYS: &[&str] = &[
    "interval",
    "precision",
    "collection_jitter",
    "collection_offset",
    "name_prefix",
    "name_suffix",
    "name_override",
    "alias",
    "tags",
];
const FILTER_KEYS: &[&str] = &[
    "namepass",
    "namedrop",
    "tagpass",
    "tagdrop",
    "tagexclude",
    "taginclude",
    "metricpass",
];

/// The common keys of an input, filters under their new names.
pub(crate) fn common_of_input(map: &Map) -> Result<Map, String> {
    let mut common = common_filters(map)?;
    common.extend(kept(map, INPUT_KEYS));
    Ok(common)
}

fn common_filters(map: &Map) -> Result<Map, String> {
    let mut common = kept(map, FILTER_KEYS);
    for (new, old) in [
        ("fieldinclude", ["fieldinclude", "pass", "fieldpass"]),
        ("fieldexclude", ["fieldexclude", "drop", "fielddrop"]),
    ] {
        let mut all = Vec::new();
        for key in old {
            if let Some(value) = map.get(key) {
                all.extend(value.as_texts().ok_or_else(|| unexpected(value, key))?);
            }
        }
        if !all.is_empty() {
            common.insert(new.into(), Val::texts(all));
        }
    }
    Ok(common)
}

/// Options that are set to something.
fn kept(map: &Map, keys: &[&str]) -> Map {
    let empty = |value: &Val| match value {
        Val::Text(text) => text.is_empty(),
        Val::List(list) => list.is_empty(),
        Val::Table(map) => map.is_empty(),
        _ => false,
    };
    let found = keys.iter().filter_map(|key| map.get_key_value(*key));
    found
        .filter(|(_, v)| !empty(v))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

fn text<'a>(map: &'a Map, key: &str) -> Result<&'a str, String> {
    match map.get(key) {
        None => Ok(""),
        Some(value) => value.as_text().ok_or_else(|| unexpected(value, key)),
    }
}

fn httpjson(old: &Map) -> Result<Option<Replaced>, String> {
    let mut new = common_of_input(old)?;
    let servers = match old.get("servers") {
        Some(value) => value.as_texts().ok_or_else(|| unexpected(value, "servers"))?,
        None => Vec::new(),
    };
    let name = text(old, "name")?;
    if !name.is_empty() {
        if new
            .get("name_override")
            .is_some_and(|v| v.as_text() != Some(name))
        {
            return Err("conflicting 'name' and 'name_override' setting".into());
        }
        new.insert("name_override".into(), Val::text(name));
    }
    new.entry("name_override".into())
        .or_insert_with(|| Val::text("httpjson"));
    let method = text(old, "method")?;
    if !matches!(method, "" | "GET") {
        new.insert("method".into(), Val::text(method));
    }
    let timeout = text(old, "response_timeout")?;
    if !timeout.is_empty() {
        new.insert("timeout".into(), Val::text(timeout));
    }
    let same = [
        "tag_keys",
        "headers",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "tls_key_pwd",
        "tls_min_version",
        "tls_server_name",
        "tls_renegotiation_method",
        "tls_enable",
    ];
    new.extend(kept(old, &same));
    if old.get("insecure_skip_verify").and_then(Val::as_bool) == Some(true) {
        new.insert("insecure_skip_verify".into(), Val::Bool(true));
    }
    let parameters = match old.get("parameters") {
        Some(value) => value
            .as_table()
            .cloned()
            .ok_or_else(|| unexpected(value, "parameters"))?,
        None => Map::new(),
    };
    let urls = servers.into_iter().map(|url| with_query(url, &parameters));
    new.insert("urls".into(), Val::texts(urls));
    new.insert("data_format".into(), Val::text("json"));
    replaced(
        vec![("inputs.http", new)],
        "'inputs.http' reports no field 'response_time', and the tag 'server' becomes 'url': please adapt your queries",
    )
}

/// A URL with parameters added, all in the order of their names.
fn with_query(url: String, parameters: &Map) -> String {
    if parameters.is_empty() {
        return url;
    }
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let there = query.split('&').filter(|p| !p.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.to_owned(), value.to_owned())
    });
    let added = parameters
        .iter()
        .filter_map(|(k, v)| Some((escape(k), escape(v.as_text()?))));
    let mut pairs: Vec<(String, String)> = there.chain(added).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let pairs: Vec<String> = pairs.into_iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// As forms escape a text in a URL.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b' ' => "+".into(),
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

fn logparser(old: &Map) -> Result<Option<Replaced>, String> {
    let mut new = kept(old, &["files", "watch_method"]);
    let begin = old
        .get("from_beginning")
        .is_some_and(|v| v.as_bool() == Some(true));
    let offset = if begin { "beginning" } else { "saved-or-end" };
    new.insert("initial_read_offset".into(), Val::text(offset));
    new.insert("data_format".into(), Val::text("grok"));
    if let Some(grok) = old.get("grok") {
        let grok = grok.as_table().ok_or_else(|| unexpected(grok, "grok"))?;
        for (from, to) in [
            ("patterns", "grok_patterns"),
            ("measurement", "name_override"),
            ("custom_pattern_files", "grok_custom_pattern_files"),
            ("custom_patterns", "grok_custom_patterns"),
            ("timezone", "grok_timezone"),
            ("unique_timestamp", "grok_unique_timestamp"),
        ] {
            if let Some(value) = grok.get(from) {
                new.insert(to.into(), value.clone());
            }
        }
    }
    replaced(vec![("inputs.tail", new)], "")
}

fn sflow(old: &Map) -> Result<Option<Replaced>, String> {
    let mut new = common_of_input(old)?;
    new.insert("service_address".into(), Val::text(text(old, "service_address")?));
    new.extend(kept(old, &["read_buffer_size"]));
    replaced(
        vec![("inputs.netflow", new)],
        "'inputs.netflow' makes metrics of another form: please adapt your queries",
    )
}

/// `tcp_listener` and `udp_listener` are both `socket_listener` now.
fn listener(old: &Map, scheme: &str, limit: &str, new_limit: &str) -> Result<Option<Replaced>, String> {
    let (mut new, mut message) = (Map::new(), String::new());
    for (key, value) in old {
        match key.as_str() {
            "service_address" => {
                let address = value.as_text().ok_or_else(|| unexpected(value, key))?;
                new.insert(key.clone(), Val::Text(format!("{scheme}://{address}")));
            }
            "allowed_pending_messages" => {
                message.push_str(
                    "'inputs.socket_listener' has no 'allowed_pending_messages': the setting is dropped; ",
                );
            }
            "udp_packet_size" if scheme == "udp" => {
                message.push_str("the deprecated 'udp_packet_size' is dropped; ");
            }
            key if key == limit => {
                new.insert(new_limit.into(), value.clone());
            }
            _ => {
                new.insert(key.clone(), value.clone());
            }
        }
    }
    replaced(
        vec![("inputs.socket_listener", new)],
        message.trim_end_matches("; "),
    )
}

fn amqp(old: &Map) -> Result<Option<Replaced>, String> {
    let mut new = old.clone();
    let (mut applied, mut message) = (new.remove("precision").is_some(), String::new());
    for key in ["database", "retention_policy"] {
        let Some(value) = new.remove(key) else { continue };
        let headers = new
            .entry("headers".into())
            .or_insert_with(|| Val::Table(Map::new()));
        let Val::Table(headers) = headers else {
            return Err(unexpected(headers, "headers"));
        };
        if headers.contains_key(key) {
            message.push_str(&format!(" '{key}' (already set in headers)"));
            new.insert(key.into(), value);
        } else {
            headers.insert(key.into(), value);
            applied = true;
        }
    }
    if let Some(url) = new.remove("url") {
        let url = url.as_text().ok_or_else(|| unexpected(&url, "url"))?.to_owned();
        super::options::add(&mut new, "brokers", &[url])?;
        applied = true;
    }
    if !applied {
        return Ok(None);
    }
    if !message.is_empty() {
        message = format!("could not migrate one or more options from the 'outputs.amqp' plugin:{message}");
    }
    replaced(vec![("outputs.amqp", new)], &message)
}

fn riemann(old: &Map) -> Result<Option<Replaced>, String> {
    let mut new = common_filters(old)?;
    new.extend(kept(old, &["alias"]));
    let url = format!("{}://{}", text(old, "transport")?, text(old, "url")?);
    new.insert("url".into(), Val::Text(url));
    new.insert("separator".into(), Val::text(text(old, "separator")?));
    replaced(vec![("outputs.riemann", new)], "")
}
