//! The loop of one connection: a read's worth of messages through the parser to the pipeline, and what the broker is owed.

use std::pin::pin;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::{Phase, Settled, Tracker};

use crate::acks::{Acks, NOBODY};
use crate::broker::Common;
use crate::buffer::Buffer;
use crate::conn::{Conn, Event, Watch};
use crate::link::Link;
use crate::messages::Messages;
use crate::numbers::Gauge;
use crate::pace::{Gulp, Pace};
use crate::packets::{Level, RECEIVE_MAXIMUM};
use crate::redundant::Window;
use crate::silence::{Act, Silence};
use crate::standstill::Standstill;
use crate::subscription::Subscription;
use crate::unpack::Passing;

/// Settled messages are gathered for so long while the broker's window is wide.
const GATHER: Duration = Duration::from_millis(1);

/// How a connection ended.
pub(crate) enum End {
    /// The agent stops reading; the connection is there for the last acknowledgements.
    Stopping(Box<Conn>),
    Lost(String),
}

/// What the connections of one input share.
pub(crate) struct Shared {
    pub messages: Messages,
    /// There where several brokers send the same.
    pub window: Option<Window>,
}

/// What outlives a connection.
pub(crate) struct Session<'a> {
    pub acc: &'a mut Accumulator,
    pub phase: watch::Receiver<Phase>,
    /// Locked for the packets of one read.
    pub shared: &'a Mutex<Shared>,
    /// Which of the brokers this is.
    pub broker: usize,
    pub subscription: &'a mut Subscription,
    /// Messages of QoS 1 and 2 are acknowledged when they are settled, not when they are taken.
    pub persistent: bool,
    pub ping_timeout: Duration,
    pub coalesce: Duration,
    /// `max_undelivered_messages`.
    pub limit: usize,
    pub acks: Acks,
    pub tracker: Tracker,
    /// The tracker's reports, kept for their memory.
    pub settled: Vec<Settled>,
    pub silence: Silence,
    pub unacknowledged: Gauge,
    pub duplicates: Stat,
}

/// What belongs to one connection, beside its bytes.
pub(crate) struct Flow {
    pub level: Level,
    pace: Pace,
    /// Written once the gulp has been handed over.
    pub owed: Vec<u8>,
    standstill: Standstill,
    /// Settled messages are acknowledged then.
    gather: Option<Instant>,
    /// A message whose payload is not kept, because it is too large.
    pub passing: Option<Passing>,
}

