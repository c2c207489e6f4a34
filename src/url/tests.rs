//! The native dialect end to end: vectors of its reference, presets, refusals, and properties of reading and writing.

use proptest::prelude::*;

use crate::transform::{Asked, Format, ResizeType};

use super::*;

const NOW_UNIX_S: u64 = 1_700_000_000;

fn unsigned() -> DialectSpec {
    DialectSpec { signing: Signing { allow_unsigned: true, ..Signing::default() }, ..DialectSpec::default() }
}

fn signed() -> DialectSpec {
    let keys = vec![KeyPair { key: b"secret".to_vec(), salt: b"hello".to_vec() }];
    DialectSpec { signing: Signing { keys, ..Signing::default() }, ..DialectSpec::default() }
}

fn with_presets(presets: &[(&str, &str)]) -> DialectSpec {
    let presets = presets.iter().map(|(name, options)| ((*name).to_owned(), (*options).to_owned()));
    DialectSpec { presets: presets.collect(), ..unsigned() }
}

#[track_caller]
fn read(spec: &DialectSpec, target: &str) -> Parsed {
    parse(target, spec, NOW_UNIX_S).unwrap_or_else(|error| panic!("{target}: {error}"))
}

#[track_caller]
fn asked(spec: &DialectSpec, options: &str) -> Asked {
    read(spec, &format!("/s/{options}/plain/http://e.com/i.jpg")).asked
}

#[track_caller]
fn refused(spec: &DialectSpec, target: &str) -> &'static str {
    parse(target, spec, NOW_UNIX_S).expect_err(target).kind()
}

#[test]
fn targets_are_split_into_options_source_and_extension() {
    let spec = unsigned();
    let cases = [
        ("/s/rs:fill:300:200/plain/http://e.com/i.jpg?x=1", "http://e.com/i.jpg", None),
        ("/s/w:100/plain/http://e.com/a%40b.jpg@png", "http://e.com/a@b.jpg", Some(Format::Png)),
        ("/s/w:100/plain/http://e.com/a.jpg@", "http://e.com/a.jpg", None),
        ("/s/w:100/plain/http:/e.com/a.jpg", "http://e.com/a.jpg", None),
        ("/s/w:100/plain/http%3A%2F%2Fe.com%2Fa+b%20c.jpg", "http://e.com/a+b c.jpg", None),
        ("/s/w:100/plain/local:/a%2541.jpg", "local:///a%41.jpg", None),
        ("/s/w:100/aHR0cDovL2Uu/Y29tL2EuanBn.webp", "http://e.com/a.jpg", Some(Format::Webp)),
        ("/s/w:100/aHR0cDovL2UuY29tL2EuanBn==.", "http://e.com/a.jpg", None),
        ("/s/aHR0cDovL2UuY29tL2EuanBn", "http://e.com/a.jpg", None),
        ("/s/plain/a.jpg", "a.jpg", None),
        ("s/plain/a.jpg", "a.jpg", None),
        ("/s/w%3A100/plain/a.jpg", "a.jpg", None),
        ("/s/w:1//YQ", "a", None),
    ];
    for (target, source, extension) in cases {
        let parsed = read(&spec, target);
        assert_eq!((parsed.source.as_str(), parsed.extension), (source, extension), "{target}");
        assert_eq!(parsed.asked.format, extension, "{target}");
    }
    let parsed = read(&spec, "/s/rs:fill:300:200/plain/http://e.com/i.jpg?w:1");
    let wanted = Asked { resize: Some(ResizeType::Fill), width: Some(300), height: Some(200), ..Asked::default() };
    assert_eq!(parsed.asked, wanted);
}

