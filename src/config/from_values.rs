//! From checked values to the typed groups.

use super::cidr::Cidr;
use super::groups::{
    Admin, Az, Cache, Config, Engine, Fetch, Formats, Freshness, Gs, Isolation, KeyPair, Limits, Logging, Mounts,
    Pixels, Presets, S3, Sandbox, Server, Shared, SharedBucket, SharedStore, SignatureAlgorithm, Signing, Sources,
    Stores, UrlQuery, Urls,
};
use super::mistake::Provenance;
use super::mounts::Mount;
use super::table::PRESIGNED;
use super::values::Values;

/// An effective value for people: what it is and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    pub key: &'static str,
    /// As the environment would give it; secrets are only counted.
    pub value: String,
    pub provenance: Provenance,
}

// === impl Config ===

impl Config {
    pub(super) fn from_values(values: Values) -> Self {
        Self {
            server: server(&values),
            admin: Admin { listen: values.address("admin.listen"), token: values.secret("admin.token") },
            signing: signing(&values),
            urls: urls(&values),
            presets: Presets { path: values.path("presets.path") },
            sources: sources(&values),
            stores: stores(&values),
            fetch: fetch(&values),
            formats: formats(&values),
            pixels: pixels(&values),
            limits: limits(&values),
            engine: engine(&values),
            cache: cache(&values),
            shared: shared(&values),
            freshness: freshness(&values),
            mounts: mounts(&values),
            logging: Logging { level: values.choice("log.level"), format: values.choice("log.format") },
            values,
        }
    }

    /// Every setting with its effective value, in the order of the documentation.
    pub fn effective(&self) -> Vec<Effective> {
        let shown = |entry: &super::values::Entry| Effective {
            key: entry.setting.key,
            value: entry.value.shown(),
            provenance: entry.provenance.clone(),
        };
        self.values.entries().iter().map(shown).collect()
    }

    /// This configuration with everything of `fresh` that a running process can take, and the keys of the settings that
    /// differ but need a start.
    pub fn reloaded(&self, fresh: &Self) -> (Self, Vec<&'static str>) {
        let (values, needs_start) = self.values.reloaded(&fresh.values);
        (Self::from_values(values), needs_start)
    }
}

fn server(values: &Values) -> Server {
    Server {
        listen: values.address("listen").expect("invariant: the kind of `listen` takes no empty address"),
        connections_max: values.int("connections_max"),
        proxy_protocol: values.bool("proxy_protocol"),
        trusted_proxies: values.texts("trusted_proxies").iter().filter_map(|text| Cidr::parse(text)).collect(),
        forwarded_fields: values.choices("forwarded_fields"),
        misses_max: values.int("misses_max"),
        client_misses_max: values.int("clients.misses_max"),
        header_bytes_max: size("header.bytes_max", values),
        header_timeout: values.duration("header.timeout"),
        keep_alive_timeout: values.duration("keep_alive_timeout"),
        request_timeout: values.duration("request_timeout"),
        drain_delay: values.duration("drain.delay"),
        drain_timeout: values.duration("drain.timeout"),
        cors_origin: non_empty(values.text("cors_origin")),
        server_timing: values.bool("server_timing"),
        cache_status_name: values.text("cache.status_name"),
        tag_headers: values.choices("tag_headers"),
    }
}

fn signing(values: &Values) -> Signing {
    let pairs = values.secrets("key").into_iter().zip(values.secrets("salt"));
    Signing {
        keys: pairs.map(|(key, salt)| KeyPair { key, salt }).collect(),
        algorithm: match values.choice("signature.algorithm") {
            "blake3" => SignatureAlgorithm::Blake3,
            _ => SignatureAlgorithm::HmacSha256,
        },
        size_bytes: values.int("signature.size"),
        trusted: values.secrets("trusted_signatures"),
        allow_unsigned: values.choice("unsigned") == "allow",
        bearer: values.secret("secret"),
    }
}

