//! Files, environment and flags together.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Position, Provenance, SignatureAlgorithm};
use super::{from, from_environment, from_file, told, written};

const HEX: &str = "736563726574";

#[test]
fn nothing_given_is_the_defaults() {
    let config = from(None, &[("PATH", "/bin"), ("TINTYP_KEY", "x")], &[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.limits.source_pixels_max, 50_000_000);
    assert_eq!(config.formats.format_quality, [("avif", 63), ("jxl", 77), ("webp", 79)]);
    assert_eq!(config.sources.allowed_ports, [80, 443]);
    assert_eq!(config.freshness.ttl, Duration::from_hours(24 * 365));
    assert!(config.sources.ignore_presigned && config.sources.ignored_query_parameters.is_empty());
    assert_eq!(config.sources.query_separator, Some('?'));
    assert!(config.signing.keys.is_empty() && !config.signing.allow_unsigned);
    assert!(config.stores.s3.is_none() && config.engine.workers.is_none() && config.limits.frame_pixels_max.is_none());
    assert!(config.effective().iter().all(|effective| effective.provenance == Provenance::Default));
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let file = written("quality = 10\nlog.level = \"debug\"\n[queue]\njobs_max = 10\ntimeout = \"1s\"\n");
    let environment = [("TINTYPE_QUEUE_JOBS_MAX", "20"), ("TINTYPE_QUALITY", "20")];
    let config = from(Some(file.path()), &environment, &[("quality", "30"), ("--ttl", "1h")]).unwrap();
    assert_eq!((config.formats.quality, config.engine.queue_jobs_max), (30, 20));
    assert_eq!((config.engine.queue_timeout, config.freshness.ttl), (Duration::from_secs(1), Duration::from_hours(1)));

    let place = |key| config.effective().into_iter().find(|effective| effective.key == key).unwrap().provenance;
    assert_eq!(place("quality"), Provenance::Flag("quality".to_owned()));
    assert_eq!(place("ttl"), Provenance::Flag("ttl".to_owned()));
    assert_eq!(place("queue.jobs_max"), Provenance::Environment("TINTYPE_QUEUE_JOBS_MAX".to_owned()));
    let at =
        |line, column| Provenance::File { path: file.path().to_owned(), position: Some(Position { line, column }) };
    assert_eq!(place("log.level"), at(2, 13));
    assert_eq!(place("queue.timeout"), at(5, 11));
    assert_eq!(place("workers"), Provenance::Default);
}

#[test]
fn all_mistakes_of_a_file_are_told_with_their_places() {
    let text = "quality = 0\n\n[cache]\n  memory_byte = \"1GiB\"\n[queue]\ntimeout = \"10\" # which unit?\n";
    assert_eq!(
        told(from_file(text)),
        [
            "1:11: `quality` is `0`; accepted: a whole number from 1 to 100",
            "4:3: unknown setting `cache.memory_byte`; nearest known name: `cache.memory_bytes`",
            "6:11: `queue.timeout` is `10`; accepted: a duration from 10ms to 10m, such as 250ms, 10s or 2m",
        ]
    );
}

#[test]
fn mistakes_of_all_layers_are_told_together() {
    let file = written("qualty = 1");
    let environment = [("TINTYPE_WORKERS", "many"), ("TINTYPE_QUALTY", "1")];
    let mistakes = from(Some(file.path()), &environment, &[("log-levl", "info"), ("key", "00")]).unwrap_err();
    let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[0].ends_with(":1:1: unknown setting `qualty`; nearest known name: `quality`"));
    assert!(
        told[2].starts_with("environment TINTYPE_WORKERS: `workers` is `many`; accepted: a whole number from 0 to")
    );
    assert_eq!(
        told[1],
        "environment TINTYPE_QUALTY: unknown setting `TINTYPE_QUALTY`; nearest known name: `TINTYPE_QUALITY`"
    );
    assert_eq!(told[3], "flag --log-levl: unknown setting `--log-levl`; nearest known name: `--log-level`");
    assert!(told[4].starts_with("flag --key: `key` is a secret"), "{}", told[4]);
}

