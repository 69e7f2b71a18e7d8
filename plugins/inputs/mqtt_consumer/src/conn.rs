//! One connection while it lasts: bytes in, bytes out, and when something is due.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use wheatstone_plugin::{Phase, Tracker};

use crate::buffer::Buffer;
use crate::link::Link;
use crate::packets;
use crate::rest::Rest;
use crate::transport::{Transport, go_text};

/// What a wait ended with.
pub(crate) enum Event {
    /// So many bytes came, and whether they filled the buffer.
    Bytes(usize, bool),
    /// The connection is at its end.
    Lost(String),
    /// Messages were settled.
    Settled,
    /// A time has come.
    Due,
    /// The agent's life went on.
    Phase,
}

/// What a wait looks out for, beside bytes to write.
pub(crate) struct Watch<'a> {
    /// Read, or leave the bytes where they are.
    pub reading: bool,
    /// Wake where messages settle.
    pub tracker: Option<&'a Tracker>,
    /// The phase to wake at, and where it is told.
    pub until: Phase,
    pub phase: &'a mut watch::Receiver<Phase>,
    /// Something of the session is due then.
    pub due: Option<Instant>,
}

pub(crate) struct Conn {
    transport: Transport,
    keepalive: Duration,
    ping_timeout: Duration,
    /// Bytes to be written, and how many of them are.
    out: Vec<u8>,
    sent: usize,
    unflushed: bool,
    last_sent: Instant,
    last_received: Instant,
    /// A PINGREQ that has not been answered.
    pinged: Option<Instant>,
    /// Nobody has read since a pause.
    rested: bool,
    /// What ended the connection, while bytes that came before are still to be used.
    ended: Option<String>,
    timer: Pin<Box<Sleep>>,
    rest: Rest,
}

impl Conn {
    /// Takes an accepted connection over. `ping_timeout` of zero: never give up.
    pub fn new(link: Link, ping_timeout: Duration) -> Conn {
        let now = Instant::now();
        Conn {
            transport: link.transport,
            keepalive: link.keepalive,
            ping_timeout,
            out: Vec::new(),
            sent: 0,
            unflushed: false,
            last_sent: now,
            last_received: now,
            pinged: None,
            rested: false,
            ended: None,
            timer: Box::pin(sleep_until(now + Duration::from_secs(86_400))),
            rest: Rest::default(),
        }
    }

