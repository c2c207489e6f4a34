//! The table as a whole, scalar values, and how each option merges with what was set before.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::transform::{Anchor, CropAsked, ExtendAsked, Format, GravityAsked, PaddingAsked, ResizeType, Rgb, Rotation};

use super::*;

const NOW_UNIX_S: u64 = 1_700_000_000;

/// Applies segments as a URL would; presets are not known here.
fn apply(segments: &str) -> Result<Scope, (String, ArgError)> {
    let mut scope = Scope::new(NOW_UNIX_S);
    for segment in segments.split('/') {
        let mut words = segment.split(':');
        let row = find(words.next().unwrap_or_default()).unwrap_or_else(|| panic!("no option in {segment}"));
        let args: Vec<&str> = words.collect();
        assert!(args.len() <= row.args_max, "{segment}");
        (row.apply)(&mut scope, &args).map_err(|error| (segment.to_owned(), error))?;
    }
    Ok(scope)
}

fn asked(segments: &str) -> Asked {
    apply(segments).unwrap_or_else(|(segment, error)| panic!("{segment} in {segments}: {error}")).asked
}

fn place(anchor: Anchor, x: Option<f64>, y: Option<f64>) -> GravityAsked {
    GravityAsked { anchor: Some(anchor), x, y }
}

#[test]
fn names_are_unique_and_rows_are_complete() {
    let mut names = BTreeSet::new();
    for row in table() {
        for name in std::iter::once(&row.name).chain(row.aliases) {
            assert!(names.insert(*name), "{name} stands for two options");
            assert_eq!(find(name).map(|found| found.name), Some(row.name));
        }
        assert!(row.form.starts_with(&format!("{}:%", row.name)), "{}", row.name);
        assert!(row.summary.ends_with('.') && row.detail.ends_with('.'), "{}", row.name);
        assert!(!row.examples.is_empty() && row.args_max > 0, "{}", row.name);
    }
    assert_eq!(table().len(), 36);
    assert!(table().is_sorted_by_key(|row| row.group), "groups stand together and in order");
    for later in ["trim", "t", "watermark", "wm", "preserve_hdr", "ph", "eth", "msr", "mafr", "msfs", "maf", "mrd"] {
        assert!(find(later).is_none(), "{later}");
    }
}

#[test]
fn aliases_do_what_their_names_do() {
    for row in table() {
        for example in row.examples {
            let (name, args) = example.split_once(':').expect("an example has arguments");
            assert_eq!(find(name).map(|found| found.name), Some(row.name), "{example}");
            let by_name = apply(&format!("{}:{args}", row.name)).expect("an example is accepted");
            for alias in row.aliases {
                assert_eq!(apply(&format!("{alias}:{args}")).as_ref(), Ok(&by_name), "{alias}:{args}");
            }
        }
    }
}

#[test]
fn sizes_merge_word_by_word() {
    let cases = [
        ("rs:fill:300:200/w:100", (Some(ResizeType::Fill), Some(100), Some(200))),
        ("rs:fill:300:200/rs:fit:50", (Some(ResizeType::Fit), Some(50), Some(200))),
        ("rs::300/rs:::200", (None, Some(300), Some(200))),
        ("rs:", (None, None, None)),
        ("s:0:7", (None, Some(0), Some(7))),
        ("h:99999999999", (None, None, Some(i32::MAX as u32))),
        ("w:+5/rt:fill-down", (Some(ResizeType::FillDown), Some(5), None)),
    ];
    for (segments, wanted) in cases {
        let asked = asked(segments);
        assert_eq!((asked.resize, asked.width, asked.height), wanted, "{segments}");
    }
    let full = asked("rs:force:1:2:1:t:so:3:-4");
    assert_eq!(full.enlarge, Some(true));
    assert_eq!(full.extend, ExtendAsked { on: Some(true), gravity: place(Anchor::South, Some(3.0), Some(-4.0)) });
    assert_eq!(asked("rs:force:1:2:1::nonsense"), asked("rs:force:1:2:1"), "an empty extend ends the list");
    assert_eq!((asked("z:2").zoom, asked("z:2:3").zoom), (Some((2.0, 2.0)), Some((2.0, 3.0))));
    assert_eq!((asked("mw:1/mh:2").min_width, asked("mw:1/mh:2").min_height), (Some(1), Some(2)));
}

#[test]
fn offsets_survive_a_gravity_without_offsets() {
    let cases = [
        ("g:no:10:20/g:so", place(Anchor::South, Some(10.0), Some(20.0))),
        ("g:no:10:20/g:so:5", place(Anchor::South, Some(5.0), Some(20.0))),
        ("g:no:10:20/g:so::5", place(Anchor::South, Some(10.0), Some(5.0))),
        ("g:no:10:20/g:sm", place(Anchor::Smart, None, None)),
        ("g:no:10:20/g:sm/g:ea", place(Anchor::East, None, None)),
        ("g:no:0.5:0.25/g:fp::1", place(Anchor::Focus, Some(0.5), Some(1.0))),
        ("g:nowe:-0.5:-0", place(Anchor::NorthWest, Some(-0.5), Some(0.0))),
    ];
    for (segments, wanted) in cases {
        assert_eq!(asked(segments).gravity, wanted, "{segments}");
    }
    assert!(asked("g:ce:-0").gravity.x.is_some_and(f64::is_sign_positive), "zero has one sign");
}

