#![no_main]

wheatstone_fuzz::parser!("form_urlencoded", ["", "form_urlencoded_tag_keys = [\"a\"]"]);
