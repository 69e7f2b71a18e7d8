//! Deprecated options whose replacement follows no rule: one function for each, from the old option to the new ones.

use super::options::{add, contradiction, unexpected};
use super::value::{Map, Val};

/// A truth value that is taken out; none where it is not there.
fn take_bool(map: &mut Map, key: &str) -> Result<Option<bool>, String> {
    map.remove(key)
        .map(|value| value.as_bool().ok_or_else(|| unexpected(&value, key)))
        .transpose()
}

fn take_text(map: &mut Map, key: &str) -> Result<Option<String>, String> {
    map.remove(key)
        .map(|value| {
            value
                .as_text()
                .map(str::to_owned)
                .ok_or_else(|| unexpected(&value, key))
        })
        .transpose()
}

fn texts(map: &Map, key: &str) -> Result<Option<Vec<String>>, String> {
    map.get(key)
        .map(|value| value.as_texts().ok_or_else(|| unexpected(value, key)))
        .transpose()
}

const NOTHING_TO_SAY: String = String::new();

pub(super) fn docker_perdevice(map: &mut Map) -> Result<String, String> {
    let on = take_bool(map, "perdevice")?.unwrap_or_default();
    let list = match texts(map, "perdevice_include")? {
        None if on => vec!["cpu".to_owned(), "network".into(), "blkio".into()],
        None => Vec::new(),
        Some(mut list) => {
            for part in ["network", "blkio"] {
                let there = list.iter().any(|p| p == part);
                if there && !on {
                    return Err(contradiction("perdevice", "perdevice_include"));
                }
                if !there && on {
                    list.push(part.into());
                }
            }
            list
        }
    };
    map.insert("perdevice_include".into(), Val::texts(list));
    Ok(NOTHING_TO_SAY)
}

