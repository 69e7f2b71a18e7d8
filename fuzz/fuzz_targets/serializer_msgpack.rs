#![no_main]

wheatstone_fuzz::serializer!("msgpack", [""]);
