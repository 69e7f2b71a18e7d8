#![no_main]

wheatstone_fuzz::serializer!(
    "splunkmetric",
    [
        "",
        "splunkmetric_hec_routing = true",
        "splunkmetric_multimetric = true"
    ]
);
