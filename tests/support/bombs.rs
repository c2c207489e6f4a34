//! Files that cost far more than they weigh, written by hand from the formats' own descriptions. Contract: small here,
//! and each one would be large, long or endless in a reader without limits.

/// A PNG of this size with nothing behind its header, and with these chunks before that.
pub fn png(width: u32, height: u32, chunks: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let signature = b"\x89PNG\r\n\x1a\n".to_vec();
    [signature, chunk(b"IHDR", &header), chunks.to_vec(), chunk(b"IDAT", &[0; 8]), chunk(b"IEND", b"")].concat()
}

/// A compressed text chunk of so many spaces.
pub fn spaces(keyword: &str, count: usize) -> Vec<u8> {
    chunk(b"zTXt", &[keyword.as_bytes(), &[0, 0], &deflated_spaces(count)].concat())
}

fn chunk(name: &[u8], data: &[u8]) -> Vec<u8> {
    let named = [name, data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// The checksum of PNG chunks (RFC 2083, section 15).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// A zlib stream of fixed Huffman codes: one space, then copies of it (RFC 1950, RFC 1951 section 3.2.6).
fn deflated_spaces(count: usize) -> Vec<u8> {
    let (mut bytes, mut bits, mut used) = (vec![0x78, 0x01], 0_u32, 0);
    let mut put = |code: u32, len: u32| {
        bits |= code << used;
        used += len;
        while used >= 8 {
            bytes.push(bits as u8);
            bits >>= 8;
            used -= 8;
        }
    };
    let reversed = |code: u32, len: u32| code.reverse_bits() >> (32 - len);
    put(0b011, 3);
    put(reversed(0x30 + u32::from(b' '), 8), 8);
    let copies = (count - 1) / 258;
    for _ in 0..copies {
        put(reversed(0b1100_0101, 8), 8);
        put(0, 5);
    }
    put(0, 7);
    put(0, 7);
    let len = copies * 258 + 1;
    let (low, high) = (0..len).fold((1_u32, 0_u32), |(low, high), _| {
        let low = (low + u32::from(b' ')) % 65_521;
        (low, (high + low) % 65_521)
    });
    bytes.extend((high << 16 | low).to_be_bytes());
    bytes
}

/// A GIF with this canvas and so many frames of this size.
pub fn gif(canvas: (u16, u16), frame: (u16, u16), frames: usize) -> Vec<u8> {
    let pair = |(width, height): (u16, u16)| [width.to_le_bytes(), height.to_le_bytes()].concat();
    let image = [&b"\x2c\0\0\0\0"[..], &pair(frame), b"\0\x02\x02\x44\x01\0"].concat();
    [&b"GIF89a"[..], &pair(canvas), b"\x80\0\0\0\0\0\xff\xff\xff", &image.repeat(frames), b";"].concat()
}

/// A WebP with this canvas and so many frames of one pixel.
pub fn webp(canvas: (u32, u32), frames: usize) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    let lossless = [b"VP8L", &14_u32.to_le_bytes(), &b"\x2f\0\0\0\0\x88\x88\x08\0\0\0\0\0\0"[..]].concat();
    let frame = riff(b"ANMF", &[&[0; 12][..], &[100, 0, 0, 0], &lossless].concat());
    let head = riff(b"VP8X", &[&[2, 0, 0, 0][..], &side(canvas.0), &side(canvas.1)].concat());
    let body = [&b"WEBP"[..], &head, &riff(b"ANIM", &[0; 6]), &frame.repeat(frames)].concat();
    riff(b"RIFF", &body)
}

fn riff(name: &[u8], body: &[u8]) -> Vec<u8> {
    [name, &(body.len() as u32).to_le_bytes()[..], body, &vec![0; body.len() % 2]].concat()
}

/// A grey TIFF of this size without data, with further entries, in so many pages.
pub fn tiff(sides: (u32, u32), more: &[(u16, u32)], pages: u32) -> Vec<u8> {
    let mut entries = vec![(256, sides.0), (257, sides.1), (258, 8), (259, 1), (262, 1), (273, 8), (278, 8), (279, 64)];
    entries.retain(|(tag, _)| more.iter().all(|(other, _)| other != tag));
    entries.extend(more);
    entries.sort_unstable();
    let len = 2 + 12 * entries.len() as u32 + 4;
    let page = |number: u32| {
        let next = if number + 1 < pages { 8 + (number + 1) * len } else { 0 };
        let mut page = (entries.len() as u16).to_le_bytes().to_vec();
        for (tag, value) in &entries {
            let tag: u16 = *tag;
            page.extend([&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat());
        }
        page.extend(next.to_le_bytes());
        page
    };
    [b"II*\0\x08\0\0\0".to_vec(), (0..pages).flat_map(page).collect(), vec![0; 64]].concat()
}

/// A bitmap without its pixels.
pub fn bmp(width: i32, height: i32) -> Vec<u8> {
    let file = [&b"BM"[..], &54_u32.to_le_bytes(), &[0; 4], &54_u32.to_le_bytes()].concat();
    [file, dib(width, height)].concat()
}

fn dib(width: i32, height: i32) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [&40_u32.to_le_bytes()[..], &sides, &[1, 0, 32, 0], &[0; 24]].concat()
}

/// An icon that claims a small picture and holds a larger one: a PNG, or a bitmap with its mask.
pub fn icon(side: u32, is_png: bool) -> Vec<u8> {
    let inner = if is_png { png(side, side, b"") } else { dib(side as i32, side as i32 * 2) };
    let entry = [&[16, 16, 0, 0, 1, 0, 32, 0][..], &(inner.len() as u32).to_le_bytes(), &22_u32.to_le_bytes()].concat();
    [&b"\0\0\x01\0\x01\0"[..], &entry, &inner].concat()
}

/// A file of one coded picture (`av01` or `hvc1`) whose properties say this size, and whose data are none.
pub fn heif(brand: &[u8], coded: &[u8], width: u32, height: u32) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[brand, &[0; 4], brand, b"mif1"].concat());
    let handler = full(b"hdlr", 0, &[&[0; 4][..], b"pict", &[0; 13]].concat());
    let entry = full(b"infe", 2, &[&[0, 1, 0, 0][..], coded, &[0]].concat());
    let items = full(b"iinf", 0, &[&[0, 1][..], &entry].concat());
    let config = if coded == b"av01" { boxed(b"av1C", b"\x81\0\x0c\0") } else { boxed(b"hvcC", &[1; 23]) };
    let sides = full(b"ispe", 0, &[width.to_be_bytes(), height.to_be_bytes()].concat());
    let container = boxed(b"ipco", &[sides, config, full(b"pixi", 0, &[3, 8, 8, 8])].concat());
    let links = full(b"ipma", 0, &[0, 0, 0, 1, 0, 1, 3, 1, 0x82, 3]);
    let properties = boxed(b"iprp", &[container, links].concat());
    let meta = |at: u32| {
        let place = [&[0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1][..], &at.to_be_bytes(), &20_u32.to_be_bytes()].concat();
        let boxes = [handler.clone(), full(b"pitm", 0, &[0, 1]), full(b"iloc", 0, &place), items.clone()].concat();
        full(b"meta", 0, &[boxes, properties.clone()].concat())
    };
    let data_at = (ftyp.len() + meta(0).len() + 8) as u32;
    [ftyp, meta(data_at), boxed(b"mdat", b"\x12\0\x0a\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")].concat()
}

