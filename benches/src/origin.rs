//! Where the messages of a scene come from: the double or a real mosquitto.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::broker::{Broker, Plan};
use crate::mosquitto::{self, Mosquitto};
use crate::peer::{Folder, Peer};
use crate::scene::{Scene, Source};

/// How long a subscription may take; under valgrind a start takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running source.
pub enum Origin {
    Direct(Broker),
    Real(Mosquitto),
}

/// Those who publish, where the source is a real broker.
pub struct Publishers(Option<JoinHandle<Result<()>>>);

impl Origin {
    /// Starts the scene's source for so many subscribers.
    pub fn start(scene: &Scene, subscribers: u64) -> Result<Origin> {
        Ok(match scene.source {
            Source::Direct => Origin::Direct(Broker::start(Plan {
                payload: scene.payload,
                qos: scene.qos,
                topics: scene.topics,
                messages: scene.messages,
                subscribers,
            })?),
            Source::Mosquitto { .. } => Origin::Real(Mosquitto::start()?),
        })
    }

    pub fn port(&self) -> u16 {
        match self {
            Origin::Direct(broker) => broker.port(),
            Origin::Real(mosquitto) => mosquitto.port(),
        }
    }

    /// Waits until a program has made so many subscriptions. Its folder has its log.
    pub fn wait(&self, subscriptions: u64, peer: &mut Peer, folder: &Folder) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        let made = || match self {
            Origin::Direct(broker) => broker.subscribed() as u64,
            Origin::Real(mosquitto) => mosquitto.subscribed() as u64,
        };
        while made() < subscriptions {
            if peer.has_ended() || Instant::now() > end {
                let log = ["agent.log", "floor.log"].map(|name| folder.path().join(name));
                let log = log.iter().find_map(|file| std::fs::read_to_string(file).ok());
                bail!("the program did not subscribe:\n{}", log.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    /// Lets the scene's messages go.
    pub fn go(&self, scene: &Scene) -> Publishers {
        Publishers(match (self, scene.source) {
            (Origin::Direct(broker), _) => {
                broker.go();
                None
            }
            (Origin::Real(mosquitto), Source::Mosquitto { rate }) => {
                let (port, payload, qos, messages) =
                    (mosquitto.port(), scene.payload, scene.qos, scene.messages);
                Some(std::thread::spawn(move || {
                    mosquitto::publish(port, payload, qos, messages, rate)
                }))
            }
            _ => None,
        })
    }
}

impl Publishers {
    /// Waits until all is published.
    pub fn end(self) -> Result<()> {
        match self.0.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(done)) => done,
            Some(Err(_)) => bail!("the publishers panicked"),
        }
    }
}
