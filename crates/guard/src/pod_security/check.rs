//! The checks, in the order of the standard's page.

use serde_json::Value;

use super::{Check, Level, Pod, name};

/// Capabilities that `baseline` lets a container add: those that runtimes give anyway.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
/// Kernel settings that belong to the pod alone.
const SYSCTLS: [&str; 14] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];
const SELINUX_TYPES: [&str; 5] = [
    "",
    "container_t",
    "container_init_t",
    "container_kvm_t",
    "container_engine_t",
];
/// Volumes that hold nothing of the node.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// AppArmor profiles were annotations before they were fields.
const APPARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) const ALL: &[Check] = &[
    baseline("windowsHostProcess", windows_host_process),
    baseline("hostNamespaces", host_namespaces),
    baseline("privileged", privileged),
    replaced("capabilities_baseline", capabilities_baseline),
    replaced("hostPathVolumes", host_path_volumes),
    baseline("hostPorts", host_ports),
    baseline("hostProbesAndHostLifecycle", host_probes),
    baseline("appArmorProfile", apparmor),
    baseline("seLinuxOptions", selinux),
    replaced("procMount", proc_mount),
    replaced("seccompProfile_baseline", seccomp_baseline),
    baseline("sysctls", sysctls),
    restricted("restrictedVolumes", restricted_volumes),
    restricted("allowPrivilegeEscalation", escalation),
    restricted("runAsNonRoot", non_root),
    restricted("runAsUser", user),
    restricted("seccompProfile_restricted", seccomp_restricted),
    restricted("capabilities_restricted", capabilities_restricted),
    restricted("procMount_restricted", any_proc_mount),
];

type Failing = fn(Pod<'_>) -> Vec<String>;

const fn baseline(name: &'static str, failing: Failing) -> Check {
    Check {
        name,
        level: Level::Baseline,
        replaced_by_stricter: false,
        failing,
    }
}

const fn replaced(name: &'static str, failing: Failing) -> Check {
    Check {
        replaced_by_stricter: true,
        ..baseline(name, failing)
    }
}

const fn restricted(name: &'static str, failing: Failing) -> Check {
    Check {
        level: Level::Restricted,
        ..baseline(name, failing)
    }
}

fn windows_host_process(pod: Pod<'_>) -> Vec<String> {
    let host = |(_, context): &(String, &Value)| is_true(context.pointer("/windowsOptions/hostProcess"));
    pod.contexts().filter(host).map(|(place, _)| place).collect()
}

fn host_namespaces(pod: Pod<'_>) -> Vec<String> {
    ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| is_true(pod.get(&format!("/spec/{field}"))))
        .map(str::to_owned)
        .collect()
}

fn privileged(pod: Pod<'_>) -> Vec<String> {
    let privileged = |container: &&Value| is_true(container.pointer("/securityContext/privileged"));
    pod.containers().filter(privileged).map(name).collect()
}

fn capabilities_baseline(pod: Pod<'_>) -> Vec<String> {
    let added = pod.containers().flat_map(|container| {
        texts(container.pointer("/securityContext/capabilities/add"))
            .filter(|one| !CAPABILITIES.contains(one))
            .map(move |one| format!("{} adds {one}", name(container)))
    });
    added.collect()
}

fn host_path_volumes(pod: Pod<'_>) -> Vec<String> {
    let of_node = |volume: &&Value| volume.get("hostPath").is_some_and(|path| !path.is_null());
    pod.list("/spec/volumes")
        .filter(of_node)
        .map(volume_name)
        .collect()
}

fn host_ports(pod: Pod<'_>) -> Vec<String> {
    let ports = pod.containers().flat_map(|container| {
        let ports = container
            .get("ports")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        ports
            .filter_map(|port| port.get("hostPort")?.as_i64())
            .filter(|port| *port != 0)
            .map(move |port| format!("{} takes port {port} of the node", name(container)))
    });
    ports.collect()
}

/// A probe of another host makes the kubelet ask it, from inside the node's network.
fn host_probes(pod: Pod<'_>) -> Vec<String> {
    const PLACES: [&str; 5] = [
        "/livenessProbe",
        "/readinessProbe",
        "/startupProbe",
        "/lifecycle/postStart",
        "/lifecycle/preStop",
    ];
    let asked = pod.containers().flat_map(|container| {
        let hosts = PLACES.iter().flat_map(move |place| {
            ["httpGet", "tcpSocket"].into_iter().filter_map(move |kind| {
                let host = container.pointer(&format!("{place}/{kind}/host"))?.as_str()?;
                (!host.is_empty()).then_some(host)
            })
        });
        hosts.map(move |host| format!("{} asks {host}", name(container)))
    });
    asked.collect()
}

fn apparmor(pod: Pod<'_>) -> Vec<String> {
    let fields = pod.contexts().filter_map(|(place, context)| {
        let kind = context.pointer("/appArmorProfile/type")?.as_str()?;
        (!["RuntimeDefault", "Localhost"].contains(&kind)).then(|| format!("{place} sets {kind}"))
    });
    let annotations = pod.get("/metadata/annotations").and_then(Value::as_object);
    let annotated = annotations.into_iter().flatten().filter_map(|(key, value)| {
        let value = value.as_str().filter(|_| key.starts_with(APPARMOR_ANNOTATION))?;
        let good = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        (!good).then(|| format!("annotation {key} sets {value}"))
    });
    fields.chain(annotated).collect()
}

