//! Whether a colour profile means sRGB, by whatever name. Contract: pure; what cannot be read does not.

/// The colourants of sRGB as profiles have them, adapted to D50 (IEC 61966-2-1, ICC.1 annex E), in X, Y and Z.
const SRGB: [(&[u8; 4], [f64; 3]); 3] =
    [(b"rXYZ", [0.4360, 0.2225, 0.0139]), (b"gXYZ", [0.3851, 0.7169, 0.0971]), (b"bXYZ", [0.1431, 0.0606, 0.7141])];
/// Profiles of sRGB differ by less from each other; Display P3 is ten times as far from it.
const APART_MAX: f64 = 0.008;
/// Of a profile's header (ICC.1, 7.2); the table of tags stands behind it.
const HEADER_BYTES: usize = 128;
const TAG_BYTES: usize = 12;

/// Whether the three colourants of this profile are those of sRGB. Profiles with these colourants have its curve too.
pub fn is_srgb(profile: &[u8]) -> bool {
    SRGB.iter().all(|(tag, wanted)| {
        let colourant = colourant(profile, **tag);
        colourant.is_some_and(|got| got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < APART_MAX))
    })
}

/// The three numbers of an XYZ tag (ICC.1, 10.31), which have 16 bits behind the point.
fn colourant(profile: &[u8], wanted: [u8; 4]) -> Option<[f64; 3]> {
    let number = |at: usize| Some(u32::from_be_bytes(profile.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let tags = profile.get(HEADER_BYTES + 4..)?.chunks_exact(TAG_BYTES).take(number(HEADER_BYTES)? as usize);
    let tag = tags.into_iter().find(|tag| tag.starts_with(&wanted))?;
    let begins = u32::from_be_bytes(tag[4..8].try_into().ok()?) as usize;
    let fixed = |index: usize| Some(f64::from(number(begins.checked_add(8 + 4 * index)?)? as i32) / 65536.0);
    Some([fixed(0)?, fixed(1)?, fixed(2)?])
}
