//! Few metrics out of many, a period at a time.
