#![no_main]

wheatstone_fuzz::serializer!("carbon2", ["", "carbon2_format = \"metric_includes_field\""]);