#[test]
fn what_is_no_url_of_the_dialect_is_refused() {
    let spec = unsigned();
    let cases = [
        ("", "incomplete-url"),
        ("/", "incomplete-url"),
        ("//w:1/YQ", "incomplete-url"),
        ("/s", "incomplete-url"),
        ("/s/", "incomplete-url"),
        ("/s?/w:1/YQ", "incomplete-url"),
        ("/w:100/plain/a", "signature-missing"),
        ("/s/plain/", "no-source"),
        ("/s/w:100/h:50", "no-source"),
        ("/s/w:100/", "no-source"),
        ("/s/w:100/plain/@png", "no-source"),
        ("/s/w:100/.png", "no-source"),
        ("/s/w:100/=", "no-source"),
        ("/s/w:100/plain/http://e.com/a@b@png", "bad-source"),
        ("/s/w:100/YQ.png.webp", "bad-source"),
        ("/s/w:100/plain", "bad-source"),
        ("/s/w:100/!!!", "bad-source"),
        ("/s/w:10//plain/local:///land.png", "bad-source"),
        ("/s/w%3a10/plain/local:///land.png", "bad-source"),
        ("/s/plain/a%2", "bad-source"),
        ("/s/plain/a%é1", "bad-source"),
        ("/s/plain/%+1", "bad-source"),
        ("/s/plain/%ff", "bad-source"),
        ("/s/_w", "bad-source"),
        ("/s/plain/a@nope", "unknown-extension"),
        ("/s/YQ.PNG", "unknown-extension"),
        ("/s/fill/300/200/plain/a", "positional-format"),
        ("/s/fill-down", "positional-format"),
        ("/s/nope:1/plain/a", "unknown-option"),
        ("/s/:1/plain/a", "unknown-option"),
        ("/s/w:1:2/plain/a", "too-many-arguments"),
        ("/s/size:1:2:3:4:5:6:7:8/plain/a", "too-many-arguments"),
        ("/s/resize:fit:1:1:1:1:no:1:1:9/plain/a", "too-many-arguments"),
        ("/s/pd:1:2:3:4:5/plain/a", "too-many-arguments"),
        ("/s/f:png:x/plain/a", "too-many-arguments"),
        ("/s/w:x/plain/a", "bad-argument"),
        ("/s/exp:1/plain/a", "expired"),
        ("/s/pr:none/plain/a", "unknown-preset"),
    ];
    for (target, kind) in cases {
        assert_eq!(refused(&spec, target), kind, "{target}");
    }
}

#[test]
fn refusals_say_what_to_write_instead() {
    let error = |target: &str| parse(target, &unsigned(), NOW_UNIX_S).expect_err(target);
    let unknown = error("/s/h:1/widht:100/plain/a");
    assert_eq!(unknown.segment(), Some("widht:100"));
    assert_eq!(unknown.accepted_form(), Some("width:%pixels"));
    assert_eq!(unknown.to_string(), "unknown option `widht`");
    let UrlError::UnknownOption { nearest, .. } = unknown else { panic!("{unknown:?}") };
    assert_eq!(nearest, Some("width"));

    let bad = error("/s/dpr:0/plain/a");
    assert_eq!(bad.to_string(), "option dpr: `0` is not a number over 0");
    assert_eq!((bad.segment(), bad.accepted_form()), (Some("dpr:0"), Some("dpr:%ratio")));
    assert_eq!(error("/s/YQ.nope").segment(), Some("nope"));
    assert_eq!(error("/w:1/plain/a").status(), 403);
    let long = format!("/s/w:{}/plain/a", "9".repeat(1000));
    assert!(error(&long).segment().is_some_and(|segment| segment.len() < 200));
}

#[test]
fn the_prefix_is_taken_off_before_everything() {
    for path_prefix in ["/img", "img/", "//img//"] {
        let spec = DialectSpec { path_prefix: path_prefix.into(), ..unsigned() };
        assert_eq!(read(&spec, "/img/s/w:1/plain/a").source, "a");
        for outside in ["/s/w:1/plain/a", "/imgs/s/plain/a", "/%69mg/s/plain/a"] {
            assert_eq!(refused(&spec, outside), "outside-prefix", "{outside}");
        }
        assert_eq!(refused(&spec, "/img"), "incomplete-url");
    }
}

