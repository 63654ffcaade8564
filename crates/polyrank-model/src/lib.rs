//! Architectures composed of engine ops, the bundle on disk, and the predictor.
