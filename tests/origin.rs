//! The room `origin` from outside: real sockets, a scripted HTTP server with faults, an S3 server that checks
//! signatures, a name server, and folders with traps.

mod origin {
    mod bucket;
    mod folders;
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
