//! Bodies on their way out: packed with gzip into memory that is used again and again.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::{Context as _, bail};

/// Bodies of up to so many bytes are stored, not packed: what packing would save is less than the request's own headers, and
/// Telegraf sends its small bodies so.
const STORED: usize = 512;

/// Packs one body after the other. Keeps its state (about 300 KB) between them, so make one per output.
pub struct Gzip {
    state: Compress,
}

impl Default for Gzip {
    fn default() -> Gzip {
        // Metrics repeat themselves so much that the fastest level takes most of what there is to take.
        Gzip {
            state: Compress::new_gzip(Compression::fast(), 15),
        }
    }
}

impl Gzip {
    /// Replaces `packed` with `plain` as one gzip member.
    pub fn pack(&mut self, plain: &[u8], packed: &mut Vec<u8>) -> Result<()> {
        packed.clear();
        if let 1..=STORED = plain.len() {
            store(plain, packed);
            return Ok(());
        }
        self.state.reset();
        packed.reserve(plain.len() / 4 + 128);
        loop {
            let taken = usize::try_from(self.state.total_in()).context("compressing the body")?;
            let rest = plain.get(taken..).unwrap_or_default();
            match self
                .state
                .compress_vec(rest, packed, FlushCompress::Finish)
                .context("compressing the body")?
            {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError if packed.len() == packed.capacity() => {
                    packed.reserve(packed.capacity().max(128));
                }
                Status::Ok => {}
                Status::BufError => bail!("compressing the body made no progress"),
            }
        }
    }
}

/// A gzip member (RFC 1952) of one stored block and an empty last one (RFC 1951, 3.2.4 and 3.2.6).
fn store(plain: &[u8], packed: &mut Vec<u8>) {
    let len = plain.len() as u16;
    let mut crc = Crc::new();
    crc.update(plain);
    packed.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    packed.push(0);
    packed.extend_from_slice(&len.to_le_bytes());
    packed.extend_from_slice(&(!len).to_le_bytes());
    packed.extend_from_slice(plain);
    packed.extend_from_slice(&[0x03, 0x00]);
    packed.extend_from_slice(&crc.sum().to_le_bytes());
    packed.extend_from_slice(&u32::from(len).to_le_bytes());
}

/// The memory of bodies. A body is handed to the HTTP client without a copy; when the client is done with it its memory
/// comes back for the next one.
#[derive(Default)]
pub struct Recycler(Vec<Vec<u8>>);

impl Recycler {
    /// Empty memory to write a body into.
    pub fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }
    /// Gives back what [`take`](Recycler::take) gave.
    pub fn give(&mut self, mut memory: Vec<u8>) {
        memory.clear();
        self.0.push(memory);
    }
    /// Gives back a body after its request; it is dropped where the client still holds it.
    pub fn give_body(&mut self, body: Bytes) {
        if body.is_unique() {
            self.give(Vec::from(body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn unpack(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn one_packer_packs_many_bodies() {
        let mut gzip = Gzip::default();
        let mut packed = Vec::new();
        let noise: Vec<u8> = (0..300_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        for plain in [
            &b""[..],
            b"cpu v=1i 1\n",
            &[b'x'; STORED],
            &[b'x'; STORED + 1],
            &b"cpu,host=a v=1i 1700000000000000001\n".repeat(20_000),
            &noise,
        ] {
            gzip.pack(plain, &mut packed).unwrap();
            assert!(unpack(&packed) == plain, "{} bytes", plain.len());
        }
    }

    #[test]
    fn a_body_comes_back_with_its_memory_once_nobody_holds_it() {
        let mut recycler = Recycler::default();
        let mut memory = Vec::with_capacity(1000);
        memory.extend_from_slice(b"body");
        let at = memory.as_ptr();
        let body = Bytes::from(memory);
        let sent = body.clone();
        drop(sent);
        recycler.give_body(body);
        let memory = recycler.take();
        assert_eq!((memory.as_ptr(), memory.capacity(), memory.len()), (at, 1000, 0));

        let body = Bytes::from(vec![1]);
        let held = body.clone();
        recycler.give_body(body);
        assert_eq!(recycler.take().capacity(), 0);
        drop(held);
    }
}
