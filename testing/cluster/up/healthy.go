package up

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// healthyPatience is how long the components may take together; three seconds is usual.
	healthyPatience = 3 * time.Minute
	healthyPause    = 50 * time.Millisecond
)

// awaitHealthy returns when a pod could be created and would start.
func awaitHealthy(ctx context.Context, where layout) error {
	config, err := clientcmd.BuildConfigFromFlags("", where.kubeconfig())
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthyPatience)
	defer cancel()
	if where.real != nil {
		if err := where.bring(ctx); err != nil {
			return err
		}
	}
	for {
		missing := unhealthy(ctx, client, where.nodes)
		if missing == nil && where.real != nil {
			missing = where.unreachable()
		}
		if missing == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not healthy after %s: %w; hint: its logs are %s/*.log",
				healthyPatience, missing, where.dir)
		case <-time.After(healthyPause):
		}
	}
}

// unhealthy says what is still missing.
func unhealthy(ctx context.Context, client *kubernetes.Clientset, nodes int) error {
	if _, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		return fmt.Errorf("the API server is not ready: %w", err)
	}
	if _, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return fmt.Errorf("the controllers have made no service account yet: %w", err)
	}
	found, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for index := range found.Items {
		if isReady(&found.Items[index]) {
			ready++
		}
	}
	if ready < nodes {
		return fmt.Errorf("%d of %d nodes are ready", ready, nodes)
	}
	return nil
}

func isReady(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
