//! Fields in, the bytes of a protobuf message out: enough to write the few messages that serializers know.

/// A message that grows.
#[derive(Default)]
pub(crate) struct Draft(Vec<u8>);

impl Draft {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A number; 0 is what is not there.
    pub(crate) fn uint(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.varint(field << 3);
            self.varint(value);
        }
    }

    /// A number with its sign in the lowest bit.
    pub(crate) fn sint(&mut self, field: u64, value: i64) {
        self.uint(field, (value << 1 ^ value >> 63) as u64);
    }

    /// A double, even where it is 0.
    pub(crate) fn double(&mut self, field: u64, value: f64) {
        self.varint(field << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A double; zero, of whichever sign, is what is not there.
    pub(crate) fn double_or_nothing(&mut self, field: u64, value: f64) {
        if value != 0.0 {
            self.double(field, value);
        }
    }

    /// Doubles one behind the other.
    pub(crate) fn doubles(&mut self, field: u64, values: &[f64]) {
        if !values.is_empty() {
            self.varint(field << 3 | 2);
            self.varint(values.len() as u64 * 8);
            values
                .iter()
                .for_each(|v| self.0.extend_from_slice(&v.to_le_bytes()));
        }
    }

    pub(crate) fn text(&mut self, field: u64, value: &str) {
        if !value.is_empty() {
            self.part(field, value.as_bytes());
        }
    }

    pub(crate) fn message(&mut self, field: u64, write: impl FnOnce(&mut Draft)) {
        let mut inner = Draft::default();
        write(&mut inner);
        self.part(field, &inner.0);
    }

    fn part(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_specification() {
        let mut draft = Draft::default();
        draft.uint(1, 150);
        draft.uint(9, 0);
        draft.sint(2, -2);
        draft.text(3, "é");
        draft.double_or_nothing(4, 0.0);
        draft.double_or_nothing(4, -0.0);
        draft.message(5, |inner| inner.doubles(1, &[1.0]));
        assert_eq!(
            draft.bytes(),
            b"\x08\x96\x01\x10\x03\x1a\x02\xc3\xa9\x2a\x0a\x0a\x08\0\0\0\0\0\0\xf0\x3f"
        );
    }
}
