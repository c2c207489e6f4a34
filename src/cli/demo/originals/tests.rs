//! Small editions of the pictures: that they are whole, steady, and show what they promise.

use std::collections::BTreeSet;

use super::*;

/// The mean of a channel over a box, 0 to 255.
fn mean(raster: &Raster, channel: usize, (left, top): (u32, u32), (right, bottom): (u32, u32)) -> f32 {
    let places = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
    let (sum, count) =
        places.fold((0.0, 0.0), |(sum, count), (x, y)| (sum + f32::from(raster.at(x, y)[channel]), count + 1.0));
    sum / count
}

#[test]
fn every_picture_is_whole_and_the_same_twice() {
    let paint_all = || {
        [
            ("landscape", mountains::paint(48, 32)),
            ("dunes", dunes::paint(32, 48)),
            ("fruit", still_life::paint(48, 36)),
            ("badge", shutter::badge(40)),
            ("large", sheet::paint(320, 240)),
            ("chart", chart::paint(160, 100)),
        ]
    };
    for ((name, raster), (_, again)) in paint_all().into_iter().zip(paint_all()) {
        let length = raster.width as usize * raster.height as usize * usize::from(raster.channels);
        assert_eq!(raster.pixels.len(), length, "{name}");
        assert!(raster.pixels.iter().collect::<BTreeSet<_>>().len() > 8, "{name} is more than one colour");
        assert_eq!(raster, again, "{name}");
    }
}

#[test]
fn the_sky_over_the_lake_is_brightest_where_the_sun_sets() {
    let lake = mountains::paint(96, 64);
    let sky = |left| mean(&lake, 0, (left, 20), (left + 8, 26)) + mean(&lake, 1, (left, 20), (left + 8, 26));
    assert!(sky(80) > sky(8) + 20.0, "{} {}", sky(80), sky(8));
}

#[test]
fn the_lake_mirrors_the_sky() {
    let lake = mountains::paint(96, 64);
    let warm = |top| mean(&lake, 0, (56, top), (66, top + 4)) - mean(&lake, 2, (56, top), (66, top + 4));
    let (sky, land, water) = (warm(22), mean(&lake, 0, (40, 36), (60, 38)), warm(52));
    assert!(sky > 20.0 && water > 20.0 && land < 130.0, "{sky} {land} {water}");
}

#[test]
fn the_badge_is_solid_in_its_ring_clear_in_its_middle_and_soft_between() {
    let badge = shutter::badge(200);
    assert_eq!(badge.channels, 4);
    assert_eq!(badge.at(100, 20)[3], 255);
    assert_eq!(badge.at(104, 112)[3], 0);
    assert_eq!(badge.at(0, 0)[3], 0);
    let soft = badge.pixels.chunks_exact(4).filter(|pixel| (1..255).contains(&pixel[3])).count();
    assert!(soft > 1000, "{soft}");
}

#[test]
fn the_film_moves_and_ends_where_it_begins() {
    let film = shutter::film(64, 48);
    assert_eq!(film.len(), 24);
    let apart = |a: usize, b: usize| {
        let bytes = film[a].0.pixels.iter().zip(&film[b].0.pixels);
        bytes.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>()
    };
    assert!(film.iter().all(|(frame, shown_ms)| frame.width == 64 && *shown_ms > 0));
    assert!(apart(0, 12) > 4.0 * apart(23, 0), "{} {}", apart(0, 12), apart(23, 0));
    assert!((1..24).all(|frame| apart(frame - 1, frame) > 0.0));
}

#[test]
fn the_chart_has_few_colours() {
    let chart = chart::paint(320, 200);
    let exact: BTreeSet<&[u8]> = chart.pixels.chunks_exact(3).collect();
    assert!(exact.len() < 1200, "{}", exact.len());
    let white = chart.pixels.chunks_exact(3).filter(|pixel| **pixel == [255; 3]).count();
    assert!(white > 320 * 200 / 3, "{white}");
}

#[test]
fn the_sheet_has_contours_at_every_scale() {
    let sheet = sheet::paint(640, 480);
    let step = |x: u32, y: u32| sheet.at(x, y)[1].abs_diff(sheet.at(x + 1, y)[1]);
    let edges = (0..480).flat_map(|y| (0..639).map(move |x| (x, y))).filter(|(x, y)| step(*x, *y) > 24).count();
    assert!(edges > 640 * 480 / 200, "{edges}");
}

#[test]
fn names_are_files_that_differ() {
    let catalogue = catalogue();
    let names: BTreeSet<&str> = catalogue.iter().map(|original| original.name).collect();
    assert_eq!(names.len(), catalogue.len());
    for original in &catalogue {
        let (stem, extension) = original.name.split_once('.').expect("an extension");
        assert!(stem.chars().all(|c| c.is_ascii_lowercase()));
        assert!(["jpg", "png", "gif", "svg"].contains(&extension));
        assert!(!original.description.ends_with('.') && !original.title.is_empty());
    }
    let kinds: BTreeSet<&str> = catalogue.iter().map(|original| original.kind.name()).collect();
    assert_eq!(kinds.len(), 6);
}
