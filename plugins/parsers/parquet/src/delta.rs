//! Lengths of texts in the encodings DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY, before the library makes room for them: it
//! takes their number as the page states it, and a text may repeat all of the one before.
//!
//! Format: <https://github.com/apache/parquet-format/blob/master/Encodings.md>.

use parquet::basic::Encoding;
use parquet::column::page::Page;

use crate::varint::{take, varint, zigzag};

/// The highest levels of a column, of repetition and of definition.
pub(crate) type Levels = [i16; 2];

/// How many bytes the texts of a page have that are not in it, being repeated; nothing where the page is damaged.
pub(crate) fn repeated(page: &Page, levels: Levels) -> Option<usize> {
    if !matches!(
        page.encoding(),
        Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY
    ) {
        return Some(0);
    }
    let mut data = values_of(page, levels)?;
    let most = page.num_values() as usize;
    let mut sum = 0usize;
    if page.encoding() == Encoding::DELTA_BYTE_ARRAY {
        each(&mut data, most, |prefix| {
            sum = sum.saturating_add(usize::try_from(prefix).unwrap_or(0));
        })?;
    }
    each(&mut data, most, |_| ())?;
    Some(sum)
}

/// The bytes of a page behind its levels.
fn values_of(page: &Page, levels: Levels) -> Option<&[u8]> {
    match page {
        Page::DataPage {
            buf,
            num_values,
            rep_level_encoding,
            def_level_encoding,
            ..
        } => {
            let mut rest: &[u8] = buf;
            for (highest, encoding) in levels.into_iter().zip([rep_level_encoding, def_level_encoding]) {
                if highest <= 0 {
                    continue;
                }
                let length = match encoding {
                    Encoding::RLE => {
                        let (length, behind) = rest.split_first_chunk()?;
                        rest = behind;
                        u32::from_le_bytes(*length) as usize
                    }
                    // Bits without a length.
                    _ => {
                        let width = (i16::BITS - highest.leading_zeros()) as usize;
                        (*num_values as usize).checked_mul(width)?.div_ceil(8)
                    }
                };
                rest = rest.get(length..)?;
            }
            Some(rest)
        }
        Page::DataPageV2 {
            buf,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => buf.get((*def_levels_byte_len as usize).checked_add(*rep_levels_byte_len as usize)?..),
        Page::DictionaryPage { .. } => None,
    }
}

/// Calls `see` with each number of a DELTA_BINARY_PACKED sequence of 32-bit integers, at most `most` of them, and leaves what is
/// behind it.
fn each(data: &mut &[u8], most: usize, mut see: impl FnMut(i32)) -> Option<()> {
    let block = usize::try_from(varint(data)?).ok()?;
    let miniblocks = usize::try_from(varint(data)?).ok()?;
    let mut left = usize::try_from(varint(data)?).ok()?;
    let mut value = zigzag(data)?;
    let size = block.checked_div(miniblocks)?;
    if left > most || size == 0 || !size.is_multiple_of(32) {
        return None;
    }
    if left > 0 {
        see(value as i32);
        left -= 1;
    }
    while left > 0 {
        let least = zigzag(data)?;
        let widths = take(data, miniblocks)?;
        for width in widths {
            if left == 0 {
                break;
            }
            let width = usize::from(*width);
            let packed = take(data, width.checked_mul(size)? / 8)?;
            let here = size.min(left);
            left -= here;
            for at in 0..here {
                value = value.wrapping_add(least).wrapping_add(bits(packed, at, width)?);
                see(value as i32);
            }
        }
    }
    Some(())
}

/// The number at a place among those of this many bits, the lowest first.
fn bits(packed: &[u8], at: usize, width: usize) -> Option<i64> {
    let (from, to) = (at * width, (at + 1) * width);
    if width > 32 {
        return None;
    }
    let bytes = packed.get(from / 8..to.div_ceil(8))?;
    let value = bytes
        .iter()
        .rev()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    Some(((value >> (from % 8)) & ((1 << width) - 1)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_read() {
        // 1, then 34 more, each 3 above the one before but the last, which is 4 above: a block of four miniblocks, of which the
        // first needs no bits and the second one for each. Behind it stands a 7.
        let bytes = *b"\x80\x01\x04\x23\x02\x06\x00\x01\x00\x00\x02\x00\x00\x00\x07";
        let (mut data, mut seen) = (&bytes[..], Vec::new());
        assert_eq!(each(&mut data, 35, |v| seen.push(v)), Some(()));
        assert_eq!(data, [7]);
        assert_eq!(seen.len(), 35);
        assert_eq!(seen[..3], [1, 4, 7]);
        assert_eq!(seen[32..], [97, 100, 104]);
        assert_eq!(each(&mut &bytes[..], 34, |_| ()), None, "more than the page has");
        assert_eq!(each(&mut &bytes[..12], 35, |_| ()), None, "cut off");
        for bad in [
            &b""[..],
            b"\x80\x01\x00\x02\x02",
            b"\x80\x01\x08\x02\x02",
            b"\x00\x04\x02\x02",
        ] {
            assert_eq!(each(&mut &bad[..], 35, |_| ()), None, "{bad:x?}");
        }
    }

    #[test]
    fn numbers_lie_across_bytes() {
        // 5, 6, 7 in three bits each.
        let packed = [0b1111_0101, 0b1];
        assert_eq!(
            [0, 1, 2].map(|at| bits(&packed, at, 3)),
            [Some(5), Some(6), Some(7)]
        );
        assert_eq!(bits(&packed, 5, 3), None);
        assert_eq!(bits(&[0xff; 8], 1, 32), Some(0xffff_ffff));
        assert_eq!(bits(&[0xff; 16], 0, 33), None);
        assert_eq!(bits(&[], 3, 0), Some(0));
    }
}
