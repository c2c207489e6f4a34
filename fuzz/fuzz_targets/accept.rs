//! The `Accept` field: weights have a range, and neither case nor the order of members changes them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype::semantics::accept::{ACCEPT_BYTES_MAX, Accepted, accepted, accepts_json};

fuzz_target!(|field: &str| {
    let found = accepted(field);
    for permille in [found.avif_permille, found.webp_permille, found.jxl_permille] {
        assert!(permille <= 1000);
    }
    if field.len() > ACCEPT_BYTES_MAX {
        assert_eq!(found, Accepted::default());
    }
    assert_eq!(accepted(&field.to_ascii_uppercase()), found);
    let says_json = accepts_json(Some(field));
    // Commas inside quoted strings divide nothing.
    if field.contains('"') || field.len() + 64 > ACCEPT_BYTES_MAX {
        return;
    }
    let reversed: Vec<&str> = field.split(',').rev().collect();
    assert_eq!(accepted(&reversed.join(",")), found);
    assert_eq!(accepts_json(Some(&reversed.join(","))), says_json);
    let more = accepted(&format!("{field}, image/avif;q=0.001"));
    assert_eq!(more.avif_permille, found.avif_permille.max(1));
    assert_eq!((more.webp_permille, more.jxl_permille), (found.webp_permille, found.jxl_permille));
    assert!(accepts_json(Some(&format!("{field}, application/json"))));
});
