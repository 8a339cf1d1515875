// Command cluster runs a real Kubernetes control plane for tests: etcd, API server, controller manager and scheduler, each
// as a process of its own, all from this one file, and nodes that start no container but behave as a pod's annotations ask.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"windlass.dev/testing/cluster/nodes"
	"windlass.dev/testing/cluster/up"
)

const usage = `usage: cluster up --dir DIR [--nodes 3] [--stay]

Starts a Kubernetes control plane with nodes that only pretend, on free ports of 127.0.0.1, and prints one line of JSON
when it is healthy: where its kubeconfig is, and each component's process. It stops on SIGTERM or SIGINT, and when its
standard input ends (not with --stay). DIR must be empty or not exist.

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
	case up.Etcd:
		return up.EtcdCommand()
	case up.Nodes:
		return nodes.Command()
	case "up":
		return up.Command()
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
	isUp := os.Args[1] == "up"
	os.Args = append(os.Args[:1], os.Args[2:]...)
	if !isUp {
		os.Exit(cli.Run(command))
	}
	command.SetUsageTemplate(usage)
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
