package up

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Who speaks to the API server, by the name of their kubeconfig, with the user and groups of their certificate.
var users = []struct {
	file, user string
	groups     []string
}{
	{"admin", "admin", []string{"system:masters"}},
	{Controllers, "system:kube-controller-manager", nil},
	{Scheduler, "system:kube-scheduler", nil},
	{Nodes, nodesUser, []string{"system:masters"}},
	{Kubelet, "system:node:" + nodeName, []string{"system:nodes"}},
	{Proxy, "system:kube-proxy", nil},
	{DNS, dnsUser, []string{"system:masters"}},
	{Cloud, cloudUser, []string{"system:masters"}},
}

// nodesUser is one user for all nodes: they only pretend, so nothing is lost with the rights of a single node.
const nodesUser = "windlass:nodes"

const (
	dnsUser   = "windlass:coredns"
	cloudUser = "windlass:cloud"
)

// writeIdentities fills a folder with all certificates, keys and kubeconfigs of one cluster.
func (l layout) writeIdentities() error {
	root, err := newAuthority("windlass test cluster")
	if err != nil {
		return fmt.Errorf("no certificate authority: %w", err)
	}
	// Requests that the API server passes on to extensions are signed by somebody who signs for no user.
	front, err := newAuthority("windlass test cluster: extensions")
	if err != nil {
		return fmt.Errorf("no certificate authority for extensions: %w", err)
	}
	private, public, err := serviceAccountKeys()
	if err != nil {
		return fmt.Errorf("no key for service accounts: %w", err)
	}
	out := folder{path: l.identities()}
	out.write("ca.crt", root.pem)
	out.write("front-ca.crt", front.pem)
	out.write("accounts.key", private)
	out.write("accounts.pub", public)
	made, err := root.server("kube-apiserver", l.serverNames(), l.serverAddresses())
	out.writeIdentity("server", made, err)
	if l.real != nil {
		made, err = root.server("system:node:"+nodeName, []string{nodeName}, []string{l.real.node()})
		out.writeIdentity("node", made, err)
	}
	made, err = front.client("front-proxy")
	out.writeIdentity("front", made, err)
	for _, who := range users {
		made, err := root.client(who.user, who.groups...)
		out.writeIdentity(who.file, made, err)
		config, encodeErr := kubeconfig(l.server(), root.pem, made)
		out.err = errors.Join(out.err, encodeErr)
		out.write(who.file+".kubeconfig", config)
	}
	return out.err
}

// serverNames are those by which pods reach the API server, and the machine itself.
func (l layout) serverNames() []string {
	return []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
}

func (l layout) serverAddresses() []string {
	if l.real == nil {
		return []string{"127.0.0.1", "10.96.0.1"}
	}
	return []string{"127.0.0.1", l.real.node(), l.real.apiService()}
}

// kubeconfig is one as JSON, which is YAML as well, so that a test can read it without a YAML parser.
func kubeconfig(server string, root []byte, who identity) ([]byte, error) {
	type named map[string]any
	config := map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": "windlass-test",
		"clusters": []named{{"name": "windlass-test", "cluster": named{
			"server": server, "certificate-authority-data": root,
		}}},
		"users": []named{{"name": "windlass-test", "user": named{
			"client-certificate-data": who.certificate, "client-key-data": who.key,
		}}},
		"contexts": []named{{"name": "windlass-test", "context": named{
			"cluster": "windlass-test", "user": "windlass-test",
		}}},
	}
	return json.MarshalIndent(config, "", "  ")
}
