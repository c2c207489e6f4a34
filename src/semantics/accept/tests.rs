//! The vectors for `Accept`: strings of real browsers, weights, limits.

use proptest::prelude::*;

use super::*;

const CHROME: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
const FIREFOX: &str = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
const SAFARI: &str = "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,\
                      image/svg+xml,image/*;q=0.8,*/*;q=0.5";

fn set(avif: u16, webp: u16, jxl: u16) -> Accepted {
    Accepted { avif_permille: avif, webp_permille: webp, jxl_permille: jxl }
}

#[test]
fn image_types_by_the_table() {
    let vectors = [
        ("", set(0, 0, 0)),
        ("*/*", set(0, 0, 0)),
        ("image/*", set(0, 0, 0)),
        ("image/*,*/*;q=0.8", set(0, 0, 0)),
        (CHROME, set(1000, 1000, 0)),
        (FIREFOX, set(1000, 1000, 0)),
        (SAFARI, set(1000, 1000, 1000)),
        ("text/html,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", set(1000, 1000, 0)),
        ("image/avif;q=0, image/webp", set(0, 1000, 0)),
        ("image/webp;q=0.000", set(0, 0, 0)),
        ("IMAGE/WEBP", set(0, 1000, 0)),
        ("image/webp ; q=0.5", set(0, 500, 0)),
        ("image/webp;Q=0.5", set(0, 500, 0)),
        ("image/webp;v=1", set(0, 1000, 0)),
        ("image/webp;v=\"a,b;q=0\"", set(0, 1000, 0)),
        ("image/webp;;q=0.25;ext=1", set(0, 250, 0)),
        ("image/webpx", set(0, 0, 0)),
        ("ximage/webp", set(0, 0, 0)),
        ("image /webp", set(0, 0, 0)),
        ("image/webp;q=abc", set(0, 0, 0)),
        ("image/webp;q=1.5", set(0, 0, 0)),
        ("image/webp;q", set(0, 0, 0)),
        ("image/webp;q=", set(0, 0, 0)),
        ("image/webp;q =1", set(0, 0, 0)),
        ("image/webp;q= 1", set(0, 0, 0)),
        ("image/webp;q=0.5;q=x", set(0, 0, 0)),
        ("image/avif, image/webp", set(1000, 1000, 0)),
        ("image/avif;q=0.1, image/webp;q=0.9", set(100, 900, 0)),
        ("image/webp;q=0.2, image/webp;q=0.7, image/webp;q=0.3", set(0, 700, 0)),
    ];
    for (header, expected) in vectors {
        assert_eq!(accepted(header), expected, "{header}");
    }
}

#[test]
fn weights_are_zero_to_one_with_three_digits() {
    let good = [("0", 0), ("0.", 0), ("0.1", 100), ("0.12", 120), ("0.123", 123), ("1", 1000), ("1.000", 1000)];
    for (text, permille) in good {
        assert_eq!(quality_permille(text), Some(permille), "{text}");
    }
    for bad in ["", ".", ".5", "00", "0.1234", "1.001", "1.5", "2", "-0", "+1", "0,5", "\"1\"", "0.1e", "1.0000"] {
        assert_eq!(quality_permille(bad), None, "{bad}");
    }
}

#[test]
fn a_field_over_the_limit_counts_as_absent() {
    let fill = |len: usize| format!("image/webp,{}", "x".repeat(len - "image/webp,".len()));
    assert_eq!(accepted(&fill(ACCEPT_BYTES_MAX)), set(0, 1000, 0));
    assert_eq!(accepted(&fill(ACCEPT_BYTES_MAX + 1)), set(0, 0, 0));
    assert!(!accepts_json(Some(&fill(ACCEPT_BYTES_MAX))));
    assert!(accepts_json(Some(&fill(ACCEPT_BYTES_MAX + 1))));
}

#[test]
fn json_is_for_those_who_take_it() {
    assert!(accepts_json(None));
    for yes in [
        "",
        "*/*",
        "application/json",
        "APPLICATION/PROBLEM+JSON",
        "application/*;q=0.1",
        CHROME,
        "application/problem+json;q=0, */*",
        "text/html, application/json;q=0.001",
    ] {
        assert!(accepts_json(Some(yes)), "{yes}");
    }
    for no in [
        "image/*",
        "image/avif,image/webp",
        "text/plain",
        "application/json;q=0",
        "application/*;q=0, */*",
        "*/*;q=0",
        "application/json;q=2",
        "application/jsonx",
    ] {
        assert!(!accepts_json(Some(no)), "{no}");
    }
}

proptest! {
    #[test]
    fn never_panics_and_weights_stay_in_range(header in r#"(image/(webp|avif|jxl|\*)|[;,=q"\\ .01é]){0,40}"#) {
        let accepted = accepted(&header);
        for permille in [accepted.avif_permille, accepted.webp_permille, accepted.jxl_permille] {
            prop_assert!(permille <= PERMILLE_MAX);
        }
        accepts_json(Some(&header));
    }

    #[test]
    fn order_of_members_does_not_matter(a in 0_u16..=9, b in 0_u16..=9) {
        let (avif, webp) = (format!("image/avif;q=0.{a}"), format!("image/webp;q=0.{b}"));
        prop_assert_eq!(accepted(&format!("{avif},{webp}")), accepted(&format!("{webp}, {avif}")));
        prop_assert_eq!(accepted(&format!("{avif},{webp}")), set(a * 100, b * 100, 0));
    }
}
