//! The table of keys is bounded. A process of its own: the test fills the table that all others share.

use wheatstone_metric::{Key, interned};

#[test]
fn past_the_cap_keys_are_accepted_and_the_table_stops_growing() {
    for i in 0..80_000 {
        let text = format!("key-{i}");
        assert_eq!(Key::new(&text), text.as_str());
    }
    // Threads that insert at once may each pass the cap by one.
    assert!(interned() <= 65_536 + 16, "{}", interned());
}
