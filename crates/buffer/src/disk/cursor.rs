//! What was written already: the number of the first record that is not settled, and what is settled behind it.
//!
//! Two slots of one file are written in turn, each with a count and a checksum: a torn write spoils one of them, and an older
//! cursor only means that more is written again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::codec::{Input, Malformed, varint};

const MAGIC: &[u8; 8] = b"WHTSCURS";
const VERSION: u8 = 1;
const SLOT: usize = 4096;
/// Checksum, magic, version.
const PREFIX: usize = 4 + 8 + 1;

/// Ranges within a record, sorted, apart.
pub(crate) type Marks = Vec<(u32, u32)>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// All records before it are settled.
    pub(crate) seq: u64,
    /// Records behind it that are settled: first and last number of each run.
    pub(crate) done: Vec<(u64, u64)>,
    /// Records of which a part is settled.
    pub(crate) marks: Vec<(u64, Marks)>,
}

impl Cursor {
    /// One more than every number it speaks of.
    pub(crate) fn above(&self) -> u64 {
        let done = self
            .done
            .iter()
            .map(|(_, to)| to.saturating_add(1))
            .max()
            .unwrap_or(0);
        let marks = self
            .marks
            .iter()
            .map(|(seq, _)| seq.saturating_add(1))
            .max()
            .unwrap_or(0);
        self.seq.max(done).max(marks)
    }

    fn slot(&self, count: u64) -> Vec<u8> {
        let mut out = vec![0; 4];
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        varint(count, &mut out);
        varint(self.seq, &mut out);
        // What finds no room is written to the database again after a crash: no harm.
        let mut item = Vec::new();
        for (from, to) in &self.done {
            item.clear();
            varint(1, &mut item);
            varint(*from, &mut item);
            varint(*to, &mut item);
            put(&item, &mut out);
        }
        for (seq, marks) in &self.marks {
            item.clear();
            varint(2, &mut item);
            varint(*seq, &mut item);
            varint(marks.len() as u64, &mut item);
            for (from, to) in marks {
                varint(u64::from(*from), &mut item);
                varint(u64::from(*to), &mut item);
            }
            put(&item, &mut out);
        }
        out.resize(SLOT, 0);
        let crc = crc32fast::hash(&out[4..]);
        out[..4].copy_from_slice(&crc.to_le_bytes());
        out
    }

    fn read_slot(slot: &[u8]) -> Option<(u64, Cursor)> {
        let (prefix, body) = slot.split_at_checked(PREFIX)?;
        let good = slot.len() == SLOT
            && prefix[..4] == crc32fast::hash(&slot[4..]).to_le_bytes()
            && prefix[4..12] == MAGIC[..]
            && prefix[12] == VERSION;
        if !good {
            return None;
        }
        Cursor::read_body(&mut Input(body)).ok()
    }

    fn read_body(input: &mut Input<'_>) -> Result<(u64, Cursor), Malformed> {
        let count = input.varint()?;
        let mut cursor = Cursor {
            seq: input.varint()?,
            ..Cursor::default()
        };
        loop {
            match input.varint()? {
                1 => cursor.done.push((input.varint()?, input.varint()?)),
                2 => {
                    let (seq, n) = (input.varint()?, input.varint()?);
                    let mut marks = Marks::new();
                    for _ in 0..n {
                        marks.push((input.varint()? as u32, input.varint()? as u32));
                    }
                    cursor.marks.push((seq, marks));
                }
                _ => return Ok((count, cursor)),
            }
        }
    }
}

fn put(item: &[u8], out: &mut Vec<u8>) {
    // One byte stays for the 0 at the end.
    if out.len() + item.len() < SLOT {
        out.extend_from_slice(item);
    }
}

/// The file with the two slots.
#[derive(Debug)]
pub(crate) struct CursorFile {
    file: File,
    count: u64,
}

impl CursorFile {
    /// Reads the newer of the two slots. The text says what is wrong, where something is.
    pub(crate) fn open(mut file: File) -> io::Result<(CursorFile, Cursor, Option<&'static str>)> {
        let mut bytes = Vec::new();
        (&mut file).take(2 * SLOT as u64).read_to_end(&mut bytes)?;
        let newest = bytes
            .chunks(SLOT)
            .filter_map(Cursor::read_slot)
            .max_by_key(|(count, _)| *count);
        let wrong = (newest.is_none() && !bytes.is_empty()).then_some("the cursor is damaged");
        let (count, cursor) = newest.unwrap_or_default();
        Ok((CursorFile { file, count }, cursor, wrong))
    }

    /// Writes `cursor` to the slot that does not hold the last one.
    pub(crate) fn write(&mut self, cursor: &Cursor) -> io::Result<()> {
        let count = self.count + 1;
        self.file.seek(SeekFrom::Start((count % 2) * SLOT as u64))?;
        self.file.write_all(&cursor.slot(count))?;
        self.count = count;
        Ok(())
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(seq: u64) -> Cursor {
        Cursor {
            seq,
            done: vec![(seq + 2, seq + 9)],
            marks: vec![(seq, vec![(0, 3), (7, 8)])],
        }
    }
    fn written(cursors: &[Cursor]) -> File {
        let (mut file, ..) = CursorFile::open(tempfile::tempfile().unwrap()).unwrap();
        for cursor in cursors {
            file.write(cursor).unwrap();
        }
        file.file
    }
    fn read(mut file: File) -> (Cursor, Option<&'static str>) {
        file.seek(SeekFrom::Start(0)).unwrap();
        let (_, cursor, wrong) = CursorFile::open(file).unwrap();
        (cursor, wrong)
    }

    #[test]
    fn the_last_one_counts() {
        let all: Vec<Cursor> = (1..6).map(cursor).collect();
        for n in 1..=all.len() {
            assert_eq!(read(written(&all[..n])), (all[n - 1].clone(), None));
        }
        assert_eq!(cursor(5).above(), 15);
    }

    #[test]
    fn a_damage_gives_the_one_before() {
        for at in 0..2 * SLOT as u64 {
            let mut file = written(&[cursor(1), cursor(2)]);
            file.seek(SeekFrom::Start(at)).unwrap();
            let mut byte = [0];
            file.read_exact(&mut byte).unwrap();
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(&[byte[0] ^ 4]).unwrap();
            let newer_is_hit = at < SLOT as u64;
            assert_eq!(
                read(file),
                (cursor(if newer_is_hit { 1 } else { 2 }), None),
                "byte {at}"
            );
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 2 * SLOT]).unwrap();
        assert_eq!(read(file), (Cursor::default(), Some("the cursor is damaged")));
    }

    #[test]
    fn more_than_fits_is_left_out() {
        let many = Cursor {
            seq: 5,
            done: (10..5000).map(|n| (n * 2, n * 2)).collect(),
            marks: vec![],
        };
        let (back, _) = read(written(std::slice::from_ref(&many)));
        assert_eq!(back.seq, 5);
        assert!(back.done.len() > 500 && many.done.starts_with(&back.done));
    }
}
