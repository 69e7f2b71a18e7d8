//! Secret stores that need no third-party crate: folders in which each file is a secret.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod docker;
mod folder;
mod systemd;

pub use docker::{Docker, DockerConfig};
pub use systemd::{Systemd, SystemdConfig};
