//! Base64 texts in, floats of 32 bits out.

/// Why a text is no float in Base64, in Go's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base64Error {
    /// The byte where it stops being Base64.
    Illegal(usize),
    Length,
}

impl std::fmt::Display for Base64Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Base64Error::Illegal(at) => write!(f, "illegal base64 data at input byte {at}"),
            Base64Error::Length => f.write_str("decoded byte length is not 4 bytes"),
        }
    }
}

/// A float in IEEE 754's 32 bits, the highest byte first, in padded Base64 (RFC 4648); line breaks are skipped.
pub(super) fn float(text: &str) -> Result<f64, Base64Error> {
    let bytes = decode(text.as_bytes())?;
    let bytes: [u8; 4] = bytes.try_into().map_err(|_| Base64Error::Length)?;
    Ok(f64::from(f32::from_be_bytes(bytes)))
}

fn decode(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    let mut out = Vec::new();
    let mut at = 0;
    let skip_breaks = |mut at: usize| {
        while matches!(text.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    loop {
        let (mut bits, mut digits) = (0u32, 0);
        while digits < 4 {
            at = skip_breaks(at);
            let Some(b) = text.get(at) else {
                return if digits == 0 {
                    Ok(out)
                } else {
                    Err(Base64Error::Illegal(at - digits))
                };
            };
            at += 1;
            match (digit(*b), b) {
                (Some(digit), _) => bits = bits << 6 | digit,
                (None, b'=') if digits >= 2 => break,
                (None, _) => return Err(Base64Error::Illegal(at - 1)),
            }
            digits += 1;
        }
        let [_, first, second, third] = (bits << (6 * (4 - digits))).to_be_bytes();
        out.extend_from_slice(&[first, second, third][..digits - 1]);
        if digits == 4 {
            continue;
        }
        if digits == 2 {
            at = skip_breaks(at);
            match text.get(at) {
                Some(b'=') => at += 1,
                Some(_) => return Err(Base64Error::Illegal(at - 1)),
                None => return Err(Base64Error::Illegal(at)),
            }
        }
        at = skip_breaks(at);
        return if at == text.len() {
            Ok(out)
        } else {
            Err(Base64Error::Illegal(at))
        };
    }
}

fn digit(b: u8) -> Option<u32> {
    Some(match b {
        b'A'..=b'Z' => u32::from(b - b'A'),
        b'a'..=b'z' => u32::from(b - b'a') + 26,
        b'0'..=b'9' => u32::from(b - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_and_what_is_none() {
        assert_eq!(float("RKeAAA=="), Ok(1340.0));
        assert_eq!(float("RKeA\nAA=\n=\r\n"), Ok(1340.0));
        assert_eq!(float("RKeAAB=="), Ok(1340.0));
        for (text, at) in [
            ("RKeAAA", 4),
            ("RKeAAA=", 7),
            ("RKeAAA==x", 8),
            ("RK!AAA==", 2),
            ("R===", 1),
            ("RKeAAA=x", 6),
            ("R", 0),
        ] {
            assert_eq!(float(text), Err(Base64Error::Illegal(at)), "{text}");
        }
        for text in ["", "RKeA", "RKeAAAA="] {
            assert_eq!(float(text), Err(Base64Error::Length), "{text}");
        }
    }
}
