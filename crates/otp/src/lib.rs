//! RFC 4226 and RFC 6238 arithmetic without a clock, a heap or a text format.