#[test]
fn signatures_cover_the_path_as_it_was_meant() {
    let spec = signed();
    let signature = sign(&spec.signing, "/w:1/plain/http://a.com/x:/y").unwrap();
    for sent in ["w:1/plain/http://a.com/x:/y", "w%3A1/plain/http:/a.com/x:/y"] {
        assert_eq!(read(&spec, &format!("/{signature}/{sent}?q")).source, "http://a.com/x:/y", "{sent}");
    }
    // A client that signed what imgproxy makes of the path gets what imgproxy would fetch.
    let greedy = sign(&spec.signing, "/w:1/plain/http://a.com/x://y").unwrap();
    assert_eq!(read(&spec, &format!("/{greedy}/w:1/plain/http://a.com/x:/y")).source, "http://a.com/x://y");
    let as_sent = sign(&spec.signing, "/w%3A1/plain/http:/a").unwrap();
    assert_eq!(read(&spec, &format!("/{as_sent}/w%3A1/plain/http:/a")).source, "http://a");

    assert_eq!(refused(&spec, &format!("/{signature}/w:2/plain/http://a.com/x:/y")), "bad-signature");
    assert_eq!(refused(&spec, "/unsafe/nope:1"), "bad-signature", "nothing is parsed before it is verified");
    assert_eq!(refused(&spec, "/w:1/plain/a"), "signature-missing");
    assert_eq!(refused(&DialectSpec::default(), "/unsafe/plain/a"), "unsigned-refused");
}

#[test]
fn an_extension_wins_over_a_format_unless_the_original_is_wanted() {
    let spec = unsigned();
    assert_eq!(read(&spec, "/s/f:png/plain/a@webp").asked.format, Some(Format::Webp));
    assert_eq!(read(&spec, "/s/f:png/plain/a").asked.format, Some(Format::Png));
    let raw = read(&spec, "/s/raw:1/f:png/plain/a@webp");
    assert_eq!((raw.asked.format, raw.extension), (Some(Format::Png), Some(Format::Webp)));
    assert_eq!(read(&spec, "/s/raw:1/plain/a@nope").extension, None);
    assert_eq!(read(&spec, "/s/raw:1/raw:0/plain/a@webp").asked.format, Some(Format::Webp));
    assert_eq!(read(&spec, "/s/el:maybe/ar:2/plain/a").dubious_booleans, 2);
}

#[test]
fn sources_are_rewritten_then_based() {
    let replacements = Replacement::parse_list("mys3://*/=s3://bucket/${1}/;img/=pictures/").unwrap();
    let spec = DialectSpec { replacements, base_url: "http://e.com/".into(), ..unsigned() };
    assert_eq!(read(&spec, "/s/plain/a.jpg").source, "http://e.com/a.jpg");
    assert_eq!(read(&spec, "/s/plain/img/a.jpg").source, "http://e.com/pictures/a.jpg");
    assert_eq!(read(&spec, "/s/plain/http://e.com/a.jpg").source, "http://e.com/a.jpg");
    let unbased = DialectSpec { base_url: String::new(), ..spec };
    assert_eq!(read(&unbased, "/s/plain/mys3://items/i.jpg").source, "s3://bucket/items/i.jpg");
    assert_eq!(read(&unbased, "/s/bXlzMzovL2l0ZW1zL2kuanBn").source, "s3://bucket/items/i.jpg");
}

#[test]
fn base64_sources_may_end_in_a_file_name() {
    let spec = DialectSpec { base64_filename: true, ..unsigned() };
    assert_eq!(read(&spec, "/s/w:1/Y/Q.png/some.nice.name.jpg").source, "a");
    assert_eq!(read(&spec, "/s/w:1/YQ.png").extension, Some(Format::Png));
    assert_eq!(read(&spec, "/s/w:1/plain/a/b").source, "a/b");
}

#[test]
fn another_separator_rules_urls_and_presets() {
    let spec = DialectSpec { separator: ",".into(), ..with_presets(&[("small", "w,10/h,20")]) };
    let asked = asked(&spec, "pr,small/h,30");
    assert_eq!((asked.width, asked.height), (Some(10), Some(30)));
    assert_eq!(refused(&spec, "/s/w:10/plain/a"), "bad-source");
    let empty = DialectSpec { separator: String::new(), ..unsigned() };
    assert_eq!(read(&empty, "/s/w:10/plain/a").asked.width, Some(10));
}

