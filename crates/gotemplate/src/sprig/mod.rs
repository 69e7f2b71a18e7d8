//! The functions of the library sprig, version 3.3, which Telegraf gives to its templates; the table of names.

mod cases;
mod dates;
mod decimal;
mod dicts;
mod encode;
mod json;
mod lists;
mod misc;
mod numbers;
mod patterns;
mod strings;
mod urls;
mod versions;
mod words;

use crate::call::Function;

/// What each part of the library has.
pub(crate) static FUNCTIONS: &[&[Function]] = &[
    strings::FUNCTIONS,
    words::FUNCTIONS,
    numbers::FUNCTIONS,
    lists::FUNCTIONS,
    dicts::FUNCTIONS,
    dates::FUNCTIONS,
    encode::FUNCTIONS,
    json::FUNCTIONS,
    patterns::FUNCTIONS,
    urls::FUNCTIONS,
    misc::FUNCTIONS,
    versions::FUNCTIONS,
];

/// What sprig has and this library has not: keys and certificates have no place in a template for metrics.
pub(crate) const ABSENT: &[&str] = &[
    "bcrypt",
    "htpasswd",
    "genPrivateKey",
    "derivePassword",
    "buildCustomCert",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "encryptAES",
    "decryptAES",
];
