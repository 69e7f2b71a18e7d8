//! A plugin's ID: the same options give the same ID, in any order, in Telegraf and here, so that states and disk buffers
//! of one are found by the other.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::tree::{Item, Tab};

/// SHA-256 over `kind.name`, then every option as `path:text as written`, sorted.
pub(crate) fn plugin_id(kind_and_name: &str, table: &Tab) -> String {
    let mut options = Vec::new();
    flatten("", table, &mut options);
    options.sort_by(|a, b| a.0.cmp(&b.0));
    let mut hash = Sha256::new();
    hash.update(kind_and_name);
    hash.update([0]);
    for (key, value) in options {
        hash.update(key);
        hash.update(":");
        hash.update(value);
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn flatten<'a>(prefix: &str, table: &'a Tab, out: &mut Vec<(String, &'a str)>) {
    for slot in &table.entries {
        match &slot.item {
            Item::Value(_, raw) => out.push((format!("{prefix}{}", slot.key), raw)),
            Item::Table(t) => flatten(&format!("{prefix}{}.", slot.key), t, out),
            Item::Tables(list) => {
                for (i, t) in list.iter().enumerate() {
                    flatten(&format!("{prefix}#{i}.{}.", slot.key), t, out);
                }
            }
        }
    }
}
