//! One direction of a connection: bytes from one side to the other, as the present fault has it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Fault, Setting};

/// So many chunks may wait in one direction of a delayed connection.
const WAITING: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From client to server.
    Up,
    /// From server to client.
    Down,
}

/// Why a connection ends before its peers end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is closed.
    Cut,
    /// It is reset: told to, or a peer did so.
    Reset,
}

/// How many bytes a connection has left to pass, counted anew for each [`Fault::CutAfter`] that is set.
#[derive(Default)]
pub struct Budget {
    epoch: AtomicU64,
    spent: AtomicU64,
}

impl Budget {
    /// How many of `wanted` bytes may pass under a budget of `all`. Both directions run in one task, so plain steps do.
    fn take(&self, epoch: u64, all: u64, wanted: usize) -> usize {
        if self.epoch.swap(epoch, Ordering::Relaxed) != epoch {
            self.spent.store(0, Ordering::Relaxed);
        }
        let spent = self.spent.load(Ordering::Relaxed);
        let taken = (wanted as u64).min(all.saturating_sub(spent));
        self.spent.store(spent + taken, Ordering::Relaxed);
        taken as usize
    }
}

/// Runs until the sender ends its direction (`Ok`) or the connection is broken. A proxy that is gone is a broken one.
pub async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut settings: watch::Receiver<Setting>,
    direction: Direction,
    budget: &Budget,
    count: &AtomicU64,
) -> Result<(), Broken> {
    let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut ended = false;
    let mut half_closed = false;
    let mut swallowed = false;
    loop {
        let Setting { fault, epoch } = *settings.borrow_and_update();
        if swallowed && fault != Fault::BlackHole {
            return Err(Broken::Reset);
        }
        if fault == Fault::HalfClose && direction == Direction::Down && !half_closed {
            half_closed = true;
            to.shutdown().await.map_err(|_| Broken::Reset)?;
        }
        let stalled = fault == Fault::Stall;
        let due = waiting.front().map(|w| w.0);
        let most = match fault {
            // In twentieths of a second.
            Fault::Slow(rate) => (rate / 20).clamp(1, buffer.len() as u64) as usize,
            _ => buffer.len(),
        };
        if ended && waiting.is_empty() {
            if !half_closed {
                to.shutdown().await.map_err(|_| Broken::Reset)?;
            }
            return Ok(());
        }
        tokio::select! {
            biased;
            changed = settings.changed() => changed.map_err(|_| Broken::Reset)?,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() && !stalled => {
                if let Some((_, chunk)) = waiting.pop_front() && !half_closed {
                    to.write_all(&chunk).await.map_err(|_| Broken::Reset)?;
                    count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                }
            }
            read = from.read(&mut buffer[..most]), if !ended && !stalled && waiting.len() < WAITING => {
                let n = read.map_err(|_| Broken::Reset)?;
                ended = n == 0;
                let mut pass = n;
                let mut delay = Duration::ZERO;
                match fault {
                    Fault::BlackHole => {
                        pass = 0;
                        swallowed = n > 0;
                    }
                    Fault::CutAfter(all) => pass = budget.take(epoch, all, n),
                    Fault::Delay(time) => delay = time,
                    _ => {}
                }
                if half_closed {
                    continue;
                }
                if !delay.is_zero() || !waiting.is_empty() {
                    waiting.push_back((Instant::now() + delay, buffer[..pass].to_vec()));
                    continue;
                }
                to.write_all(&buffer[..pass]).await.map_err(|_| Broken::Reset)?;
                count.fetch_add(pass as u64, Ordering::Relaxed);
                match fault {
                    Fault::CutAfter(_) if pass < n => return Err(Broken::Cut),
                    Fault::Slow(rate) => sleep(Duration::from_secs_f64(n as f64 / rate.max(1) as f64)).await,
                    _ => {}
                }
            }
        }
    }
}
