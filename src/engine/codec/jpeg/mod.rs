//! A fast decoder of clean, ordinary JPEG files (ITU-T T.81: Huffman codes, 8 bits, grey or three components) to planes
//! of samples.
//!
//! Samples are equal to those of libjpeg-turbo with its accurate integer transform. Whatever is unusual or damaged is
//! an error, if need be after some rows, and then the file is to be decoded by libjpeg from its beginning: so how
//! damaged files look stays libjpeg's business. All scans of a progressive file are decoded side by side, a row of
//! MCUs at a time, so that no more than one row's coefficients is kept, and callers can stop between any two rows.

#![expect(clippy::inline_always, reason = "everything belongs to one loop, made once for each set of instructions")]

mod band;
mod huffman;
mod idct;
mod level;
mod markers;
mod progressive;
mod scan;
mod stuffing;

pub use markers::{Header, Space};

use band::Band;
use huffman::Bits;
use idct::{Block, PLACES};
#[cfg(target_arch = "x86_64")]
use level::Wide;
use level::{Level, Plain};
use markers::{Markers, ScanHeader, Segment};
use scan::{Kind, Scan, Store};
use stuffing::Data;

#[cfg(test)]
mod tests;

/// Scans a file may have. Encoders make up to a dozen.
const SCANS_MAX: usize = 64;
/// Coefficients whose missing bits make libjpeg smooth a picture, by place in the zigzag.
const SMOOTHED: usize = 10;

/// Why a file is not decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    #[error("a coding process that is not ordinary")]
    Coding,
    #[error("components or their sampling are not ordinary")]
    Layout,
    #[error("the file is not clean")]
    Damaged,
}

/// Rows of samples of one component.
#[derive(Debug, Clone, Default)]
pub struct Plane {
    pub samples: Vec<u8>,
    /// Samples from one row to the next, whole MCUs.
    pub stride: usize,
}

/// A file being decoded.
pub struct Decoder<'a> {
    file: &'a [u8],
    markers: Markers<'a>,
    header: Header,
    /// The first scan, until decoding begins.
    first: Option<ScanHeader>,
    data: Data,
    scans: Vec<Scan>,
    stores: Vec<Store>,
    steps: [Option<Box<Block>>; 3],
    /// The next row of MCUs.
    row: usize,
    /// Why there are no more rows.
    broken: Option<Unsupported>,
    #[cfg(target_arch = "x86_64")]
    wide: Option<Wide>,
}

// === impl Decoder ===

impl<'a> Decoder<'a> {
    /// Reads what stands before the first scan's data.
    pub fn open(file: &'a [u8]) -> Result<Self, Unsupported> {
        let mut markers = Markers::new(file)?;
        let first = loop {
            match markers.next()? {
                Segment::Frame => {}
                Segment::Scan(scan) => break scan,
                Segment::End => return Err(Unsupported::Damaged),
            }
        };
        let header = Header { space: markers.space()?, ..markers.header()? };
        Ok(Self {
            file,
            markers,
            header,
            first: Some(first),
            data: Data::with_room(0),
            scans: Vec::new(),
            stores: Vec::new(),
            steps: [const { None }; 3],
            row: 0,
            broken: None,
            #[cfg(target_arch = "x86_64")]
            wide: Wide::new(),
        })
    }

    /// What the file says of itself.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Whether this takes less time than libjpeg on this processor: always for progressive files, and with wide
    /// instructions for all.
    pub const fn pays(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        let wide = self.wide.is_some();
        #[cfg(not(target_arch = "x86_64"))]
        let wide = false;
        wide || self.header.progressive
    }

