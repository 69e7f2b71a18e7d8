#![no_main]
//! Any text as a configuration file: it is loaded or its problems can be shown.

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use wheatstone_config::{EnvMode, LoadOptions, Source, load};

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let options = LoadOptions {
        env: if first & 1 == 0 {
            EnvMode::Strict
        } else {
            EnvMode::NonStrict
        },
        old_env: first & 2 != 0,
        vars: Arc::new(|name| (name.len() == 1).then(|| format!("\"{name}$A\n"))),
        plugins: |_| vec!["cpu", "file", "rename"],
        hostname: Some("h".to_owned()),
        ..LoadOptions::default()
    };
    let source = Source {
        name: "fuzz.conf".to_owned(),
        text: text.to_owned(),
    };
    if let Err(problems) = load(vec![source], &options) {
        assert!(!problems.is_empty());
        for problem in &problems {
            assert!(!problem.render().is_empty());
        }
    }
});
