//! In which order objects come, and in which they go.

use windlass_core::object::{HookPhase, Object};
use windlass_core::plan::{sync_wave, wave};
use windlass_core::reference::Reference;

use super::super::{Suite, argument, unknown};
use super::hook::{is_hook, policies, types};
use super::{PRELUDE, UNSTRUCTURED, helper, object, object_method};
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

pub(in crate::tables::suite) const WAVES: Suite = Suite {
    name: "waves",
    folder: "gitops-engine/pkg/sync/syncwaves",
    files: &["waves_test.go"],
    prelude: PRELUDE,
    functions: &[
        "Wave",
        "Weight",
        "sort.Sort",
        "newTestSyncCtx",
        "groupResources",
        "context.Background",
        "testingutils.NewPod",
        "testingutils.NewCRD",
        "testingutils.NewNamespace",
        "testingutils.Annotate",
    ],
    helpers: &[
        "newTestSyncCtx",
        "groupResources",
        "context.Background",
        "testingutils.NewPod",
        "testingutils.NewCRD",
        "testingutils.NewNamespace",
        "testingutils.Annotate",
    ],
    methods: &[
        ("", "Sort"),
        ("syncTask", "wave"),
        ("syncTask", "hookType"),
        ("syncTask", "hasHookDeletePolicy"),
    ],
    call,
    method,
    only: "",
    explained: &[],
    left_out: &[],
};

pub(in crate::tables::suite) const WEIGHTS: Suite = Suite {
    name: "weights",
    folder: "gitops-engine/pkg/sync/hook/helm",
    files: &["weight_test.go"],
    ..WAVES
};

pub(in crate::tables::suite) const TASKS: Suite = Suite {
    name: "tasks",
    folder: "gitops-engine/pkg/sync",
    files: &["sync_task_test.go", "helper_test.go"],
    left_out: &[
        (
            "Test_syncTask_deleteOnPhaseCompletion",
            "Windlass keeps a Job that ran as the record of it",
        ),
        (
            "Test_syncTask_deleteBeforeCreation",
            "it looks at what is there, which the driver does by itself",
        ),
    ],
    ..WAVES
};

const CUSTOM: &str = "Windlass applies custom objects before workloads, Argo CD after everything: a pod that misses a Secret \
which an ExternalSecret or a Certificate makes is a failed release here";
const NAMESPACES: &str =
    "an environment has one namespace, and the driver makes it before everything else, hooks too";

pub(in crate::tables::suite) const ORDER: Suite = Suite {
    name: "order",
    folder: "gitops-engine/pkg/sync",
    files: &["sync_tasks_test.go"],
    explained: &[
        ("TestSortSyncTask", CUSTOM),
        ("TestSyncTasksSort_NamespaceAndObjectInNamespace", NAMESPACES),
    ],
    left_out: &[
        (
            "Test_syncTasks_kindOrder",
            "it looks at a private table of numbers",
        ),
        ("TestAnySyncTasks", "it tests a list's own function"),
        ("TestAllSyncTasks", "it tests a list's own function"),
        ("TestSplitSyncTasks", "it tests a list's own function"),
        ("Test_syncTasks_Filter", "it tests a list's own function"),
        ("Test_syncTasks_multiStep", "it tests a list's own function"),
    ],
    ..WAVES
};

pub(in crate::tables::suite) const PRUNE: Suite = Suite {
    name: "prune order",
    folder: "gitops-engine/pkg/sync",
    files: &["sync_context_test.go"],
    methods: &[("syncContext", "getSyncTasks")],
    only: "TestWaveReorderingOfPruneTasks",
    ..WAVES
};

fn call(_: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    let of = argument(arguments, 0);
    if let Some(made) = helper(name, arguments) {
        return Ok(made);
    }
    Ok(match name {
        "Wave" | "Weight" => Val::Int(object(&of).map_or(0, |it| sync_wave(&it).into())),
        "sort.Sort" => {
            sort(&of);
            Val::Nil
        }
        "newTestSyncCtx" => Val::object("syncContext", [("pruneLast", Val::Bool(false))]),
        "groupResources" => of,
        "context.Background" => Val::Nil,
        _ => return unknown(name),
    })
}

