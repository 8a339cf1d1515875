//! Hooks of a release: in the order of their weights, one after the other, and removed as their policies say.

use std::sync::Arc;
use std::time::Duration;

use windlass_chart::Rendered;
use windlass_chart::release::{HookRecord, Record};
use windlass_core::object::Object;
use windlass_kube::{Address, Applying, Cascade};

use super::{MANAGER, Session, manifest, moment, warn};
use crate::clock::now_ms;

const LOG_POLICY: &str = "helm.sh/hook-output-log-policy";
const DEFINITION: &str = "CustomResourceDefinition";
const BEFORE: &str = "before-hook-creation";
const SUCCEEDED: &str = "hook-succeeded";
const FAILED: &str = "hook-failed";

/// The hooks of a render as records keep them.
pub(super) fn of(rendered: &Rendered) -> Vec<HookRecord> {
    let record = |hook: &windlass_chart::Hook| HookRecord {
        output_log_policies: log_policies(&hook.text),
        hook: Some(hook.clone()),
        ..HookRecord::default()
    };
    rendered.hooks.iter().map(record).collect()
}

fn log_policies(text: &str) -> Vec<String> {
    let objects = manifest::objects(text).unwrap_or_default();
    let policies = objects
        .first()
        .and_then(|it| it.annotation(LOG_POLICY))
        .unwrap_or_default();
    let policies = policies.split(',').map(|it| it.trim().to_lowercase());
    policies.filter(|it| !it.is_empty()).collect()
}

/// The places in `hooks` of those that an event runs, in the order in which it runs them.
fn in_order(hooks: &[HookRecord], event: &str) -> Vec<usize> {
    let mut all: Vec<(i64, &str, usize)> = hooks
        .iter()
        .enumerate()
        .filter_map(|(at, it)| {
            let hook = it.hook.as_ref()?;
            hook.events
                .iter()
                .any(|it| it == event)
                .then_some((hook.weight, hook.name.as_str(), at))
        })
        .collect();
    all.sort_unstable();
    all.into_iter().map(|it| it.2).collect()
}

impl Session {
    /// Runs the hooks of an event. When each began and how it ended is written into the record, here and in the cluster.
    pub(super) async fn hooks(
        &self,
        record: &mut Record,
        event: &str,
        timeout: Duration,
    ) -> Result<(), String> {
        let chosen = in_order(&record.hooks, event);
        self.chosen_hooks(record, event, &chosen, timeout).await
    }

    /// As `hooks`, for some of an event.
    pub(super) async fn hooks_where(
        &self,
        record: &mut Record,
        event: &str,
        timeout: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), String> {
        let mut chosen = in_order(&record.hooks, event);
        chosen.retain(|at| record.hooks[*at].hook.as_ref().is_some_and(|it| wanted(&it.name)));
        self.chosen_hooks(record, event, &chosen, timeout).await
    }

    async fn chosen_hooks(
        &self,
        record: &mut Record,
        event: &str,
        chosen: &[usize],
        timeout: Duration,
    ) -> Result<(), String> {
        for (done, at) in chosen.iter().enumerate() {
            if let Err(error) = self.hook(record, event, *at, timeout).await {
                for (at, policy) in [(*at, FAILED)]
                    .into_iter()
                    .chain(chosen[..done].iter().map(|it| (*it, SUCCEEDED)))
                {
                    if let Err(error) = self.remove_hook(record, at, policy, timeout).await {
                        warn(&error);
                    }
                }
                return Err(error);
            }
        }
        for at in chosen.iter().rev() {
            self.show_log(record, *at, SUCCEEDED).await;
            self.remove_hook(record, *at, SUCCEEDED, timeout).await?;
        }
        Ok(())
    }

    async fn hook(
        &self,
        record: &mut Record,
        event: &str,
        at: usize,
        timeout: Duration,
    ) -> Result<(), String> {
        if let Some(hook) = &mut record.hooks[at].hook
            && hook.delete_policies.is_empty()
        {
            hook.delete_policies.push(BEFORE.to_owned());
        }
        self.remove_hook(record, at, BEFORE, timeout).await?;
        let (path, objects) = hook_objects(record, at)?;
        let mut targets = Vec::new();
        for object in &objects {
            let address = self.cluster.locate(object, &record.namespace).await;
            let address = address
                .map_err(|it| format!("unable to build kubernetes object for {event} hook {path}: {it}"))?;
            targets.push((address, Arc::new(object.value().clone())));
        }
        started(&mut record.hooks[at]);
        self.update(record).await?;
        let how = Applying {
            strict: true,
            ..Applying::default()
        };
        let answers = self.cluster.apply_all(MANAGER, &targets, how).await;
        if let Some(refusal) = answers.into_iter().find_map(Result::err) {
            ended(&mut record.hooks[at], "Failed");
            return Err(format!("warning: Hook {event} {path} failed: {refusal}"));
        }
        let addresses: Vec<Address> = targets.into_iter().map(|it| it.0).collect();
        let end = self.until_done(&addresses, timeout).await;
        ended(
            &mut record.hooks[at],
            if end.is_ok() { "Succeeded" } else { "Failed" },
        );
        if end.is_err() {
            self.show_log(record, at, FAILED).await;
        }
        end
    }

