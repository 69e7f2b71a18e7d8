#![no_main]

wheatstone_fuzz::serializer!(
    "json",
    [
        "",
        "json_timestamp_format = \"2006-01-02T15:04:05.000Z07:00\"",
        "json_nested_fields_include = [\"*\"]",
        "json_timestamp_units = \"1ns\""
    ]
);
