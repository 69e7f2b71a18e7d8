//! Bytes in, the fields of a protobuf message out, one after the other and without copies; who does not know a field goes on
//! to the next.

/// A field's content as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Wire<'a> {
    /// Whole numbers and truth values; 0 for what is none.
    pub(super) fn number(self) -> u64 {
        match self {
            Wire::Varint(n) | Wire::Fixed64(n) => n,
            Wire::Fixed32(n) => u64::from(n),
            Wire::Bytes(_) => 0,
        }
    }
    /// Texts, bytes and messages; nothing for what is none.
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Wire::Bytes(bytes) => bytes,
            _ => &[],
        }
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    what: &'static str,
    /// Where in memory: a part does not know where it lies in the whole.
    address: usize,
}

impl Malformed {
    pub(super) fn at(rest: &[u8], what: &'static str) -> Malformed {
        Malformed {
            what,
            address: rest.as_ptr().addr(),
        }
    }
    /// The text of the error, with its place in the whole payload.
    pub(super) fn describe(self, payload: &[u8]) -> String {
        let at = self.address.wrapping_sub(payload.as_ptr().addr());
        format!(
            "not a Sparkplug B payload: {} at byte {at} of {}",
            self.what,
            payload.len()
        )
    }
}

/// The fields of a message, in the order of the bytes.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Fields<'a> {
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

    /// The next field with its number.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.rest;
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(array(self.take(8)?))),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(length)?)
            }
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

/// Appends a field that is a number.
pub(super) fn put_number(out: &mut Vec<u8>, field: u64, mut value: u64) {
    out.push((field << 3) as u8);
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a field of at most 127 bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    debug_assert!(bytes.len() < 128, "one byte of length");
    out.push((field << 3) as u8 | 2);
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
        let (mut fields, mut found) = (Fields::of(bytes), Vec::new());
        while let Some(field) = fields.next().map_err(|e| e.describe(bytes))? {
            found.push(field);
        }
        Ok(found)
    }

    #[test]
    fn every_kind_of_field_is_read() {
        let mut bytes = vec![0x0d, 1, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0, 0, 0];
        put_number(&mut bytes, 3, u64::MAX);
        put_bytes(&mut bytes, 4, b"text");
        assert_eq!(
            all(&bytes),
            Ok(vec![
                (1, Wire::Fixed32(1)),
                (2, Wire::Fixed64(2)),
                (3, Wire::Varint(u64::MAX)),
                (4, Wire::Bytes(b"text")),
            ])
        );
        assert_eq!(Wire::Bytes(b"x").number(), 0);
        assert_eq!(Wire::Varint(7).bytes(), b"");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (bytes, message) in [
            (&[0x08][..], "a number that breaks off at byte 1 of 1"),
            (&[0x08, 1, 0x0b], "a field of an unknown kind at byte 2 of 3"),
            (
                &[0x12, 9, 1],
                "a field that ends beyond its message at byte 2 of 3",
            ),
            (&[0x00, 1], "a field without a number at byte 0 of 2"),
            (&[0x0d, 1], "a field that ends beyond its message at byte 1 of 2"),
            (
                &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
                "a number of more than 64 bits at byte 1 of 11",
            ),
        ] {
            assert_eq!(all(bytes), Err(format!("not a Sparkplug B payload: {message}")));
        }
    }
}
