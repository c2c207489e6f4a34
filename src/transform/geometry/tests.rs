//! The worked examples of the dialect, row by row, and what must hold for every picture.

use super::super::{Anchor, Padding, Rotation};
use super::*;
use proptest::prelude::*;

/// One row: stored sides, EXIF orientation, what to do, scaled, target, cut, result.
type Row = ((u32, u32), u8, Transform, [(u32, u32); 4]);

fn to(resize: ResizeType, width: u32, height: u32) -> Transform {
    Transform { resize, width, height, ..Transform::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "the field is an option")]
fn crop(width: f64, height: f64) -> Option<Crop> {
    Some(Crop { width, height, gravity: None })
}

fn padding(top: u32, right: u32, bottom: u32, left: u32) -> Padding {
    Padding { top, right, bottom, left }
}

const CENTER: Gravity = Gravity { anchor: Anchor::Center, x: 0.0, y: 0.0 };

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    use ResizeType::{Auto, Fill, FillDown, Fit, Force};
    let base = Transform::default;
    let ex = Some(CENTER);
    let (s21, s1, p43, s105) = ((200, 100), (1000, 1000), (4032, 3024), (1000, 500));
    vec![
        (s21, 1, to(Fit, 50, 20), [(40, 20), (50, 20), (40, 20), (40, 20)]),
        (s21, 1, to(Fit, 300, 300), [s21, (300, 300), s21, s21]),
        (s21, 1, Transform { enlarge: true, ..to(Fit, 300, 300) }, [(300, 150), (300, 300), (300, 150), (300, 150)]),
        ((3, 2000), 1, to(Fit, 100, 100), [(1, 100), (100, 100), (1, 100), (1, 100)]),
        (p43, 6, to(Fit, 800, 800), [(600, 800), (800, 800), (600, 800), (600, 800)]),
        (p43, 6, Transform { auto_rotate: false, ..to(Fit, 800, 800) }, [(800, 600), (800, 800), (800, 600), (800, 600)]),
        (p43, 1, Transform { rotate: Rotation::D90, ..to(Fit, 800, 0) }, [(800, 1067), (800, 0), (800, 1067), (800, 1067)]),
        (s21, 1, to(Fill, 50, 50), [(100, 50), (50, 50), (50, 50), (50, 50)]),
        (s21, 1, to(Fill, 300, 50), [s21, (300, 50), (200, 50), (200, 50)]),
        (s21, 1, Transform { enlarge: true, ..to(Fill, 300, 300) }, [(600, 300), (300, 300), (300, 300), (300, 300)]),
        ((1920, 1080), 1, to(Fill, 400, 400), [(711, 400), (400, 400), (400, 400), (400, 400)]),
        (s21, 1, to(FillDown, 300, 300), [s21, (300, 300), (100, 100), (100, 100)]),
        (s21, 1, to(FillDown, 400, 100), [s21, (400, 100), (200, 50), (200, 50)]),
        ((640, 480), 1, to(FillDown, 1600, 900), [(640, 480), (1600, 900), (640, 360), (640, 360)]),
        (s21, 1, to(Force, 50, 80), [(50, 80), (50, 80), (50, 80), (50, 80)]),
        (s21, 1, to(Force, 400, 50), [(200, 25), (400, 50), (200, 25), (200, 25)]),
        (s21, 1, Transform { enlarge: true, ..to(Force, 400, 50) }, [(400, 50), (400, 50), (400, 50), (400, 50)]),
        (s21, 1, to(Force, 50, 0), [(50, 100), (50, 0), (50, 100), (50, 100)]),
        ((1920, 1080), 1, to(Auto, 400, 300), [(533, 300), (400, 300), (400, 300), (400, 300)]),
        ((1080, 1920), 1, to(Auto, 400, 300), [(169, 300), (400, 300), (169, 300), (169, 300)]),
        (s1, 1, Transform { dpr: 2.0, ..to(Fit, 400, 400) }, [(800, 800), (800, 800), (800, 800), (800, 800)]),
        (s1, 1, Transform { dpr: 3.0, ..to(Fit, 400, 400) }, [s1, s1, s1, s1]),
        (s1, 1, Transform { dpr: 3.0, enlarge: true, ..to(Fit, 400, 400) }, [(1200, 1200), (1200, 1200), (1200, 1200), (1200, 1200)]),
        ((100, 100), 1, Transform { dpr: 0.5, ..to(Fit, 200, 200) }, [(100, 100), (200, 200), (100, 100), (100, 100)]),
        ((100, 100), 1, Transform { dpr: 0.5, extend: ex, ..to(Fit, 200, 200) }, [(50, 50), (100, 100), (50, 50), (100, 100)]),
        (s105, 1, Transform { dpr: 2.0, ..base() }, [s105, (0, 0), s105, s105]),
        (s105, 1, Transform { dpr: 0.5, ..base() }, [(500, 250), (0, 0), (500, 250), (500, 250)]),
        (s1, 1, Transform { zoom_x: 1.5, zoom_y: 1.5, ..to(Fit, 400, 400) }, [(600, 600), (600, 600), (600, 600), (600, 600)]),
        (s21, 1, Transform { zoom_x: 2.0, zoom_y: 2.0, ..base() }, [s21, (0, 0), s21, s21]),
        ((400, 400), 1, Transform { min_height: 200, ..to(Fit, 100, 0) }, [(200, 200), (100, 0), (100, 200), (100, 200)]),
        ((400, 400), 1, Transform { min_width: 200, ..to(Fit, 100, 100) }, [(200, 200), (100, 100), (100, 100), (100, 100)]),
        (s21, 1, Transform { min_width: 500, ..base() }, [(500, 250), (0, 0), (500, 250), (500, 250)]),
        (s21, 1, Transform { extend: ex, ..to(Fit, 300, 300) }, [s21, (300, 300), s21, (300, 300)]),
        (s21, 1, Transform { extend: ex, ..to(Fill, 150, 300) }, [s21, (150, 300), (150, 100), (150, 300)]),
        (s21, 1, Transform { extend: ex, ..to(Fit, 300, 0) }, [s21, (300, 0), s21, (300, 100)]),
        (s21, 1, Transform { extend_aspect: ex, ..to(Fit, 300, 600) }, [s21, (300, 600), s21, (200, 400)]),
        (s21, 1, Transform { extend_aspect: ex, ..to(Fill, 300, 300) }, [s21, (300, 300), s21, (200, 200)]),
        (s105, 1, Transform { padding: padding(10, 20, 30, 40), dpr: 2.0, ..to(Fit, 100, 0) }, [(200, 100), (200, 0), (200, 100), (320, 180)]),
        (s105, 1, Transform { padding: padding(5, 5, 5, 5), dpr: 0.5, ..to(Fit, 100, 0) }, [(50, 25), (50, 0), (50, 25), (54, 29)]),
        (s105, 1, Transform { padding: padding(10, 10, 10, 10), dpr: 3.0, ..to(Fit, 900, 900) }, [s105, s1, s105, (1022, 522)]),
        (s105, 1, Transform { crop: crop(0.5, 0.25), ..base() }, [(500, 125), (0, 0), (500, 125), (500, 125)]),
        (s105, 1, Transform { crop: crop(0.0, 200.0), ..to(Fit, 300, 0) }, [(300, 60), (300, 0), (300, 60), (300, 60)]),
        (p43, 6, Transform { crop: crop(1000.0, 2000.0), ..to(Fit, 500, 0) }, [(500, 1000), (500, 0), (500, 1000), (500, 1000)]),
        (s105, 1, Transform { crop: crop(3000.0, 200.0), ..to(Fill, 100, 100) }, [(500, 100), (100, 100), (100, 100), (100, 100)]),
    ]
}

