//! The command that makes sense next, for the last line of every answer. Pure.

use windlass_core::view::{EnvironmentView, View};

/// What one would type next.
pub(super) fn of(view: &View) -> String {
    let first = |wanted: fn(&EnvironmentView) -> bool| {
        view.environments.iter().find(|environment| wanted(environment))
    };
    if let Some(waiting) = first(|environment| environment.waits_for_person) {
        let name = &waiting.name;
        if waiting.commands.iter().any(|command| command == "approve") {
            return format!(
                "windlass approve {name} --comment \"...\"   (windlass plan {name} shows what it changes)"
            );
        }
        return format!("windlass why {name}");
    }
    if let Some(moving) = first(|environment| !environment.settled) {
        return format!(
            "windlass status --follow   (windlass why {} says what it waits for)",
            moving.name
        );
    }
    if let Some(held) = first(|environment| !environment.holds.is_empty()) {
        return format!("windlass why {}", held.name);
    }
    "git push, then windlass status --follow".to_owned()
}

#[cfg(test)]
mod tests {
    use windlass_core::view::{EnvironmentView, View};

    #[test]
    fn the_next_command_is_for_what_waits_for_a_person_first() {
        let environment = |name: &str, waits_for_person, settled| EnvironmentView {
            name: name.to_owned(),
            waits_for_person,
            settled,
            commands: vec!["approve".to_owned()],
            ..EnvironmentView::default()
        };
        let next = |environments| {
            super::of(&View {
                environments,
                ..View::default()
            })
        };
        assert!(
            next(vec![
                environment("staging", false, false),
                environment("production", true, true)
            ])
            .starts_with("windlass approve production")
        );
        assert!(next(vec![environment("staging", false, false)]).contains("windlass why staging"));
        assert!(next(vec![environment("staging", false, true)]).starts_with("git push"));
    }
}
