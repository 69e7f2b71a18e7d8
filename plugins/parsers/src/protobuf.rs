//! Bytes of a protobuf message in, its fields out, one by one: enough to read the few messages that parsers know.

use wheatstone_plugin::prelude::*;

/// A message, or what is left of it. It knows where in the payload it begins, for errors.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    rest: &'a [u8],
    at: usize,
}

/// A field's value as it lies on the wire.
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    /// Four bytes, which no message here has.
    Fixed32,
    /// A text, a message, or numbers packed one behind the other.
    Bytes(Message<'a>),
}

/// A field with its number.
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    wire: Wire<'a>,
    at: usize,
}

impl<'a> Message<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Message<'a> {
        Message { rest: payload, at: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next field; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>> {
        if self.is_done() {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Wire::Bytes(self.delimited()?),
            5 => {
                self.take(4)?;
                Wire::Fixed32
            }
            other => bail!("protobuf: wire type {other} at byte {at}"),
        };
        match tag >> 3 {
            0 => bail!("protobuf: field number 0 at byte {at}"),
            number => Ok(Some(Field { number, wire, at })),
        }
    }

    /// A part that has its length before it.
    pub(crate) fn delimited(&mut self) -> Result<Message<'a>> {
        let length = self.varint()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let at = self.at;
        Ok(Message {
            rest: self.take(length)?,
            at,
        })
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for (n, byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * n);
            if byte & 0x80 == 0 {
                // The tenth byte has room for one bit.
                if n == 9 && *byte > 1 {
                    break;
                }
                self.rest = &self.rest[n + 1..];
                self.at += n + 1;
                return Ok(value);
            }
        }
        bail!("protobuf: no number at byte {}", self.at)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            bail!(
                "protobuf: {length} bytes wanted at byte {}, {} are left",
                self.at,
                self.rest.len()
            );
        };
        self.rest = rest;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into()?)
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
            Wire::Bytes(message) => Ok(message),
            _ => self.wrong("message"),
        }
    }

    pub(crate) fn text(&self) -> Result<String> {
        let text = std::str::from_utf8(self.message()?.rest).map(str::to_owned);
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
        let Wire::Bytes(mut packed) = self.wire else {
            out.push(self.double()?);
            return Ok(());
        };
        while !packed.is_done() {
            out.push(f64::from_le_bytes(packed.array()?));
        }
        Ok(())
    }

    /// Appends signed numbers, one or packed.
    pub(crate) fn sints(&self, out: &mut Vec<i64>) -> Result<()> {
        let Wire::Bytes(mut packed) = self.wire else {
            out.push(self.sint()?);
            return Ok(());
        };
        while !packed.is_done() {
            out.push(zigzag(packed.varint()?));
        }
        Ok(())
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Writes messages, for tests.
#[cfg(test)]
pub(crate) mod write {
    /// A message that grows.
    #[derive(Default)]
    pub(crate) struct Draft(pub(crate) Vec<u8>);

    impl Draft {
        pub(crate) fn varint(mut self, mut value: u64) -> Draft {
            while value > 0x7f {
                self.0.push(value as u8 | 0x80);
                value >>= 7;
            }
            self.0.push(value as u8);
            self
        }
        pub(crate) fn uint(self, number: u64, value: u64) -> Draft {
            self.varint(number << 3).varint(value)
        }
        pub(crate) fn sint(self, number: u64, value: i64) -> Draft {
            self.uint(number, (value << 1 ^ value >> 63) as u64)
        }
        pub(crate) fn double(self, number: u64, value: f64) -> Draft {
            let mut draft = self.varint(number << 3 | 1);
            draft.0.extend(value.to_le_bytes());
            draft
        }
        pub(crate) fn bytes(self, number: u64, value: &[u8]) -> Draft {
            let mut draft = self.varint(number << 3 | 2).varint(value.len() as u64);
            draft.0.extend(value);
            draft
        }
        pub(crate) fn text(self, number: u64, value: &str) -> Draft {
            self.bytes(number, value.as_bytes())
        }
        pub(crate) fn message(self, number: u64, value: Draft) -> Draft {
            self.bytes(number, &value.0)
        }
        /// The message with its length before it.
        pub(crate) fn delimited(self) -> Vec<u8> {
            let mut out = Draft::default().varint(self.0.len() as u64).0;
            out.extend(self.0);
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::write::Draft;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_come_in_their_order() {
        let draft = Draft::default()
            .uint(1, 300)
            .sint(2, -3)
            .double(3, 1.5)
            .text(4, "é");
        let mut message = Message::new(&draft.0);
        let mut seen = Vec::new();
        while let Some(field) = message.next().expect("a field") {
            seen.push(match field.number {
                1 => field.uint().map(|v| v.to_string()),
                2 => field.sint().map(|v| v.to_string()),
                3 => field.double().map(|v| v.to_string()),
                _ => field.text(),
            });
        }
        let seen: Vec<String> = seen.into_iter().flatten().collect();
        assert_eq!(seen, ["300", "-3", "1.5", "é"]);
    }

    #[test]
    fn what_is_cut_or_wrong_is_an_error_with_its_place() {
        let error = |bytes: &[u8]| Message::new(bytes).next().err().map(|e| e.to_string());
        assert_eq!(error(b"\x08").as_deref(), Some("protobuf: no number at byte 1"));
        assert_eq!(
            error(b"\x0a\x05abc").as_deref(),
            Some("protobuf: 5 bytes wanted at byte 2, 3 are left")
        );
        assert_eq!(error(b"\x0b").as_deref(), Some("protobuf: wire type 3 at byte 0"));
        assert_eq!(
            error(b"\x00\x01").as_deref(),
            Some("protobuf: field number 0 at byte 0")
        );
        assert_eq!(
            error(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02").as_deref(),
            Some("protobuf: no number at byte 0")
        );
    }

    proptest! {
        #[test]
        fn numbers_come_back(uint: u64, sints: Vec<i64>, double: f64) {
            let packed = sints.iter().fold(Draft::default(), |d, v| d.varint((v << 1 ^ v >> 63) as u64));
            let draft = Draft::default().uint(1, uint).bytes(2, &packed.0).double(3, double);
            let mut message = Message::new(&draft.0);
            let mut read = Vec::new();
            while let Some(field) = message.next().expect("a field") {
                match field.number {
                    1 => prop_assert_eq!(field.uint().expect("a number"), uint),
                    2 => field.sints(&mut read).expect("numbers"),
                    _ => prop_assert_eq!(field.double().expect("a double").to_bits(), double.to_bits()),
                }
            }
            prop_assert_eq!(read, sints);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut message = Message::new(&bytes);
            while let Ok(Some(field)) = message.next() {
                let _ = (field.text(), field.doubles(&mut Vec::new()), field.sints(&mut Vec::new()));
            }
        }
    }
}
