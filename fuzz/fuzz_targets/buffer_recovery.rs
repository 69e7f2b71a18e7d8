#![no_main]
//! Any bytes as the segments of a disk buffer: it opens, gives what it found, and takes more.

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use wheatstone_buffer::{Disk, DiskOptions, codec};
use wheatstone_plugin::Metric;

fuzz_target!(|data: &[u8]| {
    let _ = codec::count(data);
    if let Ok(metrics) = codec::decode(data) {
        let mut again = Vec::new();
        codec::encode(&metrics, &mut again);
        assert_eq!(codec::decode(&again).map(|m| m.len()).ok(), Some(metrics.len()));
    }
    let dir = std::env::temp_dir().join(format!("wheatstone-fuzz-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    if std::fs::create_dir_all(&dir).is_err() {
        return;
    }
    // A byte 255 begins the next segment.
    for (id, bytes) in data.split(|b| *b == 255).take(3).enumerate() {
        let _ = std::fs::write(dir.join(format!("{:020}.seg", id + 1)), bytes);
    }
    // And the whole of it, which may hold that byte, as the last.
    let _ = std::fs::write(dir.join(format!("{:020}.seg", 9)), data);
    let options = DiskOptions {
        sync: false,
        memory_limit: 100,
        ..DiskOptions::default()
    };
    if let Ok((disk, _)) = Disk::open(&dir, options) {
        let found = disk.len();
        let mut metric = Metric::new("after", 1);
        metric.set_field("x", 1i64);
        disk.push(Arc::new(vec![metric]));
        let taken = disk.take(50);
        assert!(
            taken.len() <= 50 && taken.metrics().len() == taken.len(),
            "{found} found"
        );
        disk.settle(taken);
        let _ = disk.close(Duration::from_secs(5));
    }
    let _ = std::fs::remove_dir_all(&dir);
});
