#![no_main]

const MESSAGES: &str = concat!(
    "xpath_protobuf_files = [\"messages.proto\"]\nxpath_protobuf_import_paths = ['",
    env!("CARGO_MANIFEST_DIR"),
    "']\nxpath_protobuf_type = \"fuzz.Report\"\n"
);

wheatstone_fuzz::parser!(
    "xpath_protobuf",
    [
        &format!(
            "{MESSAGES}xpath_native_types = true\n[[inputs.fuzz.xpath]]\nfield_selection = \"descendant::*[not(*)]\"\nfield_name_expansion = true\nfields_bytes_as_hex = [\"*\"]"
        ),
        &format!(
            "{MESSAGES}xpath_protobuf_skip_bytes = 2\nxpath_allow_empty_selection = true\n[[inputs.fuzz.xpath]]\nmetric_selection = \"//children[last()]\"\ntimestamp = \"at/seconds\"\n[inputs.fuzz.xpath.fields]\nf = \"string(.)\"\nn = \"number(codes[2]) div count(//*)\"\n[inputs.fuzz.xpath.fields_int]\ni = \"string-length(//site)\""
        ),
    ]
);
