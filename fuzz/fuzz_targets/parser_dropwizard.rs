#![no_main]

wheatstone_fuzz::parser!(
    "dropwizard",
    [
        "",
        "separator = \"_\"\ntemplates = [\"a.* measurement.tag.field*\", \"measurement.measurement.x\"]",
        "dropwizard_metric_registry_path = \"r\"\ndropwizard_time_path = \"t\"\ndropwizard_tags_path = \"g\"",
        "dropwizard_time_path = \"t\"\ndropwizard_time_format = \"unix_ms\"\n[inputs.fuzz.dropwizard_tag_paths_map]\na = \"g.a\"",
    ]
);
