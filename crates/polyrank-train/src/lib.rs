//! The training loop, metrics, checkpoints, evaluation and the report.
