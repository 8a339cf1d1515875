package nodes

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A place is where a pod runs.
type place struct {
	host, ip string
	// since is when its node first saw it.
	since time.Time
}

// statusOf is what a kubelet would write for a pod in a stage. What has not changed keeps its times.
func statusOf(pod *corev1.Pod, now stage, where place, clock time.Time) corev1.PodStatus {
	status := *pod.Status.DeepCopy()
	status.Phase = now.kind.phase()
	status.HostIP, status.HostIPs = where.host, []corev1.HostIP{{IP: where.host}}
	status.PodIP, status.PodIPs = where.ip, []corev1.PodIP{{IP: where.ip}}
	status.ObservedGeneration = pod.Generation
	if status.StartTime == nil {
		status.StartTime = &metav1.Time{Time: where.since}
	}
	at := metav1.NewTime(clock)
	status.ContainerStatuses = nil
	for index := range pod.Spec.Containers {
		container := &pod.Spec.Containers[index]
		old := named(pod.Status.ContainerStatuses, container.Name)
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(container, old, now, at))
	}
	status.InitContainerStatuses = nil
	for index := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[index]
		old := named(pod.Status.InitContainerStatuses, container.Name)
		status.InitContainerStatuses = append(status.InitContainerStatuses, containerStatus(container, old, initStage(container, now), at))
	}
	setConditions(pod, &status, now, at)
	return status
}

func (k kind) phase() corev1.PodPhase {
	switch k {
	case running, ready, crashed:
		return corev1.PodRunning
	case failed:
		return corev1.PodFailed
	case succeeded:
		return corev1.PodSucceeded
	default:
		return corev1.PodPending
	}
}

// initStage is what an init container is: done before anything else begins, or, as a sidecar, there as long as the others.
func initStage(container *corev1.Container, now stage) stage {
	sidecar := container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
	if sidecar && (now.kind.phase() == corev1.PodRunning) {
		return stage{kind: ready}
	}
	return stage{kind: succeeded}
}

func named(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for index := range statuses {
		if statuses[index].Name == name {
			return &statuses[index]
		}
	}
	return &corev1.ContainerStatus{}
}

func containerStatus(container *corev1.Container, old *corev1.ContainerStatus, now stage, at metav1.Time) corev1.ContainerStatus {
	started := now.kind == running || now.kind == ready
	status := corev1.ContainerStatus{
		Name:         container.Name,
		Image:        container.Image,
		Ready:        now.kind == ready,
		Started:      &started,
		RestartCount: now.restarts,
	}
	if now.kind.phase() != corev1.PodPending {
		status.ContainerID = "windlass://" + container.Name
		status.ImageID = imageID(container.Image)
	}
	status.State = state(now, at)
	if now.restarts > 0 {
		status.LastTerminationState.Terminated = terminated(1, "Error", at)
	}
	if old.RestartCount == status.RestartCount && sameKind(old.State, status.State) {
		status.State, status.LastTerminationState = old.State, old.LastTerminationState
	}
	return status
}

// imageID is the image by its digest where the digest is known.
func imageID(image string) string {
	if strings.Contains(image, "@sha256:") {
		return image
	}
	return ""
}

func state(now stage, at metav1.Time) corev1.ContainerState {
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: now.message}}
	}
	switch now.kind {
	case running, ready:
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}
	case failed:
		return corev1.ContainerState{Terminated: terminated(1, "Error", at)}
	case succeeded:
		return corev1.ContainerState{Terminated: terminated(0, "Completed", at)}
	case crashed:
		return waiting("CrashLoopBackOff")
	case withoutImage:
		return waiting("ImagePullBackOff")
	case withoutConfig:
		return waiting("CreateContainerConfigError")
	default:
		return waiting("ContainerCreating")
	}
}

func terminated(code int32, reason string, at metav1.Time) *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, StartedAt: at, FinishedAt: at}
}

// sameKind tells whether two states differ at most in their times.
func sameKind(old, new corev1.ContainerState) bool {
	switch {
	case new.Running != nil:
		return old.Running != nil
	case new.Terminated != nil:
		return old.Terminated != nil && old.Terminated.ExitCode == new.Terminated.ExitCode
	default:
		return old.Waiting != nil && new.Waiting != nil && *old.Waiting == *new.Waiting
	}
}

func setConditions(pod *corev1.Pod, status *corev1.PodStatus, now stage, at metav1.Time) {
	reason := ""
	containers := corev1.ConditionTrue
	switch now.kind {
	case ready:
	case succeeded:
		containers, reason = corev1.ConditionFalse, "PodCompleted"
	case failed:
		containers, reason = corev1.ConditionFalse, "PodFailed"
	default:
		containers, reason = corev1.ConditionFalse, "ContainersNotReady"
	}
	all, allReason := containers, reason
	if all == corev1.ConditionTrue && !gatesOpen(pod) {
		all, allReason = corev1.ConditionFalse, "ReadinessGatesNotReady"
	}
	for _, condition := range []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue},
		{Type: corev1.PodInitialized, Status: corev1.ConditionTrue},
		{Type: corev1.ContainersReady, Status: containers, Reason: reason},
		{Type: corev1.PodReady, Status: all, Reason: allReason},
	} {
		condition.ObservedGeneration = pod.Generation
		setCondition(status, condition, at)
	}
}

// gatesOpen tells whether everybody whose consent a pod's readiness needs has given it.
func gatesOpen(pod *corev1.Pod) bool {
	for _, gate := range pod.Spec.ReadinessGates {
		open := false
		for _, condition := range pod.Status.Conditions {
			open = open || condition.Type == gate.ConditionType && condition.Status == corev1.ConditionTrue
		}
		if !open {
			return false
		}
	}
	return true
}

func setCondition(status *corev1.PodStatus, condition corev1.PodCondition, at metav1.Time) {
	condition.LastTransitionTime = at
	for index := range status.Conditions {
		old := &status.Conditions[index]
		if old.Type != condition.Type {
			continue
		}
		if old.Status == condition.Status {
			condition.LastTransitionTime = old.LastTransitionTime
		}
		*old = condition
		return
	}
	status.Conditions = append(status.Conditions, condition)
}
