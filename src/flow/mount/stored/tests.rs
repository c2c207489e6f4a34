//! Responses and their directories, out of the process and back.

use http::header::{ETAG, SET_COOKIE, VARY};

use super::*;
use crate::cache::Tag;

fn stored() -> Stored {
    let mut headers = HeaderMap::new();
    headers.append(ETAG, HeaderValue::from_bytes(b"\"\xfc\"").unwrap());
    headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
    headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
    headers.append(VARY, HeaderValue::from_static("foo"));
    let mut request = HeaderMap::new();
    request.append("foo", HeaderValue::from_static("1"));
    Stored {
        status: StatusCode::from_u16(599).unwrap(),
        headers,
        body: Bytes::from_static(b"body"),
        part: None,
        requested_s: 5,
        received_s: 6,
        vary: VaryKey::of(["foo"], &request).unwrap(),
        stamp: Stamp::from_micros(7),
        labels: Arc::new(Labels { source: "http://h/a".to_owned(), tags: vec![Tag::new("x").unwrap()] }),
    }
}

#[test]
fn a_response_leaves_the_process_and_comes_back() {
    let (key, stored) = (Key::of("test", &[]), stored());
    let kept = Kept::Response(Arc::new(stored.clone()));
    let entry = kept.entry(key);
    assert_eq!((entry.class, entry.stamp, &entry.body), (Class::File, stored.stamp, &stored.body));
    let Some(Kept::Response(back)) = Kept::restore(entry) else { panic!("a response") };
    assert_eq!((back.status, &back.headers, &back.body), (stored.status, &stored.headers, &stored.body));
    assert_eq!((back.requested_s, back.received_s, &back.vary), (5, 6, &stored.vary));
    assert_eq!((back.stamp, &back.labels), (stored.stamp, &stored.labels));
}

#[test]
fn a_directory_leaves_the_process_and_comes_back() {
    let stored = stored();
    let key = Key::of("test", &[b"v"]);
    let place = Place::new(stored.vary.clone(), Some("de".to_owned()), key, 3);
    let kept = Kept::Directory(Directory::new(vec![place], stored.stamp, stored.labels));
    let Some(Kept::Directory(back)) = Kept::restore(kept.entry(Key::of("test", &[]))) else { panic!("a list") };
    assert_eq!(back.places.len(), 1);
    let place = &back.places[0];
    assert_eq!((&place.vary, place.language.as_deref(), place.key), (&stored.vary, Some("de"), key));
}

#[test]
fn a_record_that_cannot_be_read_is_as_good_as_absent() {
    let key = Key::of("test", &[]);
    for record in ["", "{}", r#"{"response":{"status":99,"headers":[],"requested_s":1,"received_s":1}}"#] {
        let entry = Entry { record: Bytes::from(record), ..Kept::Response(Arc::new(stored())).entry(key) };
        assert!(Kept::restore(entry).is_none(), "{record}");
    }
}

#[test]
fn bodies_and_texts_weigh() {
    let small = Kept::Response(Arc::new(stored())).weight_bytes();
    let large = Stored { body: Bytes::from(vec![0; 1000]), ..stored() };
    assert_eq!(Kept::Response(Arc::new(large)).weight_bytes() - small, 996);
    assert!(small > 300);
}
