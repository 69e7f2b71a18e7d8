#![no_main]
//! A pattern, a zero byte, and the lines that it takes apart.

use wheatstone_fuzz::libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (pattern, lines) = text
        .split_once('\0')
        .unwrap_or((text, "10.0.0.1 GET 5.5 [17/Nov/2024:10:11:12 +0100]"));
    let pattern = wheatstone_fuzz::quoted(pattern);
    let options = format!("grok_patterns = [{pattern}]\ngrok_custom_patterns = {pattern}\n");
    wheatstone_fuzz::parse_with("grok", &options, lines.as_bytes());
});
