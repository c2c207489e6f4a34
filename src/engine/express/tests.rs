//! The express route beside the general one.