fn boxed(name: &[u8], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
}

fn full(name: &[u8], version: u8, body: &[u8]) -> Vec<u8> {
    boxed(name, &[&[version, 0, 0, 0][..], body].concat())
}

/// A bare JPEG XL codestream header of this size.
pub fn jxl(side: u32) -> Vec<u8> {
    // Not small, 30 bits of height less one behind their selector, and as wide as high.
    let bits = (u64::from(side - 1) << 3 | 0b11 << 1) | 1 << 33;
    [&b"\xff\x0a"[..], &bits.to_le_bytes()].concat()
}

/// A grey progressive JPEG with so many scans, all but the first of which say that nothing changes.
pub fn jpeg(side: u16, scans: usize) -> Vec<u8> {
    let blocks = usize::from(side).div_ceil(8).pow(2);
    let sides = [side.to_be_bytes(), side.to_be_bytes()].concat();
    let tables = [
        &b"\xff\xd8\xff\xdb\0\x43\0"[..],
        &[1; 64],
        b"\xff\xc2\0\x0b\x08",
        &sides,
        b"\x01\x01\x11\0",
        // One code each: a difference of 0, and a run of ends of up to 2^15 blocks.
        b"\xff\xc4\0\x14\0\x01",
        &[0; 15],
        b"\0",
        b"\xff\xc4\0\x14\x10\x01",
        &[0; 15],
        b"\xe0",
    ]
    .concat();
    let first = [&b"\xff\xda\0\x08\x01\x01\0\0\0\0"[..], &vec![0; blocks.div_ceil(8)]].concat();
    let runs = blocks / 16_384 + 1;
    let nothing = [&b"\xff\xda\0\x08\x01\x01\0\x01\x3f\0"[..], &vec![0; (runs * 15).div_ceil(8)]].concat();
    [&tables[..], &first, &nothing.repeat(scans - 1), b"\xff\xd9"].concat()
}

/// A drawing of 100 by 100 with this inside.
pub fn svg(inside: &str) -> Vec<u8> {
    let head = r#"<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100">"#;
    format!("{head}{inside}</svg>").into_bytes()
}
