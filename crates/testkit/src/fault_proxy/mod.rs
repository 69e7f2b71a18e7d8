//! A TCP proxy between the agent and a server that can be told, at run time, to break the connections in many ways.

mod pump;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use pump::{Broken, Budget, Direction, pump};

/// What the proxy does with its connections, open ones and new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: bytes pass.
    Pass,
    /// Bytes arrive so much later, in both directions.
    Delay(Duration),
    /// Each connection passes so many bytes more, both directions together, and is then closed, in the middle of a packet
    /// where it falls so.
    CutAfter(u64),
    /// Connections are reset (RST): the open ones now, new ones once they are accepted.
    Reset,
    /// Connections are accepted and everything is swallowed, as by a filter that drops packets. Whatever was open meanwhile
    /// is reset when the next fault is set, since bytes are missing from it.
    BlackHole,
    /// Nothing moves, and nothing is lost: bytes go on when the next fault is set, as after a cable was pulled for a while.
    Stall,
    /// The client sees the end of the stream; what it sends still reaches the server.
    HalfClose,
    /// So many bytes a second in each direction of each connection; at least 1.
    Slow(u64),
    /// Nobody listens; the open connections are reset.
    Refuse,
}

/// A fault and its number: setting the same fault twice is two events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    fault: Fault,
    epoch: u64,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

/// The proxy. It works in a thread of its own and ends when it is dropped; its connections are reset then.
pub struct FaultProxy {
    address: SocketAddr,
    setting: Option<watch::Sender<Setting>>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Listens on a free port of 127.0.0.1 and passes everything on to `target`.
    pub fn start(target: SocketAddr) -> Result<FaultProxy> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (setting, settings) = watch::channel(Setting {
            fault: Fault::Pass,
            epoch: 0,
        });
        let counts = Arc::new(Counts::default());
        let shared = counts.clone();
        let run = move || runtime.block_on(listen(listener, target, settings, shared));
        let thread = std::thread::Builder::new()
            .name("fault proxy".to_owned())
            .spawn(run)
            .context("no thread")?;
        Ok(FaultProxy {
            address,
            setting: Some(setting),
            counts,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
    /// From now on.
    pub fn set(&self, fault: Fault) {
        if let Some(setting) = &self.setting {
            setting.send_modify(|s| {
                *s = Setting {
                    fault,
                    epoch: s.epoch + 1,
                }
            });
        }
    }
    /// What it does now.
    pub fn fault(&self) -> Fault {
        self.setting.as_ref().map_or(Fault::Refuse, |s| s.borrow().fault)
    }
    /// How many connections it has accepted.
    pub fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }
    /// How many bytes it has passed to the server.
    pub fn bytes_up(&self) -> u64 {
        self.counts.up.load(Ordering::Relaxed)
    }
    /// How many bytes it has passed to the client.
    pub fn bytes_down(&self) -> u64 {
        self.counts.down.load(Ordering::Relaxed)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.setting = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Accepts until the proxy is dropped.
async fn listen(
    first: std::net::TcpListener,
    target: SocketAddr,
    mut settings: watch::Receiver<Setting>,
    counts: Arc<Counts>,
) {
    let Ok(address) = first.local_addr() else { return };
    let mut listener = TcpListener::from_std(first).ok();
    loop {
        if settings.borrow_and_update().fault == Fault::Refuse {
            listener = None;
            if settings.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &listener else {
            // The port is ours again as soon as the kernel has let go of it.
            listener = TcpListener::bind(address).await.ok();
            if listener.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            continue;
        };
        tokio::select! {
            changed = settings.changed() => if changed.is_err() { return },
            accepted = open.accept() => if let Ok((client, _)) = accepted {
                counts.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(client, target, settings.clone(), counts.clone()));
            },
        }
    }
}

/// One connection, from its acceptance to its end.
async fn serve(
    mut client: TcpStream,
    target: SocketAddr,
    mut settings: watch::Receiver<Setting>,
    counts: Arc<Counts>,
) {
    let at_first = settings.borrow_and_update().fault;
    if at_first == Fault::BlackHole {
        swallow(&mut client, settings).await;
        return reset(client);
    }
    if matches!(at_first, Fault::Reset | Fault::Refuse) {
        return reset(client);
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        return reset(client);
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let budget = Budget::default();
    let broken = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = pump(
            from_client,
            to_server,
            settings.clone(),
            Direction::Up,
            &budget,
            &counts.up,
        );
        let down = pump(
            from_server,
            to_client,
            settings.clone(),
            Direction::Down,
            &budget,
            &counts.down,
        );
        tokio::select! {
            ended = async { tokio::try_join!(up, down) } => ended.err(),
            () = torn(settings) => Some(Broken::Reset),
        }
    };
    if broken == Some(Broken::Reset) {
        reset(client);
        reset(server);
    }
}

/// Returns when a fault is set that resets what is open.
async fn torn(mut settings: watch::Receiver<Setting>) {
    loop {
        let before = settings.borrow_and_update().fault;
        if matches!(before, Fault::Reset | Fault::Refuse)
            || settings.changed().await.is_err()
            || before == Fault::BlackHole
        {
            return;
        }
    }
}

/// Reads and forgets until another fault is set.
async fn swallow(client: &mut TcpStream, mut settings: watch::Receiver<Setting>) {
    let mut nowhere = tokio::io::sink();
    tokio::select! {
        _ = tokio::io::copy(client, &mut nowhere) => { let _ = settings.wait_for(|s| s.fault != Fault::BlackHole).await; },
        _ = settings.changed() => {},
    }
}

fn reset(stream: TcpStream) {
    // Closing with a linger time of 0 sends RST.
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests;
