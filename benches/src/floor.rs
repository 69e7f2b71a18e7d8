//! The floors: programs that only count messages, one with a frame splitter and nothing else, one with the client library.
//!
//! They run as children of this very program, so that their CPU time stands apart, and print it when they are done.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};

use crate::packets::{length, split};
use crate::peer::cpu_of;

/// Without a message for so long it gives up, once it had one.
const SILENCE: Duration = Duration::from_secs(3);

/// `floor raw|rumqttc PORT QOS COUNT`
pub fn run(args: &[String]) -> Result<()> {
    let [kind, port, qos, count] = args else {
        bail!("floor needs KIND PORT QOS COUNT");
    };
    let (port, qos, count) = (port.parse()?, qos.parse()?, count.parse()?);
    let counted = match kind.as_str() {
        "raw" => Raw::subscribe(port, qos)?.count(count)?,
        "rumqttc" => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(rumqttc(port, qos, count))?,
        other => bail!("unknown floor {other}"),
    };
    println!("{counted} {}", cpu_of(std::process::id()));
    Ok(())
}

/// A reader of frames.
pub struct Raw {
    stream: TcpStream,
    qos: u8,
}

impl Raw {
    /// Subscribes to everything under `sensors/`.
    pub fn subscribe(port: u16, qos: u8) -> Result<Raw> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.write_all(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04rawf")?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        let filter = b"sensors/#";
        let mut packet = vec![0x82];
        length(&mut packet, 5 + filter.len());
        packet.extend_from_slice(&[0, 1, 0, filter.len() as u8]);
        packet.extend_from_slice(filter);
        packet.push(qos);
        stream.write_all(&packet)?;
        Ok(Raw { stream, qos })
    }

    /// Counts messages, and acknowledges them in gulps.
    pub fn count(mut self, count: u64) -> Result<u64> {
        let mut buffer = vec![0; 256 * 1024];
        let (mut filled, mut seen) = (0, 0);
        let mut answers = Vec::new();
        while seen < count {
            if seen > 0 {
                self.stream.set_read_timeout(Some(SILENCE))?;
            }
            match self.stream.read(&mut buffer[filled..]) {
                Ok(n) if n > 0 => filled += n,
                _ => break,
            }
            let mut taken = 0;
            while let Some((first, body, length)) = split(&buffer[taken..filled]) {
                if first >> 4 == 3 {
                    seen += 1;
                    if self.qos > 0 {
                        let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                        let id = body.get(2 + topic..4 + topic).context("no packet id")?;
                        answers.extend_from_slice(&[0x40, 2, id[0], id[1]]);
                    }
                }
                taken += length;
            }
            buffer.copy_within(taken..filled, 0);
            filled -= taken;
            self.stream.write_all(&answers)?;
            answers.clear();
        }
        Ok(seen)
    }
}

async fn rumqttc(port: u16, qos: u8, count: u64) -> Result<u64> {
    let mut options = MqttOptions::new("counter", "127.0.0.1", port);
    options.set_max_packet_size(1 << 20, 1 << 20);
    options.set_inflight(1000);
    let (client, mut events) = AsyncClient::new(options, 10);
    let qos = if qos == 0 {
        QoS::AtMostOnce
    } else {
        QoS::AtLeastOnce
    };
    client.subscribe("sensors/#", qos).await?;
    let mut seen = 0;
    while seen < count {
        let event = if seen == 0 {
            events.poll().await?
        } else {
            match tokio::time::timeout(SILENCE, events.poll()).await {
                Ok(event) => event?,
                Err(_) => break,
            }
        };
        if let Event::Incoming(Packet::Publish(_)) = event {
            seen += 1;
        }
    }
    Ok(seen)
}
