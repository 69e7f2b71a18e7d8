//! What persistent sessions must know after a restart or a reload: their subscriptions, the QoS 2 messages that were stored but
//! whose identifiers the broker has not released, and the messages of which another broker still has a copy.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::LazyLock;

use parking_lot::Mutex;
use wheatstone_plugin::State;
use wheatstone_plugin::prelude::*;

use crate::acks::{Acknowledged, Journal};
use crate::redundant::Rest;

/// What is kept, by the session's name: for a reload, and where there is no file.
static KEPT: LazyLock<Mutex<HashMap<String, Kept>>> = LazyLock::new(Mutex::default);
/// The same of windows.
static RESTS: LazyLock<Mutex<HashMap<String, Rest>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// The filters that the broker has in the session.
    topics: Vec<String>,
    /// Identifiers of QoS 2 messages that are stored: sent again they are only acknowledged.
    received: Vec<u16>,
    /// QoS 1 messages of which the broker may not have heard the acknowledgement.
    acknowledged: Acknowledged,
}

/// The memory of one session.
pub(crate) struct Memory {
    /// Who we are at which broker; nothing for a session that ends with its connection.
    name: Option<String>,
    state: Option<State>,
    kept: Kept,
    /// Where acknowledgements are kept.
    journal: Option<PathBuf>,
    log: Log,
}

impl Memory {
    /// The memory of the session with this name. Its state does not hang on the options, which may be what has changed.
    pub fn new(name: Option<String>, cx: &Context) -> Result<Memory> {
        let state = match &name {
            Some(name) => Some(cx.agent().states.of(&format!("inputs.mqtt_consumer {name}"))?),
            None => None,
        };
        let beside = cx.agent().states.path().filter(|path| path.file_name().is_some());
        let journal = name.as_ref().zip(beside).map(|(name, statefile)| {
            let hash = foldhash::fast::FixedState::with_seed(0).hash_one(name);
            let mut file = statefile.file_name().unwrap_or_default().to_owned();
            file.push(format!(".{hash:016x}.acks"));
            statefile.with_file_name(file)
        });
        Ok(Memory {
            name,
            state,
            journal,
            kept: Kept::default(),
            log: cx.log().clone(),
        })
    }

    /// Remembers, when the session begins, and gives the identifiers of messages that are stored already. They are good for
    /// once: should the agent be killed, the broker's numbers stand for other messages when it starts again.
    pub fn recall(&mut self) -> (Vec<u16>, Acknowledged) {
        let Some(name) = &self.name else {
            return Default::default();
        };
        let lately = KEPT.lock().get(name).cloned();
        self.kept = match (lately, &self.state) {
            (Some(kept), _) => kept,
            (None, Some(state)) => match state.load() {
                Ok(kept) => kept.unwrap_or_default(),
                Err(e) => {
                    warn!(self.log, "What was kept of the session is not used: {e:#}");
                    Kept::default()
                }
            },
            (None, None) => Kept::default(),
        };
        let received = std::mem::take(&mut self.kept.received);
        let acknowledged = std::mem::take(&mut self.kept.acknowledged);
        if received.is_empty() && acknowledged == Acknowledged::default() {
            return (received, acknowledged);
        }
        self.keep();
        match self.state.as_ref().map_or(Ok(()), |state| state.save(&self.kept)) {
            Ok(()) => (received, acknowledged),
            Err(e) => {
                warn!(self.log, "Messages may come a second time: {e:#}");
                Default::default()
            }
        }
    }

    /// The journal of acknowledgements, where there is a `statefile`, and what is in it: opened when the session begins.
    pub fn journal(&self) -> Option<(Journal, Acknowledged)> {
        let path = self.journal.as_ref()?;
        let opened = Journal::open(path);
        if let Err(e) = &opened {
            warn!(
                self.log,
                "Acknowledgements are not kept, messages may come a second time after a kill: {}: {e}",
                path.display()
            );
        }
        opened.ok()
    }

    /// The filters that the broker's session had.
    pub fn topics(&self) -> &[String] {
        &self.kept.topics
    }

    /// The broker has these filters now.
    pub fn subscribed(&mut self, topics: &[String]) {
        if self.name.is_some() && self.kept.topics != topics {
            self.kept.topics = topics.to_vec();
            self.keep();
        }
    }

