//! The use cases, one file each, and the lanes that batch verifications.
