package nodes

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func podThat(restart corev1.RestartPolicy, annotations ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
	for index := 0; index < len(annotations); index += 2 {
		pod.Annotations[annotations[index]] = annotations[index+1]
	}
	pod.Spec.RestartPolicy = restart
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "some@sha256:00"}}
	return pod
}

func TestStageOf(t *testing.T) {
	const always, never = corev1.RestartPolicyAlways, corev1.RestartPolicyNever
	second := time.Second
	for _, each := range []struct {
		restart     corev1.RestartPolicy
		annotations []string
		elapsed     time.Duration
		kind        kind
		restarts    int32
		next        time.Duration
	}{
		{always, nil, 0, ready, 0, 0},
		{never, nil, 0, succeeded, 0, 0},
		{always, []string{delayKey, "2s"}, second, running, 0, second},
		{always, []string{delayKey, "2s"}, 2 * second, ready, 0, 0},
		{always, []string{behaviourKey, "unready"}, 0, running, 0, 0},
		{always, []string{behaviourKey, "unready", delayKey, "2s"}, second, ready, 0, second},
		{always, []string{behaviourKey, "crash"}, 0, crashed, 1, second},
		{always, []string{behaviourKey, "crash"}, second, running, 2, crashRun},
		{always, []string{behaviourKey, "crash"}, second + crashRun, crashed, 2, 2 * second},
		{always, []string{behaviourKey, "crash", delayKey, "3s"}, second, ready, 0, 2 * second},
		{never, []string{behaviourKey, "crash"}, 0, failed, 0, 0},
		{always, []string{behaviourKey, "fail"}, 0, failed, 0, 0},
		{always, []string{behaviourKey, "image-pull"}, 0, withoutImage, 0, 0},
		{always, []string{behaviourKey, "image-pull", delayKey, "1s"}, 0, creating, 0, second},
		{always, []string{behaviourKey, "config-error"}, 0, withoutConfig, 0, 0},
		{always, []string{behaviourKey, "pending"}, time.Hour, creating, 0, 0},
		{always, []string{behaviourKey, "what"}, 0, withoutConfig, 0, 0},
		{always, []string{delayKey, "soon"}, 0, withoutConfig, 0, 0},
		{always, []string{delayKey, "-1s"}, 0, withoutConfig, 0, 0},
	} {
		got := stageOf(podThat(each.restart, each.annotations...), each.elapsed)
		if got.kind != each.kind || got.restarts != each.restarts || got.next != each.next {
			t.Errorf("%v after %v: got %+v", each.annotations, each.elapsed, got)
		}
	}
}

func TestWaitsOfACrashLoopEndAtTheLongest(t *testing.T) {
	elapsed := time.Duration(0)
	longest := time.Duration(0)
	for range 40 {
		at := crashLoop(elapsed)
		longest = max(longest, at.next)
		elapsed += at.next
	}
	if longest != longestWait {
		t.Errorf("waits up to %v", longest)
	}
}
