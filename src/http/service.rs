//! What stands behind the sockets: the flow that answers image requests, and pages beside it. Contract: `http` knows
//! the flow only through [`Service`], so that its tests need neither an origin nor an engine.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Method, Response};

use crate::flow::mount::Mounts;
use crate::flow::{Answer, Ask, Failure};

/// Answers image requests.
pub trait Service: Send + Sync + 'static {
    /// One request from its path to its bytes. Dropped when the client goes away: shared work lives in tasks of its
    /// own.
    fn answer(&self, ask: Ask) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// What stands before the signature in every path, with one leading and no trailing slash; empty for nothing.
    #[expect(clippy::unnecessary_literal_bound, reason = "an implementation may keep its own text")]
    fn prefix(&self) -> &str {
        ""
    }

    /// The pass-through mounts beside the images, where there are any.
    fn mounts(&self) -> Option<&Arc<Mounts>> {
        None
    }

    /// The refusal of a request that comes back to this server, by what its header says of its way.
    fn looped(&self, _headers: &HeaderMap) -> Option<Failure> {
        None
    }

    /// A path as it may stand in a log: without its signature, without the query of the source, which is where
    /// credentials of a presigned URL are, and without a user in its address. A base64 source is shown decoded for
    /// that; what cannot be decoded is not shown.
    fn shown_path(&self, path: &str) -> String {
        let path = path.strip_prefix(self.prefix()).unwrap_or(path);
        let unsigned = path.strip_prefix('/').and_then(|path| path.split_once('/')).map(|(_, rest)| rest);
        let Some(rest) = unsigned else { return path.to_owned() };
        let options_len = rest.split_inclusive('/').take_while(|segment| segment.contains(':')).map(str::len).sum();
        let (options, source) = rest.split_at(options_len);
        let (shown, is_cut) = if source.starts_with("plain/") || source.contains("/plain/") {
            let query = ["%3F", "%3f"].iter().filter_map(|mark| source.find(mark)).min();
            (source[..query.unwrap_or(source.len())].to_owned(), query.is_some())
        } else {
            let decoded = decoded(source).unwrap_or_default();
            (decoded.split('?').next().unwrap_or_default().to_owned(), decoded.is_empty() || decoded.contains('?'))
        };
        format!("/…/{options}{}{}", without_user(&shown), if is_cut { "…" } else { "" })
    }
}

/// A source without what stands before its host; nothing is fetched by such a source, but it may hold a password.
fn without_user(source: &str) -> Cow<'_, str> {
    let Some(at) = source.find("://").map(|at| at + 3) else { return Cow::Borrowed(source) };
    let authority = &source[at..];
    let authority = &authority[..authority.find(['/', '\\']).unwrap_or(authority.len())];
    let ends = ["@", "%40"].iter().filter_map(|mark| authority.rfind(mark));
    match ends.max() {
        Some(user) => Cow::Owned(format!("{}…{}", &source[..at], &source[at + user..])),
        None => Cow::Borrowed(source),
    }
}

/// The text of a base64 source, its slashes and its extension left out.
fn decoded(source: &str) -> Option<String> {
    let text = source.replace('/', "");
    let text = text.split('.').next().unwrap_or_default().trim_end_matches('=');
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

impl Service for Arc<crate::flow::Flow> {
    fn answer(&self, ask: Ask) -> impl Future<Output = Result<Answer, Failure>> + Send {
        crate::flow::Flow::answer(self, ask)
    }

    fn prefix(&self) -> &str {
        self.path_prefix()
    }

    fn looped(&self, headers: &HeaderMap) -> Option<Failure> {
        crate::flow::Flow::looped(self, headers)
    }

    fn mounts(&self) -> Option<&Arc<Mounts>> {
        Some(crate::flow::Flow::mounts(self))
    }
}

/// Pages beside the images on the main listener, such as a playground.
pub trait Extra: Send + Sync + 'static {
    /// The page at this path, or `None` where it is not one of ours. Asked before anything else for every method but
    /// `OPTIONS`. Headers it sets are kept; the ones that every answer carries are added where it left them out. The
    /// body of an answer to `HEAD` is cut off. A failure becomes a problem document like any other.
    fn route(&self, method: &Method, path: &str, query: Option<&str>) -> Option<Result<Response<Bytes>, Failure>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deaf;

    impl Service for Deaf {
        async fn answer(&self, _: Ask) -> Result<Answer, Failure> {
            Err(Failure::new(500, "deaf", "deaf", ""))
        }
    }

    struct Mounted(&'static str);

    impl Service for Mounted {
        async fn answer(&self, _: Ask) -> Result<Answer, Failure> {
            Err(Failure::new(500, "mounted", "mounted", ""))
        }

        fn prefix(&self) -> &str {
            self.0
        }
    }

    #[test]
    fn the_signature_behind_a_prefix_is_not_shown() {
        let mounted = Mounted("/img");
        assert_eq!(mounted.shown_path("/img/SECRET/w:1/plain/a.jpg"), "/…/w:1/plain/a.jpg");
        assert_eq!(mounted.shown_path("/SECRET/w:1/plain/a.jpg"), "/…/w:1/plain/a.jpg");
    }

    #[test]
    fn neither_signatures_nor_presigned_queries_are_shown() {
        for (path, shown) in [
            ("/SECRET/w:100/plain/http://a/b.jpg", "/…/w:100/plain/http://a/b.jpg"),
            ("/SECRET/plain/http://a/b%3FX-Amz-Signature=SECRET@webp", "/…/plain/http://a/b…"),
            ("/SECRET/plain/b%3fSECRET%3FSECRET", "/…/plain/b…"),
            ("/SECRET/w:1/h:2/aHR0cDovL2EvYi5qcGc_U0VDUkVU.webp", "/…/w:1/h:2/http://a/b.jpg…"),
            ("/SECRET/w:1/aHR0cDov/L2EvYi5qcGc=.webp", "/…/w:1/http://a/b.jpg"),
            ("/SECRET/w:1/aHR0cDovL2EvYi5qcGc_U0VDUkVU_", "/…/w:1/…"),
            ("/SECRET/w:1/", "/…/w:1/…"),
            ("/SECRET/plain/http://me:SECRET@a/b@c.jpg", "/…/plain/http://…@a/b@c.jpg"),
            ("/SECRET/plain/http://me:SECRET%40a/b.jpg", "/…/plain/http://…%40a/b.jpg"),
            ("/SECRET/aHR0cDovL21lOlNFQ1JFVEBhL2I", "/…/http://…@a/b"),
            ("/robots.txt", "/robots.txt"),
            ("*", "*"),
        ] {
            assert_eq!(Deaf.shown_path(path), shown);
        }
    }
}
