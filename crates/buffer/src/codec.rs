//! A batch of metrics to bytes and back, exactly: what the disk buffer keeps of them. Acknowledgements are not kept.
//!
//! ```text
//! batch  = count, metric*                          count and all other whole numbers are LEB128 varints
//! metric = kind:u8, key name, zigzag(time - time before), tags, fields, (key, text)*, (key, value)*
//! key    = 0, text (the next entry of the batch's table) | n (entry n - 1)
//! text   = length, bytes in UTF-8
//! value  = 0, 8 bytes of a float, little-endian | 1, zigzag(i64) | 2, u64 | 3 false | 4 true | 5, text
//! ```

use std::fmt;

use wheatstone_metric::{CompactString, Key, Metric, Value, ValueType};

/// Bytes that are no batch. They had a valid checksum, so a program wrote them: this one cannot read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
impl std::error::Error for Malformed {}

const FLOAT: u8 = 0;
const INT: u8 = 1;
const UINT: u8 = 2;
const FALSE: u8 = 3;
const TRUE: u8 = 4;
const STR: u8 = 5;

/// No metric is shorter: kind, name, time, two counts.
const SHORTEST_METRIC: usize = 5;
/// No tag or field is shorter.
const SHORTEST_ENTRY: usize = 2;

/// Appends `batch` to `out`.
pub fn encode(batch: &[Metric], out: &mut Vec<u8>) {
    let mut table = Table::default();
    let mut before = 0i64;
    varint(batch.len() as u64, out);
    for metric in batch {
        out.push(kind_code(metric.kind()));
        table.put(metric.name(), out);
        varint(zigzag(metric.time().wrapping_sub(before)), out);
        before = metric.time();
        varint(metric.tag_count() as u64, out);
        varint(metric.field_count() as u64, out);
        for (key, text) in metric.tags() {
            table.put(key, out);
            put_text(text, out);
        }
        for (key, value) in metric.fields() {
            table.put(key, out);
            put_value(value, out);
        }
    }
}

fn put_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Float(v) => {
            out.push(FLOAT);
            out.extend_from_slice(&v.to_bits().to_le_bytes());
        }
        Value::Int(v) => {
            out.push(INT);
            varint(zigzag(*v), out);
        }
        Value::Uint(v) => {
            out.push(UINT);
            varint(*v, out);
        }
        Value::Bool(v) => out.push(if *v { TRUE } else { FALSE }),
        Value::Str(v) => {
            out.push(STR);
            put_text(v, out);
        }
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

#[inline]
pub(crate) fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[inline]
fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

#[inline]
fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// The keys written so far. Keys are interned, so that one address is one text while the batch lives; a text that has two
/// addresses, or lost its slot to another, is merely written twice.
struct Table {
    slots: Box<[(usize, usize, u64)]>,
    next: u64,
}

impl Default for Table {
    fn default() -> Table {
        Table {
            slots: vec![(0, 0, 0); 64].into_boxed_slice(),
            next: 0,
        }
    }
}

impl Table {
    #[inline]
    fn put(&mut self, key: &Key, out: &mut Vec<u8>) {
        let (address, len) = (key.as_str().as_ptr() as usize, key.len());
        let slot = &mut self.slots[(address >> 4 ^ address >> 11) & 63];
        if slot.2 > 0 && slot.0 == address && slot.1 == len {
            return varint(slot.2, out);
        }
        self.next += 1;
        *slot = (address, len, self.next);
        out.push(0);
        put_text(key, out);
    }
}

/// How many metrics an encoded batch holds, without reading them.
pub fn count(bytes: &[u8]) -> Result<usize, Malformed> {
    Input(bytes).count(SHORTEST_METRIC)
}

/// Reads what [`encode`] wrote. Never takes more memory than a small multiple of `bytes`.
pub fn decode(bytes: &[u8]) -> Result<Vec<Metric>, Malformed> {
    let mut input = Input(bytes);
    let count = input.count(SHORTEST_METRIC)?;
    let mut keys: Vec<Key> = Vec::new();
    let mut batch = Vec::with_capacity(count);
    let mut before = 0i64;
    for _ in 0..count {
        let kind = kind_of(input.byte()?)?;
        let name = input.key(&mut keys)?;
        let time = before.wrapping_add(unzigzag(input.varint()?));
        before = time;
        let tags = input.count(SHORTEST_ENTRY)?;
        let fields = input.count(SHORTEST_ENTRY)?;
        let mut row = Vec::with_capacity((tags + fields).min(input.0.len() / SHORTEST_ENTRY));
        for _ in 0..tags {
            row.push((input.key(&mut keys)?, Value::Str(input.text()?)));
        }
        for _ in 0..fields {
            row.push((input.key(&mut keys)?, input.value()?));
        }
        let mut metric = Metric::from_row(name, time, row, tags);
        metric.set_kind(kind);
        batch.push(metric);
    }
    if input.0.is_empty() {
        Ok(batch)
    } else {
        Err(Malformed("bytes behind the last metric"))
    }
}

