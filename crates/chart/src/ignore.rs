//! .helmignore: which files of a folder are no part of the chart.

use crate::path_match::Pattern;

/// The rules of one chart.
#[derive(Debug, Clone)]
pub struct Rules(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    directories_only: bool,
    /// Held against the whole path instead of the last name.
    whole_path: bool,
}

impl Rules {
    /// The rules that `text` lists, and Helm's own: nothing hidden in `templates/`.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut rules = Self(Vec::new());
        for line in text.trim_start_matches('\u{FEFF}').lines() {
            rules.add(line)?;
        }
        rules.add("templates/.?*")?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let rule = line.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(());
        }
        if rule.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |it| (true, it));
        let (directories_only, rule) = rule.strip_suffix('/').map_or((false, rule), |it| (true, it));
        let (whole_path, rule) = match rule.strip_prefix('/') {
            Some(rule) => (true, rule),
            None => (rule.contains('/'), rule),
        };
        let pattern = Pattern::new(rule).ok_or("syntax error in pattern")?;
        self.0.push(Rule {
            pattern,
            negated,
            directories_only,
            whole_path,
        });
        Ok(())
    }

    /// Whether a path, relative to the chart's root, is left out.
    pub fn ignores_file(&self, path: &str) -> bool {
        self.ignores(path, false)
    }

    /// Whether a folder, relative to the chart's root, is left out with all that is in it.
    pub fn ignores_folder(&self, path: &str) -> bool {
        self.ignores(path, true)
    }

    fn ignores(&self, path: &str, is_folder: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.0 {
            let name = if rule.whole_path {
                path
            } else {
                path.rsplit('/').next().unwrap_or(path)
            };
            let matches = rule.pattern.matches(name);
            if rule.negated {
                if rule.directories_only && !is_folder || !matches {
                    return true;
                }
            } else if matches && (!rule.directories_only || is_folder) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_ignore_what_helm_ignores() {
        for (rule, path, folder, expected) in [
            ("helm.txt", "helm.txt", false, true),
            ("helm.*", "helm.txt", false, true),
            ("*.txt", "mast/a.txt", false, true),
            ("/*.txt", "mast/a.txt", false, false),
            ("/*.txt", "a.txt", false, true),
            ("cargo/*.txt", "cargo/a.txt", false, true),
            ("cargo/", "cargo", true, true),
            ("cargo/", "cargo", false, false),
            ("!helm.txt", "tiller.txt", false, true),
            ("!helm.txt", "helm.txt", false, false),
            ("", "templates/.dotfile", false, true),
            ("[a-c].txt", "b.txt", false, true),
            ("a[^b].txt", "ab.txt", false, false),
        ] {
            let rules = Rules::read(rule).unwrap();
            let ignores = if folder {
                rules.ignores_folder(path)
            } else {
                rules.ignores_file(path)
            };
            assert_eq!(ignores, expected, "{rule} {path}");
        }
        assert!(Rules::read("a/**").is_err());
    }
}