#[test]
fn a_broken_line_hides_no_other_mistake_and_shows_no_secret() {
    let told = told(from_file("quality = 0\nkey = 'c0ffee\nworkrs = 1\nttl = = 3\n"));
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].starts_with("1:11: `quality`") && told[1].starts_with("2:"), "{told:?}");
    assert!(told[2].starts_with("3:1: unknown setting `workrs`") && told[3].starts_with("4:"), "{told:?}");
    assert!(!told.concat().contains("c0ffee"));
}

#[test]
fn values_of_the_wrong_shape_are_refused() {
    let told = told(from_file("cache = 1\nquality = [1]\nworkers = {}\nallowed_ports = [[80]]\nttl = 60\nsecret = []"));
    assert_eq!(
        told.iter().map(|text| text.split(';').next().unwrap()).collect::<Vec<_>>(),
        [
            "1:1: unknown setting `cache`",
            "2:11: `quality` is a list",
            "3:11: `workers` is a table",
            "4:17: `allowed_ports` is a list",
            "5:7: `ttl` is `60`",
            "6:10: `secret` is wrong (its value is not shown)",
        ]
    );
    assert!(told[0].ends_with("nearest known name: `cache.status_name`"), "{}", told[0]);
}

#[test]
fn a_named_file_must_exist_and_be_of_a_sane_size() {
    let missing = Path::new("/nonexistent/tintype.toml");
    let text = from(Some(missing), &[], &[]).unwrap_err()[0].to_string();
    assert!(text.starts_with("/nonexistent/tintype.toml: cannot be read: No such file"), "{text}");
    assert!(from_environment(&[("TINTYPE_CONFIG", "/nonexistent/tintype.toml")]).is_err());
    assert!(from_environment(&[("TINTYPE_CONFIG", "")]).is_ok());

    let file = written("quality = 7");
    let path = file.path().to_str().unwrap();
    assert_eq!(from_environment(&[("TINTYPE_CONFIG", path)]).unwrap().formats.quality, 7);
    assert!(from_file(&" ".repeat(1 << 20)).is_ok());
    assert!(told(from_file(&" ".repeat((1 << 20) + 1)))[0].ends_with("is over 1048576 bytes long"));
}

#[test]
fn every_kind_is_read_from_a_file_in_its_own_shape() {
    let config = from_file(
        "source.bytes_max = 1_000\nsource.side_max = 0x10\nformat_preference = ['webp', 'avif']\n\
         format_quality = { webp = 50, jpg = 60 }\nallowed_ports = [8000, 8001]\nserver_timing = false\n\
         url.replacements = ['a=b=c', 'd=']\nkey = ['736563726574', '00']\nsalt = '68656c6c6f, FF'\n\
         signature.algorithm = 'blake3'\nadmin.listen = ''\nallowed_sources = ['https://a,b/']\n\
         [s3]\nenabled = true\nendpoint = 'http://127.0.0.1:9000'\n",
    )
    .unwrap();
    assert_eq!((config.fetch.source_bytes_max, config.limits.source_side_max), (1000, 16));
    assert_eq!(config.formats.preference, ["webp", "avif"]);
    assert_eq!(config.formats.format_quality, [("avif", 63), ("jpg", 60), ("jxl", 77), ("webp", 50)]);
    assert_eq!(config.sources.allowed_ports, [8000, 8001]);
    assert!(!config.server.server_timing && config.admin.listen.is_none());
    let replacements = [("a", "b=c"), ("d", "")].map(|(pattern, text)| (pattern.to_owned(), text.to_owned()));
    assert_eq!(config.urls.replacements, replacements);
    let pairs: Vec<_> = config.signing.keys.iter().map(|pair| (pair.key.expose(), pair.salt.expose())).collect();
    assert_eq!(pairs, [(&b"secret"[..], &b"hello"[..]), (b"\0", b"\xff")]);
    assert_eq!(config.signing.algorithm, SignatureAlgorithm::Blake3);
    assert_eq!(config.sources.allowed, ["https://a,b/"]);
    assert_eq!(config.stores.s3.unwrap().endpoint.as_deref(), Some("http://127.0.0.1:9000"));
}

