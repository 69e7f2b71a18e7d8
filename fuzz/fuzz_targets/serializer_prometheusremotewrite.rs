#![no_main]

wheatstone_fuzz::serializer!(
    "prometheusremotewrite",
    [
        "",
        "prometheus_sort_metrics = true\nprometheus_string_as_label = true"
    ]
);
