#![no_main]

wheatstone_fuzz::serializer!(
    "influx",
    [
        "",
        "influx_max_line_bytes = 64\ninflux_sort_fields = true",
        "influx_uint_support = true"
    ]
);