#[test]
fn crops_extensions_and_paddings_merge_side_by_side() {
    let crop = CropAsked { width: Some(50.0), height: Some(200.0), gravity: place(Anchor::North, None, None) };
    assert_eq!(asked("c:100:200:no/c:50").crop, crop);
    assert_eq!(asked("c:0.5").crop, CropAsked { width: Some(0.5), ..CropAsked::default() });
    assert_eq!(asked("c:1:2:sm").crop.gravity, place(Anchor::Smart, None, None));

    let extend = ExtendAsked { on: Some(true), gravity: place(Anchor::North, Some(0.0), Some(5.0)) };
    assert_eq!(asked("ex:1:no:0:5/ex:1").extend, extend);
    assert_eq!(asked("exar:1:no:0:5/extend_ar:1").extend_aspect, extend);
    assert_eq!(asked("ex:1:no:0:5/ex:0").extend, ExtendAsked { on: Some(false), ..extend });

    let sides = |top, right, bottom, left| PaddingAsked { top, right, bottom, left };
    let cases = [
        ("pd:10", sides(Some(10), Some(10), Some(10), Some(10))),
        ("pd:10:20", sides(Some(10), Some(20), Some(10), Some(20))),
        ("pd:10/pd::20", sides(Some(10), Some(20), Some(10), Some(20))),
        ("pd::20", sides(None, Some(20), None, Some(20))),
        ("pd::20/pd:::5", sides(None, Some(20), Some(5), Some(20))),
        ("pd:1:2:3:4/pd:", sides(Some(1), Some(1), Some(1), Some(1))),
        ("pd:1:2:3:4", sides(Some(1), Some(2), Some(3), Some(4))),
    ];
    for (segments, wanted) in cases {
        assert_eq!(asked(segments).padding, wanted, "{segments}");
    }
}

