#![no_main]

wheatstone_fuzz::serializer!(
    "csv",
    [
        "csv_header = true",
        "csv_columns = [\"timestamp\", \"tag.host\", \"field.value\"]\ncsv_separator = \";\"",
        "csv_timestamp_format = \"2006-01-02T15:04:05.000Z07:00\""
    ]
);
