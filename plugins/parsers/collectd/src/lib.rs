//! collectd's packets in, metrics out: one for each value, or one for each list of values.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod auth;
mod packet;
mod types_db;

use wheatstone_plugin::prelude::*;

use auth::AuthFile;
use packet::{Number, Packets, Security, ValueList};
use types_db::TypesDb;

/// Options of `data_format = "collectd"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CollectdConfig {
    /// What lists of several values become: `split` makes a metric of each value, `join` one with a field for each.
    pub collectd_parse_multivalue: String,
    /// File of users and passwords, a line `user: password` for each. A changed file is read again.
    pub collectd_auth_file: String,
    /// What is taken: `none` for all, `sign` for what is signed or encrypted, `encrypt` for what is encrypted.
    pub collectd_security_level: String,
    /// Files of types, such as `/usr/share/collectd/types.db`. With them values bear the names and kinds of their types, and
    /// types that are in none of them are left out.
    pub collectd_typesdb: Vec<String>,
}

impl Default for CollectdConfig {
    fn default() -> CollectdConfig {
        CollectdConfig {
            collectd_parse_multivalue: "split".to_owned(),
            collectd_auth_file: DEFAULT_AUTH_FILE.to_owned(),
            collectd_security_level: "none".to_owned(),
            collectd_typesdb: Vec::new(),
        }
    }
}

const DEFAULT_AUTH_FILE: &str = "/etc/collectd/auth_file";

/// The parser of `data_format = "collectd"`.
pub struct Collectd {
    packets: Packets,
    types: Option<TypesDb>,
    multivalue: Multivalue,
    keys: KeyCache,
    log: Log,
}

#[derive(Clone, Copy, Debug)]
enum Multivalue {
    Split,
    Join,
    /// As Telegraf does with what it does not know: no metrics, and a word in the log.
    Neither,
}

impl Plugin for Collectd {
    type Config = CollectdConfig;

    fn new(config: CollectdConfig, cx: &Context) -> Result<Collectd> {
        let wanted = match config.collectd_security_level.as_str() {
            "sign" => Security::Sign,
            "encrypt" => Security::Encrypt,
            "none" | "" => Security::None,
            other => {
                warn!(
                    cx.log(),
                    "collectd_security_level {other:?} is none of none, sign, encrypt: all is taken"
                );
                Security::None
            }
        };
        let mut types = None;
        for path in &config.collectd_typesdb {
            types.get_or_insert_with(TypesDb::default).read(path)?;
        }
        let auth_file = match config.collectd_auth_file.as_str() {
            "" => DEFAULT_AUTH_FILE,
            path => path,
        };
        Ok(Collectd {
            packets: Packets {
                auth: AuthFile::new(auth_file),
                wanted,
                log: cx.log().clone(),
            },
            types,
            multivalue: match config.collectd_parse_multivalue.as_str() {
                "" | "split" => Multivalue::Split,
                "join" => Multivalue::Join,
                _ => Multivalue::Neither,
            },
            keys: KeyCache::default(),
            log: cx.log().clone(),
        })
    }
}

register!(parser "collectd" = Collectd);

impl Parser for Collectd {
    fn parse(&mut self, payload: &[u8], _now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let before = out.len();
        let Collectd {
            packets,
            types,
            multivalue,
            keys,
            log,
        } = self;
        let read = packets.read(payload, &mut |list, numbers| match multivalue {
            Multivalue::Neither => info!(log, "parse-multi-value config can only be 'split' or 'join'"),
            _ => {
                let mut writer = Writer { list, keys, out };
                let join = matches!(multivalue, Multivalue::Join);
                writer.write(numbers, types.as_ref(), join, log);
            }
        });
        if read.is_err() {
            out.truncate(before);
        }
        read.context("collectd parser error")
    }
}

/// Makes metrics of a list of values.
struct Writer<'a> {
    list: &'a ValueList<'a>,
    keys: &'a mut KeyCache,
    out: &'a mut Vec<Metric>,
}

impl Writer<'_> {
    fn write(&mut self, numbers: &[Number], types: Option<&TypesDb>, join: bool, log: &Log) {
        let sources = match types {
            None => None,
            Some(types) => {
                let name = String::from_utf8_lossy(self.list.kind);
                let Some(sources) = types.get(&name) else {
                    debug!(log, "unable to find {name:?} in TypesDB");
                    return;
                };
                if sources.len() != numbers.len() {
                    debug!(
                        log,
                        "{} values of {name:?}, whose TypesDB entry has {}",
                        numbers.len(),
                        sources.len()
                    );
                    return;
                }
                Some(sources)
            }
        };
        let plugin = String::from_utf8_lossy(self.list.plugin);
        let mut joined = join.then(|| self.metric(&plugin, numbers.len()));
        for (at, number) in numbers.iter().enumerate() {
            let counted;
            let (name, number) = match sources.and_then(|sources| sources.get(at)) {
                Some(source) => (source.name.as_str(), source.convert(*number)),
                None if numbers.len() == 1 => ("value", *number),
                None => {
                    counted = at.to_string();
                    (counted.as_str(), *number)
                }
            };
            let value = Value::Float(number.as_f64());
            if let Some(metric) = &mut joined {
                metric.set_field(self.keys.get(name), value);
            } else {
                let mut metric = self.metric(&format!("{plugin}_{name}"), 1);
                metric.push_field(key!("value"), value);
                self.out.push(metric);
            }
        }
        self.out.extend(joined);
    }

    fn metric(&mut self, name: &str, fields: usize) -> Metric {
        let list = self.list;
        let mut metric = Metric::with_capacity(self.keys.get(name), list.time, fields + 4);
        for (key, text) in [
            (key!("host"), list.host),
            (key!("instance"), list.plugin_instance),
            (key!("type"), list.kind),
            (key!("type_instance"), list.type_instance),
        ] {
            if !text.is_empty() {
                metric.set_tag(key, CompactString::from_utf8_lossy(text));
            }
        }
        metric
    }
}

#[cfg(test)]
mod tests;
