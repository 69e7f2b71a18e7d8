//! From a file's bytes to text: character encodings and byte order marks.

use wheatstone_plugin::prelude::*;

/// How characters are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The bytes are taken as they are.
    None,
    /// UTF-8, checked.
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
}

impl Encoding {
    /// Reads the option `character_encoding`.
    pub fn parse(name: &str) -> Result<Encoding> {
        Ok(match name {
            "" | "none" => Encoding::None,
            "utf-8" => Encoding::Utf8,
            "utf-16le" => Encoding::Utf16Le,
            "utf-16be" => Encoding::Utf16Be,
            _ => bail!(
                "unknown character encoding {name:?}: use \"utf-8\", \"utf-16le\", \"utf-16be\" or \"none\""
            ),
        })
    }

    /// The text as UTF-8, without a byte order mark. What is not valid becomes U+FFFD; [`Encoding::None`] checks nothing.
    pub fn decode(self, bytes: Vec<u8>) -> Vec<u8> {
        let text = match self {
            Encoding::None => bytes,
            Encoding::Utf8 => match String::from_utf8_lossy(&bytes) {
                std::borrow::Cow::Borrowed(_) => bytes,
                std::borrow::Cow::Owned(text) => text.into_bytes(),
            },
            Encoding::Utf16Le => utf16(&bytes, u16::from_le_bytes),
            Encoding::Utf16Be => utf16(&bytes, u16::from_be_bytes),
        };
        match mark(&text) {
            0 => text,
            n => text[n..].to_vec(),
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let pairs = bytes.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    let units = pairs.map(|p| unit([p[0], p[1]]));
    let mut text: String = char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if odd {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.into_bytes()
}

/// The length of a byte order mark. UTF-32 comes first: its little-endian mark begins with that of UTF-16.
fn mark(bytes: &[u8]) -> usize {
    const MARKS: [&[u8]; 5] = [
        &[0, 0, 0xFE, 0xFF],
        &[0xFF, 0xFE, 0, 0],
        &[0xEF, 0xBB, 0xBF],
        &[0xFE, 0xFF],
        &[0xFF, 0xFE],
    ];
    MARKS.iter().find(|m| bytes.starts_with(m)).map_or(0, |m| m.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_utf_8() {
        let le = |s: &str| s.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let be = |s: &str| s.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        assert_eq!(Encoding::Utf16Le.decode(le("grüße 🌡")), "grüße 🌡".as_bytes());
        assert_eq!(Encoding::Utf16Be.decode(be("grüße 🌡")), "grüße 🌡".as_bytes());
        assert_eq!(Encoding::Utf8.decode("grüße".into()), "grüße".as_bytes());
        assert_eq!(Encoding::None.decode(vec![0x80, b'x']), [0x80, b'x']);
    }

    #[test]
    fn marks_are_skipped() {
        assert_eq!(Encoding::None.decode(b"\xEF\xBB\xBFx".to_vec()), b"x");
        assert_eq!(Encoding::Utf8.decode(b"\xEF\xBB\xBFx".to_vec()), b"x");
        assert_eq!(Encoding::Utf16Le.decode(b"\xFF\xFEx\0".to_vec()), b"x");
        assert_eq!(Encoding::Utf16Be.decode(b"\xFE\xFF\0x".to_vec()), b"x");
        assert_eq!(Encoding::None.decode(b"\xFF\xFE\0\0x".to_vec()), b"x");
        assert_eq!(Encoding::None.decode(Vec::new()), b"");
    }

    #[test]
    fn what_is_not_valid_is_replaced() {
        assert_eq!(
            Encoding::Utf8.decode(b"\xff\xfe".to_vec()),
            "\u{FFFD}\u{FFFD}".as_bytes()
        );
        // Half a surrogate pair, and half a unit.
        assert_eq!(
            Encoding::Utf16Be.decode(b"\xD8\x00\0x\0".to_vec()),
            "\u{FFFD}x\u{FFFD}".as_bytes()
        );
        assert!(Encoding::parse("latin1").is_err());
    }
}