#[test]
fn presets_expand_where_they_stand() {
    let spec = with_presets(&[
        ("default", "q:70/w:1"),
        ("thumb", "rs:fill:10:20/q:80"),
        ("a", "w:5/pr:b/h:6"),
        ("b", "pr:a/q:9/pr:thumb"),
        ("twice", "pr:thumb:thumb"),
    ]);
    let plain = asked(&spec, "h:2");
    assert_eq!((plain.quality, plain.width, plain.height), (Some(70), Some(1), Some(2)));
    assert_eq!(plain.presets, ["default"]);
    let before = asked(&spec, "w:300/pr:thumb");
    assert_eq!((before.width, before.height), (Some(10), Some(20)));
    assert_eq!(asked(&spec, "pr:thumb/w:300").width, Some(300));
    let nested = asked(&spec, "pr:a");
    assert_eq!((nested.width, nested.height, nested.quality), (Some(10), Some(6), Some(80)));
    assert_eq!(nested.presets, ["default", "a", "b", "thumb"], "a inside b inside a is skipped");
    assert_eq!(asked(&spec, "pr:twice").presets, ["default", "twice", "thumb", "thumb"]);
    assert_eq!(check_presets(&spec, NOW_UNIX_S), []);
}

#[test]
fn presets_only_urls_name_presets_and_a_source() {
    let spec = DialectSpec {
        only_presets: true,
        ..with_presets(&[("default", "q:70"), ("thumb", "w:10"), ("sharp", "sh:1"), ("fit", "rt:fit")])
    };
    let parsed = read(&spec, "/s/thumb:sharp/plain/http://e.com/a.jpg@png");
    assert_eq!((parsed.asked.width, parsed.asked.sharpen, parsed.asked.quality), (Some(10), Some(1.0), Some(70)));
    assert_eq!((parsed.source.as_str(), parsed.extension), ("http://e.com/a.jpg", Some(Format::Png)));
    assert_eq!(read(&spec, "/s/fit/YQ").asked.resize, Some(ResizeType::Fit), "the old format is not looked for");
    for (target, kind) in [
        ("/s/plain/a", "unknown-preset"),
        ("/s/w:10/plain/a", "unknown-preset"),
        ("/s/thumb:/plain/a", "unknown-preset"),
        ("/s/thumb", "no-source"),
        ("/s/thumb/cb:1/plain/a", "bad-source"),
    ] {
        assert_eq!(refused(&spec, target), kind, "{target}");
    }
    let lax = DialectSpec { only_presets_with_handling: true, ..spec };
    let parsed = read(&lax, "/s/thumb/expires:1800000000/cb:7/plain/a");
    assert_eq!((parsed.asked.expires, parsed.source.as_str()), (Some(1_800_000_000), "a"));
    assert_eq!(refused(&lax, "/s/thumb/exp:1/plain/a"), "expired");
    assert_eq!(refused(&lax, "/s/thumb/w:1/plain/a"), "option-not-allowed");
}

#[test]
fn allowed_options_are_literal_and_leave_presets_alone() {
    let allowed = ["w", "pr"].map(str::to_owned).into();
    let spec = DialectSpec { allowed_options: Some(allowed), ..with_presets(&[("thumb", "h:10/q:5")]) };
    assert_eq!(asked(&spec, "w:1/pr:thumb").height, Some(10));
    assert_eq!(read(&spec, "/s/w:1/plain/a@png").asked.format, Some(Format::Png));
    for segment in ["width:1", "h:1", "preset:thumb"] {
        assert_eq!(refused(&spec, &format!("/s/{segment}/plain/a")), "option-not-allowed", "{segment}");
    }
}

