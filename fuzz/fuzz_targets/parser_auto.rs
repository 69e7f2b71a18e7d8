#![no_main]
//! Any payload under an ordinary topic and under one of Sparkplug B.

use wheatstone_fuzz::libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let topic = match data.first() {
        Some(first) if first & 0x40 != 0 => "spBv1.0/G/NDATA/E",
        _ => "home/kitchen",
    };
    wheatstone_fuzz::parse_from(topic, "auto", &["", "value_field_name = \"v\""], data);
});
