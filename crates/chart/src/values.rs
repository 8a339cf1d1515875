//! Values: the user's over the parent's over the chart's own.

pub(crate) mod coalesce;