/// What is left to read.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    #[inline]
    fn bytes(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(Malformed("it ends too soon"))?;
        self.0 = tail;
        Ok(head)
    }
    #[inline]
    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.bytes(1)?[0])
    }
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(Malformed("a number is too large"));
            }
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(Malformed("a number is too long"))
    }
    /// A count of things that take at least `each` bytes: more than fit into what is left is no count.
    fn count(&mut self, each: usize) -> Result<usize, Malformed> {
        let n = self.varint()?;
        match usize::try_from(n) {
            Ok(n) if n <= self.0.len() / each => Ok(n),
            _ => Err(Malformed("a count is too large")),
        }
    }
    fn str(&mut self) -> Result<&'a str, Malformed> {
        let len = self.count(1)?;
        std::str::from_utf8(self.bytes(len)?).map_err(|_| Malformed("a text is not UTF-8"))
    }
    fn text(&mut self) -> Result<CompactString, Malformed> {
        Ok(CompactString::from(self.str()?))
    }
    fn key(&mut self, keys: &mut Vec<Key>) -> Result<Key, Malformed> {
        let n = self.varint()?;
        if n == 0 {
            let key = Key::new(self.str()?);
            keys.push(key.clone());
            return Ok(key);
        }
        let known = usize::try_from(n - 1).ok().and_then(|n| keys.get(n));
        known.cloned().ok_or(Malformed("a key is not in the table"))
    }
    fn value(&mut self) -> Result<Value, Malformed> {
        Ok(match self.byte()? {
            FLOAT => {
                let mut bits = [0; 8];
                bits.copy_from_slice(self.bytes(8)?);
                Value::Float(f64::from_bits(u64::from_le_bytes(bits)))
            }
            INT => Value::Int(unzigzag(self.varint()?)),
            UINT => Value::Uint(self.varint()?),
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            STR => Value::Str(self.text()?),
            _ => return Err(Malformed("a value's type is not known")),
        })
    }
}

fn kind_code(kind: ValueType) -> u8 {
    match kind {
        ValueType::Counter => 1,
        ValueType::Gauge => 2,
        ValueType::Untyped => 3,
        ValueType::Summary => 4,
        ValueType::Histogram => 5,
    }
}

fn kind_of(code: u8) -> Result<ValueType, Malformed> {
    Ok(match code {
        1 => ValueType::Counter,
        2 => ValueType::Gauge,
        3 => ValueType::Untyped,
        4 => ValueType::Summary,
        5 => ValueType::Histogram,
        _ => return Err(Malformed("a metric's kind is not known")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{exactly_equal, metrics};
    use proptest::prelude::*;

    #[test]
    fn the_format_is_what_the_head_of_this_file_says() {
        let mut m = Metric::new("m", -1);
        m.set_tag("t", "x");
        m.set_field("f", 1.5);
        m.set_field("m", 7u64);
        let mut bytes = Vec::new();
        encode(&[m], &mut bytes);
        let mut expected = vec![1, 3, 0, 1, b'm', 1, 1, 2, 0, 1, b't', 1, b'x', 0, 1, b'f', 0];
        expected.extend(1.5f64.to_le_bytes());
        let head = expected.len();
        assert_eq!(bytes[..head], expected);
        // The second "m" is an entry of the table where both have one address, a second text where they have not.
        assert!(bytes[head..] == [1, 2, 7] || bytes[head..] == [0, 1, b'm', 2, 7]);
    }

    #[test]
    fn a_false_count_takes_no_memory() {
        let mut huge = Vec::new();
        varint(u64::MAX, &mut huge);
        huge.extend([0; 16]);
        assert_eq!(decode(&huge).unwrap_err(), Malformed("a count is too large"));
        assert_eq!(
            decode(&[0x80; 12]).unwrap_err(),
            Malformed("a number is too large")
        );
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(batch in metrics(0..30)) {
            let mut bytes = Vec::new();
            encode(&batch, &mut bytes);
            prop_assert_eq!(count(&bytes), Ok(batch.len()));
            let back = decode(&bytes).unwrap();
            prop_assert_eq!(back.len(), batch.len());
            for (a, b) in batch.iter().zip(&back) {
                prop_assert!(exactly_equal(a, b), "{:?} became {:?}", a, b);
            }
        }

        #[test]
        fn cut_or_changed_bytes_never_panic(batch in metrics(1..6), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = Vec::new();
            encode(&batch, &mut bytes);
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
                prop_assert!(decode(&bytes).is_err());
            } else {
                bytes[at] = byte;
                let _ = decode(&bytes);
            }
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
