//! JSON in, the JSON that a JSONata expression makes of it out.

use wheatstone_plugin::prelude::*;

use super::write;

/// A JSONata expression that was checked.
pub(super) struct Transformation {
    source: String,
}

#[cfg(feature = "jsonata")]
impl Transformation {
    /// Checks an expression.
    pub(super) fn new(source: &str) -> Result<Transformation> {
        jsonata_core::Expression::compile(source).map_err(|e| anyhow!("json_transformation: {e}"))?;
        Ok(Transformation {
            source: source.to_owned(),
        })
    }

    /// Appends what the expression makes of `json`.
    pub(super) fn apply(&self, json: &[u8], out: &mut Vec<u8>) -> Result<()> {
        // A compiled expression stays on its thread, a serializer does not, so it is compiled here, once a batch.
        let expression = jsonata_core::Expression::compile(&self.source).map_err(|e| anyhow!("{e}"))?;
        let input = jsonata_core::value::JValue::from_json_str(std::str::from_utf8(json)?)
            .map_err(|e| anyhow!("{e}"))?;
        let made = expression.evaluate(&input).map_err(|e| anyhow!("{e}"))?;
        if made.is_undefined() {
            bail!("no results found");
        }
        let text = made.to_json_string().map_err(|e| anyhow!("{e}"))?;
        write::document(&serde_json::from_str(&text)?, out);
        Ok(())
    }
}

#[cfg(not(feature = "jsonata"))]
impl Transformation {
    pub(super) fn new(_: &str) -> Result<Transformation> {
        bail!(
            "json_transformation needs the cargo feature \"jsonata\", which this program was built without"
        );
    }

    pub(super) fn apply(&self, _: &[u8], _: &mut Vec<u8>) -> Result<()> {
        bail!(
            "json_transformation {:?} cannot be applied: built without the cargo feature \"jsonata\"",
            self.source
        );
    }
}
