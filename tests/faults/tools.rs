//! Programs that only some runs need: what breaks the disk and the clock.

use std::path::PathBuf;

use crate::plan::Scene;

/// What this machine has of them.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// libfaketime's library.
    pub faketime: Option<PathBuf>,
    /// strace, and the right to use it.
    pub strace: bool,
    /// The right to mount a file system.
    pub mount: bool,
}

impl Tools {
    /// Looks for them.
    pub fn find() -> Tools {
        let libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf"];
        let faketime = libraries
            .iter()
            .map(|arch| PathBuf::from(format!("/usr/lib/{arch}/faketime/libfaketime.so.1")))
            .find(|file| file.is_file());
        let mut strace = std::process::Command::new("strace");
        strace
            .args(["-D", "-e", "trace=fsync", "true"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        Tools {
            faketime,
            strace: strace.status().is_ok_and(|s| s.success()),
            mount: rustix::process::geteuid().is_root(),
        }
    }

    /// Whether a run may be set in this scene.
    pub fn can(&self, scene: Scene) -> bool {
        match scene {
            Scene::Plain => true,
            Scene::SmallDisk => self.mount,
            Scene::OtherClock => self.faketime.is_some(),
            Scene::BadDisk => self.strace,
        }
    }

    /// What is missing, for whoever wants all of it.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.faketime.is_none() {
            missing.push("no clock jumps: install libfaketime");
        }
        if !self.strace {
            missing.push("no failing syncs: install strace");
        }
        if !self.mount {
            missing.push("no full disk: only root can mount a small one");
        }
        missing
    }
}
