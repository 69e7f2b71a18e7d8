//! Finds the byte that ends a token, eight bytes at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes of `x` that are zero. Bytes above the first one marked may be marked wrongly.
#[inline(always)]
fn zeros(x: u64) -> u64 {
    x.wrapping_sub(ONES) & !x & HIGH
}

/// Marks the bytes of `x` that are a space or below it, with the same reservation.
#[inline(always)]
fn blanks(x: u64) -> u64 {
    x.wrapping_sub(ONES * 0x21) & !x & HIGH
}

/// Marks the bytes of `x` that are one of `stops`, or, where `BLANKS`, a space or below it, with the same reservation.
#[inline(always)]
fn hits<const BLANKS: bool, const N: usize>(x: u64, stops: [u8; N]) -> u64 {
    let mut hits = if BLANKS { blanks(x) } else { 0 };
    for stop in stops {
        hits |= zeros(x ^ (ONES * u64::from(stop)));
    }
    hits
}

/// The first byte at or after `at` that is one of `stops`, or, where `BLANKS`, a space or a control character;
/// the length of `data` where there is none.
#[inline(always)]
pub(crate) fn find<const BLANKS: bool, const N: usize>(data: &[u8], mut at: usize, stops: [u8; N]) -> usize {
    while let Some(chunk) = data.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let hits = hits::<BLANKS, N>(u64::from_le_bytes(*chunk), stops);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&b) = data.get(at) {
        if (BLANKS && b <= b' ') || stops.contains(&b) {
            break;
        }
        at += 1;
    }
    at
}

/// Whether `data` has none of `stops`, no space and no control character.
#[inline(always)]
pub(crate) fn has_none<const N: usize>(stops: [u8; N], data: &[u8]) -> bool {
    let hits = |x| hits::<true, N>(x, stops);
    let Some(last) = data.last_chunk::<8>() else {
        return match (data.first_chunk::<4>(), data.last_chunk::<4>()) {
            // The two halves may share bytes, as the last two chunks below may.
            (Some(first), Some(last)) => {
                let halves =
                    u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
                hits(halves) == 0
            }
            _ => data.iter().all(|b| *b > b' ' && !stops.contains(b)),
        };
    };
    let mut any = hits(u64::from_le_bytes(*last));
    let mut rest = data;
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        any |= hits(u64::from_le_bytes(*chunk));
        rest = after;
    }
    any == 0
}

/// The value of eight ASCII digits, or nothing where one of them is none.
#[inline(always)]
pub(crate) fn eight_digits(chunk: [u8; 8]) -> Option<u64> {
    let x = u64::from_le_bytes(chunk);
    let nibbles = 0xF0F0_F0F0_F0F0_F0F0;
    if (x & nibbles) | ((x.wrapping_add(0x0606_0606_0606_0606) & nibbles) >> 4) != 0x3333_3333_3333_3333 {
        return None;
    }
    // Pairs, then fours, then all eight: each step joins neighbours with one multiplication.
    let x = x & 0x0F0F_0F0F_0F0F_0F0F;
    let x = (x.wrapping_mul(2561) >> 8) & 0x00FF_00FF_00FF_00FF;
    let x = (x.wrapping_mul(6_553_601) >> 16) & 0x0000_FFFF_0000_FFFF;
    Some(x.wrapping_mul(42_949_672_960_001) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stop_is_found_wherever_it_lies() {
        for lead in 0..20 {
            for tail in 0..20 {
                for stop in [b',', b'=', b' ', b'\t', b'\n', 0] {
                    let mut text = vec![b'a'; lead];
                    text.push(stop);
                    text.extend(vec![0xC3; tail]);
                    assert_eq!(find::<true, 2>(&text, 0, [b',', b'=']), lead);
                }
            }
        }
    }

    #[test]
    fn a_stop_is_missed_nowhere() {
        for len in 0..40 {
            assert!(has_none([b',', b'='], &vec![0xC3; len]));
            for at in 0..len {
                for stop in [b',', b'=', b' ', b'\t', 0] {
                    let mut text = vec![b'!'; len];
                    text[at] = stop;
                    assert!(!has_none([b',', b'='], &text), "{stop} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn neighbours_of_stops_are_not_stops() {
        let text = [
            b'!', b'+', b'-', b'<', b'>', 0x7F, 0x80, 0x8C, 0xBD, 0xFF, b'~', b'[', b']',
        ];
        assert_eq!(find::<true, 3>(&text, 0, [b',', b'=', b'\\']), text.len());
        assert!(has_none([b',', b'=', b'\\'], &text));
        assert_eq!(find::<false, 1>(b"a b\nc,", 0, [b',']), 5);
    }

    #[test]
    fn eight_digits_are_read_at_once() {
        assert_eq!(eight_digits(*b"12345678"), Some(12_345_678));
        assert_eq!(eight_digits(*b"00000000"), Some(0));
        assert_eq!(eight_digits(*b"99999999"), Some(99_999_999));
        for (i, bad) in [b'/', b':', b' ', b'i', b'.', 0xB0].into_iter().enumerate() {
            let mut text = *b"12345678";
            text[i] = bad;
            assert_eq!(eight_digits(text), None, "{bad}");
        }
    }
}
