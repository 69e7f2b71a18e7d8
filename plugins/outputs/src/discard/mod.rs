//! Metrics in, nothing out: every batch counts as written.

use wheatstone_plugin::prelude::*;

/// Throws all metrics away.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DiscardConfig {}

struct Discard;

impl Plugin for Discard {
    type Config = DiscardConfig;

    fn new(_: DiscardConfig, _: &Context) -> Result<Self> {
        Ok(Discard)
    }
}

#[async_trait]
impl Output for Discard {
    async fn write(&mut self, _: &[&Metric]) -> Result<(), WriteError> {
        Ok(())
    }
}

register!(output "discard" = Discard);

#[cfg(test)]
mod tests {
    use wheatstone_plugin::conf::Table;
    use wheatstone_plugin::prelude::*;
    use wheatstone_plugin::{AgentInfo, Kind, find};

    #[test]
    fn it_is_known_and_takes_everything() -> Result<()> {
        let log = Log::new("outputs.discard", None, None);
        let cx = Context::new(
            Kind::Output,
            "discard",
            "",
            Table::default(),
            log,
            std::sync::Arc::new(AgentInfo::default()),
        );
        let Some(wheatstone_plugin::Build::Output(build)) = find(Kind::Output, "discard").map(|r| r.build)
        else {
            bail!("not registered");
        };
        let mut discard = build(&cx)?;
        let metric = Metric::new("m", 1);
        let batch = [&metric];
        let mut written = discard.write(&batch);
        // Nothing in it waits, so one poll is enough.
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(matches!(
            written.as_mut().poll(&mut task),
            std::task::Poll::Ready(Ok(()))
        ));
        Ok(())
    }
}
