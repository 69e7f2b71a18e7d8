//! `--test`: metrics on standard output instead of in outputs.

use std::io::Write;

use wheatstone_plugin::Metric;
use wheatstone_plugin::line_protocol::{Encoder, Options};

/// Prints metrics as Telegraf's test mode does.
pub(crate) struct Printer {
    encoder: Encoder,
    line: Vec<u8>,
}

impl Default for Printer {
    fn default() -> Printer {
        let options = Options {
            sort_fields: true,
            uint_support: true,
            ..Options::default()
        };
        Printer {
            encoder: Encoder::new(options),
            line: Vec::new(),
        }
    }
}

impl Printer {
    pub(crate) fn print(&mut self, batch: &[Metric]) {
        let mut out = std::io::stdout().lock();
        for metric in batch {
            self.line.clear();
            self.line.extend_from_slice(b"> ");
            if self.encoder.encode(metric, &mut self.line).is_ok() {
                // A closed stdout is the reader's choice; there is nobody to tell.
                let _ = out.write_all(&self.line);
            }
        }
        let _ = out.flush();
    }
}
