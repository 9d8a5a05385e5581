#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod comparison;
mod config;
mod detail;
mod digest;
mod divergence;
mod forms;
mod history;
mod inputs;
mod lockstep;
mod log;
mod mismatch;
mod outcome;
mod record;
mod report;
mod run;
mod shadow;
mod standing;
mod step;
mod step_side;
mod stepped;
mod suspect;
mod trail;
mod value;
mod verdict;
mod window;

pub use comparison::{SideRun, compare_call_results};
pub use config::{HaltPair, Halts, Rejections, ShadowConfig, ShadowMode, Side, StepMismatch, Tolerance};
pub use detail::{Detail, GasSplit, SideDetail, SlotDetail};
pub use divergence::{Divergence, PathItem, Place, Suspect};
pub use forms::{Form, compare_engines_in_forms, compare_forms};
pub use history::Earlier;
pub use inputs::input_names;
pub use lockstep::lockstep;
pub use log::{Bounds, MessageLog, Recorded};
pub use mismatch::{Cause, Field, Mismatch};
pub use record::SideBySideStep;
pub use run::{RunLimits, SideBySide, SideBySideRun, compare_engines, run_both_per_call, run_both_per_step};
pub use shadow::{Compared, Shadow};
pub use standing::place_of_panic;
pub use step::{compare_step, compare_step_end};
pub use step_side::StepSide;
pub use trail::Trail;
pub use value::Value;
pub use verdict::Verdict;
pub use window::Row;
