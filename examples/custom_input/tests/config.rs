//! The example's configuration loads, and its plugin gives metrics.

use std::process::Command;

#[test]
fn the_configuration_runs() {
    let out = Command::new(env!("CARGO_BIN_EXE_example-custom-input"))
        .args([
            "--config",
            concat!(env!("CARGO_MANIFEST_DIR"), "/wheatstone.conf"),
            "--test",
        ])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(printed.contains("> load_average load1="), "{printed}");
}
