//! Bytes of a protobuf message in, its fields out, one after the other and without copies; who does not know a field goes on
//! to the next. Enough to read and write the few messages that parsers know.

mod draft;
mod message;
#[cfg(test)]
mod tests;

pub(crate) use draft::Draft;
pub(crate) use message::{Field, Message};

/// A field's content as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Wire<'a> {
    /// Whole numbers and truth values; 0 for what is none.
    pub(crate) fn number(self) -> u64 {
        match self {
            Wire::Varint(n) | Wire::Fixed64(n) => n,
            Wire::Fixed32(n) => u64::from(n),
            Wire::Bytes(_) => 0,
        }
    }
    /// Texts, bytes and messages; nothing for what is none.
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Wire::Bytes(bytes) => bytes,
            _ => &[],
        }
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    what: &'static str,
    /// Where in memory: a part does not know where it lies in the whole.
    address: usize,
}

impl Malformed {
    pub(crate) fn at(rest: &[u8], what: &'static str) -> Malformed {
        Malformed {
            what,
            address: rest.as_ptr().addr(),
        }
    }
    /// The text of the error, with its place in the whole payload.
    pub(crate) fn describe(self, payload: &[u8]) -> String {
        let at = self.address.wrapping_sub(payload.as_ptr().addr());
        format!("{} at byte {at} of {}", self.what, payload.len())
    }
}

/// The fields of a message, in the order of the bytes.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let (mut value, mut shift) = (0u64, 0);
        for (i, byte) in self.rest.iter().enumerate() {
            // Nine bytes hold 63 bits, the tenth the last one.
            if shift == 63 && *byte > 1 {
                return Err(Malformed::at(self.rest, "a number of more than 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
            shift += 7;
        }
        Err(Malformed::at(self.rest, "a number that breaks off"))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        match usize::try_from(length)
            .ok()
            .and_then(|n| self.rest.split_at_checked(n))
        {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(Malformed::at(self.rest, "a field that ends beyond its message")),
        }
    }

    fn fixed64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(array(self.take(8)?)))
    }

    /// A part that has its length before it.
    fn delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.varint()?;
        self.take(length)
    }

    /// The next field with its number; none at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.rest;
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(self.fixed64()?),
            2 => Wire::Bytes(self.delimited()?),
            5 => Wire::Fixed32(u32::from_le_bytes(array(self.take(4)?))),
            _ => return Err(Malformed::at(start, "a field of an unknown kind")),
        };
        if tag >> 3 == 0 {
            return Err(Malformed::at(start, "a field without a number"));
        }
        Ok(Some((tag >> 3, wire)))
    }
}

/// A slice of just this length as an array.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}
