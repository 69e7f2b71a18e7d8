#![no_main]
//! A pattern, a replacement and a text, apart by zero bytes.

use wheatstone_fuzz::libfuzzer_sys::fuzz_target;
use wheatstone_goregexp::Regexp;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (pattern, rest) = text.split_once('\0').unwrap_or((text, text));
    let (replacement, text) = rest.split_once('\0').unwrap_or((rest, rest));
    match Regexp::new(pattern) {
        Ok(regexp) => {
            for found in regexp.matches(text) {
                assert!(text.get(found).is_some());
            }
            if let Some(groups) = regexp.groups(text) {
                assert_eq!(groups.count(), regexp.group_names().len() + 1);
            }
            let template = regexp.template(replacement);
            let _ = regexp.replace_all(text, &template);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
