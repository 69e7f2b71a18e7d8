//! Base 64, base 32 and checksums.

use std::fmt::Write;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::call::Param::Str;
use crate::call::{Function, function, string};

pub(super) static FUNCTIONS: &[Function] = &[
    function("b64enc", &[Str], |a| {
        Ok(encode(&BASE64, string(a, 0).as_bytes()).into())
    }),
    function("b64dec", &[Str], |a| Ok(decode(&BASE64, string(a, 0)).into())),
    function("b32enc", &[Str], |a| {
        Ok(encode(&BASE32, string(a, 0).as_bytes()).into())
    }),
    function("b32dec", &[Str], |a| Ok(decode(&BASE32, string(a, 0)).into())),
    function("sha1sum", &[Str], |a| Ok(hex(&Sha1::digest(string(a, 0))).into())),
    function("sha256sum", &[Str], |a| {
        Ok(hex(&Sha256::digest(string(a, 0))).into())
    }),
    function("sha512sum", &[Str], |a| {
        Ok(hex(&Sha512::digest(string(a, 0))).into())
    }),
    function("adler32sum", &[Str], |a| {
        Ok(adler32(string(a, 0).as_bytes()).to_string().into())
    }),
];

struct Base {
    name: &'static str,
    letters: &'static [u8],
    /// Bits that a letter stands for.
    bits: u32,
    /// Letters that make a group.
    group: usize,
}

const BASE64: Base = Base {
    name: "base64",
    letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    group: 4,
};
const BASE32: Base = Base {
    name: "base32",
    letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    bits: 5,
    group: 8,
};

fn encode(base: &Base, bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / base.bits as usize + base.group);
    let (mut held, mut count) = (0u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        count += 8;
        while count >= base.bits {
            count -= base.bits;
            out.push(char::from(
                base.letters[(held >> count) as usize % base.letters.len()],
            ));
        }
        held &= (1 << count) - 1;
    }
    if count > 0 {
        out.push(char::from(base.letters[(held << (base.bits - count)) as usize]));
    }
    while !out.len().is_multiple_of(base.group) {
        out.push('=');
    }
    out
}

pub(super) fn base64(bytes: &[u8]) -> String {
    encode(&BASE64, bytes)
}

/// The text that was encoded; where it is none, what is wrong with it, as sprig has it.
fn decode(base: &Base, text: &str) -> String {
    match decoded(base, text) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(at) => format!("illegal {} data at input byte {at}", base.name),
    }
}

fn decoded(base: &Base, text: &str) -> Result<Vec<u8>, usize> {
    let (mut held, mut count) = (0u32, 0);
    let (mut letters, mut padding) = (0, 0);
    let mut out = Vec::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\n' || byte == b'\r' {
            continue;
        }
        if byte == b'=' {
            padding += 1;
            if letters % base.group == 0 || (letters + padding) > letters.next_multiple_of(base.group) {
                return Err(at);
            }
            continue;
        }
        let value = base.letters.iter().position(|l| *l == byte);
        let Some(value) = value.filter(|_| padding == 0) else {
            return Err(at);
        };
        letters += 1;
        held = held << base.bits | value as u32;
        count += base.bits;
        if count >= 8 {
            count -= 8;
            out.push((held >> count) as u8);
            held &= (1 << count) - 1;
        }
    }
    // What is left over is less than a letter, and the padding fills the group.
    if count >= base.bits || (letters + padding) % base.group != 0 {
        // The place is that of the last, broken group.
        return Err(text.len() - (letters + padding) % base.group);
    }
    Ok(out)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_forms() {
        for (text, base64, base32) in [
            ("", "", ""),
            ("f", "Zg==", "MY======"),
            ("fo", "Zm8=", "MZXQ===="),
            ("foo", "Zm9v", "MZXW6==="),
            ("foobar", "Zm9vYmFy", "MZXW6YTBOI======"),
        ] {
            assert_eq!(encode(&BASE64, text.as_bytes()), base64);
            assert_eq!(encode(&BASE32, text.as_bytes()), base32);
        }
        assert_eq!(adler32(b"Wikipedia"), 300_286_872);
    }

    #[test]
    fn what_is_no_code_is_told() {
        for bad in ["Zg=", "Zg", "Z===", "Zg==x", "=", "a b=", "Zg==="] {
            assert!(
                decode(&BASE64, bad).starts_with("illegal base64 data at input byte "),
                "{bad}"
            );
        }
    }

    proptest! {
        #[test]
        fn there_and_back(bytes: Vec<u8>) {
            for base in [&BASE64, &BASE32] {
                prop_assert_eq!(decoded(base, &encode(base, &bytes)), Ok(bytes.clone()));
            }
        }
        #[test]
        fn nothing_panics(text: String) {
            for base in [&BASE64, &BASE32] {
                let _ = decode(base, &text);
            }
        }
    }
}
