//! A run of bits in, bytes out in which it stands right-aligned.

/// Bits that a payload does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfBounds {
    pub(super) offset: u64,
    pub(super) bits: u64,
}

impl std::fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "out-of-bounds @{} with {} bits", self.offset, self.bits)
    }
}
impl std::error::Error for OutOfBounds {}

/// Puts the `bits` at the bit `offset` into `out`, in place of what was there, zeros in front. Where they fill no whole bytes
/// there are as many bytes as the payload has them in, as in Telegraf: filters compare that many.
pub(super) fn extract(payload: &[u8], offset: u64, bits: u64, out: &mut Vec<u8>) -> Result<(), OutOfBounds> {
    out.clear();
    let missing = || OutOfBounds { offset, bits };
    let end = offset.checked_add(bits).ok_or_else(missing)?;
    let first = usize::try_from(offset / 8).map_err(|_| missing())?;
    let behind = usize::try_from(end.div_ceil(8)).map_err(|_| missing())?;
    let bytes = payload.get(first..behind).ok_or_else(missing)?;
    out.extend_from_slice(bytes);
    if let Some(first) = out.first_mut() {
        *first &= 0xff >> (offset % 8);
    }
    if !end.is_multiple_of(8) {
        let shift = 8 - end % 8;
        let mut carry = 0;
        for byte in out.iter_mut() {
            let whole = *byte;
            *byte = whole >> shift | carry;
            carry = whole << (8 - shift);
        }
        if bits.is_multiple_of(8) {
            // The first byte has been emptied.
            out.remove(0);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(payload: &[u8], offset: u64, bits: u64) -> Result<Vec<u8>, String> {
        let mut out = vec![7];
        extract(payload, offset, bits, &mut out).map_err(|e| e.to_string())?;
        Ok(out)
    }

    #[test]
    fn bits_are_cut_out_and_moved_to_the_right() {
        let payload = [0b1010_0101, 0b1100_0011, 0xff];
        for (offset, count, wanted) in [
            (0, 8, &[0b1010_0101][..]),
            (0, 3, &[0b101]),
            (4, 4, &[0b0101]),
            (5, 6, &[0, 0b10_1110]),
            (9, 0, &[]),
            (4, 8, &[0b0101_1100]),
            (1, 16, &[0b0100_1011, 0b1000_0111]),
            (3, 12, &[0b0010, 0b1110_0001]),
            (16, 8, &[0xff]),
            (24, 0, &[]),
        ] {
            assert_eq!(
                bits(&payload, offset, count).as_deref(),
                Ok(wanted),
                "{offset} {count}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let wrong = |offset, count| bits(&[0; 2], offset, count).expect_err("not there");
        assert_eq!(wrong(8, 9), "out-of-bounds @8 with 9 bits");
        assert_eq!(wrong(64, 1), "out-of-bounds @64 with 1 bits");
        assert_eq!(
            wrong(u64::MAX, 2),
            format!("out-of-bounds @{} with 2 bits", u64::MAX)
        );
    }

    proptest! {
        /// Bit by bit it is the same.
        #[test]
        fn every_bit_is_where_it_belongs(payload in proptest::collection::vec(any::<u8>(), 0..12), offset in 0..100u64, count in 0..100u64) {
            let one = |at: u64| payload[(at / 8) as usize] >> (7 - at % 8) & 1;
            match bits(&payload, offset, count) {
                Ok(out) => {
                    let emptied = u64::from(count % 8 == 0 && (offset + count) % 8 != 0);
                    prop_assert_eq!(out.len() as u64, (offset % 8 + count).div_ceil(8) - emptied);
                    let skip = out.len() as u64 * 8 - count;
                    let shown: Vec<u8> = (0..out.len() as u64 * 8).map(|at| out[(at / 8) as usize] >> (7 - at % 8) & 1).collect();
                    prop_assert!(shown[..skip as usize].iter().all(|bit| *bit == 0));
                    let wanted: Vec<u8> = (offset..offset + count).map(one).collect();
                    prop_assert_eq!(&shown[skip as usize..], &wanted);
                }
                Err(_) => prop_assert!(offset + count > payload.len() as u64 * 8),
            }
        }
    }
}
