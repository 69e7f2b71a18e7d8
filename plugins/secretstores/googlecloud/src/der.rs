//! The little of DER that an elliptic curve's private key needs (RFC 5915).

/// The private and the public key of an `EC PRIVATE KEY`; none where the bytes are something else.
pub(crate) fn ec_key(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (0x30, mut rest, _) = element(bytes)? else {
        return None;
    };
    let (mut private, mut public) = (None, None);
    while !rest.is_empty() {
        let (tag, value, behind) = element(rest)?;
        rest = behind;
        match tag {
            0x04 => private = Some(value),
            // [1] holds a bit string, whose first byte counts unused bits.
            0xa1 => {
                public = element(value)
                    .filter(|(tag, ..)| *tag == 0x03)
                    .and_then(|(_, bits, _)| bits.get(1..))
            }
            _ => {}
        }
    }
    Some((private?, public?))
}

/// The tag and value of the first element, and what stands behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, behind) = rest.split_at_checked(count)?;
        length = digits.iter().fold(0, |n, d| n << 8 | usize::from(*d));
        rest = behind;
    }
    let (value, behind) = rest.split_at_checked(length)?;
    Some((tag, value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_and_nonsense_is_not() {
        let mut key = vec![
            0x30, 0x10, 0x02, 0x01, 0x01, 0x04, 0x02, 7, 8, 0xa1, 0x07, 0x03, 0x05, 0x00, 4, 1, 2, 3,
        ];
        assert_eq!(ec_key(&key), Some((&[7u8, 8][..], &[4u8, 1, 2, 3][..])));
        for len in 0..key.len() {
            assert_eq!(ec_key(&key[..len]), None);
        }
        key[1] = 0x84;
        assert_eq!(ec_key(&key), None);
        assert_eq!(ec_key(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
