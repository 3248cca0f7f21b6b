//! HTTP over the use cases: status mapping, limits, drain.
