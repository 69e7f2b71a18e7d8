#![no_main]

wheatstone_fuzz::parser!(
    "value",
    [
        "",
        "data_type = \"float\"",
        "data_type = \"string\"",
        "data_type = \"auto_integer\"",
        "data_type = \"base64\""
    ]
);
