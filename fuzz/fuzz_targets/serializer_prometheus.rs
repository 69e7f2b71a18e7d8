#![no_main]

wheatstone_fuzz::serializer!(
    "prometheus",
    [
        "",
        "prometheus_sort_metrics = true\nprometheus_string_as_label = true\nprometheus_export_timestamp = true",
        "prometheus_name_sanitization = \"utf8\"",
        "[outputs.fuzz.prometheus_metric_types]\ncounter = [\"*\"]"
    ]
);