    /// Decodes the next row of MCUs. Each plane holds all rows of its component then, whole blocks of them, and what
    /// was in it before is gone; planes that the file has not are left alone. Says how many rows of the first plane
    /// that is, with those that lie beyond the picture, or 0 at the end. After an error there are only errors.
    pub fn rows(&mut self, planes: &mut [Plane; 3]) -> Result<usize, Unsupported> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let result = self.next_rows(planes);
        self.broken = result.err();
        result
    }

    fn next_rows(&mut self, planes: &mut [Plane; 3]) -> Result<usize, Unsupported> {
        if let Some(first) = self.first.take() {
            self.gather(first)?;
        }
        let (across, down) = self.header.mcus();
        if self.row == down {
            return Ok(0);
        }
        for (component, plane) in planes.iter_mut().enumerate().take(self.header.components) {
            plane.stride = across * self.header.across[component] * 8;
            plane.samples.resize(plane.stride * self.header.down[component] * 8, 0);
        }
        self.decode(planes)?;
        self.row += 1;
        if self.row == down {
            self.scans.iter().try_for_each(Scan::end)?;
        }
        Ok(self.header.mcu().1)
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "wider instructions are chosen at run time")]
    fn decode(&mut self, planes: &mut [Plane; 3]) -> Result<(), Unsupported> {
        if let Some(wide) = self.wide {
            // SAFETY: there is no `Wide` where the processor has not got these instructions.
            return unsafe { self.decode_wide(wide, planes) };
        }
        self.decode_with(Plain, planes)
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn decode(&mut self, planes: &mut [Plane; 3]) -> Result<(), Unsupported> {
        self.decode_with(Plain, planes)
    }

    /// The same code for processors with all of [`Wide`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn decode_wide(&mut self, wide: Wide, planes: &mut [Plane; 3]) -> Result<(), Unsupported> {
        self.decode_with(wide, planes)
    }

    #[inline(always)]
    fn decode_with(&mut self, level: impl Level, planes: &mut [Plane; 3]) -> Result<(), Unsupported> {
        if self.stores.is_empty() {
            return self.direct(level, planes);
        }
        for scan in &mut self.scans {
            scan.row(level, self.row, &self.header, &self.data, &mut self.stores)?;
        }
        self.show(level, planes)
    }

    /// Turns the coefficients of a row of MCUs into samples, and leaves zeros.
    #[inline(always)]
    fn show(&mut self, level: impl Level, planes: &mut [Plane; 3]) -> Result<(), Unsupported> {
        for ((store, plane), steps) in self.stores.iter_mut().zip(planes).zip(&self.steps) {
            let steps = steps.as_ref().ok_or(Unsupported::Damaged)?;
            let lines = plane.samples.chunks_exact_mut(plane.stride * 8);
            let blocks = store.blocks.chunks_exact_mut(store.across).zip(store.masks.chunks_exact_mut(store.across));
            for (line, (blocks, masks)) in lines.zip(blocks) {
                for (x, (block, mask)) in blocks.iter_mut().zip(masks).enumerate() {
                    let samples = &mut line[x * 8..];
                    if *mask == 0 {
                        level.fill(idct::flat(block.0[0], steps.0[0]), samples, plane.stride);
                        block.0[0] = 0;
                    } else {
                        level.transform(block, steps, samples, plane.stride);
                        block.0 = [0; 64];
                        *mask = 0;
                    }
                }
            }
        }
        Ok(())
    }

    /// A row of MCUs of the only scan: each block becomes samples at once.
    #[inline(always)]
    fn direct(&mut self, level: impl Level, planes: &mut [Plane; 3]) -> Result<(), Unsupported> {
        let header = &self.header;
        let [scan] = &mut self.scans[..] else { return Err(Unsupported::Damaged) };
        let mut block = Block([0; 64]);
        for mcu in 0..header.mcus().0 {
            if scan.left == 0 {
                scan.restart()?;
            }
            scan.left -= 1;
            let mut bits = Bits::new(self.data.bytes(), scan.cursor);
            for part in &mut scan.parts {
                let component = part.component;
                let (wide, high) = (header.across[component], header.down[component]);
                let steps = self.steps[component].as_ref().ok_or(Unsupported::Damaged)?;
                let Plane { samples, stride } = &mut planes[component];
                for place in (0..high).map(|y| y * 8 * *stride + mcu * wide * 8) {
                    for x in 0..wide {
                        let samples = samples.get_mut(place + x * 8..).ok_or(Unsupported::Damaged)?;
                        let mask = part.block(&mut bits, &mut block)?;
                        if mask == 0 {
                            level.fill(idct::flat(block.0[0], steps.0[0]), samples, *stride);
                        } else {
                            level.transform(&block, steps, samples, *stride);
                            block.0 = [0; 64];
                        }
                    }
                }
            }
            scan.cursor = bits.cursor();
        }
        scan.check()
    }

    /// Reads the rest of the file's structure.
    fn gather(&mut self, first: ScanHeader) -> Result<(), Unsupported> {
        self.data = Data::with_room(self.file.len().saturating_sub(self.markers.at));
        // By component and coefficient: the bits still missing, and none at all at first.
        let mut missing = [[None; 64]; 3];
        let mut next = first;
        loop {
            let kind = self.kind(&next, &mut missing)?;
            self.latch(&next)?;
            let before = self.data.pieces.len();
            let pieces = self.header.restarts_max(self.markers.interval) + 1;
            self.markers.at = self.data.add(self.file, self.markers.at, pieces)?;
            self.scans.push(Scan::new(&next, &self.markers, kind, &self.data.pieces[before..])?);
            match self.markers.next()? {
                Segment::Scan(_) if self.scans.len() == SCANS_MAX => return Err(Unsupported::Coding),
                Segment::Scan(scan) => next = scan,
                Segment::Frame => return Err(Unsupported::Damaged),
                Segment::End => break,
            }
        }
        // What lacks bits is smoothed by libjpeg.
        let components = &missing[..self.header.components];
        if components.iter().any(|missing| missing[..SMOOTHED].iter().any(|bits| *bits != Some(0))) {
            return Err(Unsupported::Damaged);
        }
        if self.header.progressive || self.scans.len() > 1 {
            let across = self.header.mcus().0;
            self.stores = (0..self.header.components)
                .map(|component| {
                    let across = across * self.header.across[component];
                    let blocks = across * self.header.down[component];
                    Store { blocks: vec![Block([0; 64]); blocks], masks: vec![0; blocks], across }
                })
                .collect();
        }
        Ok(())
    }

    /// What a scan tells, and whether it is its turn.
    fn kind(&self, scan: &ScanHeader, missing: &mut [[Option<u8>; 64]; 3]) -> Result<Kind, Unsupported> {
        let (first, last) = scan.band;
        let is_odd_step = scan.high > 0 && scan.low + 1 != scan.high;
        if last > 63 || first > last || scan.low > 13 || is_odd_step {
            return Err(Unsupported::Damaged);
        }
        for (component, ..) in &scan.components {
            let missing = &mut missing[*component];
            if first > 0 && missing[0].is_none() {
                return Err(Unsupported::Damaged);
            }
            for bits in &mut missing[first..=last] {
                let expected = if scan.high == 0 { None } else { Some(scan.high) };
                if *bits != expected {
                    return Err(Unsupported::Damaged);
                }
                *bits = Some(scan.low);
            }
        }
        let low = scan.low.into();
        // T.81, table B.3 and G.1.1.1.
        match (self.header.progressive, first, scan.high) {
            (false, 0, 0) if last == 63 && low == 0 => Ok(Kind::Sequential),
            (true, 0, 0) if last == 0 => Ok(Kind::DcFirst { low }),
            (true, 0, _) if last == 0 => Ok(Kind::DcMore { low }),
            (true, 1.., 0) if scan.components.len() == 1 => Ok(Kind::AcFirst(Band { first, last, low })),
            (true, 1.., _) if scan.components.len() == 1 => Ok(Kind::AcMore(Band { first, last, low })),
            _ => Err(Unsupported::Damaged),
        }
    }

    /// Components keep the steps that were defined before their first scan.
    fn latch(&mut self, scan: &ScanHeader) -> Result<(), Unsupported> {
        for (component, ..) in &scan.components {
            if self.steps[*component].is_none() {
                let steps = self.markers.steps[self.markers.quantisers[*component]].ok_or(Unsupported::Damaged)?;
                let mut block = Box::new(Block([0; 64]));
                for (place, step) in PLACES.iter().zip(steps) {
                    block.0[usize::from(*place)] = step.cast_signed();
                }
                self.steps[*component] = Some(block);
            }
        }
        Ok(())
    }
}
