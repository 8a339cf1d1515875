package nodes

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// balancers gives each Service of type LoadBalancer an address, at which nothing answers unless the node is real.
type balancers struct {
	address  func(key string) string
	client   kubernetes.Interface
	services listers.ServiceLister
	queue    *queue
}

func newBalancers(client kubernetes.Interface, factory informers.SharedInformerFactory) *balancers {
	informer := factory.Core().V1().Services()
	made := &balancers{address: address, client: client, services: informer.Lister()}
	made.queue = newQueue(informer.Informer(), 2, made.step)
	return made
}

func (b *balancers) run(ctx context.Context) { b.queue.run(ctx) }

func (b *balancers) step(ctx context.Context, key string) (time.Duration, error) {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return 0, err
	}
	service, err := b.services.Services(namespace).Get(name)
	if err != nil || service.Spec.Type != corev1.ServiceTypeLoadBalancer || len(service.Status.LoadBalancer.Ingress) > 0 {
		return 0, nil
	}
	changed := service.DeepCopy()
	changed.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: b.address(key)}}
	_, err = b.client.CoreV1().Services(namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return 0, nil
	}
	return 0, err
}

// address is always the same for a Service, from 198.18.0.0/15, which belongs to nobody.
func address(key string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(key))
	number := sum.Sum32()
	return fmt.Sprintf("198.%d.%d.%d", 18+number>>16&1, number>>8&255, number&255)
}
