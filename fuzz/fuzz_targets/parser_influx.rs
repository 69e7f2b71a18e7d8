#![no_main]

wheatstone_fuzz::parser!(
    "influx",
    [
        "",
        "influx_parser_type = \"upstream\"",
        "influx_timestamp_precision = \"1s\""
    ]
);
