//! The rules of reuse at moments around the lifetime.

use proptest::prelude::*;

use super::*;

const NOW_S: u64 = 1_794_700_800;
/// The date of `NOW_S`.
const NOW: &str = "Sun, 15 Nov 2026 00:00:00 GMT";
const DAY_BEFORE: &str = "Sat, 14 Nov 2026 00:00:00 GMT";
const SILENT: ReusePolicy =
    ReusePolicy { is_heuristic: false, lifetime_s: None, stale_while_revalidate_s: 0, stale_if_error_s: 0 };
const GUESSING: ReusePolicy = ReusePolicy { is_heuristic: true, ..SILENT };
const PATIENT: ReusePolicy = ReusePolicy { stale_while_revalidate_s: 10, stale_if_error_s: 100, ..SILENT };

fn stored(status: u16, fields: &[(&'static str, &str)]) -> StoredMeta {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().expect("a value"));
    }
    StoredMeta::read(status, &headers, &[HeaderName::from_static("cdn-cache-control")], NOW_S, NOW_S)
}

fn after(control: &str, policy: &ReusePolicy, seconds: u64) -> Reuse {
    Reuse::of(&stored(200, &[("cache-control", control)]), policy, NOW_S + seconds)
}

#[test]
fn fresh_until_the_age_is_the_lifetime() {
    assert!(after("max-age=10", &SILENT, 0).is_fresh);
    assert!(after("max-age=10", &SILENT, 9).is_fresh);
    assert!(!after("max-age=10", &SILENT, 10).is_fresh);
    assert!(!after("max-age=0", &SILENT, 0).is_fresh);
    assert!(!after("", &SILENT, 0).is_fresh);
    assert!(!after("no-cache, max-age=10", &SILENT, 0).is_fresh);
    assert!(!after("no-cache=\"set-cookie\", max-age=10", &SILENT, 0).is_fresh);
    assert!(after("must-revalidate, max-age=10", &SILENT, 9).is_fresh);
    assert!(after("s-maxage=10, max-age=1", &SILENT, 9).is_fresh);
    assert_eq!(after("max-age=10", &SILENT, 4).ttl_s(), 6);
    assert_eq!(after("max-age=10", &SILENT, 47).ttl_s(), -37);
    assert_eq!(after("max-age=10", &SILENT, 47).stale_for_s(), 37);
}

#[test]
fn explicit_freshness_is_for_every_status() {
    for status in [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599, 750] {
        let fresh = stored(status, &[("expires", "Tue, 17 Nov 2026 00:00:00 GMT"), ("date", NOW)]);
        assert!(Reuse::of(&fresh, &SILENT, NOW_S + 3).is_fresh, "{status}");
        let stale = stored(status, &[("expires", DAY_BEFORE), ("last-modified", DAY_BEFORE), ("date", NOW)]);
        assert!(!Reuse::of(&stale, &GUESSING, NOW_S + 3).is_fresh, "{status}");
    }
}

#[test]
fn the_lifetime_names_its_source() {
    let source = |fields: &[(&'static str, &str)], policy| {
        let (lifetime_s, source) = stored(200, fields).lifetime(policy);
        (source, lifetime_s)
    };
    let modified = ("last-modified", DAY_BEFORE);
    let short = ReusePolicy { lifetime_s: Some(7), ..GUESSING };
    assert_eq!(source(&[("cache-control", "max-age=3"), modified], &short), (LifetimeSource::Explicit, Some(3)));
    assert_eq!(source(&[("cache-control", "max-age=x"), modified], &short), (LifetimeSource::Explicit, Some(0)));
    assert_eq!(source(&[modified, ("date", NOW)], &short), (LifetimeSource::Heuristic, Some(8640)));
    assert_eq!(source(&[modified], &PATIENT), (LifetimeSource::None, None));
    assert_eq!(source(&[], &short), (LifetimeSource::Policy, Some(7)));
    assert_eq!(source(&[], &GUESSING), (LifetimeSource::None, None));
    assert_eq!(source(&[("pragma", "no-cache"), modified], &GUESSING).0, LifetimeSource::Heuristic);
}

#[test]
fn an_age_over_the_lifetime_is_stale_whatever_field_gave_it() {
    for name in ["cache-control", "cdn-cache-control"] {
        let old = stored(200, &[(name, "max-age=3600"), ("date", NOW), ("age", "7200")]);
        let reuse = Reuse::of(&old, &SILENT, NOW_S);
        assert!(!reuse.is_fresh, "{name}");
        assert_eq!((reuse.age_s, reuse.ttl_s()), (7200, -3600));
    }
}

#[test]
fn windows_are_the_responses_own_else_the_policys() {
    let own = "max-age=10, stale-while-revalidate=5, stale-if-error=50";
    let vectors = [
        (own, SILENT, NOW_S + 15, NOW_S + 60),
        (own, PATIENT, NOW_S + 15, NOW_S + 60),
        ("max-age=10", SILENT, 0, 0),
        ("max-age=10", PATIENT, NOW_S + 20, NOW_S + 110),
        ("", PATIENT, NOW_S + 10, NOW_S + 100),
        ("max-age=10, stale-while-revalidate=0, stale-if-error=0", PATIENT, 0, 0),
        ("max-age=10, stale-if-error=x", PATIENT, NOW_S + 20, 0),
        ("max-age=10, stale-if-error=99999999999", SILENT, 0, NOW_S + 10 + (1 << 31)),
    ];
    for (control, policy, revalidating_until_s, on_error_until_s) in vectors {
        for seconds in [0, 12, 1000] {
            let reuse = after(control, &policy, seconds);
            assert_eq!(reuse.stale_while_revalidate_until_s, revalidating_until_s, "{control}");
            assert_eq!(reuse.stale_if_error_until_s, on_error_until_s, "{control}");
            assert!(!reuse.must_revalidate, "{control}");
        }
    }
    let reuse = after(own, &SILENT, 10);
    assert!(reuse.may_serve_while_revalidating(NOW_S + 14) && !reuse.may_serve_while_revalidating(NOW_S + 15));
    assert!(reuse.may_serve_on_error(NOW_S + 59) && !reuse.may_serve_on_error(NOW_S + 60));
    assert!(!after("max-age=10", &SILENT, 10).may_serve_on_error(NOW_S + 10));
}

#[test]
fn who_must_be_revalidated_is_never_served_stale() {
    for directive in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"] {
        for own in ["max-age=2", "max-age=2, stale-while-revalidate=60, stale-if-error=60"] {
            let reuse = after(&format!("{own}, {directive}"), &PATIENT, 3);
            assert!(!reuse.is_fresh && reuse.must_revalidate, "{own}, {directive}");
            assert!(!reuse.may_serve_while_revalidating(NOW_S + 3), "{own}, {directive}");
            assert!(!reuse.may_serve_on_error(NOW_S + 3), "{own}, {directive}");
        }
    }
}

#[test]
fn failures_are_the_four_of_the_rfc() {
    let failures: Vec<u16> = (100..1000).filter(|status| is_failure(*status)).collect();
    assert_eq!(failures, [500, 502, 503, 504]);
}

#[test]
fn validators_count_even_when_they_are_odd() {
    assert!(stored(200, &[("etag", "abc")]).has_validator);
    assert!(stored(200, &[("last-modified", "yesterday")]).has_validator);
    assert!(!stored(200, &[("date", NOW)]).has_validator);
}

proptest! {
    #[test]
    fn ageing_only_takes_rights_away(
        max_age_s in 0_u64..5000,
        window_s in 0_u64..5000,
        age_s in 0_u64..5000,
        now_s in NOW_S..NOW_S + 20_000,
        later_s in 0_u64..5000,
    ) {
        let control = format!("max-age={max_age_s}, stale-while-revalidate={window_s}, stale-if-error={window_s}");
        let meta = stored(200, &[("cache-control", &control), ("age", &age_s.to_string())]);
        let (first, second) = (Reuse::of(&meta, &SILENT, now_s), Reuse::of(&meta, &SILENT, now_s + later_s));
        prop_assert_eq!(second.age_s, first.age_s + later_s);
        prop_assert!(first.is_fresh || !second.is_fresh);
        prop_assert_eq!(first.stale_if_error_until_s, second.stale_if_error_until_s);
        prop_assert_eq!(first.is_fresh, first.ttl_s() > 0);
        let is_inside = first.age_s < max_age_s + window_s;
        prop_assert_eq!(first.may_serve_on_error(now_s), window_s > 0 && is_inside);
    }

    #[test]
    fn no_times_overflow(requested_s in any::<u64>(), received_s in any::<u64>(), now_s in any::<u64>()) {
        let mut meta = stored(200, &[("cache-control", "max-age=99999999999, stale-if-error=99999999999")]);
        meta.arrival = Arrival { date_s: Some(requested_s), age_s: 5, requested_s, received_s };
        let reuse = Reuse::of(&meta, &PATIENT, now_s);
        reuse.ttl_s();
    }
}

#[test]
fn what_something_else_made_stale_is_stale_since_then() {
    let soon = after("max-age=100", &PATIENT, 40);
    let stale = soon.stale_since(NOW_S + 35, NOW_S + 40);
    assert!(!stale.is_fresh && stale.ttl_s() == -5, "{stale:?}");
    assert_eq!(stale.stale_while_revalidate_until_s, NOW_S + 35 + 10);
    assert_eq!(stale.stale_if_error_until_s, NOW_S + 35 + 100);
    let now = soon.stale_since(NOW_S + 40, NOW_S + 40);
    assert!(!now.is_fresh && now.ttl_s() == 0, "{now:?}");
    // Its own time was over before.
    let old = after("max-age=10", &PATIENT, 40);
    assert_eq!(old.stale_since(NOW_S + 35, NOW_S + 40), old);
    let strict = after("max-age=100, must-revalidate", &PATIENT, 40).stale_since(NOW_S + 35, NOW_S + 40);
    assert_eq!((strict.stale_while_revalidate_until_s, strict.stale_if_error_until_s), (0, 0));
}