#[test]
fn lists_in_the_environment_are_separated_and_trimmed() {
    let config = from_environment(&[
        ("TINTYPE_ALLOWED_OPTIONS", " w, h ,,"),
        ("TINTYPE_URL_REPLACEMENTS", "mys3://*/=s3://bucket/${1}/;x=y,z"),
        ("TINTYPE_FORMAT_QUALITY", "webp = 50"),
        ("TINTYPE_FORMAT_PREFERENCE", ""),
        ("TINTYPE_IGNORED_QUERY_PARAMETERS", "utm_*"),
        ("TINTYPE_SOURCE_QUERY_SEPARATOR", ""),
    ])
    .unwrap();
    assert_eq!(config.urls.allowed_options, ["w", "h"]);
    assert_eq!(config.urls.replacements[1], ("x".to_owned(), "y,z".to_owned()));
    assert_eq!(config.formats.format_quality, [("avif", 63), ("jxl", 77), ("webp", 50)]);
    assert!(config.formats.preference.is_empty());
    assert!(!config.sources.ignore_presigned && config.sources.query_separator.is_none());
    assert_eq!(config.sources.ignored_query_parameters, ["utm_*"]);
}

#[test]
fn values_out_of_form_are_refused() {
    let wrong = [
        ("TINTYPE_QUALITY", "+5"),
        ("TINTYPE_QUALITY", ""),
        ("TINTYPE_SERVER_TIMING", "yes"),
        ("TINTYPE_LISTEN", "localhost:8080"),
        ("TINTYPE_LISTEN", ""),
        ("TINTYPE_PATH_PREFIX", "img"),
        ("TINTYPE_PATH_PREFIX", "/img/"),
        ("TINTYPE_ARGUMENTS_SEPARATOR", ""),
        ("TINTYPE_ARGUMENTS_SEPARATOR", "/"),
        ("TINTYPE_CACHE_STATUS_NAME", "a cache"),
        ("TINTYPE_CORS_ORIGIN", "a\r\nSet-Cookie: b"),
        ("TINTYPE_S3_ENDPOINT", "minio:9000"),
        ("TINTYPE_ALLOWED_PORTS", "0"),
        ("TINTYPE_ALLOWED_PORTS", "65536"),
        ("TINTYPE_FORMAT_PREFERENCE", "avif,avif"),
        ("TINTYPE_FORMAT_PREFERENCE", "png"),
        ("TINTYPE_FORMAT_QUALITY", "png=80"),
        ("TINTYPE_FORMAT_QUALITY", "webp=0"),
        ("TINTYPE_FORMAT_QUALITY", "webp=101"),
        ("TINTYPE_FORMAT_QUALITY", "webp=1,webp=2"),
        ("TINTYPE_URL_REPLACEMENTS", "=x"),
        ("TINTYPE_UNSIGNED", "true"),
        ("TINTYPE_LOG_LEVEL", "INFO"),
        ("TINTYPE_KEY", "abc"),
        ("TINTYPE_KEY", "xy"),
        ("TINTYPE_S3_ENDPOINT", "http://user@host"),
        ("TINTYPE_SOURCE_QUERY_SEPARATOR", "??"),
    ];
    for (name, value) in wrong {
        assert_eq!(from_environment(&[(name, value)]).expect_err(name).len(), 1, "{name}={value}");
    }
}

#[test]
fn keys_and_salts_pair_up() {
    assert_eq!(from_environment(&[("TINTYPE_KEY", HEX), ("TINTYPE_SALT", HEX)]).unwrap().signing.keys.len(), 1);
    let told = told(from_environment(&[("TINTYPE_KEY", HEX)]));
    assert_eq!(told, ["environment TINTYPE_KEY: there are 1 in `key` and 0 in `salt`; each key needs its salt"]);
    let both = from_environment(&[("TINTYPE_KEY", "00,11"), ("TINTYPE_SALT", "00")]).unwrap_err();
    assert_eq!(both[0].place, Provenance::Environment("TINTYPE_SALT".to_owned()));
    let refused = from_environment(&[("TINTYPE_KEY", "0"), ("TINTYPE_SALT", "00")]).unwrap_err();
    assert_eq!(refused.len(), 1, "a refused key is no missing key");
}

#[test]
fn the_listeners_must_differ() {
    let overlaps = |images: &str, operations: &str| {
        from_environment(&[("TINTYPE_LISTEN", images), ("TINTYPE_ADMIN_LISTEN", operations)]).is_err()
    };
    assert!(overlaps("0.0.0.0:8080", "127.0.0.1:8080") && overlaps("[::1]:1", "[::1]:1"));
    assert!(!overlaps("127.0.0.1:0", "127.0.0.1:0") && !overlaps("127.0.0.1:8080", "127.0.0.2:8080"));
}

