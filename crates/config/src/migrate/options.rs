//! Deprecated options of plugins that stay: what replaces each, as data where a rule fits and as a function where none does.

use super::own;
use super::value::{Map, Val};

/// What a migration says: nothing to do, or done, with a word to the user.
pub(crate) type Done = Result<Option<String>, String>;

/// How one option is replaced.
pub(crate) enum Rule {
    /// It means nothing any more.
    Drop(&'static str),
    /// Another name, for a value of this type.
    Rename(&'static str, &'static str, Type),
    /// A text that joins a list.
    Join(&'static str, &'static str),
    /// A list that joins another.
    Merge(&'static str, &'static str),
    /// A rule of its own, for these options. The answer is a message, maybe an empty one.
    Own(&'static [&'static str], fn(&mut Map) -> Result<String, String>),
}
use Rule::{Drop, Join, Merge, Own, Rename};

/// What the value of a renamed option must be.
#[derive(Clone, Copy)]
pub(crate) enum Type {
    Text,
    Bool,
    Any,
}

/// The plugins with deprecated options.
const RULES: &[(&str, &[Rule])] = &[
    ("inputs.amqp_consumer", &[Join("url", "brokers")]),
    ("inputs.cloudwatch", &[Join("namespace", "namespaces")]),
    ("inputs.consul", &[Rename("datacentre", "datacenter", Type::Text)]),
    ("inputs.disk", &[Merge("mountpoints", "mount_points")]),
    (
        "inputs.docker",
        &[
            Merge("container_names", "container_name_include"),
            Own(&["perdevice"], own::docker_perdevice),
            Own(&["total"], own::docker_total),
        ],
    ),
    (
        "inputs.elasticsearch",
        &[Rename("http_timeout", "timeout", Type::Any)],
    ),
    ("inputs.filecount", &[Join("directory", "directories")]),
    (
        "inputs.gnmi",
        &[
            Own(&["guess_path_tag"], own::gnmi_guess),
            Rename("enable_tls", "tls_enable", Type::Bool),
        ],
    ),
    ("inputs.http", &[Rename("bearer_token", "token_file", Type::Text)]),
    (
        "inputs.http_listener_v2",
        &[Join("path", "paths"), Own(&["port"], own::listener_port)],
    ),
    ("inputs.http_response", &[Join("address", "urls")]),
    ("inputs.icinga2", &[Join("object_type", "objects")]),
    ("inputs.influxdb_listener", &[Drop("max_line_size")]),
    (
        "inputs.internet_speed",
        &[Own(&["enable_file_download"], own::speed_download)],
    ),
    (
        "inputs.kafka_consumer",
        &[Own(&["connection_strategy"], own::kafka_strategy)],
    ),
    (
        "inputs.kube_inventory",
        &[Own(&["bearer_token_string"], own::kube_token)],
    ),
    (
        "inputs.kubernetes",
        &[Own(&["bearer_token_string"], own::kube_token)],
    ),
    ("inputs.mqtt_consumer", &[Drop("metric_buffer")]),
    ("inputs.nats_consumer", &[Drop("metric_buffer")]),
    ("inputs.nsq_consumer", &[Join("server", "nsqd")]),
    ("inputs.ntpq", &[Own(&["dns_lookup"], own::ntpq_lookup)]),
    (
        "inputs.openldap",
        &[
            Rename("ssl", "tls", Type::Text),
            Rename("ssl_ca", "tls_ca", Type::Text),
        ],
    ),
    (
        "inputs.openstack",
        &[Own(&["server_diagnotics"], own::openstack_diagnostics)],
    ),
    ("inputs.openweathermap", &[Drop("query_style")]),
    (
        "inputs.procstat",
        &[
            Merge("supervisor_unit", "supervisor_units"),
            Own(&["pid_tag", "cmdline_tag"], own::procstat_tags),
        ],
    ),
    (
        "inputs.rabbitmq",
        &[
            Own(&["name"], own::rabbitmq_name),
            Merge("queues", "queue_name_include"),
        ],
    ),
    ("inputs.smart", &[Rename("path", "path_smartctl", Type::Any)]),
    (
        "inputs.sqlserver",
        &[Own(&["azuredb", "query_version"], own::sqlserver_type)],
    ),
    (
        "inputs.statsd",
        &[
            Drop("udp_packet_size"),
            Own(&["parse_data_dog_tags"], own::statsd_datadog),
        ],
    ),
    ("inputs.tail", &[Own(&["from_beginning"], own::tail_offset)]),
    ("inputs.vsphere", &[Drop("force_discover_on_init")]),
    (
        "inputs.zookeeper",
        &[Rename("enable_tls", "tls_enable", Type::Bool)],
    ),
    ("outputs.influxdb", &[Join("url", "urls"), Drop("precision")]),
    (
        "outputs.kafka",
        &[
            Rename("ca", "tls_ca", Type::Text),
            Rename("certificate", "tls_cert", Type::Text),
            Rename("key", "tls_key", Type::Text),
        ],
    ),
    (
        "outputs.kinesis",
        &[Own(
            &["partitionkey", "use_random_partitionkey"],
            own::kinesis_partition,
        )],
    ),
    ("outputs.librato", &[Rename("source_tag", "template", Type::Text)]),
    ("outputs.mqtt", &[Own(&["topic_prefix"], own::mqtt_prefix)]),
    ("outputs.remotefile", &[Own(&["trace"], own::remotefile_trace)]),
    ("outputs.wavefront", &[Own(&["host"], own::wavefront_url)]),
];

