//! A segment: a head, then records. One batch is one record; a record says how long it is, which number it has, and a
//! checksum over both and its bytes.
//!
//! ```text
//! segment = head, head, record*                     the head twice: one changed byte must not cost a whole segment
//! head    = "WHTSSEGM", version:u16, 0:u16, salt:u32, id:u64, 0:u32, crc:u32            little-endian
//! record  = crc:u32, length:u32, number:u64, batch  (see codec.rs)
//! ```
//! Checksums start from the segment's salt, a random number, so that bytes of another segment, or a message that looks like
//! a record, are never taken for one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use wheatstone_metric::Metric;

use crate::codec;

const MAGIC: &[u8; 8] = b"WHTSSEGM";
const VERSION: u16 = 1;
const HEAD: usize = 32;
/// Where the first record begins.
pub(crate) const BODY: u64 = 2 * HEAD as u64;
/// What stands before a record's batch.
pub(crate) const FRAME: usize = 16;
/// How much is read at once.
const CHUNK: u64 = 256 * 1024;
/// Behind a damage a record is believed only when its number is at most so much higher than the last.
const LEAP: u64 = 1 << 24;

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: u64,
    pub(crate) salt: u32,
}

/// Why a segment cannot be read at all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadHead {
    Damaged,
    /// A later version of the agent wrote it.
    Newer(u16),
}

impl Head {
    pub(crate) fn bytes(&self) -> [u8; BODY as usize] {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(MAGIC);
        head[8..10].copy_from_slice(&VERSION.to_le_bytes());
        head[12..16].copy_from_slice(&self.salt.to_le_bytes());
        head[16..24].copy_from_slice(&self.id.to_le_bytes());
        let crc = crc32fast::hash(&head[..HEAD - 4]);
        head[HEAD - 4..].copy_from_slice(&crc.to_le_bytes());
        let mut both = [0; BODY as usize];
        both[..HEAD].copy_from_slice(&head);
        both[HEAD..].copy_from_slice(&head);
        both
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Head, BadHead> {
        for head in bytes.chunks_exact(HEAD).take(2) {
            if head[..8] != MAGIC[..] || u32_at(head, HEAD - 4) != crc32fast::hash(&head[..HEAD - 4]) {
                continue;
            }
            let version = u16::from_le_bytes([head[8], head[9]]);
            if version != VERSION {
                return Err(BadHead::Newer(version));
            }
            return Ok(Head {
                salt: u32_at(head, 12),
                id: u64_at(head, 16),
            });
        }
        Err(BadHead::Damaged)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |b| u32::from_le_bytes(*b))
}
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}

fn checksum(salt: u32, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(salt);
    crc.update(bytes);
    crc.finalize()
}

/// Appends `batch` as record number `seq` to `out`. False, and nothing appended, when it is too long for a record (4 GiB).
pub(crate) fn put_record(out: &mut Vec<u8>, salt: u32, seq: u64, batch: &[Metric]) -> bool {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME]);
    codec::encode(batch, out);
    let Ok(len) = u32::try_from(out.len() - start - FRAME) else {
        out.truncate(start);
        return false;
    };
    out[start + 4..start + 8].copy_from_slice(&len.to_le_bytes());
    out[start + 8..start + FRAME].copy_from_slice(&seq.to_le_bytes());
    let crc = checksum(salt, &out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
    true
}

/// What stands at a place in a segment.
#[derive(Debug)]
pub(crate) enum Step {
    Record {
        seq: u64,
        /// Where its batch lies: to be read with [`Reader::bytes`].
        at: u64,
        len: usize,
        next: u64,
    },
    /// No record. `next` is where one begins again, where one does.
    Damage {
        next: Option<u64>,
    },
    End,
}

/// Reads a segment from front to back, a chunk at a time.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) head: Head,
    file: File,
    chunk: Vec<u8>,
    chunk_at: u64,
    /// Nothing behind it is read: another thread may be writing there.
    end: u64,
}

impl Reader {
    pub(crate) fn new(head: Head, file: File, end: u64) -> Reader {
        Reader {
            head,
            file,
            chunk: Vec::new(),
            chunk_at: 0,
            end,
        }
    }
    pub(crate) fn set_end(&mut self, end: u64) {
        self.end = end;
    }

    /// `len` bytes at `at`; `None` where the segment ends before.
    pub(crate) fn bytes(&mut self, at: u64, len: usize) -> io::Result<Option<&[u8]>> {
        let Some(to) = at.checked_add(len as u64).filter(|to| *to <= self.end) else {
            return Ok(None);
        };
        if at < self.chunk_at || to > self.chunk_at + self.chunk.len() as u64 {
            let want = (self.end - at).min(CHUNK.max(len as u64));
            self.chunk.clear();
            self.chunk_at = at;
            self.file.seek(SeekFrom::Start(at))?;
            (&mut self.file).take(want).read_to_end(&mut self.chunk)?;
        }
        let from = (at - self.chunk_at) as usize;
        Ok(self.chunk.get(from..from + len))
    }

