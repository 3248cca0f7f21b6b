//! The records, the traits every engine keeps, and the suite that proves it.
