//! A message in, values out: each field must be of the kind that it is read as, and what is wrong is an error with its place.

use wheatstone_plugin::prelude::*;

use super::{Fields, Malformed, Wire};

/// A message, or what is left of it. It knows the whole payload, for errors.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    payload: &'a [u8],
    fields: Fields<'a>,
}

/// A field with its number.
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    wire: Wire<'a>,
    at: usize,
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Message<'a> {
        Message {
            payload,
            fields: Fields::of(payload),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.fields.rest.is_empty()
    }

    fn read<T>(&mut self, read: impl FnOnce(&mut Fields<'a>) -> Result<T, Malformed>) -> Result<T> {
        read(&mut self.fields).map_err(|e| anyhow!("protobuf: {}", e.describe(self.payload)))
    }

    /// The next field; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>> {
        let (payload, rest) = (self.payload, self.fields.rest);
        let at = rest.as_ptr().addr().wrapping_sub(payload.as_ptr().addr());
        let field = self.read(Fields::next)?;
        Ok(field.map(|(number, wire)| Field {
            number,
            wire,
            at,
            payload,
        }))
    }

    /// A message that has its length before it.
    pub(crate) fn delimited(&mut self) -> Result<Message<'a>> {
        let fields = Fields::of(self.read(Fields::delimited)?);
        Ok(Message {
            payload: self.payload,
            fields,
        })
    }
}

impl<'a> Field<'a> {
    fn wrong<T>(&self, wanted: &str) -> Result<T> {
        bail!(
            "protobuf: field {} at byte {} is no {wanted}",
            self.number,
            self.at
        )
    }

    pub(crate) fn message(&self) -> Result<Message<'a>> {
        match self.wire {
            Wire::Bytes(bytes) => Ok(Message {
                payload: self.payload,
                fields: Fields::of(bytes),
            }),
            _ => self.wrong("message"),
        }
    }

    pub(crate) fn text(&self) -> Result<String> {
        let text = std::str::from_utf8(self.message()?.fields.rest).map(str::to_owned);
        text.map_err(|_| anyhow!("protobuf: field {} at byte {} is not UTF-8", self.number, self.at))
    }

    pub(crate) fn double(&self) -> Result<f64> {
        match self.wire {
            Wire::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => self.wrong("double"),
        }
    }

    pub(crate) fn uint(&self) -> Result<u64> {
        match self.wire {
            Wire::Varint(value) => Ok(value),
            _ => self.wrong("number"),
        }
    }

    /// A signed number, negative ones in ten bytes.
    pub(crate) fn int(&self) -> Result<i64> {
        Ok(self.uint()? as i64)
    }

    /// A signed number, its sign in the lowest bit.
    pub(crate) fn sint(&self) -> Result<i64> {
        Ok(zigzag(self.uint()?))
    }

    /// Appends doubles, one or packed.
    pub(crate) fn doubles(&self, out: &mut Vec<f64>) -> Result<()> {
        if !matches!(self.wire, Wire::Bytes(_)) {
            out.push(self.double()?);
            return Ok(());
        }
        let mut packed = self.message()?;
        while !packed.is_done() {
            out.push(f64::from_bits(packed.read(Fields::fixed64)?));
        }
        Ok(())
    }

    /// Appends signed numbers, one or packed.
    pub(crate) fn sints(&self, out: &mut Vec<i64>) -> Result<()> {
        if !matches!(self.wire, Wire::Bytes(_)) {
            out.push(self.sint()?);
            return Ok(());
        }
        let mut packed = self.message()?;
        while !packed.is_done() {
            out.push(zigzag(packed.read(Fields::varint)?));
        }
        Ok(())
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