#[test]
fn worked_sizes() {
    for (number, ((width, height), exif, transform, [scaled, target, cut, result])) in rows().into_iter().enumerate() {
        let shown = Orientation::new(exif, &transform).shown(Size::new(width, height));
        let plan = Plan::new(shown, &transform, false);
        let size = |(width, height)| Size::new(width, height);
        assert_eq!(plan.scaled, size(scaled), "scaled in row {}", number + 1);
        assert_eq!(plan.target, size(target), "target in row {}", number + 1);
        assert_eq!(plan.cut.min_nonzero(plan.scaled), size(cut), "cut in row {}", number + 1);
        assert_eq!(plan.result(&transform), size(result), "result of row {}", number + 1);
    }
}

#[test]
#[rustfmt::skip]
fn worked_places() {
    let at = |outer: (u32, u32), inner: (u32, u32), anchor: &str, x: f64, y: f64, factor: f64| {
        let anchor = Anchor::from_name(anchor).unwrap();
        let point = place(Size::new(outer.0, outer.1), Size::new(inner.0, inner.1), Gravity { anchor, x, y }, factor);
        (point.left, point.top)
    };
    let (o, i) = ((200, 100), (50, 50));
    assert_eq!(at(o, i, "ce", 0.0, 0.0, 1.0), (76, 26));
    assert_eq!(at(o, i, "no", 0.0, 0.0, 1.0), (76, 0));
    assert_eq!(at(o, i, "so", 0.0, 0.0, 1.0), (76, 50));
    assert_eq!(at(o, i, "ea", 0.0, 0.0, 1.0), (150, 26));
    assert_eq!(at(o, i, "we", 0.0, 0.0, 1.0), (0, 26));
    assert_eq!(at(o, i, "ce", 10.0, 0.0, 1.0), (86, 26));
    assert_eq!(at(o, i, "ce", -10.0, 0.0, 1.0), (66, 26));
    assert_eq!(at(o, i, "ce", 0.1, 0.1, 1.0), (96, 36));
    assert_eq!(at(o, i, "ea", 10.0, 0.0, 1.0), (140, 26));
    assert_eq!(at(o, i, "ce", 500.0, 0.0, 1.0), (150, 26));
    assert_eq!(at(o, i, "fp", 0.5, 0.5, 1.0), (75, 25));
    assert_eq!(at(o, i, "fp", 0.9, 0.1, 1.0), (150, 0));
    assert_eq!(at(o, (26, 100), "no", 5.0, 0.0, 0.5), (90, 0));
    assert_eq!(at(o, (26, 100), "no", 5.0, 0.0, 1.0), (93, 0));
    assert_eq!(at(o, (26, 100), "no", 5.0, 0.0, 2.0), (98, 0));
    assert_eq!(at((711, 400), (400, 400), "ce", 0.0, 0.0, 1.0), (156, 0));
    assert_eq!(at((300, 300), o, "ce", 0.0, 0.0, 1.0), (50, 100));
    assert_eq!(at((300, 300), o, "fp", 0.25, 0.75, 1.0), (0, 175));
    assert_eq!(at((300, 300), o, "no", 0.0, 5.0, 2.0), (50, 10));
    assert_eq!(at((300, 300), o, "ea", 5.0, 0.0, 0.5), (98, 100));
}

