//! Pauses of some milliseconds, kept to the microsecond.
//!
//! The runtime's timer goes by whole milliseconds, rounded up twice: a pause of 5 ms lasts 6 to 7. And to set it wakes the
//! thread that waits for sockets, once more in each pause. On Linux a timer of the kernel's is waited for as a socket is.

use std::time::Duration;

#[cfg(target_os = "linux")]
mod kernel {
    use std::io;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::AsyncReadExt;
    use tokio::net::unix::pipe::Receiver;

    /// To the runtime a timer is what can be read, as a pipe is: eight bytes once it has run out.
    pub struct Timer(Receiver);

    impl Timer {
        pub fn new() -> io::Result<Timer> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Timer(Receiver::from_owned_fd_unchecked(timer)?))
        }

        pub async fn wait(&mut self, pause: Duration) -> io::Result<()> {
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: Timespec::try_from(pause).map_err(|_| io::ErrorKind::InvalidInput)?,
            };
            // What is left of a pause that was given up goes with it.
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            // With room for more than there is the runtime knows from one read that it must wait for the next.
            match self.0.read(&mut [0; 16]).await? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(()),
            }
        }
    }
}

/// Makes one pause at a time.
#[derive(Default)]
pub(crate) struct Rest {
    #[cfg(target_os = "linux")]
    timer: Option<kernel::Timer>,
}

impl Rest {
    /// Waits so long.
    pub async fn rest(&mut self, pause: Duration) {
        #[cfg(target_os = "linux")]
        {
            if self.timer.is_none() {
                self.timer = kernel::Timer::new().ok();
            }
            if let Some(timer) = &mut self.timer
                && timer.wait(pause).await.is_ok()
            {
                return;
            }
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn no_pause_is_too_short_after_one_that_was_given_up() {
        let mut rest = Rest::default();
        let short = Duration::from_millis(20);
        // On a busy machine it may run out before anybody looks, which is as good.
        let _ = tokio::time::timeout(Duration::ZERO, rest.rest(short)).await;
        std::thread::sleep(short + Duration::from_millis(5));
        for pause in [3, 1, 2].map(Duration::from_millis) {
            let begun = Instant::now();
            rest.rest(pause).await;
            assert!(begun.elapsed() >= pause, "{:?} of {pause:?}", begun.elapsed());
        }
    }
}
