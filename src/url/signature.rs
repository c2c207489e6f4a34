//! Signatures: whoever wrote a URL knew a key.
//!
//! `signature = base64url_no_pad(MAC(path)[0 .. size])`, where `path` begins with a slash and is what stands after the
//! signature: prefix, signature and query are not part of it. Source of the HMAC form: imgproxy reference, section 6.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::UrlError;

/// Bytes of a signature before base64, at most and by default.
pub const SIGNATURE_BYTES_MAX: usize = 32;

/// Stands for a signature where `allow_unsigned` lets a URL pass without one.
const UNSIGNED_WORDS: [&str; 3] = ["unsafe", "insecure", "_"];

/// Domain of the derived BLAKE3 key; another use of the same secrets must get another one.
const BLAKE3_CONTEXT: &str = "tintype 2026 url signature";

/// Keys and rules of signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct Signing {
    /// Any of them verifies; the first one signs. Several at once allow keys to be changed without a gap.
    pub keys: Vec<KeyPair>,
    pub algorithm: SignatureAlgorithm,
    /// Bytes kept of the MAC, 1 to 32; other values are taken as the nearest of these.
    pub size: usize,
    /// Literal signatures that pass for any path; consulted only when there are keys.
    pub trusted: Vec<String>,
    /// Without keys: everything passes. With keys: the words `unsafe`, `insecure` and `_` pass for a signature.
    pub allow_unsigned: bool,
}

/// One secret. Its `Debug` shows lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    pub key: Vec<u8>,
    pub salt: Vec<u8>,
}

/// How a path is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureAlgorithm {
    /// `HMAC-SHA-256(key, salt ‖ path)`, as imgproxy does.
    #[default]
    HmacSha256,
    /// Keyed BLAKE3 of the path. Its 32-byte key is `derive_key(context, key ‖ length ‖ salt)`: context is the text
    /// `tintype 2026 url signature`, length is that of the salt in bytes as 8 bytes, little-endian.
    Blake3,
}

// === impl Signing ===

impl Default for Signing {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            algorithm: SignatureAlgorithm::default(),
            size: SIGNATURE_BYTES_MAX,
            trusted: Vec::new(),
            allow_unsigned: false,
        }
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("keys", &self.keys)
            .field("algorithm", &self.algorithm)
            .field("size", &self.size)
            .field("trusted", &format_args!("{} redacted", self.trusted.len()))
            .field("allow_unsigned", &self.allow_unsigned)
            .finish()
    }
}

impl Signing {
    fn size(&self) -> usize {
        self.size.clamp(1, SIGNATURE_BYTES_MAX)
    }
}

// === impl KeyPair ===

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({} and {} bytes redacted)", self.key.len(), self.salt.len())
    }
}

/// The signature of `path` (which begins with a slash) under the first key; `None` without keys.
pub fn sign(signing: &Signing, path: &str) -> Option<String> {
    let pair = signing.keys.first()?;
    let mac = mac(signing.algorithm, pair, path);
    Some(URL_SAFE_NO_PAD.encode(&mac[..signing.size()]))
}

/// Says which of `paths` the signature is for: its index, or 0 where the signature passes for any path.
///
/// Several paths are the several texts that the client may have signed (see the native dialect's repair). Every key is
/// tried on every path and bytes are compared in constant time.
///
/// # Errors
/// [`UrlError::BadSignature`], [`UrlError::SignatureMissing`] where an option seems to stand in the signature's place,
/// and [`UrlError::UnsignedRefused`] where there are no keys and unsigned URLs are not allowed.
pub fn verify(signing: &Signing, signature: &str, paths: &[&str]) -> Result<usize, UrlError> {
    let refusal = if signature.contains(':') { UrlError::SignatureMissing } else { UrlError::BadSignature };
    if signing.keys.is_empty() {
        return match (signing.allow_unsigned, refusal) {
            (true, UrlError::SignatureMissing) => Err(UrlError::SignatureMissing),
            (true, _) => Ok(0),
            (false, _) => Err(UrlError::UnsignedRefused),
        };
    }
    if is_trusted(signing, signature) || (signing.allow_unsigned && UNSIGNED_WORDS.contains(&signature)) {
        return Ok(0);
    }
    // The engine knows neither padding nor loose trailing bits, so a signature has exactly one spelling.
    let Ok(claimed) = URL_SAFE_NO_PAD.decode(signature) else { return Err(refusal) };
    let size = signing.size();
    let matches = |path: &&str| {
        let mut matched = Choice::from(0);
        for pair in &signing.keys {
            matched |= mac(signing.algorithm, pair, path)[..size].ct_eq(&claimed);
        }
        bool::from(matched)
    };
    paths.iter().position(matches).ok_or(refusal)
}

fn is_trusted(signing: &Signing, signature: &str) -> bool {
    let mut trusted = Choice::from(0);
    for known in &signing.trusted {
        trusted |= known.as_bytes().ct_eq(signature.as_bytes());
    }
    trusted.into()
}

fn mac(algorithm: SignatureAlgorithm, pair: &KeyPair, path: &str) -> [u8; SIGNATURE_BYTES_MAX] {
    match algorithm {
        SignatureAlgorithm::HmacSha256 => {
            let mut mac =
                <Hmac<Sha256> as KeyInit>::new_from_slice(&pair.key).expect("invariant: HMAC takes keys of any length");
            mac.update(&pair.salt);
            mac.update(path.as_bytes());
            mac.finalize().into_bytes().into()
        }
        SignatureAlgorithm::Blake3 => {
            let salt_len = (pair.salt.len() as u64).to_le_bytes();
            let material = [pair.key.as_slice(), &salt_len, &pair.salt].concat();
            let key = blake3::derive_key(BLAKE3_CONTEXT, &material);
            blake3::keyed_hash(&key, path.as_bytes()).into()
        }
    }
}

#[cfg(test)]
mod tests;
