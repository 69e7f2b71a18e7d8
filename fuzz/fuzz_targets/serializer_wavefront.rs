#![no_main]

wheatstone_fuzz::serializer!(
    "wavefront",
    [
        "",
        "wavefront_use_strict = true\nwavefront_source_override = [\"ip\", \"host\"]\nprefix = \"p.\""
    ]
);
