//! Hexadecimal or Base64 digits in, bytes out, with the error texts of Go.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use wheatstone_plugin::prelude::*;

/// Reads pairs of hexadecimal digits.
pub(super) fn hex(text: &[u8]) -> Result<Vec<u8>> {
    let digit = |byte: u8| match char::from(byte).to_digit(16) {
        Some(digit) => Ok(digit as u8),
        None => {
            let shown = char::from(byte);
            let name = if shown.is_control() {
                String::new()
            } else {
                format!(" '{shown}'")
            };
            bail!("encoding/hex: invalid byte: U+{byte:04X}{name}")
        }
    };
    let (pairs, rest) = text.as_chunks::<2>();
    let mut out = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        out.push(digit(*high)? << 4 | digit(*low)?);
    }
    if let [last] = rest {
        digit(*last)?;
        bail!("encoding/hex: odd length hex string");
    }
    Ok(out)
}

/// A payload in hexadecimal digits: a prefix may stand before them, spaces and tabs between them.
pub(super) fn hex_payload(payload: &[u8]) -> Result<Vec<u8>> {
    let text = payload.strip_prefix(b"0x").unwrap_or(payload);
    let text = text.strip_prefix(b"x").unwrap_or(text).trim_ascii();
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !matches!(b, b' ' | b'\t'))
        .collect();
    hex(&digits).context("decoding hex failed")
}

/// A payload in padded Base64; line breaks are skipped.
pub(super) fn base64_payload(payload: &[u8]) -> Result<Vec<u8>> {
    const GO: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let text = payload.trim_ascii();
    let mut places = Vec::new();
    let digits: Vec<u8> = text
        .iter()
        .enumerate()
        .filter(|(_, b)| !matches!(b, b'\r' | b'\n'))
        .map(|(at, b)| {
            places.push(at);
            *b
        })
        .collect();
    GO.decode(&digits).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) => at,
            _ => digits.len() - digits.len() % 4,
        };
        let place = places.get(at).copied().unwrap_or(text.len());
        anyhow!("decoding base64 failed: illegal base64 data at input byte {place}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bytes() {
        for text in ["0x00fF10", "x00ff10", "00 FF\t10", " 00ff10 \n"] {
            assert_eq!(
                hex_payload(text.as_bytes()).ok(),
                Some(vec![0, 255, 16]),
                "{text}"
            );
        }
        assert_eq!(
            base64_payload(b" RDLA\nAA==\n").ok(),
            Some(vec![0x44, 0x32, 0xc0, 0])
        );
        // The last digit's spare bits do not matter.
        assert_eq!(base64_payload(b"RDLAAB==").ok(), Some(vec![0x44, 0x32, 0xc0, 0]));
    }

    #[test]
    fn what_is_no_digit_is_named() {
        let hex = |text: &str| hex_payload(text.as_bytes()).err().map(|e| format!("{e:#}"));
        assert_eq!(
            hex("0g").as_deref(),
            Some("decoding hex failed: encoding/hex: invalid byte: U+0067 'g'")
        );
        assert_eq!(
            hex("012").as_deref(),
            Some("decoding hex failed: encoding/hex: odd length hex string")
        );
        assert_eq!(
            hex("0\u{1}").as_deref(),
            Some("decoding hex failed: encoding/hex: invalid byte: U+0001")
        );
        let base64 = |text: &str| base64_payload(text.as_bytes()).err().map(|e| format!("{e:#}"));
        for (text, at) in [("RDLA\nA*==", 6), ("RDLAAA", 4), ("RDLAA", 4)] {
            let wanted = format!("decoding base64 failed: illegal base64 data at input byte {at}");
            assert_eq!(base64(text), Some(wanted), "{text}");
        }
    }
}
