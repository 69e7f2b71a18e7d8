#![no_main]
//! Both engines take any bytes; what the internal one reads it reads again from what the encoder wrote.

use libfuzzer_sys::fuzz_target;
use wheatstone_plugin::line_protocol::{Decoder, Encoder, Engine, Options};

fuzz_target!(|data: &[u8]| {
    for engine in [Engine::Internal, Engine::Upstream] {
        let mut out = Vec::new();
        if Decoder::new(engine, 1).decode(data, 7, &mut out).is_err() {
            assert!(out.is_empty());
            continue;
        }
        let mut encoder = Encoder::new(Options {
            uint_support: true,
            ..Options::default()
        });
        for metric in &out {
            let mut line = Vec::new();
            if encoder.encode(metric, &mut line).is_err() {
                continue;
            }
            let mut again = Vec::new();
            // The encoder changes what line protocol cannot hold, so only that it can be read is promised; and not that where a
            // name has a backslash, which takes the meaning of the sign behind it away.
            let mut names = metric.tags().flat_map(|(key, value)| [key.as_str(), value]);
            if names.any(|n| n.contains('\\'))
                || metric.name().contains('\\')
                || metric.fields().any(|(key, _)| key.contains('\\'))
            {
                continue;
            }
            let read = Decoder::new(Engine::Internal, 1).decode(&line, 7, &mut again);
            assert!(
                read.is_ok(),
                "{:?} of {:?}: {read:?}",
                String::from_utf8_lossy(&line),
                metric
            );
        }
    }
});