    /// The session rests, and these messages are stored.
    pub fn rests(&mut self, received: Vec<u16>, acknowledged: Acknowledged) {
        if self.kept.received != received || self.kept.acknowledged != acknowledged {
            self.kept.received = received;
            self.kept.acknowledged = acknowledged;
            self.keep();
        }
    }

    fn keep(&self) {
        let Some(name) = &self.name else {
            return;
        };
        KEPT.lock().insert(name.clone(), self.kept.clone());
        if let Some(Err(e)) = self.state.as_ref().map(|state| state.put(&self.kept)) {
            warn!(self.log, "The session is not kept: {e:#}");
        }
    }
}

/// The memory of the window of redundant brokers.
pub(crate) struct WindowMemory {
    name: String,
    state: State,
    log: Log,
}

impl WindowMemory {
    /// The memory of the window with this name.
    pub fn new(name: String, cx: &Context) -> Result<WindowMemory> {
        Ok(WindowMemory {
            state: cx
                .agent()
                .states
                .of(&format!("inputs.mqtt_consumer window {name}"))?,
            name,
            log: cx.log().clone(),
        })
    }

    /// What the run before has noted, once; like identifiers it would be wrong after a kill.
    pub fn recall(&self) -> Rest {
        let lately = RESTS.lock().remove(&self.name);
        let kept = match lately {
            Some(rest) => Ok(Some(rest)),
            None => self.state.load(),
        };
        let erased = kept.and_then(|kept: Option<Rest>| {
            let kept = kept.filter(|rest| !rest.is_empty());
            if kept.is_some() {
                self.state.save(&Rest::default())?;
            }
            Ok(kept.unwrap_or_default())
        });
        erased.unwrap_or_else(|e| {
            warn!(
                self.log,
                "Copies of messages of the last run may be stored: {e:#}"
            );
            Rest::default()
        })
    }

    /// Notes it at the end.
    pub fn rests(&self, rest: Rest) {
        if let Err(e) = self.state.put(&rest) {
            warn!(self.log, "The window of redundant servers is not kept: {e:#}");
        }
        RESTS.lock().insert(self.name.clone(), rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use wheatstone_plugin::conf::Table;
    use wheatstone_plugin::{AgentInfo, Kind, States};

    fn context(states: States) -> Context {
        let agent = AgentInfo {
            states,
            ..AgentInfo::default()
        };
        let log = Log::new("inputs.mqtt_consumer", None, None);
        Context::new(
            Kind::Input,
            "mqtt_consumer",
            "",
            Table::default(),
            log,
            Arc::new(agent),
        )
    }

    #[test]
    fn a_session_is_remembered_over_a_restart_and_its_messages_once() {
        let folder = std::env::temp_dir().join(format!("wheatstone-memory-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("states");
        let open = || {
            KEPT.lock().remove("restarted");
            let states = States::open(&path).unwrap();
            (
                Memory::new(Some("restarted".into()), &context(states.clone())).unwrap(),
                states,
            )
        };
        let (mut memory, states) = open();
        assert_eq!(memory.recall(), (vec![], Acknowledged::default()));
        assert!(memory.topics().is_empty());
        memory.subscribed(&["a".into(), "b".into()]);
        let acknowledged = Acknowledged::some();
        memory.rests(vec![7, 9], acknowledged.clone());
        states.save().unwrap();
        drop((memory, states));

        let (mut memory, states) = open();
        assert_eq!(memory.recall(), (vec![7, 9], acknowledged));
        assert_eq!(memory.topics(), ["a", "b"]);
        // Killed here: nothing is saved any more.
        drop((memory, states));
        let (mut memory, _states) = open();
        assert_eq!(memory.recall(), (vec![], Acknowledged::default()));
        assert_eq!(memory.topics(), ["a", "b"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_reload_remembers_without_a_file_and_a_clean_session_never() {
        let memory =
            |name: Option<&str>| Memory::new(name.map(str::to_owned), &context(States::default())).unwrap();
        let mut old = memory(Some("reloaded"));
        // Built before the old one has ended.
        let mut new = memory(Some("reloaded"));
        old.subscribed(&["a".into()]);
        old.rests(vec![3], Acknowledged::some());
        assert_eq!(new.recall(), (vec![3], Acknowledged::some()));
        assert_eq!(new.topics(), ["a"]);
        let mut clean = memory(None);
        clean.subscribed(&["a".into()]);
        clean.rests(vec![1], Acknowledged::some());
        assert!(memory(None).recall().0.is_empty());
    }
}
