//! Payloads of five formats in, metrics out as XPath queries tell: nodes become metrics, fields and tags.
//!
//! Each format has a folder of its name that turns a payload into a [document](tree); [`engine`] is XPath; [`section`] is
//! one `[[…xpath]]` table at work.

mod config;
mod engine;
mod names;
mod section;
mod shown;
mod trace;
mod tree;
mod xml;
mod xpath_cbor;
mod xpath_json;
mod xpath_msgpack;
#[cfg(feature = "protobuf")]
mod xpath_protobuf;

pub use config::{Section, XpathConfig};

use wheatstone_plugin::Level;
use wheatstone_plugin::prelude::*;

use section::Reading;
use tree::{Document, MAX_PAYLOAD};

/// How a payload becomes a document.
enum Format {
    Xml,
    Json,
    MessagePack,
    Cbor,
    #[cfg(feature = "protobuf")]
    Protobuf(xpath_protobuf::Protobuf),
}

/// The parser of all five formats; the name under which it is built says which.
pub struct Xpath {
    format: Format,
    readings: Vec<Reading>,
    print_document: bool,
    /// Used again for each payload.
    document: Document,
    log: Log,
}

impl Plugin for Xpath {
    type Config = XpathConfig;

    fn new(config: XpathConfig, cx: &Context) -> Result<Xpath> {
        let log = cx.log().clone();
        let format = match cx.name() {
            "xpath_json" => Format::Json,
            "xpath_msgpack" => Format::MessagePack,
            "xpath_cbor" => Format::Cbor,
            #[cfg(feature = "protobuf")]
            "xpath_protobuf" => Format::Protobuf(xpath_protobuf::Protobuf::new(&config, &log)?),
            _ => Format::Xml,
        };
        let sections = config.xpath.iter().enumerate();
        let readings = sections.map(|(at, section)| Reading::new(section, at + 1, &config, cx));
        Ok(Xpath {
            format,
            readings: readings.collect::<Result<_>>()?,
            print_document: config.xpath_print_document,
            document: Document::default(),
            log,
        })
    }
}

register!(parser "xml" = Xpath);
register!(parser "xpath_json" = Xpath);
register!(parser "xpath_msgpack" = Xpath);
register!(parser "xpath_cbor" = Xpath);
#[cfg(feature = "protobuf")]
register!(parser "xpath_protobuf" = Xpath);

impl Parser for Xpath {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        if payload.len() > MAX_PAYLOAD {
            bail!("a payload of {} bytes is too large", payload.len());
        }
        let doc = &mut self.document;
        match &self.format {
            Format::Xml => xml::read(payload, doc)?,
            Format::Json => xpath_json::read(payload, doc)?,
            Format::MessagePack => xpath_msgpack::read(payload, doc)?,
            Format::Cbor => xpath_cbor::read(payload, doc)?,
            #[cfg(feature = "protobuf")]
            Format::Protobuf(protobuf) => protobuf.read(payload, doc)?,
        }
        if self.print_document && self.log.enabled(Level::Debug) {
            debug!(self.log, "XML document equivalent: {:?}", shown::as_xml(doc));
        }
        let before = out.len();
        for reading in &mut self.readings {
            if let Err(error) = reading.read(doc, now, out) {
                out.truncate(before);
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
