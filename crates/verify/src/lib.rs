//! The state of a device and its transitions: state, code and time in, verdict and next state out.
