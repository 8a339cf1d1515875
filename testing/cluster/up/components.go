package up

import (
	"fmt"
	"path/filepath"
)

// The components, by the argument that makes the binary one of them.
const (
	Etcd        = "etcd"
	APIServer   = "kube-apiserver"
	Controllers = "kube-controller-manager"
	Scheduler   = "kube-scheduler"
	Nodes       = "nodes"
)

// Those that a real node has instead of nodes that pretend. Containerd is the one that is no part of the binary.
const (
	Containerd = "containerd"
	Kubelet    = "kubelet"
	Proxy      = "kube-proxy"
	DNS        = "coredns"
	Cloud      = "cloud"
)

// serviceRange is where the addresses of Services come from where nodes pretend. Nothing answers there: no node forwards
// anything.
const serviceRange = "10.96.0.0/16"

// auditPolicy keeps one line for each request that a test or the program under test sent, and none for the cluster's own.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
  {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "` + nodesUser + `",
    "system:kube-proxy", "` + dnsUser + `", "` + cloudUser + `"]},
  {"level": "None", "userGroups": ["system:nodes"]},
  {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
  {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},
  {"level": "Metadata"}]}
`

// A layout is where one cluster's files are and at which ports its components listen.
type layout struct {
	dir                     string
	apiPort, etcdPort, peer int
	nodes                   int
	// real is the cluster's network where its node is real.
	real *network
}

// components in the order in which they are started.
func (l layout) components() []string {
	shared := []string{Etcd, APIServer, Controllers, Scheduler}
	if l.real == nil {
		return append(shared, Nodes)
	}
	return append(shared, Containerd, Kubelet, Proxy, DNS, Cloud)
}

// address is where the API server listens.
func (l layout) address() string {
	if l.real == nil {
		return "127.0.0.1"
	}
	return l.real.node()
}

func (l layout) server() string { return fmt.Sprintf("https://%s:%d", l.address(), l.apiPort) }

func (l layout) services() string {
	if l.real == nil {
		return serviceRange
	}
	return l.real.services()
}

func (l layout) identities() string { return filepath.Join(l.dir, "identities") }

func (l layout) file(name string) string { return filepath.Join(l.identities(), name) }

func (l layout) kubeconfig() string { return filepath.Join(l.dir, "kubeconfig") }

func (l layout) audit() string { return filepath.Join(l.dir, "audit.log") }

// program that is a component, and its arguments.
func (l layout) program(component string) (string, []string) {
	if component == Containerd {
		return containerd, []string{"--config=" + filepath.Join(l.dir, "containerd.toml")}
	}
	return "/proc/self/exe", append([]string{component}, l.arguments(component)...)
}

// arguments of a component, after its name.
func (l layout) arguments(component string) []string {
	switch component {
	case Kubelet:
		return []string{
			"--config=" + filepath.Join(l.dir, "kubelet.json"), "--kubeconfig=" + l.file(Kubelet+".kubeconfig"),
			"--hostname-override=" + nodeName, "--node-ip=" + l.real.node(),
			"--node-labels=topology.kubernetes.io/zone=zone-1",
		}
	case Proxy:
		return []string{
			"--kubeconfig=" + l.file(Proxy+".kubeconfig"), "--hostname-override=" + nodeName,
			"--proxy-mode=iptables", "--cluster-cidr=" + l.real.pods(),
			// Limits of the whole machine, which are nobody's to change from here.
			"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
		}
	case DNS:
		return []string{"--conf=" + filepath.Join(l.dir, "Corefile")}
	case Cloud:
		return []string{
			"--kubeconfig=" + l.file(Cloud+".kubeconfig"), "--address=" + l.real.node(), "--dns=" + l.real.dns(),
		}
	case Etcd:
		return []string{
			"--dir=" + filepath.Join(l.dir, "etcd"),
			fmt.Sprintf("--client=http://127.0.0.1:%d", l.etcdPort),
			fmt.Sprintf("--peer=http://127.0.0.1:%d", l.peer),
		}
	case APIServer:
		return l.apiServer()
	case Controllers:
		return l.controllers()
	case Scheduler:
		return l.identified(Scheduler,
			"--secure-port=0", "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000")
	default:
		return []string{"--kubeconfig=" + l.file(Nodes+".kubeconfig"), fmt.Sprintf("--count=%d", l.nodes)}
	}
}

func (l layout) apiServer() []string {
	return append(l.apiServerEverywhere(), l.apiServerHere()...)
}

func (l layout) apiServerHere() []string {
	if l.real == nil {
		return []string{"--endpoint-reconciler-type=none"}
	}
	return []string{
		"--advertise-address=" + l.real.node(), "--kubelet-preferred-address-types=InternalIP",
		"--kubelet-certificate-authority=" + l.file("ca.crt"),
		"--kubelet-client-certificate=" + l.file("admin.crt"), "--kubelet-client-key=" + l.file("admin.key"),
	}
}

func (l layout) apiServerEverywhere() []string {
	return []string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", l.etcdPort),
		"--bind-address=" + l.address(), fmt.Sprintf("--secure-port=%d", l.apiPort), "--permit-port-sharing=true",
		"--tls-cert-file=" + l.file("server.crt"), "--tls-private-key-file=" + l.file("server.key"),
		"--client-ca-file=" + l.file("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + l.file("accounts.pub"),
		"--service-account-signing-key-file=" + l.file("accounts.key"),
		"--service-cluster-ip-range=" + l.services(),
		"--authorization-mode=Node,RBAC", "--allow-privileged=true",
		// The nodes are ready when they say so, and nobody watches whether they breathe.
		"--disable-admission-plugins=TaintNodesByCondition",
		"--requestheader-client-ca-file=" + l.file("front-ca.crt"), "--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + l.file("front.crt"), "--proxy-client-key-file=" + l.file("front.key"),
		"--audit-policy-file=" + l.file("audit-policy.json"), "--audit-log-path=" + l.audit(),
		"--audit-log-mode=blocking",
	}
}

func (l layout) controllers() []string {
	return l.identified(Controllers,
		"--secure-port=0", "--leader-elect=false",
		"--service-account-private-key-file="+l.file("accounts.key"), "--root-ca-file="+l.file("ca.crt"),
		"--use-service-account-credentials=true", "--service-cluster-ip-range="+l.services(),
		// A machine that is stopped for a minute would come back to nodes declared dead.
		"--controllers=*,-node-lifecycle-controller",
		"--kube-api-qps=500", "--kube-api-burst=1000")
}

// identified are the arguments of a component that speaks to the API server as itself.
func (l layout) identified(component string, more ...string) []string {
	config := l.file(component + ".kubeconfig")
	return append([]string{
		"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
	}, more...)
}
