//! The decoder against libjpeg behind libvips: equal samples for clean files, and answers for all others.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::engine::vips::{Image, Op, Value, Vips, VipsSpec};

/// A decoded file: header and whole planes.
type Decoded = (Header, [Plane; 3]);

fn decoded(file: &[u8]) -> Result<Decoded, Unsupported> {
    let mut decoder = Decoder::open(file)?;
    let header = *decoder.header();
    let (mut rows, mut whole) = (<[Plane; 3]>::default(), <[Plane; 3]>::default());
    let mut seen = 0;
    loop {
        match decoder.rows(&mut rows)? {
            0 => break,
            more => seen += more,
        }
        for (whole, rows) in whole.iter_mut().zip(&rows) {
            whole.stride = rows.stride;
            whole.samples.extend_from_slice(&rows.samples);
        }
    }
    assert_eq!(seen, header.mcus().1 * header.mcu().1);
    Ok((header, whole))
}

/// Noise upon slopes: coefficients of all sizes, and flat parts.
fn picture(width: u32, height: u32, bands: u32) -> Image {
    Vips::start(VipsSpec { threads: 1 }).unwrap();
    let sample = |x: u32, y: u32, band: u32| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ band.wrapping_mul(977)) >> 7;
        let noise = if (x / 16).is_multiple_of(3) { noise % 64 } else { 0 };
        ((x * (3 + band) + y * 2) % 192 + noise) as u8
    };
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..bands).map(move |band| sample(x, y, band))))
        .collect();
    let image = Image::from_pixels(&pixels, width, height, bands).unwrap();
    let copy = Op::new("copy").unwrap().set("in", &image).unwrap();
    copy.set("interpretation", Value::Nick(if bands == 1 { "b-w" } else { "srgb" })).unwrap().image().unwrap()
}

/// How a file is saved.
#[derive(Debug, Clone, Copy)]
struct Saving {
    quality: i32,
    interlace: bool,
    optimize: bool,
    subsample: bool,
    restart: i32,
}

const PLAIN: Saving = Saving { quality: 80, interlace: false, optimize: false, subsample: false, restart: 0 };

fn saved(image: &Image, saving: Saving) -> Bytes {
    let op = Op::new("jpegsave_buffer").unwrap().set("in", image).unwrap().set("Q", saving.quality).unwrap();
    let op = op.set("interlace", saving.interlace).unwrap().set("optimize_coding", saving.optimize).unwrap();
    let mode = if saving.subsample { "on" } else { "off" };
    let op = op.set("subsample_mode", Value::Nick(mode)).unwrap();
    op.set_if_supported("restart_interval", saving.restart).unwrap().bytes().unwrap()
}

fn loaded(file: &Bytes) -> Vec<u8> {
    Op::load("jpegload_source", file).unwrap().image().unwrap().pixels().unwrap()
}

/// What lies in the picture of a plane as big as it.
fn visible(header: &Header, plane: &Plane) -> Vec<u8> {
    let rows = plane.samples.chunks(plane.stride).take(header.height as usize);
    rows.flat_map(|row| &row[..header.width as usize]).copied().collect()
}

/// The conversion that libjpeg does, with 16 bits behind the point.
fn colour(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91_881 * cr + HALF) >> 16);
    let green = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|value| value.clamp(0, 255) as u8)
}

