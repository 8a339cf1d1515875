// Package nodes pretends to be the nodes of a cluster: it registers them and writes the status of pods, volumes and load
// balancers as kubelets and a cloud would. No container runs.
package nodes

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Command is the component `nodes`.
func Command() *cobra.Command {
	var config string
	var count int
	command := &cobra.Command{
		Use:          "nodes",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
			defer cancel()
			return run(ctx, config, count)
		},
	}
	command.Flags().StringVar(&config, "kubeconfig", "", "how to reach the API server")
	command.Flags().IntVar(&count, "count", 3, "how many nodes")
	return command
}

func run(ctx context.Context, path string, count int) error {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return fmt.Errorf("the kubeconfig %s: %w", path, err)
	}
	config.QPS = -1 // as fast as the API server takes it
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	hosts, err := register(ctx, client, count)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(withoutManagers))
	work := []func(context.Context){
		newPods(client, factory, hosts).run,
		newVolumes(client, factory).run,
		newBalancers(client, factory).run,
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for _, each := range work {
		go each(ctx)
	}
	<-ctx.Done()
	return nil
}

// withoutManagers drops what nobody here reads and what is most of an object.
func withoutManagers(object any) (any, error) {
	if meta, ok := object.(metav1.Object); ok {
		meta.SetManagedFields(nil)
	}
	return object, nil
}
