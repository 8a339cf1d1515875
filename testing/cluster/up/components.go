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

var components = []string{Etcd, APIServer, Controllers, Scheduler, Nodes}

// serviceRange is where the addresses of Services come from. Nothing answers there: no node forwards anything.
const serviceRange = "10.96.0.0/16"

// auditPolicy keeps one line for each request that a test or the program under test sent, and none for the cluster's own.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
  {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "` + nodesUser + `"]},
  {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
  {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},
  {"level": "Metadata"}]}
`

// A layout is where one cluster's files are and at which ports its components listen.
type layout struct {
	dir                     string
	apiPort, etcdPort, peer int
	nodes                   int
}

func (l layout) server() string { return fmt.Sprintf("https://127.0.0.1:%d", l.apiPort) }

func (l layout) identities() string { return filepath.Join(l.dir, "identities") }

func (l layout) file(name string) string { return filepath.Join(l.identities(), name) }

func (l layout) kubeconfig() string { return filepath.Join(l.dir, "kubeconfig") }

func (l layout) audit() string { return filepath.Join(l.dir, "audit.log") }

// arguments of a component, after its name.
func (l layout) arguments(component string) []string {
	switch component {
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
	return []string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", l.etcdPort),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", l.apiPort), "--permit-port-sharing=true",
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + l.file("server.crt"), "--tls-private-key-file=" + l.file("server.key"),
		"--client-ca-file=" + l.file("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + l.file("accounts.pub"),
		"--service-account-signing-key-file=" + l.file("accounts.key"),
		"--service-cluster-ip-range=" + serviceRange,
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
		"--use-service-account-credentials=true", "--service-cluster-ip-range="+serviceRange,
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