/// For how many plugins there are rules.
pub(crate) const COUNT: usize = RULES.len();

/// Replaces what is deprecated among the options of a plugin, such as `inputs.tail`.
pub(crate) fn apply(plugin: &str, map: &mut Map) -> Done {
    let Some((_, rules)) = RULES.iter().find(|(name, _)| *name == plugin) else {
        return Ok(None);
    };
    let mut done = None;
    for rule in *rules {
        if let Some(message) = one(rule, map)? {
            let said: &mut String = done.get_or_insert_default();
            said.push_str(&message);
        }
    }
    Ok(done)
}

/// Whether `config migrate` replaces this option of a plugin.
pub(crate) fn knows(plugin: &str, option: &str) -> bool {
    let rules = RULES
        .iter()
        .find(|(name, _)| *name == plugin)
        .map_or(&[] as &[Rule], |(_, rules)| rules);
    rules.iter().any(|rule| match rule {
        Drop(key) | Rename(key, _, _) | Join(key, _) | Merge(key, _) => *key == option,
        Own(keys, _) => keys.contains(&option),
    })
}

fn one(rule: &Rule, map: &mut Map) -> Done {
    match rule {
        Drop(key) => Ok(map.remove(*key).map(|_| String::new())),
        Rename(from, to, kind) => rename(map, from, to, *kind),
        Join(from, to) => {
            let Some(old) = map.remove(*from) else {
                return Ok(None);
            };
            let old = old.as_text().ok_or_else(|| unexpected(&old, from))?.to_owned();
            add(map, to, &[old])?;
            Ok(Some(String::new()))
        }
        Merge(from, to) => {
            let Some(old) = map.remove(*from) else {
                return Ok(None);
            };
            let old = old.as_texts().ok_or_else(|| unexpected(&old, from))?;
            add(map, to, &old)?;
            Ok(Some(String::new()))
        }
        Own(keys, change) => {
            if keys.iter().any(|key| map.contains_key(*key)) {
                change(map).map(Some)
            } else {
                Ok(None)
            }
        }
    }
}

/// Adds texts to a list, each once.
pub(crate) fn add(map: &mut Map, key: &str, more: &[String]) -> Result<(), String> {
    let mut list = match map.get(key) {
        Some(value) => value.as_texts().ok_or_else(|| unexpected(value, key))?,
        None => Vec::new(),
    };
    for text in more {
        if !list.contains(text) {
            list.push(text.clone());
        }
    }
    map.insert(key.into(), Val::texts(list));
    Ok(())
}

pub(crate) fn rename(map: &mut Map, from: &str, to: &str, kind: Type) -> Done {
    let Some(old) = map.remove(from) else {
        return Ok(None);
    };
    let fits = |value: &Val| match kind {
        Type::Text => value.as_text().is_some(),
        Type::Bool => value.as_bool().is_some(),
        Type::Any => true,
    };
    if !fits(&old) {
        return Err(unexpected(&old, from));
    }
    match map.get(to) {
        Some(new) if !fits(new) => return Err(unexpected(new, to)),
        Some(new) if *new != old => return Err(contradiction(from, to)),
        _ => {}
    }
    map.insert(to.into(), old);
    Ok(Some(String::new()))
}

pub(crate) fn unexpected(value: &Val, key: &str) -> String {
    format!("unexpected type {} for '{key}'", value.type_name())
}

pub(crate) fn contradiction(a: &str, b: &str) -> String {
    format!("contradicting setting for '{a}' and '{b}'")
}
