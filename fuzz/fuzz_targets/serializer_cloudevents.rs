#![no_main]

wheatstone_fuzz::serializer!(
    "cloudevents",
    [
        "",
        "cloudevents_batch_format = \"metrics\"\ncloudevents_event_time = \"earliest\"\ncloudevents_source_tag = \"source\""
    ]
);
