//! A topic in, who speaks and what kind of message it is out.

/// What kind of message a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    NodeBirth,
    NodeDeath,
    NodeData,
    NodeCommand,
    DeviceBirth,
    DeviceDeath,
    DeviceData,
    DeviceCommand,
    /// A host application's.
    State,
    /// The source is no topic of Sparkplug: a file, for instance.
    Unknown,
}

impl Message {
    /// The name in the topic.
    pub(super) fn name(self) -> &'static str {
        match self {
            Message::NodeBirth => "NBIRTH",
            Message::NodeDeath => "NDEATH",
            Message::NodeData => "NDATA",
            Message::NodeCommand => "NCMD",
            Message::DeviceBirth => "DBIRTH",
            Message::DeviceDeath => "DDEATH",
            Message::DeviceData => "DDATA",
            Message::DeviceCommand => "DCMD",
            Message::State => "STATE",
            Message::Unknown => "",
        }
    }
    /// Whether the topic names a device.
    fn has_device(self) -> bool {
        use Message::{DeviceBirth, DeviceCommand, DeviceData, DeviceDeath};
        matches!(self, DeviceBirth | DeviceDeath | DeviceData | DeviceCommand)
    }
    fn parse(name: &str) -> Option<Message> {
        use Message::*;
        [
            NodeBirth,
            NodeDeath,
            NodeData,
            NodeCommand,
            DeviceBirth,
            DeviceDeath,
            DeviceData,
            DeviceCommand,
        ]
        .into_iter()
        .find(|message| message.name() == name)
    }
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Topic<'a> {
    pub(super) message: Message,
    /// What stands before the group, such as `spBv1.0`.
    pub(super) namespace: &'a str,
    pub(super) group: &'a str,
    /// The edge node; of a STATE message the host application.
    pub(super) node: &'a str,
    pub(super) device: Option<&'a str>,
}

const NAMESPACE: &str = "spBv1.0";

impl<'a> Topic<'a> {
    /// Reads `spBv1.0/group/NDATA/node[/device]`, `spBv1.0/STATE/host` and `STATE/host`; levels may stand before it, as a
    /// bridge puts them.
    pub(super) fn parse(topic: &'a str) -> Topic<'a> {
        let unknown = Topic {
            message: Message::Unknown,
            namespace: "",
            group: "",
            node: "",
            device: None,
        };
        let host = |namespace, host| Topic {
            message: Message::State,
            namespace,
            node: host,
            ..unknown
        };
        let Some(end) = namespace_end(topic) else {
            // As it was before version 3.
            return topic
                .strip_prefix("STATE/")
                .map_or(unknown, |name| host("", name));
        };
        let namespace = &topic[..end];
        let mut levels = topic[end + 1..].splitn(4, '/');
        let (group, message, node) = (levels.next(), levels.next(), levels.next());
        match (group, message, node, levels.next()) {
            (Some("STATE"), Some(name), None, None) => host(namespace, name),
            (Some(group), Some(message), Some(node), device) => match Message::parse(message) {
                Some(message) if message.has_device() == device.is_some() => Topic {
                    message,
                    namespace,
                    group,
                    node,
                    device,
                },
                _ => unknown,
            },
            _ => unknown,
        }
    }
}

/// Where the level of the namespace ends: a slash follows.
fn namespace_end(topic: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = topic[from..].find(NAMESPACE).map(|at| at + from) {
        let end = at + NAMESPACE.len();
        let begins = at == 0 || topic.as_bytes()[at - 1] == b'/';
        if begins && topic.as_bytes().get(end) == Some(&b'/') {
            return Some(end);
        }
        from = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(topic: &str) -> String {
        let t = Topic::parse(topic);
        format!(
            "{} {}|{}|{}|{}",
            t.message.name(),
            t.namespace,
            t.group,
            t.node,
            t.device.unwrap_or("-")
        )
    }

    #[test]
    fn topics_say_who_speaks() {
        for (topic, shown) in [
            ("spBv1.0/G/NBIRTH/E", "NBIRTH spBv1.0|G|E|-"),
            ("spBv1.0/G/DDATA/E/D", "DDATA spBv1.0|G|E|D"),
            ("site/a/spBv1.0/G/NCMD/E", "NCMD site/a/spBv1.0|G|E|-"),
            ("spBv1.0/STATE/scada", "STATE spBv1.0||scada|-"),
            ("STATE/scada", "STATE ||scada|-"),
            ("spBv1.0/G/NDATA/E/D", " |||-"),
            ("spBv1.0/G/DDATA/E", " |||-"),
            ("spBv1.0/G/XDATA/E", " |||-"),
            ("xspBv1.0/G/NDATA/E", " |||-"),
            ("spBv1.0", " |||-"),
            ("/var/lib/dump.bin", " |||-"),
            ("", " |||-"),
        ] {
            assert_eq!(show(topic), shown, "{topic}");
        }
    }
}
