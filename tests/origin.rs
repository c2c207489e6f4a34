//! The room `origin` from outside: real sockets, a scripted HTTP server with faults, an S3 server that checks
//! signatures, a name server, and folders with traps.

mod origin {
    mod bucket;
    mod folders;
    #[expect(dead_code, reason = "the spellings are for the tests of the whole server")]
    #[path = "../support/forged.rs"]
    mod forged;
    mod gcs_azure;
    mod guard;
    mod http;
    mod http_faults;
    mod names;
    mod redirects;
    mod s3;
    mod s3_faults;
    mod s3_server;
    mod scripted;
    mod support;
}
