//! What makes an object a hook, when it runs, and when it is deleted.

use windlass_core::object::{DeletePolicy, HookPhase};

use super::super::{Suite, argument, unknown};
use super::{HELPERS, PRELUDE, UNSTRUCTURED, annotate, helper, object, object_method};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

pub(in crate::tables::suite) const HOOKS: Suite = Suite {
    name: "hooks",
    folder: "gitops-engine/pkg/sync/hook",
    files: &["hook_test.go"],
    prelude: PRELUDE,
    functions: &[
        "IsHook",
        "Skip",
        "Types",
        "DeletePolicies",
        "testingutils.NewPod",
        "testingutils.NewCRD",
        "testingutils.NewNamespace",
        "testingutils.Annotate",
    ],
    helpers: HELPERS,
    methods: &[],
    call,
    method,
    only: "",
    explained: &[],
    left_out: &[],
};

pub(in crate::tables::suite) const POLICIES: Suite = Suite {
    name: "delete policies",
    files: &["delete_policy_test.go"],
    ..HOOKS
};

pub(in crate::tables::suite) const PHASES: Suite = Suite {
    name: "phases",
    folder: "gitops-engine/pkg/sync",
    files: &["sync_phase_test.go"],
    functions: &[
        "syncPhases",
        "testingutils.NewPod",
        "testingutils.NewCRD",
        "testingutils.NewNamespace",
        "testingutils.Annotate",
    ],
    ..HOOKS
};

pub(in crate::tables::suite) const WORDS: Suite = Suite {
    name: "words",
    folder: "gitops-engine/pkg/sync/common",
    files: &["types_test.go"],
    functions: &["NewHookType", "NewHookDeletePolicy"],
    helpers: &[],
    ..HOOKS
};

fn call(_: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let of = argument(arguments, 0);
    if let Some(made) = helper(name, arguments) {
        return Ok(made);
    }
    Ok(match name {
        "IsHook" => Val::Bool(is_hook(&of)),
        "Skip" => Val::Bool(types(&of) == ["Skip"]),
        "Types" => texts(&types(&of)),
        "syncPhases" => {
            let hook = object(&of).and_then(|it| it.hook());
            match hook {
                None => Val::list(vec![Val::text("Sync")]),
                Some(_) => {
                    let phases: Vec<&str> = types(&of).into_iter().filter(|it| *it != "Skip").collect();
                    texts(&phases)
                }
            }
        }
        "DeletePolicies" => texts(&policies(&of)),
        "NewHookType" => {
            let made = made("argocd.argoproj.io/hook", &of);
            answer(types(&made).first().copied())
        }
        "NewHookDeletePolicy" => {
            let made = made("argocd.argoproj.io/hook", &Val::text("Sync"));
            annotate(
                &made,
                &Val::text("argocd.argoproj.io/hook-delete-policy"),
                &Val::text("none"),
            );
            let none = policies(&made);
            annotate(&made, &Val::text("argocd.argoproj.io/hook-delete-policy"), &of);
            let found = policies(&made);
            // The default is not an answer to a word that is not known.
            let word = found.first().copied();
            answer(word.filter(|it| found != none || of.as_text() == *it))
        }
        _ => return unknown(name),
    })
}

fn made(key: &str, value: &Val) -> Val {
    let pod = helper("testingutils.NewPod", &[]).unwrap_or(Val::Nil);
    annotate(&pod, &Val::text(key), value);
    pod
}

fn answer(word: Option<&str>) -> Val {
    Val::Many(vec![
        Val::text(word.unwrap_or_default()),
        Val::Bool(word.is_some()),
    ])
}

pub(super) fn is_hook(of: &Val) -> bool {
    let hook = object(of).and_then(|it| it.hook());
    hook.is_some_and(|it| it.phases != [HookPhase::Skip])
}

/// Argo CD's words for our phases.
pub(super) fn types(of: &Val) -> Vec<&'static str> {
    let hook = object(of).and_then(|it| it.hook());
    let mut words: Vec<&str> = hook
        .map(|it| it.phases)
        .unwrap_or_default()
        .iter()
        .filter_map(|phase| {
            Some(match phase {
                HookPhase::PreSync | HookPhase::PreInstall | HookPhase::PreUpgrade => "PreSync",
                HookPhase::Sync => "Sync",
                HookPhase::PostSync | HookPhase::PostInstall | HookPhase::PostUpgrade => "PostSync",
                HookPhase::SyncFail => "SyncFail",
                HookPhase::PreDelete => "PreDelete",
                HookPhase::PostDelete => "PostDelete",
                HookPhase::Skip => "Skip",
                // Helm's alone.
                HookPhase::PreRollback | HookPhase::PostRollback | HookPhase::Test => return None,
            })
        })
        .collect();
    words.dedup();
    words
}

/// Policies are of hooks: what is none is taken for one.
pub(super) fn policies(of: &Val) -> Vec<&'static str> {
    let hook = object(of).and_then(|it| {
        it.hook().or_else(|| {
            let helm = it.annotation("helm.sh/hook-delete-policy").is_some();
            let (key, word) = if helm {
                ("helm.sh/hook", "pre-install")
            } else {
                ("argocd.argoproj.io/hook", "Sync")
            };
            it.edited(|value| value["metadata"]["annotations"][key] = word.into())
                .ok()?
                .hook()
        })
    });
    let words = hook.map(|it| it.delete).unwrap_or_default();
    words
        .iter()
        .map(|it| match it {
            DeletePolicy::BeforeCreation => "BeforeHookCreation",
            DeletePolicy::Succeeded => "HookSucceeded",
            DeletePolicy::Failed => "HookFailed",
        })
        .collect()
}

fn texts(words: &[&str]) -> Val {
    if words.is_empty() {
        return Val::Nil;
    }
    Val::list(words.iter().map(|it| Val::text(it)).collect())
}

pub(super) fn method(_: &mut Runner<'_>, of: &Val, name: &str, arguments: &[Val]) -> Run<Val> {
    let is_object = matches!(of, Val::Struct(it) if it.kind == UNSTRUCTURED);
    match object_method(of, name, arguments).filter(|_| is_object) {
        Some(value) => Ok(value),
        None => unknown(&format!("{}.{name}", of.show())),
    }
}
