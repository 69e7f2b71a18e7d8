#![no_main]

wheatstone_fuzz::parser!(
    "collectd",
    [
        "",
        "collectd_parse_multivalue = \"join\"",
        "collectd_security_level = \"encrypt\"\ncollectd_auth_file = \"/dev/null\"",
    ]
);