fn urls(values: &Values) -> Urls {
    Urls {
        path_prefix: values.text("path_prefix"),
        arguments_separator: values.text("arguments_separator"),
        only_presets: values.bool("only_presets"),
        allowed_options: values.texts("allowed_options"),
        base_url: values.text("base_url"),
        replacements: values.pairs("url.replacements"),
        base64_includes_filename: values.bool("base64_url_includes_filename"),
        bytes_max: size("url.bytes_max", values),
        options_max: values.int("url.options_max"),
        query: match values.choice("url.query") {
            "refuse" => UrlQuery::Refuse,
            "redirect" => UrlQuery::Redirect,
            _ => UrlQuery::Ignore,
        },
    }
}

fn sources(values: &Values) -> Sources {
    let mut ignored_query_parameters = values.texts("ignored_query_parameters");
    let ignore_presigned = ignored_query_parameters.iter().any(|name| name == PRESIGNED);
    ignored_query_parameters.retain(|name| name != PRESIGNED);
    Sources {
        allowed: values.texts("allowed_sources"),
        local_root: values.path("local_root"),
        allow_loopback: values.bool("allow_loopback_sources"),
        allow_link_local: values.bool("allow_link_local_sources"),
        allow_private: values.bool("allow_private_sources"),
        allowed_ports: values.ports("allowed_ports"),
        ignore_presigned,
        ignored_query_parameters,
        query_separator: values.text("source.query_separator").chars().next(),
    }
}

fn stores(values: &Values) -> Stores {
    Stores {
        s3: values.bool("s3.enabled").then(|| s3(values)),
        gs: values.bool("gs.enabled").then(|| gs(values)),
        az: values.bool("az.enabled").then(|| az(values)),
    }
}

fn s3(values: &Values) -> S3 {
    S3 {
        endpoint: non_empty(values.text("s3.endpoint")),
        region: non_empty(values.text("s3.region")),
        path_style: values.bool("s3.path_style"),
        anonymous: values.bool("s3.anonymous"),
    }
}

fn gs(values: &Values) -> Gs {
    Gs { endpoint: non_empty(values.text("gs.endpoint")), anonymous: values.bool("gs.anonymous") }
}

fn az(values: &Values) -> Az {
    Az {
        endpoint: non_empty(values.text("az.endpoint")),
        account: non_empty(values.text("az.account")),
        anonymous: values.bool("az.anonymous"),
    }
}

fn fetch(values: &Values) -> Fetch {
    Fetch {
        fetches_max: values.int("fetches_max"),
        source_fetches_max: values.int("source.fetches_max"),
        redirects_max: values.int("redirects_max"),
        connect_timeout: values.duration("fetch.connect_timeout"),
        first_byte_timeout: values.duration("fetch.first_byte_timeout"),
        idle_timeout: values.duration("fetch.idle_timeout"),
        timeout: values.duration("fetch.timeout"),
        source_bytes_max: values.bytes("source.bytes_max"),
        loop_name: non_empty(values.text("loop.name")),
        loop_hops_max: values.int("loop.hops_max"),
    }
}

fn formats(values: &Values) -> Formats {
    Formats {
        preference: values.choices("format_preference"),
        quality: values.int("quality"),
        format_quality: values.qualities("format_quality"),
        skip_processing: values.choices("skip_processing_formats"),
        refuse_truncated: values.choice("truncated") == "refuse",
    }
}

fn pixels(values: &Values) -> Pixels {
    Pixels {
        linear_light: values.bool("linear_light"),
        auto_rotate: values.bool("auto_rotate"),
        strip_metadata: values.bool("strip_metadata"),
        keep_copyright: values.bool("keep_copyright"),
        strip_color_profile: values.bool("strip_color_profile"),
        epoch: values.int("pixel_epoch"),
    }
}

