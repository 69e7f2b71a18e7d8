#![no_main]

wheatstone_fuzz::serializer!(
    "graphite",
    [
        "",
        "graphite_tag_support = true",
        "graphite_tag_support = true\ngraphite_tag_sanitize_mode = \"compatible\"",
        "templates = [\"a* host.tags.field\", \"field.measurement\"]\nprefix = \"p\""
    ]
);