fn selinux(pod: Pod<'_>) -> Vec<String> {
    let set = |(place, context): (String, &Value)| {
        let options = context.get("seLinuxOptions")?;
        let field = |name: &str| options.get(name).and_then(Value::as_str).unwrap_or_default();
        let bad =
            !SELINUX_TYPES.contains(&field("type")) || !field("user").is_empty() || !field("role").is_empty();
        bad.then(|| format!("{place} sets seLinuxOptions {options}"))
    };
    pod.contexts().filter_map(set).collect()
}

fn proc_mount(pod: Pod<'_>) -> Vec<String> {
    if pod.has_user_namespace() {
        Vec::new()
    } else {
        any_proc_mount(pod)
    }
}

fn any_proc_mount(pod: Pod<'_>) -> Vec<String> {
    let unmasked = |container: &&Value| {
        let kind = container
            .pointer("/securityContext/procMount")
            .and_then(Value::as_str);
        kind.is_some_and(|kind| kind != "Default")
    };
    pod.containers().filter(unmasked).map(name).collect()
}

fn seccomp_baseline(pod: Pod<'_>) -> Vec<String> {
    bad_seccomp(pod)
}

fn bad_seccomp(pod: Pod<'_>) -> Vec<String> {
    let bad = |(place, context): (String, &Value)| {
        let kind = seccomp(context)?;
        (!is_seccomp(kind)).then(|| format!("{place} sets {kind}"))
    };
    pod.contexts().filter_map(bad).collect()
}

fn sysctls(pod: Pod<'_>) -> Vec<String> {
    pod.list("/spec/securityContext/sysctls")
        .filter_map(|sysctl| sysctl.get("name")?.as_str())
        .filter(|name| !SYSCTLS.contains(name))
        .map(str::to_owned)
        .collect()
}

fn restricted_volumes(pod: Pod<'_>) -> Vec<String> {
    let good = |volume: &&Value| {
        let fields = volume.as_object().into_iter().flatten();
        let mut sources = fields.filter(|(key, value)| *key != "name" && !value.is_null());
        // One without a source is an emptyDir.
        sources
            .next()
            .is_none_or(|(kind, _)| VOLUMES.contains(&kind.as_str()))
    };
    pod.list("/spec/volumes")
        .filter(|volume| !good(volume))
        .map(volume_name)
        .collect()
}

fn escalation(pod: Pod<'_>) -> Vec<String> {
    if pod.is_windows() {
        return Vec::new();
    }
    let may = |container: &&Value| {
        container.pointer("/securityContext/allowPrivilegeEscalation") != Some(&Value::Bool(false))
    };
    pod.containers().filter(may).map(name).collect()
}

fn non_root(pod: Pod<'_>) -> Vec<String> {
    const FIELD: &str = "/securityContext/runAsNonRoot";
    if pod.has_user_namespace() {
        return Vec::new();
    }
    let own = pod
        .get("/spec/securityContext/runAsNonRoot")
        .and_then(Value::as_bool);
    let mut bad: Vec<String> = own
        .filter(|safe| !safe)
        .map(|_| "pod".to_owned())
        .into_iter()
        .collect();
    let may = |container: &&Value| {
        let safe = container.pointer(FIELD).and_then(Value::as_bool);
        !safe.or(own).unwrap_or(false)
    };
    bad.extend(pod.containers().filter(may).map(name));
    bad
}

fn user(pod: Pod<'_>) -> Vec<String> {
    if pod.has_user_namespace() {
        return Vec::new();
    }
    let root = |(_, context): &(String, &Value)| context.get("runAsUser").and_then(Value::as_i64) == Some(0);
    pod.contexts().filter(root).map(|(place, _)| place).collect()
}

fn seccomp_restricted(pod: Pod<'_>) -> Vec<String> {
    if pod.is_windows() {
        return Vec::new();
    }
    let own = pod
        .get("/spec/securityContext")
        .and_then(seccomp)
        .is_some_and(is_seccomp);
    let mut bad = bad_seccomp(pod);
    let without = |container: &&Value| container.get("securityContext").and_then(seccomp).is_none() && !own;
    bad.extend(
        pod.containers()
            .filter(without)
            .map(|it| format!("{} sets none", name(it))),
    );
    bad
}

fn capabilities_restricted(pod: Pod<'_>) -> Vec<String> {
    if pod.is_windows() {
        return Vec::new();
    }
    let mut bad = Vec::new();
    for container in pod.containers() {
        let list = |field: &str| texts(container.pointer(&format!("/securityContext/capabilities/{field}")));
        if !list("drop").any(|one| one == "ALL") {
            bad.push(format!("{} does not drop ALL", name(container)));
        }
        let added = list("add").filter(|one| *one != "NET_BIND_SERVICE");
        bad.extend(added.map(|one| format!("{} adds {one}", name(container))));
    }
    bad
}

fn seccomp(context: &Value) -> Option<&str> {
    context.pointer("/seccompProfile/type")?.as_str()
}

fn is_seccomp(kind: &str) -> bool {
    ["RuntimeDefault", "Localhost"].contains(&kind)
}

fn is_true(value: Option<&Value>) -> bool {
    value == Some(&Value::Bool(true))
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn volume_name(volume: &Value) -> String {
    format!("volume {}", volume.get("name").unwrap_or(&Value::Null))
}