#[test]
fn broken_presets_are_found_before_any_request() {
    let spec = with_presets(&[
        ("argument", "w:x"),
        ("empty", ""),
        ("expired", "exp:1"),
        ("fine", "w:1/pr:fine"),
        ("option", "nope:1"),
        ("source", "w:1/plain/a"),
        ("unknown", "pr:none"),
    ]);
    let problems = check_presets(&spec, NOW_UNIX_S);
    let found: Vec<_> = problems.iter().map(|problem| (problem.preset.as_str(), problem.error.kind())).collect();
    let wanted = [
        ("argument", "bad-argument"),
        ("empty", "broken-preset"),
        ("expired", "expired"),
        ("option", "unknown-option"),
        ("source", "broken-preset"),
        ("unknown", "unknown-preset"),
    ];
    assert_eq!(found, wanted);
    assert_eq!(problems[0].to_string(), "preset `argument`: option width: `x` is not a whole number of 0 or more");
}

#[test]
fn the_number_of_options_has_a_limit_that_presets_share() {
    let full = vec!["w:1"; OPTIONS_APPLIED_MAX].join("/");
    assert_eq!(asked(&unsigned(), &full).width, Some(1));
    assert_eq!(refused(&unsigned(), &format!("/s/{full}/w:1/plain/a")), "too-many-options");
    let bomb = chain(20, |next| format!("pr:{next}:{next}"));
    assert_eq!(refused(&bomb, "/s/pr:p0/plain/a"), "too-many-options");
}

#[test]
fn the_depth_of_presets_has_a_limit() {
    let last = PRESETS_NESTED_MAX - 1;
    assert_eq!(asked(&chain(last, |next| format!("pr:{next}")), "pr:p0").width, Some(1));
    let deep = chain(last + 1, |next| format!("pr:{next}"));
    assert_eq!(refused(&deep, "/s/pr:p0/plain/a"), "presets-too-deep");
    assert_eq!(check_presets(&deep, NOW_UNIX_S).len(), 1);
}

/// Presets `p0` to `p<last>`, each made of the next one's name, and the last one `w:1`.
fn chain(last: usize, options: impl Fn(&str) -> String) -> DialectSpec {
    let mut presets: std::collections::BTreeMap<_, _> =
        (0..last).map(|n| (format!("p{n}"), options(&format!("p{}", n + 1)))).collect();
    presets.insert(format!("p{last}"), "w:1".to_owned());
    DialectSpec { presets, ..unsigned() }
}

#[test]
fn urls_are_written_as_clients_of_the_dialect_write_them() {
    let spec = signed();
    let written = [
        (
            build("rs:fit:300:300", "http://example.com/a b?v=1.jpg", Some("webp"), SourceEncoding::Plain, &spec),
            "/4rfHoWUgPw_kzRmqnhwskANstzcJnDzNU22hCC7ZAzM/rs:fit:300:300/plain/http://example.com/a%20b%3Fv=1.jpg@webp",
        ),
        (
            build("", "http://example.com/images/curiosity.jpg", None, SourceEncoding::Plain, &spec),
            "/tLvEboG5BrUsclTgTUEGnYHTECamEGJN0sAxY2br4Qw/plain/http://example.com/images/curiosity.jpg",
        ),
        (
            build("/w:1/", "a@b%c#d\u{7f}é", None, SourceEncoding::Plain, &unsigned()),
            "/unsafe/w:1/plain/a%40b%25c%23d%7F%C3%A9",
        ),
        (
            build("fn:a b", "http:/x:/y", Some("png"), SourceEncoding::Plain, &unsigned()),
            "/unsafe/fn:a%20b/plain/http%3A/x%3A/y@png",
        ),
        (build("w:1", "a", Some("png"), SourceEncoding::Base64, &unsigned()), "/unsafe/w:1/YQ.png"),
    ];
    for (url, wanted) in written {
        assert_eq!(url, wanted);
    }
    let spec = DialectSpec { path_prefix: "img".into(), base64_filename: true, ..unsigned() };
    let url = build("w:1", "http://e.com/x/my photo.jpg", Some("png"), SourceEncoding::Base64, &spec);
    assert_eq!(url, "/img/unsafe/w:1/aHR0cDovL2UuY29tL3gvbXkgcGhvdG8uanBn.png/my%20photo.png");
    for separator in ["b", "bn", "."] {
        let spec = DialectSpec { separator: separator.into(), ..unsigned() };
        let url = build("", "http://e.com/a.jpg", Some("png"), SourceEncoding::Base64, &spec);
        assert_eq!(read(&spec, &url).source, "http://e.com/a.jpg", "{separator} in {url}");
    }
}