    /// Removes what a hook made, if it has this policy, and waits until it is gone: its next run has the same name.
    async fn remove_hook(
        &self,
        record: &Record,
        at: usize,
        policy: &str,
        timeout: Duration,
    ) -> Result<(), String> {
        let Some(hook) = &record.hooks[at].hook else {
            return Ok(());
        };
        if hook.kind == DEFINITION || !hook.delete_policies.iter().any(|it| it == policy) {
            return Ok(());
        }
        let mut addresses = Vec::new();
        for object in &hook_objects(record, at)?.1 {
            addresses.extend(self.address(object, &record.namespace).await);
        }
        for address in &addresses {
            let deleted = self.cluster.delete_object(address, Cascade::Background).await;
            deleted.map_err(|it| format!("hook {} cannot be removed: {it}", hook.path))?;
        }
        self.until_gone(&addresses, timeout).await
    }

    /// Prints what a hook wrote, where its policy asks for that.
    async fn show_log(&self, record: &Record, at: usize, policy: &str) {
        let record_of = &record.hooks[at];
        let Some(hook) = &record_of.hook else {
            return;
        };
        if !record_of.output_log_policies.iter().any(|it| it == policy) {
            return;
        }
        let namespace = namespace_of(record, at);
        let (job, pod) = match hook.kind.as_str() {
            "Job" => (hook.name.as_str(), ""),
            "Pod" => ("", hook.name.as_str()),
            _ => return,
        };
        match self.cluster.written(&namespace, job, pod).await {
            Ok(logs) => {
                for (_, text) in logs {
                    super::complain(&text);
                }
            }
            Err(refusal) => warn(&format!(
                "the log of hook {} cannot be read: {refusal}",
                hook.path
            )),
        }
    }
}

/// The namespace of what a hook makes.
pub(super) fn namespace_of(record: &Record, at: usize) -> String {
    let objects = hook_objects(record, at).map(|it| it.1).unwrap_or_default();
    let namespace = objects.first().and_then(Object::namespace);
    namespace.unwrap_or(&record.namespace).to_owned()
}

fn hook_objects(record: &Record, at: usize) -> Result<(String, Vec<Object>), String> {
    let Some(hook) = &record.hooks[at].hook else {
        return Ok((String::new(), Vec::new()));
    };
    let objects = manifest::objects(&hook.text).map_err(|it| format!("hook {}: {it}", hook.path))?;
    Ok((hook.path.clone(), objects))
}

fn started(hook: &mut HookRecord) {
    hook.started_at = moment::rfc3339(now_ms());
    hook.completed_at.clear();
    "Running".clone_into(&mut hook.phase);
}

fn ended(hook: &mut HookRecord, phase: &str) {
    hook.completed_at = moment::rfc3339(now_ms());
    phase.clone_into(&mut hook.phase);
}

#[cfg(test)]
mod tests {
    use windlass_chart::Hook;

    use super::*;

    fn hook(name: &str, weight: i64, events: &[&str]) -> HookRecord {
        HookRecord {
            hook: Some(Hook {
                name: name.to_owned(),
                weight,
                events: events.iter().map(|it| (*it).to_owned()).collect(),
                kind: "Job".to_owned(),
                path: String::new(),
                text: String::new(),
                delete_policies: Vec::new(),
            }),
            ..HookRecord::default()
        }
    }

    #[test]
    fn hooks_of_an_event_run_by_weight_then_by_name() {
        let hooks = [
            hook("b", 0, &["pre-install"]),
            hook("c", -5, &["pre-install", "pre-upgrade"]),
            hook("a", 0, &["pre-install"]),
            hook("x", -9, &["test"]),
        ];
        assert_eq!(in_order(&hooks, "pre-install"), [1, 2, 0]);
        assert_eq!(in_order(&hooks, "pre-upgrade"), [1]);
        assert_eq!(in_order(&hooks, "post-delete"), [] as [usize; 0]);
    }

    #[test]
    fn when_a_hooks_log_is_shown_is_read_from_its_annotation() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations: {helm.sh/hook-output-log-policy: 'hook-failed, hook-succeeded'}\n";
        assert_eq!(log_policies(text), ["hook-failed", "hook-succeeded"]);
        assert_eq!(
            log_policies("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"),
            [] as [&str; 0]
        );
    }
}
