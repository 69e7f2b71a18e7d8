//! Metrics in, binary messages out: entries say which field, tag, name or time stands where, and in how many bytes.

mod entry;

use wheatstone_plugin::prelude::*;

use entry::Entry;
pub use entry::EntryConfig;

/// Options of `data_format = "binary"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BinaryConfig {
    /// The order of the bytes in numbers: `big` or `be`, `little` or `le`, or `host`, this machine's.
    pub endianness: String,
    /// The parts of the message, one after the other.
    pub entries: Vec<EntryConfig>,
}

/// The serializer of `data_format = "binary"`. A metric that lacks a part, or whose value does not fit into one, is not written.
pub struct Binary {
    little: bool,
    entries: Vec<Entry>,
}

impl Plugin for Binary {
    type Config = BinaryConfig;

    fn new(config: BinaryConfig, _: &Context) -> Result<Binary> {
        let little = match config.endianness.as_str() {
            "big" | "be" => false,
            "little" | "le" => true,
            "" | "host" => cfg!(target_endian = "little"),
            other => bail!("invalid endianness {other:?}"),
        };
        let entry = |(at, entry): (usize, &EntryConfig)| {
            Entry::new(entry).with_context(|| format!("entry {at} check failed"))
        };
        Ok(Binary {
            little,
            entries: config
                .entries
                .iter()
                .enumerate()
                .map(entry)
                .collect::<Result<_>>()?,
        })
    }
}

register!(serializer "binary" = Binary);

impl Serializer for Binary {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        let before = out.len();
        let mut entries = self.entries.iter();
        let written = entries.try_for_each(|entry| entry.write(metric, self.little, out));
        if written.is_err() {
            out.truncate(before);
        }
        written
    }
}

#[cfg(test)]
mod tests;
