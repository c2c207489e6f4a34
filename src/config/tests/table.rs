//! Every row of the table, and what is written from it.

use std::collections::BTreeSet;

use super::super::kind::Raw;
use super::super::values::{Values, default};
use super::super::{Config, Kind, Setting, example_toml, settings, settings_markdown};
use super::{from_environment, from_file};

#[test]
fn no_two_settings_meet_in_a_name() {
    let all = settings().count();
    assert!(all > 80);
    assert_eq!(settings().map(|setting| setting.key).collect::<BTreeSet<_>>().len(), all);
    let environment: Vec<_> =
        settings().flat_map(|setting| [Some(setting.environment()), setting.environment_file()]).flatten().collect();
    assert_eq!(environment.iter().collect::<BTreeSet<_>>().len(), environment.len());
    assert!(!environment.iter().any(|name| name == super::super::FILE_VARIABLE));
    let flags: Vec<_> = settings().filter_map(Setting::flag).collect();
    assert_eq!(flags.iter().collect::<BTreeSet<_>>().len(), flags.len());
}

#[test]
fn no_key_is_a_table_of_another() {
    for setting in settings() {
        let table = format!("{}.", setting.key);
        assert!(!settings().any(|other| other.key.starts_with(&table)), "{}", setting.key);
    }
}

#[test]
fn names_follow_from_the_key() {
    let setting = super::super::setting("cache.memory_bytes").unwrap();
    assert_eq!(setting.environment(), "TINTYPE_CACHE_MEMORY_BYTES");
    assert_eq!(setting.flag().as_deref(), Some("cache-memory-bytes"));
    assert_eq!(setting.environment_file(), None);
    let secret = super::super::setting("key").unwrap();
    assert_eq!(secret.environment_file().as_deref(), Some("TINTYPE_KEY_FILE"));
    assert_eq!(secret.flag(), None);
}

#[test]
fn the_names_that_deployments_rely_on_exist() {
    let names: BTreeSet<_> = settings().map(Setting::environment).collect();
    let relied_on = "LISTEN ADMIN_LISTEN ADMIN_TOKEN KEY SALT SIGNATURE_ALGORITHM SIGNATURE_SIZE TRUSTED_SIGNATURES \
        UNSIGNED SECRET PATH_PREFIX ARGUMENTS_SEPARATOR ONLY_PRESETS ALLOWED_OPTIONS BASE_URL URL_REPLACEMENTS \
        BASE64_URL_INCLUDES_FILENAME SOURCE_QUERY_SEPARATOR LOCAL_ROOT ALLOWED_SOURCES ALLOW_LOOPBACK_SOURCES \
        ALLOW_LINK_LOCAL_SOURCES ALLOW_PRIVATE_SOURCES ALLOWED_PORTS IGNORED_QUERY_PARAMETERS S3_ENABLED S3_ENDPOINT \
        S3_REGION S3_PATH_STYLE S3_ANONYMOUS GS_ENABLED GS_ENDPOINT GS_ANONYMOUS AZ_ENABLED AZ_ENDPOINT AZ_ACCOUNT \
        AZ_ANONYMOUS PIXEL_EPOCH CACHE_MEMORY_BYTES CACHE_ORIGINALS_MEMORY_BYTES CACHE_DISK_PATH CACHE_DISK_BYTES \
        CACHE_ORIGINALS_DISK_BYTES CACHE_FILES_DISK_BYTES CACHE_DISK_QUEUE_BYTES CACHE_DISK_RETRY TAG_HEADERS \
        URL_QUERY TTL TTL_CDN STALE_WHILE_REVALIDATE STALE_IF_ERROR ORIGIN_CACHE_CONTROL NEGATIVE_TTL_REFUSED \
        TTL_TRUNCATED ORIGIN_TTL NEGATIVE_TTL_NOT_FOUND NEGATIVE_TTL_ORIGIN_ERROR NEGATIVE_TTL_UNDECODABLE \
        FORMAT_PREFERENCE QUALITY FORMAT_QUALITY STRIP_METADATA KEEP_COPYRIGHT STRIP_COLOR_PROFILE AUTO_ROTATE \
        SKIP_PROCESSING_FORMATS LINEAR_LIGHT TRUNCATED WORKERS ENGINE_ISOLATION ENGINE_SANDBOX \
        WORKER_MEMORY_BYTES WORKER_RESIDENT_BYTES_MAX WORKER_JOBS_MAX QUEUE_JOBS_MAX QUEUE_TIMEOUT TRANSFORM_TIMEOUT \
        REQUEST_TIMEOUT SOURCE_BYTES_MAX SOURCE_PIXELS_MAX SOURCE_SIDE_MAX FRAMES_MAX FRAME_PIXELS_MAX OUTPUT_SIDE_MAX \
        OUTPUT_PIXELS_MAX URL_BYTES_MAX URL_OPTIONS_MAX REDIRECTS_MAX FETCH_CONNECT_TIMEOUT FETCH_FIRST_BYTE_TIMEOUT \
        FETCH_IDLE_TIMEOUT FETCH_TIMEOUT FETCHES_MAX CONNECTIONS_MAX HEADER_BYTES_MAX HEADER_TIMEOUT \
        KEEP_ALIVE_TIMEOUT DRAIN_DELAY DRAIN_TIMEOUT CORS_ORIGIN SERVER_TIMING CACHE_STATUS_NAME PRESETS_PATH \
        LOG_LEVEL LOG_FORMAT MOUNTS MOUNT_MEMORY_BYTES MOUNT_BODY_BYTES_MAX MOUNT_REQUEST_BYTES_MAX \
        SHARED_BUCKET LOOP_NAME LOOP_HOPS_MAX SHARED_GET_TIMEOUT SHARED_QUEUE_BYTES_MAX SHARED_MARKS_POLL \
        SHARED_KEEP SHARED_CLOCK_SKEW MISSES_MAX CLIENTS_MISSES_MAX TRUSTED_PROXIES FORWARDED_FIELDS \
        PROXY_PROTOCOL SOURCE_FETCHES_MAX";
    for name in relied_on.split_whitespace() {
        assert!(names.contains(&format!("TINTYPE_{name}")), "{name}");
    }
    assert_eq!(names.len(), relied_on.split_whitespace().count());
}

