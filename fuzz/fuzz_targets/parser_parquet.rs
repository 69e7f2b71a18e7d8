#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        // The library panics at some damaged files, and the parser catches that: only what it does not catch counts.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |data: &[u8]| {
        let columns = "measurement_column = \"s\"\ntag_columns = [\"b\"]\ntimestamp_column = \"l\"";
        wheatstone_fuzz::parse("parquet", &["", columns], data);
    }
);
