#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod cells;
mod columns;
mod row;
mod tracer;

pub use tracer::{Finished, ParquetTracer, Place};
