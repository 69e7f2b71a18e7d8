//! A message in Avro's binary encoding in, its value out.

use std::borrow::Cow;

use wheatstone_plugin::prelude::*;

use crate::datum::Datum;
use crate::schema::{Place, Schema, Type};

/// Arrays, maps, records and unions in one another, at most.
const DEEPEST: usize = 128;
/// Values that take no bytes, at most: an array of them could be any length.
const MOST_EMPTY: usize = 1 << 16;

/// Reads values one after the other.
pub(crate) struct Reader<'a> {
    schema: &'a Schema,
    message: &'a [u8],
    at: usize,
    empty: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(schema: &'a Schema, message: &'a [u8]) -> Reader<'a> {
        Reader {
            schema,
            message,
            at: 0,
            empty: 0,
        }
    }

    /// Reads the message's value.
    pub(crate) fn read(&mut self) -> Result<Datum<'a>> {
        self.value(self.schema.root(), 0)
    }

    /// Whether all of the message has been read.
    pub(crate) fn is_done(&self) -> bool {
        self.at == self.message.len()
    }

    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8]> {
        let rest = &self.message[self.at..];
        let Some((taken, _)) = rest.split_at_checked(length) else {
            bail!(
                "cannot decode binary {what}: short buffer: {length} bytes wanted at byte {}, {} are left",
                self.at,
                rest.len()
            );
        };
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        Ok(self.take(N, what)?.try_into()?)
    }

    /// A whole number: seven bits a byte, the lowest first, its sign in the lowest bit.
    fn long(&mut self, what: &str) -> Result<i64> {
        let mut value = 0u64;
        let start = self.at;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array(what)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        bail!("cannot decode binary {what}: a number of more than 64 bits at byte {start}")
    }

    fn bytes(&mut self, what: &str) -> Result<&'a [u8]> {
        let start = self.at;
        let length = self.long(what)?;
        match usize::try_from(length) {
            Ok(length) => self.take(length, what),
            Err(_) => bail!("cannot decode binary {what}: negative size {length} at byte {start}"),
        }
    }

    fn text(&mut self, what: &str) -> Result<Cow<'a, str>> {
        Ok(String::from_utf8_lossy(self.bytes(what)?))
    }

    fn value(&mut self, place: Place, depth: usize) -> Result<Datum<'a>> {
        if depth > DEEPEST {
            bail!(
                "cannot decode binary: values nested too deeply at byte {}",
                self.at
            );
        }
        let schema = self.schema;
        let start = self.at;
        let value = match schema.get(place) {
            Type::Null => Datum::Null,
            Type::Boolean => match self.array("boolean")? {
                [0] => Datum::Bool(false),
                [1] => Datum::Bool(true),
                [other] => {
                    bail!("cannot decode binary boolean: expected 0 or 1, received {other} at byte {start}")
                }
            },
            // Telegraf keeps the lower half of what is no int.
            Type::Int => Datum::Int(i64::from(self.long("int")? as i32)),
            Type::Long => Datum::Int(self.long("long")?),
            Type::Float => Datum::Float(f32::from_le_bytes(self.array("float")?)),
            Type::Double => Datum::Double(f64::from_le_bytes(self.array("double")?)),
            Type::Bytes => Datum::Bytes(self.bytes("bytes")?.into()),
            Type::String => Datum::Text(self.text("string")?),
            Type::Fixed(size) => Datum::Bytes(self.take(*size, "fixed")?.into()),
            Type::Decimal { scale, fixed } => {
                let bytes = match fixed {
                    Some(size) => self.take(*size, "decimal")?,
                    None => self.bytes("decimal")?,
                };
                Datum::Double(decimal(bytes, *scale))
            }
            Type::Enum(symbols) => {
                let index = self.long("enum")?;
                match usize::try_from(index).ok().and_then(|index| symbols.get(index)) {
                    Some(symbol) => Datum::Text(Cow::Borrowed(symbol)),
                    None => bail!(
                        "cannot decode binary enum: index ought to be between 0 and {}; read index: {index}",
                        symbols.len() - 1
                    ),
                }
            }
            Type::Union(members) => {
                let index = self.long("union")?;
                match usize::try_from(index).ok().and_then(|index| members.get(index)) {
                    Some((name, place)) => match self.value(*place, depth + 1)? {
                        Datum::Null => Datum::Null,
                        value => Datum::Union(name, Box::new(value)),
                    },
                    None => bail!(
                        "cannot decode binary union: index ought to be between 0 and {}; read index: {index}",
                        members.len() - 1
                    ),
                }
            }
            Type::Array(items) => {
                let mut array = Vec::new();
                self.blocks("array", |reader| {
                    array.push(reader.value(*items, depth + 1)?);
                    Ok(())
                })?;
                Datum::Array(array)
            }
            Type::Map(values) => {
                let mut map = Vec::new();
                self.blocks("map", |reader| {
                    let key = reader.text("map key")?;
                    map.push((key, reader.value(*values, depth + 1)?));
                    Ok(())
                })?;
                Datum::Map(map)
            }
            Type::Record(fields) => {
                let mut record = Vec::with_capacity(fields.len());
                for field in fields {
                    let value = self
                        .value(field.place, depth + 1)
                        .with_context(|| format!("field {:?}", field.name))?;
                    record.push((Cow::Borrowed(field.name.as_str()), value));
                }
                Datum::Map(record)
            }
        };
        if self.at == start {
            self.empty += 1;
            if self.empty > MOST_EMPTY {
                bail!("cannot decode binary: too many values without content at byte {start}");
            }
        }
        Ok(value)
    }

    /// Reads the blocks of an array or map: each begins with the count of its items, and ends with a count of zero.
    fn blocks(&mut self, what: &str, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        loop {
            let count = self.long(what)?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // Then the block's size follows, for those who skip it.
                self.long(what)?;
            }
            for _ in 0..count.unsigned_abs() {
                item(self)?;
            }
        }
    }
}

/// A number in two's complement, the highest byte first, with so many decimal digits behind the point.
pub(crate) fn decimal(bytes: &[u8], scale: i32) -> f64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    if let Some(small) = bytes.len().checked_sub(17).map_or(Some(bytes), |_| None) {
        let fill = if negative { 0xff } else { 0 };
        let mut wide = [fill; 16];
        wide[16 - small.len()..].copy_from_slice(small);
        // The digits decide, so that 0.1 is 0.1.
        let digits = i128::from_be_bytes(wide);
        return format!("{digits}e-{scale}").parse().unwrap_or(f64::NAN);
    }
    let sum = bytes.iter().fold(0.0, |sum, byte| {
        let byte = if negative { !byte } else { *byte };
        sum * 256.0 + f64::from(byte)
    });
    let number = if negative { -(sum + 1.0) } else { sum };
    number / 10f64.powi(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_every_length() {
        for (bytes, scale, wanted) in [
            (&[0x01, 0x3b][..], 2, 3.15),
            (&[0xff], 1, -0.1),
            (&[], 0, 0.0),
            (&[0x80, 0], 0, -32768.0),
            (&[0; 17], 3, 0.0),
            (&[0xff; 17], 0, -1.0),
        ] {
            assert_eq!(decimal(bytes, scale), wanted, "{bytes:?}");
        }
        let mut large = vec![1];
        large.extend([0; 17]);
        assert_eq!(decimal(&large, 0), 2f64.powi(136));
    }
}
