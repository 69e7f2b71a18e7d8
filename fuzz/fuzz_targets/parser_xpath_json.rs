#![no_main]

wheatstone_fuzz::parser!(
    "xpath_json",
    [
        "xpath_native_types = true\n[[inputs.fuzz.xpath]]\nfield_selection = \"descendant::*[not(*)]\"\nfield_name_expansion = true\nfields_bytes_as_hex = [\"*\"]",
        "xpath_allow_empty_selection = true\n[[inputs.fuzz.xpath]]\nmetric_selection = \"//a[last()]\"\ntimestamp = \"//t\"\n[inputs.fuzz.xpath.fields]\nf = \"string(.)\"\nn = \"number(b[2]) div count(//*)\"\n[inputs.fuzz.xpath.fields_int]\ni = \"string-length(//b)\""
    ]
);
