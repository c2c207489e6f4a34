//! The segments of a JPEG file (ITU-T T.81, annex B): tables, frame and scan headers, and where coded data stands.
//! Whatever an ordinary file does not have is an error.

use super::Unsupported;
use super::huffman::Code;

/// Samples a side that libjpeg takes.
const SIDE_MAX: u32 = 65_500;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;

/// How the numbers of a pixel mean a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    Grey,
    Rgb,
    YCbCr,
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// In pixels, never 0.
    pub width: u32,
    pub height: u32,
    /// 1 or 3.
    pub components: usize,
    pub space: Space,
    /// How often each component is sampled across in an MCU: 1, and for the first of three components 1 or 2.
    pub across: [usize; 3],
    /// The same downwards.
    pub down: [usize; 3],
    /// Whether the picture comes in several passes of growing detail.
    pub progressive: bool,
}

/// What a scan header says.
pub struct ScanHeader {
    /// Indices of the components in the frame, rising, each with its tables for DC and AC.
    pub components: Vec<(usize, usize, usize)>,
    /// First and last coefficient in zigzag order.
    pub band: (usize, usize),
    /// Bits that former scans left out (0 in a first scan), and that this one leaves out.
    pub high: u8,
    pub low: u8,
}

/// What stands next in the file.
pub enum Segment {
    Frame,
    Scan(ScanHeader),
    End,
}

/// Reads segments one by one and keeps what they define.
pub struct Markers<'a> {
    file: &'a [u8],
    pub at: usize,
    header: Option<Header>,
    ids: [u8; 3],
    /// Which of `steps` each component asks for.
    pub quantisers: [usize; 3],
    /// Steps in zigzag order.
    pub steps: [Option<[u16; 64]>; 4],
    pub dc: [Option<Code>; 4],
    pub ac: [Option<Code>; 4],
    /// MCUs between restart markers, 0 where there are none.
    pub interval: u32,
    jfif: bool,
    adobe: Option<u8>,
}

// === impl Header ===

impl Header {
    /// Samples across and down in an MCU.
    pub const fn mcu(&self) -> (usize, usize) {
        (self.across[0] * 8, self.down[0] * 8)
    }

    /// MCUs across and down.
    pub const fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.mcu();
        ((self.width as usize).div_ceil(across), (self.height as usize).div_ceil(down))
    }

    /// Restart markers that a scan can have with so many MCUs between them.
    pub const fn restarts_max(&self, interval: u32) -> usize {
        let (across, down) = self.mcus();
        // A scan of one component counts its blocks, up to 4 in an MCU.
        if interval == 0 { 0 } else { across * down * 4 / interval as usize }
    }

    /// Blocks of a component across and down that show anything.
    pub const fn blocks(&self, component: usize) -> (usize, usize) {
        let across = (self.width as usize * self.across[component]).div_ceil(self.mcu().0);
        (across, (self.height as usize * self.down[component]).div_ceil(self.mcu().1))
    }
}

// === impl Markers ===

impl<'a> Markers<'a> {
    /// Stands after the first marker of the file.
    pub fn new(file: &'a [u8]) -> Result<Self, Unsupported> {
        if !file.starts_with(&[0xFF, SOI]) {
            return Err(Unsupported::Damaged);
        }
        Ok(Self {
            file,
            at: 2,
            header: None,
            ids: [0; 3],
            quantisers: [0; 3],
            steps: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            interval: 0,
            jfif: false,
            adobe: None,
        })
    }

    /// The frame, once it was read.
    pub fn header(&self) -> Result<Header, Unsupported> {
        self.header.ok_or(Unsupported::Damaged)
    }

    /// Reads up to the next frame, scan or end.
    pub fn next(&mut self) -> Result<Segment, Unsupported> {
        loop {
            match self.marker()? {
                EOI => return Ok(Segment::End),
                marker @ (0xC0..=0xC2) => {
                    let body = self.body()?;
                    self.frame(body, marker == 0xC2)?;
                    return Ok(Segment::Frame);
                }
                0xC4 => {
                    let body = self.body()?;
                    self.codes(body)?;
                }
                0xDA => {
                    let body = self.body()?;
                    return self.scan(body).map(Segment::Scan);
                }
                0xDB => {
                    let body = self.body()?;
                    self.quantisation(body)?;
                }
                0xDD => {
                    let [high, low] = *self.body()? else { return Err(Unsupported::Damaged) };
                    self.interval = u16::from_be_bytes([high, low]).into();
                }
                marker @ 0xE0..=0xEF => {
                    let body = self.body()?;
                    self.application(marker, body);
                }
                0xFE => {
                    self.body()?;
                }
                _ => return Err(Unsupported::Coding),
            }
        }
    }

    fn marker(&mut self) -> Result<u8, Unsupported> {
        let rest = self.file.get(self.at..).ok_or(Unsupported::Damaged)?;
        let fill = rest.iter().take_while(|byte| **byte == 0xFF).count();
        let marker = *rest.get(fill).ok_or(Unsupported::Damaged)?;
        if fill == 0 || marker == 0 {
            return Err(Unsupported::Damaged);
        }
        self.at += fill + 1;
        Ok(marker)
    }

