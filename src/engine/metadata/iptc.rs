//! By-line, credit and copyright of IPTC-IIM: read from whatever holds the datasets, written as new ones.

use super::words;

/// One value of the application record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    number: u8,
    value: String,
}

/// What stands before Photoshop's resources in a JPEG.
const SEGMENT: &[u8] = b"Photoshop 3.0\0";

/// What stands before each resource, and the number of the one that holds IPTC datasets.
const RESOURCE: &[u8] = b"8BIM";
const IPTC: u16 = 0x0404;

/// What stands before each dataset.
const TAG: u8 = 0x1c;

/// The record of descriptions; in it by-line, credit and copyright notice.
const APPLICATION: u8 = 2;
const KEPT: [u8; 3] = [80, 110, 116];

/// Dataset 1:90 of text in UTF-8: the escape sequence that selects it. Source: IPTC-IIM 4.2, section 5.
const UTF8: &[u8] = b"\x1c\x01\x5a\0\x03\x1b%G";

/// Values that are kept; a by-line repeats for every author.
const DATASETS_MAX: usize = 16;

/// Bytes of all of them: with their wrapping they have to fit into one segment of a JPEG.
const DATASETS_BYTES_MAX: usize = 48 * 1024;

/// The credits in a block: Photoshop's resources, with or without what precedes them in a JPEG, or bare datasets.
pub fn read(block: &[u8]) -> Vec<Dataset> {
    let block = block.strip_prefix(SEGMENT).unwrap_or(block);
    let mut rest = if block.starts_with(RESOURCE) { resource_of(block).unwrap_or_default() } else { block };
    let mut kept = Vec::new();
    while let [TAG, record, number, high, low, after @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        // A set first bit says that the length has another form, for objects larger than any name.
        let Some((value, after)) = after.split_at_checked(len).filter(|_| len < 0x8000) else { break };
        rest = after;
        let value = if *record == APPLICATION && KEPT.contains(number) { words(value) } else { String::new() };
        if !value.is_empty() && kept.len() < DATASETS_MAX {
            kept.push(Dataset { number: *number, value });
        }
    }
    kept
}

/// The datasets among Photoshop's resources. Source: Adobe Photoshop file formats, image resource blocks.
fn resource_of(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let after = rest.strip_prefix(RESOURCE)?;
        let id = u16::from_be_bytes(after.get(..2)?.try_into().ok()?);
        let name = (usize::from(*after.get(2)?) + 1).next_multiple_of(2);
        let after = after.get(2 + name..)?;
        let len = usize::try_from(u32::from_be_bytes(after.get(..4)?.try_into().ok()?)).ok()?;
        let data = after.get(4..4_usize.checked_add(len)?)?;
        if id == IPTC {
            return Some(data);
        }
        rest = after.get(4 + len.next_multiple_of(2)..)?;
    }
}

/// The segment of a JPEG that holds these datasets; nothing for none.
pub fn segment(datasets: &[Dataset]) -> Option<Vec<u8>> {
    Some([SEGMENT, &resource(datasets)?].concat())
}

/// The resource that holds these datasets; nothing for none.
pub fn resource(datasets: &[Dataset]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    if datasets.iter().any(|dataset| !dataset.value.is_ascii()) {
        data.extend(UTF8);
    }
    for Dataset { number, value } in datasets {
        let len = u16::try_from(value.len()).ok()?;
        if data.len() + value.len() > DATASETS_BYTES_MAX {
            break;
        }
        data.extend([TAG, APPLICATION, *number]);
        data.extend(len.to_be_bytes());
        data.extend(value.as_bytes());
    }
    let len = u32::try_from(data.len()).ok()?;
    data.resize(data.len().next_multiple_of(2), 0);
    let named = [RESOURCE, &IPTC.to_be_bytes(), &[0, 0], &len.to_be_bytes(), &data].concat();
    (!datasets.is_empty()).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dataset(number: u8, value: &str) -> Dataset {
        Dataset { number, value: value.to_owned() }
    }

    #[test]
    fn credits_are_found_in_every_wrapping() {
        let bare = b"\x1c\x01\x5a\0\x03\x1b%G\x1c\x02\x50\0\x02Jo\x1c\x02\x5a\0\x04City\
            \x1c\x02\x74\0\x04\xa9 Jo\x1c\x02\x6e\0\0";
        let wanted = [dataset(80, "Jo"), dataset(116, "\u{a9} Jo")];
        assert_eq!(read(bare), wanted);
        let resources = [
            b"8BIM\x04\x25\x02ab\0\0\0\0\x01x\08BIM\x04\x04\0\0".as_slice(),
            &u32::try_from(bare.len()).unwrap().to_be_bytes(),
            bare,
        ]
        .concat();
        assert_eq!(read(&resources), wanted);
        assert_eq!(read(&[SEGMENT, &resources].concat()), wanted);
        assert_eq!(read(b"\x1c\x02\x50\x80\x04\0\0\0\x02Jo"), [], "a length of the other form");
        assert_eq!(read(b"\x1c\x02\x50\0\x09Jo"), []);
    }

    #[test]
    fn what_is_written_reads_back_and_names_its_encoding() {
        let plain = [dataset(80, "Jo"), dataset(80, "Al"), dataset(110, "x")];
        assert_eq!(read(&segment(&plain).unwrap()), plain);
        let accents = [dataset(116, "\u{a9} \u{5c71}")];
        let written = segment(&accents).unwrap();
        assert_eq!(read(&written), accents);
        assert!(written.windows(UTF8.len()).any(|window| window == UTF8));
        assert_eq!(segment(&[]), None);
    }

    #[test]
    fn datasets_fit_into_a_segment() {
        let many = vec![dataset(80, &"\u{5c71}".repeat(2000)); DATASETS_MAX];
        let written = segment(&many).unwrap();
        assert!(written.len() < 60 * 1024);
        assert_eq!(read(&written).len(), DATASETS_BYTES_MAX / 6000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            read(&bytes);
            read(&[SEGMENT, RESOURCE, &bytes].concat());
            read(&[b"\x1c\x02\x50".as_slice(), &bytes].concat());
        }
    }
}
