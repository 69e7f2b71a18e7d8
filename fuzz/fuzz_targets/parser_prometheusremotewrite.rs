#![no_main]

wheatstone_fuzz::parser!("prometheusremotewrite", ["", "prometheus_metric_version = 1"]);
