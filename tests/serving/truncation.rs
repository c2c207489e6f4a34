//! Originals whose data end too early: shown as far as they go and not for long, or refused.

use crate::support::folder;
use crate::support::pictures::{Raster, loaded, marks};
use crate::support::server::Launch;

const TARGET: &str = "/_/plain/local:///cut.jpg@png";

/// A third of a picture's bytes.
fn cut() -> Vec<u8> {
    let whole = marks(640, 480).jpeg();
    whole[..whole.len() / 3].to_vec()
}

#[test]
fn what_there_is_of_it_is_shown_for_a_short_time_and_counted() {
    let folder = folder(&[("cut.jpg", &cut()), ("whole.jpg", &marks(640, 480).jpeg())]);
    let server = Launch::over(folder.path()).start();
    let answer = server.get(TARGET);
    assert_eq!((answer.status, answer.field("cache-control")), (200, Some("public, max-age=60")));
    assert_eq!(server.metric("tintype_truncated_originals_total", &[]), 1);

    let image = loaded(&answer.body, "pngload_source").expect("a picture");
    let (width, height, bands) = (image.width(), image.height(), image.bands());
    let shown = Raster { width, height, bands, pixels: image.pixels().expect("pixels") };
    let wanted = marks(640, 480);
    assert_eq!((width, height), (640, 480));
    let near = |x, y| shown.rgb(x, y).iter().zip(wanted.rgb(x, y)).all(|(one, two)| one.abs_diff(two) <= 6);
    assert!((10..630).step_by(20).all(|x| near(x, 10)), "the first rows are there");
    assert!(!(10..630).step_by(20).all(|x| near(x, 470)), "the last ones are not");

    let whole = server.get("/_/plain/local:///whole.jpg@png");
    assert_eq!(
        whole.field("cache-control"),
        Some("public, max-age=31536000, stale-while-revalidate=60, stale-if-error=86400")
    );
    assert_eq!(server.metric("tintype_truncated_originals_total", &[]), 1);
}

#[test]
fn its_time_is_a_setting() {
    let folder = folder(&[("cut.jpg", &cut())]);
    let server = Launch::over(folder.path()).set("TTL_TRUNCATED", "7s").start();
    assert_eq!(server.get(TARGET).field("cache-control"), Some("public, max-age=7"));
    let told = Launch::over(folder.path()).set("TTL_TRUNCATED", "7s").set("TTL_CDN", "30d").start().get(TARGET);
    assert_eq!(told.field("cdn-cache-control"), Some("max-age=7"), "CDNs less than anyone");
}

#[test]
fn it_is_refused_where_that_is_set() {
    let folder = folder(&[("cut.jpg", &cut()), ("whole.jpg", &marks(640, 480).jpeg())]);
    let server = Launch::over(folder.path()).set("TRUNCATED", "refuse").start();
    let answer = server.get(TARGET);
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["status"]), (422, &422.into()), "{problem}");
    assert!(problem["type"].as_str().is_some_and(|kind| kind.contains("truncated")), "{problem}");
    assert_eq!(server.get("/_/plain/local:///whole.jpg@png").status, 200);
}
