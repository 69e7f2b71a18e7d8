//! Batches out as bytes in a chosen data format, to files and to the standard output.

mod compress;
mod encode;
mod target;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use wheatstone_plugin::prelude::*;

use compress::Compressor;
use encode::Encoder;
use target::{Rotation, Targets};

/// Writes metrics to files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileConfig {
    /// Files to append to; `stdout` is the standard output. All of them get the same.
    files: Vec<String>,
    /// Whether a batch is written in the form that the data format has for many metrics at once (one JSON document with a list,
    /// for instance) instead of one metric after the other.
    use_batch_format: bool,
    /// A file older than this is set aside and a new one begun; never where it is 0. Looked at after each write.
    rotation_interval: Duration,
    /// A file of at least this size is set aside and a new one begun; never where it is 0. Looked at after each write.
    rotation_max_size: Size,
    /// How many files that were set aside are kept, the newest ones; -1 keeps all.
    rotation_max_archives: i64,
    /// How to compress what is written: `"zstd"`, `"gzip"`, `"zlib"`, or not at all where it is empty.
    compression_algorithm: String,
    /// The compression's level, -1 for its usual one: 1, 3, 7 or 11 for zstd, 0, 1 or 9 for gzip and zlib.
    compression_level: i64,
}

impl Default for FileConfig {
    fn default() -> FileConfig {
        FileConfig {
            files: vec!["stdout".to_owned()],
            use_batch_format: false,
            rotation_interval: Duration::ZERO,
            rotation_max_size: Size(0),
            rotation_max_archives: 5,
            compression_algorithm: String::new(),
            compression_level: -1,
        }
    }
}

struct File {
    files: Vec<String>,
    rotation: Rotation,
    encoder: Encoder,
    sink: Arc<Mutex<Sink>>,
    log: Log,
    /// The bytes of a batch; kept for its memory.
    buffer: Vec<u8>,
}

/// What a blocking write needs.
struct Sink {
    compressor: Compressor,
    targets: Targets,
}

impl Plugin for File {
    type Config = FileConfig;

    fn new(config: FileConfig, cx: &Context) -> Result<Self> {
        let mut files = config.files;
        if files.is_empty() {
            files.push("stdout".to_owned());
        }
        let archives = match config.rotation_max_archives {
            -1 => None,
            n => Some(usize::try_from(n).map_err(|_| anyhow!("rotation_max_archives must be -1 or more"))?),
        };
        let compressor = Compressor::new(&config.compression_algorithm, config.compression_level)?;
        Ok(File {
            files,
            rotation: Rotation {
                interval: config.rotation_interval.0,
                max_size: config.rotation_max_size.0,
                archives,
            },
            encoder: Encoder::new(cx.serializer("influx")?, config.use_batch_format),
            sink: Arc::new(Mutex::new(Sink {
                compressor,
                targets: Targets::default(),
            })),
            log: cx.log().clone(),
            buffer: Vec::new(),
        })
    }
}

#[async_trait]
impl Output for File {
    async fn connect(&mut self) -> Result<(), StartError> {
        let targets = Targets::open(&self.files, &self.rotation, &self.log)?;
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).targets = targets;
        Ok(())
    }

    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.clear();
        let rejected = self.encoder.encode(metrics, &mut bytes);
        for Rejection { reason, .. } in &rejected {
            debug!(self.log, "Could not serialize metric: {reason}");
        }
        if !bytes.is_empty() {
            // A full pipe or a slow disk must not hold the agent's own threads.
            let sink = self.sink.clone();
            let written;
            (bytes, written) = tokio::task::spawn_blocking(move || {
                let sink = &mut *sink.lock().unwrap_or_else(PoisonError::into_inner);
                let written = sink
                    .compressor
                    .compress(&bytes)
                    .and_then(|packed| sink.targets.write(packed));
                (bytes, written)
            })
            .await?;
            self.buffer = bytes;
            if let Err(e) = written {
                return Err(WriteError::partial(
                    e.context("failed to write message"),
                    Vec::new(),
                    rejected,
                ));
            }
        }
        let Some(first) = rejected.first() else {
            return Ok(());
        };
        let error = anyhow!(
            "could not serialize {} of {} metrics, the first: {}",
            rejected.len(),
            metrics.len(),
            first.reason
        );
        let accepted = (0..metrics.len()).filter(|i| rejected.binary_search_by_key(i, |r| r.index).is_err());
        Err(WriteError::partial(error, accepted.collect(), rejected))
    }

    async fn close(&mut self) -> Result<()> {
        self.sink
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .targets
            .close();
        Ok(())
    }
}

register!(output "file" = File, serializer "influx");
