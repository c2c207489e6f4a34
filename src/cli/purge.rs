//! `tintype purge`: tells a running server what is not to be served any more.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::ArgGroup;
use serde_json::{Value, json};

use super::out;
use super::settings::Settings;
use crate::config::Config;

/// What `tintype purge` is asked.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("named").required(true).multiple(true).args(["url", "source", "prefix", "tag"]))]
#[command(after_help = "Examples:\n  \
    tintype purge --url https://images.example.com/…/w:300/plain/local:///a.jpg   one picture\n  \
    tintype purge --source local:///a.jpg             an original and all that was made of it\n  \
    tintype purge --prefix https://photos.example/2019/   all originals whose names begin so\n  \
    tintype purge --tag h-photos.example --soft       mark stale: served once more, and renewed\n\n\
    The server is the one of these settings, or that of --admin; it asks for its TINTYPE_ADMIN_TOKEN. \
    When this ends well the purge holds, also after a restart of the server, and for pictures that \
    were just being made. A purge by prefix compares with names as the server writes them: hosts in lower case, \
    signatures of presigned links left out. An empty prefix names everything.")]
pub struct PurgeArgs {
    /// URLs of pictures or below mounts, or their paths, signed or not; whatever they were negotiated to
    #[arg(long, value_name = "URL", num_args = 1..)]
    url: Vec<String>,
    /// Sources as they stand in URLs, such as `https://…`, `local:///…`, `s3://bucket/key`
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    source: Vec<String>,
    /// Beginnings of sources, such as `https://host/folder/`
    #[arg(long, value_name = "PREFIX", num_args = 1..)]
    prefix: Vec<String>,
    /// Tags, such as `s-…`, `h-HOST`, `p-PRESET`
    #[arg(long, value_name = "TAG", num_args = 1..)]
    tag: Vec<String>,
    /// Mark stale instead of taking away
    #[arg(long)]
    soft: bool,
    /// Where the server's operations are, such as `http://127.0.0.1:8081`; without it, what `admin.listen` says
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// A file with the token; without it, what `TINTYPE_ADMIN_TOKEN` or the file of settings says
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print the server's report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
struct Answered {
    status: u16,
    body: Vec<u8>,
}

/// How long the server may take to answer the call, and to have its disk say that the purge is written down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Sends the order and prints the report.
pub fn run(args: &PurgeArgs) -> anyhow::Result<()> {
    let config = args.settings.load()?;
    let server = server(args.admin.as_deref(), &config)?;
    let token = token(args, &config)?;
    let order = json!({
        "urls": args.url,
        "sources": args.source,
        "prefixes": args.prefix,
        "tags": args.tag,
        "soft": args.soft,
    });
    let answered = post(&server, &token, &order.to_string())
        .with_context(|| format!("no answer from {server}: is the server running, and is this its admin.listen?"))?;
    let report: Value = serde_json::from_slice(&answered.body)
        .map_err(|_| anyhow!("{server} answered {} in a form that is not understood", answered.status))?;
    ensure!(answered.status == 200, "{}", refusal(answered.status, &report));
    if args.json { out::print_json(&report) } else { out::print(&in_words(&report)) }
}

/// Host and port of the operations.
fn server(given: Option<&str>, config: &Config) -> anyhow::Result<String> {
    if let Some(url) = given {
        let rest = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        return match rest {
            Some(rest) if !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']) => {
                let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                Ok(if has_port { rest.to_owned() } else { format!("{rest}:80") })
            }
            _ => bail!("--admin is `{url}`, not of the form http://HOST:PORT"),
        };
    }
    let listen = config.admin.listen.context("admin.listen is empty, so the server has no operations; see --admin")?;
    // A server that listens everywhere is reached here.
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    Ok(SocketAddr::new(host, listen.port()).to_string())
}

fn token(args: &PurgeArgs, config: &Config) -> anyhow::Result<String> {
    let text = match (&args.token_file, &config.admin.token) {
        (Some(file), _) => {
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?
        }
        (None, Some(token)) => String::from_utf8_lossy(token.expose()).into_owned(),
        (None, None) => bail!("no token: set TINTYPE_ADMIN_TOKEN as for the server, or give --token-file"),
    };
    let token = text.trim();
    let is_sendable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    ensure!(is_sendable, "the token is empty, or has characters that cannot stand in a header");
    Ok(token.to_owned())
}

