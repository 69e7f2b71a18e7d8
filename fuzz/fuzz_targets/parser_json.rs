#![no_main]

wheatstone_fuzz::parser!(
    "json",
    [
        "",
        "json_strict = false\ntag_keys = [\"a\", \"b_*\"]\njson_string_fields = [\"*\"]",
        "json_query = \"a.b.#\"",
        "json_time_key = \"t\"\njson_time_format = \"unix_ms\"\njson_name_key = \"n\""
    ]
);
