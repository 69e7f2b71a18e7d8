#![no_main]

wheatstone_fuzz::serializer!("nowmetric", ["", "nowmetric_format = \"jsonv2\""]);