pub(super) fn docker_total(map: &mut Map) -> Result<String, String> {
    if take_bool(map, "total")? == Some(false)
        && let Some(list) = texts(map, "total_include")?
    {
        let cpu: Vec<String> = list.into_iter().filter(|p| p == "cpu").take(1).collect();
        map.insert("total_include".into(), Val::texts(cpu));
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn gnmi_guess(map: &mut Map) -> Result<String, String> {
    if map.remove("guess_path_tag").and_then(|v| v.as_bool()) == Some(true) {
        map.insert("path_guessing_strategy".into(), Val::text("common path"));
    }
    Ok(NOTHING_TO_SAY)
}

/// A port beside an address becomes the address's.
pub(super) fn listener_port(map: &mut Map) -> Result<String, String> {
    let port = match map.remove("port") {
        Some(Val::Int(port)) => port,
        Some(other) => return Err(unexpected(&other, "port")),
        None => return Ok(NOTHING_TO_SAY),
    };
    let address = match map.get("service_address") {
        Some(value) => value
            .as_text()
            .ok_or_else(|| unexpected(value, "service_address"))?,
        None => "",
    };
    let (scheme, rest) = address.split_once("://").unwrap_or(("tcp", address));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let own = host
        .rsplit_once(':')
        .filter(|(_, p)| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let address = match own {
        Some((_, own)) if own.parse() == Ok(port) => address.to_owned(),
        Some(_) => return Err(contradiction("port", "service_address")),
        None => format!("{scheme}://{}:{port}{path}", host.trim_end_matches(':')),
    };
    map.insert("service_address".into(), Val::Text(address));
    Ok(NOTHING_TO_SAY)
}

/// A switch under a new name, which is only written where it is on.
fn switch(map: &mut Map, from: &str, to: &str) -> Result<String, String> {
    let Some(on) = take_bool(map, from)? else {
        return Ok(NOTHING_TO_SAY);
    };
    match map.get(to) {
        Some(Val::Bool(new)) if *new != on => return Err(contradiction(from, to)),
        Some(Val::Bool(_)) => {}
        Some(other) => return Err(unexpected(other, to)),
        None if on => {
            map.insert(to.into(), Val::Bool(true));
        }
        None => {}
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn speed_download(map: &mut Map) -> Result<String, String> {
    switch(map, "enable_file_download", "memory_saving_mode")
}

pub(super) fn statsd_datadog(map: &mut Map) -> Result<String, String> {
    switch(map, "parse_data_dog_tags", "datadog_extensions")
}

pub(super) fn kafka_strategy(map: &mut Map) -> Result<String, String> {
    let strategy = take_text(map, "connection_strategy")?.unwrap_or_default();
    match strategy.to_lowercase().as_str() {
        "" | "startup" => {}
        "defer" => match map.get("startup_error_behavior") {
            None => {
                map.insert("startup_error_behavior".into(), Val::text("retry"));
            }
            Some(Val::Text(text)) if text == "retry" => {}
            Some(Val::Text(_)) => return Err(contradiction("startup_error_behavior", "connection_strategy")),
            Some(other) => return Err(unexpected(other, "startup_error_behavior")),
        },
        _ => return Err(format!("invalid connection strategy {strategy:?}")),
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn kube_token(map: &mut Map) -> Result<String, String> {
    map.remove("bearer_token_string");
    if map.contains_key("bearer_token") {
        return Ok(NOTHING_TO_SAY);
    }
    Ok("'bearer_token_string' is gone; write the token to a file and name that in 'bearer_token'".into())
}

pub(super) fn ntpq_lookup(map: &mut Map) -> Result<String, String> {
    if take_bool(map, "dns_lookup")? == Some(false) {
        let old = match map.get("options") {
            Some(value) => value.as_text().ok_or_else(|| unexpected(value, "options"))?,
            None => "-p",
        };
        let mut words: Vec<&str> = old.split_whitespace().collect();
        if !words.contains(&"-n") {
            words.push("-n");
        }
        let words = Val::Text(words.join(" "));
        map.insert("options".into(), words);
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn openstack_diagnostics(map: &mut Map) -> Result<String, String> {
    if take_bool(map, "server_diagnotics")? == Some(true) {
        if texts(map, "enabled_services")?.is_none_or(|list| list.is_empty()) {
            let all = [
                "services",
                "projects",
                "hypervisors",
                "flavors",
                "networks",
                "volumes",
            ];
            map.insert("enabled_services".into(), Val::texts(all));
        }
        add(map, "enabled_services", &["serverdiagnostics".into()])?;
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn procstat_tags(map: &mut Map) -> Result<String, String> {
    for (key, tag) in [("pid_tag", "pid"), ("cmdline_tag", "cmdline")] {
        if take_bool(map, key)? == Some(true) {
            add(map, "tag_with", &[tag.into()])?;
        }
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn rabbitmq_name(map: &mut Map) -> Result<String, String> {
    let name = take_text(map, "name")?.unwrap_or_default();
    let tags = map.entry("tags".into()).or_insert_with(|| Val::Table(Map::new()));
    let Val::Table(tags) = tags else {
        return Err(unexpected(tags, "tags"));
    };
    match tags.get("name") {
        None => {
            tags.insert("name".into(), Val::Text(name));
        }
        Some(Val::Text(tag)) if *tag == name => {}
        Some(_) => return Err("contradicting setting for 'name' and 'name' tag".into()),
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn sqlserver_type(map: &mut Map) -> Result<String, String> {
    let azure = map
        .remove("azuredb")
        .and_then(|v| v.as_bool())
        .unwrap_or_default();
    map.remove("query_version");
    let kind = if azure { "AzureSQLDB" } else { "SQLServer" };
    map.entry("database_type".into())
        .or_insert_with(|| Val::text(kind));
    Ok(NOTHING_TO_SAY)
}

pub(super) fn tail_offset(map: &mut Map) -> Result<String, String> {
    let begin = take_bool(map, "from_beginning")?.unwrap_or_default();
    let wanted = if begin { "beginning" } else { "saved-or-end" };
    match map.get("initial_read_offset") {
        None => {
            map.insert("initial_read_offset".into(), Val::text(wanted));
        }
        Some(Val::Text(set)) if set == wanted => {}
        Some(Val::Text(set)) => {
            return Ok(format!(
                "ignoring 'from_beginning = {begin}' as it conflicts with 'initial_read_offset = {set:?}'"
            ));
        }
        Some(other) => return Err(unexpected(other, "initial_read_offset")),
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn kinesis_partition(map: &mut Map) -> Result<String, String> {
    let random = take_bool(map, "use_random_partitionkey")?.unwrap_or_default();
    let Some(key) = take_text(map, "partitionkey")? else {
        return Ok(NOTHING_TO_SAY);
    };
    let partition = map
        .entry("partition".into())
        .or_insert_with(|| Val::Table(Map::new()));
    let Val::Table(partition) = partition else {
        return Err(unexpected(partition, "partition"));
    };
    if partition.get("key").is_some_and(|v| v.as_text() != Some(&key)) {
        return Err(contradiction("partitionkey", "partition.key"));
    }
    let method = if random { "random" } else { "static" };
    if partition
        .get("method")
        .is_some_and(|v| v.as_text() != Some(method))
    {
        return Err(contradiction("use_random_partitionkey", "partition.method"));
    }
    partition.insert("key".into(), Val::Text(key));
    partition.insert("method".into(), Val::text(method));
    Ok(NOTHING_TO_SAY)
}

pub(super) fn mqtt_prefix(map: &mut Map) -> Result<String, String> {
    let prefix = take_text(map, "topic_prefix")?.unwrap_or_default();
    let topic = match map.get("topic") {
        None => {
            map.insert("topic".into(), Val::Text(prefix));
            return Ok(NOTHING_TO_SAY);
        }
        Some(value) => value.as_text().ok_or_else(|| unexpected(value, "topic"))?,
    };
    if topic.strip_prefix('/').unwrap_or(topic).starts_with(&prefix) || topic.starts_with(&prefix) {
        return Ok(NOTHING_TO_SAY);
    }
    let topic = format!("{prefix}/{topic}");
    map.insert("topic".into(), Val::Text(topic));
    Ok("added deprecated 'topic_prefix' to existing 'topic'; please check the new setting".into())
}

pub(super) fn remotefile_trace(map: &mut Map) -> Result<String, String> {
    let trace = take_bool(map, "trace")?.unwrap_or_default();
    match map.get("log_level") {
        Some(Val::Text(level)) if trace != (level == "trace") => {
            return Err(contradiction("trace", "log_level"));
        }
        Some(Val::Text(_)) | None => {}
        Some(other) => return Err(unexpected(other, "log_level")),
    }
    if trace {
        map.insert("log_level".into(), Val::text("trace"));
    }
    Ok(NOTHING_TO_SAY)
}

pub(super) fn wavefront_url(map: &mut Map) -> Result<String, String> {
    let host = take_text(map, "host")?.unwrap_or_default();
    let url = match map.remove("port") {
        Some(Val::Int(port)) => format!("http://{host}:{port}"),
        Some(other) => return Err(unexpected(&other, "port")),
        None => format!("http://{host}"),
    };
    if map.get("url").is_some_and(|v| v.as_text() != Some(&url)) {
        return Err("contradicting setting for 'host' and 'port' with 'url'".into());
    }
    map.insert("url".into(), Val::Text(url));
    if map.contains_key("string_to_number") {
        return Ok("'string_to_number' is not migrated: it needs your own decision".into());
    }
    Ok(NOTHING_TO_SAY)
}
