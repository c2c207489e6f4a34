//! The command line from outside: the real program, run with its own environment, judged by what it prints, what it
//! writes and how it ends.

mod machine;
mod pages;
mod pictures;
mod settings;
mod support;
mod urls;
