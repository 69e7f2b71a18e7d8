#![no_main]

wheatstone_fuzz::parser!(
    "openmetrics",
    [
        "",
        "openmetrics_metric_version = 1",
        "openmetrics_ignore_timestamp = true"
    ]
);