/// Options that set different words, so that their order cannot matter.
const DISJOINT: [&str; 24] = [
    "rt:fill",
    "w:300",
    "h:200",
    "mw:10",
    "mh:20",
    "z:1.5:2",
    "dpr:2",
    "el:1",
    "ex:1:so:1:2",
    "exar:1:no",
    "g:fp:0.5:0.25",
    "c:100:0.5:ea",
    "pd:1:2:3:4",
    "ar:0",
    "rot:-90",
    "fl:1:0",
    "bg:f80",
    "bl:1",
    "q:80",
    "fq:webp:70:avif:60",
    "f:webp",
    "sm:0",
    "exp:1800000000",
    "fn:holiday%20photo",
];

proptest! {
    #[test]
    fn nothing_makes_the_parser_panic(target in any::<String>(), wild in "/[^/]{0,3}(/[a-z:%0-9.@=]{0,12}){0,6}") {
        for spec in [unsigned(), signed(), DialectSpec { only_presets: true, base64_filename: true, ..unsigned() }] {
            let _ = parse(&target, &spec, NOW_UNIX_S);
            let _ = parse(&wild, &spec, NOW_UNIX_S);
            let _ = parse(&format!("/s/{target}"), &spec, NOW_UNIX_S);
            let _ = parse(&format!("/s/w:1/plain/{target}"), &spec, NOW_UNIX_S);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse(&String::from_utf8_lossy(&bytes), &unsigned(), NOW_UNIX_S);
    }

    #[test]
    fn what_is_written_is_read_back(
        options in prop::sample::subsequence(DISJOINT.to_vec(), 0..8),
        scheme in prop::sample::select(vec!["http://", "https:/", "local:///", "s3://", "plain/", ""]),
        rest in "[ -~é/:@%?]{4,40}",
        extension in prop::sample::select(vec![None, Some("png"), Some("avif")]),
        is_plain in any::<bool>(),
        with_key in any::<bool>(),
        path_prefix in prop::sample::select(vec!["", "/img", "/a/b"]),
        base64_filename in any::<bool>(),
    ) {
        let spec = if with_key { signed() } else { unsigned() };
        let spec = DialectSpec { path_prefix: path_prefix.into(), base64_filename, ..spec };
        let source = format!("{scheme}{rest}");
        let encoding = if is_plain { SourceEncoding::Plain } else { SourceEncoding::Base64 };
        let options = options.join("/");
        let url = build(&options, &source, extension, encoding, &spec);
        prop_assert!(url.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{}", url);
        let parsed = parse(&url, &spec, NOW_UNIX_S);
        let parsed = parsed.map_err(|error| TestCaseError::fail(format!("{url}: {error}")))?;
        prop_assert_eq!(&parsed.source, &source, "{}", url);
        prop_assert_eq!(parsed.extension, extension.and_then(Format::from_name));
        let mut wanted = if options.is_empty() { Asked::default() } else { asked(&unsigned(), &options) };
        wanted.format = parsed.extension.or(wanted.format);
        prop_assert_eq!(parsed.asked, wanted);
    }

    #[test]
    fn the_order_of_options_that_do_not_meet_is_free(
        options in prop::sample::subsequence(DISJOINT.to_vec(), 2..DISJOINT.len()).prop_shuffle(),
    ) {
        let mut sorted = options.clone();
        sorted.sort_unstable();
        prop_assert_eq!(asked(&unsigned(), &options.join("/")), asked(&unsigned(), &sorted.join("/")));
    }
}
