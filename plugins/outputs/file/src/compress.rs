//! Bytes to compressed bytes: each batch becomes a complete stream, so that what lies in a file can always be unpacked.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use wheatstone_plugin::prelude::*;

pub struct Compressor {
    algorithm: Algorithm,
    /// The last output; kept for its memory.
    packed: Vec<u8>,
}

enum Algorithm {
    Identity,
    Gzip(Compression),
    Zlib(Compression),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// Reads the options `compression_algorithm` and `compression_level`; a negative level is the usual one.
    pub fn new(algorithm: &str, level: i64) -> Result<Compressor> {
        let algorithm = match algorithm {
            "" | "identity" if level >= 0 => bail!("identity encoder does not support options"),
            "" | "identity" => Algorithm::Identity,
            "gzip" => Algorithm::Gzip(deflate_level(level)?),
            "zlib" => Algorithm::Zlib(deflate_level(level)?),
            "zstd" => Algorithm::Zstd(zstd::bulk::Compressor::new(match level {
                ..=-1 | 3 => 3,
                1 => 1,
                7 => 7,
                11 => 11,
                _ => bail!("invalid compression level, only 1, 3, 7 and 11 are supported"),
            })?),
            _ => bail!(
                "invalid value for content_encoding: {algorithm:?} is none of \"zstd\", \"gzip\", \"zlib\""
            ),
        };
        Ok(Compressor {
            algorithm,
            packed: Vec::new(),
        })
    }

    /// The bytes as they go out.
    pub fn compress<'a>(&'a mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        self.packed.clear();
        match &mut self.algorithm {
            Algorithm::Identity => return Ok(bytes),
            Algorithm::Gzip(level) => {
                let mut encoder = GzEncoder::new(&mut self.packed, *level);
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
            Algorithm::Zlib(level) => {
                let mut encoder = ZlibEncoder::new(&mut self.packed, *level);
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
            Algorithm::Zstd(compressor) => self.packed = compressor.compress(bytes)?,
        }
        Ok(&self.packed)
    }
}

fn deflate_level(level: i64) -> Result<Compression> {
    Ok(match level {
        ..=-1 => Compression::default(),
        0 => Compression::none(),
        1 => Compression::fast(),
        9 => Compression::best(),
        _ => bail!("invalid compression level, only 0, 1 and 9 are supported"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn unpack(algorithm: &str, packed: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        match algorithm {
            "gzip" => flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut out)?,
            "zlib" => flate2::read::ZlibDecoder::new(packed).read_to_end(&mut out)?,
            "zstd" => zstd::stream::read::Decoder::new(packed)?.read_to_end(&mut out)?,
            _ => Read::read_to_end(&mut &packed[..], &mut out)?,
        };
        Ok(out)
    }

    #[test]
    fn what_is_packed_can_be_unpacked() -> Result<()> {
        let text = b"cpu,host=a idle=91.5 1\n".repeat(200);
        for (algorithm, levels) in [
            ("", &[-1][..]),
            ("gzip", &[-1, 0, 1, 9]),
            ("zlib", &[-1, 0, 1, 9]),
            ("zstd", &[-1, 1, 3, 7, 11]),
        ] {
            for level in levels {
                let mut compressor = Compressor::new(algorithm, *level)?;
                for _ in 0..2 {
                    let packed = compressor.compress(&text)?;
                    assert_eq!(unpack(algorithm, packed)?, text, "{algorithm} {level}");
                    assert!(packed.len() < 1000 || algorithm.is_empty() || *level == 0);
                }
            }
        }
        Ok(())
    }

    #[test]
    fn streams_one_behind_the_other_are_one_file() -> Result<()> {
        for algorithm in ["gzip", "zstd"] {
            let mut compressor = Compressor::new(algorithm, -1)?;
            let mut file = compressor.compress(b"one\n")?.to_vec();
            file.extend_from_slice(compressor.compress(b"two\n")?);
            assert_eq!(unpack(algorithm, &file)?, b"one\ntwo\n");
        }
        Ok(())
    }

    #[test]
    fn wrong_options_are_refused() {
        for (algorithm, level) in [
            ("lz4", -1),
            ("gzip", 5),
            ("zlib", 2),
            ("zstd", 0),
            ("", 1),
            ("identity", 0),
        ] {
            assert!(Compressor::new(algorithm, level).is_err(), "{algorithm} {level}");
        }
    }
}
