//! Each reader: right numbers from right headers, and nothing that breaks it or holds it up.

use proptest::prelude::*;

use super::*;
use crate::engine::job::Broken;

fn limits() -> Limits {
    Limits {
        source_pixels_max: 1000,
        source_side_max: 100,
        frames_max: 5,
        frame_pixels_max: 1000,
        output_side_max: 100,
        output_pixels_max: 1000,
        linear_light: true,
        broken: Broken::Show,
    }
}

fn sides(format: Format, bytes: &[u8]) -> Option<(u32, u32)> {
    announced(format, bytes).map(|found| (found.width, found.height))
}

fn png(width: u32, height: u32) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0...."]
        .concat()
}

fn chunk(name: &[u8], len: usize) -> Vec<u8> {
    [&(len as u32).to_be_bytes()[..], name, &vec![b'x'; len], b"crc."].concat()
}

fn boxed(name: &[u8], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
}

#[test]
fn sides_are_read_from_each_format() {
    assert_eq!(sides(Format::Png, &png(3, u32::MAX)), Some((3, u32::MAX)));
    let jpeg = b"\xff\xd8\xff\xe0\0\x06\xff\xc0\xff\xda\xff\xc2\0\x0b\x08\0\x05\0\x07\x01";
    assert_eq!(sides(Format::Jpeg, jpeg), Some((7, 5)), "what stands in a segment is passed over");
    let webp = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x03\0\0\x04\0\0";
    assert_eq!(sides(Format::Webp, webp), Some((4, 5)));
    let ispe = |width: u32, height: u32| boxed(b"ispe", &[[0; 4], width.to_be_bytes(), height.to_be_bytes()].concat());
    let ipco = boxed(b"ipco", &[ispe(4, 5), boxed(b"pixi", b""), ispe(70, 80)].concat());
    let meta = boxed(b"meta", &[b"\0\0\0\0".as_slice(), &boxed(b"hdlr", b"x"), &boxed(b"iprp", &ipco)].concat());
    assert_eq!(sides(Format::Avif, &[boxed(b"ftyp", b"avif"), meta].concat()), Some((70, 80)));
    let dib =
        |width: i32, height: i32| [&40_u32.to_le_bytes()[..], &width.to_le_bytes(), &height.to_le_bytes()].concat();
    let bmp = |dib: &[u8]| [b"BM............", dib].concat();
    assert_eq!(sides(Format::Bmp, &bmp(&dib(9, -8))), Some((9, 8)));
    assert_eq!(sides(Format::Bmp, &bmp(b"\x0c\0\0\0\x09\0\x08\0")), Some((9, 8)));
    let entry = |at: u8| [b"............".as_slice(), &[at, 0, 0, 0]].concat();
    let ico = [b"\0\0\x01\0\x02\0".as_slice(), &entry(38), &entry(50), &dib(9, 16), &png(3, 4)].concat();
    assert_eq!(sides(Format::Ico, &ico), Some((9, 8)));
    // 8 times 8 in short form; then 256 wide and, by ratio, as high.
    assert_eq!(sides(Format::Jxl, b"\xff\x0a\x41\0"), Some((8, 8)));
    let boxes = [boxed(b"JXL ", b"\r\n\x87\n"), boxed(b"jxlc", b"\xff\x0a\x41\0")].concat();
    assert_eq!(sides(Format::Jxl, &boxes), Some((8, 8)));
}