impl Session<'_> {
    /// Serves one connection until it is lost or the agent stops.
    pub async fn serve(&mut self, link: Link, buffer: &mut Buffer) -> End {
        let level = link.level;
        self.acks.connected(link.session_present);
        let told = level.is_v5().then_some(usize::from(RECEIVE_MAXIMUM));
        let mut flow = Flow {
            level,
            pace: Pace::new(self.coalesce, told),
            owed: Vec::new(),
            standstill: Standstill::new(told.is_some()),
            gather: None,
            passing: None,
        };
        let now = Instant::now();
        self.silence.connected(now);
        if let Some(window) = &mut self.shared.lock().window {
            window.connected(self.broker, now);
        }
        let session_present = link.session_present;
        let mut conn = Box::new(Conn::new(link, self.ping_timeout));
        if !self
            .subscription
            .ask(level, session_present, conn.out(), self.acc)
        {
            self.acc.ready();
        }
        let mut event = Event::Bytes(buffer.unread().len(), false);
        loop {
            let done = match event {
                Event::Bytes(bytes, full) => self.gulp(&mut conn, &mut flow, buffer, bytes, full).await,
                Event::Settled => {
                    self.on_settled(&mut flow, &mut conn);
                    Ok(())
                }
                Event::Due => self.on_due(&mut flow, &mut conn),
                Event::Phase => return End::Stopping(conn),
                Event::Lost(why) => Err(why),
            };
            if let Err(why) = done {
                if let Some(window) = &mut self.shared.lock().window {
                    window.lost(self.broker);
                }
                self.unacknowledged.set(0);
                return End::Lost(why);
            }
            self.unacknowledged.set(self.acks.outstanding());
            let reading = self.tracker.room() > 0;
            self.nudge(&mut flow, reading);
            let listening = flow.gather.is_none() && (self.persistent || !reading);
            let due = [
                flow.standstill.due(),
                flow.gather,
                self.subscription.deadline(),
                self.silence.due(),
            ];
            let due = due.into_iter().flatten().min();
            let watch = Watch {
                reading,
                tracker: listening.then_some(&self.tracker),
                until: Phase::Stopping,
                phase: &mut self.phase,
                due,
            };
            event = conn.wait(buffer, watch).await;
        }
    }

    /// Uses all whole packets of the buffer, hands the metrics over, and acknowledges; then perhaps a pause.
    async fn gulp(
        &mut self,
        conn: &mut Conn,
        flow: &mut Flow,
        buffer: &mut Buffer,
        bytes: usize,
        full: bool,
    ) -> std::result::Result<(), String> {
        let mut gulp = Gulp {
            bytes,
            full,
            ..Gulp::default()
        };
        let mut unclaimed = 0;
        let wanted = loop {
            let wanted = self.unpack(conn, flow, buffer, &mut gulp, &mut unclaimed)?;
            gulp.metrics += self.acc.batch().len();
            self.hand_over(conn, &mut unclaimed).await;
            if let Some(wanted) = wanted {
                break wanted;
            }
        };
        buffer.make_room(wanted);
        if self.persistent && self.collect() {
            flow.standstill.moved();
        }
        self.acks.write(&mut flow.owed);
        if self.persistent && !flow.owed.is_empty() {
            flow.standstill
                .acknowledged(self.acks.outstanding(), Instant::now());
        }
        conn.out().append(&mut flow.owed);
        conn.send().await?;

        let now = Instant::now();
        gulp.outstanding = self.acks.outstanding();
        gulp.room = self.tracker.room();
        let pause = flow.pace.after(gulp, || self.acc.slack(), now.into_std());
        if gulp.messages > 0 {
            self.silence.heard(now);
            flow.standstill.handed_over(gulp.messages, gulp.outstanding, now);
            if !pause.is_zero() {
                self.nudge(flow, true);
                conn.rest(pause).await?;
            }
        }
        Ok(())
    }

    /// Sends the batch. Messages that nobody waits for one by one share an acknowledgement, so that they count.
    async fn hand_over(&mut self, conn: &mut Conn, unclaimed: &mut usize) {
        if self.acc.batch().is_empty() {
            return;
        }
        if *unclaimed > 0 {
            let ack = self.tracker.issue_many(NOBODY, std::mem::take(unclaimed));
            for metric in self.acc.batch() {
                if metric.ack().is_none() {
                    metric.set_ack(Some(ack.clone()));
                }
            }
        }
        let ping_due = conn.ping_due();
        let mut flush = pin!(self.acc.flush());
        tokio::select! {
            biased;
            () = &mut flush => return,
            () = sleep_until(ping_due) => {}
        }
        // The pipeline is slow: the broker shall know that we live.
        loop {
            if conn.keep_alive(false).is_ok() {
                let _ = conn.send().await;
            }
            tokio::select! {
                biased;
                () = &mut flush => return,
                () = sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    /// Takes over what was settled. Whether there was anything.
    fn collect(&mut self) -> bool {
        self.settled.clear();
        self.tracker.take_settled(&mut self.settled);
        for settled in &self.settled {
            // A rejected message is settled too: sent again it would be rejected again, for ever.
            self.acks.settle(settled.token);
        }
        !self.settled.is_empty()
    }

    fn on_settled(&mut self, flow: &mut Flow, conn: &mut Conn) {
        flow.standstill.moved();
        if !self.persistent {
            return;
        }
        if self.acks.outstanding() * 2 < flow.pace.window() {
            flow.gather = Some(Instant::now() + GATHER);
        } else {
            self.acknowledge(flow, conn);
        }
    }

    fn acknowledge(&mut self, flow: &mut Flow, conn: &mut Conn) {
        flow.gather = None;
        if self.collect() {
            flow.standstill.moved();
        }
        let before = conn.out().len();
        self.acks.write(conn.out());
        if conn.out().len() > before {
            flow.standstill
                .acknowledged(self.acks.outstanding(), Instant::now());
        }
    }

    fn on_due(&mut self, flow: &mut Flow, conn: &mut Conn) -> std::result::Result<(), String> {
        let now = Instant::now();
        if flow.gather.is_some_and(|at| at <= now) {
            self.acknowledge(flow, conn);
        }
        if self.persistent && flow.standstill.over(self.acks.outstanding(), now) {
            self.acc.hurry();
        }
        if self.subscription.deadline().is_some_and(|at| at <= now) {
            return Err("no answer to the subscription".to_owned());
        }
        let reading = self.tracker.room() > 0;
        if !reading {
            self.silence.not_listening(now);
        }
        let shown = |silent: Duration| wheatstone_plugin::conf::Duration::from_secs(silent.as_secs());
        match self.silence.check(now) {
            Act::Wait => {}
            Act::Warn(silent, usual) => warn!(
                self.subscription.log(),
                "no message for {}, usually one every {usual:?}: still connected and subscribed",
                shown(silent)
            ),
            Act::Reconnect(silent) => {
                return Err(format!(
                    "no message for {}: connecting anew (max_silence)",
                    shown(silent)
                ));
            }
        }
        conn.keep_alive(reading)
    }

    /// Asks the outputs to hurry where the broker, or this input, waits for them.
    fn nudge(&self, flow: &mut Flow, room: bool) {
        // Near our own limit the outputs begin to write while we still read.
        let window = flow.pace.window().min(self.limit);
        if flow.standstill.near(room, self.acks.outstanding(), window) {
            self.acc.hurry();
        }
    }

    /// Notes what a later run must know of the session.
    pub fn remember(&mut self) {
        if self.persistent {
            self.collect();
            self.subscription
                .memory
                .rests(self.acks.stored(), self.acks.acknowledged());
        }
    }

    /// Reads no more, but acknowledges what settles until the agent closes; then says goodbye.
    pub async fn finish(&mut self, mut conn: Box<Conn>, buffer: &mut Buffer, common: &Common<'_>) {
        self.acc.flush().await;
        common.drained(self.acc);
        loop {
            let watch = Watch {
                reading: false,
                tracker: self.persistent.then_some(&self.tracker),
                until: Phase::Closing,
                phase: &mut self.phase,
                due: None,
            };
            let event = conn.wait(buffer, watch).await;
            if let Event::Lost(_) = event {
                self.acc.closing().await;
                return;
            }
            self.collect();
            self.acks.write(conn.out());
            if let Event::Phase = event {
                return conn.close().await;
            }
            let _ = conn.keep_alive(false);
        }
    }
}
