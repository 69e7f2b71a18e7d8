#![no_main]

wheatstone_fuzz::parser!(
    "csv",
    [
        "csv_header_row_count = 1",
        "csv_column_names = [\"a\", \"b\", \"c\"]\ncsv_delimiter = \";\"\ncsv_trim_space = true\ncsv_comment = \"#\"",
        "csv_header_row_count = 2\ncsv_skip_rows = 1\ncsv_metadata_rows = 1\ncsv_metadata_separators = [\":\"]\ncsv_tag_columns = [\"a\"]\ncsv_skip_errors = true",
        "csv_header_row_count = 1\ncsv_timestamp_column = \"t\"\ncsv_timestamp_format = \"2006-01-02T15:04:05Z07:00\""
    ]
);
