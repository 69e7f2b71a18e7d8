//! `cassandra` and `jolokia`: both became `jolokia2_agent` or `jolokia2_proxy`, one table for each server or login.

use super::options::unexpected;
use super::plugins::{Replaced, common_of_input};
use super::value::{Map, Val};

fn text<'a>(map: &'a Map, key: &str) -> Result<&'a str, String> {
    map.get(key)
        .map_or(Ok(""), |v| v.as_text().ok_or_else(|| unexpected(v, key)))
}

fn tables<'a>(map: &'a Map, key: &str) -> Result<Vec<&'a Map>, String> {
    match map.get(key) {
        None => Ok(Vec::new()),
        Some(value @ Val::List(list)) if !list.is_empty() => {
            value.as_tables().ok_or_else(|| unexpected(value, key))
        }
        Some(Val::List(_)) => Ok(Vec::new()),
        Some(other) => Err(unexpected(other, key)),
    }
}

fn set(map: &mut Map, key: &str, text: &str) {
    if !text.is_empty() {
        map.insert(key.into(), Val::text(text));
    }
}

/// Servers that share a login go into one table for Java's own metrics and one for Cassandra's.
pub(crate) fn cassandra(old: &Map) -> Result<Option<Replaced>, String> {
    let common = common_of_input(old)?;
    let list = |key: &str| {
        old.get(key)
            .map_or(Ok(Vec::new()), |v| v.as_texts().ok_or_else(|| unexpected(v, key)))
    };
    let mut logins: Vec<(String, String, Vec<String>)> = Vec::new();
    for server in list("servers")? {
        let (login, host) = server.rsplit_once('@').unwrap_or(("", &server));
        if host.contains('/') {
            return Err("unexpected path in the address of a server".into());
        }
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let host = if host.starts_with(':') {
            format!("localhost{host}")
        } else {
            host.to_owned()
        };
        let url = format!("http://{host}");
        match logins.iter_mut().find(|l| l.0 == user && l.1 == password) {
            Some(login) => login.2.push(url),
            None => logins.push((user.into(), password.into(), vec![url])),
        }
    }
    let (mut java, mut own) = (Vec::new(), Vec::new());
    for metric in list("metrics")? {
        let bean = metric.strip_prefix('/').unwrap_or(&metric);
        let made = Val::Table(cassandra_metric(bean, &metric)?);
        if bean.starts_with("java.lang:") {
            java.push(made);
        } else if bean.starts_with("org.apache.cassandra.metrics:") {
            own.push(made);
        } else {
            return Err(format!("unknown java metric {metric:?}"));
        }
    }
    let mut tables = Vec::new();
    for (user, password, urls) in logins {
        for (prefix, metrics) in [("java", &java), ("cassandra", &own)] {
            if metrics.is_empty() {
                continue;
            }
            let mut new = common.clone();
            new.insert("urls".into(), Val::texts(&urls));
            set(&mut new, "username", &user);
            set(&mut new, "password", &password);
            set(&mut new, "name_prefix", prefix);
            new.insert("metric".into(), Val::List(metrics.clone()));
            tables.push(("inputs.jolokia2_agent", new));
        }
    }
    Ok(Some(Replaced {
        tables,
        message: String::new(),
    }))
}

fn cassandra_metric(bean: &str, whole: &str) -> Result<Map, String> {
    let parameters: Vec<(&str, &str)> = bean
        .split_once(':')
        .map_or("", |(_, rest)| rest)
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let name = parameters
        .iter()
        .rev()
        .find(|(key, _)| *key == "type")
        .map(|(_, value)| *value);
    let name = name.ok_or_else(|| format!("cannot determine name for metric {whole:?}"))?;
    let mut tags: Vec<&str> = parameters
        .iter()
        .map(|(key, _)| *key)
        .filter(|key| matches!(*key, "name" | "scope" | "path" | "keyspace"))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let mut metric = Map::new();
    set(&mut metric, "name", name.split('/').next().unwrap_or_default());
    set(&mut metric, "mbean", bean);
    if let Some(at) = tags.iter().position(|t| *t == "name") {
        set(&mut metric, "field_prefix", &format!("${}_", at + 1));
    }
    if !tags.is_empty() {
        metric.insert("tag_keys".into(), Val::texts(tags));
    }
    Ok(metric)
}

