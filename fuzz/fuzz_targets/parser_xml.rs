#![no_main]

wheatstone_fuzz::parser!(
    "xml",
    [
        "[[inputs.fuzz.xpath]]\nfield_selection = \"//*\"\nfield_name_expansion = true\ntag_selection = \"//@*\"",
        "[[inputs.fuzz.xpath]]\nmetric_selection = \"//a[position()>1]/following::node()\"\nmetric_name = \"concat('m', name())\"\n[inputs.fuzz.xpath.fields]\nf = \"string-join(preceding::text(), ',')\"\nn = \"count(ancestor::*) + sum(//@k)\""
    ]
);
