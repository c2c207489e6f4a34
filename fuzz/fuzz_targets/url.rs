//! The path of an image URL: from any text to a transform and its canonical form.
//!
//! What a URL says is written again and read back; other names for the same options, and a query, change nothing; equal
//! transforms have equal texts, and the geometry of any of them is a picture of at least one pixel.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tintype::policy::Policy;
use tintype::transform::Transform;
use tintype::transform::geometry::{Plan, Size};
use tintype::url::{DialectSpec, Parsed, SourceEncoding, build, find, parse};

const NOW_UNIX_S: u64 = 1_794_700_800;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let config = tintype::config::load(None, std::iter::empty(), &[]).expect("the defaults");
    Policy::new(&config, |_| true)
});

/// The dialects that are tried, by the first byte of the input.
static SPECS: LazyLock<Vec<DialectSpec>> = LazyLock::new(|| {
    let plain = DialectSpec::default().unsigned();
    let presets = [("thumb", "rs:fill:10:10/q:80"), ("deep", "pr:thumb/pr:deep/w:3"), ("bad", "w:x")];
    let presets = presets.map(|(name, options)| (name.to_owned(), options.to_owned())).into();
    let with_presets = DialectSpec { presets, ..plain.clone() };
    vec![
        DialectSpec { only_presets: true, only_presets_with_handling: true, ..with_presets.clone() },
        DialectSpec { separator: "-".to_owned(), ..plain.clone() },
        DialectSpec { separator: "bn".to_owned(), base64_filename: true, ..plain.clone() },
        DialectSpec { path_prefix: "/img".to_owned(), base64_filename: true, options_max: 3, ..plain },
        with_presets,
    ]
});

fuzz_target!(|input: (u8, &str)| {
    let (choice, target) = input;
    let spec = &SPECS[usize::from(choice) % SPECS.len()];
    let Ok(parsed) = parse(target, spec, NOW_UNIX_S) else { return };
    let again = parse(&format!("{}?r=1", target.split('?').next().unwrap_or_default()), spec, NOW_UNIX_S);
    assert_eq!(again.as_ref(), Ok(&parsed), "a query means something");
    same_by_other_names(target, spec, &parsed);
    written_and_read(spec, &parsed);
    canonical(&POLICY.transform(&parsed.asked));
});

/// Options under each of their names mean the same.
fn same_by_other_names(target: &str, spec: &DialectSpec, parsed: &Parsed) {
    // The repair of broken schemes looks at the whole text, so only a path without one is written anew here.
    if spec.only_presets || target.contains(":/") {
        return;
    }
    let path = target.split('?').next().unwrap_or_default();
    let separator = spec.separator();
    let named = |nth: usize| -> String {
        let rename = |segment: &str| -> String {
            let Some((name, arguments)) = segment.split_once(separator) else { return segment.to_owned() };
            let Some(row) = find(name) else { return segment.to_owned() };
            let names: Vec<&str> = std::iter::once(row.name).chain(row.aliases.iter().copied()).collect();
            [names[nth % names.len()], separator, arguments].concat()
        };
        // Before the source: its first segment has no separator.
        let mut is_option = true;
        let skipped = spec.prefix().matches('/').count() + usize::from(path.starts_with('/')) + 1;
        let renamed = path.split('/').enumerate().map(|(at, segment)| {
            is_option &= at < skipped || segment.contains(separator);
            if is_option && at >= skipped { rename(segment) } else { segment.to_owned() }
        });
        renamed.collect::<Vec<_>>().join("/")
    };
    for nth in 0..2 {
        let renamed = named(nth);
        // A name may itself hold an unusual separator.
        if spec.separator() == ":" {
            assert_eq!(parse(&renamed, spec, NOW_UNIX_S).as_ref(), Ok(parsed), "{renamed}");
        }
    }
}

/// The source survives being written in both encodings.
fn written_and_read(spec: &DialectSpec, parsed: &Parsed) {
    if spec.only_presets || parsed.source.is_empty() {
        return;
    }
    let extension = parsed.extension.map(tintype::transform::Format::name);
    for encoding in [SourceEncoding::Plain, SourceEncoding::Base64] {
        let url = build("", &parsed.source, extension, encoding, spec);
        assert!(url.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{url}");
        let back = parse(&url, spec, NOW_UNIX_S).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((&back.source, back.extension), (&parsed.source, parsed.extension), "{url}");
    }
}

fn canonical(transform: &Transform) {
    assert_eq!(&transform.clone().normalised(), transform, "normalising is done once");
    let text = transform.canonical();
    assert_eq!(Transform::from_canonical(&text).as_ref(), Some(transform), "{text}");
    for (width, height) in [(1, 1), (3, 65_535), (4000, 3000)] {
        for is_vector in [false, true] {
            let result = Plan::new(Size::new(width, height), transform, is_vector).result(transform);
            assert!(result.width > 0 && result.height > 0, "{width}x{height} becomes {result:?} by {text}");
        }
    }
}
