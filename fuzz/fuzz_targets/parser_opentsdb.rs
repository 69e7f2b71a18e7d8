#![no_main]

wheatstone_fuzz::parser!("opentsdb", [""]);