fn limits(values: &Values) -> Limits {
    Limits {
        source_pixels_max: values.int("source.pixels_max"),
        source_side_max: values.int("source.side_max"),
        frames_max: values.int("frames_max"),
        frame_pixels_max: Some(values.int("frame_pixels_max")).filter(|pixels| *pixels > 0),
        output_side_max: values.int("output.side_max"),
        output_pixels_max: values.int("output.pixels_max"),
    }
}

fn engine(values: &Values) -> Engine {
    Engine {
        workers: Some(values.int("workers")).filter(|workers| *workers > 0),
        isolation: match values.choice("engine.isolation") {
            "process" => Isolation::Process,
            "thread" => Isolation::Thread,
            _ => Isolation::Auto,
        },
        sandbox: match values.choice("engine.sandbox") {
            "require" => Sandbox::Require,
            "off" => Sandbox::Off,
            _ => Sandbox::Prefer,
        },
        worker_memory_bytes: values.bytes("worker.memory_bytes"),
        worker_resident_bytes_max: values.share("worker.resident_bytes_max"),
        worker_jobs_max: values.int("worker.jobs_max"),
        queue_jobs_max: values.int("queue.jobs_max"),
        queue_timeout: values.duration("queue.timeout"),
        transform_timeout: values.duration("transform_timeout"),
    }
}

fn cache(values: &Values) -> Cache {
    Cache {
        memory_bytes: values.share("cache.memory_bytes"),
        originals_memory_bytes: values.share("cache.originals_memory_bytes"),
        disk_path: values.path("cache.disk_path"),
        disk_bytes: values.bytes("cache.disk_bytes"),
        originals_disk_bytes: values.bytes("cache.originals_disk_bytes"),
        files_disk_bytes: values.bytes("cache.files_disk_bytes"),
        disk_queue_bytes: values.share("cache.disk_queue_bytes"),
        disk_retry: values.duration("cache.disk_retry"),
    }
}

fn shared(values: &Values) -> Shared {
    Shared {
        bucket: shared_bucket(values),
        get_timeout: values.duration("shared.get_timeout"),
        queue_bytes_max: values.share("shared.queue_bytes_max"),
        marks_poll: values.duration("shared.marks_poll"),
        keep: values.duration("shared.keep"),
        clock_skew: values.duration("shared.clock_skew"),
    }
}

fn shared_bucket(values: &Values) -> Option<SharedBucket> {
    let address = values.text("shared.bucket");
    let (scheme, rest) = address.split_once("://")?;
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let store = match scheme {
        "gs" => SharedStore::Gs(gs(values)),
        "az" => SharedStore::Az(az(values)),
        _ => SharedStore::S3(s3(values)),
    };
    Some(SharedBucket { store, name: name.to_owned(), prefix: prefix.to_owned() })
}

fn freshness(values: &Values) -> Freshness {
    Freshness {
        ttl: values.duration("ttl"),
        ttl_truncated: values.duration("ttl_truncated"),
        origin_ttl: values.duration("origin_ttl"),
        honours_origin: values.choice("origin_cache_control") == "honour",
        stale_while_revalidate: values.duration("stale_while_revalidate"),
        stale_if_error: values.duration("stale_if_error"),
        ttl_cdn: values.duration("ttl_cdn"),
        not_found: values.duration("negative_ttl.not_found"),
        refused: values.duration("negative_ttl.refused"),
        origin_error: values.duration("negative_ttl.origin_error"),
        undecodable: values.duration("negative_ttl.undecodable"),
    }
}

fn mounts(values: &Values) -> Mounts {
    Mounts {
        list: values.texts("mounts").iter().filter_map(|text| Mount::parse(text)).collect(),
        memory_bytes: values.share("mount.memory_bytes"),
        body_bytes_max: values.bytes("mount.body_bytes_max"),
        request_bytes_max: values.bytes("mount.request_bytes_max"),
    }
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A size whose range fits memory, in the type that counts memory.
fn size(key: &str, values: &Values) -> usize {
    usize::try_from(values.bytes(key)).expect("invariant: the range of this size fits 32 bits")
}
