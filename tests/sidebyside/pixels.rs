//! The reference: what a picture is compared with must itself be right.

use crate::colours::is_srgb;
use crate::reference::{Pixels, reference, taps, to_linear, to_srgb};

fn picture(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Pixels {
    let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    Pixels { width, height, rgb }
}

#[test]
fn light_and_code_are_each_others_inverse() {
    for code in 0..=u8::MAX {
        assert_eq!(to_srgb(to_linear(code)), code);
    }
    assert_eq!([to_srgb(-0.5), to_srgb(1.5)], [0, 255]);
    // Half of the light is far above the middle of the codes.
    assert_eq!(to_srgb(0.5), 188);
}

#[test]
fn a_fine_pattern_keeps_its_light() {
    let stripes = picture(64, 64, |x, _| if x % 2 == 0 { [255; 3] } else { [0; 3] });
    let small = reference(&stripes, 8, 8);
    assert_eq!((small.width, small.height, small.rgb.len()), (8, 8, 8 * 8 * 3));
    // In gamma space it would be 128; at the edge the window is cut.
    let inner = small.rgb.chunks(3).enumerate().filter(|(at, _)| (2..6).contains(&(at % 8)));
    inner.for_each(|(at, pixel)| assert!(pixel.iter().all(|code| (186..=190).contains(code)), "{at}: {pixel:?}"));
}

#[test]
fn the_same_size_is_the_same_picture() {
    let original = picture(17, 9, |x, y| [(x * 15) as u8, (y * 28) as u8, 99]);
    assert_eq!(reference(&original, 17, 9), original);
}

#[test]
fn one_colour_stays_that_colour_up_to_the_edges() {
    let flat = picture(50, 31, |_, _| [200, 30, 7]);
    for (width, height) in [(7, 5), (50, 3), (80, 40), (1, 1)] {
        assert_eq!(reference(&flat, width, height), picture(width, height, |_, _| [200, 30, 7]));
    }
}

#[test]
fn places_and_channels_stay_where_they_are() {
    let original = picture(60, 40, |x, y| [if x < 30 { 250 } else { 5 }, if y < 20 { 250 } else { 5 }, 0]);
    let small = reference(&original, 6, 4);
    let at = |x: usize, y: usize| &small.rgb[(y * 6 + x) * 3..][..3];
    for (x, y, red, green) in [(0, 0, true, true), (5, 0, false, true), (0, 3, true, false), (5, 3, false, false)] {
        assert_eq!((at(x, y)[0] > 128, at(x, y)[1] > 128, at(x, y)[2]), (red, green, 0), "{x},{y}");
    }
}

#[test]
fn every_result_is_made_of_samples_that_exist() {
    for (from, to) in [(100, 7), (7, 100), (1, 1), (1000, 999), (3, 2)] {
        let all = taps(from, to);
        assert_eq!(all.len(), to);
        for taps in all {
            assert!(!taps.weights.is_empty() && taps.first + taps.weights.len() <= from);
            assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}

/// A profile of nothing but its three colourants.
fn profile(colourants: [[f64; 3]; 3]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(3_u32.to_be_bytes());
    let mut numbers = Vec::new();
    for (name, colourant) in [b"rXYZ", b"gXYZ", b"bXYZ"].into_iter().zip(colourants) {
        let begins = 128 + 4 + 3 * 12 + numbers.len() as u32;
        bytes.extend(*name);
        bytes.extend(begins.to_be_bytes());
        bytes.extend(20_u32.to_be_bytes());
        numbers.extend(b"XYZ \0\0\0\0");
        for number in colourant {
            numbers.extend(((number * 65536.0_f64).round() as i32).to_be_bytes());
        }
    }
    [bytes, numbers].concat()
}

#[test]
fn a_profile_is_srgb_by_its_colours_and_not_by_its_name() {
    let srgb = [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]];
    let display_p3 = [[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]];
    let adobe = [[0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457]];
    assert!(is_srgb(&profile(srgb)));
    assert!(!is_srgb(&profile(display_p3)) && !is_srgb(&profile(adobe)));
    let whole = profile(srgb);
    for len in 0..whole.len() {
        assert!(!is_srgb(&whole[..len]), "{len} bytes");
    }
}