fn method(_: &mut Runner<'_>, of: &Val, name: &str, arguments: &[Val]) -> Run<Val> {
    let kind = match of {
        Val::Struct(it) => it.kind.as_str(),
        _ => "",
    };
    match (kind, name) {
        ("", "Sort") => {
            sort(of);
            Ok(Val::Nil)
        }
        ("syncTask", "wave") => Ok(match of.field("slot") {
            Val::Int(slot) => Val::Int(slot),
            _ => Val::Int(object(&subject(of)).map_or(0, |it| sync_wave(&it).into())),
        }),
        ("syncTask", "name") => Ok(object_method(&subject(of), "GetName", &[]).unwrap_or(Val::Nil)),
        ("syncTask", "hookType") => {
            let phase = of.field("phase").as_text();
            let is = is_hook(&subject(of)) && types(&subject(of)).contains(&phase.as_str());
            Ok(Val::text(if is { &phase } else { "" }))
        }
        ("syncTask", "hasHookDeletePolicy") => {
            let wanted = argument(arguments, 0).as_text();
            let has = policies(&subject(of)).contains(&wanted.as_str());
            Ok(Val::Bool(is_hook(&subject(of)) && has))
        }
        ("syncContext", "getSyncTasks") => Ok(Val::Many(vec![tasks(of), Val::Bool(true)])),
        (UNSTRUCTURED, _) => {
            object_method(of, name, arguments).map_or_else(|| unknown(&format!("an object's {name}")), Ok)
        }
        _ => unknown(&format!("{}.{name}", of.show())),
    }
}

/// The object of a task.
fn subject(task: &Val) -> Val {
    match task.field("targetObj") {
        Val::Nil => task.field("liveObj"),
        target => target,
    }
}

/// As a deployment brings objects: definitions, then phase by phase, wave by wave.
fn sort(tasks: &Val) {
    let Val::List(items) = tasks else { return };
    let key = |task: &Val| {
        let object = object(&subject(task));
        let phase = match task.field("phase").as_text().as_str() {
            "PreSync" => HookPhase::PreSync,
            "PostSync" => HookPhase::PostSync,
            "SyncFail" => HookPhase::SyncFail,
            _ => HookPhase::Sync,
        };
        let definition = object
            .as_ref()
            .is_some_and(|it| it.is("apiextensions.k8s.io", "CustomResourceDefinition"));
        let place: Option<(i32, Reference)> = object.map(|it: Object| (wave(&it), it.reference()));
        (!definition, phase, place)
    };
    items.borrow_mut().sort_by_key(key);
}

/// What a sync applies, and what it deletes. Argo CD deletes within its waves, Windlass after them: the first to go has the
/// first of the waves that are deleted in, and so on.
fn tasks(context: &Val) -> Val {
    let resources = context.field("resources");
    let (targets, lives) = (resources.field("Target").items(), resources.field("Live").items());
    let mut found = Vec::new();
    let mut going = Vec::new();
    for (target, live) in targets.iter().zip(&lives) {
        if target.is_nil() {
            going.push(live.clone());
        } else {
            let fields = [("targetObj", target.clone()), ("liveObj", live.clone())];
            found.push(Val::object("syncTask", fields));
        }
    }
    let step = |of: &Val| object(of).map_or(0, |it| sync_wave(&it));
    let last = targets.iter().chain(&lives).filter(|it| !it.is_nil()).map(step);
    let last = last.max().unwrap_or(0) + 1;
    let mut slots: Vec<i32> = going.iter().map(step).collect();
    slots.sort_unstable();
    slots.dedup();
    // As the driver takes them away: the latest wave first.
    let mut order: Vec<(i32, Val)> = going
        .into_iter()
        .filter_map(|it| Some((wave(&object(&it)?), it)))
        .collect();
    order.sort_by_key(|it| std::cmp::Reverse(it.0));
    let mut groups: Vec<i32> = Vec::new();
    for (_, one) in order {
        let own = step(&one);
        if groups.last() != Some(&own) {
            groups.push(own);
        }
        let at = groups.len() - 1;
        let alone = object(&one).and_then(|it| {
            it.annotation("argocd.argoproj.io/sync-options")
                .map(str::to_owned)
        });
        let is_last =
            context.field("pruneLast") == Val::Bool(true) || alone.is_some_and(|it| it == "PruneLast=true");
        let slot = if is_last {
            last
        } else {
            slots.get(at).copied().unwrap_or(last)
        };
        let fields = [("liveObj", one), ("slot", Val::Int(slot.into()))];
        found.push(Val::object("syncTask", fields));
    }
    Val::list(found)
}