/// One table for each server; where a proxy stands between, the servers are its targets.
pub(crate) fn jolokia(old: &Map) -> Result<Option<Replaced>, String> {
    let common = common_of_input(old)?;
    let metrics = tables(old, "metrics")?
        .into_iter()
        .map(jolokia_metric)
        .collect::<Result<Vec<_>, _>>()?;
    let (client, header) = (
        text(old, "client_timeout")?,
        text(old, "response_header_timeout")?,
    );
    let mut message = String::new();
    if !client.is_empty() && !header.is_empty() {
        message = "both 'client_timeout' and 'response_header_timeout' are specified using the former".into();
    }
    let timeout = if client.is_empty() { header } else { client };
    let context = text(old, "context")?.trim_end_matches('/');
    let none = Map::new();
    let proxy = match old.get("proxy") {
        Some(value) => value.as_table().ok_or_else(|| unexpected(value, "proxy"))?,
        None => &none,
    };
    let through_proxy = text(old, "mode")? == "proxy";
    let mut tables_made = Vec::new();
    for server in tables(old, "servers")? {
        let (host, port) = (text(server, "host")?, text(server, "port")?);
        let mut new = Map::new();
        let mut tags = Map::new();
        for (tag, value) in [
            ("jolokia_name", text(server, "name")?),
            ("jolokia_port", port),
            ("jolokia_host", host),
        ] {
            tags.insert(tag.into(), Val::text(value));
        }
        let mut target = Map::new();
        set(&mut target, "username", text(server, "username")?);
        set(&mut target, "password", text(server, "password")?);
        if through_proxy {
            let url = format!(
                "http://{}:{}{context}",
                text(proxy, "host")?,
                text(proxy, "port")?
            );
            set(&mut new, "url", &url);
            set(&mut new, "username", text(proxy, "username")?);
            set(&mut new, "password", text(proxy, "password")?);
            set(
                &mut target,
                "url",
                &format!("service:jmx:rmi:///jndi/rmi://{host}:{port}/jmxrmi"),
            );
            new.insert("target".into(), Val::List(vec![Val::Table(target)]));
        } else {
            new.insert(
                "urls".into(),
                Val::texts([format!("http://{host}:{port}{context}")]),
            );
            new.extend(target);
        }
        new.insert(
            "metric".into(),
            Val::List(metrics.iter().cloned().map(Val::Table).collect()),
        );
        set(&mut new, "default_field_separator", "_");
        set(&mut new, "response_timeout", timeout);
        set(&mut new, "name_override", "jolokia");
        let mut common = common.clone();
        if let Some(Val::Table(own)) = common.remove("tags") {
            tags.extend(own);
        }
        new.extend(common);
        new.insert("tags".into(), Val::Table(tags));
        let plugin = if through_proxy {
            "inputs.jolokia2_proxy"
        } else {
            "inputs.jolokia2_agent"
        };
        tables_made.push((plugin, new));
    }
    Ok(Some(Replaced {
        tables: tables_made,
        message,
    }))
}

fn jolokia_metric(old: &Map) -> Result<Map, String> {
    let bean = text(old, "mbean")?;
    let (bean, inside) = bean
        .split_once('/')
        .map_or((bean, None), |(bean, path)| (bean, Some(path)));
    let (attribute, path) = (text(old, "attribute")?, text(old, "path")?);
    let mut paths: Vec<String> = Vec::new();
    let mut contained = inside.is_none();
    if !attribute.is_empty() {
        for name in attribute.split(',') {
            contained |= inside == Some(name);
            paths.push(if path.is_empty() {
                name.to_owned()
            } else {
                format!("{name}/{path}")
            });
        }
    } else if !path.is_empty() {
        paths.push(path.to_owned());
    }
    if let (false, Some(inside)) = (contained, inside) {
        paths.push(inside.to_owned());
    }
    let mut metric = Map::new();
    metric.insert("name".into(), Val::text(text(old, "name")?));
    metric.insert("mbean".into(), Val::text(bean));
    metric.insert("paths".into(), Val::texts(paths));
    Ok(metric)
}