/// A page with these entries of one value, and the offset of the next page.
fn page(entries: &[(u16, u32)], next: u32) -> Vec<u8> {
    let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, value) in entries {
        bytes.extend([&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

#[test]
fn a_tiff_has_sides_tiles_numbers_and_pages() {
    let tiff = |pages: &[Vec<u8>]| [b"II*\0\x08\0\0\0".to_vec(), pages.concat()].concat();
    let plain = tiff(&[page(&[(256, 4), (257, 5), (277, 100)], 0)]);
    let expected = Announced { width: 4, height: 5, pixel_bits: 1600, frames: 1, scans: 0 };
    assert_eq!(announced(Format::Tiff, &plain), Some(expected));
    let tiled = tiff(&[page(&[(256, 4), (257, 5), (322, 64), (323, 64)], 0)]);
    assert_eq!(sides(Format::Tiff, &tiled), Some((64, 64)));
    let two = tiff(&[page(&[(256, 4)], 26), page(&[], 0)]);
    assert_eq!(announced(Format::Tiff, &two).map(|found| found.frames), Some(2));
    let circle = tiff(&[page(&[(256, 4)], 8)]);
    assert_eq!(announced(Format::Tiff, &circle).map(|found| found.frames), Some(0));
}

#[test]
fn scans_and_frames_are_counted() {
    let scan = b"\xff\xda\0\x04ab\x01\xff\0\xff\xd0\x02";
    let jpeg = [b"\xff\xd8".as_slice(), &scan.repeat(7), b"\xff\xd9", scan].concat();
    assert_eq!(announced(Format::Jpeg, &jpeg).map(|found| found.scans), Some(7), "the end is the end");
    let frame = b"ANMF\x03\0\0\0abc\0";
    let webp =
        [b"RIFF....WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".as_slice(), &frame.repeat(9), b"EXIF\0\0\0\0"].concat();
    assert_eq!(announced(Format::Webp, &webp).map(|found| found.frames), Some(9));
}

#[test]
fn limits_hold_at_their_border() {
    let refused = |format, bytes: Vec<u8>| match admitted(bytes.into(), format, &limits()) {
        Ok(_) => None,
        Err(EngineError::Limit { of, got, max }) => Some((of.setting(), got, max)),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(refused(Format::Png, png(100, 10)), None);
    assert_eq!(refused(Format::Png, png(101, 1)), Some(("source.side_max", 101, 100)));
    assert_eq!(refused(Format::Png, png(77, 13)), Some(("source.pixels_max", 1001, 1000)));
    let jpeg = |scans| [b"\xff\xd8".as_slice(), &b"\xff\xda\0\x02".repeat(scans)].concat();
    assert_eq!(refused(Format::Jpeg, jpeg(SCANS_MAX as usize)), None);
    assert_eq!(refused(Format::Jpeg, jpeg(SCANS_MAX as usize + 1)), Some(("", 101, 100)));
    let webp = |frames| [b"RIFF....WEBPVP8X\0\0\0\0".as_slice(), &[0; 10], &b"ANMF\0\0\0\0".repeat(frames)].concat();
    let webp = |frames| {
        let mut bytes: Vec<u8> = webp(frames);
        bytes[16] = 10;
        bytes
    };
    assert_eq!(refused(Format::Webp, webp(FRAMES_READ_MAX as usize)), None);
    assert_eq!(refused(Format::Webp, webp(FRAMES_READ_MAX as usize + 1)), Some(("frames_max", 10_001, 10_000)));
}

fn without_costly_texts(bytes: &[u8]) -> Option<Vec<u8>> {
    png::without_costly_texts(bytes, png::TEXTS_BYTES_MAX)
}

#[test]
fn texts_of_a_png_go_where_they_cost_too_much() {
    let rest = [chunk(b"IDAT", 5), chunk(b"IEND", 0)].concat();
    let file = |texts: &[Vec<u8>]| [png(1, 1), texts.concat(), rest.clone()].concat();
    assert_eq!(without_costly_texts(&file(&[chunk(b"tEXt", 70_000), chunk(b"zTXt", 60_000)])), None);
    let large = chunk(b"zTXt", 70_000);
    assert_eq!(without_costly_texts(&file(&[large.clone(), large])), Some(file(&[])));
    let (kept, many) = (chunk(b"iTXt", 40_000), chunk(b"zTXt", 30_000));
    assert_eq!(without_costly_texts(&file(&[kept.clone(), many])), Some(file(&[kept])));
    let small = vec![chunk(b"tEXt", 1); 100_000];
    let left = without_costly_texts(&file(&small)).expect("too many");
    assert!(left.len() < file(&small).len() && left.ends_with(&rest));
    let one = file(&[chunk(b"tEXt", 1)]);
    assert_eq!(embeddable(one, Format::Png), Some(file(&[])), "inside a drawing nobody reads any");
}

/// Bits as text, with blanks where people need them.
fn bits(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| byte - b'0').collect();
    digits.chunks(8).map(|chunk| chunk.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << (7 - at))).collect()
}

#[test]
fn a_stream_of_av1_says_its_largest_frame() {
    let unit = |body: Vec<u8>| [&[0x0a, body.len() as u8][..], &body].concat();
    // Profile 0, still, reduced, level 0; 12 bits each; 4095 and 255 less one.
    let reduced = unit(bits("000 1 1 00000 1011 1011 111111111110 000011111110"));
    assert_eq!(av1::sides(&reduced).map(|found| (found.width, found.height)), Some((4095, 255)));
    // Timing with a decoder model and one operating point of a high level, whose delays are of 10 bits.
    let timed = format!("000 0 0 1 {:064} 1 010 1 01001 {:042} 1 00000 {:012} 01000 0 1 {:021} 1 0000", 0, 0, 0, 0);
    let full = unit(bits(&format!("{timed} 1111 0111 1111111111111111 00000111")));
    assert_eq!(av1::sides(&full).map(|found| (found.width, found.height)), Some((65_536, 8)));
    let stream = [b"\x12\0".as_slice(), &reduced, &full, b"\x32\x02ab"].concat();
    assert_eq!(av1::sides(&stream).map(|found| found.width), Some(4095), "more pixels count");
}

#[test]
fn a_stream_of_hevc_says_its_largest_frame() {
    // Two layers, the second one with a level of its own; identifier 0, 4:2:0, 64 by 48.
    let parameters = |width: &str| {
        let head = format!("0000 001 1 {:088} {:08} 01 {:014} {:08}", 1, 2, 0, 3);
        let body = bits(&format!("{head} 1 010 {width} 00000110001 1"));
        [b"\x42\x01".as_slice(), &body].concat()
    };
    let small = parameters("0000001000001");
    let large = parameters(&format!("{:013} {:b}", 0, 8193));
    let list = |unit: &[u8]| [&b"\xa1\0\x01"[..], &(unit.len() as u16).to_be_bytes(), unit].concat();
    let configuration = [vec![1; 23], list(&small)].concat();
    let sides = hevc::sides_of_configuration(&configuration).map(|found| (found.width, found.height));
    assert_eq!(sides, Some((64, 48)));
    let framed = |unit: &[u8]| [&(unit.len() as u32).to_be_bytes()[..], unit].concat();
    let stream = [framed(b"\x26\x01picture"), framed(&small), framed(&large)].concat();
    assert_eq!(hevc::sides_of_stream(&stream).map(|found| found.width), Some(8192));
}

/// A file of one AV1 item whose place is written so, behind a stream of this frame.
fn placed(iloc: &[u8]) -> Vec<u8> {
    let stream = [&[0x0a, 7][..], &bits("000 1 1 00000 1011 1011 111111111110 000011111110")].concat();
    let infe = boxed(b"infe", &[&[2, 0, 0, 0, 0, 1, 0, 0][..], b"av01\0"].concat());
    let iinf = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &infe].concat());
    let ipco = boxed(b"ipco", &boxed(b"ispe", &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 9]));
    let iloc = boxed(b"iloc", iloc);
    let meta = boxed(b"meta", &[&[0; 4][..], &iinf, &iloc, &boxed(b"iprp", &ipco)].concat());
    [boxed(b"mdat", &stream), meta].concat()
}