/// One exchange in HTTP/1.0, whose answers end with the connection.
fn post(server: &str, token: &str, body: &str) -> anyhow::Result<Answered> {
    let mut addresses = server.to_socket_addrs()?;
    let address = addresses.next().context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    let len = body.len();
    let head = format!(
        "POST /purge HTTP/1.0\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\
        Content-Type: application/json\r\nContent-Length: {len}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    parsed(&answer).context("it does not speak HTTP")
}

fn parsed(answer: &[u8]) -> Option<Answered> {
    let head_len = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..head_len]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answered { status, body: answer[head_len + 4..].to_vec() })
}

/// The problem document as a person reads it.
fn refusal(status: u16, problem: &Value) -> String {
    let member = |name: &str| problem[name].as_str().unwrap_or_default();
    let mut text = format!("the server refused ({status}): {}", member("title"));
    if !member("detail").is_empty() {
        let _ = write!(text, ": {}", member("detail"));
    }
    if !member("segment").is_empty() {
        let _ = write!(text, "\n  in        {}", member("segment"));
    }
    text
}

fn in_words(report: &Value) -> String {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let done = if report["soft"].as_bool() == Some(true) { "marked stale" } else { "purged" };
    let kept: Vec<(&String, u64)> =
        report["purged"].as_object().into_iter().flatten().map(|(tier, entries)| (tier, count(entries))).collect();
    let total: u64 = kept.iter().map(|(_, entries)| entries).sum();
    let mut text = format!("{done}: {}, by {}\n", number(total, "entry", "entries"), held(count(&report["marks"])));
    let rows: Vec<[String; 2]> = kept.iter().map(|(tier, entries)| [(*tier).clone(), entries.to_string()]).collect();
    text.push_str(&out::aligned(&rows));
    text
}

fn held(marks: u64) -> String {
    format!(
        "{} that {} for all that began before",
        number(marks, "mark", "marks"),
        if marks == 1 { "holds" } else { "hold" }
    )
}

fn number(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_the_one_given_or_the_one_of_the_settings() {
        let config = crate::config::load(None, std::iter::empty(), &[]).unwrap();
        assert_eq!(server(None, &config).unwrap(), "127.0.0.1:8081");
        let mut everywhere = config.clone();
        everywhere.admin.listen = Some(([0, 0, 0, 0], 9000).into());
        assert_eq!(server(None, &everywhere).unwrap(), "127.0.0.1:9000");
        everywhere.admin.listen = None;
        assert!(server(None, &everywhere).is_err());
        for (url, address) in [
            ("http://a.example:81", Some("a.example:81")),
            ("http://a.example:81/", Some("a.example:81")),
            ("http://a.example", Some("a.example:80")),
            ("http://[::1]:81", Some("[::1]:81")),
            ("http://[::1]", Some("[::1]:80")),
            ("https://a.example", None),
            ("a.example:81", None),
            ("http://a/purge", None),
            ("http://", None),
        ] {
            assert_eq!(server(Some(url), &config).ok().as_deref(), address, "{url}");
        }
    }

    #[test]
    fn answers_are_taken_apart() {
        let answered = parsed(b"HTTP/1.0 503 Service Unavailable\r\na: b\r\n\r\n{}").unwrap();
        assert_eq!(answered, Answered { status: 503, body: b"{}".to_vec() });
        for broken in [&b""[..], b"HTTP/1.0 200 OK\r\n", b"SSH-2.0\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 x\r\n\r\n"]
        {
            assert_eq!(parsed(broken), None);
        }
    }

    #[test]
    fn reports_are_sentences() {
        let report = json!({"purged": {"memory": 1, "originals_memory": 0}, "marks": 1, "soft": false});
        let text = "purged: 1 entry, by 1 mark that holds for all that began before\n  memory            1\n  \
            originals_memory  0\n";
        assert_eq!(in_words(&report), text);
        let soft = json!({"purged": {"memory": 2}, "marks": 2, "soft": true});
        assert!(in_words(&soft).starts_with("marked stale: 2 entries, by 2 marks that hold for"));
    }
}