#[test]
fn secrets_come_from_files_and_are_shown_nowhere() {
    let (key, token) = (written("736563726574\n00\n"), written("hush hush\n"));
    let mut environment = vec![
        ("TINTYPE_KEY_FILE", key.path().to_str().unwrap()),
        ("TINTYPE_SALT", "68656c6c6f,11"),
        ("TINTYPE_SECRET_FILE", token.path().to_str().unwrap()),
        ("TINTYPE_TRUSTED_SIGNATURES", "sesame"),
    ];
    let config = from_environment(&environment).unwrap();
    assert_eq!(config.signing.keys[0].key.expose(), b"secret");
    assert_eq!(config.signing.bearer.as_ref().unwrap().expose(), b"hush hush");
    let shown = format!("{config:?} {:?}", config.effective());
    for secret in ["hush", "sesame", "68656c6c6f", "736563726574", "[115, 101", "104, 101, 108"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    assert!(shown.contains("(redacted, 2 of them)"));

    environment.push(("TINTYPE_KEY", "00"));
    assert!(told(from_environment(&environment)).iter().any(|text| text.contains("`TINTYPE_KEY` as well")));
    let missing = [("TINTYPE_KEY_FILE", "/nonexistent/key"), ("TINTYPE_SALT", "00")];
    let told = told(from_environment(&missing));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("environment TINTYPE_KEY_FILE: cannot be read: "));
}

#[test]
fn refused_secrets_are_not_shown() {
    for name in ["TINTYPE_KEY", "TINTYPE_SALT"] {
        let mistakes = from_environment(&[(name, "c0ffee,nothex")]).unwrap_err();
        let shown = format!("{mistakes:?} {}", mistakes[0]);
        assert!(!shown.contains("c0ffee") && !shown.contains("nothex"), "{shown}");
    }
}

#[test]
fn a_reload_takes_what_it_can_and_names_the_rest() {
    let old = from_environment(&[("TINTYPE_WORKERS", "2"), ("TINTYPE_ADMIN_TOKEN", "a")]).unwrap();
    let fresh = from_environment(&[
        ("TINTYPE_WORKERS", "3"),
        ("TINTYPE_ADMIN_TOKEN", "b"),
        ("TINTYPE_QUALITY", "50"),
        ("TINTYPE_KEY", "00"),
        ("TINTYPE_SALT", "00"),
    ])
    .unwrap();
    let (config, needs_start) = old.reloaded(&fresh);
    assert_eq!((config.engine.workers, config.formats.quality), (Some(2), 50));
    assert_eq!(config.signing.keys.len(), 1);
    assert_eq!(needs_start, ["admin.token", "workers"]);
    assert!(config.reloaded(&old).1.is_empty());
}

#[test]
fn advice_speaks_up_about_what_is_hardly_meant() {
    let advice = |environment: &[(&str, &str)]| from_environment(environment).unwrap().advice();
    let signed = [("TINTYPE_KEY", HEX), ("TINTYPE_SALT", HEX)];
    assert!(advice(&[])[0].contains("every image request is refused"));
    assert_eq!(advice(&signed), [""; 0]);
    assert!(advice(&[("TINTYPE_UNSIGNED", "allow")])[0].contains("unsigned URLs are allowed"));
    let short = [&signed[..], &[("TINTYPE_SIGNATURE_SIZE", "7"), ("TINTYPE_ADMIN_LISTEN", "0.0.0.0:1")]].concat();
    assert_eq!(advice(&short).len(), 2);
}

proptest! {
    #[test]
    fn any_file_is_settings_or_mistakes(text in "[a-z.=\"'\\[\\]{}0-9 \n#,_-]{0,80}") {
        if let Err(mistakes) = from_file(&text) {
            prop_assert!(mistakes.iter().all(|mistake| mistake.to_string().contains(".toml:")), "{mistakes:?}");
        }
    }

    #[test]
    fn any_value_of_any_setting_is_taken_or_refused_in_one_mistake(place: prop::sample::Index, value in "\\PC{0,20}") {
        let all: Vec<_> = super::super::settings().collect();
        let name = all[place.index(all.len())].environment();
        if let Err(mistakes) = from_environment(&[(&name, &value)]) {
            prop_assert_eq!(mistakes.len(), 1);
        }
    }
}
