//! A column's bytes in the file, with what its pages become charged before the library unpacks them.
//!
//! The library unpacks a page to the size that its header says, and one of GZIP to its end whatever the header says; it offers
//! no bound.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::budget::Budget;
use crate::thrift::page_size;

/// Nothing that DEFLATE can write becomes more than so many times its size.
const DEFLATE: usize = 1032;

/// The file, as the pages of one column are read from it.
pub(crate) struct Source {
    pub(crate) file: Bytes,
    pub(crate) budget: Budget,
    /// Whether the column's pages are compressed by GZIP.
    pub(crate) gzip: bool,
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.file.len() as u64
    }
}

impl ChunkReader for Source {
    type T = Header;

    fn get_read(&self, start: u64) -> Result<Header> {
        Ok(Header {
            bytes: self.file.slice(self.place(start, 0)?..),
            uncharged: Some(self.budget.clone()),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let start = self.place(start, length)?;
        let page = self.file.slice(start..start + length);
        let left = self.budget.left();
        // The size in the header is charged already: what is left is what the page may have beyond it.
        if self.gzip && length.saturating_mul(DEFLATE) > left {
            let most = left as u64;
            let read = io::copy(&mut MultiGzDecoder::new(&*page).take(most), &mut io::sink())?;
            if read == most {
                return Err(self.budget.spent());
            }
        }
        Ok(page)
    }
}

impl Source {
    /// `start`, where `length` bytes are there.
    fn place(&self, start: u64, length: usize) -> Result<usize> {
        let end = start.checked_add(length as u64);
        match usize::try_from(start) {
            Ok(start) if end.is_some_and(|end| end <= self.len()) => Ok(start),
            _ => Err(ParquetError::EOF(format!(
                "{length} bytes at {start} are not in a file of {}",
                self.len()
            ))),
        }
    }
}

/// Reads a page's header, whose page is charged when the first byte of it is read.
pub(crate) struct Header {
    bytes: Bytes,
    uncharged: Option<Budget>,
}

impl Read for Header {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(budget) = self.uncharged.take() {
            let size = page_size(&self.bytes)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a page's header is damaged"))?;
            budget.spend(size).map_err(io::Error::other)?;
        }
        let length = out.len().min(self.bytes.len());
        self.bytes.copy_to_slice(&mut out[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn source(file: &[u8], budget: usize, gzip: bool) -> Source {
        Source {
            file: Bytes::copy_from_slice(file),
            budget: Budget::new(budget),
            gzip,
        }
    }

    #[test]
    fn a_page_is_charged_once_and_by_its_header() {
        // A data page of 300 bytes, 40 as it lies there.
        let header = [0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x50, 0x00];
        let source = source(&header, 400, false);
        let mut out = [0; 4];
        let mut read = source.get_read(0).expect("a reader");
        assert_eq!(source.budget.left(), 400, "nothing was read yet");
        read.read_exact(&mut out).expect("bytes");
        read.read_exact(&mut out).expect("bytes");
        assert_eq!(source.budget.left(), 100);
        let again = source.get_read(0).expect("a reader").read_exact(&mut out);
        let refused = again.expect_err("too much").to_string();
        assert!(refused.ends_with("more than 0 MiB of memory"), "{refused}");
        let damaged = source.get_read(3).expect("a reader").read_exact(&mut out);
        let refused = damaged.expect_err("no header").to_string();
        assert_eq!(refused, "a page's header is damaged");
    }

    #[test]
    fn what_is_not_in_the_file_is_not_read() {
        assert!(source(&[0; 4], 1, false).get_bytes(2, 2).is_ok());
        assert!(source(&[0; 4], 1, false).get_bytes(2, 3).is_err());
        assert!(source(&[0; 4], 1, false).get_bytes(u64::MAX, 3).is_err());
        assert!(source(&[0; 4], 1, false).get_read(5).is_err());
    }

    #[test]
    fn gzip_that_becomes_more_than_its_header_says_is_refused_before_it_is_unpacked() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&vec![0; 1 << 20]).expect("a page");
        let page = packed.finish().expect("a page");
        assert!(source(&page, 1 << 20, true).get_bytes(0, page.len()).is_err());
        assert!(
            source(&page, (1 << 20) + 1, true)
                .get_bytes(0, page.len())
                .is_ok()
        );
        assert!(source(&page, 1, false).get_bytes(0, page.len()).is_ok());
    }
}
