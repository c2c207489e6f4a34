//! A scan as it is decoded: one row of MCUs at a time, so that all scans of a progressive file advance together and
//! only one row's coefficients are ever kept.

use std::sync::Arc;

use super::band::{Band, coefficients};
use super::huffman::{Bits, Code, Cursor, Table};
use super::idct::Block;
use super::level::Level;
use super::markers::{Header, Markers, ScanHeader};
use super::stuffing::{Data, Piece};
use super::{Unsupported, progressive};

/// One scan and where it stands.
pub struct Scan {
    pub kind: Kind,
    pub parts: Vec<Part>,
    /// MCUs between restart markers; there are never more than fit.
    interval: u32,
    /// MCUs until the next one.
    pub left: u32,
    /// What comes behind restart markers, the last first.
    pieces: Vec<Piece>,
    end: usize,
    pub cursor: Cursor,
    /// Blocks from here that have nothing more in this scan.
    pub empty_run: u32,
}

/// What a scan tells of its components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everything.
    Sequential,
    /// DC, but for the lowest bits.
    DcFirst { low: u32 },
    /// A bit of DC.
    DcMore { low: u32 },
    /// A band of AC; the lowest bits that are left out are known to the table.
    AcFirst(Band),
    /// A bit of a band of AC.
    AcMore(Band),
}

/// A component's part in a scan.
pub struct Part {
    pub component: usize,
    pub dc: Arc<Table>,
    pub ac: Arc<Table>,
    /// DC of the last block.
    pub mean: i32,
}

/// Coefficients of one component in one row of MCUs.
pub struct Store {
    pub blocks: Vec<Block>,
    /// Which AC coefficients of a block are not zero, by place in the zigzag, the first at the top.
    pub masks: Vec<u64>,
    /// Blocks in a row of blocks.
    pub across: usize,
}

// === impl Scan ===

impl Scan {
    /// Prepares a scan whose data is `pieces` of all data.
    pub fn new(header: &ScanHeader, markers: &Markers, kind: Kind, pieces: &[Piece]) -> Result<Self, Unsupported> {
        // Components that share a code share its table.
        let mut dc: [Option<Arc<Table>>; 4] = [const { None }; 4];
        let mut ac: [Option<Arc<Table>>; 4] = [const { None }; 4];
        let mut parts = Vec::with_capacity(header.components.len());
        for (component, dc_slot, ac_slot) in &header.components {
            if dc[*dc_slot].is_none() {
                dc[*dc_slot] = Some(Arc::new(kind.dc_table(markers.dc[*dc_slot].as_ref())?));
            }
            if ac[*ac_slot].is_none() {
                ac[*ac_slot] = Some(Arc::new(kind.ac_table(markers.ac[*ac_slot].as_ref())?));
            }
            let (Some(dc), Some(ac)) = (dc[*dc_slot].clone(), ac[*ac_slot].clone()) else {
                return Err(Unsupported::Damaged);
            };
            parts.push(Part { component: *component, dc, ac, mean: 0 });
        }
        let (first, rest) = pieces.split_first().ok_or(Unsupported::Damaged)?;
        let pieces = rest.iter().rev().copied().collect();
        let interval = if markers.interval == 0 { u32::MAX } else { markers.interval };
        let cursor = Cursor::new(first.start);
        Ok(Self { kind, parts, interval, left: interval, pieces, end: first.end, cursor, empty_run: 0 })
    }

    /// Goes on behind a restart marker.
    #[cold]
    pub fn restart(&mut self) -> Result<(), Unsupported> {
        self.finish()?;
        let next = self.pieces.pop().ok_or(Unsupported::Damaged)?;
        if self.empty_run > 0 {
            return Err(Unsupported::Damaged);
        }
        (self.cursor, self.end, self.left) = (Cursor::new(next.start), next.end, self.interval);
        for part in &mut self.parts {
            part.mean = 0;
        }
        Ok(())
    }

    /// Whether no more was read than was there.
    pub fn check(&self) -> Result<(), Unsupported> {
        if self.cursor.position() <= self.end * 8 { Ok(()) } else { Err(Unsupported::Damaged) }
    }

    /// Whether everything up to the marker was read.
    pub fn finish(&self) -> Result<(), Unsupported> {
        let read = self.cursor.position();
        if (read..read + 8).contains(&(self.end * 8)) { Ok(()) } else { Err(Unsupported::Damaged) }
    }

    /// Whether nothing is left at all.
    pub fn end(&self) -> Result<(), Unsupported> {
        self.finish()?;
        if self.pieces.is_empty() { Ok(()) } else { Err(Unsupported::Damaged) }
    }

