//! One meaning, one text.
