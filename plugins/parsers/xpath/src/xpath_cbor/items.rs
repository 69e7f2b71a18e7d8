//! CBOR's bytes in, its values out, in a row: lists name their members by place.

use ciborium_ll::{Decoder, Error, Header};
use wheatstone_gotime::{Layout, Zone};

use crate::tree::{Document, Span};

/// Nesting beyond this is refused, as in Telegraf.
const MAX_DEPTH: usize = 32;
/// So are lists with more members.
const MAX_MEMBERS: usize = 131_072;

/// Members of a list: a piece of [`Items::lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    from: u32,
    to: u32,
}

/// A CBOR value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item {
    Null,
    Bool(bool),
    Uint(u64),
    Int(i64),
    Float(f64),
    Text(Span),
    Bytes(Span),
    /// Bytes as a key.
    ByteKey(Span),
    /// An integer that does not fit into 64 bits, in digits.
    Big(Span),
    /// A time, as Go prints it.
    Time(Span),
    Simple(u8),
    Array(Members),
    /// Keys and values in turns.
    Map(Members),
    Tag(u64, u32),
}

/// The values of a payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items {
    row: Vec<Item>,
    lists: Vec<u32>,
}

impl Items {
    pub(crate) fn clear(&mut self) {
        self.row.clear();
        self.lists.clear();
    }
    pub(crate) fn get(&self, item: u32) -> Item {
        self.row[item as usize]
    }
    pub(crate) fn list(&self, members: Members) -> &[u32] {
        &self.lists[members.from as usize..members.to as usize]
    }
    fn add(&mut self, item: Item) -> u32 {
        self.row.push(item);
        (self.row.len() - 1) as u32
    }
    fn add_list(&mut self, members: &[u32]) -> Members {
        let from = self.lists.len() as u32;
        self.lists.extend_from_slice(members);
        Members {
            from,
            to: self.lists.len() as u32,
        }
    }
}

type Bytes<'a> = Decoder<&'a [u8]>;

/// Reads the one value that a payload is.
pub(super) fn decode(payload: &[u8], doc: &mut Document) -> Result<u32, String> {
    if payload.is_empty() {
        return Err("EOF".to_owned());
    }
    let mut reader = Reader {
        bytes: Decoder::from(payload),
        doc,
        size: payload.len(),
    };
    let item = match reader.header()? {
        // The tag that says "this is CBOR" says nothing more.
        Header::Tag(55799) => {
            let header = reader.header()?;
            reader.item(header, 0)?
        }
        header => reader.item(header, 0)?,
    };
    let end = reader.bytes.offset();
    if end < payload.len() {
        return Err(format!(
            "cbor: {} bytes of extraneous data starting at index {end}",
            payload.len() - end
        ));
    }
    Ok(item)
}

struct Reader<'a, 'd> {
    bytes: Bytes<'a>,
    doc: &'d mut Document,
    size: usize,
}

fn failure<E>(error: &Error<E>) -> String {
    match error {
        Error::Io(_) => "unexpected EOF".to_owned(),
        Error::Syntax(at) => format!("cbor: invalid data at offset {at}"),
    }
}

impl Reader<'_, '_> {
    fn header(&mut self) -> Result<Header, String> {
        self.bytes.pull().map_err(|e| failure(&e))
    }

    fn item(&mut self, header: Header, depth: usize) -> Result<u32, String> {
        let item = match header {
            Header::Positive(value) => Item::Uint(value),
            Header::Negative(value) => match i64::try_from(value) {
                Ok(value) => Item::Int(-1 - value),
                Err(_) => Item::Big(self.doc.keep(&(-1 - i128::from(value)).to_string())),
            },
            Header::Float(value) => Item::Float(value),
            Header::Simple(20) => Item::Bool(false),
            Header::Simple(21) => Item::Bool(true),
            Header::Simple(22 | 23) => Item::Null,
            Header::Simple(value) => Item::Simple(value),
            Header::Break => return Err(self.invalid("unexpected \"break\" code")),
            Header::Bytes(length) => {
                let bytes = self.bytes(length)?;
                Item::Bytes(self.doc.keep_bytes(&bytes))
            }
            Header::Text(length) => {
                let text = self.text(length)?;
                Item::Text(self.doc.keep(&text))
            }
            Header::Array(length) => Item::Array(self.members(length, 1, depth)?),
            Header::Map(length) => Item::Map(self.members(length, 2, depth)?),
            Header::Tag(tag) => self.tagged(tag, depth)?,
        };
        Ok(self.doc.items.add(item))
    }

