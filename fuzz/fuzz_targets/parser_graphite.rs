#![no_main]

wheatstone_fuzz::parser!(
    "graphite",
    [
        "",
        "templates = [\"a.* host.measurement*\", \"measurement.field*\"]\nseparator = \"_\""
    ]
);
