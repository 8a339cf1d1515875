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
}

// nodesUser is one user for all nodes: they only pretend, so nothing is lost with the rights of a single node.
const nodesUser = "windlass:nodes"

// writeIdentities fills a folder with all certificates, keys and kubeconfigs of one cluster.
func writeIdentities(path string, server string) error {
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
	out := folder{path: path}
	out.write("ca.crt", root.pem)
	out.write("front-ca.crt", front.pem)
	out.write("accounts.key", private)
	out.write("accounts.pub", public)
	made, err := root.server()
	out.writeIdentity("server", made, err)
	made, err = front.client("front-proxy")
	out.writeIdentity("front", made, err)
	for _, who := range users {
		made, err := root.client(who.user, who.groups...)
		out.writeIdentity(who.file, made, err)
		config, encodeErr := kubeconfig(server, root.pem, made)
		out.err = errors.Join(out.err, encodeErr)
		out.write(who.file+".kubeconfig", config)
	}
	return out.err
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
