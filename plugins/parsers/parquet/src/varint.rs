//! Integers of seven bits a byte, as Thrift and the delta encodings write them.

/// The next bytes.
pub(crate) fn take<'d>(data: &mut &'d [u8], length: usize) -> Option<&'d [u8]> {
    let (first, rest) = data.split_at_checked(length)?;
    *data = rest;
    Some(first)
}

/// Seven bits a byte, the lowest first.
pub(crate) fn varint(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for at in 0..10 {
        let [byte] = take(data, 1)? else { return None };
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// One with its sign in the lowest bit.
pub(crate) fn zigzag(data: &mut &[u8]) -> Option<i64> {
    let value = varint(data)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}
