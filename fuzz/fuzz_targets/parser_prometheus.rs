#![no_main]

wheatstone_fuzz::parser!(
    "prometheus",
    [
        "",
        "prometheus_metric_version = 1",
        "prometheus_ignore_timestamp = true"
    ]
);
