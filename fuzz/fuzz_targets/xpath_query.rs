#![no_main]
//! A query, a zero byte, and the XML to which it is put: the query is wrong, or it ends with some values.

use wheatstone_fuzz::libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (query, document) = text
        .split_once('\0')
        .unwrap_or((text, "<a k='1'><b>x</b><b/>y</a>"));
    let query = wheatstone_fuzz::quoted(query);
    let options = format!(
        "xpath_allow_empty_selection = true\n[[inputs.fuzz.xpath]]\nmetric_selection = {query}\nfield_selection = {query}\n[inputs.fuzz.xpath.fields]\nf = {query}\n"
    );
    wheatstone_fuzz::parse_with("xml", &options, document.as_bytes());
});