fn savings() -> impl Strategy<Value = Saving> {
    (1..=100, any::<bool>(), any::<bool>(), any::<bool>(), prop_oneof![Just(0), 1..5]).prop_map(
        |(quality, interlace, optimize, subsample, restart)| Saving {
            quality,
            interlace,
            optimize,
            subsample,
            restart,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn grey_files_are_equal(width in 1u32..70, height in 1u32..70, saving in savings()) {
        let file = saved(&picture(width, height, 1), saving);
        let (header, [grey, ..]) = decoded(&file).unwrap();
        prop_assert_eq!((header.width, header.height, header.components), (width, height, 1));
        prop_assert_eq!((header.progressive, header.space), (saving.interlace, Space::Grey));
        prop_assert!(Decoder::open(&file).unwrap().pays() || !saving.interlace);
        prop_assert!(visible(&header, &grey) == loaded(&file));
    }

    #[test]
    fn colours_at_full_resolution_are_equal(width in 1u32..70, height in 1u32..70, saving in savings()) {
        let file = saved(&picture(width, height, 3), Saving { subsample: false, ..saving });
        let (header, planes) = decoded(&file).unwrap();
        prop_assert_eq!(header.space, Space::YCbCr);
        let [y, cb, cr] = planes.map(|plane| visible(&header, &plane));
        let pixels: Vec<u8> = y.iter().zip(&cb).zip(&cr).flat_map(|((y, cb), cr)| colour(*y, *cb, *cr)).collect();
        prop_assert!(pixels == loaded(&file));
    }

    #[test]
    fn subsampled_files_are_equal_where_colour_says_nothing(
        width in 1u32..70, height in 1u32..70, saving in savings(),
    ) {
        let grey = picture(width, height, 1);
        let image = Op::new("colourspace").unwrap().set("in", &grey).unwrap();
        let image = image.set("space", Value::Nick("srgb")).unwrap().image().unwrap();
        let file = saved(&image, Saving { subsample: true, ..saving });
        let (header, planes) = decoded(&file).unwrap();
        prop_assert_eq!((header.across, header.down), ([2, 1, 1], [2, 1, 1]));
        prop_assert!(planes[1..].iter().all(|plane| plane.samples.iter().all(|sample| *sample == 128)));
        let pixels: Vec<u8> = visible(&header, &planes[0]).into_iter().flat_map(|y| [y; 3]).collect();
        prop_assert!(pixels == loaded(&file));
    }

    #[test]
    fn damaged_files_are_errors_or_whole(
        saving in savings(),
        cut in prop::option::of(any::<prop::sample::Index>()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut file = saved(&picture(61, 45, 3), saving).to_vec();
        for (place, byte) in edits {
            let place = place.index(file.len());
            // Sides stay as they are: others are only more rows of the same.
            let is_side = file[..place].windows(4).rev().take(4).any(|four| matches!(four, [0xFF, 0xC0..=0xC2, 0, 17]));
            if !is_side {
                file[place] = byte;
            }
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
            prop_assert!(decoded(&file).is_err());
        }
        // Rows are counted and planes measured inside.
        let _ = decoded(&file);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decoded(&[&[0xFF, 0xD8], &bytes[..]].concat());
        let _ = decoded(&bytes);
    }
}

/// A file of blocks that are flat, 4 apart and in the order of their coding, with the first component's sampling.
fn steps(width: u16, height: u16, across: u8, down: u8) -> Vec<u8> {
    let segment =
        |marker: u8, body: &[u8]| [&[0xFF, marker], &(body.len() as u16 + 2).to_be_bytes()[..], body].concat();
    let [w1, w0, h1, h0] = [width.to_be_bytes(), height.to_be_bytes()].concat()[..] else { unreachable!() };
    let frame = [8, h1, h0, w1, w0, 3, 1, across << 4 | down, 0, 2, 0x11, 0, 3, 0x11, 0];
    // One code of one bit each: a difference of four bits, and the end of a block.
    let code = |kind: u8, symbol: u8| [&[kind, 1], &[0; 15][..], &[symbol]].concat();
    let mcus = width.div_ceil(u16::from(across) * 8) * height.div_ceil(u16::from(down) * 8);
    // Each block is 0, 1000, 0: a difference of 8 times 4, which is 4 in samples.
    let blocks = usize::from(mcus) * (usize::from(across * down) + 2);
    let bits: String = "010000".repeat(blocks) + "1111111";
    let data: Vec<u8> =
        bits.as_bytes().chunks_exact(8).map(|byte| byte.iter().fold(0, |b, bit| b << 1 | (bit & 1))).collect();
    [
        vec![0xFF, 0xD8],
        segment(0xDB, &[&[0], &[4u8; 64][..]].concat()),
        segment(0xC0, &frame),
        segment(0xC4, &[code(0x00, 4), code(0x10, 0)].concat()),
        segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
        data,
        vec![0xFF, 0xD9],
    ]
    .concat()
}

#[test]
fn every_sampling_puts_blocks_where_they_belong() {
    for (across, down, order) in [
        (1, 1, vec![vec![1, 2], vec![3, 4]]),
        (2, 1, vec![vec![1, 2, 3, 4], vec![5, 6, 7, 8]]),
        (1, 2, vec![vec![1, 3], vec![2, 4], vec![5, 7], vec![6, 8]]),
        (2, 2, vec![vec![1, 2, 5, 6], vec![3, 4, 7, 8], vec![9, 10, 13, 14], vec![11, 12, 15, 16]]),
    ] {
        // Two MCUs across and two down, the last ones of a single sample.
        let (width, height) = (u16::from(across) * 8 + 1, u16::from(down) * 8 + 1);
        let (header, planes) = decoded(&steps(width, height, across, down)).unwrap();
        assert_eq!((header.across[0], header.down[0]), (across.into(), down.into()));
        let blocks = |plane: &Plane| -> Vec<Vec<usize>> {
            let rows = plane.samples.chunks(plane.stride).step_by(8);
            rows.map(|row| row.iter().step_by(8).map(|sample| (usize::from(*sample) - 128) / 4).collect()).collect()
        };
        assert_eq!(blocks(&planes[0]), order, "{across}x{down}");
        assert_eq!(blocks(&planes[2]), [[1, 2], [3, 4]]);
        let strides = [planes[0].stride, planes[1].stride];
        assert_eq!(strides, [usize::from(across) * 16, 16]);
    }
}

#[test]
fn what_is_unusual_is_refused() {
    let file = saved(&picture(40, 30, 3), PLAIN).to_vec();
    let frame = file.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
    let with = |edits: &[(usize, u8)]| {
        let mut file = file.clone();
        for (place, byte) in edits {
            file[frame + place] = *byte;
        }
        decoded(&file).err()
    };
    assert_eq!(with(&[]), None);
    assert_eq!(with(&[(1, 0xC9)]), Some(Unsupported::Coding), "arithmetic coding");
    assert_eq!(with(&[(1, 0xC3)]), Some(Unsupported::Coding), "lossless");
    assert_eq!(with(&[(4, 12)]), Some(Unsupported::Coding), "12 bits");
    assert_eq!(with(&[(5, 0), (6, 0)]), Some(Unsupported::Coding), "a height that comes later");
    assert_eq!(with(&[(11, 0x41)]), Some(Unsupported::Layout), "4 samples across");
    assert_eq!(with(&[(14, 0x21)]), Some(Unsupported::Layout), "chroma sampled more often");
    assert_eq!(with(&[(6, 200)]), Some(Unsupported::Damaged), "more rows than there are");
    assert_eq!(with(&[(6, 8)]), Some(Unsupported::Damaged), "fewer rows than there are");
    let cmyk = Op::new("copy").unwrap().set("in", &picture(8, 8, 4)).unwrap();
    let cmyk = cmyk.set("interpretation", Value::Nick("cmyk")).unwrap().image().unwrap();
    assert_eq!(decoded(&saved(&cmyk, PLAIN)).err(), Some(Unsupported::Coding));
}

#[test]
fn an_error_is_the_last_word() {
    let file = saved(&picture(64, 640, 3), PLAIN).to_vec();
    let mut damaged = file[..file.len() * 3 / 4].to_vec();
    damaged.extend([0xFF, 0xD9]);
    let mut decoder = Decoder::open(&damaged).unwrap();
    let mut planes = <[Plane; 3]>::default();
    let mut rows = 0;
    while let Ok(more) = decoder.rows(&mut planes) {
        assert!(more > 0, "the end of a file that has none");
        rows += more;
    }
    assert!((320..640).contains(&rows), "{rows}");
    assert_eq!(decoder.rows(&mut planes), Err(Unsupported::Damaged));
}

#[test]
fn a_progressive_file_that_lacks_detail_is_left_to_who_smooths_it() {
    let file = saved(&picture(64, 64, 3), Saving { interlace: true, ..PLAIN }).to_vec();
    let scans: Vec<usize> =
        file.windows(2).enumerate().filter(|(_, two)| *two == [0xFF, 0xDA]).map(|(at, _)| at).collect();
    assert!(scans.len() > 3);
    let shortened = [&file[..scans[1]], &[0xFF, 0xD9]].concat();
    assert_eq!(decoded(&shortened).err(), Some(Unsupported::Damaged));
}
