//! Values in, the bytes of a protobuf message out.

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
    #[cfg(test)]
    pub(crate) fn sint(self, number: u64, value: i64) -> Draft {
        self.uint(number, (value << 1 ^ value >> 63) as u64)
    }
    #[cfg(test)]
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
    #[cfg(test)]
    pub(crate) fn delimited(self) -> Vec<u8> {
        let mut out = Draft::default().varint(self.0.len() as u64).0;
        out.extend(self.0);
        out
    }
}
