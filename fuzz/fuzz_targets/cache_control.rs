//! Cache directives of responses, requests and targeted fields: seconds are bounded, and neither the order of lines nor
//! their division changes what they say. An input is two lines of a field.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype::semantics::cache_control::{CacheControl, Flag};
use tintype::semantics::fields::DELTA_S_MAX;
use tintype::semantics::freshness::{Arrival, Expires, age_field_s, lifetime_s};
use tintype::semantics::request_control::RequestControl;
use tintype::semantics::targeted::targeted;

const NOW_S: u64 = 1_794_700_800;

fuzz_target!(|text: &str| {
    let (one, two) = text.split_once('\n').unwrap_or((text, ""));
    let now_s = NOW_S + text.len() as u64;
    let control = CacheControl::parse([one, two]);
    bounded(&control);
    assert_eq!(CacheControl::parse([two, one]), control, "lines have no order");
    if !one.contains('"') && !two.contains('"') {
        assert_eq!(CacheControl::parse([format!("{one},{two}")]), control, "two lines are one");
        assert_eq!(
            RequestControl::parse([format!("{one},{two}")], [""; 0]),
            RequestControl::parse([one, two], [""; 0])
        );
    }
    let stricter = CacheControl::parse([one, two, "no-store, max-age=0"]);
    assert!(stricter.has(Flag::NoStore) && stricter.max_age_s == Some(0), "what is written last counts as well");
    if let Some(control) = targeted([one]) {
        bounded(&control);
        assert_eq!(targeted([format!("  {one}  ")]), Some(control));
        let both = targeted([one, "no-store"]).expect("a member more is a dictionary still");
        assert!(both.has(Flag::NoStore));
    }
    assert!(age_field_s([one, two]) <= DELTA_S_MAX);
    let expires = Expires::parse([one, two], now_s);
    let received_s = now_s;
    let arrival = Arrival { requested_s: now_s, received_s, date_s: Some(now_s / 2), age_s: age_field_s([one]) };
    let lifetime = lifetime_s(&control, expires, &arrival);
    assert!(control.s_maxage_s.or(control.max_age_s).is_none_or(|seconds| lifetime == Some(seconds)));
    let _ = arrival.current_age_s(now_s);
});

fn bounded(control: &CacheControl) {
    for seconds in [control.max_age_s, control.s_maxage_s, control.stale_while_revalidate_s, control.stale_if_error_s] {
        assert!(seconds.is_none_or(|seconds| seconds <= DELTA_S_MAX));
    }
}
