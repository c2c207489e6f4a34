//! Kept things as bytes: what is written is read, any change is noticed, and bytes whose digests hold are an entry or
//! damage, whatever else they say.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tintype::cache::{Class, Damage, Entry, FIXED_BYTES, Head, Key, Labels, Stamp, Tag};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    class: u8,
    key: [u8; 32],
    stamp: u64,
    source: &'a str,
    tags: Vec<&'a str>,
    record: &'a [u8],
    body: &'a [u8],
    change: (u16, u8),
    cut: u16,
    raw: &'a [u8],
}

fuzz_target!(|input: Input| {
    let key = Key::from_bytes(input.key);
    let tags = input.tags.iter().filter_map(|tag| Tag::new(tag).ok()).collect();
    let entry = Entry {
        class: Class::ALL[usize::from(input.class) % Class::ALL.len()],
        key,
        stamp: Stamp::from_micros(input.stamp),
        labels: Labels { source: input.source.to_owned(), tags },
        record: Bytes::copy_from_slice(input.record),
        body: Bytes::copy_from_slice(input.body),
    };
    let file = [&entry.head_bytes()[..], &entry.body].concat();
    assert_eq!(Entry::decode(&Bytes::from(file.clone()), &key).as_ref(), Ok(&entry));
    let mut changed = file.clone();
    let at = usize::from(input.change.0) % changed.len();
    changed[at] ^= input.change.1.max(1);
    assert!(Entry::decode(&Bytes::from(changed), &key).is_err(), "byte {at}");
    let cut = usize::from(input.cut) % file.len();
    assert!(Entry::decode(&Bytes::copy_from_slice(&file[..cut]), &key).is_err());
    sealed(input.raw, &key);
});

/// Bytes that nobody of us wrote, with digests that hold: only the reading is left between them and their use.
fn sealed(raw: &[u8], key: &Key) {
    let _ = Entry::decode(&Bytes::copy_from_slice(raw), key);
    if raw.len() < FIXED_BYTES {
        return;
    }
    let mut bytes = raw.to_vec();
    bytes[..10].copy_from_slice(b"tintype\0\x01\0");
    bytes[40..72].copy_from_slice(key.as_bytes());
    // The upper bytes of both lengths: small ones are met more often.
    for at in [13, 14, 15, 17, 18, 19] {
        bytes[at] = 0;
    }
    let Ok(needed) = Head::bytes_needed(&bytes) else { return };
    if needed > bytes.len() {
        return;
    }
    let body_bytes = (bytes.len() - needed) as u64;
    bytes[24..32].copy_from_slice(&body_bytes.to_le_bytes());
    let body = blake3::hash(&bytes[needed..]);
    bytes[72..104].copy_from_slice(body.as_bytes());
    let head = *blake3::Hasher::new().update(&bytes[..104]).update(&bytes[FIXED_BYTES..needed]).finalize().as_bytes();
    bytes[104..FIXED_BYTES].copy_from_slice(&head);
    match Entry::decode(&Bytes::from(bytes), key) {
        Ok(entry) => {
            let again = Bytes::from([&entry.head_bytes()[..], &entry.body].concat());
            assert_eq!(Entry::decode(&again, key).as_ref(), Ok(&entry));
        }
        Err(damage) => assert_eq!(damage, Damage::Head, "digests and lengths hold"),
    }
}
