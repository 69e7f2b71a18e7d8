//! Signed and encrypted parts of a packet in, what they hold out, where the sender's password fits.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use wheatstone_plugin::{excerpt, os_text, prelude::*};

const MAC: usize = 32;
const IV: usize = 16;
const CHECKSUM: usize = 20;

/// The file of users and passwords, a line `user: password` for each. Read when a packet needs it, and again when it changed.
pub(crate) struct AuthFile {
    path: PathBuf,
    read: Option<SystemTime>,
    passwords: HashMap<String, String>,
}

impl AuthFile {
    pub(crate) fn new(path: &str) -> AuthFile {
        AuthFile {
            path: path.into(),
            read: None,
            passwords: HashMap::new(),
        }
    }

    fn password(&mut self, user: &[u8]) -> Result<&str> {
        let failed = |what: &str, error: &std::io::Error| {
            anyhow!("{what} {}: {}", self.path.display(), os_text(error))
        };
        let changed = std::fs::metadata(&self.path)
            .and_then(|file| file.modified())
            .map_err(|error| failed("stat", &error))?;
        if self.read.is_none_or(|read| changed > read) {
            let text = std::fs::read_to_string(&self.path).map_err(|error| failed("open", &error))?;
            self.passwords = passwords(&text);
            self.read = Some(changed);
        }
        let user = String::from_utf8_lossy(user);
        match self.passwords.get(&*user) {
            Some(password) => Ok(password),
            None => bail!("no such user: {:?}", excerpt(&user)),
        }
    }

    /// Checks a signature: a MAC and the user's name. `rest` is what the packet holds behind it.
    pub(crate) fn verify(&mut self, signature: &[u8], rest: &[u8]) -> Result<()> {
        let (mac, user) = match signature.split_at_checked(MAC) {
            Some((mac, user)) if !user.is_empty() => (mac, user),
            _ => bail!("part too small ({} bytes)", signature.len()),
        };
        let password = self.password(user)?;
        // A key of any length is one.
        let keyed = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(password.as_bytes());
        let mut own = keyed.map_err(|error| anyhow!("{error}"))?;
        own.update(user);
        own.update(rest);
        own.verify_slice(mac)
            .map_err(|_| anyhow!("SHA256 verification failure"))
    }

    /// Decrypts a part: the length of the user's name, the name, the IV, then encrypted a checksum and the content. What is
    /// wrong is not told, as in Telegraf: whoever tries passwords shall not learn from it.
    pub(crate) fn decrypt(&mut self, part: &[u8]) -> Result<Vec<u8>> {
        self.try_decrypt(part)
            .ok_or_else(|| anyhow!("AES256 decryption failure"))
    }

    fn try_decrypt(&mut self, part: &[u8]) -> Option<Vec<u8>> {
        let (length, rest) = part.split_first_chunk::<2>()?;
        let (user, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (iv, rest) = rest.split_first_chunk::<IV>()?;
        let password = self.password(user).ok()?;
        let key = Sha256::digest(password.as_bytes());
        let mut content = rest.to_vec();
        output_feedback(&Aes256::new(&key), *iv, &mut content);
        let checksum: Vec<u8> = content.drain(..CHECKSUM.min(content.len())).collect();
        (!content.is_empty() && Sha1::digest(&content)[..] == checksum[..]).then_some(content)
    }
}

/// The mode OFB: the IV is encrypted again and again, and each time the result is laid over the next block. It is its own
/// reverse.
pub(crate) fn output_feedback(cipher: &Aes256, iv: [u8; IV], content: &mut [u8]) {
    let mut block = Array::from(iv);
    for part in content.chunks_mut(IV) {
        cipher.encrypt_block(&mut block);
        for (byte, mask) in part.iter_mut().zip(&block) {
            *byte ^= mask;
        }
    }
}

fn passwords(text: &str) -> HashMap<String, String> {
    let entry = |line: &str| {
        let (user, password) = line.split_once(':')?;
        let user = user.trim();
        (!user.starts_with('#')).then(|| (user.to_owned(), password.trim().to_owned()))
    };
    text.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_stand_behind_their_users() {
        let read = passwords("# a: b\nalice: w0nder:land \n\n  bob  :x\r\nnobody\n#c:d\n:empty");
        let mut shown: Vec<_> = read
            .iter()
            .map(|(user, password)| format!("{user}={password}"))
            .collect();
        shown.sort();
        assert_eq!(shown, ["=empty", "alice=w0nder:land", "bob=x"]);
    }

    /// NIST SP 800-38A, F.4.5.
    #[test]
    fn the_mode_is_the_standards() {
        let hex = |text: &str| -> Vec<u8> {
            let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("digits");
            (0..text.len()).step_by(2).map(digit).collect()
        };
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let iv: Vec<u8> = (0..16).collect();
        let mut content = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let cipher = Aes256::new_from_slice(&key).expect("32 bytes");
        output_feedback(&cipher, iv.try_into().expect("16 bytes"), &mut content);
        assert_eq!(
            content,
            hex("dc7e84bfda79164b7ecd8486985d38604febdc6740d20b3ac88f6ad82a4fb08d")
        );
    }
}
