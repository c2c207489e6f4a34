//! The engine from bytes to files.
