//! Whether a payload is one of those that a configuration describes: by its length, and by some of its bits.

use wheatstone_plugin::prelude::*;

use super::bits::extract;
use super::text::hex;

/// Which payloads a configuration is for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FilterConfig {
    /// Bits to compare; all of them must match.
    pub selection: Vec<SelectionConfig>,
    /// The payload's least length in bytes; 0 for none. Not together with `length`.
    pub length_min: u64,
    /// The payload's length in bytes; 0 for any.
    pub length: u64,
}

/// Some bits of a payload and what they must be.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SelectionConfig {
    /// Where they begin, in bits.
    pub offset: u64,
    /// How many there are.
    pub bits: u64,
    /// What they are, in hexadecimal digits such as `0x1f`; bits that do not fill a byte stand to the right.
    #[serde(rename = "match")]
    pub wanted: String,
}

/// A filter, checked.
#[derive(Debug)]
pub(super) struct Filter {
    length: u64,
    length_min: u64,
    selection: Vec<(u64, u64, Vec<u8>)>,
}

impl Filter {
    pub(super) fn new(config: &FilterConfig) -> Result<Filter> {
        if config.length != 0 && config.length_min != 0 {
            bail!("length and length_min cannot be used together");
        }
        let mut needed = 0;
        let mut selection = Vec::new();
        for (at, part) in config.selection.iter().enumerate() {
            needed = needed.max(part.offset.saturating_add(part.bits).div_ceil(8));
            let digits = part.wanted.strip_prefix("0x").unwrap_or(&part.wanted);
            let wanted = hex(digits.as_bytes()).with_context(|| format!("decoding match {at} failed"))?;
            selection.push((part.offset, part.bits, wanted));
        }
        if config.length != 0 && needed > config.length {
            bail!(
                "filter length ({needed}) larger than constraint ({})",
                config.length
            );
        }
        Ok(Filter {
            length: config.length,
            length_min: if config.length == 0 {
                config.length_min.max(needed)
            } else {
                0
            },
            selection,
        })
    }

    /// Whether the payload fits; `part` is memory to work in.
    pub(super) fn matches(&self, payload: &[u8], part: &mut Vec<u8>) -> bool {
        let length = payload.len() as u64;
        (self.length == 0 || length == self.length)
            && length >= self.length_min
            && self.selection.iter().all(|(offset, bits, wanted)| {
                extract(payload, *offset, *bits, part).is_ok() && part == wanted
            })
    }
}
