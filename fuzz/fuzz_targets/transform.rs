//! Transforms as text: what was written down long ago, or by someone else, is read or refused, and means one thing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype::transform::Transform;

fuzz_target!(|text: &str| {
    let Some(read) = Transform::from_canonical(text) else { return };
    let written = read.canonical();
    assert_eq!(Transform::from_canonical(&written).as_ref(), Some(&read), "{written}");
    let once = read.normalised();
    assert_eq!(once.clone().normalised(), once, "{written}");
    assert_eq!(Transform::from_canonical(&once.canonical()), Some(once));
});
