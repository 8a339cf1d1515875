package nodes

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

var somewhere = place{host: "10.0.0.1", ip: "10.244.0.1", since: time.Unix(1000, 0)}

func TestAStatusIsWrittenOnce(t *testing.T) {
	for _, behaviour := range []string{"ready", "unready", "crash", "fail", "succeed", "image-pull", "config-error", "pending"} {
		pod := podThat(corev1.RestartPolicyAlways, behaviourKey, behaviour)
		at := stageOf(pod, 0)
		pod.Status = statusOf(pod, at, somewhere, time.Unix(1000, 0))
		later := statusOf(pod, at, somewhere, time.Unix(2000, 0))
		if !equality.Semantic.DeepEqual(pod.Status, later) {
			t.Errorf("%s: a second look changes it from %+v to %+v", behaviour, pod.Status, later)
		}
	}
}

func TestReadinessIsSaidOfPodAndContainers(t *testing.T) {
	pod := podThat(corev1.RestartPolicyAlways)
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/gate"}}
	status := statusOf(pod, stage{kind: ready}, somewhere, time.Unix(1000, 0))
	want := map[corev1.PodConditionType]corev1.ConditionStatus{
		corev1.ContainersReady: corev1.ConditionTrue, corev1.PodReady: corev1.ConditionFalse,
	}
	check(t, status, want)
	pod.Status = status
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
		Type: "example.com/gate", Status: corev1.ConditionTrue,
	})
	want[corev1.PodReady] = corev1.ConditionTrue
	check(t, statusOf(pod, stage{kind: ready}, somewhere, time.Unix(1000, 0)), want)
	if image := status.ContainerStatuses[0].ImageID; image != "some@sha256:00" {
		t.Errorf("image %q", image)
	}
}

func check(t *testing.T, status corev1.PodStatus, want map[corev1.PodConditionType]corev1.ConditionStatus) {
	t.Helper()
	for _, condition := range status.Conditions {
		if expected, asked := want[condition.Type]; asked && condition.Status != expected {
			t.Errorf("%s is %s", condition.Type, condition.Status)
		}
	}
}

func TestAddressesDiffer(t *testing.T) {
	all := &pods{used: map[string]bool{}}
	for range 70_000 {
		address := all.freeAddress()
		if all.used[address] {
			t.Fatalf("%s is given twice", address)
		}
		all.used[address] = true
	}
}