    /// Where packets to be written are appended.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Writes what can be written now; the rest goes with the next wait.
    pub async fn send(&mut self) -> Result<(), String> {
        let sent = std::future::poll_fn(|cx| match self.poll_send(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => Poll::Ready(Ok(())),
        });
        sent.await.map_err(|e| go_text(&e))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out.is_empty() && !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        while self.sent < self.out.len() {
            let n = std::task::ready!(Pin::new(&mut self.transport).poll_write(cx, &self.out[self.sent..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
            self.unflushed = true;
            self.last_sent = Instant::now();
        }
        self.out.clear();
        self.sent = 0;
        std::task::ready!(Pin::new(&mut self.transport).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Reads all that is there, or as much as the buffer takes.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buffer: &mut Buffer) -> Poll<Event> {
        if let Some(why) = self.ended.take() {
            return Poll::Ready(Event::Lost(why));
        }
        let mut got = 0;
        let full = loop {
            let mut space = ReadBuf::new(buffer.space());
            if space.remaining() == 0 {
                break true;
            }
            let why = match Pin::new(&mut self.transport).poll_read(cx, &mut space) {
                Poll::Pending => break false,
                Poll::Ready(Ok(())) => {
                    let (n, left) = (space.filled().len(), space.remaining());
                    if n > 0 {
                        buffer.filled(n);
                        got += n;
                        if left > 0 && self.transport.short_read_is_all() {
                            if std::mem::take(&mut self.rested) {
                                let n = self.transport.read_on(buffer.space());
                                buffer.filled(n);
                                got += n;
                            }
                            break false;
                        }
                        continue;
                    }
                    "EOF".to_owned()
                }
                Poll::Ready(Err(e)) => go_text(&e),
            };
            if got == 0 {
                return Poll::Ready(Event::Lost(why));
            }
            self.ended = Some(why);
            break false;
        };
        if got == 0 {
            return Poll::Pending;
        }
        self.last_received = Instant::now();
        Poll::Ready(Event::Bytes(got, full))
    }

    /// Leaves the connection alone for a while.
    pub async fn rest(&mut self, pause: Duration) -> Result<(), String> {
        self.transport.park().map_err(|e| go_text(&e))?;
        self.rested = true;
        self.rest.rest(pause).await;
        Ok(())
    }

    /// Waits for the next thing to do, and writes meanwhile.
    pub async fn wait(&mut self, buffer: &mut Buffer, watch: Watch<'_>) -> Event {
        if let Some(due) = [watch.due, self.due()].into_iter().flatten().min()
            && (due < self.timer.deadline() || self.timer.is_elapsed())
        {
            self.timer.as_mut().reset(due);
        }
        let settled = async {
            match watch.tracker {
                Some(tracker) => tracker.changed().await,
                None => std::future::pending().await,
            }
        };
        let until = watch.until;
        // A core that is gone has stopped.
        let phase = async { drop(watch.phase.wait_for(|p| *p >= until).await) };
        let (mut settled, mut phase) = (pin!(settled), pin!(phase));
        std::future::poll_fn(|cx| {
            if phase.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Phase);
            }
            if let Poll::Ready(Err(e)) = self.poll_send(cx) {
                return Poll::Ready(Event::Lost(go_text(&e)));
            }
            if watch.reading
                && let Poll::Ready(event) = self.poll_fill(cx, buffer)
            {
                return Poll::Ready(event);
            }
            if settled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Settled);
            }
            if self.timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Due);
            }
            Poll::Pending
        })
        .await
    }

    /// When the connection needs a sign of life, or has gone without one for too long.
    fn due(&self) -> Option<Instant> {
        match self.pinged {
            Some(at) if self.ping_timeout.is_zero() => Some(at + self.keepalive),
            Some(at) => Some(at + self.ping_timeout),
            None if self.keepalive.is_zero() => None,
            None => Some(self.last_sent.min(self.last_received) + self.keepalive),
        }
    }

    /// When the next sign of life is due at the latest, while something else is waited for.
    pub fn ping_due(&self) -> Instant {
        self.due()
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400))
    }

    /// The broker answered a sign of life.
    pub fn ponged(&mut self) {
        self.pinged = None;
    }

    /// Does what is due for the connection. Where nobody reads, an answer cannot be seen, and none is missed.
    pub fn keep_alive(&mut self, reading: bool) -> Result<(), String> {
        let now = Instant::now();
        if self.due().is_none_or(|due| now < due) {
            return Ok(());
        }
        if self.pinged.is_some() && reading && !self.ping_timeout.is_zero() {
            return Err("pingresp not received, disconnecting".to_owned());
        }
        self.out.extend_from_slice(packets::PINGREQ);
        self.pinged = Some(now);
        Ok(())
    }

    /// Says goodbye: everything that is to be written, DISCONNECT, and then the broker may close. A socket that were closed
    /// with bytes unread would reset the connection, and with it what we wrote last.
    pub async fn close(mut self) {
        let _ = timeout(Duration::from_secs(2), async {
            self.out.extend_from_slice(packets::DISCONNECT);
            let rest = std::mem::take(&mut self.out);
            self.transport.write_all(&rest[self.sent..]).await?;
            self.transport.flush().await?;
            self.transport.shutdown().await
        })
        .await;
        let _ = timeout(Duration::from_millis(250), async {
            let mut unwanted = [0; 4096];
            while matches!(self.transport.read(&mut unwanted).await, Ok(n) if n > 0) {}
        })
        .await;
    }
}
