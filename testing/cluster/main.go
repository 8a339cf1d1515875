// Command cluster runs a real Kubernetes control plane for tests: etcd, API server, controller manager and scheduler, each
// as a process of its own, all from this one file, and nodes that start no container but behave as a pod's annotations ask; or,
// for root, one node that runs pods.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	"windlass.dev/testing/cluster/dns"
	"windlass.dev/testing/cluster/nodes"
	"windlass.dev/testing/cluster/up"
)

const usage = `usage: cluster up --dir DIR [--nodes 3 | --real] [--stay]
       cluster up --try

Starts a Kubernetes control plane with nodes that only pretend, on free ports of 127.0.0.1, and prints one line of JSON
when it is healthy: where its kubeconfig is, and each component's process. It stops on SIGTERM or SIGINT, and when its
standard input ends (not with --stay). DIR must be empty or not exist.

With --real it has one node that runs pods, in namespaces of its own; that needs root, containerd and more. --try says what
of that is missing: exit code 3 for what can be installed, 4 for what this machine refuses.

What a pod does is said by its annotations (see README.md):
  windlass.test/pod     ready | unready | crash | fail | succeed | image-pull | config-error | pending
  windlass.test/delay   how long it takes until it does that, such as 2s
  windlass.test/stop    how long it takes to stop, at most its grace period
`

// Components by the name that the first argument gives. Each sets up signals, logs and feature gates for a whole process,
// which is why two of them never share one.
func component(name string) *cobra.Command {
	switch name {
	case up.APIServer:
		return apiserver.NewAPIServerCommand()
	case up.Controllers:
		return controllers.NewControllerManagerCommand()
	case up.Scheduler:
		return scheduler.NewSchedulerCommand()
	case up.Kubelet:
		return kubelet.NewKubeletCommand(context.Background())
	case up.Proxy:
		return proxy.NewProxyCommand()
	case up.Etcd:
		return up.EtcdCommand()
	case up.Nodes:
		return nodes.Command()
	case up.DNS:
		return dns.Command()
	case up.Cloud:
		return nodes.CloudCommand()
	case "up":
		return up.Command()
	case up.Inside, up.Within, up.Sweep:
		return up.PartOfReal(name)
	}
	return nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	command := component(os.Args[1])
	if command == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	// Ours, and CoreDNS, speak for themselves; the others set up their logs and end with their own codes. CoreDNS hands klog's
	// lines to Go's own log, which those would hand back to klog.
	own := slices.Contains([]string{"up", up.Inside, up.Within, up.Sweep, up.DNS}, os.Args[1])
	os.Args = append(os.Args[:1], os.Args[2:]...)
	if !own {
		os.Exit(cli.Run(command))
	}
	command.SetUsageTemplate(usage)
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(up.ExitCode(err))
	}
}
