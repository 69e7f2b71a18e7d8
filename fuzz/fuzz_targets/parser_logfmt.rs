#![no_main]

wheatstone_fuzz::parser!("logfmt", ["", "logfmt_tag_keys = [\"a*\"]"]);
