#![no_main]
//! A path, a zero byte, and the JSON out of which it takes something.

use wheatstone_fuzz::libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (path, document) = text
        .split_once('\0')
        .unwrap_or((text, "{\"a\":[{\"b\":1,\"c\":\"x\"},{\"b\":2}]}"));
    let path = wheatstone_fuzz::quoted(path);
    let plain = format!("json_query = {path}\n");
    wheatstone_fuzz::parse_with("json", &plain, document.as_bytes());
    let tables = format!(
        "[[inputs.fuzz.json_v2]]\n[[inputs.fuzz.json_v2.field]]\npath = {path}\noptional = true\n[[inputs.fuzz.json_v2.object]]\npath = {path}\noptional = true\n"
    );
    wheatstone_fuzz::parse_with("json_v2", &tables, document.as_bytes());
});
