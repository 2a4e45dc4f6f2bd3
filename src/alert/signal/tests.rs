//! What records say of themes.

use super::*;
use crate::alert::weights::Weights;
use crate::audit::Class;
use crate::category::fixture::taxonomy;
use crate::policy::decision::{Said, SnapshotId};
use crate::policy::tests::policy_for;
use proptest::prelude::*;
use std::net::IpAddr;
