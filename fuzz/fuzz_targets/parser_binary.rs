#![no_main]

wheatstone_fuzz::parser!(
    "binary",
    [
        "endianness = \"be\"\n[[inputs.fuzz.binary]]\nentries = [{ name = \"a\", type = \"uint16\" }, { bits = 3, omit = true }, { name = \"b\", type = \"int32\", bits = 21 }, { name = \"c\", type = \"string\", terminator = \"null\", assignment = \"tag\" }, { name = \"d\", type = \"float32\" }, { type = \"unix\", assignment = \"time\" }]\n",
        "binary_encoding = \"hex\"\nendianness = \"le\"\nallow_no_match = true\n[[inputs.fuzz.binary]]\nentries = [{ type = \"string\", assignment = \"measurement\", terminator = \"0x0d0a\" }, { name = \"v\", type = \"bool\" }, { name = \"w\", type = \"float64\" }]\n[inputs.fuzz.binary.filter]\nselection = [{ offset = 5, bits = 7, match = \"0x0041\" }]\n",
        "binary_encoding = \"base64\"\n[[inputs.fuzz.binary]]\nentries = [{ type = \"2006-01-02 15:04\", assignment = \"time\", timezone = \"Europe/Berlin\" }, { name = \"v\", type = \"uint64\", bits = 11 }]\n",
    ]
);
