use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use super::*;

const SOON: Duration = Duration::from_secs(5);
/// Long enough for a byte over loopback that should not come.
const NOT_NOW: Duration = Duration::from_millis(80);

/// A server that sends back what it gets, and its proxy.
fn echo() -> Result<FaultProxy> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let Ok(mut back) = stream.try_clone() else { return };
                let mut stream = stream;
                let _ = std::io::copy(&mut stream, &mut back);
                let _ = back.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    FaultProxy::start(address)
}

fn client(proxy: &FaultProxy) -> Result<TcpStream> {
    let stream = TcpStream::connect(proxy.address())?;
    stream.set_read_timeout(Some(SOON))?;
    Ok(stream)
}

fn round_trip(stream: &mut TcpStream, text: &[u8]) -> Result<()> {
    stream.write_all(text)?;
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back)?;
    assert_eq!(back, text);
    Ok(())
}

fn nothing_comes(stream: &mut TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(NOT_NOW))?;
    let kind = stream.read(&mut [0; 8]).err().map(|e| e.kind());
    assert!(
        matches!(kind, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{kind:?}"
    );
    stream.set_read_timeout(Some(SOON))?;
    Ok(())
}

#[test]
fn bytes_pass_and_are_counted() -> Result<()> {
    let proxy = echo()?;
    let mut stream = client(&proxy)?;
    round_trip(&mut stream, &[7; 10_000])?;
    stream.shutdown(std::net::Shutdown::Write)?;
    assert_eq!(stream.read(&mut [0; 8])?, 0, "the end passes too");
    assert_eq!(
        (proxy.connections(), proxy.bytes_up(), proxy.bytes_down()),
        (1, 10_000, 10_000)
    );
    Ok(())
}

#[test]
fn a_delay_keeps_the_order_and_does_not_narrow_the_link() -> Result<()> {
    let proxy = echo()?;
    let mut stream = client(&proxy)?;
    proxy.set(Fault::Delay(Duration::from_millis(50)));
    let start = Instant::now();
    let text: Vec<u8> = (0..200_000_u32).map(|i| i as u8).collect();
    let mut sending = stream.try_clone()?;
    let copy = text.clone();
    let writer = std::thread::spawn(move || sending.write_all(&copy));
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back)?;
    assert!(back == text);
    assert!(writer.join().is_ok_and(|w| w.is_ok()));
    assert!(start.elapsed() >= Duration::from_millis(100));
    Ok(())
}

#[test]
fn a_reset_is_seen_by_open_and_new_connections() -> Result<()> {
    let proxy = echo()?;
    let mut open = client(&proxy)?;
    round_trip(&mut open, b"x")?;
    proxy.set(Fault::Reset);
    assert_eq!(
        open.read(&mut [0; 1]).err().map(|e| e.kind()),
        Some(ErrorKind::ConnectionReset)
    );
    let mut new = client(&proxy)?;
    assert_eq!(
        new.read(&mut [0; 1]).err().map(|e| e.kind()),
        Some(ErrorKind::ConnectionReset)
    );
    proxy.set(Fault::Pass);
    round_trip(&mut client(&proxy)?, b"x")
}

#[test]
fn a_cut_ends_in_the_middle_and_counts_each_connection_anew() -> Result<()> {
    let proxy = echo()?;
    proxy.set(Fault::CutAfter(15));
    for _ in 0..2 {
        let mut stream = client(&proxy)?;
        round_trip(&mut stream, b"12345")?;
        stream.write_all(b"1234567890")?;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.len() < 10, "{rest:?}");
    }
    Ok(())
}

#[test]
fn a_black_hole_swallows_and_then_resets() -> Result<()> {
    let proxy = echo()?;
    let mut open = client(&proxy)?;
    round_trip(&mut open, b"x")?;
    proxy.set(Fault::BlackHole);
    let mut new = client(&proxy)?;
    for stream in [&mut open, &mut new] {
        stream.write_all(b"lost")?;
        nothing_comes(stream)?;
    }
    proxy.set(Fault::Pass);
    assert_eq!(
        open.read(&mut [0; 1]).err().map(|e| e.kind()),
        Some(ErrorKind::ConnectionReset)
    );
    assert_eq!(
        new.read(&mut [0; 1]).err().map(|e| e.kind()),
        Some(ErrorKind::ConnectionReset)
    );
    Ok(())
}

#[test]
fn a_stall_loses_nothing() -> Result<()> {
    let proxy = echo()?;
    let mut stream = client(&proxy)?;
    round_trip(&mut stream, b"x")?;
    proxy.set(Fault::Stall);
    stream.write_all(b"later")?;
    nothing_comes(&mut stream)?;
    proxy.set(Fault::Pass);
    let mut back = [0; 5];
    stream.read_exact(&mut back)?;
    assert_eq!(&back, b"later");
    Ok(())
}

#[test]
fn half_closed_the_client_sees_the_end_and_can_still_send() -> Result<()> {
    let proxy = echo()?;
    let mut stream = client(&proxy)?;
    round_trip(&mut stream, b"x")?;
    proxy.set(Fault::HalfClose);
    assert_eq!(stream.read(&mut [0; 8])?, 0);
    stream.write_all(b"more")?;
    crate::wait_for("the bytes", SOON, || (proxy.bytes_up() == 5).then_some(()))
}

#[test]
fn a_slow_link_takes_its_time() -> Result<()> {
    let proxy = echo()?;
    let mut stream = client(&proxy)?;
    proxy.set(Fault::Slow(10_000));
    let start = Instant::now();
    round_trip(&mut stream, &[1; 2000])?;
    assert!(
        start.elapsed() >= Duration::from_millis(150),
        "{:?}",
        start.elapsed()
    );
    Ok(())
}

#[test]
fn refused_means_that_nobody_listens() -> Result<()> {
    let proxy = echo()?;
    let mut open = client(&proxy)?;
    round_trip(&mut open, b"x")?;
    proxy.set(Fault::Refuse);
    assert_eq!(
        open.read(&mut [0; 1]).err().map(|e| e.kind()),
        Some(ErrorKind::ConnectionReset)
    );
    crate::wait_for("the refusal", SOON, || {
        let refused = TcpStream::connect(proxy.address()).err()?;
        (refused.kind() == ErrorKind::ConnectionRefused).then_some(())
    })?;
    proxy.set(Fault::Pass);
    let mut again = crate::wait_for("the listener", SOON, || client(&proxy).ok())?;
    round_trip(&mut again, b"x")
}
