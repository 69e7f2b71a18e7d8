#![no_main]

wheatstone_fuzz::serializer!(
    "binary",
    [
        "endianness = \"be\"\nentries = [{ read_from = \"name\", string_length = 5 }, { read_from = \"time\", data_format = \"int32\" }]",
        "entries = [{ name = \"a\", data_format = \"int8\" }, { name = \"b\", data_format = \"uint64\" }, { read_from = \"tag\", name = \"a\", data_format = \"float32\" }]",
        "entries = [{ name = \"a\", data_format = \"string\", string_length = 3, string_terminator = \"0x20\" }]",
    ]
);