#[test]
#[rustfmt::skip]
fn worked_crops_in_stored_coordinates() {
    let at = |exif: u8, anchor: &str, x: f64, y: f64| {
        let gravity = Gravity { anchor: Anchor::from_name(anchor).unwrap(), x, y };
        let transform = Transform {
            crop: Some(Crop { width: 1000.0, height: 2000.0, gravity: Some(gravity) }),
            ..Transform::default()
        };
        let stored = Size::new(4032, 3024);
        let orientation = Orientation::new(exif, &transform);
        let plan = Plan::new(orientation.shown(stored), &transform, false);
        match crop_box(&plan, crop_gravity(&transform), orientation, stored, &Reload::none(&plan)) {
            Some(CropBox::At(point, size)) => (size.width, size.height, point.left, point.top),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(at(1, "nowe", 100.0, 50.0), (1000, 2000, 100, 50));
    assert_eq!(at(2, "nowe", 100.0, 50.0), (1000, 2000, 2932, 50));
    assert_eq!(at(3, "nowe", 100.0, 50.0), (1000, 2000, 2932, 974));
    assert_eq!(at(5, "nowe", 100.0, 50.0), (2000, 1000, 50, 100));
    assert_eq!(at(6, "nowe", 100.0, 50.0), (2000, 1000, 50, 1924));
    assert_eq!(at(6, "ce", 40.0, 10.0), (2000, 1000, 1026, 972));
    assert_eq!(at(6, "ea", 30.0, 0.0), (2000, 1000, 1016, 30));
    assert_eq!(at(6, "fp", 0.25, 0.1), (2000, 1000, 0, 1768));
    assert_eq!(at(8, "nowe", 100.0, 50.0), (2000, 1000, 1982, 100));
}

#[test]
fn worked_reloads() {
    let rest = |stored: (u32, u32), transform: &Transform, decoded: (u32, u32)| {
        let shown = Size::new(stored.0, stored.1);
        let plan = Plan::new(shown, transform, false);
        (plan.decode_shrink(shown), reload(&plan, shown, Size::new(decoded.0, decoded.1)))
    };
    let fit = to(ResizeType::Fit, 500, 0);
    let (ratio, left) = rest((4000, 3000), &fit, (500, 375));
    assert_eq!((ratio, left.scale_x, left.scale_y), (8.0, 1.0, 1.0));
    let (ratio, left) = rest((4001, 3003), &fit, (500, 375));
    assert!((ratio - 8.002).abs() < 1e-9, "{ratio}");
    assert_eq!((left.scale_x, left.scale_y), (1.0, 1.0), "sides that match already are left alone");
    let (ratio, left) = rest((4032, 3024), &to(ResizeType::Fit, 800, 800), (1008, 756));
    assert!((ratio - 5.04).abs() < 1e-9 && (left.scale_x - 0.793_651).abs() < 1e-6);
    let (ratio, left) = rest((4032, 3024), &to(ResizeType::Fill, 400, 400), (1008, 756));
    assert!((ratio - 7.56).abs() < 0.01 && (left.scale_x - 0.529_101).abs() < 1e-6);
    let cut = Transform { crop: crop(333.0, 333.0), ..to(ResizeType::Fit, 100, 0) };
    let (ratio, left) = rest((1000, 1000), &cut, (500, 500));
    assert!((ratio - 3.333).abs() < 1e-3 && (left.scale_x - 0.600_601).abs() < 1e-6);
}

#[test]
fn a_cut_to_less_than_half_a_pixel_is_none() {
    let transform = Transform { dpr: 0.25, ..to(ResizeType::FillDown, 1, 71) };
    let plan = Plan::new(Size::new(4, 1), &transform, false);
    assert_eq!((plan.cut, plan.result(&transform)), (Size::new(0, 1), Size::new(4, 1)));
}

proptest! {
    #[test]
    fn nothing_grows_unless_asked(kind in 0usize..5, w in 0u32..2000, h in 0u32..2000, a in 1u32..2000, b in 1u32..2000,
                                  dpr in 0.25f64..4.0) {
        let t = Transform { dpr, ..to(ResizeType::NAMES[kind].1, w, h) };
        let plan = Plan::new(Size::new(a, b), &t, false);
        prop_assert!(plan.scaled.width <= a && plan.scaled.height <= b, "{:?}", plan);
        let result = plan.result(&t);
        let bound = |asked: u32, cut: u32| match (asked, cut) {
            (0, _) | (_, 0) => u32::MAX,
            (asked, _) => (f64::from(asked) * dpr.max(1.0)).round() as u32,
        };
        let (width_max, height_max) = (bound(w, plan.cut.width), bound(h, plan.cut.height));
        prop_assert!(result.width <= width_max && result.height <= height_max, "{:?} {:?}", plan, result);
        prop_assert!(result.width > 0 && result.height > 0);
    }

    #[test]
    fn a_placed_box_lies_inside(a in 1u32..500, b in 1u32..500, w in 1u32..500, h in 1u32..500,
                                x in -600.0f64..600.0, y in -1.0f64..1.0, anchor in 0usize..10) {
        let inner = Size::new(w.min(a), h.min(b));
        let names = ["ce", "no", "so", "ea", "we", "noea", "nowe", "soea", "sowe", "fp"];
        let gravity = Gravity { anchor: Anchor::from_name(names[anchor]).unwrap(), x, y };
        let point = place(Size::new(a, b), inner, gravity, 1.0);
        prop_assert!(point.left + inner.width <= a && point.top + inner.height <= b);
    }
}
