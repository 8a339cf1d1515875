package nodes

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

const (
	firstRetry   = 20 * time.Millisecond
	longestRetry = 2 * time.Second
)

// A queue works on the objects of a kind whenever they change, when their time has come, and again after a failure.
type queue struct {
	keys workqueue.TypedRateLimitingInterface[string]
	// step does what an object needs now, and says after what time it needs more; 0 if nothing.
	step    func(ctx context.Context, key string) (time.Duration, error)
	workers int
}

func newQueue(informer cache.SharedIndexInformer, workers int, step func(context.Context, string) (time.Duration, error)) *queue {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, longestRetry)
	made := &queue{keys: workqueue.NewTypedRateLimitingQueue(limiter), step: step, workers: workers}
	add := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			made.keys.Add(key)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(_, object any) { add(object) },
		DeleteFunc: add,
	})
	if err != nil {
		panic(fmt.Sprintf("an informer that has not begun takes handlers: %v", err))
	}
	return made
}

func (q *queue) run(ctx context.Context) {
	for range q.workers {
		go func() {
			for q.next(ctx) {
			}
		}()
	}
	<-ctx.Done()
	q.keys.ShutDown()
}

func (q *queue) next(ctx context.Context) bool {
	key, ended := q.keys.Get()
	if ended {
		return false
	}
	defer q.keys.Done(key)
	again, err := q.step(ctx, key)
	switch {
	case err != nil:
		klog.V(2).InfoS("again after a failure", "key", key, "err", err)
		q.keys.AddRateLimited(key)
	case again > 0:
		q.keys.Forget(key)
		q.keys.AddAfter(key, again)
	default:
		q.keys.Forget(key)
	}
	return true
}
