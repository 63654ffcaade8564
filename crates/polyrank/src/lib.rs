//! One ranking model for many objectives, from Rust: describe a table, compose a network, train it, score with it.
//!
//! ```
//! use std::path::Path;
//!
//! use polyrank::blocks::{InputBlock, MlpBlock, MmoeBlock, Model, OutputBlock, Training};
//! use polyrank::{Column, Predictor, Schema, Source, Tag};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("polyrank-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let rows = folder.join("rows.csv");
//! # let line = |i: u32| format!("u{},i{},{},{}\n", i % 9, i % 7, u32::from(i % 3 == 0), u32::from(i % 5 == 0));
//! # std::fs::write(&rows, format!("user_id,item_id,click,like\n{}", (0..200).map(line).collect::<String>()))?;
//! # let (rows, run) = (rows.display().to_string(), folder.join("run"));
//! let schema = Schema::new(vec![
//!     Column::new("user_id").with_tags([Tag::User, Tag::Id]),
//!     Column::new("item_id").with_tags([Tag::Item, Tag::Id]),
//!     Column::new("click").with_tags([Tag::Target, Tag::Binary]),
//!     Column::new("like").with_tags([Tag::Target, Tag::Binary]),
//! ])?;
//! let model = Model::new(
//!     InputBlock::new(&schema),
//!     MmoeBlock::new(MlpBlock::new([64]), 4),
//!     OutputBlock::new(&schema).task_blocks(MlpBlock::new([32])),
//! );
//! let trained = model.fit(&Training::on([rows.as_str()]).epochs(2).optimizer("adam"), &run)?;
//!
//! let predictor = Predictor::load(&trained.bundle)?;
//! let config = predictor.config();
//! let source = Source::open(&[rows], Path::new("."), &config.data.reading)?;
//! for rows in source.rows(&config.columns_needed(false), 8192)? {
//!     let scores = predictor.score(&rows?.batch)?; // [B, T]
//!     assert!(scores.task(0).iter().all(|click| (0.0..=1.0).contains(click)));
//! }
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! [`blocks`] writes a configuration and reads it as any other, so that a network composed here and the same one in TOML
//! are one and the same to the bit; [`polyrank_schema::parse`] reads TOML.

pub mod blocks;

pub use polyrank_data::read::Source;
pub use polyrank_model::{ModelError, Predictor, Scores, bundle, registry};
pub use polyrank_schema::table::{Bounds, Domain, SchemaError, ValueCount, ValueType};
pub use polyrank_schema::{Column, Config, ConfigErrors, Preset, Schema, Select, SetOverride, Tag, parse};
pub use polyrank_train::{Event, RunOptions, RunResult, TrainError, run};