    /// Decodes a row of MCUs into the stores.
    #[inline(always)]
    pub fn row(
        &mut self,
        level: impl Level,
        row: usize,
        header: &Header,
        data: &Data,
        stores: &mut [Store],
    ) -> Result<(), Unsupported> {
        if let [part] = &self.parts[..] {
            // A component on its own comes block by block, and only those that show anything.
            let component = part.component;
            let (across, down) = header.blocks(component);
            let store = &mut stores[component];
            for line in 0..header.down[component] {
                if row * header.down[component] + line >= down {
                    break;
                }
                let range = line * store.across..line * store.across + across;
                let (blocks, masks) = (&mut store.blocks[range.clone()], &mut store.masks[range]);
                match self.kind {
                    Kind::AcFirst(band) => progressive::first(self, band, data, blocks, masks)?,
                    Kind::AcMore(band) => progressive::more(level, self, band, data, blocks, masks)?,
                    Kind::Sequential => self.alone(data, blocks, masks)?,
                    Kind::DcFirst { .. } | Kind::DcMore { .. } => self.means(data, blocks)?,
                }
            }
        } else {
            self.mixed(header, data, stores)?;
        }
        self.check()
    }

    /// A row of MCUs of several components.
    #[inline(always)]
    fn mixed(&mut self, header: &Header, data: &Data, stores: &mut [Store]) -> Result<(), Unsupported> {
        for mcu in 0..header.mcus().0 {
            if self.left == 0 {
                self.restart()?;
            }
            self.left -= 1;
            let mut bits = Bits::new(data.bytes(), self.cursor);
            for part in &mut self.parts {
                let store = &mut stores[part.component];
                let (wide, high) = (header.across[part.component], header.down[part.component]);
                for place in (0..high).map(|y| y * store.across + mcu * wide) {
                    for place in place..place + wide {
                        let (block, mask) = (&mut store.blocks[place], &mut store.masks[place]);
                        match self.kind {
                            Kind::Sequential => *mask = part.block(&mut bits, block)?,
                            kind => part.mean(kind, &mut bits, block)?,
                        }
                    }
                }
            }
            self.cursor = bits.cursor();
        }
        Ok(())
    }

    /// A row of blocks of a sequential file.
    #[inline(always)]
    fn alone(&mut self, data: &Data, blocks: &mut [Block], masks: &mut [u64]) -> Result<(), Unsupported> {
        for (block, mask) in blocks.iter_mut().zip(masks) {
            if self.left == 0 {
                self.restart()?;
            }
            self.left -= 1;
            let mut bits = Bits::new(data.bytes(), self.cursor);
            *mask |= self.parts[0].block(&mut bits, block)?;
            self.cursor = bits.cursor();
        }
        Ok(())
    }

    /// A row of blocks' DC.
    #[inline(always)]
    fn means(&mut self, data: &Data, blocks: &mut [Block]) -> Result<(), Unsupported> {
        for block in blocks {
            if self.left == 0 {
                self.restart()?;
            }
            self.left -= 1;
            let mut bits = Bits::new(data.bytes(), self.cursor);
            self.parts[0].mean(self.kind, &mut bits, block)?;
            self.cursor = bits.cursor();
        }
        Ok(())
    }
}

// === impl Kind ===

impl Kind {
    fn dc_table(self, code: Option<&Code>) -> Result<Table, Unsupported> {
        match self {
            Self::Sequential | Self::DcFirst { .. } => Table::dc(code.ok_or(Unsupported::Damaged)?),
            _ => Ok(Table::empty()),
        }
    }

    fn ac_table(self, code: Option<&Code>) -> Result<Table, Unsupported> {
        let code = code.ok_or(Unsupported::Damaged);
        Ok(match self {
            Self::Sequential => Table::pairs(code?, 0),
            Self::AcFirst(band) => Table::pairs(code?, band.low),
            Self::AcMore(band) => Table::ac(code?, band.low),
            Self::DcFirst { .. } | Self::DcMore { .. } => Table::empty(),
        })
    }
}

// === impl Part ===

impl Part {
    /// A whole block, which is zeros before. Says which AC coefficients are not zero, as [`Store::masks`] do.
    #[inline(always)]
    pub fn block(&mut self, bits: &mut Bits, block: &mut Block) -> Result<u64, Unsupported> {
        bits.refill();
        self.difference(bits)?;
        block.0[0] = self.mean as i16;
        let band = Band { first: 1, last: 63, low: 0 };
        let mut mask = 0;
        match coefficients(bits, &self.ac, band, block, &mut mask)? {
            0 => Ok(mask),
            _ => Err(Unsupported::Damaged),
        }
    }

    /// The next difference of DC.
    #[inline(always)]
    fn difference(&mut self, bits: &mut Bits) -> Result<(), Unsupported> {
        let entry = bits.entry(&self.dc);
        let difference = if entry.is_special() {
            let size = bits.symbol(entry, &self.dc)?;
            bits.number(size)
        } else {
            entry.number().into()
        };
        self.mean += difference;
        if self.mean == i32::from(self.mean as i16) { Ok(()) } else { Err(Unsupported::Damaged) }
    }

    /// What a progressive scan says of a block's DC.
    #[inline(always)]
    fn mean(&mut self, kind: Kind, bits: &mut Bits, block: &mut Block) -> Result<(), Unsupported> {
        bits.refill();
        match kind {
            Kind::DcFirst { low } => {
                self.difference(bits)?;
                block.0[0] = (self.mean << low) as i16;
            }
            Kind::DcMore { low } => block.0[0] |= (bits.take(1) << low) as i16,
            _ => {}
        }
        Ok(())
    }
}
