#![no_main]

wheatstone_fuzz::parser!(
    "json_v2",
    [
        "[[inputs.fuzz.json_v2]]\n[[inputs.fuzz.json_v2.object]]\npath = \"@this\"\n",
        "[[inputs.fuzz.json_v2]]\nmeasurement_name_path = \"n\"\n[[inputs.fuzz.json_v2.field]]\npath = \"a.#.b\"\n[[inputs.fuzz.json_v2.tag]]\npath = \"t\"\n",
    ]
);
