//! What an untrusted chart may cost. A limit that is passed is an error that names it.

/// Hard limits of one load and one render.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of all files of a chart with its dependencies, unpacked.
    pub input_bytes_max: usize,
    /// Files of a chart with its dependencies.
    pub files_max: usize,
    /// Bytes of all that one render writes, text in between included.
    pub output_bytes_max: usize,
    /// Nodes of one YAML document, aliases expanded.
    pub yaml_nodes_max: usize,
    /// Nesting of one YAML document.
    pub yaml_depth_max: usize,
    /// Templates within templates.
    pub template_depth_max: usize,
    /// Steps of one render: nodes walked, calls made, rounds of loops.
    pub steps_max: u64,
    /// Items of a list that a function makes of numbers (`until`, `seq`, `repeat` counts bytes of output).
    pub list_items_max: u64,
    /// Charts within charts.
    pub chart_depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes_max: 100 << 20,
            files_max: 20_000,
            output_bytes_max: 256 << 20,
            yaml_nodes_max: 4_000_000,
            yaml_depth_max: 250,
            template_depth_max: 5_000,
            steps_max: 100_000_000,
            list_items_max: 10_000_000,
            chart_depth_max: 16,
        }
    }
}
