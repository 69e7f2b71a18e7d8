//! Topic filters out in SUBSCRIBE and UNSUBSCRIBE, and in with SUBACK what became of each.

use bytes::BytesMut;
use rumqttc::mqttbytes::{self, v4};
use rumqttc::v5::mqttbytes::{self as mqttbytes5, v5};

use super::{Level, words};
use crate::frame::MAX_REMAINING;

/// One SUBSCRIBE for all filters. `skip_retained`: do not send what was kept (MQTT 5 only; before it one cannot ask).
pub(crate) fn subscribe(level: Level, id: u16, filters: &[String], qos: u8, skip_retained: bool) -> Vec<u8> {
    let mut out = BytesMut::new();
    let written = if level.is_v5() {
        let qos = mqttbytes5::qos(qos).unwrap_or_default();
        let mut subscribe = v5::Subscribe::new_many(filters.iter().map(|f| v5::Filter::new(f, qos)), None);
        if skip_retained {
            for filter in &mut subscribe.filters {
                filter.retain_forward_rule = v5::RetainForwardRule::Never;
            }
        }
        subscribe.pkid = id;
        subscribe.write(&mut out).is_ok()
    } else {
        let qos = mqttbytes::qos(qos).unwrap_or(mqttbytes::QoS::AtMostOnce);
        let mut subscribe =
            v4::Subscribe::new_many(filters.iter().map(|f| v4::SubscribeFilter::new(f.clone(), qos)));
        subscribe.pkid = id;
        subscribe.write(&mut out).is_ok()
    };
    if written { out.to_vec() } else { Vec::new() }
}

/// One UNSUBSCRIBE for all filters.
pub(crate) fn unsubscribe(level: Level, id: u16, filters: &[String]) -> Vec<u8> {
    let mut out = BytesMut::new();
    let written = if level.is_v5() {
        v5::Unsubscribe {
            pkid: id,
            filters: filters.to_vec(),
            properties: None,
        }
        .write(&mut out)
        .is_ok()
    } else {
        v4::Unsubscribe {
            pkid: id,
            topics: filters.to_vec(),
        }
        .write(&mut out)
        .is_ok()
    };
    if written { out.to_vec() } else { Vec::new() }
}

/// Reads a SUBACK: its identifier, and for each filter what was granted or why not.
pub(crate) fn suback(packet: &[u8], level: Level) -> Result<(u16, Vec<Result<u8, String>>), String> {
    let mut bytes = BytesMut::from(packet);
    if level.is_v5() {
        return match v5::Packet::read(&mut bytes, Some(MAX_REMAINING as u32)) {
            Ok(v5::Packet::SubAck(ack)) => {
                let code = |code| match code {
                    v5::SubscribeReasonCode::Success(qos) => Ok(qos as u8),
                    other => Err(words(&format!("{other:?}"))),
                };
                Ok((ack.pkid, ack.return_codes.into_iter().map(code).collect()))
            }
            Ok(_) => Err("expected SUBACK".into()),
            Err(e) => Err(format!("SUBACK: {e}")),
        };
    }
    match v4::Packet::read(&mut bytes, MAX_REMAINING) {
        Ok(v4::Packet::SubAck(ack)) => {
            let code = |code| match code {
                v4::SubscribeReasonCode::Success(qos) => Ok(qos as u8),
                v4::SubscribeReasonCode::Failure => Err("failure".to_owned()),
            };
            Ok((ack.pkid, ack.return_codes.into_iter().map(code).collect()))
        }
        Ok(_) => Err("expected SUBACK".into()),
        Err(e) => Err(format!("SUBACK: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_filter_is_known_by_its_place() {
        let (id, codes) = suback(&[0x90, 4, 0, 1, 1, 0x80], Level::V4).unwrap();
        assert_eq!((id, codes), (1, vec![Ok(1), Err("failure".into())]));
        let (_, codes) = suback(&[0x90, 5, 0, 1, 0, 0x87, 2], Level::V5).unwrap();
        assert_eq!(codes, [Err("not authorized".into()), Ok(2)]);
        assert!(suback(&[0x90, 2, 0, 1], Level::V4).is_err());
    }

    #[test]
    fn subscriptions_are_one_packet() {
        let filters = ["a".to_owned(), "b/#".to_owned()];
        assert_eq!(
            subscribe(Level::V4, 1, &filters, 2, true),
            b"\x82\x0c\0\x01\0\x01a\x02\0\x03b/#\x02"
        );
        assert_eq!(
            subscribe(Level::V5, 1, &filters, 1, true),
            b"\x82\x0d\0\x01\0\0\x01a\x21\0\x03b/#\x21"
        );
        assert_eq!(
            unsubscribe(Level::V5, 2, &filters),
            b"\xa2\x0b\0\x02\0\0\x01a\0\x03b/#"
        );
        assert_eq!(
            unsubscribe(Level::V4, 2, &filters),
            b"\xa2\x0a\0\x02\0\x01a\0\x03b/#"
        );
    }
}