#[test]
fn the_rest_merges_as_documented() {
    assert_eq!(asked("bg:fff/bg:").background, Some(None));
    assert_eq!(asked("bg:f80").background, Some(Some(Rgb(255, 136, 0))));
    assert_eq!(asked("bg:FF8000").background, asked("bg:255:128:0").background);
    let flips = asked("fl:1/fl::1");
    assert_eq!((flips.flip_horizontal, flips.flip_vertical), (Some(true), Some(true)));
    assert_eq!(asked("skp:png/skp:jpg:png").skip_processing, [Format::Png, Format::Jpeg]);
    assert_eq!(asked("cb:1/cb:"), Asked::default());
    assert_eq!(asked("f:png/ext:webp").format, Some(Format::Webp));
    let qualities = asked("fq:jpg:80:webp:70/fq:jpeg:60/q:0");
    assert_eq!(qualities.format_quality, [(Format::Jpeg, 60), (Format::Webp, 70)].into());
    assert_eq!(qualities.quality, Some(0));
    for (degrees, turn) in
        [(0, Rotation::D0), (90, Rotation::D90), (-90, Rotation::D270), (450, Rotation::D90), (-720, Rotation::D0)]
    {
        assert_eq!(asked(&format!("rot:{degrees}")).rotate, Some(turn), "{degrees}");
    }
    assert_eq!(asked("mb:5000000000").max_bytes, Some(5_000_000_000));
    assert_eq!((asked("raw:1").raw, asked("att:1").attachment), (Some(true), Some(true)));
    assert_eq!(apply("pr:a:b").map(|scope| scope.presets_wanted), Ok(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn times_and_names_are_read() {
    assert_eq!(asked("exp:0").expires, Some(0));
    assert_eq!(asked("exp:-1").expires, Some(0));
    assert_eq!(asked(&format!("exp:{NOW_UNIX_S}")).expires, Some(NOW_UNIX_S));
    let past = NOW_UNIX_S - 1;
    let error = apply(&format!("exp:{past}")).map_err(|(_, error)| error);
    assert_eq!(error, Err(ArgError::Expired { at_unix_s: past }));

    let names = [
        ("fn:a%20b%2Fc", Some("a b/c")),
        ("fn:100%", Some("100%")),
        ("fn:%ff", Some("%ff")),
        ("fn:aG9saWRheQ:1", Some("holiday")),
        ("fn:aG9saWRheQ==:true", Some("holiday")),
        ("fn:aG9saWRheQ:0", Some("aG9saWRheQ")),
        ("fn:a:", Some("a")),
        ("fn:a/fn:", None),
    ];
    for (segments, wanted) in names {
        assert_eq!(asked(segments).filename.as_deref(), wanted, "{segments}");
    }
}

#[test]
fn booleans_that_are_neither_are_false_and_counted() {
    for (text, wanted, dubious) in [
        ("1", true, 0),
        ("t", true, 0),
        ("T", true, 0),
        ("TRUE", true, 0),
        ("true", true, 0),
        ("True", true, 0),
        ("0", false, 0),
        ("f", false, 0),
        ("F", false, 0),
        ("FALSE", false, 0),
        ("false", false, 0),
        ("False", false, 0),
        ("tRUE", false, 1),
        ("yes", false, 1),
        ("2", false, 1),
        ("", false, 1),
    ] {
        let scope = apply(&format!("el:{text}")).unwrap();
        assert_eq!((scope.asked.enlarge, scope.dubious_booleans), (Some(wanted), dubious), "{text}");
    }
    assert_eq!(apply("fl:x:y/fn:YQ:x/ex:maybe").unwrap().dubious_booleans, 4);
}

#[test]
fn numbers_follow_the_grammar() {
    let good = [
        ("1", 1.0),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("1e-2", 0.01),
        ("0x1.8p1", 3.0),
        ("0Xap-1", 5.0),
        ("0x.1p+4", 1.0),
        ("0x0p0", 0.0),
    ];
    for (text, wanted) in good {
        assert_eq!(asked(&format!("bl:{text}")).blur, Some(wanted), "{text}");
    }
    let bad = [
        "",
        "inf",
        "+Inf",
        "infinity",
        "nan",
        "NaN",
        "1e999",
        "0x1",
        "0xp1",
        "0x1.8",
        "0x12345678901234p0",
        "1_0",
        "0x1p99999999999",
        "-1",
        "0x-1p0",
        "-0x1p1",
    ];
    for text in bad {
        assert!(apply(&format!("bl:{text}")).is_err(), "{text}");
    }
    assert_eq!(asked("g:no:-0x1p1:0").gravity.x, Some(-2.0));
}

/// Arguments that no option takes.
const MALFORMED: &[&str] = &[
    "w:abc",
    "w:-5",
    "w:",
    "w:1.5",
    "w:99999999999999999999",
    "rs:nope:1:1",
    "rs:fit:x:1",
    "rt:x",
    "rt:",
    "g:xx",
    "g:",
    "g:re",
    "g:fp",
    "g:fp:2:2",
    "g:fp:0.5",
    "g:fp:0:-0.1",
    "g:no:a:b",
    "g:no:nan:0",
    "g:sm:1",
    "g:sm:",
    "ex:1:sm",
    "ex:1:",
    "ex:1:fp:0.5",
    "exar:1:xx",
    "c:a:b",
    "c:-1:1",
    "c:",
    "c:1:",
    "c:1:1:",
    "c:1:1:no:x",
    "dpr:0",
    "dpr:-1",
    "dpr:x",
    "dpr:inf",
    "z:0",
    "z:-1",
    "z:x",
    "z:",
    "z:2:",
    "q:101",
    "q:-1",
    "q:x",
    "q:",
    "bl:-1",
    "sh:-1",
    "rot:45",
    "rot:x",
    "rot:",
    "bg:zzz",
    "bg:ff",
    "bg:ffff",
    "bg:+ff",
    "bg:300:0:0",
    "bg:1:2",
    "bg:+1:2:3",
    "bg:1:2:",
    "pd:-1",
    "pd:1:x",
    "f:nope",
    "f:PNG",
    "f:",
    "f:tif",
    "ext:gif2",
    "exp:abc",
    "exp:",
    "exp:1",
    "mw:x",
    "mb:x",
    "mb:-1",
    "fq:jpg",
    "fq:jpg:101",
    "fq:nope:10",
    "fq:",
    "skp:",
    "skp:png:x",
    "pix:-1",
    "pix:x",
    "fn:!:1",
    "fn:_w:1",
];

#[test]
fn malformed_arguments_are_refused() {
    let refused = MALFORMED;
    for segment in refused {
        assert!(apply(segment).is_err(), "{segment}");
    }
}

proptest! {
    #[test]
    fn no_argument_makes_an_option_panic(
        row in 0..36_usize,
        args in prop::collection::vec("[0-9a-z.%=+\\-é]{0,6}", 1..9),
    ) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let row = &table()[row];
        let _ = (row.apply)(&mut Scope::new(0), &args[..args.len().min(row.args_max)]);
    }

    #[test]
    fn hexadecimal_and_decimal_numbers_agree(whole in 0..4096_u32, sixteenths in 0..16_u32, exponent in -8..8_i32) {
        let hex = format!("bl:0x{whole:x}.{sixteenths:x}p{exponent}");
        let number = (f64::from(whole) + f64::from(sixteenths) / 16.0) * 2_f64.powi(exponent);
        prop_assert_eq!(asked(&hex).blur, asked(&format!("bl:{number}")).blur);
    }
}