    fn invalid(&mut self, what: &str) -> String {
        format!("cbor: {what} at offset {}", self.bytes.offset())
    }

    /// A length that the payload cannot hold is refused before anything is kept for it.
    fn check(&self, length: Option<usize>) -> Result<(), String> {
        match length {
            Some(length) if length > self.size => Err("unexpected EOF".to_owned()),
            _ => Ok(()),
        }
    }

    fn bytes(&mut self, length: Option<usize>) -> Result<Vec<u8>, String> {
        self.check(length)?;
        let (mut all, mut buffer) = (Vec::new(), [0; 1024]);
        let mut segments = self.bytes.bytes(length);
        while let Some(mut segment) = segments.pull().map_err(|e| failure(&e))? {
            while let Some(chunk) = segment.pull(&mut buffer).map_err(|e| failure(&e))? {
                all.extend_from_slice(chunk);
            }
        }
        Ok(all)
    }

    fn text(&mut self, length: Option<usize>) -> Result<String, String> {
        self.check(length)?;
        let (mut all, mut buffer) = (String::new(), [0; 1024]);
        let mut segments = self.bytes.text(length);
        let text = |e| match e {
            Error::Syntax(_) => "cbor: invalid UTF-8 string".to_owned(),
            e => failure(&e),
        };
        while let Some(mut segment) = segments.pull().map_err(|e| failure(&e))? {
            while let Some(chunk) = segment.pull(&mut buffer).map_err(text)? {
                all.push_str(chunk);
            }
        }
        Ok(all)
    }

