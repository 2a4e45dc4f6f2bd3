//! What `alerts.toml` says, whole.

use super::plan::Plan;
use super::rules::Rule;
use super::weights::Weights;
use super::{restrict, volume};
use std::sync::Arc;

/// What `alerts.toml` says, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the arithmetic goes by.
    pub weights: Weights,
    /// The school's own rules.
    pub rules: Arc<[Rule]>,
    /// Who is told, how and when.
    pub plan: Plan,
    /// When access is restricted by itself, if it ever is.
    pub restrict: Option<restrict::Settings>,
    /// What is unusually much.
    pub volume: volume::Settings,
    /// That nobody would be told of danger, if that is so: shown in red wherever Usher speaks.
    pub red: Option<String>,
    /// What else somebody should know: steps of ladders to nobody, danger that reaches nobody, rules for groups without anybody.
    pub remarks: Vec<String>,
}