    fn body(&mut self) -> Result<&'a [u8], Unsupported> {
        let rest = self.file.get(self.at..).ok_or(Unsupported::Damaged)?;
        let (length, _) = rest.split_first_chunk::<2>().ok_or(Unsupported::Damaged)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let body = rest.get(2..length).ok_or(Unsupported::Damaged)?;
        self.at += length;
        Ok(body)
    }

    /// What libjpeg looks at to tell colour spaces apart.
    fn application(&mut self, marker: u8, body: &[u8]) {
        if marker == 0xE0 && body.len() >= 14 && body.starts_with(b"JFIF\0") {
            self.jfif = true;
        }
        if marker == 0xEE && body.len() >= 12 && body.starts_with(b"Adobe") {
            self.adobe = Some(body[11]);
        }
    }

    fn quantisation(&mut self, mut body: &[u8]) -> Result<(), Unsupported> {
        while let Some((kind, rest)) = body.split_first() {
            let (wide, slot) = (kind >> 4, usize::from(kind & 15));
            if wide > 1 || slot > 3 {
                return Err(Unsupported::Damaged);
            }
            let bytes = 64 << wide;
            let table = rest.get(..bytes).ok_or(Unsupported::Damaged)?;
            let mut steps = [0; 64];
            for (index, step) in steps.iter_mut().enumerate() {
                *step = match wide {
                    0 => table[index].into(),
                    _ => u16::from_be_bytes([table[2 * index], table[2 * index + 1]]),
                };
            }
            self.steps[slot] = Some(steps);
            body = &rest[bytes..];
        }
        Ok(())
    }

    fn codes(&mut self, mut body: &[u8]) -> Result<(), Unsupported> {
        while let Some((kind, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Unsupported::Damaged)?;
            let symbols = counts.iter().map(|count| usize::from(*count)).sum();
            let symbols = rest.get(..symbols).ok_or(Unsupported::Damaged)?;
            let code = Code::new(*counts, symbols)?;
            let slot = usize::from(kind & 15);
            match kind >> 4 {
                0 if slot < 4 => self.dc[slot] = Some(code),
                1 if slot < 4 => self.ac[slot] = Some(code),
                _ => return Err(Unsupported::Damaged),
            }
            body = &rest[symbols.len()..];
        }
        Ok(())
    }

    fn frame(&mut self, body: &[u8], progressive: bool) -> Result<(), Unsupported> {
        let [precision, h1, h0, w1, w0, count, rest @ ..] = body else { return Err(Unsupported::Damaged) };
        let (width, height) = (u16::from_be_bytes([*w1, *w0]).into(), u16::from_be_bytes([*h1, *h0]).into());
        let components = usize::from(*count);
        if self.header.is_some() || rest.len() != components * 3 {
            return Err(Unsupported::Damaged);
        }
        if *precision != 8 || !matches!(components, 1 | 3) || width == 0 || height == 0 {
            return Err(Unsupported::Coding);
        }
        if width > SIDE_MAX || height > SIDE_MAX {
            return Err(Unsupported::Coding);
        }
        let (mut across, mut down) = ([1; 3], [1; 3]);
        for (index, component) in rest.chunks_exact(3).enumerate() {
            self.ids[index] = component[0];
            (across[index], down[index]) = (usize::from(component[1] >> 4), usize::from(component[1] & 15));
            self.quantisers[index] = component[2].into();
        }
        let ordinary = |factor: usize| (1..=if components == 1 { 4 } else { 2 }).contains(&factor);
        let plain = |factors: &[usize; 3]| ordinary(factors[0]) && factors[1..] == [1, 1];
        let [a, b, c] = self.ids;
        let twins = components == 3 && (a == b || b == c || a == c);
        if !plain(&across) || !plain(&down) || twins || self.quantisers.iter().any(|slot| *slot > 3) {
            return Err(Unsupported::Layout);
        }
        if components == 1 {
            // A single component is its own MCU, however often it says it is sampled.
            (across, down) = ([1; 3], [1; 3]);
        }
        let space = if components == 1 { Space::Grey } else { Space::YCbCr };
        self.header = Some(Header { width, height, components, space, across, down, progressive });
        Ok(())
    }

    /// What the components mean, by the rules of libjpeg, once all before the first scan was read.
    pub fn space(&self) -> Result<Space, Unsupported> {
        if self.header()?.components == 1 {
            return Ok(Space::Grey);
        }
        match (self.jfif, self.adobe, self.ids) {
            (true, ..) | (_, Some(1), _) => Ok(Space::YCbCr),
            (_, Some(0), _) | (_, None, [b'R', b'G', b'B']) => Ok(Space::Rgb),
            (_, None, _) => Ok(Space::YCbCr),
            (_, Some(_), _) => Err(Unsupported::Layout),
        }
    }

    fn scan(&self, body: &[u8]) -> Result<ScanHeader, Unsupported> {
        let header = self.header()?;
        let (count, rest) = body.split_first().ok_or(Unsupported::Damaged)?;
        let count = usize::from(*count);
        if !(1..=header.components).contains(&count) || rest.len() != 2 * count + 3 {
            return Err(Unsupported::Damaged);
        }
        let mut components: Vec<(usize, usize, usize)> = Vec::with_capacity(count);
        for named in rest[..2 * count].chunks_exact(2) {
            let found = self.ids[..header.components].iter().position(|id| *id == named[0]);
            let index = found.ok_or(Unsupported::Damaged)?;
            let (dc, ac) = (usize::from(named[1] >> 4), usize::from(named[1] & 15));
            if dc > 3 || ac > 3 || components.last().is_some_and(|last| last.0 >= index) {
                return Err(Unsupported::Damaged);
            }
            components.push((index, dc, ac));
        }
        let [first, last, bits] = rest[2 * count..] else { return Err(Unsupported::Damaged) };
        Ok(ScanHeader { components, band: (first.into(), last.into()), high: bits >> 4, low: bits & 15 })
    }
}