    /// The members of an array (`each` 1) or a map (`each` 2: of two equal keys the later counts).
    fn members(&mut self, length: Option<usize>, each: usize, depth: usize) -> Result<Members, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("cbor: exceeded max nested level {MAX_DEPTH}"));
        }
        let kind = if each == 1 { "elements" } else { "key-value pairs" };
        let container = if each == 1 { "array" } else { "map" };
        let too_many = || format!("cbor: exceeded max number of {kind} {MAX_MEMBERS} for CBOR {container}");
        if length.is_some_and(|length| length > MAX_MEMBERS) {
            return Err(too_many());
        }
        let mut members = Vec::new();
        let mut places = std::collections::HashMap::<String, usize>::new();
        while length.is_none_or(|length| members.len() < length.saturating_mul(each)) {
            let header = self.header()?;
            if header == Header::Break && length.is_none() && members.len() % each == 0 {
                break;
            }
            if members.len() >= MAX_MEMBERS * each {
                return Err(too_many());
            }
            let item = self.item(header, depth + 1)?;
            members.push(item);
            if each == 2 && members.len() % 2 == 0 {
                self.pair(&mut members, &mut places)?;
            }
        }
        let mut kept: Vec<u32> = members.into_iter().filter(|member| *member != GONE).collect();
        if each == 2 {
            kept = self.sorted(&kept);
        }
        Ok(self.doc.items.add_list(&kept))
    }

    /// Checks the last key; a pair before it with the same key goes.
    fn pair(
        &mut self,
        members: &mut [u32],
        places: &mut std::collections::HashMap<String, usize>,
    ) -> Result<(), String> {
        let at = members.len() - 2;
        let key = members[at];
        match self.doc.items.get(key) {
            Item::Array(_) => return Err("cbor: invalid map key type: []interface {}".to_owned()),
            Item::Map(_) => {
                return Err("cbor: invalid map key type: map[interface {}]interface {}".to_owned());
            }
            Item::Bytes(span) => {
                let key = self.doc.items.add(Item::ByteKey(span));
                members[at] = key;
            }
            _ => {}
        }
        let shown = crate::shown::cbor_native(self.doc, members[at]);
        let same = format!("{} {shown}", shown.type_name());
        if let Some(before) = places.insert(same, at) {
            members[before] = GONE;
            members[before + 1] = GONE;
        }
        Ok(())
    }

    /// Pairs as Go prints maps: numbers by size, texts by letters.
    fn sorted(&self, members: &[u32]) -> Vec<u32> {
        let mut pairs: Vec<&[u32]> = members.chunks_exact(2).collect();
        pairs.sort_by(|a, b| {
            self.order(a[0])
                .partial_cmp(&self.order(b[0]))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        pairs.concat()
    }

    fn order(&self, key: u32) -> (u8, f64, String) {
        let text = || crate::shown::cbor(self.doc, key).into_owned();
        match self.doc.items.get(key) {
            Item::Null => (0, 0.0, String::new()),
            Item::Bool(v) => (1, f64::from(u8::from(v)), String::new()),
            Item::Int(v) => (2, v as f64, String::new()),
            Item::Uint(v) => (3, v as f64, String::new()),
            Item::Float(v) => (4, v, String::new()),
            _ => (5, 0.0, text()),
        }
    }

    fn tagged(&mut self, tag: u64, depth: usize) -> Result<Item, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("cbor: exceeded max nested level {MAX_DEPTH}"));
        }
        let header = self.header()?;
        let content = self.item(header, depth + 1)?;
        match (tag, self.doc.items.get(content)) {
            (0, Item::Text(span)) => {
                let text = self.doc.text(span).to_owned();
                let layout = wheatstone_gotime::TimeFormat::new("RFC3339", "").map_err(|e| e.to_string())?;
                let ns = layout
                    .parse_str(&text)
                    .map_err(|e| format!("cbor: cannot set {text} for time.Time: {e}"))?;
                Ok(self.time(ns))
            }
            (1, Item::Uint(v)) => self.seconds(i128::from(v)),
            (1, Item::Int(v)) => self.seconds(i128::from(v)),
            (1, Item::Float(v)) => {
                let whole = v.floor();
                let fraction = ((v - whole) * 1e9) as i128;
                let ns = (whole as i128)
                    .saturating_mul(1_000_000_000)
                    .saturating_add(fraction);
                let ns = i64::try_from(ns).map_err(|_| OUT_OF_RANGE.to_owned())?;
                Ok(self.time(ns))
            }
            (1, Item::Null) => Ok(Item::Null),
            (0 | 1, _) => Err(format!("cbor: invalid content of the time tag {tag}")),
            (2 | 3, Item::Bytes(span)) => {
                let digits = decimal(self.doc.bytes(span), tag == 3);
                Ok(Item::Big(self.doc.keep(&digits)))
            }
            (2 | 3, _) => Err(format!("cbor: invalid content of the number tag {tag}")),
            _ => Ok(Item::Tag(tag, content)),
        }
    }

    fn seconds(&mut self, seconds: i128) -> Result<Item, String> {
        let ns = i64::try_from(seconds.saturating_mul(1_000_000_000)).map_err(|_| OUT_OF_RANGE.to_owned())?;
        Ok(self.time(ns))
    }

    fn time(&mut self, ns: i64) -> Item {
        let mut text = String::new();
        Layout::new("2006-01-02 15:04:05.999999999 -0700 MST").format_to(&mut text, ns, &Zone::UTC);
        Item::Time(self.doc.keep(&text))
    }
}

/// A member that a later one with the same key replaced.
const GONE: u32 = u32::MAX;
const OUT_OF_RANGE: &str = "cbor: a time does not fit into nanoseconds since 1970";
/// A larger number is written in hexadecimal: turning it into digits takes time that grows with the square of its length.
const DECIMAL_BYTES: usize = 256;

/// A big-endian number in digits; `negative` means minus one minus it.
fn decimal(bytes: &[u8], negative: bool) -> String {
    if bytes.len() > DECIMAL_BYTES {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        return format!("{}0x{hex}", if negative { "-" } else { "" });
    }
    // Base 10^9, the lowest first.
    let mut limbs: Vec<u64> = vec![0];
    let mut add = |factor: u64, summand: u64| {
        let mut carry = summand;
        for limb in &mut limbs {
            let sum = *limb * factor + carry;
            (*limb, carry) = (sum % 1_000_000_000, sum / 1_000_000_000);
        }
        if carry > 0 {
            limbs.push(carry);
        }
    };
    for byte in bytes {
        add(256, u64::from(*byte));
    }
    if negative {
        add(1, 1);
    }
    let mut digits = if negative { "-".to_owned() } else { String::new() };
    for (i, limb) in limbs.iter().rev().enumerate() {
        digits += &if i == 0 {
            limb.to_string()
        } else {
            format!("{limb:09}")
        };
    }
    digits
}