    /// What stands at `at`, behind record number `after`.
    pub(crate) fn step(&mut self, at: u64, after: u64) -> io::Result<Step> {
        if at >= self.end {
            return Ok(Step::End);
        }
        if let Some(record) = self.record(at, |_| true)? {
            return Ok(record);
        }
        let credible = |seq: u64| seq > after && seq - after <= LEAP;
        let mut next = at + 1;
        while next + FRAME as u64 <= self.end {
            if self.record(next, credible)?.is_some() {
                return Ok(Step::Damage { next: Some(next) });
            }
            next += 1;
        }
        Ok(Step::Damage { next: None })
    }

    fn record(&mut self, at: u64, credible: impl Fn(u64) -> bool) -> io::Result<Option<Step>> {
        let salt = self.head.salt;
        let Some(frame) = self.bytes(at, FRAME)? else {
            return Ok(None);
        };
        let (crc, len, seq) = (u32_at(frame, 0), u32_at(frame, 4) as usize, u64_at(frame, 8));
        if !credible(seq) {
            return Ok(None);
        }
        // A length past the end finds nothing: it takes no memory either.
        let Some(record) = self.bytes(at, FRAME + len)? else {
            return Ok(None);
        };
        if checksum(salt, &record[4..]) != crc {
            return Ok(None);
        }
        let body = at + FRAME as u64;
        Ok(Some(Step::Record {
            seq,
            at: body,
            len,
            next: body + len as u64,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const HEAD_7: Head = Head { id: 7, salt: 99 };

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }
    fn segment(records: u64) -> Vec<u8> {
        let mut bytes = HEAD_7.bytes().to_vec();
        for seq in 1..=records {
            assert!(put_record(
                &mut bytes,
                HEAD_7.salt,
                seq,
                &[Metric::new("m", seq as i64)]
            ));
        }
        bytes
    }
    fn numbers(bytes: &[u8]) -> (Vec<u64>, usize) {
        let mut reader = Reader::new(HEAD_7, file(bytes), bytes.len() as u64);
        let (mut at, mut found, mut damages) = (BODY, Vec::new(), 0);
        loop {
            match reader.step(at, found.last().copied().unwrap_or(0)).unwrap() {
                Step::Record { seq, next, .. } => {
                    found.push(seq);
                    at = next;
                }
                Step::Damage { next } => {
                    damages += 1;
                    match next {
                        Some(next) => at = next,
                        None => return (found, damages),
                    }
                }
                Step::End => return (found, damages),
            }
        }
    }

    #[test]
    fn one_bad_byte_costs_one_record() {
        let good = segment(5);
        assert_eq!(numbers(&good), (vec![1, 2, 3, 4, 5], 0));
        for at in BODY as usize..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let (found, damages) = numbers(&bad);
            assert_eq!((found.len(), damages), (4, 1), "byte {at}: {found:?}");
        }
    }

    #[test]
    fn a_cut_costs_what_was_cut() {
        let good = segment(5);
        let each = (good.len() - BODY as usize) / 5;
        for end in BODY as usize..good.len() {
            let whole = (end - BODY as usize) / each;
            assert_eq!(numbers(&good[..end]).0.len(), whole, "cut at {end}");
        }
    }

    #[test]
    fn a_message_that_looks_like_a_record_is_none() {
        let mut forged = Vec::new();
        put_record(&mut forged, 0, 3, &[Metric::new("forged", 1)]);
        let mut m = Metric::new("m", 1);
        m.set_field("payload", String::from_utf8_lossy(&forged).as_ref());
        let mut bytes = segment(1);
        let damaged = bytes.len() + 2;
        put_record(&mut bytes, HEAD_7.salt, 2, &[m]);
        let end = bytes.len();
        bytes.splice(end..end, forged);
        bytes[damaged] ^= 1;
        assert_eq!(numbers(&bytes), (vec![1], 1));
    }

    #[test]
    fn a_head_survives_one_bad_byte() {
        for at in 0..BODY as usize {
            let mut bytes = HEAD_7.bytes();
            bytes[at] ^= 0xff;
            assert_eq!(Head::read(&bytes), Ok(HEAD_7));
        }
        assert_eq!(Head::read(&[0; BODY as usize]), Err(BadHead::Damaged));
        assert_eq!(Head::read(b"short"), Err(BadHead::Damaged));
    }
}