#[test]
fn streams_are_read_wherever_their_pieces_are() {
    let side = |iloc: &[u8]| sides(Format::Avif, &placed(iloc)).map(|(width, _)| width);
    let head = |version: u8, sizes: u8, more: u8| vec![version, 0, 0, 0, sizes, more, 0, 1, 0, 1];
    let whole = [head(0, 0x44, 0), vec![0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 9]].concat();
    assert_eq!(side(&whole), Some(4095));
    let halves = [head(0, 0x11, 0), vec![0, 0, 0, 2, 8, 3, 11, 6]].concat();
    assert_eq!(side(&halves), Some(4095));
    let elsewhere = [head(1, 0x11, 0), vec![0, 1, 0, 0, 0, 1, 8, 9]].concat();
    assert_eq!(side(&elsewhere), Some(9), "there is no box of data");
    let nothing = [head(0, 0, 0), vec![0, 0, 0xff, 0xff]].concat();
    assert_eq!(side(&nothing), Some(u32::MAX), "pieces without bytes");
    let many = [head(0, 0x11, 0), vec![0, 0, 1, 1], vec![0; 2 * 257]].concat();
    assert_eq!(side(&many), Some(u32::MAX));
}

proptest! {
    #[test]
    fn no_bytes_break_a_reader(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), start in 0_usize..9) {
        let starts: [&[u8]; 9] = [
            b"", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", b"\xff\xd8\xff", b"RIFF....WEBPVP8X", b"II*\0\x08\0\0\0",
            b"MM\0*\0\0\0\x08", b"\0\0\0\x08ftyp\0\0\0\xffmeta", b"\0\0\0\x0cJXL ", b"\0\0\x01\0\x02\0",
        ];
        bytes.splice(0..0, starts[start].iter().copied());
        let formats = [Format::Png, Format::Jpeg, Format::Webp, Format::Tiff];
        for format in formats.into_iter().chain([Format::Avif, Format::Jxl, Format::Bmp, Format::Ico]) {
            let _ = announced(format, &bytes);
        }
        let _ = without_costly_texts(&bytes);
    }
}
