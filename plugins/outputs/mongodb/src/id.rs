//! A metric's identity as a document's `_id`, so that what comes twice is stored once.

use wheatstone_plugin::prelude::{Metric, Value};

/// 16 bytes: the time, so that ids grow as an index likes it, and a hash of name, tags and fields. The same metric has the same
/// id in every process and every version of this program.
pub fn id(metric: &Metric) -> [u8; 16] {
    let mut hash = Fnv::new();
    hash.text(metric.name());
    for (key, value) in metric.tags() {
        hash.text(key);
        hash.text(value);
    }
    // The order of fields means nothing.
    let mut fields = 0u64;
    for (key, value) in metric.fields() {
        let mut field = Fnv::new();
        field.text(key);
        field.bytes(value.type_name().as_bytes());
        match value {
            Value::Float(v) => field.bytes(&v.to_bits().to_be_bytes()),
            Value::Int(v) => field.bytes(&v.to_be_bytes()),
            Value::Uint(v) => field.bytes(&v.to_be_bytes()),
            Value::Bool(v) => field.bytes(&[u8::from(*v)]),
            Value::Str(v) => field.text(v),
        }
        fields = fields.wrapping_add(field.0);
    }
    hash.bytes(&fields.to_be_bytes());

    let mut id = [0; 16];
    // The sign bit is turned so that times before 1970 sort first.
    id[..8].copy_from_slice(&(metric.time() as u64 ^ (1 << 63)).to_be_bytes());
    id[8..].copy_from_slice(&hash.0.to_be_bytes());
    id
}

/// FNV-1a, 64 bits: small, and written down once and for all.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xCBF2_9CE4_8422_2325)
    }
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
    /// With an end, so that "ab", "c" is not "a", "bc".
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0xFF]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Metric {
        let mut m = Metric::new("weather", 1_700_000_000_000_000_000);
        m.set_tag("site", "north");
        m.set_field("a", 1i64);
        m.set_field("b", 2.5);
        m
    }

    #[test]
    fn the_same_metric_has_the_same_id_for_ever() {
        let mut other = Metric::new("weather", 1_700_000_000_000_000_000);
        other.set_field("b", 2.5);
        other.set_field("a", 1i64);
        other.set_tag("site", "north");
        assert_eq!(id(&sample()), id(&other));
        // Stored documents depend on it: this number must not change.
        assert_eq!(
            id(&Metric::new("m", 0)),
            [
                0x80, 0, 0, 0, 0, 0, 0, 0, 0x46, 0x36, 0xE3, 0x27, 0xF0, 0xBD, 0x8F, 0x65
            ]
        );
    }

    #[test]
    fn whatever_differs_changes_the_id() {
        let changes: [fn(&mut Metric); 6] = [
            |m| m.set_time(1),
            |m| m.set_name("x"),
            |m| m.set_tag("site", "south"),
            |m| m.set_tag("sit", "enorth"),
            |m| m.set_field("a", 2i64),
            |m| m.set_field("a", 1.0),
        ];
        for change in changes {
            let mut m = sample();
            change(&mut m);
            assert_ne!(id(&m), id(&sample()));
        }
    }

    #[test]
    fn ids_grow_with_time() {
        let (mut before, mut after) = (sample(), sample());
        before.set_time(-5);
        after.set_time(5);
        assert!(id(&before) < id(&after));
        assert!(id(&after) < id(&sample()));
    }
}
