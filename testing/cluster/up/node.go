package up

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// nodeName is the one node of a real cluster.
const nodeName = "node-1"

// containerdSocket is where it is inside of the node; both below /run, which only the node sees.
const containerdSocket = "/run/containerd/containerd.sock"

// resolved is where pods that do not ask the cluster's own server for names would ask: nowhere.
const resolved = "# Nothing outside of the cluster is known by a name.\n"

// writeNode fills the cluster's folder with what containerd, the kubelet, pods' networks and CoreDNS are told.
func (l layout) writeNode() error {
	if err := os.MkdirAll(l.networks(), 0o700); err != nil {
		return err
	}
	kubelet, err := json.MarshalIndent(l.kubelet(), "", "  ")
	if err != nil {
		return err
	}
	pods, err := json.MarshalIndent(l.podNetwork(), "", "  ")
	if err != nil {
		return err
	}
	write := func(name string, content []byte) error {
		return os.WriteFile(filepath.Join(l.dir, name), content, 0o600)
	}
	return errors.Join(
		write("containerd.toml", []byte(l.containerd())),
		write("kubelet.json", kubelet),
		write("Corefile", []byte(l.corefile())),
		write("resolv.conf", []byte(resolved)),
		os.WriteFile(filepath.Join(l.networks(), "10-pods.conflist"), pods, 0o600),
		writePause(filepath.Join(l.dir, "pause.tar")),
	)
}

func (l layout) networks() string { return filepath.Join(l.dir, "networks") }

func (l layout) containerd() string {
	return fmt.Sprintf(`version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]

[grpc]
address = %q

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = %q
disable_apparmor = true
disable_tcp_service = true
enable_unprivileged_ports = true
# A machine may not have the capability to make a process less likely to be killed.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = %q
conf_dir = %q
`, containerdSocket, pauseImage, plugins, l.networks())
}

// podNetwork routes each pod by itself: on a bridge, packets between pods would pass by the rules of Services.
func (l layout) podNetwork() any {
	type set map[string]any
	return set{
		"cniVersion": "0.4.0", "name": "pods",
		"plugins": []set{
			{"type": "ptp", "ipam": set{
				"type": "host-local", "ranges": [][]set{{{"subnet": l.real.pods()}}},
				"routes": []set{{"dst": "0.0.0.0/0"}},
			}},
			{"type": "portmap", "capabilities": set{"portMappings": true}},
		},
	}
}

func (l layout) kubelet() any {
	type set map[string]any
	return set{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address":        l.real.node(),
		"authentication": set{"anonymous": set{"enabled": false}, "x509": set{"clientCAFile": l.file("ca.crt")}},
		"tlsCertFile":    l.file("node.crt"), "tlsPrivateKeyFile": l.file("node.key"),
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"clusterDNS":               []string{l.real.dns()}, "clusterDomain": "cluster.local",
		"resolvConf":   filepath.Join(l.dir, "resolv.conf"),
		"cgroupDriver": "cgroupfs", "cgroupRoot": "/" + l.real.name(), "failCgroupV1": false,
		"enforceNodeAllocatable": []string{"pods"},
		"failSwapOn":             false,
		"volumePluginDir":        "/var/lib/kubelet/volume-plugins",
		"serializeImagePulls":    false,
		// Images that nothing could pull again are never collected, and a full disk is not the pods' fault.
		"imageGCHighThresholdPercent": 100,
		"evictionHard": map[string]string{
			"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
			"imagefs.available": "0%", "imagefs.inodesFree": "0%",
		},
	}
}

func (l layout) corefile() string {
	return fmt.Sprintf(`.:53 {
    bind %s
    errors
    kubernetes cluster.local in-addr.arpa {
        kubeconfig %s
        ttl 5
    }
}
`, l.real.node(), l.file(DNS+".kubeconfig"))
}