#[test]
fn every_default_passes_its_check_and_shows_as_written() {
    for setting in settings() {
        let value = setting.kind.parse(&Raw::Text(setting.default.to_owned())).map_err(|refused| refused.got);
        assert_eq!(value.expect(setting.key).shown(), setting.default, "{}", setting.key);
    }
}

#[test]
fn every_setting_is_documented_in_sentences() {
    for Setting { key, doc, .. } in settings() {
        assert!(doc.len() > 10 && doc.ends_with('.') && doc.starts_with(char::is_uppercase), "{key}: {doc}");
        assert!(!doc.contains("  ") && !doc.contains('|'), "{key}: {doc}");
    }
}

#[test]
fn every_setting_is_read() {
    let readers = [include_str!("../from_values.rs"), include_str!("../conflicts.rs")];
    for setting in settings() {
        let quoted = format!("\"{}\"", setting.key);
        assert!(readers.iter().any(|text| text.contains(&quoted)), "{} is never read", setting.key);
    }
    let _ = Config::from_values(Values::defaults());
}

#[test]
fn both_ends_of_every_range_are_accepted_and_what_lies_beyond_is_not() {
    for setting in settings() {
        let (ends, beyond) = match setting.kind {
            Kind::Int { min, max } | Kind::Bytes { min, max } | Kind::Share { min, max, .. } => {
                ([min.to_string(), max.to_string()], [min.checked_sub(1), Some(max + 1)].map(text_of))
            }
            Kind::Duration { min, max } => {
                let (min, max) = (min.as_millis(), max.as_millis());
                let beyond = [min.checked_sub(1), Some(max + 1)].map(|ms| ms.map(|ms| format!("{ms}ms")));
                ([format!("{min}ms"), format!("{max}ms")], beyond)
            }
            _ => continue,
        };
        for end in ends {
            from_environment(&[(&setting.environment(), &end)]).expect(setting.key);
        }
        for value in beyond.into_iter().flatten() {
            let mistakes = from_environment(&[(&setting.environment(), &value)]).expect_err(setting.key);
            assert!(mistakes[0].to_string().contains(&setting.kind.accepted()), "{}", mistakes[0]);
        }
    }
}

fn text_of(number: Option<u64>) -> Option<String> {
    number.map(|number| number.to_string())
}

#[test]
fn the_example_file_used_as_a_whole_gives_the_defaults() {
    let is_setting =
        |line: &&str| line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_lowercase()));
    let example = example_toml();
    let used = example.lines().filter(is_setting).map(|line| &line[1..]).collect::<Vec<_>>().join("\n");
    assert_eq!(used.lines().count(), settings().count());
    let config = from_file(&used).unwrap();
    for (setting, entry) in settings().zip(config.values.entries()) {
        assert_eq!(entry.value, default(setting), "{}", setting.key);
        assert_ne!(entry.provenance, super::super::Provenance::Default, "{}", setting.key);
    }
    assert!(example_toml().lines().all(|line| line.chars().count() <= 120));
    assert!(from_file(&example_toml()).is_ok(), "the file as written changes nothing");
}

#[test]
fn the_page_names_every_setting() {
    let page = settings_markdown();
    for setting in settings() {
        assert!(page.contains(&format!("| `{}` | `{}` |", setting.key, setting.environment())), "{}", setting.key);
    }
}
