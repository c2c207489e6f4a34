//! Signatures: of all texts exactly the one that the key makes passes, whatever the key, the path and the size.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tintype::url::{KeyPair, SIGNATURE_BYTES_MAX, SignatureAlgorithm, Signing, sign, verify};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    key: &'a [u8],
    salt: &'a [u8],
    other_key: &'a [u8],
    is_blake3: bool,
    size: u8,
    path: &'a str,
    other_path: &'a str,
    claim: &'a str,
    /// Which character of the right signature becomes which one.
    change: (u8, u8),
}

fuzz_target!(|input: Input| {
    let algorithm = if input.is_blake3 { SignatureAlgorithm::Blake3 } else { SignatureAlgorithm::HmacSha256 };
    let pair = |key: &[u8]| KeyPair { key: key.to_vec(), salt: input.salt.to_vec() };
    let size = usize::from(input.size);
    let signing = Signing { keys: vec![pair(input.key)], algorithm, size, ..Signing::default() };
    let right = sign(&signing, input.path).expect("there is a key");
    assert_eq!(verify(&signing, &right, &[input.path]), Ok(0));
    assert_eq!(sign(&signing, input.path).as_deref(), Some(&*right), "signing has no memory");

    let claims = [input.claim.to_owned(), changed(&right, input.change), format!("{right}="), format!("{right}A")];
    for claim in claims.iter().chain([&String::new()]) {
        assert_eq!(verify(&signing, claim, &[input.path]).is_ok(), *claim == right, "{claim} for {right}");
    }
    let paths = [input.other_path, input.path];
    let of_other = sign(&signing, input.other_path);
    assert_eq!(verify(&signing, &right, &paths), Ok(usize::from(of_other.as_ref() != Some(&right))));
    // With all bytes two keys make two signatures, and the second of two keys is as good as the first.
    if size >= SIGNATURE_BYTES_MAX && padded(input.key) != padded(input.other_key) {
        let other = Signing { keys: vec![pair(input.other_key)], ..signing.clone() };
        assert!(verify(&other, &right, &[input.path]).is_err());
        let both = Signing { keys: vec![pair(input.other_key), pair(input.key)], ..signing };
        assert_eq!(verify(&both, &right, &[input.path]), Ok(0));
    }
});

fn changed(text: &str, (at, to): (u8, u8)) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = usize::from(at) % bytes.len();
    bytes[at] = to & 0x7f;
    String::from_utf8(bytes).unwrap_or_default()
}

/// HMAC fills a short key up with zeros, and takes the digest of one that is longer than a block.
fn padded(key: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    key.resize(key.len().max(64), 0);
    key
}
