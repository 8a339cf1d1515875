package nodes

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// podWorkers write this many statuses at a time.
const podWorkers = 16

// pods keeps the status of every pod that was scheduled to one of our nodes.
type pods struct {
	client kubernetes.Interface
	lister listers.PodLister
	hosts  map[string]string
	queue  *queue

	mutex  sync.Mutex
	places map[types.UID]place
	uids   map[string]types.UID
	used   map[string]bool
	last   int
}

func newPods(client kubernetes.Interface, factory informers.SharedInformerFactory, hosts map[string]string) *pods {
	informer := factory.Core().V1().Pods()
	made := &pods{
		client: client,
		lister: informer.Lister(),
		hosts:  hosts,
		places: map[types.UID]place{},
		uids:   map[string]types.UID{},
		used:   map[string]bool{},
	}
	made.queue = newQueue(informer.Informer(), podWorkers, made.step)
	return made
}

// run begins by noting the addresses that pods have from before this process was started again.
func (p *pods) run(ctx context.Context) {
	known, err := p.lister.List(labels.Everything())
	if err != nil {
		klog.ErrorS(err, "cannot list pods")
	}
	for _, pod := range known {
		if pod.Status.PodIP != "" {
			p.used[pod.Status.PodIP] = true
		}
	}
	p.queue.run(ctx)
}

// step does what one pod needs now.
func (p *pods) step(ctx context.Context, key string) (time.Duration, error) {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return 0, err
	}
	pod, err := p.lister.Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		p.forget(key)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	host, ours := p.hosts[pod.Spec.NodeName]
	if !ours {
		return 0, nil
	}
	if pod.DeletionTimestamp != nil {
		return p.stop(ctx, pod)
	}
	if ended(pod) {
		return 0, nil
	}
	where := p.place(key, pod, host)
	now := time.Now()
	stage := stageOf(pod, now.Sub(where.since))
	return stage.next, p.write(ctx, pod, statusOf(pod, stage, where, now))
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func (p *pods) write(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) error {
	if equality.Semantic.DeepEqual(pod.Status, status) {
		return nil
	}
	changed := pod.DeepCopy()
	changed.Status = status
	_, err := p.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// The watch brings what it was changed to, and with it the next step.
		return nil
	}
	return err
}

// stop lets go of a pod that is being deleted once it has taken as long as it asked for, at most its grace period.
func (p *pods) stop(ctx context.Context, pod *corev1.Pod) (time.Duration, error) {
	grace := time.Duration(0)
	if pod.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	}
	if grace == 0 && ended(pod) {
		return 0, nil
	}
	asked, _ := behaviourOf(pod)
	begun := pod.DeletionTimestamp.Add(-grace)
	if left := time.Until(begun.Add(min(asked.stop, grace))); left > 0 {
		return left, nil
	}
	if !ended(pod) && len(pod.Finalizers) > 0 {
		// Who holds on to it, such as a Job that counts it, waits for its end.
		where := place{host: pod.Status.HostIP, ip: pod.Status.PodIP, since: begun}
		return 0, p.write(ctx, pod, statusOf(pod, stage{kind: failed}, where, time.Now()))
	}
	now := int64(0)
	err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return 0, nil
	}
	return 0, err
}

// place is where and since when a pod runs; the first look decides it.
func (p *pods) place(key string, pod *corev1.Pod, host string) place {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known, ok := p.places[pod.UID]; ok {
		return known
	}
	where := place{host: host, ip: pod.Status.PodIP, since: time.Now()}
	if pod.Status.StartTime != nil {
		where.since = pod.Status.StartTime.Time
	}
	switch {
	case pod.Spec.HostNetwork:
		where.ip = host
	case where.ip == "":
		where.ip = p.freeAddress()
	}
	p.used[where.ip] = true
	p.places[pod.UID], p.uids[key] = where, pod.UID
	return where
}

// freeAddress goes around through 10.244.0.0/14.
func (p *pods) freeAddress() string {
	for {
		p.last = p.last%(1<<18-2) + 1
		address := fmt.Sprintf("10.%d.%d.%d", 244+p.last>>16, p.last>>8&255, p.last&255)
		if !p.used[address] {
			return address
		}
	}
}

func (p *pods) forget(key string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	uid := p.uids[key]
	delete(p.used, p.places[uid].ip)
	delete(p.places, uid)
	delete(p.uids, key)
}
