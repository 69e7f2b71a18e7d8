#![no_main]

wheatstone_fuzz::parser!(
    "avro",
    [
        "avro_schema = '{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"l\",\"type\":\"long\"},{\"name\":\"n\",\"type\":[\"null\",\"R\",\"string\"]},{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"float\"]}},{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"bytes\"}},{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}}]}'\navro_timestamp = \"l\"",
        "avro_format = \"json\"\navro_union_mode = \"any\"\navro_tags = [\"n\", \"a\"]\navro_schema = '{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"l\",\"type\":\"long\",\"default\":1},{\"name\":\"n\",\"type\":[\"null\",\"R\",\"string\"],\"default\":null},{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"float\"]},\"default\":[]}]}'",
        "avro_schema = '{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"P\",\"fields\":[{\"name\":\"v\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}},{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}}]}}'",
    ]
);
